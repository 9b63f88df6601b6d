"""Mini-batches, shuffling and threads: the bits of the reference, whatever the machine does."""

import functools
import itertools
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import fastxor
from fastxor import Interrupted, Network, Run, reference
from fastxor.agreement import differing, digest
from fastxor.common.generators import state_of, with_state
from fastxor.training import engine, job, layout
from tests.conftest import FLOATS, assert_same_bits, samples, weights

SIZES = (2, 3, 1)
COUNTS = (1, 4, 5, 100, 1025, 5000)
TRAIN = [reference.train, fastxor.train]
ENGINES = pytest.mark.parametrize("train", TRAIN, ids=["reference", "fastxor"])


def batch_sizes(n):
    small = {1, 2, 3, 4, 5, 7, 8, 9} if n < 5000 else set()  # the reference takes a minute
    return sorted((small | {16, 33, n - 1, n, n + 1}) - {0})


@functools.cache
def expected(n, batch_size, shuffle, momentum, dtype):
    return run(reference.train, n, batch_size, shuffle, momentum, dtype)


def run(train, n, batch_size, shuffle, momentum, dtype, **settings):
    X, y = samples(n, SIZES[0], SIZES[2])
    epochs = 2 if n > 1000 else 4
    return train(
        X, y, initial=weights(*SIZES), epochs=epochs, learning_rate=0.02, batch_size=batch_size,
        shuffle=shuffle, momentum=momentum, dtype=dtype, **settings,
    )  # fmt: skip


# a batch of 5,000 is left to threads as well; the others are too small to pay for them
@pytest.mark.parametrize(
    ("n", "batch_size"), [(n, size) for n in COUNTS for size in batch_sizes(n)]
)
def test_batches(n, batch_size):
    for shuffle, momentum, dtype in itertools.product((False, True), (0.0, 0.5), FLOATS):
        case = n, batch_size, shuffle, momentum, dtype
        assert_same_bits(run(fastxor.train, *case), expected(*case))


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(5000, None), (9000, 3000), (8000, 2047)])
def test_threads_change_no_bit(n, batch_size, shuffle, threads, dtype, monkeypatch):
    monkeypatch.setattr(engine, "SHARED_FROM", 0)
    case = n, batch_size, shuffle, 0.5, dtype
    assert_same_bits(run(fastxor.train, *case, threads=threads), expected(*case))


def test_threads_are_used_where_they_pay(monkeypatch):
    """At most those asked for, and one for each block of a batch, or two for a single one; one
    alone for small steps."""
    used = []
    initialise = engine.Engine.__init__

    def noting(self, *arguments):
        initialise(self, *arguments)
        used.append(self.threads)

    monkeypatch.setattr(engine.Engine, "__init__", noting)
    monkeypatch.setattr(engine, "cores", lambda: 5)
    for n, batch_size, threads, hidden_size in [
        (40_000, None, None, 2), (40_000, None, 3, 2), (40_000, None, 1, 2),
        (40_000, 3000, None, 2), (40_000, 1024, 7, 2), (1030, None, None, 2), (4, None, 7, 2),
        (1024, None, None, 8), (300, 128, 7, 64), (1024, None, 1, 8), (300, 127, 7, 64),
    ]:  # fmt: skip
        X, y = samples(n, 2, 1)
        settings = {"batch_size": batch_size, "threads": threads, "hidden_size": hidden_size}
        fastxor.train(X, y, epochs=1, learning_rate=1e-4, **settings)
    assert used == [5, 3, 1, 2, 1, 1, 1, 2, 2, 1, 1]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("n", "batch_size"), [(10, 4), (100, 40), (5000, None), (5000, 2100)])
def test_slices_in_the_middle_of_an_epoch(n, batch_size, threads, dtype, monkeypatch):
    """One chunk at a time."""
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    monkeypatch.setattr(engine, "SHARED_FROM", 0)
    for shuffle, momentum in ((False, 0.5), (True, 0.0)):
        case = n, batch_size, shuffle, momentum, dtype
        assert_same_bits(run(fastxor.train, *case, threads=threads), expected(*case))


@pytest.mark.parametrize("batch_size", [None, 70])
def test_large_networks_pause_within_a_block(batch_size, monkeypatch):
    """One tile of samples at a time; the sums so far are kept from call to call."""
    X, y = samples(100, 500, 1)
    settings = {
        "hidden_size": 500, "epochs": 2, "learning_rate": 1e-6, "batch_size": batch_size,
        "dtype": "float32",
    }  # fmt: skip
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    advance, calls = engine.Engine.advance, []

    def counting(self, chunks):
        calls.append(chunks)
        return advance(self, chunks)

    monkeypatch.setattr(engine.Engine, "advance", counting)
    assert_same_bits(fastxor.train(X, y, **settings), reference.train(X, y, **settings))
    assert len(calls) > 2, "no pauses: this tested nothing"


