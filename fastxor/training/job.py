"""`Job`: a run in progress, in slices of some 50 ms."""

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastxor.common import checks
from fastxor.forks import not_forking
from fastxor.networks.network import Network
from fastxor.runs.problem import Problem, run_of
from fastxor.runs.run import Diverged, Records, Run

if TYPE_CHECKING:
    from fastxor.training.engine import Engine

SLICE = 0.05  # seconds in the kernel between two looks at Ctrl-C and the progress bar
FIRST_SLICE = 0.01  # likewise, as long as the speed is only a guess


@cache
def engine_type() -> "type[Engine]":
    """`Engine`."""
    # here and not at the top: numba takes half a second to import, and who asks for help, makes a
    # mistake or uses the reference alone need not wait for it
    with not_forking:
        from fastxor.training.engine import Engine
    return Engine


class Job:
    """A run in progress.

    The arrays of the engine may hold anything when Ctrl-C is pressed. What counts is ``good``,
    the last state that was looked at and found finite, replaced at once.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.stop = problem.settings.stop_when_solved
        self.may_end = self.stop or problem.settings.patience is not None
        self.records = Records.of(problem.settings, problem.before)
        # epochs done, the state after them, and the first of them that was solved
        self.good = 0, problem.start, -1
        self.chunks = 0  # of the next slice, once the speed is known
        self.wanted = problem.settings.snapshots or ()
        self.snapshots: dict[int, Network] = {}
        if self.wanted:
            self._keep_snapshot()

    def run(self) -> Run:
        """What is done so far."""
        return run_of(self.problem, self.records, *self.good, self.snapshots)

    def _keep_snapshot(self) -> None:
        """Of the good state, if one is wanted there."""
        epoch, state, _ = self.good
        if epoch in self.wanted:
            network = state._replace(velocity=None, adam=None, generator=None)
            self.snapshots[epoch] = network.network(self.problem.architecture)

    def finish(self, engine: "Engine", report: Callable[[float], None]) -> None:
        """Train to the end; ``report`` the epochs done after each slice."""
        engine.begin(self.problem, self.records)
        self.train_to(engine, self.problem.settings.epochs, report)

    def train_to(self, engine: "Engine", epoch: int, report: Callable[[float], None]) -> None:
        """Train in slices until so many epochs are done, or all is solved; the engine has begun."""
        chunks = self.chunks or max(1, int(FIRST_SLICE / engine.seconds))
        while engine.epoch < epoch:
            began = time.perf_counter()
            engine.go_faster()  # perhaps after the rest of a batch, which may end the epoch
            stop = min(epoch, self._next_stop) if self.wanted else epoch
            if left := engine.chunks_until(stop):
                chunks = engine.advance(min(chunks, left))
            if self.may_end and self._end(engine):
                return
            if engine.between_epochs and not self._keep_if_finite(engine):
                raise Diverged(self._last_finite(engine), self.run())
            seconds = time.perf_counter() - began
            report(engine.progress)
            left = engine.chunks_until(self.problem.settings.epochs)
            engine.faster.worked(seconds, seconds / chunks * left)
            chunks = max(1, int(chunks * min(8, SLICE / max(seconds, 1e-6))))
        self.chunks = chunks

    def _keep_if_finite(self, engine: "Engine") -> bool:
        """Are the parameters and the new losses finite? Then they are the good state.

        So they are where it does not matter.
        """
        epoch, state = engine.epoch, engine.state()
        new = self.records.losses[self.good[0] : epoch]
        matters = self.problem.settings.stop_when_diverged
        if matters and not (checks.all_finite(new) and state.finite):
            return False
        self.good = epoch, state, engine.solved_at
        if self.wanted:
            self._keep_snapshot()
        return True

    @property
    def _next_stop(self) -> int:
        """The next epoch at which a network is to be kept, or the last."""
        epochs = self.problem.settings.epochs
        return next((at for at in self.wanted if at > self.good[0]), epochs)

    def _end(self, engine: "Engine") -> bool:
        """End where all was solved or patience ran out, if so; the engine may be further."""
        end, solved_at = engine.out_of_patience_at, engine.solved_at if self.stop else -1
        solved = solved_at >= 0 and not 0 <= end <= solved_at
        if solved:
            end = solved_at
        if end < 0:
            return False
        if engine.epoch != end:
            engine.restart(*self.good)
            if chunks := engine.chunks_until(end):
                engine.advance(chunks)
        if not self._keep_if_finite(engine):
            raise Diverged(self._last_finite(engine), self.run())
        if solved:
            if not np.isfinite(self.records.losses[end]):
                raise Diverged(end, self.run())
            self.good = *self.good[:2], end
        return True

    def _last_finite(self, engine: "Engine") -> int:
        """Find the last epoch before which all was finite, and make it the good state.

        A parameter that is infinite or NaN stays so, and a loss is remembered: halving the
        distance between the good state and now finds it.
        """
        high = engine.epoch
        while high - self.good[0] > 1:
            engine.restart(*self.good)
            middle = (self.good[0] + high) // 2
            engine.advance(engine.chunks_until(middle))
            if not self._keep_if_finite(engine):
                high = middle
        return self.good[0]
