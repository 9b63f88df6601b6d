"""`Samples`: what all blocks of networks share."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.faster import Faster, faster
from fastxor.kernels.stacked import StackedKernel, general_stack, stacked_batch
from fastxor.kernels.stacked_plan import fits, group_width, room
from fastxor.kernels.sums import LANES
from fastxor.networks.architecture import Architecture
from fastxor.runs.samples import Data, Validation, terms_of
from fastxor.runs.settings import Settings
from fastxor.training.layout import zeros
from fastxor.training.own_samples import KernelSamples, packed
from fastxor.training.wanted import NONE, wanted_of

EPOCH_WORK = 20_000_000  # samples times parameters of an epoch that may run without a pause
NO_TABLES = np.zeros(0, np.int64)  # for networks that all have the same samples


class Samples(NamedTuple):
    """What all blocks share: kernels, and the samples as they want them."""

    general: StackedKernel
    faster: Faster
    width: int  # networks that the special kernel takes at once
    most: int  # samples of a network that may be trained so
    shared: tuple[KernelSamples, KernelSamples] | None  # and those that are held out
    architecture: Architecture
    settings: Settings

    @property
    def kernel(self) -> StackedKernel:
        """The fastest there is by now."""
        return self.faster.kernel or self.general

    def of(self, data: Data, width: int) -> tuple[KernelSamples, KernelSamples]:
        """Those of networks, in groups of ``width``, and those that are held out."""
        if self.shared:
            return self.shared
        T: Any = np.dtype(self.settings.dtype).type
        given, batch_size = (self.architecture, width), self.settings.batch_size
        held_out = _no_samples(T)
        if data.validation:
            held_out = packed(data.validation, *given, None, T)
        return packed(data, *given, batch_size, T), held_out

    def seconds(self, n: float) -> float:
        """What an epoch of a network of ``n`` samples may take."""
        T = np.dtype(self.settings.dtype)
        return 0.35e-9 * n * self.general.size * T.itemsize / 8


def samples_of(
    data: Data, architecture: Architecture, settings: Settings, carries: str | None
) -> Samples | None:
    """The samples for networks side by side, or None where each is better trained alone.

    ``carries``: see `Parameters`.
    """
    T: Any = np.dtype(settings.dtype).type
    layers, own = architecture.layers, data.ranges is not None
    outputs, validated = architecture.sizes[-1], data.validation is not None
    targets, weighted = data.y[:, :outputs], data.y.shape[1] > outputs
    farthest = 2 * max(float(abs(targets.min())), float(abs(targets.max()))) + 2
    heaviest = max(1.0, float(data.y[:, -1].max())) if weighted else 1.0
    # losses are not looked at in each epoch, so they must be finite wherever the parameters are
    limit = float(np.finfo(T).max) / farthest / farthest / heaviest / data.y.shape[1]
    most = int(min(limit, EPOCH_WORK // architecture.parameters))
    if own and (settings.batch_size or most) > (rows := room(T, layers)):
        most = min(most, rows)
    n = data.longest if data.ranges is None else int(data.ranges.n.min())
    # in what fills a batch up, an infinite delta would become NaN where networks go on with it
    alone = settings.shuffle or (own and not settings.stop_when_diverged)
    if alone or n > most:
        return None
    n = min(data.longest, most)
    batch_size = min(settings.batch_size or n, n)
    whole = batch_size == n
    if own:  # all that matters for their kernel is about how many there are
        batch_size = min(max(LANES, 1 << (batch_size - 1).bit_length()), rows)
    elif not fits(T, layers, batch_size, validated):
        return None
    wanted = wanted_of(settings, carries, weighted or own)._replace(own=own)
    arguments = T, layers, batch_size, whole, wanted
    general, special = general_stack(*arguments), faster(stacked_batch, *arguments)
    (special.kernel or general).code.make()  # here, where its time counts for no slice

    def with_more_rows(array: Array) -> Array:
        (rows,) = zeros(T, (len(array) + general.samples) * array.shape[1])
        rows[: array.size] = array.ravel()
        return rows

    def shared(samples: Data | Validation | None) -> KernelSamples:
        if samples is None:
            return _no_samples(T)
        terms = terms_of(samples.y, architecture, T)
        return KernelSamples(
            len(samples.X), with_more_rows(samples.X), with_more_rows(samples.y), NO_TABLES, terms
        )

    both = None if own else (shared(data), shared(data.validation))
    width = group_width(T, batch_size, validated or own)
    return Samples(general, special, width, most, both, architecture, settings)


def _no_samples(T: Any) -> KernelSamples:
    return KernelSamples(0, NONE[T], NONE[T], NO_TABLES, T(1))
