"""Samples and their checks: those of training, and those that are held out."""

from math import fsum
from typing import Any, NamedTuple

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.runs.settings import Settings


class Validation(NamedTuple):
    """Samples that are held out, checked."""

    X: Array  # (m, I), not yet in the dtype
    y: Array  # (m, O), likewise, or (m, O + 1) with weights of 1 where those of training have some


class Data(NamedTuple):
    """All samples, in the dtype."""

    X: Array  # (n, I)
    y: Array  # (n, O), or (n, O + 1) with the weights of samples
    validation: Validation | None


def check_data(X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
    """X (n, I) and y (n, O), finite in the dtype but not yet of it."""
    X, y = checks.numbers("X", X), checks.numbers("y", y, ndim=(1, 2))
    y = y[:, None] if y.ndim == 1 else y
    if len(X) != len(y):
        raise ValueError(f"X and y must have as many rows, got shapes {X.shape} and {y.shape}")
    checks.finite("X", X, dtype)
    checks.finite("y", y, dtype)
    return X, y


def with_weights(y: Array, sample_weight: Any, dtype: Any) -> Array:
    """y (n, O), and in a last column the weights (n,) of samples."""
    weights = checks.numbers("sample_weight", sample_weight, ndim=(1,))
    if len(weights) != len(y):
        raise ValueError(f"sample_weight must have shape ({len(y)},), got {weights.shape}")
    checks.finite("sample_weight", weights, dtype)
    if weights.min() < 0:
        raise ValueError(f"sample_weight must be at least 0, got {weights.min()}")
    weights = weights.astype(dtype)
    if not 0 < float(weights.sum(dtype=np.float64)) <= checks.LARGEST[dtype] / y.shape[1]:
        got = float(weights.sum(dtype=np.float64))
        raise ValueError(f"sample_weight must have a finite sum above 0, got {got}")
    return np.concatenate([y, weights[:, None]], axis=1)


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