@pytest.mark.parametrize("shift", range(4))
def test_memory_begins_at_cache_lines(shift, dtype):
    """Each array; wherever NumPy's own begins, and none shares numbers with another."""
    arrays = layout.zeros(dtype, 5, 64 + shift, 1, 17)
    assert [array.size for array in arrays] == [5, 64 + shift, 1, 17]
    for number, array in enumerate(arrays, 1):
        assert array.__array_interface__["data"][0] % layout.CACHE_LINE == 0
        array[:] = number
    assert all((array == number).all() for number, array in enumerate(arrays, 1))


def test_many_inputs_and_outputs_in_batches(dtype):
    X, y = samples(300, 20, 11)
    for batch_size, shuffle in itertools.product((6, 30, 130), (False, True)):
        settings = {
            "hidden_size": 9, "epochs": 3, "learning_rate": 0.01, "batch_size": batch_size,
            "shuffle": shuffle, "dtype": dtype,
        }  # fmt: skip
        assert_same_bits(fastxor.train(X, y, **settings), reference.train(X, y, **settings))


# --- what it means ---------------------------------------------------------------------
@ENGINES
def test_batches_are_slices_of_the_order(train):
    """By hand: an epoch of three batches is three runs of one epoch."""
    X, y = samples(10, *SIZES[::2])
    whole = train(X, y, initial=weights(*SIZES), epochs=1, batch_size=4)
    error, network = 0.0, weights(*SIZES)
    for first in (0, 4, 8):
        batch = slice(first, min(first + 4, 10))
        part = train(X[batch], y[batch], initial=network, epochs=1)
        error, network = error + part.losses[0] * len(X[batch]), part.network
    assert differing(Run(network, whole.losses, whole.settings), whole) == []
    assert whole.losses[0] == pytest.approx(error / 10, rel=1e-14)


@ENGINES
def test_shuffling_is_numpys_permutation(train):
    X, y = samples(11, *SIZES[::2])
    random = np.random.default_rng(7)
    shuffled = train(X, y, initial=weights(*SIZES), epochs=3, batch_size=3, shuffle=True, seed=7)
    network = weights(*SIZES)
    for epoch in range(3):
        order = random.permutation(11)
        part = train(X[order], y[order], initial=network, epochs=1, batch_size=3)
        assert part.losses[0] == shuffled.losses[epoch]
        network = part.network
    expected_arrays = [array.tobytes() for array in network.arrays]
    assert [array.tobytes() for array in shuffled.network.arrays] == expected_arrays
    assert (state_of(shuffled.network.generator) == state_of(random)).all()


@ENGINES
def test_seed_shuffles(train):
    X, y = samples(50, *SIZES[::2])
    settings = {"initial": weights(*SIZES).arrays, "epochs": 2, "batch_size": 8, "shuffle": True}
    runs = [train(X, y, seed=seed, **settings) for seed in (1, 1, 2)]
    assert_same_bits(*runs[:2])
    assert set(differing(runs[0], runs[2])) == {"losses", "W1", "b1", "W2", "b2", "generator"}


@ENGINES
@pytest.mark.parametrize("batch_size", [None, 11, 100])
def test_batches_of_all_samples_are_full_batches(train, batch_size):
    X, y = samples(11, *SIZES[::2])
    settings = {"initial": weights(*SIZES), "epochs": 3}
    assert_same_bits(train(X, y, batch_size=batch_size, **settings), train(X, y, **settings))


# --- going on ----------------------------------------------------------------------------
@ENGINES
@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (10, None), (100, 30), (3000, 2000)])
def test_a_continued_shuffled_run_is_the_uninterrupted_one(train, n, batch_size, dtype, tmp_path):
    X, y = samples(n, 2, 1)
    settings = {
        "momentum": 0.9, "learning_rate": 0.1 / n, "dtype": dtype, "shuffle": True,
        "batch_size": batch_size,
    }  # fmt: skip
    whole = train(X, y, epochs=7, **settings)
    first = train(X, y, epochs=3, **settings)
    first.network.save(tmp_path / "net.npz")
    for initial in (first, first.network, Network.load(tmp_path / "net.npz")):
        before = state_of(getattr(initial, "network", initial).generator)
        rest = train(X, y, epochs=4, initial=initial, **settings)
        losses = np.concatenate([first.losses, rest.losses])
        assert_same_bits(Run(rest.network, losses, whole.settings), whole)
        after = state_of(getattr(initial, "network", initial).generator)
        assert (before == after).all(), "the caller's generator was used"


