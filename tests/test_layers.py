"""Networks of any depth, of all functions and losses: the bits of the reference.

Most are those of `tests.golden`, and few sizes of batches have kernels of their own, so that few
kernels are compiled here; each of those has one type.
"""

import itertools

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Network, reference
from fastxor.agreement import same_bits
from fastxor.runs.samples import Data
from fastxor.training import crew, engine, job
from fastxor.training.block_samples import samples_of
from tests.conftest import FLOATS, assert_same_bits, samples
from tests.golden import NETWORKS, layered

F64, F32 = FLOATS


def outcome(train, X, y, **settings):
    """The run, and the epoch that was not finite, or None."""
    try:
        return train(X, y, **settings), None
    except Diverged as error:
        return error.run, error.epoch


def compare(X, y, *, threads=None, **settings):
    """Train by both; the reference's outcome."""
    run, epoch = outcome(fastxor.train, X, y, threads=threads, **settings)
    expected, expected_epoch = outcome(reference.train, X, y, **settings)
    assert epoch == expected_epoch
    assert_same_bits(run, expected)
    return expected, epoch


def compare_many(X, y, *, seeds=5, rates=(0.05, 0.1), **settings):
    """Train many by `train_many`, and each by the reference; when each diverged."""
    of_one = {name: value for name, value in settings.items() if name != "record_every"}
    runs = fastxor.train_many(
        X, y, seed=np.arange(seeds), learning_rate=np.array(rates)[:, None],
        **{"tolerance": None} | settings,
    )  # fmt: skip
    ends = []
    for (i, rate), seed in itertools.product(enumerate(rates), range(seeds)):
        run = runs[i, seed]
        expected, epoch = outcome(reference.train, X, y, learning_rate=rate, seed=seed, **of_one)
        every = settings.get("record_every")
        if every:
            assert same_bits(run.losses, expected.losses[::every])
        if len(expected.losses):
            assert runs.final_loss[i, seed].tobytes() == expected.losses[-1].tobytes()
        assert run.solved_at == expected.solved_at
        state, expected_state = run.network.state, expected.network.state
        assert state.keys() == expected_state.keys()
        assert all(same_bits(state[name], expected_state[name]) for name in state)
        diverged_at = runs.diverged_at[i, seed]
        assert diverged_at == (-1 if epoch is None else epoch)
        ends.append(epoch)
    return ends


# --- batches -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["logistic", "curve", "relu", "deep"])
def test_large_batches(name, dtype):
    """One kernel: of more samples than fill a value, on both sides of a tile and of a block."""
    for n, batch_size in [
        (67, None), (130, 66), (300, 129), (1024, None), (1500, 1024), (2100, 1025),
    ]:  # fmt: skip
        X, y, settings = layered(name, n)
        for shuffle, momentum in ((False, 0.5), (True, 0.0)):
            compare(
                X, y, **settings, dtype=dtype, epochs=2, learning_rate=0.1 / (batch_size or n),
                batch_size=batch_size, shuffle=shuffle, momentum=momentum,
            )  # fmt: skip


WIDE = {"hidden_size": (33, 17), "activation": ("tanh", "sigmoid"), "output": "identity"}


@pytest.mark.parametrize(
    ("n", "batch_size", "dtype"),
    [(13, 6, F64), (70, 29, F64), (150, 70, F32)],
    ids=["small", "one value", "tiles"],
)
def test_many_inputs_units_and_outputs(n, batch_size, dtype):
    """None of them a multiple of what a value or a strip holds."""
    X, y = samples(n, 21, 11)
    for shuffle in (False, True):
        compare(
            X, 10 * y, **WIDE, dtype=dtype, init="glorot", epochs=3, batch_size=batch_size,
            shuffle=shuffle, learning_rate=0.05 / batch_size,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("n", "batch_size", "missing", "dtype"),
    [(6, 4, ["b1", "b3"], F64), (50, 13, ["b2"], F32)],
    ids=["small", "one value"],
)
def test_biases_in_some_layers(n, batch_size, missing, dtype):
    """Those of the network that training starts from."""
    random = np.random.default_rng(1)
    shapes = {"W1": (3, 4), "b1": (1, 4), "W2": (4, 2), "b2": (1, 2), "W3": (2, 2), "b3": (1, 2)}
    arrays = {name: random.random(shape) * 2 - 1 for name, shape in shapes.items()}
    start = Network(
        **arrays | dict.fromkeys(missing), activation=("relu", "tanh"), output="identity"
    )
    X, y = samples(n, 3, 2)
    run, _ = compare(
        X, y, initial=start, dtype=dtype, epochs=8, learning_rate=0.02, momentum=0.5,
        batch_size=batch_size, shuffle=True,
    )  # fmt: skip
    assert set(run.network.state) & set(missing) == set()


