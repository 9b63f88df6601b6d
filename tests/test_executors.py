"""`train_many(..., executor=E)`: the bits of one machine, in whatever order and after any loss."""

import itertools
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from fastxor import Interrupted, StoredRuns, train_many
from fastxor.sweeps import many, parts, sweep
from fastxor.training import crew
from tests.test_many import LONG, X, Y, same_runs
from tests.test_store import EVERY, KINDS, parts_of

__all__ = ["parts_of"]  # a fixture


class Backwards(Executor):
    """Trains in its own time, the last first; ``fate`` may raise what becomes of the nth task."""

    def __init__(self, fate=lambda n: None):
        self.tasks, self.futures, self.sent, self.trained, self.fate = [], [], [], 0, fate
        threading.Thread(target=self.work, daemon=True).start()

    def submit(self, function, /, *arguments, **options):
        assert not options
        future = Future()
        self.futures.append(future)
        self.sent.append(pickle.dumps((function, arguments)))
        self.tasks.append((len(self.sent), future))
        return future

    def work(self):
        while self.tasks is not None:
            time.sleep(0.01)
            while self.tasks:
                number, future = self.tasks.pop()
                if not future.set_running_or_notify_cancel():
                    continue
                function, arguments = pickle.loads(self.sent[number - 1])
                try:
                    self.fate(number)
                    result = pickle.loads(pickle.dumps(function(*arguments)))
                    self.trained += 1  # before who waits for it looks
                    future.set_result(result)
                except BaseException as error:
                    future.set_exception(error)

    def shutdown(self, **options):
        self.tasks = None


@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_are_those_of_one_machine(kind, parts_of, tmp_path):
    call = EVERY | KINDS[kind]
    whole = train_many(X, Y, **call)
    parts_of(7)
    with Backwards() as executor:
        assert same_runs(train_many(X, Y, executor=executor, **call), whole)
        assert same_runs(train_many(X, Y, executor=executor, store=tmp_path, **call), whole)
        assert executor.trained == len(executor.sent) == (2 if whole.shape == () else 6)
        assert same_runs(train_many(X, Y, executor=executor, store=tmp_path, **call), whole)
        assert len(executor.sent) == executor.trained


@pytest.mark.parametrize("in_flight", [1, 2, 1000])
def test_few_parts_are_in_flight(in_flight, parts_of, monkeypatch):
    parts_of(2)
    monkeypatch.setattr(parts, "IN_FLIGHT", in_flight)
    with Backwards() as executor:
        runs = train_many(X, Y, executor=executor, **EVERY)
        assert executor.trained == 10
    assert same_runs(runs, train_many(X, Y, **EVERY))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes(method, parts_of, tmp_path):
    parts_of(20)
    call = {"seed": np.arange(200), "epochs": 3000, "momentum": 0.5, "stop_when_solved": True}
    whole = train_many(X, Y, **call)
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        assert same_runs(train_many(X, Y, executor=executor, **call), whole)
        assert same_runs(train_many(X, Y, executor=executor, store=tmp_path, **call), whole)
        runs = train_many(X, Y, executor=executor, threads=2, dtype="float32", **call)
        assert same_runs(runs, train_many(X, Y, dtype="float32", **call))


def test_a_killed_process(parts_of, tmp_path):
    """What it had, and what its pool refuses from then on, is trained here."""
    parts_of(100)
    call = {"seed": np.arange(2000), "epochs": 10_000}
    whole = train_many(X, Y, **call)
    context = multiprocessing.get_context("spawn")
    for store in (None, tmp_path):
        with ProcessPoolExecutor(2, context) as executor:
            train_many(X, Y, executor=executor, **call | {"seed": np.arange(200)})
            (victim, *_) = executor._processes
            timer = threading.Timer(0.1, os.kill, (victim, signal.SIGKILL))

            def submit(*work, submit=executor.submit, timer=timer):
                future = submit(*work)
                if timer.ident is None:
                    timer.start()
                return future

            executor.submit = submit
            with pytest.warns(RuntimeWarning, match="the executor takes no more work") as warned:
                runs = train_many(X, Y, executor=executor, store=store, **call)
            timer.join()
        assert len(warned) == 1, "one is enough"
        assert same_runs(runs, whole)


