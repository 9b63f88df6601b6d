"""`train_many`: each network to the bits that the reference gives it alone."""

import functools
import itertools
import os
import pickle
import signal
import threading
import time
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fastxor
from fastxor import Diverged, Interrupted, Network, Run, Runs, reference, train_many
from fastxor.agreement import same_bits
from fastxor.networks.architecture import Architecture
from fastxor.networks.starting import INITS, starting_network
from fastxor.runs.fields import RESULTS
from fastxor.sweeps import many
from fastxor.training import blocks, crew, engine, job, shares, starts
from tests.conftest import assert_same_bits, samples, weights

X, Y = fastxor.xor()
COUNTS = (1, 2, 3, 7, 8, 9, 63, 64, 65, 1000)


def alone(X, y, **settings):
    """The reference's run and where it left the finite numbers."""
    try:
        return reference.train(X, y, **settings), -1
    except Diverged as end:
        return end.run, end.epoch


def check(runs, index, expected, diverged_at=-1):
    """Is this network what the reference made of it?"""
    run = runs[index]
    every = run.settings.record_every
    last = expected.losses[-1] if len(expected.losses) else np.nan
    recorded = expected.losses[::every] if every else expected.losses[:0]
    assert_same_bits(run, Run(expected.network, recorded, run.settings, expected.solved_at))
    assert vars(run.settings) | {"record_every": 1} == vars(expected.settings)
    assert same_bits(runs.final_loss[index], np.asarray(last, run.network.dtype)[()])
    assert runs.diverged_at[index] == diverged_at
    if runs.losses is not None:
        assert np.isnan(runs.losses[index][len(recorded) :]).all()


def same_runs(a, b):
    """Have all arrays the same bits?"""
    pairs = list(zip(a.networks.arrays, b.networks.arrays, strict=True))
    pairs += zip(a.networks.velocity or (), b.networks.velocity or (), strict=True)
    pairs += [(getattr(a, name), getattr(b, name)) for name in RESULTS]
    pairs += [(a.networks.generators, b.networks.generators)]
    return all(
        a is b is None or same_bits(np.ascontiguousarray(a), np.ascontiguousarray(b))
        for a, b in pairs
    )


@functools.cache
def expected_seeds(dtype, stop):
    return [
        alone(X, Y, seed=seed, dtype=dtype, stop_when_solved=stop, **SEEDS)[0]
        for seed in range(max(COUNTS))
    ]


SEEDS = {"epochs": 12, "learning_rate": 3.0, "tolerance": 0.6}


# --- bits ------------------------------------------------------------------------------
@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_networks(count, stop, dtype):
    call = {"dtype": dtype, "stop_when_solved": stop, "record_every": 2 if stop else None}
    runs = train_many(X, Y, seed=np.arange(count), **call, **SEEDS)
    for seed in range(count):
        check(runs, seed, expected_seeds(dtype, stop)[seed])
    if count == 1000:
        assert len(set(runs.solved_at.tolist())) > 3, "this watched nothing"


def test_a_single_network_is_resumed_twice():
    """Its settings are numbers then, no arrays."""
    call = {"seed": 3, **SEEDS}
    runs = train_many(X, Y, **call)
    for _ in range(2):
        again = train_many(X, Y, resume=runs, **call)
        assert same_runs(runs, again)
        runs = again


def test_a_network_is_a_copy():
    runs = train_many(X, Y, seed=np.arange(3), momentum=0.5, **SEEDS)
    network = runs[1].network
    for array in (*network.arrays, *network.velocity):
        array[:] = 7
    for name, array in runs.networks[1].state.items():
        assert not (array == 7).any(), name


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("stop", [False, True])
def test_order_threads_slices_and_blocks(threads, stop, dtype, monkeypatch):
    """One epoch at a time, a group a block; solved networks make room at once."""
    monkeypatch.setattr(crew, "SLICE", 0)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    monkeypatch.setattr(shares, "SHORTEST", 0)
    monkeypatch.setattr(shares, "LONGEST", 0)
    seeds = np.random.default_rng(threads).permutation(200)
    runs = train_many(
        X, Y, seed=seeds, dtype=dtype, stop_when_solved=stop, threads=threads, record_every=1,
        **SEEDS,
    )  # fmt: skip
    for place, seed in enumerate(seeds):
        check(runs, place, expected_seeds(dtype, stop)[seed])


def test_losses_of_slices_that_begin_anywhere(monkeypatch):
    """Of an epoch, and then of all others: the losses that are kept are those of whole runs."""
    call = {"seed": np.arange(9), "epochs": 30, "record_every": 3}
    whole = train_many(X, Y, **call)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    monkeypatch.setattr(crew, "SLICE", 1000.0)
    steps, advance = [], blocks.Block.advance

    def noted(self, epochs):
        steps.append((self.epoch, epochs))
        return advance(self, epochs)

    monkeypatch.setattr(blocks.Block, "advance", noted)
    assert same_runs(train_many(X, Y, **call, threads=1), whole)
    assert any(first % 3 and epochs > 3 for first, epochs in steps), "this tested nothing"


