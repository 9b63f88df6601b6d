"""`Shares`: which networks are trained side by side, which alone, and in which blocks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.runs.samples import Data
from fastxor.runs.settings import Settings
from fastxor.training.block_samples import Samples

SHARES = 8  # blocks for each thread, so that all end at about the same time
# but not shorter, in seconds, as Python takes almost a millisecond for each; and not longer
SHORTEST, LONGEST = 0.02, 0.1
# of its parameters, where they are its own samples, and losses that are to be reduced
BLOCK_BYTES = 4 * 2**20
ALONE = 1e-7  # seconds that an epoch of a network alone takes, however few its samples


class Shares(NamedTuple):
    """How networks, numbered in C order, are divided among threads."""

    data: Data
    samples: Samples | None  # what those side by side share; None: there are none
    architecture: Architecture
    settings: Settings
    threads: int

    def beside(self, places: Array) -> Array:
        """(k,): are these networks trained side by side with others?"""
        if self.samples is None or self.data.ranges is None:
            return np.full(len(places), self.samples is not None)
        beside: Array = self.data.ranges.n[places] <= self.samples.most
        return beside

    def seconds(self, places: Array) -> Array:
        """(k,): what these networks may take."""
        n: Any = len(self.data.X) if self.data.ranges is None else self.data.ranges.n[places]
        beside = self.samples.seconds(n) if self.samples else 0
        alone = ALONE + 0.5e-9 * self.architecture.parameters * n
        each = np.where(self.beside(places), beside, alone) * max(1, self.settings.epochs)
        return np.broadcast_to(each, places.shape)

    def blocks(self, left: Array, epochs_done: Array) -> Iterator[Array]:
        """The places ``left`` (k,): those at the same epoch, and trained the same way."""
        beside = self.beside(left)
        for kind in (False, True):  # those alone may take longest
            for epoch in np.unique(epochs_done[beside == kind]):
                places = left[(epochs_done == epoch) & (beside == kind)]
                if self.data.ranges is not None:  # neighbours have about as many samples
                    order = np.argsort(self.data.ranges.n[places], kind="stable")
                    places = places[order if kind else order[::-1]]
                yield from self._parts(places, self.samples.width if kind and self.samples else 1)

    def _parts(self, places: Array, width: int) -> Iterator[Array]:
        """Parts of these that take about as long; ``width`` networks go together."""
        seconds = np.cumsum(self.seconds(places))
        numbers = self.architecture.parameters
        if self.data.ranges is not None:
            numbers += int(self.data.mean * (self.data.X.shape[1] + self.data.y.shape[1]))
        if self.settings.reduce:
            numbers += self.settings.recorded
        share = max(SHORTEST, min(LONGEST, seconds[-1] / SHARES / self.threads))
        bytes_of_all = len(places) * numbers * self.data.X.itemsize
        count = max(seconds[-1] / max(share, 1e-9), bytes_of_all / BLOCK_BYTES)
        count = -int(-min(count, len(places)) // self.threads) * self.threads  # as many for each
        ends = np.searchsorted(seconds, seconds[-1] / count * np.arange(1, count)) + 1
        ends = -(-ends // width) * width
        yield from (part for part in np.split(places, np.unique(ends)) if part.size)
