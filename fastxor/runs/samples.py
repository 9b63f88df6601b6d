"""Samples and their checks: those of training, and those that are held out."""

from math import fsum
from typing import Any, NamedTuple

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.runs.settings import Settings


class Ranges(NamedTuple):
    """Which samples are whose, where networks (k,) have their own: so many rows from a first on."""

    X: Array
    y: Array
    n: Array

    def at(self, places: Any) -> "Ranges":
        return Ranges(*(array[places] for array in self))


class Validation(NamedTuple):
    """Samples that are held out, checked."""

    X: Array  # (m, I), not yet in the dtype
    y: Array  # (m, O), likewise, or (m, O + 1) with weights of 1 where those of training have some
    ranges: Ranges | None = None

    def at(self, places: Any) -> "Validation":
        return self._replace(ranges=self.ranges and self.ranges.at(places))


class Data(NamedTuple):
    """All samples, in the dtype."""

    X: Array  # (n, I)
    y: Array  # (n, O), or (n, O + 1) with the weights of samples
    validation: Validation | None
    ranges: Ranges | None = None  # those of each network; None: all have all, held out ones, too

    @property
    def longest(self) -> int:
        """Samples of the network that has most."""
        return len(self.X) if self.ranges is None else int(self.ranges.n.max())

    @property
    def mean(self) -> float:
        """Samples of a network, on the average."""
        return len(self.X) if self.ranges is None else float(self.ranges.n.mean())

    def at(self, places: Any) -> "Data":
        """For the networks at ``places`` only."""
        if self.ranges is None:
            return self
        validation = self.validation and self.validation.at(places)
        return self._replace(validation=validation, ranges=self.ranges.at(places))

    def of(self, k: int) -> "Data":
        """For network k alone."""
        if self.ranges is None:
            return self
        validation = self.validation
        if validation:
            validation = Validation(*_rows(validation, k))
        return Data(*_rows(self, k), validation)

    def alone(self) -> "Data":
        """Without the samples that are no network's: those between are kept."""
        if self.ranges is None:
            return self
        validation = self.validation and self.validation._replace(**_own_rows(self.validation))
        return self._replace(validation=validation, **_own_rows(self))


def _rows(data: "Data | Validation", k: int) -> tuple[Array, Array]:
    """Network k's."""
    assert data.ranges
    X, y, n = (int(array[k]) for array in data.ranges)
    return data.X[X : X + n], data.y[y : y + n]


def _own_rows(data: "Data | Validation") -> dict[str, Any]:
    """X and y from the first that is a network's to the last, and where they are then."""
    ranges = data.ranges
    assert ranges
    (X, X_end), (y, y_end) = (
        (int(first.min()), int((first + ranges.n).max())) for first in (ranges.X, ranges.y)
    )
    own = Ranges(ranges.X - X, ranges.y - y, ranges.n)
    return {"X": data.X[X:X_end], "y": data.y[y:y_end], "ranges": own}


def check_data(X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
    """X (n, I) and y (n, O), finite in the dtype but not yet of it."""
    X, y = check_rows(X, y)
    checks.finite("X", X, dtype)
    checks.finite("y", y, dtype)
    return X, y


def check_rows(X: Any, y: Any) -> tuple[Array, Array]:
    """X (n, I) and y (n, O), numbers."""
    X, y = checks.numbers("X", X), checks.numbers("y", y, ndim=(1, 2))
    y = y[:, None] if y.ndim == 1 else y
    if len(X) != len(y):
        raise ValueError(f"X and y must have as many rows, got shapes {X.shape} and {y.shape}")
    return X, y


def plain(X: Array, y: Array, dtype: Any) -> tuple[Array, Array]:
    """In the dtype, as kernels read them."""
    return np.ascontiguousarray(X, dtype), np.ascontiguousarray(y, dtype)


def with_weights(y: Array, sample_weight: Any, dtype: Any) -> Array:
    """y (n, O), and in a last column the weights (n,) of samples."""
    weights = checks.numbers("sample_weight", sample_weight, ndim=(1,))
    if len(weights) != len(y):
        raise ValueError(f"sample_weight must have shape ({len(y)},), got {weights.shape}")
    weights = check_weights(weights, y.shape[1], dtype)
    return np.concatenate([y, weights[:, None]], axis=1)


def check_weights(weights: Array, outputs: int, dtype: Any) -> Array:
    """Weights (..., n) in the dtype."""
    checks.finite("sample_weight", weights, dtype)
    if weights.min() < 0:
        raise ValueError(f"sample_weight must be at least 0, got {weights.min()}")
    weights = weights.astype(dtype)
    sums = np.asarray(weights.sum(axis=-1, dtype=np.float64))
    wrong = ~((sums > 0) & (sums <= checks.LARGEST[dtype] / outputs))
    if wrong.any():
        at = [int(i) for i in np.argwhere(wrong)[0]]
        got = f"{sums[tuple(at)]}" + (f" at {at}" if at else "")
        raise ValueError(f"sample_weight must have a finite sum above 0, got {got}")
    return weights


def terms_of(y: Array, architecture: Architecture, dtype: Any) -> Any:
    """What the sum of an epoch's terms is divided by (contract, 6), for y of a `Problem`."""
    outputs = columns = architecture.sizes[-1]
    if architecture.output == "softmax":
        columns = 1
    if y.shape[1] == outputs:
        return dtype(len(y) * columns)
    return dtype(fsum(y[:, -1].astype(dtype).tolist()) * columns)


def check_targets(y: Array, settings: Settings) -> None:
    """Raise ValueError where there is no log loss of y (n, O)."""
    if settings.loss == "mse":
        return
    if (low := y.min()) < 0 or (high := y.max()) > 1:
        got = low if low < 0 else high
        raise ValueError(f"y must be from 0 to 1 for the log loss, got {got}")
    if settings.output == "softmax":
        sums = y.sum(axis=1, dtype=np.float64)
        wrong = abs(sums - 1) > 1e-6 * y.shape[1]
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"y must sum to 1 in each row for a softmax, got {sums[row]} at {row}")


def check_validation(
    validation: Any, architecture: Architecture, settings: Settings, weighted: bool
) -> Validation | None:
    """The samples ``validation``, a pair of X and y; raises ValueError or TypeError for others.

    ``weighted``: have those of training weights?
    """
    if validation is None:
        return None
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        got = type(validation).__name__
        got += f" of {len(validation)}" if isinstance(validation, tuple | list) else ""
        raise TypeError(f"validation must be a pair (X, y), got {got}")
    dtype = np.dtype(settings.dtype).type
    try:
        X, y = check_data(validation[0], validation[1], dtype)
        shapes, expected = (X.shape[1], y.shape[1]), (architecture.sizes[0], architecture.sizes[-1])
        if shapes != expected:
            raise ValueError(
                f"X and y must have {expected[0]} and {expected[1]} columns, as those of training, "
                f"got {shapes[0]} and {shapes[1]}"
            )
        check_targets(y, settings)
    except (ValueError, TypeError) as error:
        raise type(error)(f"validation: {error}") from None
    if weighted:
        y = np.concatenate([y, np.ones((len(y), 1))], axis=1)
    return Validation(X, y)
