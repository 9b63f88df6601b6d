"""Samples that are held out: their losses, the best network, and patience."""

from dataclasses import replace

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Interrupted, Runs, data, reference, train, train_many
from fastxor.agreement import compare, same_bits
from fastxor.training import crew
from tests.conftest import FLOATS, assert_same_bits, interrupting_bar, samples
from tests.test_faster import there_from

F64, F32 = FLOATS
NETWORK = {"hidden_size": (3, 2), "activation": "tanh", "output": "identity", "init": "glorot"}
# whose validation losses fall first and rise then
SOON = NETWORK | {"learning_rate": 0.02, "epochs": 120}


def held_out(m, inputs=3, outputs=2):
    X, y = samples(m + 50, inputs, outputs)
    return X[50:] * 1.5, y[50:]


# --- bits --------------------------------------------------------------------------------------
@pytest.mark.parametrize("m", [1, 8, 37, 1024, 2100])
@pytest.mark.parametrize(
    ("n", "batch_size", "shuffle"),
    [(4, None, False), (7, 2, True), (50, None, False), (50, 20, True), (1500, 1100, False)],
)
def test_bits(n, batch_size, shuffle, m, dtype):
    X, y = samples(n, 3, 2)
    result = compare(
        X, y, epochs=7, batch_size=batch_size, shuffle=shuffle, dtype=dtype, threads=1, show=False,
        learning_rate=0.01, validation=held_out(m), validate_every=2, **NETWORK,
    )  # fmt: skip
    assert result.agree, str(result)
    assert len(result.fast.validation_losses) == 3


