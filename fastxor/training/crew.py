"""`Crew`: threads that train many networks, a block of them at a time each."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import ExitStack
from typing import Any

import numpy as np

from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.threads import Threads
from fastxor.interrupts import interrupted_later
from fastxor.networks.stack import Networks, taken
from fastxor.runs.one_of_many import enter, problem_of
from fastxor.runs.problem import Problem
from fastxor.runs.recorded import put_losses
from fastxor.runs.reducing import Reduce, reduced, with_losses
from fastxor.runs.run import Diverged
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data
from fastxor.training.block_samples import Samples, samples_of
from fastxor.training.blocks import Block
from fastxor.training.engine import Engine
from fastxor.training.job import FIRST_SLICE, SLICE, Job
from fastxor.training.shares import Shares
from fastxor.training.starts import starting_rows

AT_ONCE = 0.001  # seconds of work that are done before threads have started
FEW = 2  # networks that are faster alone than side by side
# epochs of a slice after which solved networks make room: more, and it costs more than it gains
CLOSE_UP = 100


class _Stopping(Exception):
    """Another thread was interrupted."""


class Crew:
    """Trains the networks of ``runs`` that are not done, in place.

    ``start``: what networks start from that have not begun; None for that of their seeds.
    """

    def __init__(
        self, data: Data, start: Networks | None, runs: Runs, threads: int | None,
        reduce: Reduce | None = None,
    ) -> None:  # fmt: skip
        self.data, self.start, self.runs, self.reduce = data, start, runs, reduce
        self.settings = runs.settings
        self.architecture = runs.architecture
        kept = self.settings.keep_networks
        self.carries = runs.networks.carries if kept else self.settings.carries
        done, epochs = runs.done.ravel(), self.settings.epochs
        # without epochs, all are done before they have begun
        self.left = np.flatnonzero(~done | (epochs == 0))
        part = runs.epochs_done.ravel()[~done].sum() / max(1, epochs)
        self.count, self.networks_done = done.size, done.sum() + part
        self.working, self.stopping = 0, False  # blocks at work
        self.lock = threading.Lock()
        self.compiling = threading.Lock()
        self.threads = threads or cores()

    def run(self, report: Callable[[float], None]) -> None:
        """Train; ``report`` how many networks are done, with the parts of those that are not.

        However this ends, all that the threads have done is in ``runs``.
        """
        if not (left := self.left).size:
            return
        self.samples = None
        if left.size > FEW:
            self.samples = samples_of(self.data, self.architecture, self.settings, self.carries)
        self.shares = Shares(
            self.data, self.samples, self.architecture, self.settings, self.threads
        )
        if self.shares.seconds(left).sum() < AT_ONCE and not self.networks_done:
            self._at_once()
            return report(round(self.networks_done, 6))  # sums of fractions
        if self.start is None:
            self._starts(left[:1])  # compiles
        blocks = list(self.shares.blocks(left, self.runs.epochs_done.ravel()[left]))
        # a network alone may use the cores that are left
        self.threads_each = max(1, self.threads // len(blocks))
        pool = Threads(min(self.threads, len(blocks)))
        try:
            waiting = {pool.submit(self._train, places) for places in blocks}
            while waiting:
                ended, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
                report(round(self.networks_done, 6))
                for future in ended:
                    future.result()
        finally:
            self._end(pool)

    @ieee_arithmetic()
    def _at_once(self) -> None:
        """Train all networks in this thread, to the end."""
        self.threads_each, places = 1, np.arange(self.count)
        with interrupted_later():
            self.runs.put(places, self._trained(self.runs.flat(), places).state)

    def _end(self, pool: Threads) -> None:
        """Wait for the threads, which see that they are to stop; even if Ctrl-C comes again."""
        try:
            with self.lock:
                self.stopping = True
            pool.shutdown(cancel_futures=True)
            while self.working:  # the pool does not know a thread whose start was interrupted
                time.sleep(0.001)
        except KeyboardInterrupt:
            self._end(pool)

    @ieee_arithmetic()  # an executor's thread may have another, and those that it starts
    def _train(self, places: Array) -> None:
        """Train a block to the end, or until all stop."""
        with self.lock:
            if self.stopping:
                return
            self.working += 1
        try:
            runs = self._trained(self.runs.take(places), places)
            if self.reduce is not None:  # what is not done has lost its losses, and begins anew
                places, runs = places[runs.done], runs.take(np.flatnonzero(runs.done))
            with self.lock:
                self.runs.put(places, runs.state)
        finally:
            with self.lock:
                self.working -= 1

    def _trained(self, runs: Runs, places: Array) -> Runs:
        """``runs``, which are those at ``places``, trained in place."""
        if self.reduce is None:
            self._train_runs(runs, places)
        else:
            self._train_runs(with_losses(runs, self.carries), places)
            reduced(runs, self.reduce)
        return runs

    def _train_runs(self, runs: Runs, places: Array) -> None:
        """Train ``runs``, which are those at ``places``, in place."""
        epoch = int(runs.epochs_done[0])
        networks = runs.networks if epoch else self._starts(places)
        data, beside = self.data.at(places), self.shares.beside(places)
        if self.samples and beside.any():
            self._side_by_side(self.samples, data, runs, networks, np.flatnonzero(beside))
        self._alone(data, runs, networks, np.flatnonzero(~beside), count=True)
        for array in runs.networks.velocity or ():
            array[runs.settings.momentum == 0] = 0  # whichever kernel it was

    def _starts(self, places: Array) -> Networks:
        """The networks before their first epoch; those of seeds without velocity or generator."""
        if self.start is not None:
            return self.start.take(places)
        settings = self.runs.settings
        seeds, T = taken(settings.seed, 0, places), np.dtype(settings.dtype)
        ranges = settings.init_range
        ranges = None if ranges is None else taken(ranges, 0, places)
        rows = starting_rows(seeds, self.architecture, settings.init, ranges).astype(T)
        rows += 0  # no -0.0
        return Networks.of(self.architecture.cut(rows), self.architecture)

    def _count(self, networks: float) -> None:
        with self.lock:
            self.networks_done += networks

    # --- side by side ---------------------------------------------------------------
    def _side_by_side(
        self, samples: Samples, data: Data, runs: Runs, networks: Networks, which: Array
    ) -> None:
        """Train some of ``runs`` (k,), which are ``networks`` now, in place; ``data`` is theirs."""
        settings = self.settings
        block = Block(samples, data, runs, networks)
        if len(which) < len(runs):
            block = block.choose(which)
        if settings.snapshots:
            block.keep_snapshots(runs, np.ones(len(block.places), bool))
        epochs = settings.epochs
        step = max(1, int(FIRST_SLICE / (samples.seconds(data.mean) * len(block.places))))
        may_end = settings.stop_when_solved or settings.patience is not None
        longest = max(CLOSE_UP, epochs // 32) if may_end else epochs
        while block.places.size and block.epoch < epochs and not self.stopping:
            began = time.perf_counter()
            step = min(step, longest, block.next_stop - block.epoch)
            recorded = block.advance(step)
            self._count(step * len(block.places) / epochs)
            put_losses(runs, block.places, recorded)
            seconds = time.perf_counter() - began
            left = (self.count - self.networks_done) * epochs / self.threads
            samples.faster.worked(seconds, seconds / step / len(block.places) * left)
            step = max(1, int(step * min(8, SLICE / max(seconds, 1e-6))))
            finite, left = block.finite, block.left
            at_end = block.epochs_done == block.epoch  # of a snapshot, too
            block.keep_snapshots(runs, finite & at_end)
            if (finite & ~left).all():
                continue
            block.choose(finite & left).settle(runs)
            # where did the others leave the finite numbers? alone, they tell
            self._alone(data, runs, networks, block.places[~finite], count=False)
            self._count((epochs - block.epoch) * np.count_nonzero(~finite | left) / epochs)
            block = block.choose(finite & ~left)
        block.settle(runs)

    # --- alone ----------------------------------------------------------------------
    def _alone(self, data: Data, runs: Runs, networks: Networks, which: Array, count: bool) -> None:
        """Train some of ``runs`` (k,), which are ``networks`` now, one after another, in place.

        ``data``: theirs. ``count``: report them, as nobody has yet.
        """
        engines: dict[Any, Engine] = {}  # by what decides their kernels
        with ExitStack() as stack:
            for k in which:
                if self.stopping:
                    return
                problem = problem_of(data, runs, networks, k, self.threads_each)
                own = problem.settings
                kind = own.carries, own.l2 != 0
                if data.ranges is not None:  # an engine has samples: each needs another
                    stack.close()
                    engines.clear()
                with self.compiling:
                    if kind not in engines:
                        engines[kind] = stack.enter_context(Engine(problem))
                self._train_one(runs, k, problem, engines[kind], count)

    def _train_one(self, runs: Runs, k: int, problem: Problem, engine: Engine, count: bool) -> None:
        """Train network k of ``runs``, in place."""
        job, diverged_at, counted = Job(problem), -1, 0.0

        def count_up_to(epochs: float) -> None:
            nonlocal counted
            if count and self.settings.epochs:
                self._count((epochs - counted) / self.settings.epochs)
            counted = epochs

        def report(done: float) -> None:
            count_up_to(done)
            if self.stopping:
                raise _Stopping

        try:
            if problem.settings.epochs:
                job.finish(engine, report)
            count_up_to(problem.settings.epochs)
        except Diverged as end:
            diverged_at = int(runs.epochs_done[k]) + end.epoch
            count_up_to(problem.settings.epochs)
        except _Stopping:
            pass
        enter(runs, k, job.run(), diverged_at)