sizes = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3))


@settings(max_examples=25)
@example(
    n=4, sizes=(2, 2, 1), wide=True, batch_size=3, shuffle=False, count=20, tolerance=0.4,
    stop=True, record_every=2, momentum=0.5, uniform=True, seed=1,
)  # fmt: skip
@given(
    n=st.integers(1, 12),
    sizes=sizes,
    wide=st.booleans(),
    batch_size=st.one_of(st.none(), st.integers(1, 12)),
    shuffle=st.booleans(),
    count=st.integers(1, 40),
    tolerance=st.sampled_from([None, 0.3, 0.5, 0.7]),
    stop=st.booleans(),
    record_every=st.sampled_from([None, 1, 2, 3, 100]),
    momentum=st.sampled_from([0.0, 0.9]),
    uniform=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_settings(
    n, sizes, wide, batch_size, shuffle, count, tolerance, stop, record_every, momentum, uniform,
    seed,
):  # fmt: skip
    """A kernel is compiled for each."""
    A, b = samples(n, sizes[0], sizes[2], seed)
    common = {
        "hidden_size": sizes[1], "epochs": 8, "batch_size": batch_size, "shuffle": shuffle,
        "dtype": "float64" if wide else "float32", "tolerance": tolerance,
        "stop_when_solved": stop and tolerance is not None,
        "init": "uniform" if uniform else "randn",
    }  # fmt: skip
    seeds, rates = np.arange(count) + seed, np.linspace(0.01, 2, count)
    momenta = np.where(np.arange(count) % 3, momentum, 0.0)
    ranges = np.linspace(0, 3, count) if uniform else None
    runs = train_many(
        A, b, seed=seeds, learning_rate=rates, momentum=momenta, init_range=ranges,
        record_every=record_every, **common,
    )  # fmt: skip
    for k in range(count):
        own = {"init_range": float(ranges[k])} if uniform else {}
        check(runs, k, *alone(
            A, b, seed=int(seeds[k]), learning_rate=float(rates[k]), momentum=float(momenta[k]),
            **own, **common,
        ))  # fmt: skip


LAYERS = {
    "none": {"hidden_size": ()},
    "two": {"hidden_size": (3, 2), "activation": "tanh"},
    "three": {"hidden_size": (2, 3, 2), "activation": ("relu", "identity", "tanh")},
    "no biases": {"hidden_size": (3,), "activation": "relu", "bias": False},
    "sums": {"hidden_size": (3, 2), "activation": "tanh", "output": "identity"},
    "tanh": {"activation": "tanh", "output": "tanh", "bias": False},
    "log loss": {"hidden_size": 3, "activation": "relu", "loss": "log_loss"},
    "softmax": {"hidden_size": (3, 2), "output": "softmax", "loss": "log_loss"},
    "momentum": {"hidden_size": (2, 2), "activation": "relu", "momentum": [0.0, 0.5, 0.9] * 3},
    "shuffled": {"hidden_size": (3, 2), "batch_size": 3, "shuffle": True},
}


@pytest.mark.parametrize("init", ["randn", "glorot", "he"])
@pytest.mark.parametrize("name", LAYERS)
def test_any_layers(name, init, dtype):
    A, b = samples(7, 2, 2)
    if name == "softmax":
        b = np.eye(2)[b.argmax(axis=1)]
    common = {
        "epochs": 8, "learning_rate": 0.05, "init": init, "dtype": dtype, "tolerance": 0.5,
    } | LAYERS[name]  # fmt: skip
    runs = train_many(A, b, seed=np.arange(9), record_every=3, **common)
    assert runs.networks.architecture == runs.settings.architecture(2, 2)
    momenta = np.broadcast_to(common.pop("momentum", 0.0), 9)
    for k in range(9):
        check(runs, k, *alone(A, b, seed=k, momentum=float(momenta[k]), **common))


def test_layers_that_diverge(dtype):
    """Some of them do: the others go on."""
    common = {
        "hidden_size": (4, 3), "activation": ("relu", "identity"), "output": "identity",
        "epochs": 60, "dtype": dtype, "tolerance": 0.5,
    }  # fmt: skip
    rates = np.tile([0.01, 0.3, 3.0], 6)
    runs = train_many(X, Y, seed=np.arange(18), learning_rate=rates, **common)
    for k in range(18):
        check(runs, k, *alone(X, Y, seed=k, learning_rate=float(rates[k]), **common))
    assert (runs.diverged_at[2::3] >= 0).all()
    assert (runs.diverged_at[::3] == -1).all()


def test_layers_of_ones_own(tmp_path):
    """Stacked arrays, None where there are no biases; what they go on from tells activations."""
    random = np.random.default_rng(3)
    W1, W2, b2 = (random.standard_normal(shape) for shape in ((5, 2, 3), (3, 2), (5, 1, 2)))
    W3 = random.standard_normal((2, 1))
    functions = {"activation": ("tanh", "relu"), "output": "identity"}
    common = {"epochs": 6, "learning_rate": 0.01, "tolerance": 0.5}
    runs = train_many(X, Y, initial=(W1, None, W2, b2, W3, None), **functions, **common)
    assert runs.settings.bias == runs.networks.architecture.biases == (False, True, False)
    runs.save(tmp_path / "runs")
    again = Runs.load(tmp_path / "runs")
    assert same_runs(again, runs)
    assert again.settings.bias == runs.settings.bias
    for k in range(5):
        start = Network(W1[k], None, W2, b2[k], W3, None, **functions)
        check(runs, k, *alone(X, Y, initial=start, **common))
    rest = train_many(X, Y, initial=again, **common)
    for k in range(5):
        check(rest, k, *alone(X, Y, initial=runs[k], **common))


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [(40, None, (2, 3, 1)), (40, 9, (2, 3, 1)), (1100, None, (2, 2, 1)), (3, None, (2, 1200, 1))],
    ids=["9 to 1024", "batches", "blocks", "wide"],
)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_networks_that_are_trained_alone(n, batch_size, sizes, momentum, dtype):
    A, b = samples(n, sizes[0], sizes[2])
    common = {
        "hidden_size": sizes[1], "epochs": 6, "batch_size": batch_size, "dtype": dtype,
        "learning_rate": 0.5 / n, "tolerance": 0.6,
    }  # fmt: skip
    momenta = np.array([0.0, momentum, 0.0, momentum, momentum])
    for stop, every in ((False, 2), (True, None)):
        runs = train_many(
            A, b, seed=np.arange(5), momentum=momenta, record_every=every, stop_when_solved=stop,
            **common,
        )  # fmt: skip
        for k in range(5):
            check(runs, k, *alone(
                A, b, seed=k, momentum=float(momenta[k]), stop_when_solved=stop, **common
            ))  # fmt: skip


