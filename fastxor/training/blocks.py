"""`Block`: some networks side by side, in the arrays that the stacked kernel works on."""

import copy
from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.faster import Faster, faster
from fastxor.kernels.stacked import StackedKernel, general_stack, stacked_batch
from fastxor.kernels.stacked_plan import fits, group_width
from fastxor.networks.architecture import Architecture
from fastxor.networks.carried import before_training
from fastxor.networks.stack import Networks
from fastxor.runs.problem import terms_of
from fastxor.runs.runs import Runs
from fastxor.runs.settings import Settings
from fastxor.training.layout import zeros
from fastxor.training.wanted import factors_of, rates_of, wanted_of

EPOCH_WORK = 20_000_000  # samples times parameters of an epoch that may run without a pause


class Samples(NamedTuple):
    """What all blocks share: kernels and the samples as they want them."""

    general: StackedKernel
    faster: Faster
    width: int  # networks that the special kernel takes at once
    X: Array  # (n, I), flat, and more rows
    y: Array  # (n, O or O + 1), likewise
    terms: Any  # what the sum of terms of a loss is divided by
    n: int
    architecture: Architecture
    settings: Settings

    @property
    def kernel(self) -> StackedKernel:
        """The fastest there is by now."""
        return self.faster.kernel or self.general

    @property
    def seconds(self) -> float:
        """What an epoch of one network may take."""
        return 0.35e-9 * self.n * self.general.size * self.X.itemsize / 8


def samples_of(
    X: Array, y: Array, architecture: Architecture, settings: Settings, carries: str | None
) -> Samples | None:
    """The samples for networks side by side, or None where each is better trained alone.

    ``carries``: see `Parameters`.
    """
    T: Any = np.dtype(settings.dtype).type
    n, layers = len(X), architecture.layers
    batch_size = min(settings.batch_size or n, n)
    if settings.shuffle or not fits(T, layers, batch_size):
        return None
    outputs = architecture.sizes[-1]
    targets, weighted = y[:, :outputs], y.shape[1] > outputs
    farthest = max(float(abs(targets.min())), float(abs(targets.max()))) + 1
    heaviest = max(1.0, float(y[:, -1].max())) if weighted else 1.0
    # losses are not looked at in each epoch, so they must be finite wherever the parameters are
    limit = np.sqrt(np.finfo(T).max / y.size / heaviest) / 2
    if n * architecture.parameters > EPOCH_WORK or farthest > limit:
        return None
    wanted = wanted_of(settings, carries, weighted)
    arguments = T, layers, batch_size, batch_size == n, wanted
    general, special = general_stack(*arguments), faster(stacked_batch, *arguments)
    (special.kernel or general).code.make()  # here, where its time counts for no slice

    def with_more_rows(array: Array) -> Array:
        (rows,) = zeros(T, (n + general.samples) * array.shape[1])
        rows[: array.size] = array.ravel()
        return rows

    return Samples(
        general, special, group_width(T, batch_size), with_more_rows(X), with_more_rows(y),
        terms_of(y, architecture, T), n, architecture, settings,
    )  # fmt: skip


