"""Weights of samples: the bits of the reference, what they mean, and bad ones."""

import numpy as np
import pytest

import fastxor
from fastxor import reference, train, train_many
from fastxor.agreement import compare, differing
from tests.conftest import assert_same_bits, samples

ENDS = [("sigmoid", "mse"), ("sigmoid", "log_loss"), ("softmax", "log_loss"), ("tanh", "mse")]
EACH_END = pytest.mark.parametrize(("output", "loss"), ENDS)


def data_of(n, output):
    X, y = samples(n, 3, 2, seed=n)
    weights = np.random.default_rng(n).choice([0, 1, 2, 0.3, 1e-3], n)
    weights[-1] = 1.5
    return X, y / y.sum(axis=1, keepdims=True) if output == "softmax" else y, weights


# small kernels, tiles, blocks
BATCHES = [(4, None), (7, 2), (50, None), (50, 20), (1500, 1100)]


@pytest.mark.parametrize(("n", "batch_size"), BATCHES, ids=str)
@EACH_END
def test_bits(n, batch_size, output, loss, dtype):
    X, y, weights = data_of(n, output)
    call = {
        "sample_weight": weights, "hidden_size": 5, "output": output, "loss": loss, "epochs": 5,
        "learning_rate": 0.01, "batch_size": batch_size, "dtype": dtype, "tolerance": 0.75,
    }  # fmt: skip
    for shuffle in (False, True):
        result = compare(X, y, shuffle=shuffle, threads=1, show=False, **call)
        assert result.agree, str(result)
    if n <= 50:
        runs = train_many(X, y, seed=range(3), record_every=1, **call)
        for seed in range(3):
            assert_same_bits(runs[seed], reference.train(X, y, seed=seed, **call))


@pytest.mark.parametrize(("n", "hidden_size"), [(300, 40), (2500, 12)], ids=["pair", "blocks"])
def test_bits_of_two_threads(n, hidden_size):
    X, y, weights = data_of(n, "sigmoid")
    for shuffle in (False, True):
        assert compare(
            X, y, sample_weight=weights, hidden_size=hidden_size, epochs=3, learning_rate=1e-3,
            threads=2, shuffle=shuffle, show=False,
        ).agree  # fmt: skip


def test_weights_of_one_change_nothing():
    X, y, _ = data_of(9, "sigmoid")
    assert_same_bits(train(X, y, sample_weight=np.ones(9), epochs=5), train(X, y, epochs=5))


@EACH_END
def test_whole_weights_are_repetitions(output, loss):
    """But for the order of sums."""
    X, y, _ = data_of(11, output)
    weights = np.arange(11) % 3
    call = {"output": output, "loss": loss, "epochs": 30, "learning_rate": 0.05, "hidden_size": 4}
    weighted = train(X, y, sample_weight=weights, **call)
    repeated = train(np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0), **call)
    assert weighted.losses == pytest.approx(repeated.losses, rel=1e-12, abs=0)
    for ours, theirs in zip(weighted.network.arrays, repeated.network.arrays, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-13)


def test_samples_of_no_weight_say_nothing(dtype):
    """Whatever they are; in the lane where they are, sums are the same without them."""
    X, y, _ = data_of(40, "sigmoid")
    weights = np.repeat([1.0, 0.0, 2.0], [8, 8, 24])
    call = {"epochs": 20, "dtype": dtype, "tolerance": 0.5, "hidden_size": 3}
    rest = weights > 0
    alone = train(X[rest], y[rest], sample_weight=weights[rest], **call)
    assert_same_bits(train(X, y, sample_weight=weights, **call), alone)
    X[8:16] *= 3
    y[8:16] = 1 - y[8:16]
    assert_same_bits(train(X, y, sample_weight=weights, **call), alone)


@pytest.mark.parametrize("n", [4, 20])
def test_solved_but_for_those_of_no_weight(n):
    X, y = fastxor.xor()
    X, y = np.tile(X, (n // 4, 1)), np.tile(y, (n // 4, 1)).astype(float)
    weights = np.ones(n)
    y[1], weights[1] = 5.0, 0.0  # which no output is near to
    call = {"hidden_size": 4, "epochs": 3000, "learning_rate": 4 / n, "tolerance": 0.5, "seed": 1}
    run = train(X, y, sample_weight=weights, **call)
    assert run.solved_at > 0
    assert train(X, y, **call).solved_at == -1
    runs = train_many(X, y, sample_weight=weights, **call | {"seed": [1, 1, 1]})
    assert runs.solved_at.tolist() == [run.solved_at] * 3


def test_weights_in_stores(tmp_path):
    X, y, weights = data_of(6, "sigmoid")
    call = {"X": X, "y": y, "seed": range(9), "epochs": 8, "record_every": 1}
    runs = train_many(**call, sample_weight=weights)
    store = train_many(**call, sample_weight=weights, store=tmp_path)
    assert differing(runs[3], store[3]) == []
    with pytest.raises(ValueError, match="must have the same X, y"):
        train_many(**call, store=tmp_path)


def test_large_weights():
    """A loss that overflows where parameters are finite ends training, side by side, too."""
    X, y = samples(6, 2, 1)
    call = {"epochs": 5, "learning_rate": 0.0, "dtype": "float32", "output": "tanh"}
    call |= {"sample_weight": np.full(6, 1e37), "hidden_size": 2}
    y *= 40
    with pytest.raises(fastxor.Diverged) as diverged:
        reference.train(X, y, **call)
    assert diverged.value.epoch == 0
    runs = train_many(X, y, seed=[42] * 3, **call)
    assert runs.diverged_at.tolist() == [0] * 3


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "sample_weight must have shape (4,), got (2,)"),
        (np.ones((4, 1)), ValueError, "(4, 1)"),
        ([1, 1, 1, -1], ValueError, "sample_weight must be at least 0, got -1"),
        (np.zeros(4), ValueError, "sample_weight must have a finite sum above 0, got 0.0"),
        ([1, 1, 1, np.nan], ValueError, "sample_weight must be finite in float64, got nan at [3]"),
        (np.full(4, 1e308), ValueError, "sample_weight must have a finite sum above 0"),
        ("equal", TypeError, "sample_weight must hold real numbers"),
    ],
)
@pytest.mark.parametrize("engine", [train, reference.train, train_many])
def test_bad_weights(weights, error, message, engine):
    with pytest.raises(error) as raised:
        engine(*fastxor.xor(), sample_weight=weights)
    assert type(raised.value) is error
    assert message in str(raised.value)