def test_a_small_batch_of_a_large_network():
    """Its weights are not spread, and many of it are trained one by one."""
    X, y = samples(8, 64, 10)
    settings = {
        "hidden_size": (40, 40), "activation": ("relu", "identity"), "output": "tanh",
        "init": "glorot", "epochs": 4,
    }  # fmt: skip
    compare(X, y, **settings, learning_rate=0.01)
    compare_many(X, y, **settings, seeds=1, rates=(0.005, 0.01))


# --- pauses and threads ------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["relu", "deep"])
def test_threads_change_no_bit(name, monkeypatch):
    """Nor does solving, nor pauses after each block."""
    monkeypatch.setattr(engine, "SHARED_FROM", 0)
    dtype = F64 if name == "deep" else F32
    X, y, settings = layered(name, 5000)
    settings |= {"epochs": 2, "learning_rate": 1e-5, "dtype": dtype, "tolerance": 0.9}
    for slice_ in (None, 0):
        if slice_ is not None:
            monkeypatch.setattr(job, "SLICE", slice_)
            monkeypatch.setattr(job, "FIRST_SLICE", slice_)
        compare(X, y, **settings, momentum=0.5, threads=2)
        compare(X, y, **settings, batch_size=2100, shuffle=True, threads=2)


def test_large_networks_pause_within_a_block(monkeypatch):
    """One tile of samples at a time; the sums so far are kept from call to call."""
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    X, y = samples(150, 2, 1)
    assert engine.LARGEST_BLOCK < 500 * 505
    for batch_size in (None, 100):
        compare(
            X, y, hidden_size=(500, 505), activation=("tanh", "relu"), init="glorot",
            epochs=2, learning_rate=1e-4, dtype=F32, batch_size=batch_size,
        )  # fmt: skip


# --- solved --------------------------------------------------------------------------------------
# batches of which the last is shorter, and all samples at once
SOLVED = [("curve", 7, 3, 0.02, F32), ("deep", 5, None, 0.1, F64)]


def tolerances(name, n, batch_size, rate, dtype, **settings):
    """The samples, settings, and tolerances that are met at the start, after some epochs, never."""
    X, y, of_network = layered(name, n)
    settings |= of_network | {"batch_size": batch_size, "dtype": dtype, "epochs": 40}
    found = [100.0]
    for epochs in (5, 20):
        run = reference.train(X, y, **settings | {"epochs": epochs}, learning_rate=rate)
        found.append(float(abs(run.network.predict_proba(X) - y).max()))
    return X, y, settings, [*found, 1e-9]


@pytest.mark.parametrize("case", SOLVED, ids=lambda case: case[0])
def test_solved(case):
    X, y, settings, found = tolerances(*case)
    seen = set()
    for tolerance in found:
        run, _ = compare(
            X, y, **settings, tolerance=tolerance, stop_when_solved=True, learning_rate=case[3]
        )
        seen.add(run.solved_at)
    assert {0, -1} < seen


@pytest.mark.parametrize("case", SOLVED, ids=lambda case: case[0])
def test_many_solved(case):
    X, y, settings, found = tolerances(*case, momentum=0.5)
    for tolerance in found:
        compare_many(
            X, y, **settings, tolerance=tolerance, stop_when_solved=True, record_every=3,
            rates=(case[3] / 2, case[3]),
        )  # fmt: skip


