"""`Samples`: what all blocks of networks share."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.faster import Faster, faster
from fastxor.kernels.stacked import StackedKernel, general_stack, stacked_batch
from fastxor.kernels.stacked_plan import fits, group_width
from fastxor.networks.architecture import Architecture
from fastxor.runs.samples import Data, terms_of
from fastxor.runs.settings import Settings
from fastxor.training.layout import zeros
from fastxor.training.wanted import NONE, wanted_of

EPOCH_WORK = 20_000_000  # samples times parameters of an epoch that may run without a pause


class HeldOut(NamedTuple):
    """Samples that are held out, likewise, or none."""

    n: int
    X: Array
    y: Array
    terms: Any


class Samples(NamedTuple):
    """What all blocks share: kernels and the samples as they want them."""

    general: StackedKernel
    faster: Faster
    width: int  # networks that the special kernel takes at once
    X: Array  # (n, I), flat, and more rows
    y: Array  # (n, O or O + 1), likewise
    terms: Any  # what the sum of terms of a loss is divided by
    validation: HeldOut
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
    data: Data, architecture: Architecture, settings: Settings, carries: str | None
) -> Samples | None:
    """The samples for networks side by side, or None where each is better trained alone.

    ``carries``: see `Parameters`.
    """
    T: Any = np.dtype(settings.dtype).type
    X, y, validation = data
    n, layers = len(X), architecture.layers
    batch_size = min(settings.batch_size or n, n)
    if settings.shuffle or not fits(T, layers, batch_size, validation is not None):
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
        (rows,) = zeros(T, (len(array) + general.samples) * array.shape[1])
        rows[: array.size] = array.ravel()
        return rows

    held_out = HeldOut(0, NONE[T], NONE[T], T(1))
    if validation:
        terms = terms_of(validation.y, architecture, T)
        held_out = HeldOut(
            len(validation.X), with_more_rows(validation.X), with_more_rows(validation.y), terms
        )
    width = group_width(T, batch_size, validation is not None)
    return Samples(
        general, special, width, with_more_rows(X), with_more_rows(y),
        terms_of(y, architecture, T), held_out, n, architecture, settings,
    )  # fmt: skip