# --- loss ----------------------------------------------------------------------------------------
def test_what_is_lost_is_trained_again(parts_of, monkeypatch):
    """And nothing else: once by the executor, then here."""
    parts_of(2)
    here = []

    def noting(self, runs, report, train=sweep.Task.train):
        if threading.current_thread() is threading.main_thread():
            here.append(len(runs))
        train(self, runs, report)

    monkeypatch.setattr(sweep.Task, "train", noting)

    lost = set()

    def fate(number):
        if number in lost:
            raise BrokenExecutor

    for numbers, count in (({1, 4, 7}, 0), ({1, 4, 11, 12}, 2)):
        here.clear()
        lost = numbers
        warned = (
            pytest.warns(RuntimeWarning, match="has lost some twice") if count else nullcontext()
        )
        with Backwards(fate) as executor, warned:
            runs = train_many(X, Y, executor=executor, **EVERY)
            assert executor.trained == 10 - count
        assert len(here) == count
        assert same_runs(runs, train_many(X, Y, **EVERY))


def test_an_executor_that_cancels(parts_of, monkeypatch):
    """As a Dask client does that is closed: what it would take now might never end."""
    parts_of(2)
    monkeypatch.setattr(parts, "IN_FLIGHT", 1)

    def fate(number):
        if number == 2:
            raise CancelledError

    with Backwards(fate) as executor, pytest.warns(RuntimeWarning, match="has cancelled some"):
        runs = train_many(X, Y, executor=executor, **EVERY)
    assert len(executor.sent) == 2

    class Silent(Backwards):
        def submit(self, *arguments):
            return Future() if len(self.sent) == 2 else super().submit(*arguments)

    monkeypatch.setattr(parts, "IN_FLIGHT", 3)
    with Silent(fate) as executor, pytest.warns(RuntimeWarning, match="has cancelled some"):
        again = train_many(X, Y, executor=executor, **EVERY)
    assert same_runs(again, runs)
    assert same_runs(runs, train_many(X, Y, **EVERY))


def test_an_executor_that_breaks(parts_of, monkeypatch):
    """It takes no more from the fourth part on: the rest is trained here, with all cores."""
    parts_of(2)
    monkeypatch.setattr(parts, "IN_FLIGHT", 2)
    threads = []

    class Breaks(Backwards):
        def submit(self, *arguments):
            if len(self.sent) == 3:
                raise BrokenExecutor("gone")
            return super().submit(*arguments)

    def noting(self, runs, report, train=sweep.Task.train):
        threads.append(self.threads)
        train(self, runs, report)

    monkeypatch.setattr(sweep.Task, "train", noting)
    with (
        Breaks() as executor,
        pytest.warns(RuntimeWarning, match=r"takes no more work \(gone\): what it does not"),
    ):
        runs = train_many(X, Y, executor=executor, **EVERY)
    elsewhere = executor.trained  # of three, what had begun by then
    assert 1 <= elsewhere <= 3
    assert sorted(threads, key=str) == [1] * elsewhere + [None] * (10 - elsewhere)
    assert same_runs(runs, train_many(X, Y, **EVERY))


def test_an_executor_that_has_gone_without_a_word(parts_of, monkeypatch):
    """It takes no more, and what it has never ends."""
    parts_of(2)
    monkeypatch.setattr(parts, "IN_FLIGHT", 5)

    class Gone(Backwards):
        def submit(self, *arguments):
            if len(self.sent) < 4:
                return super().submit(*arguments)
            if len(self.sent) == 4:
                self.sent.append(None)
                return Future()
            raise OSError("gone")

    with Gone() as executor, pytest.warns(RuntimeWarning, match=r"takes no more work \(gone\)"):
        runs = train_many(X, Y, executor=executor, **EVERY)
    assert same_runs(runs, train_many(X, Y, **EVERY))


def test_errors_of_workers_are_raised(parts_of, tmp_path):
    """What is finished stays; what has not begun is cancelled."""
    parts_of(2)

    def fate(number):
        if executor.trained == 3:  # not the nth that is sent, which may be the first to be trained
            raise MemoryError("a worker's")

    with Backwards(fate) as executor, pytest.raises(MemoryError, match="a worker's"):
        train_many(X, Y, executor=executor, store=tmp_path, **EVERY)
    done = StoredRuns(tmp_path).done.sum()
    assert 0 < done <= 12
    runs = train_many(X, Y, store=tmp_path, **EVERY)
    assert same_runs(runs, train_many(X, Y, **EVERY))