@pytest.mark.parametrize("n", [4, 20])
def test_networks_that_diverge(n, dtype):
    """Momentum above one triples each step until it overflows; the others go on."""
    A, b = samples(n, 2, 1)
    momenta = np.tile([0.5, 3.0, 0.0, 4.0], 5)
    epochs = 700 if dtype is np.float64 else 120
    common = {"epochs": epochs, "dtype": dtype, "learning_rate": 0.5}
    runs = train_many(A, b, seed=np.arange(20), momentum=momenta, record_every=50, **common)
    for k in range(0, 20, 3):  # of each momentum
        check(runs, k, *alone(
            A, b, seed=k, momentum=float(momenta[k]), tolerance=0.5, **common
        ))  # fmt: skip
    assert ((runs.diverged_at >= 0) == (momenta > 1)).all()
    assert runs.done.all()
    assert (runs.epochs_done == np.where(momenta > 1, runs.diverged_at, epochs)).all()


def test_losses_that_overflow_are_divergence_too(dtype):
    """Though all parameters are finite: targets are so far away that only their squares are not."""
    far = float(np.sqrt(np.finfo(dtype).max)) * 2
    runs = train_many(X, Y + far, seed=np.arange(8), learning_rate=1e-30, epochs=3, dtype=dtype)
    assert (runs.diverged_at == 0).all()
    check(runs, 3, *alone(
        X, Y + far, seed=3, learning_rate=1e-30, epochs=3, dtype=dtype, tolerance=0.5
    ))  # fmt: skip


@pytest.mark.parametrize("stop", [False, True])
def test_infinite_weights_do_not_count_as_solved(stop, dtype):
    """An output may well be right when its weights are infinite: that is after the divergence."""
    largest = float(np.finfo(dtype).max)
    start = Network([[0.0], [0.0]], [[9.0]], [[0.0]], [[largest]])
    A, b = [[1.0, 1.0]] * 4, [1.0] * 3 + [0.0]
    for rate, tolerance in ((-largest, 0.5), (-largest, 2.0)):
        common = {
            "initial": start, "learning_rate": rate, "epochs": 20, "dtype": dtype,
            "tolerance": tolerance, "stop_when_solved": stop,
        }  # fmt: skip
        runs = train_many(A, b, seed=np.arange(9), **common)
        check(runs, 3, *alone(A, b, seed=3, **common))


