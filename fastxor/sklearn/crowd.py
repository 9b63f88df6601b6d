"""`Crowd`: the networks of groups, trained by scikit-learn's rule of when to stop.

Imports Numba, so it is imported where training begins.
"""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.threads import together
from fastxor.networks.stack import Networks
from fastxor.runs.fields import fields_of, varied
from fastxor.runs.problem import Problem
from fastxor.runs.run import Diverged
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data
from fastxor.runs.settings import Settings
from fastxor.sklearn.descent import Descent
from fastxor.sklearn.translation import SHARED_FROM, loss_factor
from fastxor.training.block_samples import Samples, samples_of
from fastxor.training.blocks import Block
from fastxor.training.engine import Engine

FEW = 2  # networks that are faster alone than side by side
# of the parameters of a block, and of what an optimizer carries; and seconds of an epoch that are
# worth the 0.1 ms that Python takes for it
BLOCK_BYTES, WORTH = 4 * 2**20, 0.002
ENDED = 1 / 8  # of the networks of a block: they make room


class _Stopping(Exception):
    """Another thread was interrupted."""


class Crowd:
    """Networks (k,) with samples of their own: what becomes of them from their start on."""

    def __init__(
        self, problem: Problem, data: Data, l2: Array, tol: float, patience: float
    ) -> None:
        """``problem``: of one; of others differ the samples and ``l2`` (k,).

        Training ends after more than ``patience`` epochs whose loss is above the least less
        ``tol``.
        """
        assert data.ranges
        self.problem, self.data, self.l2, self.n = problem, data, l2, data.ranges.n
        self.tol, self.patience = tol, patience
        self.size = problem.settings.batch_size or int(self.n.max())
        self.architecture, self.epochs = problem.architecture, problem.settings.epochs
        self.factor = loss_factor(problem.settings.loss, self.architecture)
        k, T = len(l2), problem.start.parameters.dtype
        self.parameters = np.empty((k, self.architecture.parameters), T)
        self.n_iter, self.count = np.zeros(k, np.int64), np.zeros(k, np.int64)
        self.loss, self.best_loss = np.full(k, np.nan), np.full(k, np.inf)
        self.diverged = np.zeros(k, bool)
        self.compiling, self.lock = threading.Lock(), threading.Lock()
        self.stopping, self.done = False, 0.0

    @property
    def converged(self) -> Array:
        """(k,): did training end for lack of progress?"""
        return self.count > self.patience

    def train(self, threads: int, report: Callable[[float], None]) -> None:
        """Train all, in at most so many threads; ``report`` how many are done."""
        self.threads, self.report = threads, report
        beside = self.n <= self.size
        self.samples: Samples | None = None
        if np.count_nonzero(beside) > FEW:
            settings, data = self._settings(np.flatnonzero(beside)), self.data.at(beside)
            self.samples = samples_of(data, self.architecture, settings, settings.carries)
        beside &= self.n <= (self.samples.most if self.samples else 0)
        alone = np.flatnonzero(~beside)
        pieces = [alone[i : i + 1] for i in np.argsort(-self.n[alone], kind="stable")]
        pieces += self._blocks(np.flatnonzero(beside))
        self.threads_each = max(1, threads // len(pieces))
        try:
            together(self._train, pieces, threads)
        finally:
            self.stopping = True

    def _settings(self, places: Array) -> Settings:
        """Those of networks that are trained side by side, by all of their samples at once."""
        settings = self.problem.settings
        values: dict[str, Any] = {n: np.full(len(places), v) for n, v in varied(settings).items()}
        values["l2"] = self.l2[places]
        return settings.changed(
            **values, batch_size=None, shuffle=False, record_penalty=False, record_every=None
        )

    def _blocks(self, places: Array) -> list[Array]:
        """Those at ``places``, neighbours with about as many samples."""
        if not places.size or not self.samples:
            return []
        places, width = places[np.argsort(self.n[places], kind="stable")], self.samples.width
        numbers = self.parameters[0].nbytes * 4
        size = WORTH / self.samples.seconds(float(self.n[places].mean()))
        size = min(max(BLOCK_BYTES / numbers, size), len(places) / self.threads)
        count = -int(-len(places) / max(1, size) // self.threads) * self.threads
        ends = np.linspace(0, len(places), count + 1)[1:-1] / width
        parts = np.split(places, np.unique(ends.round().astype(int)) * width)
        return [part for part in parts if part.size]

    def _train(self, places: Array) -> None:
        if self.stopping:
            return
        if self.samples and self.n[places[0]] <= self.samples.most and len(places) > 1:
            self._side_by_side(self.samples, places)
        else:
            for k in places.tolist():
                self._alone(k)

    def _count(self, networks: float) -> None:
        with self.lock:
            self.done += networks
            self.report(round(self.done, 6))

    # --- alone ------------------------------------------------------------------------------
    def _alone(self, k: int) -> None:
        X, y, *_ = self.data.of(k)
        settings, start = self.problem.settings.changed(l2=float(self.l2[k])), self.problem.start
        if len(X) <= self.size:
            settings, start = settings.changed(shuffle=False), start._replace(generator=None)
        threads = self.threads_each if X.shape[0] * start.parameters.size >= SHARED_FROM else 1
        problem = self.problem._replace(
            X=X, y=y, start=start, batch_size=min(self.size, len(X)), threads=threads,
            settings=settings,
        )  # fmt: skip
        model = SimpleNamespace(
            solver=settings.optimizer, learning_rate="constant", _rate=settings.learning_rate,
            tol=self.tol, n_iter_no_change=self.patience, _no_improvement_count=0, t_=0,
            loss_curve_=[], loss_=np.nan, best_loss_=np.inf,
            _take=lambda _, parameters: self.parameters.__setitem__(k, parameters),
        )  # fmt: skip
        self.parameters[k] = start.parameters

        def report(_: float) -> None:
            if self.stopping:
                raise _Stopping

        with self.compiling:
            engine = Engine(problem)
        try:
            with engine:
                Descent(model, problem, None).train_by(engine, self.epochs, report)
        except Diverged:
            self.diverged[k] = True
        self.n_iter[k], self.count[k] = model.n_iter_, model._no_improvement_count
        self.loss[k], self.best_loss[k] = model.loss_, model.best_loss_
        self._count(1)

    # --- side by side -----------------------------------------------------------------------
    def _side_by_side(self, samples: Samples, places: Array) -> None:
        block = self._block(samples, places)
        going = np.ones(len(block.places), bool)
        seconds, began = 0.0, time.perf_counter()
        while going.any() and block.epoch < self.epochs:
            if self.stopping:
                raise _Stopping
            own, before = places[block.places], block.rows
            penalties = self._penalties(before, own)
            block.advance(1)
            finite = block.finite
            self.diverged[own[going & ~finite]] = True
            self._enter(own, before, going & ~finite)
            going &= finite
            loss = block.final_loss * self.factor + penalties
            self._follow(own[going], loss[going], block.epoch)
            ended = going & (self.count[own] > self.patience)
            self._enter(own, block.rows, ended)
            going &= ~ended
            now = time.perf_counter()
            seconds, began = now - began, now
            left = (len(self.l2) - self.done) * (self.epochs - block.epoch) / self.threads
            samples.faster.worked(seconds, seconds / len(own) * left)
            if np.count_nonzero(going) <= len(going) * (1 - ENDED):
                block, going = block.choose(going), going[going]
        self._enter(places[block.places], block.rows, going)

    def _block(self, samples: Samples, places: Array) -> Block:
        settings = self._settings(places)
        runs = Runs.blank(settings, fields_of(settings, self.architecture), self.architecture, "")
        start = Networks.of(self.architecture.cut(self.problem.start.parameters), self.architecture)
        return Block(samples, self.data.at(places), runs, start.broadcast_to((len(places),)))

    def _penalties(self, rows: Array, own: Array) -> Any:
        """What l2 adds to the losses of these networks."""
        if not self.problem.settings.record_penalty:
            return 0
        squares = (rows * rows) @ self.architecture.are_weights.astype(rows.dtype)
        return squares * (0.5 * self.l2[own] / self.n[own]).astype(rows.dtype)

    def _follow(self, own: Array, loss: Array, epoch: int) -> None:
        """Take note of the losses of these networks, as `Descent` does."""
        best = self.best_loss[own]
        self.count[own] = np.where(loss > best - self.tol, self.count[own] + 1, 0)
        self.best_loss[own] = np.minimum(best, loss)
        self.loss[own], self.n_iter[own] = loss, epoch

    def _enter(self, own: Array, rows: Array, ended: Array) -> None:
        """Some of these networks are at their end."""
        if ended.any():
            self.parameters[own[ended]] = rows[ended]
            self._count(int(np.count_nonzero(ended)))
