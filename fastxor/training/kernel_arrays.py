"""`KernelArrays`: what a kernel for one network works on."""

from typing import Any

import numpy as np

from fastxor.kernels.compiling import BLOCKS, PAIR, Kernel
from fastxor.kernels.validation import LOSS, PARAMETERS
from fastxor.networks.carried import VELOCITY
from fastxor.runs.problem import Best, Problem, State
from fastxor.runs.settings import Settings
from fastxor.training.layout import by_column, by_sample, stride_for, zeros
from fastxor.training.wanted import NONE, layer_rates_of


class KernelArrays:
    """The arrays of one kernel for one problem, as `kernels.choice` has them."""

    def __init__(self, problem: Problem, kernel: Kernel, threads: int, per_batch: int) -> None:
        """``per_batch``: chunks of a batch."""
        X, y, n, settings = problem.X, problem.y, len(problem.X), problem.settings
        self.dtype = getattr(np, settings.dtype)
        self.architecture, self.places, self.size = problem.architecture, kernel.places, kernel.size
        held_out, totals, parts, rows = problem.validation, 1, [[X], [y]], n
        if kernel.sharing == BLOCKS:
            totals = per_batch
        elif kernel.sharing == PAIR:
            totals = 4
            if not settings.shuffle:
                odd = np.arange(n) % problem.batch_size % 2 == 1
                parts = [[array[~odd], array[odd]] for array in (X, y)]
        if not settings.shuffle:
            rows = stride_for(len(parts[0][0]), kernel.width, self.dtype)
        rows *= len(parts[0])
        columns, apart, best = X.shape[1] + y.shape[1], 0, 0
        if held_out:
            apart = stride_for(len(held_out.X), kernel.width, self.dtype)
            best = PARAMETERS + kernel.size
        arrays = zeros(
            self.dtype, kernel.size, kernel.carried, kernel.totals * totals, rows * X.shape[1],
            rows * y.shape[1], columns * apart, best, *[kernel.work] * threads,
        )  # fmt: skip
        self.parameters, self.carried, self.totals, self.X, self.y, *others = arrays
        self.held_out, self.best, *self.work = others
        arrange = by_sample if settings.shuffle else by_column
        arrange(parts[0], self.X)
        arrange(parts[1], self.y)
        if held_out:
            by_column([np.concatenate([held_out.X, held_out.y], axis=1)], self.held_out)

    def put(self, state: State, settings: Settings) -> None:
        """Take over parameters, what goes on with them, and what these settings say of each."""
        self.parameters.fill(0)  # what is between them
        self.carried.fill(0)
        self.parameters[self.places] = state.parameters
        self.l2 = self.layer_rates = NONE[self.dtype]
        if settings.l2:
            self.l2 = np.zeros_like(self.parameters)
            self.l2[self.places[self.architecture.are_weights]] = settings.l2
        if settings.layer_rates is not None:
            self.layer_rates = np.zeros_like(self.parameters)
            self.layer_rates[self.places] = layer_rates_of(settings)[self.architecture.layer_of]
        if state.carried is not None:
            kind = VELOCITY if state.adam is None else ""
            self.carried[self._carried_places(kind)] = state.carried
        if state.best:
            self.best[LOSS] = state.best.loss
            self.best[PARAMETERS:][self.places] = state.best.parameters

    def state(self, carries: str | None, best_epoch: int, generator: Any) -> State:
        """A copy of them, and what they do not know."""
        parameters = self.parameters[self.places]
        if not carries and not self.best.size:
            return State(parameters, generator=generator)
        carried: dict[str, Any] = {}
        if carries:
            # + 0: no -0.0 (contract, 4)
            carried[carries] = self.carried[self._carried_places(carries)] + self.dtype(0)
        if self.best.size:
            best = self.best[PARAMETERS:][self.places]
            carried["best"] = Best(best_epoch, self.best[LOSS], best)
        return State(parameters, **carried, generator=generator)

    def _carried_places(self, kind: str) -> Any:
        places, size = self.places, self.size
        if kind == VELOCITY:
            return places
        return np.concatenate([places, places + size, [2 * size, 2 * size + 1]])