# --- many ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "n", "more"),
    [
        ("relu", 8, {"batch_size": 2, "shuffle": True}),
        ("softmax", 70, {"batch_size": 30, "shuffle": True}),
        ("relu", 1100, {}),
    ],
)
def test_many_that_are_trained_one_by_one(name, n, more, dtype):
    """Shuffled, or of batches of more than a block."""
    X, y, settings = layered(name, n)
    assert not side_by_side(X, y, settings | more, dtype)
    compare_many(X, y, **settings, **more, dtype=dtype, epochs=3, seeds=2, rates=(0.01, 0.02))


def side_by_side(X, y, settings, dtype):
    """Are many networks trained in the lanes of one kernel?"""
    run = fastxor.train_many(X, y, **settings, dtype=dtype, epochs=0)
    data = Data(X, y, None)
    return samples_of(data, run.networks.architecture, run.settings, False) is not None


@pytest.mark.parametrize(
    ("name", "n", "batch_size"),
    [
        ("relu", 9, None),
        ("deep", 21, 16),  # of which the last has fewer samples than one value
        ("softmax", 70, 23),
        ("logistic", 100, 33),
    ],
)
def test_many_in_batches_of_several_values(name, n, batch_size, dtype):
    X, y, settings = layered(name, n)
    settings |= {"batch_size": batch_size, "momentum": 0.5, "tolerance": 0.6}
    assert side_by_side(X, y, settings, dtype)
    for stop in (False, True):
        compare_many(
            X, y, **settings, stop_when_solved=stop, dtype=dtype, epochs=4, seeds=3,
            record_every=2, rates=(0.2 / n, 0.4 / n),
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("n", "batch_size"), [(1, None), (2, None), (3, 2), (6, None), (15, 7)])
def test_many_of_all_sizes(name, n, batch_size, dtype):
    X, y, settings = layered(name, n)
    if "initial" in settings:
        settings |= {"init": "randn"}
        del settings["initial"], settings["seed"]
    for momentum in (0.0, 0.5):
        compare_many(
            X, y, **settings, dtype=dtype, epochs=6, momentum=momentum, record_every=2,
            batch_size=batch_size,
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 12, 33, 70])
def test_all_sizes(name, n, dtype):
    X, y, settings = layered(name, n)
    for momentum, tolerance in ((0.0, None), (0.5, 0.6)):
        compare(
            X, y, **settings, dtype=dtype, epochs=6, momentum=momentum, tolerance=tolerance,
            learning_rate=0.2 / n,
        )  # fmt: skip


# --- divergence --------------------------------------------------------------------------------
DIVERGING = {
    "hidden_size": (4, 3), "activation": ("relu", "identity"), "output": "identity", "init": "he",
    "epochs": 300,
}  # fmt: skip


@pytest.mark.parametrize(
    ("n", "batch_size", "rate", "dtype"),
    [(7, 4, 0.2, F64), (7, 4, 0.2, F32), (45, 20, 0.03, F32), (155, 70, 0.01, F64)],
    ids=["small, float64", "small, float32", "one value", "tiles"],
)
def test_divergence(n, batch_size, rate, dtype):
    """Of a last batch that is shorter, too: its padding may be infinite."""
    X, y = samples(n, 2, 1)
    epochs = set()
    for seed in range(12):
        settings = DIVERGING | {"dtype": dtype, "batch_size": batch_size, "seed": seed}
        _, epoch = compare(X, y, **settings, learning_rate=rate * (1 + seed / 4))
        epochs.add(epoch)
    assert len(epochs - {None}) > 1


@pytest.mark.parametrize("record_every", [None, 2])
def test_many_diverge(record_every, dtype):
    X, y = samples(7, 2, 1)
    ends = compare_many(
        X, y, **DIVERGING, dtype=dtype, batch_size=4, record_every=record_every, seeds=10,
        rates=(0.01, 0.2, 0.3),
    )  # fmt: skip
    assert None in ends
    assert len(set(ends)) > 3


