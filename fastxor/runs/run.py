"""`Run`: what training ends with, or is interrupted with."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.runs.html import html_of_run
from fastxor.runs.settings import Settings


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished or interrupted run."""

    network: Network
    losses: Array
    """(epochs done,): the loss of every epoch, before its update; with that of the epoch at which
    training stopped, as solved, it is one more. Fewer or none as ``settings.record_every`` says."""
    settings: Settings
    solved_at: int | None = None
    """The first epoch in which all outputs, before their update, were within ``tolerance`` of
    their targets; -1 if there was none, None without a tolerance."""
    snapshots: dict[int, Network] = field(default_factory=dict)
    """The networks at the epochs of ``settings.snapshots``, as far as training got; without what
    goes on with them."""
    penalties: Array | None = None
    """(epochs done,), with ``record_penalty``: of each epoch, l2 / 2 * the sum of the squares of
    weights, not of biases, before each batch's update, added up over its batches."""
    validation_losses: Array | None = None
    """(validations,), of samples that are held out, after ``settings.validate_every`` epochs, after
    twice as many, and so on; None without."""
    best: Network | None = None
    """The network with the least of these; None if there is none, or none that is a number."""
    best_epoch: int | None = None
    """The epochs behind it; 0 if there is none, None without validation."""
    _repr_html_ = html_of_run

    def __repr__(self) -> str:
        told, losses = "", self.losses
        if len(losses):
            told = f", {len(losses):,} losses from {losses[0]:.5g} to {losses[-1]:.5g}"
        return f"<Run of {self.network!r}{told}>"


class Diverged(ArithmeticError):
    """Training left the finite numbers.

    ``epoch`` is the first whose loss or update was not finite; ``run`` holds the last finite
    network and the losses of the epochs before it.
    """

    def __init__(self, epoch: int, run: Run) -> None:
        super().__init__(epoch, run)  # all arguments, so that it can be pickled
        self.epoch, self.run = epoch, run

    def __str__(self) -> str:
        settings, momentum = self.run.settings, ""
        if settings.optimizer == "sgd":
            momentum = f"a momentum below 1 (it is {settings.momentum:g}), "
        return (
            f"training overflowed to infinity or NaN in epoch {self.epoch}; try a learning rate "
            f"nearer to zero than {settings.learning_rate:g}, {momentum}smaller data or smaller "
            "starting weights"
        )


class Interrupted(KeyboardInterrupt):
    """Training was interrupted; ``run`` holds what was done by then, a `Run` or `Runs`.

    ``train(X, y, initial=error.run, epochs=the rest, ...)`` or ``train_many(X, y,
    resume=error.run, ...)``, with the other settings as they were, finishes it to the bits of an
    uninterrupted run. In a notebook or an interactive Python ``error`` is ``sys.last_value``.
    """

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        if not isinstance(self.run, Run):
            finished, count = self.run.finished, prod(self.run.shape)
            return f"interrupted after {finished:,} of {count:,} networks"
        return f"interrupted after {len(self.run.losses):,} of {self.run.settings.epochs:,} epochs"


class Records(NamedTuple):
    """What training notes down on the way."""

    losses: Array  # (epochs,)
    penalties: Array  # (epochs,), doubled; empty where they are not recorded
    validation_losses: Array  # (validations,)

    @classmethod
    def of(cls, settings: Settings, before: int = 0) -> "Records":
        """Room for those of a run with so many epochs ``before``."""
        epochs, T = settings.epochs, np.dtype(settings.dtype)
        validations = settings.validations(before + epochs) - settings.validations(before)
        try:
            losses = np.empty(epochs, T)
            none = losses[:0]
            penalties = np.zeros(epochs, T) if settings.record_penalty else none
            return Records(losses, penalties, np.empty(validations, T) if validations else none)
        except MemoryError:
            raise MemoryError(f"epochs: no memory for the losses of {epochs:,} epochs") from None
