"""What `train` promises beyond its bits: continuing, interruption, errors, memory."""

import os
import pickle
import signal
import threading
import tracemalloc
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Interrupted, Network, Run, reference
from fastxor.agreement import differing, same_bits
from fastxor.training import job
from fastxor.training import single as training
from tests.conftest import assert_same_bits, in_new_process, samples, weights

ENGINES = pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
X, Y = fastxor.xor()


# --- what goes in and what comes out ------------------------------------------------
@ENGINES
def test_result(engine):
    run = engine.train(X, Y, hidden_size=3, epochs=7, learning_rate=0.5, momentum=0.25, seed=9)
    assert run.network.sizes == (2, 3, 1)
    assert [a.shape for a in run.network.arrays] == [(2, 3), (1, 3), (3, 1), (1, 1)]
    assert run.losses.shape == (7,)
    assert run.losses.dtype == run.network.dtype == np.float64
    settings = run.settings
    assert (settings.hidden_size, settings.epochs, settings.seed) == (3, 7, 9)
    assert (settings.learning_rate, settings.momentum, settings.dtype) == (0.5, 0.25, "float64")


@ENGINES
def test_seeds_mean_what_they_mean_in_the_tutorial(engine):
    np.random.seed(5)
    W1, W2 = np.random.randn(2, 3), np.random.randn(3, 1)
    np.random.seed(77)
    following = np.random.RandomState(77).random(3)
    network = engine.train(X, Y, hidden_size=3, epochs=0, seed=5).network
    for ours, theirs in zip(network.arrays, (W1, np.zeros((1, 3)), W2, [[0.0]]), strict=True):
        assert same_bits(ours, np.asarray(theirs))
    assert (np.random.random(3) == following).all(), "NumPy's global generator was touched"


@ENGINES
@pytest.mark.parametrize(
    "convert",
    [list, lambda a: a.astype(bool), lambda a: a.astype(np.uint8), lambda a: a.astype(">f4"),
     lambda a: a.astype(np.float16), np.asfortranarray, lambda a: a[::-1][::-1],
     lambda a: a.astype(np.longdouble), lambda a: a.astype(object),
     lambda a: np.array([(Decimal, Fraction)[v](int(v)) for v in a.flat]).reshape(a.shape)],
    ids=["lists", "bool", "uint8", "big-endian", "float16", "fortran", "strided", "longdouble",
         "objects", "decimals"],
)  # fmt: skip
def test_any_array_like_of_numbers(engine, convert):
    expected = engine.train(X, Y, epochs=5)
    assert_same_bits(engine.train(convert(X), convert(Y), epochs=5), expected)
    assert_same_bits(engine.train(convert(X), convert(Y.ravel()), epochs=5), expected)


@ENGINES
def test_nothing_of_the_callers_is_changed(engine, dtype):
    data = [a.astype(dtype) for a in samples(20, 2, 1)]
    start = Network(*weights(2, 2, 1).arrays, velocity=weights(2, 2, 1, seed=1).arrays)
    before = [a.copy() for a in (*data, *start.arrays, *start.velocity)]
    engine.train(*data, initial=start, momentum=0.5, epochs=5, learning_rate=1.0)
    for a, b in zip((*data, *start.arrays, *start.velocity), before, strict=True):
        assert same_bits(a, b)
    frozen = [a.copy() for a in data]
    for a in frozen:
        a.setflags(write=False)
    engine.train(*frozen, epochs=1)


@ENGINES
def test_starting_arrays(engine):
    start = weights(2, 5, 1)
    expected = engine.train(X, Y, initial=start, epochs=5)
    assert expected.network.sizes == (2, 5, 1)
    assert_same_bits(engine.train(X, Y, initial=start.arrays, hidden_size=5, epochs=5), expected)
    lists = [a.tolist() for a in start.arrays]
    assert_same_bits(engine.train(X, Y, initial=lists, epochs=5), expected)