LINE = {"hidden_size": (), "output": "identity", "bias": False, "init": "glorot"}


def test_a_loss_that_overflows_before_the_parameters():
    """A weight that is doubled in each epoch: its square is infinite first."""
    X, y = np.array([[1.0], [1.0]]), np.zeros((2, 1))
    settings = LINE | {"epochs": 100, "dtype": F32}  # the weight is finite to the end
    run, epoch = compare(X, y, **settings, learning_rate=1.5)
    assert 60 < epoch < 70
    assert 1e18 < abs(run.network.W1[0, 0]) < 1e20
    for record_every in (None, 7):
        ends = compare_many(
            X, y, **settings, seeds=4, rates=(0.5, 1.5, 2.0), record_every=record_every
        )
        assert ends.count(None) == 4
        assert len(set(ends)) > 2


def test_a_log_loss_that_is_not_finite_where_the_parameters_are(dtype):
    """Infinite sums of the right sign: outputs of 1, errors of 0, but a loss of inf - inf."""
    X, y = samples(5, *NETWORKS["logistic"][:2])
    X = (abs(X) + 1) * dtype(1e200 if dtype is F64 else 1e25)
    y, settings = np.ones_like(y), NETWORKS["logistic"][2] | {"dtype": dtype, "momentum": 0.9}
    _, epoch = compare(X, y, **settings, epochs=9, learning_rate=0.1)
    assert epoch in (1, 2)
    ends = compare_many(X, y, **settings, epochs=9)
    assert set(ends) == {1, None}, "None: of the right sign from the start, and finite"


# --- padding -------------------------------------------------------------------------------------
# A weight of 2**40 is 0 after the first batch. Before that, what pads the batch are samples of the
# next, for which the unit is infinite.
ONE = {"activation": "relu", "output": "identity", "learning_rate": 1.0, "epochs": 3}


def infinite_for_the_next(batch_size, dtype):
    X = np.zeros((2 * batch_size, 1), dtype)
    X[0] = 1
    X[batch_size:] = 2.0**1000 if dtype is F64 else 2.0**100
    start = np.full((1, 1), 2.0**40), None, np.ones((1, 1)), None
    return X, np.zeros_like(X), ONE | {"initial": start, "dtype": dtype, "batch_size": batch_size}


@pytest.mark.parametrize(
    ("batch_size", "dtype"),
    [(3, F64), (9, F64), (20, F64), (70, F32)],
    ids=["small", "small, of two values", "a tile", "tiles"],
)
def test_padding_that_is_infinite(batch_size, dtype):
    X, y, settings = infinite_for_the_next(batch_size, dtype)
    run, epoch = compare(X, y, **settings)
    assert epoch is None
    assert run.network.W1[0, 0] == 0
    assert run.network.W2[0, 0] == 1 - 2.0**80


def test_padding_that_is_infinite_in_many():
    X, y, settings = infinite_for_the_next(3, F64)
    del settings["learning_rate"]
    assert compare_many(X, y, **settings, seeds=3, rates=(0.5, 1.0))[-1] is None


def test_one_unit_each():
    """The kernels of the padding's tests, of random samples."""
    arrays = [np.array([[0.7]]), None, np.array([[-0.4]]), None]
    start = Network(*arrays, activation="relu", output="identity")
    for n, batch_size, dtype in ((5, 3, F64), (11, 9, F64), (75, 70, F32)):
        X, y = samples(n, 1, 1)
        compare(
            X, y, initial=start, epochs=5, batch_size=batch_size, dtype=dtype,
            learning_rate=0.1 / batch_size,
        )  # fmt: skip


# --- slices of many ------------------------------------------------------------------------------
def test_many_in_slices(monkeypatch):
    """Velocities and losses go on from slice to slice."""
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    n, batch_size, momentum = 7, 3, 0.5
    X, y, settings = layered("curve", n)
    compare_many(
        X, y, **settings, dtype=F32, epochs=9, momentum=momentum, batch_size=batch_size,
        record_every=2, rates=(0.01, 0.02),
    )  # fmt: skip