def test_an_interrupted_shuffled_run_can_be_finished(monkeypatch):
    """Ctrl-C in the middle of an epoch: the run ends with the epoch before it."""
    X, y = samples(5000, 2, 1)
    settings = {"momentum": 0.5, "learning_rate": 1e-4, "shuffle": True, "batch_size": 9}
    whole = fastxor.train(X, y, epochs=5, **settings)
    advance, calls = engine.Engine.advance, []

    def interrupted(self, chunks):
        calls.append(chunks)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return advance(self, min(chunks, 150))  # an epoch has 556

    with monkeypatch.context() as patch:
        patch.setattr(engine.Engine, "advance", interrupted)
        with pytest.raises(Interrupted) as stop:
            fastxor.train(X, y, epochs=5, **settings)
    first = stop.value.run
    assert len(first.losses) == 2
    rest = fastxor.train(X, y, epochs=3, initial=first, **settings)
    losses = np.concatenate([first.losses, rest.losses])
    assert_same_bits(Run(rest.network, losses, whole.settings), whole)


@pytest.mark.parametrize("batch_size", [2, 20, None])
@pytest.mark.parametrize("shuffle", [False, True])
def test_divergence_in_batches(batch_size, shuffle, dtype):
    X, y = samples(50, 2, 1)
    settings = {
        "momentum": 1.5, "learning_rate": 1.0, "dtype": dtype, "epochs": 3000,
        "batch_size": batch_size, "shuffle": shuffle,
    }  # fmt: skip
    stops = []
    for train in (reference.train, fastxor.train):
        with pytest.raises(fastxor.Diverged) as stop:
            train(X, y, **settings)
        stops.append(stop.value)
    assert stops[0].epoch == stops[1].epoch > 1
    assert_same_bits(stops[0].run, stops[1].run)


def test_generators_states():
    generator = np.random.default_rng(3)
    generator.integers(2**32, dtype=np.uint32)  # leaves half of a number of 64 bits over
    assert state_of(generator)[4] == 1
    copy = with_state(state_of(generator))
    assert (copy.permutation(100) == generator.permutation(100)).all()
    with pytest.raises(TypeError, match=r"must be a numpy\.random\.Generator of PCG64, got Rand"):
        Network(*weights(*SIZES).arrays, generator=np.random.RandomState(0))
    with pytest.raises(TypeError, match="of PCG64"):
        state_of(np.random.Generator(np.random.MT19937(0)))
    for wrong in (np.zeros(5, np.uint64), np.zeros(6), np.full(6, 2**40, np.uint64)):
        with pytest.raises(ValueError, match="6 numbers of uint64"):
            with_state(wrong)


# --- several at once ---------------------------------------------------------------------
LARGE = {"epochs": 8, "learning_rate": 1e-5, "threads": 3, "batch_size": 20_000, "shuffle": True}


def train_large(seed=0):
    return digest(fastxor.train(*samples(50_000, 2, 1), seed=seed, **LARGE))


@functools.cache
def expected_large(seed):
    return digest(fastxor.train(*samples(50_000, 2, 1), seed=seed, **LARGE | {"threads": 1}))


def test_several_python_threads_that_use_threads():
    results = {}

    def work(seed):
        results[seed] = train_large(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == {seed: expected_large(seed) for seed in range(5)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_fork():
    assert train_large() == expected_large(0)  # threads have run in the parent
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(train_large, range(4)) == [expected_large(seed) for seed in range(4)]


def test_in_a_process_pool():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(train_large, range(3))) == [expected_large(s) for s in range(3)]


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("batch_size", 0, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ("batch_size", 2.0, TypeError, "batch_size must be an integer"),
        ("batch_size", "all", TypeError, "batch_size must be an integer"),
        ("shuffle", 1, TypeError, "shuffle must be True or False, got 1"),
        ("shuffle", None, TypeError, "shuffle must be True or False"),
        ("threads", 0, ValueError, "threads must be an integer of at least 1, got 0"),
        ("threads", 1.5, TypeError, "threads must be an integer"),
    ],
)
@ENGINES
def test_bad_input(train, name, value, error, message):
    with pytest.raises(error, match=message):
        train(*fastxor.xor(), **{name: value})