@pytest.mark.parametrize(
    ("output", "loss"), [("softmax", "log_loss"), ("sigmoid", "log_loss"), ("sigmoid", "mse")]
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("inputs", [2, 9])
def test_bits_of_other_losses(output, loss, weighted, inputs, dtype):
    """And of many: what each network is when it is trained alone."""
    X, y = samples(20, inputs, 3)
    y = np.eye(3)[y.argmax(axis=1)]
    own = {"output": output, "loss": loss, "hidden_size": 4, "dtype": dtype, "epochs": 6}
    own |= {"validation": (X[12:], y[12:]), "learning_rate": 0.05, "tolerance": 0.5}
    weights = np.arange(12) / 4 if weighted else None
    assert compare(X[:12], y[:12], sample_weight=weights, show=False, **own).agree
    runs = train_many(X[:12], y[:12], sample_weight=weights, seed=range(3), record_every=1, **own)
    for seed in range(3):
        alone = reference.train(X[:12], y[:12], sample_weight=weights, seed=seed, **own)
        assert_same_bits(runs[seed], alone)


@pytest.mark.parametrize(("n", "hidden_size"), [(300, 40), (2500, 12)], ids=["pair", "blocks"])
@pytest.mark.parametrize("patience", [None, 2])
def test_bits_of_two_threads(n, hidden_size, patience, short_slices):
    X, y = samples(n, 3, 2)
    settings = {"learning_rate": 4e-4, "hidden_size": hidden_size, "batch_size": n - 20}
    settings |= {"validation": held_out(1100), "patience": patience, "epochs": 9, "threads": 2}
    result = compare(X, y, show=False, **settings)
    assert result.agree, str(result)


@pytest.mark.parametrize(("n", "batch_size"), [(4, None), (9, 4), (20, None), (20, 7)], ids=str)
@pytest.mark.parametrize("m", [1, 37, 2100])
@pytest.mark.parametrize("patience", [None, np.array([1, 2, 3, 40, 1])], ids=["on", "patience"])
def test_bits_of_many(n, batch_size, m, patience, dtype):
    X, y = samples(n, 3, 2)
    fixed = SOON | {"batch_size": batch_size, "dtype": dtype, "validate_every": 2, "epochs": 40}
    fixed |= {"validation": held_out(m), "tolerance": 0.5}
    rates = np.array([0.01, 0.02, 0.03, 0.05, 0.002])
    runs = train_many(
        X, y, seed=range(5), record_every=1, patience=patience, **fixed | {"learning_rate": rates}
    )
    for k in range(5):
        own = {"learning_rate": rates[k], "patience": patience if patience is None else patience[k]}
        expected = reference.train(X, y, seed=k, **fixed | own)
        assert_same_bits(runs[k], expected)
        assert np.isnan(runs.validation_losses[k, len(expected.validation_losses) :]).all()


def test_the_loss_is_that_of_the_network_then():
    X, y = samples(50, 3, 2)
    V = held_out(30)
    run = train(X, y, validation=V, validate_every=3, snapshots=(3, 6, 9), **SOON | {"epochs": 11})
    for loss, network in zip(run.validation_losses, run.snapshots.values(), strict=True):
        # the loss of an epoch is told before its update
        assert same_bits(train(*V, initial=network, epochs=1, learning_rate=0.0).losses[0], loss)
    assert run.best_epoch == 3 * (1 + run.validation_losses.argmin())
    assert all(map(same_bits, run.best.arrays, run.snapshots[run.best_epoch].arrays))
    assert run.best.velocity is None


def test_training_is_what_it_is_without():
    X, y = samples(9, 3, 2)
    run = train(X, y, validation=held_out(5), **SOON)
    plain = train(X, y, **SOON)
    assert all(map(same_bits, run.network.arrays, plain.network.arrays))
    assert same_bits(run.losses, plain.losses)
    assert plain.validation_losses is plain.best is plain.best_epoch is None


# --- patience ----------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", [train, reference.train])
@pytest.mark.parametrize(("patience", "expected"), [(1, 2), (30, 24)])
def test_patience(engine, patience, expected):
    """Losses fall, rise, fall further and rise again."""
    X, y = samples(10, 3, 2)
    call = NETWORK | {"learning_rate": 0.05, "epochs": 200, "seed": 0}
    call |= {"validation": held_out(20), "validate_every": 2}
    whole, run = engine(X, y, **call), engine(X, y, patience=patience, **call)
    assert run.best_epoch == 2 * (expected + 1)
    assert len(run.losses) == run.best_epoch + 2 * patience
    assert same_bits(run.validation_losses, whole.validation_losses[: expected + 1 + patience])
    assert same_bits(run.losses, whole.losses[: len(run.losses)])
    # the last network goes on as if nothing had been
    rest = engine(X, y, initial=run, **call | {"epochs": 200 - len(run.losses)})
    assert all(map(same_bits, rest.network.arrays, whole.network.arrays))


@pytest.mark.parametrize("looks", [4, 9])
def test_another_kernel_takes_over(looks, short_slices, monkeypatch):
    there_from(looks, monkeypatch)
    X, y = samples(3000, 2, 1)
    call = {"hidden_size": 3, "learning_rate": 1e-3, "epochs": 6, "validation": (X[:70], y[:70])}
    assert_same_bits(train(X, y, **call), reference.train(X, y, **call))


@pytest.mark.parametrize("n", [9, 1500])
@pytest.mark.parametrize("patience", [1, 5])
def test_slices_change_nothing(n, patience, short_slices):
    """Neither do threads, which go on a little after patience has run out."""
    X, y = samples(n, 3, 2)
    call = SOON | {"batch_size": 1100 if n > 9 else 4, "validation": held_out(20), "shuffle": True}
    call |= {"patience": patience, "epochs": 30, "learning_rate": 0.02 if n < 10 else 3e-4}
    expected = reference.train(X, y, **call)
    for threads in (1, 2):
        assert_same_bits(train(X, y, threads=threads, **call), expected)


@pytest.mark.parametrize("tolerance", [0.3, 0.45])
def test_solved_or_out_of_patience(tolerance, short_slices):
    """Whichever comes first."""
    X, y = data.xor()
    call = {"hidden_size": 4, "learning_rate": 2.0, "tolerance": tolerance, "epochs": 400}
    call |= {"validation": (X + 0.4, y), "patience": 20, "stop_when_solved": True}
    ends = set()
    for seed in range(8):
        expected = reference.train(X, y, seed=seed, **call)
        ends.add("solved" if expected.solved_at >= 0 else "patience")
        assert_same_bits(train(X, y, seed=seed, **call), expected)
    runs = train_many(X, y, seed=range(8), record_every=1, **call)
    for seed in range(8):
        assert_same_bits(runs[seed], reference.train(X, y, seed=seed, **call))
    assert runs.done.all()
    assert ends == {"solved", "patience"}


@pytest.mark.parametrize("n", [9, 2500])
def test_out_of_patience_and_then_solved(n):
    """By the epoch that is not trained any more, but by threads that go on a little."""
    X, _ = samples(n, 3, 1)
    call = {"hidden_size": 12, "learning_rate": 25 / n, "schedule": [0, 0, 0, 1, 1, 1], "epochs": 6}
    call |= {"tolerance": 0.4, "stop_when_solved": True, "validate_every": 2, "patience": 1}
    call |= {"validation": (X[:5], np.zeros(5))}
    expected = reference.train(X, np.ones(n), **call)
    assert expected.solved_at == -1
    assert len(expected.losses) == 4
    assert reference.train(X, np.ones(n), **call | {"patience": 3}).solved_at == 4
    for threads in (1, 2):
        assert_same_bits(train(X, np.ones(n), threads=threads, **call), expected)
    runs = train_many(X, np.ones(n), seed=[42] * 3, record_every=1, **call)
    assert_same_bits(runs[1], expected)


@pytest.mark.parametrize("engine", [train, reference.train])
def test_none_is_best_where_no_loss_is_a_number(engine):
    X, y = samples(9, 3, 2)
    V = np.full((3, 3), 1e200), np.ones((3, 2))
    run = engine(X, y, validation=V, patience=4, **SOON | {"activation": "identity"})
    assert len(run.losses) == 4
    assert run.best is None
    assert run.best_epoch == 0
    assert not np.isfinite(run.validation_losses).any()


def test_of_many_none_is_best_where_no_loss_is_a_number():
    X, y = samples(9, 3, 2)
    V = np.full((3, 3), 1e200), np.ones((3, 2))
    call = SOON | {"activation": "identity", "patience": 4}
    runs = train_many(X, y, validation=V, seed=range(3), **call)
    assert runs.epochs_done.tolist() == [4] * 3
    assert runs.best_epoch.tolist() == [0] * 3
    assert runs.done.all()
    assert runs[1].best is None
    assert np.isnan(runs.best.W1).all()


def test_divergence(short_slices):
    X, y = samples(9, 3, 2)
    call = SOON | {"activation": "relu", "learning_rate": 0.5, "validation": held_out(4)}
    call |= {"dtype": F32, "patience": 50}
    with pytest.raises(Diverged) as expected:
        reference.train(X, y, **call)
    assert len(expected.value.run.validation_losses) == expected.value.epoch > 1
    with pytest.raises(Diverged) as found:
        train(X, y, **call)
    assert found.value.epoch == expected.value.epoch
    assert_same_bits(found.value.run, expected.value.run)
    runs = train_many(X, y, seed=[42] * 3, record_every=1, tolerance=None, **call)
    assert runs.diverged_at.tolist() == [expected.value.epoch] * 3
    assert_same_bits(runs[2], expected.value.run)
    assert np.isnan(runs.validation_losses[2, expected.value.epoch :]).all()


def test_a_difference_is_found():
    """At the first epoch, whenever validations are due, and with nothing else asked for."""

    def fast(X, y, **settings):
        run = train(X, y, **settings)
        return replace(run, validation_losses=np.nextafter(run.validation_losses, np.inf))

    X, y = samples(9, 3, 2)
    call = SOON | {"validation": held_out(5), "validate_every": 2, "patience": 9, "snapshots": 5}
    result = compare(X, y, fast=fast, show=False, **call | {"epochs": 6})
    assert (result.first_epoch, result.first_tensor) == (0, "validation_losses")


# --- going on ----------------------------------------------------------------------------------
@pytest.mark.parametrize("shuffle", [False, True], ids=["side by side", "alone"])
def test_resuming_many(shuffle, short_slices, monkeypatch, tmp_path):
    """Also from a file and in a store: the next validation is due when it would have been."""
    X, y = samples(7, 3, 2)
    call = SOON | {
        "X": X, "y": y, "seed": range(5), "batch_size": 3, "shuffle": shuffle, "record_every": 2,
        "validation": held_out(9), "validate_every": 3, "patience": np.array([2, 20, 3, 1, 30]),
    }  # fmt: skip
    whole = train_many(**call)
    assert len(set(whole.epochs_done.tolist())) > 2
    store = train_many(**call, store=tmp_path / "store")

    def counting(self, networks, count=crew.Crew._count):
        count(self, networks)
        self.stopping = self.networks_done > 1.51  # as after Ctrl-C

    monkeypatch.setattr(crew.Crew, "_count", counting)
    begun = train_many(**call, threads=1)
    monkeypatch.undo()
    assert (begun.epochs_done[~begun.done] % 3 > 0).any(), "between two validations"
    path = tmp_path / "runs.npz"
    begun.save(path)
    resumed = train_many(**call, resume=Runs.load(path))
    for runs in (resumed, store[:]):
        assert runs.state.keys() == whole.state.keys()
        for name, array in whole.state.items():
            assert runs.state[name].tobytes() == array.tobytes(), name
    assert same_bits(whole[1].best.W1, whole.best.W1[1])
    assert same_bits(np.asarray(store.best_loss), whole.best_loss)
    assert same_bits(store.best.W2, whole.best.W2)


@pytest.mark.parametrize("engine", [train, reference.train])
def test_interrupted(engine, short_slices, monkeypatch):
    X, y = samples(9, 3, 2)
    call = SOON | {"validation": held_out(5), "validate_every": 2}
    where = "fastxor.reference" if engine is reference.train else "fastxor.training.single"
    monkeypatch.setattr(f"{where}.progress_bar", interrupting_bar)
    with pytest.raises(Interrupted) as interrupted:
        engine(X, y, **call)
    run = interrupted.value.run
    assert len(run.validation_losses) == len(run.losses) // 2


# --- bad input ---------------------------------------------------------------------------------
XOR = data.xor()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"validation": 3}, TypeError, "validation must be a pair (X, y), got int"),
        ({"validation": XOR[0]}, TypeError, "validation must be a pair (X, y), got ndarray"),
        ({"validation": (*XOR, 1)}, TypeError, "a pair (X, y), got tuple of 3"),
        (
            {"validation": (XOR[0][:, :1], XOR[1])},
            ValueError,
            "validation: X and y must have 2 and",
        ),
        ({"validation": (XOR[0][:3], XOR[1])}, ValueError, "validation: X and y must have as many"),
        ({"validation": (XOR[0] * np.nan, XOR[1])}, ValueError, "validation: X must be finite"),
        (
            {"validation": (XOR[0], XOR[1] * 2), "loss": "log_loss"},
            ValueError,
            "validation: y must be from 0 to 1 for the log loss, got 2",
        ),
        ({"validation": XOR, "validate_every": 0}, ValueError, "validate_every must be"),
        ({"validation": XOR, "patience": 0}, ValueError, "patience must"),
        ({"validation": XOR, "patience": 1.5}, TypeError, "patience must"),
        ({"patience": 3}, ValueError, "patience must be None without validation, got 3"),
        ({"validate_every": 3}, ValueError, "validate_every must be 1 without validation, got 3"),
    ],
)
@pytest.mark.parametrize("engine", [train, reference.train, train_many])
def test_bad_settings(settings, error, message, engine):
    with pytest.raises(error) as raised:
        engine(*fastxor.xor(), epochs=3, **settings)
    assert message in str(raised.value)