@ENGINES
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_that_was_changed_is_checked_again(engine, dtype):
    start = weights(2, 5, 1)
    start.W2[3, 0] = np.nan
    with pytest.raises(
        ValueError, match=rf"initial W2 must be finite in {dtype}, got nan at \[3, 0"
    ):
        engine.train(X, Y, initial=start, dtype=dtype)
    start.W2[3, 0], start.velocity = 0, [np.full_like(array, np.inf) for array in start.arrays]
    with pytest.raises(
        ValueError, match=rf"initial velocity W1 must be finite in {dtype}, got inf"
    ):
        engine.train(X, Y, initial=start, dtype=dtype, momentum=0.5)


@ENGINES
def test_the_dtype_is_that_of_the_initial_network(engine):
    first = engine.train(X, Y, dtype="float32", epochs=3)
    assert engine.train(X, Y, initial=first, epochs=3).settings.dtype == "float32"
    assert engine.train(X, Y, initial=first, epochs=3, dtype=float).network.dtype == np.float64


# --- continuing --------------------------------------------------------------------------
@ENGINES
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("n", [4, 2000])
def test_a_continued_run_is_the_uninterrupted_one(engine, momentum, n, dtype, tmp_path):
    data = samples(n, 2, 1)
    settings = {"momentum": momentum, "learning_rate": 1 / n, "dtype": dtype}
    whole = engine.train(*data, epochs=9, **settings)
    first = engine.train(*data, epochs=4, **settings)
    first.network.save(tmp_path / "net.npz")
    starts = [first, first.network, Network.load(tmp_path / "net.npz")]
    for initial in starts:
        rest = engine.train(*data, epochs=5, initial=initial, **settings)
        losses = np.concatenate([first.losses, rest.losses])
        assert_same_bits(Run(rest.network, losses, whole.settings), whole)


@pytest.mark.parametrize(("n", "hidden"), [(4, 2), (20, 2), (5000, 2), (1100, 300)])
def test_slices_change_no_bit(n, hidden, dtype, monkeypatch):
    """Not even where a large network pauses within a block."""
    data = samples(n, 2, 1)
    settings = {"hidden_size": hidden, "epochs": 23, "momentum": 0.9, "dtype": dtype}
    settings["learning_rate"] = 1 / n
    expected = fastxor.train(*data, **settings)
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)  # one chunk at a time
    assert_same_bits(fastxor.train(*data, **settings), expected)


def interrupting_bar(calls):
    """A progress bar at which Ctrl-C is pressed, at the latest when it has been called so often."""

    @contextmanager
    def bar(total, show):
        seen = []

        def report(done):
            seen.append(done)
            if len(seen) == calls:
                raise KeyboardInterrupt

        yield report

    return bar


@ENGINES
@pytest.mark.parametrize("n", [4, 5000])
@pytest.mark.parametrize("calls", [1, 2, 13])
def test_an_interrupted_run_can_be_finished(engine, n, calls, monkeypatch):
    data = samples(n, 2, 1)
    settings = {"momentum": 0.9, "learning_rate": 1 / n}
    whole = engine.train(*data, epochs=20, **settings)
    with monkeypatch.context() as patch:
        patch.setattr(job, "SLICE", 0)
        patch.setattr(job, "FIRST_SLICE", 0)
        patch.setattr(training, "progress_bar", interrupting_bar(calls))
        patch.setattr(reference, "progress_bar", interrupting_bar(calls))
        with pytest.raises(Interrupted) as stop:
            engine.train(*data, epochs=20, **settings)
    assert isinstance(stop.value, KeyboardInterrupt)
    run = stop.value.run
    done = len(run.losses)
    assert done < 20
    assert f"after {done} of 20 epochs" in str(stop.value)
    rest = engine.train(*data, epochs=20 - done, initial=run, **settings)
    losses = np.concatenate([run.losses, rest.losses])
    assert_same_bits(Run(rest.network, losses, whole.settings), whole)


@pytest.mark.parametrize("call", [1, 2, 4])
@pytest.mark.parametrize("n", [4, 3000])
def test_ctrl_c_in_a_slice_that_overflows(n, call, monkeypatch):
    """The kernel has returned NaN, or is searching for the epoch: the good state is kept."""
    data = samples(n, 2, 1)
    calls = 0
    look = job.Job._keep_if_finite

    def looks(job, engine):
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return look(job, engine)

    monkeypatch.setattr(job.Job, "_keep_if_finite", looks)
    with pytest.raises(Interrupted) as stop:
        fastxor.train(*data, learning_rate=1.0, momentum=3.0, epochs=2000)
    monkeypatch.undo()
    run = stop.value.run
    assert np.isfinite(run.losses).all()
    again = fastxor.train(*data, learning_rate=1.0, momentum=3.0, epochs=len(run.losses))
    assert differing(again, run) == []


