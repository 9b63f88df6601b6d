"""`Run`: what training ends with, or is interrupted with."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.runs.settings import Settings


@dataclass(frozen=True, eq=False)
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
    uninterrupted run.
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

    @classmethod
    def of(cls, settings: Settings) -> "Records":
        """Room for those of a run."""
        epochs, T = settings.epochs, np.dtype(settings.dtype)
        try:
            return Records(np.empty(epochs, T), np.zeros(epochs * settings.record_penalty, T))
        except MemoryError:
            raise MemoryError(f"epochs: no memory for the losses of {epochs:,} epochs") from None

    def upto(self, epoch: int, stopped: bool = False) -> dict[str, Any]:
        """Those of so many epochs, and of the one at which training ``stopped``: of a `Run`."""
        penalties = 0.5 * self.penalties[:epoch] if self.penalties.size else None
        return {"losses": self.losses[: epoch + stopped], "penalties": penalties}