# --- interruption ------------------------------------------------------------------------
@pytest.fixture
def press_at(monkeypatch):
    """Has Ctrl-C pressed in a call of a kernel, by number; slices are short.

    The thread goes on when the main thread has noticed, so that it is not too late.
    """
    crews, calls, chosen = [], itertools.count(), []

    def noting(self, report, run=crew.Crew.run):
        crews.append(self)
        run(self, report)

    def pressing(advance):
        def patched(self, amount):
            result = advance(self, amount)
            if next(calls) in chosen:
                os.kill(os.getpid(), signal.SIGINT)
                while not crews[-1].stopping:
                    time.sleep(0.001)
            return result

        return patched

    monkeypatch.setattr(crew.Crew, "run", noting)
    monkeypatch.setattr(crew, "AT_ONCE", 0)  # in threads
    for module in (crew, job):  # slices of one epoch, or less
        monkeypatch.setattr(module, "SLICE", 0)
        monkeypatch.setattr(module, "FIRST_SLICE", 0)
    monkeypatch.setattr(blocks.Block, "advance", pressing(blocks.Block.advance))
    monkeypatch.setattr(engine.Engine, "advance", pressing(engine.Engine.advance))

    def choose(number):
        nonlocal calls
        calls, chosen[:] = itertools.count(), [number]

    return choose


LONG = {
    "side by side": {},
    "stopping": {"stop_when_solved": True, "learning_rate": [[0.5], [30.0]]},
    "momentum, recorded": {"momentum": [[0.0], [0.5]], "record_every": 99},
    "batches": {"batch_size": 3, "momentum": 0.5},
    "diverging": {"momentum": [[3.0], [0.5]], "record_every": 7, "dtype": "float32"},
    "diverging alone": {
        "momentum": [[3.0], [0.5]],
        "batch_size": 2,
        "shuffle": True,
        "dtype": "float32",
    },
    "shuffled": {
        "epochs": 600,
        "batch_size": 2,
        "shuffle": True,
        "momentum": [[0.0], [0.5]],
        "threads": 1,
    },
    "initial": {"initial": weights(2, 3, 1), "seed": 0, "learning_rate": np.ones((2, 10))},
    "layers": {
        "hidden_size": (3, 2),
        "activation": ("tanh", "relu"),
        "output": "identity",
        "bias": False,
        "momentum": 0.5,
        "init": "glorot",
    },
}


@pytest.mark.parametrize("kind", LONG)
def test_an_interrupted_training_can_be_resumed(kind, press_at, tmp_path, monkeypatch):
    """Again and again, in the same process and from a file."""
    call = {
        "epochs": 200, "seed": np.arange(10) + np.array([[0], [7]]), "threads": 2,
    } | LONG[kind]  # fmt: skip
    whole = train_many(X, Y, **call)
    runs = None
    for number in (0, 3, 7, 50):
        press_at(number)
        with pytest.raises(Interrupted) as stop:
            train_many(X, Y, resume=runs, **call)
        before, runs = getattr(runs, "run", runs), stop.value.run
        assert f"interrupted after {runs.done.sum()} of 20 networks" in str(stop.value)
        assert not runs.done.all()
        if before is not None:
            assert (runs.epochs_done >= before.epochs_done).all(), "something was lost"
        if number == 3:
            runs.save(tmp_path / "runs.npz")
            runs = Runs.load(tmp_path / "runs.npz")
        if number == 7:
            runs = stop.value
    press_at(-1)
    for seconds in (0, 1):  # what is left is a moment's work, but networks are at several epochs
        monkeypatch.setattr(crew, "AT_ONCE", seconds)
        assert same_runs(train_many(X, Y, resume=runs, **call), whole)
        assert same_runs(train_many(X, Y, resume=whole, **call), whole)


@pytest.mark.parametrize("count", [2, 10])
def test_a_moment_of_training_ends_before_ctrl_c_is_heeded(count, monkeypatch):
    call = {"seed": np.arange(count), "epochs": 20}
    whole = train_many(X, Y, **call)

    def pressing(advance):
        def patched(self, amount):
            os.kill(os.getpid(), signal.SIGINT)
            return advance(self, amount)

        return patched

    monkeypatch.setattr(crew, "Threads", None)  # in this one
    for kind in (blocks.Block, engine.Engine):
        monkeypatch.setattr(kind, "advance", pressing(kind.advance))
    with pytest.raises(Interrupted) as stop:
        train_many(X, Y, **call)
    assert same_runs(stop.value.run, whole)