@pytest.mark.parametrize(("n", "hidden"), [(4, 2), (200_000, 8)])
def test_a_real_signal_stops_training(n, hidden):
    data = samples(n, 2, 1)
    fastxor.train(*data, hidden_size=hidden, epochs=1)  # compiled
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted) as stop:
        fastxor.train(*data, hidden_size=hidden, epochs=100_000_000, learning_rate=1 / n)
    timer.join()
    run = stop.value.run
    epochs = min(len(run.losses), 5)
    again = fastxor.train(*data, hidden_size=hidden, epochs=epochs, learning_rate=1 / n)
    assert same_bits(again.losses, run.losses[:epochs])
    assert np.isfinite(run.losses).all()


# --- bad input -----------------------------------------------------------------------------
def fast_start():
    start = weights(2, 2, 1)
    W1, b1, W2, b2 = start.arrays
    return Network(W1, b1, W2, b2, velocity=(W1, b1 * 1e300, W2, b2))


BAD = {
    "empty X": (ValueError, "X must not be empty, got shape (0, 2)", {"X": np.zeros((0, 2))}),
    "no columns": (ValueError, "X must not be empty", {"X": np.zeros((4, 0))}),
    "flat X": (ValueError, "X must have 2 dimensions, got shape (4,)", {"X": [0, 1, 2, 3]}),
    "deep X": (ValueError, "X must have 2 dimensions", {"X": np.zeros((4, 2, 2))}),
    "ragged X": (ValueError, "X must be a rectangular array", {"X": [[1, 2], [3]]}),
    "rows": (ValueError, "as many rows, got shapes (4, 2) and (3, 1)", {"y": [[0], [1], [1]]}),
    "deep y": (ValueError, "y must have 1 or 2 dimensions", {"y": np.zeros((4, 1, 1))}),
    "scalar y": (ValueError, "y must have 1 or 2 dimensions", {"y": 1.0}),
    "NaN": (ValueError, "X must be finite in float64, got nan at [1, 0]",
            {"X": [[0, 0], [np.nan, 1], [1, 0], [1, 1]]}),
    "infinity": (ValueError, "y must be finite in float64, got -inf at [2, 0]",
                 {"y": [0, 1, -np.inf, 0]}),
    "too large": (ValueError, "X must be finite in float32",
                  {"X": np.full((4, 2), 1e39), "dtype": "float32"}),
    "complex": (TypeError, "X must hold real numbers, got an array of dtype complex128",
                {"X": X * 1j}),
    "missing": (ValueError, "X must not have missing values, got None at [1, 0]",
                {"X": np.array([[Decimal(1), 2], [None, "a"], [1, 2], [1, 2]])}),
    "objects": (TypeError, "X must hold real numbers, got {} at [0, 0]", {"X": [[{}, 1]] * 4}),
    "complex object": (TypeError, "X must hold real numbers, got 1j at [0, 1]",
                       {"X": np.array([[1, 1j]] * 4, object)}),
    "large integers": (ValueError, "X must be finite in float64, got inf at [0, 1]",
                       {"X": [[1, 10**400]] * 4}),
    "text": (TypeError, "X must hold real numbers, got 'a' at [0, 1]", {"X": [[1, "a"]] * 4}),
    "dates": (TypeError, "y must hold real numbers", {"y": np.array(["2020-01-01"] * 4, "M8[D]")}),
    "text y": (TypeError, "y must hold real numbers, got '0' at [0]", {"y": list("0110")}),
    "no X": (TypeError, "X must hold real numbers, got None", {"X": None}),
    "ragged y": (ValueError, "y must be a rectangular array", {"y": [[1], [1, 2], [3], [4]]}),
    "masked": (ValueError, "X must not have masked entries, got 1",
               {"X": np.ma.array(X, mask=[[0, 0], [0, 1], [0, 0], [0, 0]])}),
    "far too many hidden units": (ValueError, "hidden_size must be", {"hidden_size": 10**30}),
    "no memory for losses": (MemoryError, "epochs: no memory", {"epochs": 10**15}),
    "large integer rate": (ValueError, "learning_rate must be finite", {"learning_rate": 10**400}),
    "strange dtype": (TypeError, "dtype must be", {"dtype": {"names": ["a"]}}),
    "initial velocity": (ValueError, "initial velocity b1 must be finite in float32",
                         {"initial": fast_start(), "dtype": "float32", "momentum": 0.5}),
    "no hidden units": (ValueError, "hidden_size must be an integer of at least 1",
                        {"hidden_size": 0}),
    "hidden fraction": (TypeError, "hidden_size must be an integer", {"hidden_size": 2.0}),
    "hidden bool": (TypeError, "hidden_size must be an integer", {"hidden_size": True}),
    "hidden text": (TypeError, "hidden_size must be an integer", {"hidden_size": "2"}),
    "epochs": (ValueError, "epochs must be an integer of at least 0", {"epochs": -1}),
    "epochs fraction": (TypeError, "epochs must be an integer", {"epochs": 1e4}),
    "too many epochs": (ValueError, "epochs must be", {"epochs": 10**30}),
    "seed": (ValueError, "seed must be an integer of at least 0", {"seed": -1}),
    "large seed": (ValueError, "and at most 4294967295", {"seed": 2**32}),
    "no seed": (TypeError, "seed must be an integer", {"seed": None}),
    "learning rate": (ValueError, "learning_rate must be finite", {"learning_rate": np.nan}),
    "rate of float32": (ValueError, "learning_rate must be finite in float32",
                        {"learning_rate": 1e39, "dtype": "float32"}),
    "rate text": (TypeError, "learning_rate must be a number, got '0.1'", {"learning_rate": "0.1"}),
    "rates": (TypeError, "learning_rate must be a number", {"learning_rate": [0.1, 0.2]}),
    "rate bool": (TypeError, "learning_rate must be a number", {"learning_rate": True}),
    "momentum": (ValueError, "momentum must be finite", {"momentum": np.inf}),
    "momentum None": (TypeError, "momentum must be a number", {"momentum": None}),
    "rate masked": (TypeError, "learning_rate must be a number, got masked",
                    {"learning_rate": np.ma.masked}),
    "progress": (TypeError, "progress must be True or False, got 'no'", {"progress": "no"}),
    "half": (ValueError, "dtype must be 'float64' or 'float32', got 'half'", {"dtype": "half"}),
    "int": (ValueError, "dtype must be", {"dtype": int}),
    "no dtype": (TypeError, "dtype must be", {"dtype": "fast"}),
    "initial inputs": (ValueError, "initial must have the sizes (2, 2, 1)",
                       {"initial": weights(3, 2, 1)}),
    "initial hidden": (ValueError, "initial must have the sizes (2, 3, 1)",
                       {"initial": weights(2, 2, 1), "hidden_size": 3}),
    "initial shapes": (ValueError, "initial: W2 must have shape (2, 1), got (3, 1)",
                       {"initial": (np.ones((2, 2)), np.ones((1, 2)), np.ones((3, 1)), [[1.0]])}),
    "initial NaN": (ValueError, "initial: b2 must be finite",
                    {"initial": (np.ones((2, 2)), np.ones((1, 2)), np.ones((2, 1)), [[np.nan]])}),
    "initial float32": (ValueError, "initial W1 must be finite in float32",
                        {"initial": weights(2, 2, 1, scale=1e39), "dtype": "float32"}),
    "initial of three": (TypeError, "initial must be a Network", {"initial": (1, 2, 3)}),
    "initial text": (TypeError, "initial must be a Network", {"initial": "net.npz"}),
}  # fmt: skip


