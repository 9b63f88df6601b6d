"""A sweep is trained part by part: here, one after another, or by an executor, in any order."""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

import numpy as np

from fastxor.common.checks import Array
from fastxor.runs.runs import Runs
from fastxor.sweeps.sweep import Sweep, Task, record_of, state_in, train_elsewhere

IN_FLIGHT = 1024  # parts that an executor is given at once: enough for 500 cores
Numbered: TypeAlias = tuple[int, Task]


class Parts(Protocol):
    """Where parts come from and go to."""

    done: int
    """Networks of finished parts."""

    def missing(self) -> Iterator[tuple[int, range, Array | None]]:
        """Of each unfinished part: its number, the places of its networks, and the record of
        what is done of it, if anything is."""

    def put(self, number: int, record: Array) -> None:
        """Take over a finished part."""

    def keep(self, number: int, record: Array) -> None:
        """Take over an unfinished part."""


class PartsInMemory:
    """Parts of ``runs``, of ``size`` networks each."""

    def __init__(self, sweep: Sweep, runs: Runs, size: int) -> None:
        self.sweep, self.runs, self.size = sweep, runs, size
        self.done = sweep.count - sum(len(places) for _, places, _ in self.missing())

    def missing(self) -> Iterator[tuple[int, range, Array | None]]:
        for number, places in self.sweep.parts(self.size):
            some = self.runs.take(np.asarray(places))
            # without epochs, all are done before they have begun
            if not some.done.all() or not self.sweep.settings.epochs:
                begun = some.epochs_done.any()
                yield number, places, record_of(some, self.sweep.fields) if begun else None

    def put(self, number: int, record: Array) -> None:
        first = number * self.size
        places = np.arange(first, min(first + self.size, self.sweep.count))
        self.runs.put(places, state_in(record))

    keep = put


def train_parts(
    sweep: Sweep,
    parts: Parts,
    executor: Executor | None,
    threads: int | None,
    report: Callable[[float], None],
) -> None:
    """Train what is missing. However this ends, all that was finished is in ``parts``."""
    done = parts.done

    def put(number: int, task: Task, record: Array) -> None:
        nonlocal done
        parts.put(number, record)
        done += task.count
        report(done)

    def here(number: int, task: Task) -> None:
        record, runs = task.begin()
        try:
            replace(task, threads=threads).train(runs, lambda part: report(done + part))
            put(number, task, record)
        except KeyboardInterrupt:
            parts.keep(number, record)
            raise

    # elsewhere, a core for each: there are many parts
    each = threads or (1 if executor else None)
    tasks = ((n, sweep.task(places, each, before)) for n, places, before in parts.missing())
    if executor is None:
        for number, task in tasks:
            here(number, task)
    else:
        _Spreading(executor, put, here).run(tasks)


class _Spreading:
    """Has an executor train tasks.

    What is lost with a worker is given to the executor again. When that has lost it twice, takes no
    more work or has cancelled some, as a Dask client does that is closed, it is trained ``here``.
    """

    def __init__(
        self,
        executor: Executor,
        put: Callable[[int, Task, Array], None],
        here: Callable[[int, Task], None],
    ) -> None:
        self.executor, self.put, self.here = executor, put, here
        self.running: dict[Future[Array], Numbered] = {}
        self.ended: SimpleQueue[Future[Array]] = SimpleQueue()
        self.lost: set[int] = set()
        self.used = self.warned = False
        self.broken = ""  # or why

    def run(self, tasks: Iterator[Numbered]) -> None:
        left = True
        try:
            while left or self.running:
                while left and len(self.running) < IN_FLIGHT:
                    numbered = next(tasks, None)
                    left = numbered is not None
                    if numbered:
                        self._give(*numbered)
                with suppress(Empty):  # after a moment, to see whether Ctrl-C was pressed
                    if self.running:
                        self._receive(self.ended.get(timeout=0.1))
        except BaseException as error:
            ready = [future for future in self.running if not future.cancel() and future.done()]
            for future in ready if isinstance(error, KeyboardInterrupt) else ():
                if not future.cancelled() and future.exception() is None:
                    self.put(*self.running[future], future.result())
            raise

    def _give(self, number: int, task: Task) -> None:
        if not self.broken:
            try:
                future = self.executor.submit(train_elsewhere, task)
            except Exception as error:  # it is broken, or was shut down: each has its own
                if not self.used:
                    raise
                self._give_up(f"the executor takes no more work ({error})")
            else:
                self.used = True
                self.running[future] = number, task
                future.add_done_callback(self.ended.put)
                return
        self._train_here(number, task, self.broken)

    def _give_up(self, why: str) -> None:
        self.broken = self.broken or why
        for pending in list(self.running):  # a closed client takes tasks that never end
            pending.cancel()

    def _train_here(self, number: int, task: Task, why: str) -> None:
        if not self.warned:
            warning = f"{why}: what it does not train is trained in this process"
            warnings.warn(warning, RuntimeWarning, stacklevel=2)
        self.warned = True
        self.here(number, task)

    def _receive(self, future: Future[Array]) -> None:
        number, task = self.running[future]
        try:
            record = future.result()
        except CancelledError:
            del self.running[future]
            self._give_up("the executor has cancelled some")
            self._train_here(number, task, self.broken)
        except BrokenExecutor as error:
            del self.running[future]
            if number in self.lost:
                self._train_here(number, task, f"the executor has lost some twice ({error!r})")
            else:
                self.lost.add(number)
                self._give(number, task)
        else:
            self.put(number, task, record)
            del self.running[future]  # not before: Ctrl-C may come at any moment