def test_what_has_not_begun(press_at):
    call = {"seed": np.arange(30_000), "epochs": 1_000, "threads": 1}
    press_at(0)
    with pytest.raises(Interrupted) as stop:
        train_many(X, Y, **call)
    runs = pickle.loads(pickle.dumps(stop.value)).run
    assert not runs.done[-1]
    assert runs.epochs_done[-1] == 0 < runs.epochs_done[0]
    assert np.isnan(runs.networks.W1[-1]).all()
    assert np.isnan(runs.final_loss[-1])
    with pytest.raises(ValueError, match="network 29999 has not begun"):
        runs[29_999]
    with pytest.raises(OverflowError, match=r"network \[\d+\] has not begun"):
        runs.networks.predict(X)
    assert runs[0].network.predict(X).shape == (4, 1)


def test_ctrl_c_twice(press_at, monkeypatch):
    """Pressed again while threads come to their ends: nothing is lost."""
    shutdown = crew.Threads.shutdown
    presses = [True, True]

    def pressed(self, **options):
        if presses and presses.pop():
            raise KeyboardInterrupt
        shutdown(self, **options)

    monkeypatch.setattr(crew.Threads, "shutdown", pressed)
    press_at(2)
    call = {"seed": np.arange(40), "epochs": 100}
    with pytest.raises(Interrupted) as stop:
        train_many(X, Y, **call)
    press_at(-1)
    assert same_runs(train_many(X, Y, resume=stop.value, **call), train_many(X, Y, **call))


def test_an_error_in_a_thread_ends_all(monkeypatch):
    def full(self, epochs):
        raise MemoryError("no more")

    monkeypatch.setattr(blocks.Block, "advance", full)
    with pytest.raises(MemoryError, match="no more"):
        train_many(X, Y, seed=np.arange(100), epochs=10)
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


