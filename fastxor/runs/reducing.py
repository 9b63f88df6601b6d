"""What is kept of losses instead of them: a function of a block's, ``reduce`` of `train_many`."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.runs.fields import blank_networks
from fastxor.runs.runs import Runs
from fastxor.runs.settings import Reduction, Settings

Reduce: TypeAlias = Callable[[Array], Any]
"""Of losses (k, recorded epochs) to an array (k, ...)."""


def with_reduction(settings: Settings, reduce: Any, keep_networks: Any) -> Settings:
    """Settings that know what the function gives, which is tried, and whether that is all.

    Raises TypeError or ValueError where that is no array of numbers, (k, ...), or there is none.
    """
    keep_networks = checks.boolean("keep_networks", keep_networks)
    if reduce is None:
        if not keep_networks:
            raise ValueError("keep_networks must be True without reduce, got False")
        return settings
    if not callable(reduce):
        raise TypeError(f"reduce must be a function of losses, got {type(reduce).__name__}")
    if settings.record_every is None:
        settings = settings.changed(record_every=1)
    if not settings.recorded:
        raise ValueError("reduce must have losses to reduce, got epochs=0")
    k = 2
    found = np.asarray(reduce(np.ones((k, settings.recorded), settings.dtype)))
    if found.dtype.kind not in "biufc" or found.shape[:1] != (k,):
        expected = f"an array ({k}, ...) of numbers of losses {(k, settings.recorded)}"
        raise ValueError(f"reduce must make {expected}, got {found.shape} of {found.dtype}")
    module = getattr(reduce, "__module__", "")
    name = f"{module}.{getattr(reduce, '__qualname__', type(reduce).__qualname__)}"
    reduction = Reduction(name, found.shape[1:], found.dtype.name)
    return settings.changed(reduce=reduction, keep_networks=keep_networks)


def with_losses(runs: Runs, carries: str | None) -> Runs:
    """Some that are about to be trained, with room for their losses, and for them.

    ``carries``: what goes on from update to update, see `networks.carried`.
    """
    settings = runs.settings
    if not settings.keep_networks:
        runs.networks = blank_networks(settings, runs.architecture, runs.shape, carries)
    runs.losses = np.full((len(runs), settings.recorded), np.nan, settings.dtype)
    return runs


def reduced(runs: Runs, reduce: Reduce) -> None:
    """Enter what the function makes of the losses of runs (k,), and forget these."""
    losses, wanted = runs.losses, runs.settings.reduce
    assert losses is not None
    found = np.asarray(reduce(losses))
    if found.shape != (expected := (len(runs), *wanted.shape)):
        raise ValueError(f"reduce must make an array {expected} of these losses, got {found.shape}")
    runs.reductions[:] = found.reshape(len(runs), -1)
    runs.losses = None