class Block:
    """Networks that are all before the same epoch, in rows: the parameters of each.

    ``places`` tells which networks they are.
    """

    def __init__(self, samples: Samples, runs: Runs, networks: Networks) -> None:
        """All of ``runs`` (k,), which are ``networks`` now."""
        settings = runs.settings
        self.samples, self.places = samples, np.arange(len(runs))
        self.epoch = int(runs.epochs_done[0])
        self.rows = networks.numbers
        self.factors = factors_of(samples.settings, self.rows.dtype.type)
        self.carried = self.rows[:, :0]
        if kind := runs.networks.carries:
            carried = networks.carried(kind)
            if carried is None:
                shape, T = self.rows.shape, self.rows.dtype
                carried = before_training(kind, shape[:1], shape[1], T)
            self.carried = carried
        rates = rates_of(settings)
        self.rates = np.empty((len(rates) + 1, len(runs)))
        for row, values in zip(self.rates, (*rates, runs.final_loss), strict=True):
            row[:] = values  # a number where it is the same for all
        if runs.solved_at is None:
            self.solved_at = np.full(len(runs), -1, np.int64)
        else:
            self.solved_at = runs.solved_at.copy()

    def advance(self, epochs: int) -> tuple[int, Array]:
        """Train for so many epochs.

        Returns how many losses were recorded before these epochs, and theirs (k, recorded).
        """
        kernel, dtype = self.samples.kernel, self.rows.dtype
        every = self.samples.settings.record_every or 0
        first = -(-self.epoch // every) if every else 0
        count = -(-(self.epoch + epochs) // every) - first if every else 0
        parameters = _columns(self.rows, kernel.width)
        carried = _columns(self.carried, kernel.width)
        rates = np.zeros((len(self.rates), parameters.size // kernel.size), dtype)
        rates[:, : len(self.places)] = self.rates
        losses = np.full((count, rates.shape[1]), np.nan, dtype)
        kernel.code.run(
            kernel.numbers, self.samples.X, self.samples.y, self.samples.n, parameters, carried,
            rates.ravel(), len(self.places), self.epoch, epochs, self.factors, every,
            losses.ravel(),
            dtype.type(self.samples.settings.tolerance or 0), self.samples.terms, self.solved_at,
            *zeros(dtype.type, kernel.work),
        )  # fmt: skip
        self.epoch += epochs
        self.rows = _of_columns(parameters, self.rows.shape, kernel.width)
        # + 0: no -0.0 is handed out (contract, 4)
        self.carried = _of_columns(carried, self.carried.shape, kernel.width) + dtype.type(0)
        self.rates = rates[:, : len(self.places)]
        return first, losses[:, : len(self.places)].T

    @property
    def next_stop(self) -> int:
        """The next epoch after which networks are to be kept, or the last."""
        settings = self.samples.settings
        later = (at for at in settings.snapshots or () if at > self.epoch)
        return next(later, settings.epochs)

    def keep_snapshots(self, runs: Runs, chosen: Array) -> None:
        """Enter those of some of the networks in ``runs``, if any are wanted at this epoch."""
        wanted = self.samples.settings.snapshots or ()
        if runs.snapshot_parameters is not None and self.epoch in wanted:
            number = wanted.index(self.epoch)
            runs.snapshot_parameters[self.places[chosen], number] = self.rows[chosen]

    def choose(self, chosen: Array) -> "Block":
        """A block of some of the networks."""
        block = copy.copy(self)
        block.places, block.solved_at = self.places[chosen], self.solved_at[chosen]
        block.rows, block.carried = self.rows[chosen], self.carried[chosen]
        block.rates = self.rates[:, chosen]
        return block

    def settle(self, runs: Runs) -> None:
        """Enter in ``runs`` what has become of these networks."""
        places, solved, networks = self.places, self.left_as_solved, runs.networks
        numbers = ((networks.arrays, self.rows), (networks.velocity, self.carried))
        for arrays, rows in numbers:
            if arrays is not None:
                for array, values in zip(arrays, networks.architecture.cut(rows), strict=True):
                    array[places] = values
        if networks.adam is not None:
            networks.adam[places] = self.carried
        runs.final_loss[places] = self.final_loss
        runs.epochs_done[places] = np.where(solved, self.solved_at, self.epoch)
        if runs.solved_at is not None:
            runs.solved_at[places] = self.solved_at
            runs.forget_losses(places[solved], self.solved_at[solved])

    @property
    def finite(self) -> Array:
        """(k,): are all numbers?"""
        finite = np.asarray(np.isfinite(self.rows).all(axis=1))
        if self.samples.settings.optimizer == "adam":  # see `runs.problem.State`
            finite &= np.isfinite(self.carried).all(axis=1)
        return finite

    @property
    def left_as_solved(self) -> Array:
        """(k,): has training stopped because the network was solved?"""
        if not self.samples.settings.stop_when_solved:
            return np.zeros(len(self.places), bool)
        solved: Array = self.solved_at >= 0
        return solved

    @property
    def final_loss(self) -> Array:
        """(k,): the losses of the last epoch, or of that at which a network was left as solved."""
        loss: Array = self.rates[-1]
        return loss


# --- memory as the kernel wants it, see `kernels.stacked` ---------------------------------------
def _columns(rows: Array, width: int) -> Array:
    """Rows (k, size) as groups (size, width) of columns, flat; zeros after the last."""
    count, size = rows.shape
    groups = -(-count // width)
    padded = np.zeros((groups * width, size), rows.dtype)
    padded[:count] = rows
    (columns,) = zeros(rows.dtype.type, padded.size)
    columns.reshape(groups, size, width)[:] = padded.reshape(groups, width, size).swapaxes(1, 2)
    return columns


def _of_columns(columns: Array, shape: tuple[int, ...], width: int) -> Array:
    """Rows again."""
    count, size = shape
    groups = -(-count // width)
    rows = columns.reshape(groups, size, width).swapaxes(1, 2)
    return rows.reshape(groups * width, size)[:count]