CALL = {"seed": np.arange(6), "epochs": 5, "momentum": 0.5, "record_every": 2}
OTHERS = {
    "seed": {"seed": np.arange(6) + 1}, "epochs": {"epochs": 6},
    "learning_rate": {"learning_rate": 0.2}, "momentum": {"momentum": 0.4},
    "hidden_size": {"hidden_size": 3}, "activation": {"activation": "tanh"},
    "output": {"output": "tanh"}, "loss": {"loss": "log_loss"}, "bias": {"bias": False},
    "scales": {"scales": (1.0, 0.5)},
    "batch_size": {"batch_size": 2},
    "shuffle": {"shuffle": True}, "dtype": {"dtype": "float32"}, "tolerance": {"tolerance": 0.4},
    "stop_when_solved": {"stop_when_solved": True}, "record_every": {"record_every": None},
    "init": {"init": "uniform", "init_range": 1.0}, "X, y": {"y": 1 - Y}, "X": {"X": X + 1},
    "initial": {"initial": weights(2, 2, 1)},
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_only_the_same_call_can_be_resumed(name):
    runs = train_many(X, Y, **CALL)
    with pytest.raises(ValueError, match=f"resume must have the same .*{name}"):
        train_many(**{"X": X, "y": Y} | CALL | OTHERS[name], resume=runs)


# --- what goes in --------------------------------------------------------------------------
def test_shapes_broadcast():
    rates = np.geomspace(0.1, 10, 4)
    runs = train_many(X, Y, seed=np.arange(3)[:, None], learning_rate=rates, epochs=4)
    assert runs.shape == runs.final_loss.shape == runs.networks.shape == (3, 4)
    assert len(runs) == 3
    assert runs.networks.W1.shape == (3, 4, 2, 2)
    assert runs.networks.W2.shape == (3, 4, 2, 1)
    common = {"epochs": 4, "tolerance": 0.5}
    check(runs, (2, 3), *alone(X, Y, seed=2, learning_rate=float(rates[3]), **common))
    check(runs, (-1, -1), *alone(X, Y, seed=2, learning_rate=float(rates[3]), **common))
    row = runs[1]
    assert row.shape == (4,)
    check(row, 0, *alone(X, Y, seed=1, learning_rate=0.1, **common))
    assert runs[:, 1:].shape == runs[..., 1:].shape == (3, 3)
    assert runs[:0].shape == runs.networks[3:].shape == (0, 4)
    assert runs[runs.final_loss > 0].shape == (12,)
    none = runs[runs.final_loss < 0]
    assert none.shape == none.networks.shape == none.solved_at.shape == none.done.shape == (0,)
    assert none.networks.predict(X).shape == (0, 4, 1)
    assert runs.networks[0].shape == (4,)
    assert isinstance(runs.networks[0, 0], Network)
    with pytest.raises(IndexError):
        runs[3]
    one = train_many(X, Y, epochs=4)
    assert one.shape == ()
    check(one, (), *alone(X, Y, **common))
    with pytest.raises(TypeError):
        len(one)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_starting_weights_of_ones_own(momentum, dtype):
    """Stacked arrays, one of them with fewer dimensions; -0.0 is no start."""
    random = np.random.default_rng(3)
    W1, b1 = random.standard_normal((5, 1, 2, 3)), np.full((1, 3), -0.0)
    W2, b2 = random.standard_normal((4, 3, 1)), random.standard_normal((5, 4, 1, 1))
    common = {"epochs": 6, "momentum": momentum, "dtype": dtype, "tolerance": 0.5}
    runs = train_many(X, Y, initial=(W1, b1, W2, b2), record_every=1, **common)
    assert runs.shape == (5, 4)
    for i, j in itertools.product(range(5), range(4)):
        start = W1[i, 0], b1, W2[j], b2[i, j]
        check(runs, (i, j), *alone(X, Y, initial=start, **common))


@pytest.mark.parametrize("shuffle", [False, True])
def test_going_on_from_a_result(shuffle, tmp_path):
    call = {"momentum": 0.5, "batch_size": 3, "shuffle": shuffle, "tolerance": None}
    seeds = np.arange(9).reshape(3, 3)
    whole = train_many(X, Y, seed=seeds, epochs=7, **call)
    first = train_many(X, Y, seed=seeds, epochs=3, **call)
    first.save(tmp_path / "first")
    for start in (first, first.networks, Runs.load(tmp_path / "first")):
        rest = train_many(X, Y, initial=start, epochs=4, **call)
        for a, b in zip(rest.networks.arrays, whole.networks.arrays, strict=True):
            assert same_bits(a, b)
    one = train_many(X, Y, initial=first[1, 2], learning_rate=[0.1, 0.2], epochs=4, **call)
    assert same_bits(one.networks.W1[0], whole.networks.W1[1, 2])
    del call["tolerance"]
    again = fastxor.train(X, Y, initial=first[1, 2], epochs=4, **call)
    assert same_bits(again.network.W1, whole.networks.W1[1, 2])


def test_no_epochs():
    runs = train_many(X, Y, seed=np.arange(70), epochs=0)
    assert runs.done.all()
    assert np.isnan(runs.final_loss).all()
    check(runs, 69, *alone(X, Y, seed=69, epochs=0, tolerance=0.5))


def test_save_and_load(dtype, tmp_path):
    for more in ({}, {"momentum": 0.5, "record_every": 2}, {"shuffle": True, "tolerance": None}):
        runs = train_many(X, Y, seed=[[1, 2], [3, 4]], epochs=5, dtype=dtype, **more)
        runs.save(tmp_path / "runs")
        other = Runs.load(tmp_path / "runs")
        assert same_runs(runs, other)
        assert_same_bits(runs[1, 0], other[1, 0])
        assert vars(runs[1, 0].settings) == vars(other[1, 0].settings)


def test_damaged_files(tmp_path):
    path = tmp_path / "runs"
    train_many(X, Y, seed=np.arange(3), epochs=1).save(path)
    with np.load(path) as file:
        arrays = dict(file)
    wrong = {
        "no seed": {"seed": None}, "shape": {"final_loss": np.zeros(4)}, "text": {"settings": "{"},
        "setting": {"settings": np.array('{"problem": "", "fast": true}')}, "W1": {"W1": None},
        "no epochs": {"epochs_done": None}, "more": {"W3": arrays["W2"]},
        "complex": {"W1": arrays["W1"] * 1j}, "words": {"b1": arrays["b1"].astype(str)},
    }  # fmt: skip
    for changes in wrong.values():
        changed = {k: v for k, v in (arrays | changes).items() if v is not None}
        np.savez(tmp_path / "wrong.npz", **changed)
        with pytest.raises(ValueError, match="holds no saved runs"):
            Runs.load(tmp_path / "wrong.npz")
    weights(2, 2, 1).save(tmp_path / "network.npz")
    for name in ("network.npz", "runs"):
        with pytest.raises(ValueError, match="holds no saved"):
            (Runs if name == "network.npz" else Network).load(tmp_path / name)


ones = np.ones
BAD = {
    "shapes": (ValueError, "got seed (3,), learning_rate (2,)",
               {"seed": [1, 2, 3], "learning_rate": [0.1, 0.2]}),
    "seed fraction": (TypeError, "seed must hold integers of at least 0", {"seed": [1.0, 2.0]}),
    "seeds": (ValueError, "seed must hold integers of at least 0 and at most 4294967295, got -1",
              {"seed": [1, -1]}),
    "large seeds": (ValueError, "got 4294967296", {"seed": [1, 2**32]}),
    "no seeds": (ValueError, "seed must not be empty, got shape (0,)", {"seed": []}),
    "no seed": (TypeError, "seed must be an integer", {"seed": None}),
    "bools": (TypeError, "learning_rate must hold numbers", {"learning_rate": [True, False]}),
    "text": (TypeError, "momentum must hold real numbers", {"momentum": ["a", "b"]}),
    "NaN": (ValueError, "learning_rate must be finite in float64, got nan at [1]",
            {"learning_rate": [0.1, np.nan]}),
    "float32": (ValueError, "momentum must be finite in float32, got 1e+39 at [0, 1]",
                {"momentum": [[0, 1e39]], "dtype": "float32"}),
    "range": (ValueError, "init_range must be at least 0, got -1",
              {"init": "uniform", "init_range": [1, -1]}),
    "no range": (ValueError, "init_range must be a number with init='uniform', got None",
                 {"init": "uniform"}),
    "range of randn": (ValueError, "init_range must be None with init='randn'", {"init_range": 1}),
    "init": (ValueError, "init must be 'randn', 'uniform', 'glorot' or 'he', got 'normal'",
             {"init": "normal"}),
    "activation": (ValueError, "activation must be 'sigmoid', 'tanh', 'relu' or 'identity', got 's",
                   {"activation": "softmax"}),
    "activations": (ValueError, "activation must be a name, or one for each of 1 hidden layers",
                    {"activation": ("tanh", "relu")}),
    "hidden sizes": (ValueError, "hidden_size[1] must be an integer of at least 1 and at most",
                     {"hidden_size": (3, 0)}),
    "output": (ValueError, "output must be 'sigmoid', 'identity', 'tanh' or 'softmax', got 'relu'",
               {"output": "relu"}),
    "loss": (ValueError, "loss must be 'mse' with output='tanh', got 'log_loss'",
             {"output": "tanh", "loss": "log_loss"}),
    "bias": (TypeError, "bias must be True or False, got 1", {"bias": 1}),
    "targets": (ValueError, "y must be from 0 to 1 for the log loss, got 2",
                {"loss": "log_loss", "y": 2 * Y}),
    "distribution": (ValueError, "y must sum to 1 in each row for a softmax, got 2.0 at 3",
                     {"loss": "log_loss", "output": "softmax", "y": [[1, 0]] * 3 + [[1, 1]]}),
    "initial activation": (ValueError, "initial must have the same activation, 'tanh', got",
                           {"initial": weights(2, 2, 1), "activation": "tanh"}),
    "initial biases": (ValueError, "initial must have the same bias, False, got True",
                       {"initial": weights(2, 2, 1), "bias": False}),
    "odd initial": (TypeError, "initial must be Networks, Runs, a Network, a Run or the arrays (W1",
                    {"initial": (ones((2, 2)), None, ones((2, 1)))}),
    "tolerance": (ValueError, "tolerance must be above 0, got 0.0", {"tolerance": 0}),
    "tiny": (ValueError, "tolerance must be above 0", {"tolerance": 1e-60, "dtype": "float32"}),
    "tolerances": (TypeError, "tolerance must be a number", {"tolerance": [0.5, 0.4]}),
    "stop": (ValueError, "stop_when_solved must have a tolerance, such as 0.5, got None",
             {"tolerance": None, "stop_when_solved": True}),
    "stop 1": (TypeError, "stop_when_solved must be True or False", {"stop_when_solved": 1}),
    "record": (ValueError, "record_every must be an integer of at least 1", {"record_every": 0}),
    "initial": (ValueError, "initial: W2 must have shape (..., 2, 1), got (5, 3, 1)",
                {"initial": (ones((5, 2, 2)), ones((1, 2)), ones((5, 3, 1)), ones((1, 1)))}),
    "flat initial": (ValueError, "initial: b1 must have 2 or more dimensions, got shape (2,)",
                     {"initial": (ones((5, 2, 2)), ones(2), ones((5, 2, 1)), ones((1, 1)))}),
    "initial stacks": (ValueError, "got W1 (5,), W2 (4,)",
                       {"initial": (ones((5, 2, 2)), ones((1, 2)), ones((4, 2, 1)), ones((1, 1)))}),
    "initial and seeds": (ValueError, "got seed (4,), initial (5,)",
                          {"initial": (ones((5, 2, 2)), ones((1, 2)), ones((2, 1)), ones((1, 1))),
                           "seed": [1, 2, 3, 4]}),
    "initial inputs": (ValueError, "initial must have the sizes (2, 3, 1)",
                       {"initial": weights(2, 2, 1), "hidden_size": 3}),
    "initial NaN": (ValueError, "initial b2 must be finite in float64, got nan at [1, 0, 0]",
                    {"initial": (ones((2, 2)), ones((1, 2)), ones((2, 1)), [[[1.0]], [[np.nan]]])}),
    "no initial": (ValueError, "initial must not be empty, got shape (0,)",
                   {"initial": (ones((0, 2, 2)), ones((1, 2)), ones((2, 1)), ones((1, 1)))}),
    "initial text": (TypeError, "initial must be Networks, Runs,", {"initial": "runs.npz"}),
    "resume": (TypeError, "resume must be Interrupted or its Runs, got int", {"resume": 3}),
    "memory": (MemoryError, "no memory for 100,000,000,000,000 networks",  # beyond any address
               {"seed": ones((10**7, 1), int), "learning_rate": ones(10**7)}),
    "threads": (ValueError, "threads must be an integer of at least 1", {"threads": 0}),
    "X": (ValueError, "X must have 2 dimensions", {"X": [1, 2]}),
    "rows": (ValueError, "X and y must have as many rows", {"y": [1]}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case, monkeypatch):
    error, message, arguments = BAD[case]
    monkeypatch.setattr(many, "progress_bar", None)  # before any work
    with pytest.raises(error) as raised:
        train_many(**{"X": X, "y": Y} | arguments)
    assert type(raised.value) is error
    assert message in str(raised.value)


# --- starting weights ------------------------------------------------------------------------
@pytest.mark.parametrize(("count", "numbers"), [(10_000, 6), (50, 2000)])
def test_seeds_are_numpys(count, numbers):
    """Also where the state is twisted more than once."""
    seeds = np.concatenate([np.arange(count - 2), [2**31, 2**32 - 1]])
    for method in ("randn", "random_sample"):
        assert starts._as_numpys(method), "slow, if right: NumPy does the work"
        expected = [getattr(np.random.RandomState(seed), method)(numbers) for seed in seeds]
        assert same_bits(starts._numbers(method, seeds, numbers), np.array(expected))
        assert same_bits(starts._numbers(method, seeds, numbers - 1), np.array(expected)[:, :-1])


@pytest.mark.parametrize("sizes", [(2, 2, 1), (3, 1, 2), (1, 5, 1), (2, 3, 4, 1), (3, 2)])
def test_starts_are_those_of_one_network(sizes, monkeypatch):
    """Compiled or, where its bits are others, by NumPy."""
    seeds, ranges = np.arange(20), np.linspace(0, 3, 20)
    for compiled, init, bias in itertools.product((True, False), INITS, (True, False)):
        monkeypatch.setattr(starts, "_as_numpys", lambda method, answer=compiled: answer)
        architecture, ranged = Architecture.of(sizes, bias=bias), init == "uniform"
        rows = starts.starting_rows(seeds, architecture, init, ranges if ranged else None)
        for k in range(20):
            width = ranges[k] if ranged else None
            expected = starting_network(k, architecture, np.float64, init, width)
            arrays = architecture.cut(rows[k])
            assert all(same_bits(a, b) for a, b in zip(arrays, expected.arrays, strict=True))


def test_uniform_starts_are_numpys():
    network = fastxor.train(X, Y, init="uniform", init_range=1.7, seed=5, epochs=0).network
    random = np.random.RandomState(5)
    for array in network.arrays:
        assert same_bits(array, random.uniform(-1.7, 1.7, array.shape))


# --- the machine --------------------------------------------------------------------------------
def test_memory():
    """Of 100,000 networks, parameters and results: a million take below 1 GB."""
    train_many(X, Y, seed=np.arange(1000), epochs=1, dtype="float32")
    tracemalloc.start()
    runs = train_many(X, Y, seed=np.arange(100_000), epochs=1, dtype="float32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert runs.done.all()
    assert peak < 60_000_000


def test_several_python_threads_at_once():
    results = [None] * 5

    def work(k):
        results[k] = train_many(X, Y, seed=np.arange(100) + k, epochs=300, threads=2)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k in range(5):
        assert same_runs(results[k], train_many(X, Y, seed=np.arange(100) + k, epochs=300))


def test_predictions_of_stacks():
    runs = train_many(X, Y, seed=np.arange(6).reshape(2, 3), epochs=50)
    outputs = runs.networks.predict_proba(X)
    assert outputs.shape == (2, 3, 4, 1)
    for i, j in itertools.product(range(2), range(3)):
        assert same_bits(outputs[i, j], runs[i, j].network.predict_proba(X))
    assert (runs.networks.predict(X) == (outputs > 0.5)).all()
    with pytest.raises(ValueError, match="X must have 2 columns"):
        runs.networks.predict([[1]])


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_counts_networks(threads, monkeypatch):
    seen = []

    @contextmanager
    def bar(total, show, what):
        seen.append((total, what))
        yield seen.append

    monkeypatch.setattr(many, "progress_bar", bar)
    for more in ({}, {"stop_when_solved": True, "learning_rate": 30.0}, {"batch_size": 2,
                 "shuffle": True}, {"momentum": 1.2}):  # fmt: skip
        seen.clear()
        runs = train_many(X, Y, seed=np.arange(50), epochs=6000, threads=threads, **more)
        assert runs.done.all()
        total, *counts = seen
        assert total == (50, "networks")
        assert counts == sorted(counts)
        assert counts[-1] == 50