@ENGINES
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(engine, case, monkeypatch):
    error, message, arguments = BAD[case]
    for module in (training, reference):  # before any work
        monkeypatch.setattr(module, "progress_bar", None)
    with pytest.raises(error) as raised:
        engine.train(**{"X": X, "y": Y} | arguments)
    assert type(raised.value) is error
    assert message in str(raised.value)


# --- overflow -------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [4, 1500])
@pytest.mark.parametrize("momentum", [0.0, 3.0])
@pytest.mark.parametrize("slices", [True, False])
def test_divergence_has_an_epoch_and_a_last_network(n, momentum, slices, dtype, monkeypatch):
    """Momentum 3 triples each step until it overflows; a huge error overflows at once."""
    if slices:
        monkeypatch.setattr(job, "SLICE", 0)
        monkeypatch.setattr(job, "FIRST_SLICE", 0)
    data = samples(n, 2, 1)
    rate = 1.0
    if momentum == 0:
        data, rate = (data[0], data[1] * 1e6), np.finfo(dtype).max / 2
    settings = {"learning_rate": rate, "momentum": momentum, "dtype": dtype, "epochs": 2000}
    stops = []
    for engine in (reference, fastxor):
        with pytest.raises(Diverged, match="overflowed to infinity or NaN in epoch") as stop:
            engine.train(*data, **settings)
        stops.append(stop.value)
    assert stops[0].epoch == stops[1].epoch == len(stops[1].run.losses)
    assert (stops[0].epoch > 50) == (momentum > 0)
    assert_same_bits(stops[0].run, stops[1].run)
    assert all(np.isfinite(a).all() for a in stops[1].run.network.arrays)
    assert np.isfinite(stops[1].run.losses).all()
    # and it is the run that stops there
    settings["epochs"] = stops[1].epoch
    assert differing(fastxor.train(*data, **settings), stops[1].run) == []