def test_an_executor_that_takes_nothing():
    with ThreadPoolExecutor(1) as executor:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        train_many(X, Y, executor=executor, **EVERY)
    with pytest.raises(
        TypeError, match=r"executor must be a concurrent\.futures\.Executor, got str"
    ):
        train_many(X, Y, executor="processes", **EVERY)


@pytest.mark.parametrize("name", ["CONTRACT", "randn_digest"])
def test_workers_with_other_bits_refuse(name, monkeypatch):
    """Another version of the contract, or a C library that gives seeds other starting weights."""
    values = {"CONTRACT": 3, "randn_digest": lambda: "other"}

    def fate(number):
        monkeypatch.setattr(sweep, name, values[name])

    with Backwards(fate) as executor, pytest.raises(RuntimeError, match="to other bits"):
        train_many(X, Y, executor=executor, **EVERY)


# --- interruption --------------------------------------------------------------------------------
@pytest.mark.parametrize("stored", [False, True])
def test_ctrl_c(stored, parts_of, tmp_path):
    """What was finished by then is kept; what has not begun is cancelled."""
    parts_of(2)
    call = EVERY | LONG["stopping"] | {"store": tmp_path if stored else None}
    trained = []

    def fate(number):
        if len(trained) == 6:
            os.kill(os.getpid(), signal.SIGINT)
            ends = time.monotonic() + 30  # a busy machine may take its time to hear of it
            while time.monotonic() < ends and cancelled() < 3:
                time.sleep(0.01)
        trained.append(number)

    def cancelled():
        return sum(future.cancelled() for future in executor.futures)

    with Backwards(fate) as executor, pytest.raises(Interrupted) as stop:
        train_many(X, Y, executor=executor, **call)
    assert cancelled() == 3
    time.sleep(0.6)
    assert len(trained) == 7, "the rest was not cancelled"
    runs = stop.value.run
    assert runs.done.sum() == 12
    resume = None if stored else runs
    for executor in (None, Backwards()):
        again = train_many(X, Y, executor=executor, resume=resume, **call)
        assert same_runs(again, train_many(X, Y, **call | {"store": None}))


def test_networks_that_have_begun_go_on_elsewhere(parts_of, monkeypatch):
    """Interrupted here, in the middle, and resumed by an executor."""
    parts_of(3)
    call = EVERY | {"momentum": [[0.0], [0.5]], "record_every": 7}
    calls = itertools.count()

    def pressed(self, epochs, advance=crew.Block.advance):
        result = advance(self, min(epochs, 5))
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
        return result

    monkeypatch.setattr(crew, "AT_ONCE", 0)  # in threads
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    monkeypatch.setattr(crew, "SLICE", 0)
    monkeypatch.setattr(crew.Block, "advance", pressed)
    with pytest.raises(Interrupted) as stop:
        train_many(X, Y, **call)
    assert 0 < stop.value.run.epochs_done.max() < 200
    with Backwards() as executor:
        runs = train_many(X, Y, executor=executor, resume=stop.value, **call)
    assert same_runs(runs, train_many(X, Y, **call))


# --- what is sent -------------------------------------------------------------------------
def test_tasks_are_small():
    """What is the same for all networks is sent once; of a million networks, some at a time."""
    call = {
        "seed": np.arange(1000)[:, None], "learning_rate": np.linspace(0.1, 1, 1000), "epochs": 1,
        "initial": [np.ones((2, 2)), np.ones((1, 2)), np.ones((2, 1)), np.ones((1, 1))],
    }  # fmt: skip
    with Backwards() as executor:
        train_many(X, Y, executor=executor, **call)
        assert max(map(len, executor.sent)) < 2_200_000
        assert len(executor.sent) >= 8
        executor.sent.clear()
        train_many(X, Y, executor=executor, **call | {"seed": 5})
        assert max(map(len, executor.sent)) < 12_000
        assert len(executor.sent) == 1


def test_progress(parts_of, monkeypatch):
    seen = []

    @contextmanager
    def bar(total, show, what):
        yield seen.append

    monkeypatch.setattr(many, "progress_bar", bar)
    parts_of(3)
    with Backwards() as executor:
        train_many(X, Y, executor=executor, **EVERY)
    assert seen == sorted(seen)
    assert len(seen) == 7
    assert seen[-1] == 20
