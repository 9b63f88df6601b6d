"""Losses of `Runs` that are recorded while they are trained."""

from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.runs.runs import Runs


def put_losses(runs: Runs, places: Array, recorded: list[tuple[str, int, Array]]) -> None:
    """Take over those of networks (k,): an array's name, the first column, (k, columns)."""
    for name, first, losses in recorded:
        if (array := getattr(runs, name)) is not None:
            array[places, first : first + losses.shape[1]] = losses


def forget_losses(runs: Runs, places: Array) -> None:
    """Of networks at these places, those that were recorded after training had ended."""
    done, settings = runs.epochs_done[places], runs.settings
    if runs.losses is not None:
        counted: Any = -(-(done + runs.left_as_solved[places]) // settings.record_every)
        _forget(runs.losses, places, counted)
    if runs.validation_losses is not None:
        _forget(runs.validation_losses, places, settings.validations(done))


def _forget(losses: Array, places: Array, counted: Array) -> None:
    """All but the first of each, so many."""
    kept = np.arange(losses.shape[1]) < counted[:, None]
    losses[places] = np.where(kept, losses[places], np.nan)
