"""`Axis`: what varies along an axis of a map, and its values."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.contract.functions import exp, log
from fastxor.runs.fields import VARIED

LAYER_RATE = re.compile(r"learning_rate([1-9]\d*)")
OFFSET = re.compile(r"([Wb])([1-9]\d*)")
WEIGHT = re.compile(r"W([1-9]\d*)\[(\d+),(\d+)\]|b([1-9]\d*)\[(\d+)\]")


@dataclass(frozen=True)
class Axis:
    """What varies along an axis, from ``low`` to ``high``, both included.

    ``name``: learning_rate, momentum, beta1, beta2, epsilon, l2, seed, init_range, or a starting
    weight: W1[i,j] from input i to unit j of the first layer, b1[j] its bias, W2[j,k] from there to
    unit k of the second, and so on, all units from 0; or W1, b1, W2 and so on, a number that is
    added to all of these; or learning_rate1, learning_rate2 and so on, by which the learning rate
    of that layer is multiplied. ``log``: in equal ratios.

    Raises TypeError or ValueError for other names and for bounds that are no finite numbers,
    low < high; above zero where ``log``, and integers for seeds.
    """

    name: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        names = [name for name in VARIED if name not in ("group", "layer_rates", "patience")]
        places = (self.place, self.layer, self.offset)
        if self.name not in names and places == (None, None, None):
            expected = (
                f"{', '.join(names)}, learning_rate1, learning_rate2, W1, b1 and so on or a weight "
                "W1[i,j], b1[j], W2[j,k] and so on"
            )
            raise ValueError(f"an axis must be {expected}, got {self.name!r}")
        for bound in (self.low, self.high):
            if self.name == "seed":
                checks.integer("seed", bound, low=0, high=2**32 - 1)
            checks.real(self.name, bound, np.float64)
        if not self.low < self.high:
            got = f"{self.low!r} to {self.high!r}"
            raise ValueError(f"{self.name} must go from a lower to a higher value, got {got}")
        if self.log and (self.name == "seed" or not self.low > 0):
            expected = "no seed and above 0 to be logarithmic"
            raise ValueError(f"{self.name} must be {expected}, got {self.low!r} to {self.high!r}")
        if self.log and not self.high / self.low < 1e300:
            got = f"{self.low!r} to {self.high!r}"
            raise ValueError(f"{self.name} must span less than a factor of 1e300, got {got}")

    @property
    def place(self) -> tuple[int, int, int] | None:
        """Of a starting weight: which of W1, b1, W2, b2 and so on, and its row and column."""
        found = WEIGHT.fullmatch(self.name)
        if not found:
            return None
        layer, row, column, of_bias, unit = found.groups()
        if of_bias:
            return 2 * int(of_bias) - 1, 0, int(unit)
        return 2 * int(layer) - 2, int(row), int(column)

    @property
    def layer(self) -> int | None:
        """The number, from 0, of the layer whose learning rate varies."""
        found = LAYER_RATE.fullmatch(self.name)
        return int(found[1]) - 1 if found else None

    @property
    def offset(self) -> int | None:
        """Which of W1, b1, W2, b2 and so on something is added to, plus 1."""
        found = OFFSET.fullmatch(self.name)
        return 2 * int(found[2]) - (found[1] == "W") if found else None

    def values(self, size: int, dtype: Any = np.float64) -> Array:
        """Its values, (size,), or all seeds whatever the size.

        They are low + (high - low) * (i / (size - 1)) or, logarithmic,
        low * exp(log(high / low) * (i / (size - 1))) in the operations of the contract, so the same
        everywhere. Raises ValueError where they are so near
        to each other that two are the same number in ``dtype``.
        """
        size = checks.integer("size", size, low=2)
        if self.name == "seed":
            return np.arange(self.low, self.high + 1, dtype=np.int64)
        # not numpy.linspace or geomspace, whose order of operations is their own affair
        steps = np.arange(size) / (size - 1)
        if self.log:
            ratio = log(np.array([self.high / self.low]))
            values = self.low * exp(ratio * steps)
            values[-1] = self.high
        else:
            values = self.low + (self.high - self.low) * steps
        if not (np.diff(values.astype(dtype)) > 0).all():
            T = np.dtype(dtype)
            raise ValueError(
                f"{self.name} must have steps that {T} can tell apart, got {size:,} values from "
                f"{self.low!r} to {self.high!r}"
            )
        return values
