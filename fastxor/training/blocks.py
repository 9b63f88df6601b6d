"""`Block`: some networks side by side, in the arrays that the stacked kernel works on."""

import copy

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.stacked_group import ROWS
from fastxor.networks.carried import before_training
from fastxor.networks.stack import Networks
from fastxor.runs.recorded import forget_losses
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data
from fastxor.training.block_samples import Samples
from fastxor.training.layout import zeros
from fastxor.training.own_samples import KernelSamples
from fastxor.training.wanted import factors_of, layer_rates_of, rates_of


class Block:
    """Networks that are all before the same epoch, in rows: the parameters of each.

    ``places`` tells which networks they are.
    """

    def __init__(self, samples: Samples, data: Data, runs: Runs, networks: Networks) -> None:
        """All of ``runs`` (k,), which are ``networks`` now; ``data`` is theirs."""
        settings = runs.settings
        self.samples, self.data, self.places = samples, data, np.arange(len(runs))
        self.packed: tuple[KernelSamples, KernelSamples] | None = None
        self.packed_for = 0  # networks in a group
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
        k, best_loss = len(runs), np.inf if runs.best_loss is None else runs.best_loss
        self.rates = np.empty((len(rates) + 2, k))
        for row, values in zip(self.rates, (*rates, runs.final_loss, best_loss), strict=True):
            row[:] = values  # a number where it is the same for all
        self.layer_rates = self.rows[:, :0]
        if settings.layer_rates is not None:
            self.layer_rates = layer_rates_of(settings)
        self.best, self.best_epoch = self.rows[:, :0], np.zeros(k, np.int64)
        if runs.best_epoch is not None:
            self.best, self.best_epoch = runs.best_parameters.copy(), runs.best_epoch.copy()
        self.waits = np.zeros(k, np.int64)
        self.waits[:] = settings.waits
        if runs.solved_at is None:
            self.solved_at = np.full(len(runs), -1, np.int64)
        else:
            self.solved_at = runs.solved_at.copy()

    def advance(self, epochs: int) -> list[tuple[str, int, Array]]:
        """Train for so many epochs.

        Returns the name of each kind of losses, how many were recorded before these epochs, and
        theirs, (k, recorded).
        """
        kernel, dtype, settings = self.samples.kernel, self.rows.dtype, self.samples.settings
        every = settings.record_every or 0
        own, held_out = self._samples(kernel.width)
        first = -(-self.epoch // every) if every else 0
        count = -(-(self.epoch + epochs) // every) - first if every else 0
        validated = settings.validations(self.epoch)
        validations = settings.validations(self.epoch + epochs) - validated
        parameters = _columns(self.rows, kernel.width)
        carried = _columns(self.carried, kernel.width)
        k, ranges = len(self.places), self.data.ranges
        rows = ROWS + self.layer_rates.shape[1]
        rates = np.zeros((rows, parameters.size // kernel.size), dtype)
        rates[: len(self.rates), :k] = self.rates
        counts = 0 if ranges is None else ranges.n
        others = own.terms, held_out.terms, counts, *self.layer_rates.T
        for row, values in zip(rates[len(self.rates) :], others, strict=True):
            row[:k] = values
        losses = np.full((count, rates.shape[1]), np.nan, dtype)
        validation_losses = np.full((validations, rates.shape[1]), np.nan, dtype)
        best = _columns(self.best, kernel.width)
        kernel.code.run(
            kernel.numbers, own.X, own.y, own.n, own.tables, parameters, carried, rates.ravel(),
            k, self.epoch, epochs, self.factors, every, losses.ravel(),
            dtype.type(settings.tolerance or 0), self.solved_at, held_out.n, held_out.X, held_out.y,
            held_out.tables, settings.validate_every or 1, self.waits, validation_losses.ravel(),
            best, self.best_epoch, *zeros(dtype.type, kernel.work),
        )  # fmt: skip
        self.epoch += epochs
        self.rows = _of_columns(parameters, self.rows.shape, kernel.width)
        # + 0: no -0.0 is handed out (contract, 4)
        self.carried = _of_columns(carried, self.carried.shape, kernel.width) + dtype.type(0)
        self.best = _of_columns(best, self.best.shape, kernel.width)
        self.rates = rates[: len(self.rates), :k]
        return [
            ("losses", first, losses[:, :k].T),
            ("validation_losses", validated, validation_losses[:, :k].T),
        ]

    def _samples(self, width: int) -> tuple[KernelSamples, KernelSamples]:
        """Those of training, and those that are held out, for groups of ``width`` networks."""
        if self.packed is None or self.packed_for != width:
            self.packed, self.packed_for = self.samples.of(self.data, width), width
        return self.packed

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
        block.data = self.data.at(chosen)
        if not self.samples.shared:
            block.packed = None
        block.places, block.solved_at = self.places[chosen], self.solved_at[chosen]
        block.rows, block.carried = self.rows[chosen], self.carried[chosen]
        block.layer_rates = self.layer_rates[chosen]
        block.rates, block.best = self.rates[:, chosen], self.best[chosen]
        block.best_epoch, block.waits = self.best_epoch[chosen], self.waits[chosen]
        return block

    def settle(self, runs: Runs) -> None:
        """Enter in ``runs`` what has become of these networks."""
        places, networks = self.places, runs.networks
        numbers = ((networks.arrays, self.rows), (networks.velocity, self.carried))
        for arrays, rows in numbers:
            if arrays is not None:
                for array, values in zip(arrays, networks.architecture.cut(rows), strict=True):
                    array[places] = values
        if networks.adam is not None:
            networks.adam[places] = self.carried
        runs.final_loss[places] = self.final_loss
        runs.epochs_done[places] = self.epochs_done
        if runs.solved_at is not None:
            runs.solved_at[places] = self.solved_at
        if runs.best_epoch is not None:
            runs.best_epoch[places], runs.best_loss[places] = self.best_epoch, self.rates[-1]
            runs.best_parameters[places] = self.best
        forget_losses(runs, places[self.left])

    @property
    def finite(self) -> Array:
        """(k,): are all numbers, where it matters?"""
        if not self.samples.settings.stop_when_diverged:
            return np.ones(len(self.rows), bool)
        finite = np.asarray(np.isfinite(self.rows).all(axis=1))
        if self.samples.settings.optimizer == "adam":  # see `runs.problem.State`
            finite &= np.isfinite(self.carried).all(axis=1)
        return finite

    @property
    def epochs_done(self) -> Array:
        """(k,): fewer than the block's where a network was left, as solved or out of patience."""
        done = np.full(len(self.places), self.epoch, np.int64)
        out_of_patience = self.best_epoch + self.waits
        done = np.where(self.waits > 0, np.minimum(done, out_of_patience), done)
        if self.samples.settings.stop_when_solved:
            done = np.where(self.solved_at >= 0, np.minimum(done, self.solved_at), done)
        return done

    @property
    def left(self) -> Array:
        """(k,): has training left the network, as solved or out of patience?"""
        left: Array = (self.waits > 0) & (self.best_epoch + self.waits <= self.epoch)
        if self.samples.settings.stop_when_solved:
            left |= self.solved_at >= 0
        return left

    @property
    def final_loss(self) -> Array:
        """(k,): the losses of the last epoch, or of that at which a network was left."""
        loss: Array = self.rates[-2]
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