@ENGINES
@pytest.mark.parametrize("n", [4, 20])
def test_a_loss_that_overflows_is_divergence_too(engine, n):
    data = samples(n, 2, 1)
    with pytest.raises(Diverged) as stop:
        engine.train(data[0], data[1] + 1e200, epochs=10, learning_rate=1e-300)
    assert stop.value.epoch == 0
    assert len(stop.value.run.losses) == 0


@ENGINES
def test_infinite_sums_inside_the_network_are_divergence(engine):
    """inf - inf is NaN before any parameter is: it must not be clamped away."""
    start = Network([[1e308, 1.0], [-1e308, 1.0]], [[0.0, 0.0]], [[1.0], [1.0]], [[0.0]])
    with pytest.raises(Diverged) as stop:
        engine.train([[100.0, 100.0]] * 4, Y, initial=start, epochs=10)
    assert stop.value.epoch == 0


def test_exceptions_can_be_pickled():
    run = fastxor.train(X, Y, epochs=3)
    for error in (Diverged(3, run), Interrupted(run)):
        other = pickle.loads(pickle.dumps(error))
        assert str(other) == str(error)
        assert differing(other.run, run) == []


# --- the machine ------------------------------------------------------------------------------
@pytest.mark.parametrize("given", [np.float64, np.int8])
def test_memory(given, dtype):
    """One transposed copy of the data, the losses, and less than a megabyte for two threads."""
    n = 400_000
    data = np.zeros((n, 3), given), np.zeros((n, 1), given)
    settings = {"hidden_size": 32, "dtype": dtype, "threads": 2}
    fastxor.train(*data, epochs=1, **settings)
    tracemalloc.start()
    fastxor.train(*data, epochs=2, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * n * np.dtype(dtype).itemsize + 1_000_000


def test_several_threads_at_once():
    expected = [fastxor.train(X, Y, seed=seed, epochs=2000) for seed in range(8)]
    results = [None] * 8

    def work(seed):
        results[seed] = fastxor.train(X, Y, seed=seed, epochs=2000)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(results, expected, strict=True):
        assert_same_bits(a, b)


def test_without_a_compiler():
    output = in_new_process(
        """
        import fastxor
        try:
            fastxor.train(*fastxor.xor())
        except RuntimeError as error:
            print(error)
        """,
        NUMBA_DISABLE_JIT="1",
    )
    assert output == "fastxor needs Numba's compiler: unset NUMBA_DISABLE_JIT\n"


def test_importing_is_cheap():
    """What is needed only sometimes is imported when it is: numba takes half a second."""
    output = in_new_process(
        """
        import sys, fastxor, fastxor.reference, fastxor.__main__
        fastxor.reference.train(*fastxor.xor(), epochs=1)
        print([name for name in ("numba", "llvmlite", "rich") if name in sys.modules])
        """
    )
    assert output == "[]\n"
