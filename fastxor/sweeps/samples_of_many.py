"""Samples of many networks, checked: the same for all, in groups, or stacked."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import broadcast
from fastxor.runs.samples import (
    Data,
    Ranges,
    Validation,
    check_data,
    check_targets,
    check_validation,
    check_weights,
    plain,
    with_weights,
)
from fastxor.runs.settings import Settings
from fastxor.sweeps.groups import grouped


class Given(NamedTuple):
    """What `train_many` was given."""

    data: Data
    shapes: dict[str, tuple[int, ...]]  # of what is not the same for all networks
    labels: Array | None  # (groups,), sorted
    architecture: Architecture

    def for_networks(self, shape: tuple[int, ...]) -> Data:
        """The data of networks in that shape, in C order."""
        data, validation = self.data, self.data.validation
        if data.ranges is None:
            return data
        if validation:
            assert validation.ranges
            validation = validation._replace(ranges=_spread(validation.ranges, shape))
        return data._replace(ranges=_spread(data.ranges, shape), validation=validation)


def check_samples(
    X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, settings: Settings
) -> Given:
    """Of arguments of `train_many`; raises ValueError or TypeError for bad ones."""
    T = np.dtype(settings.dtype).type
    if groups is not None:
        data, labels, architecture = grouped(X, y, sample_weight, validation, groups, settings)
        return Given(data, {"groups": labels.shape}, labels, architecture)
    held_out = validation if _is_pair(validation) else ()
    if max(map(_dimensions, (X, y, *held_out))) > 2 or _dimensions(sample_weight) > 1:
        return _stacked(X, y, sample_weight, validation, settings, T)
    X, y = check_data(X, y, T)
    architecture = settings.architecture(X.shape[1], y.shape[1])
    check_targets(y, settings)
    if sample_weight is not None:
        y = with_weights(y, sample_weight, T)
    own = check_validation(validation, architecture, settings, sample_weight is not None)
    if own:
        own = Validation(*plain(own.X, own.y, T))
    return Given(Data(*plain(X, y, T), own), {}, None, architecture)


def _dimensions(given: Any) -> int:
    try:
        return np.ndim(given)
    except ValueError:  # a ragged list, which the checks will refuse
        return 0


def _is_pair(validation: Any) -> bool:
    return isinstance(validation, tuple | list) and len(validation) == 2


def _spread(ranges: Ranges, shape: tuple[int, ...]) -> Ranges:
    return Ranges(*(np.broadcast_to(array, shape).ravel() for array in ranges))


# --- stacked: samples with further dimensions in front --------------------------------------------
def _stacked(
    X: Any, y: Any, sample_weight: Any, validation: Any, settings: Settings, T: Any
) -> Given:
    data, shapes = _stack("", X, y, T)
    inputs, outputs = data.X.shape[-1], data.y.shape[-1]
    architecture, weighted = settings.architecture(inputs, outputs), sample_weight is not None
    check_targets(data.y.reshape(-1, outputs), settings)
    if weighted:
        data, shapes["sample_weight"] = _weighted(data, sample_weight, T)
    own = None
    if validation is not None:
        if not _is_pair(validation):
            check_validation(validation, architecture, settings, weighted)
        try:
            held_out, others = _stack("validation ", validation[0], validation[1], T)
            shapes |= others
            flat = [array.reshape(-1, array.shape[-1]) for array in held_out]
            check_validation((flat[0][:1], flat[1][:1]), architecture, settings, False)
            check_targets(flat[1], settings)
        except (ValueError, TypeError) as error:
            told = str(error).removeprefix("validation: ")
            raise type(error)(f"validation: {told}") from None
        if weighted:
            ones = np.ones((*held_out.y.shape[:-1], 1))
            held_out = held_out._replace(y=np.concatenate([held_out.y, ones], axis=-1))
        own = Validation(*_with_ranges(held_out, T))
    X, y, ranges = _with_ranges(data, T)
    return Given(Data(X, y, own, ranges), shapes, None, architecture)


class _Stack(NamedTuple):
    X: Array  # (..., n, I)
    y: Array  # (..., n, O) or with weights


def _stack(what: str, X: Any, y: Any, T: Any) -> tuple[_Stack, dict[str, tuple[int, ...]]]:
    """X and y, finite in T, and their shapes without those of samples."""
    X, y = checks.numbers("X", X, ndim=None), checks.numbers("y", y, ndim=None)
    y = y[:, None] if y.ndim == 1 else y
    for name, array in (("X", X), ("y", y)):
        if array.ndim < 2:
            raise ValueError(f"{name} must have 2 or more dimensions, got shape {array.shape}")
        checks.finite(name, array, T)
    if X.shape[-2] != y.shape[-2]:
        raise ValueError(f"X and y must have as many samples, got shapes {X.shape} and {y.shape}")
    return _Stack(X, y), {f"{what}X": X.shape[:-2], f"{what}y": y.shape[:-2]}


def _weighted(data: _Stack, sample_weight: Any, T: Any) -> tuple[_Stack, tuple[int, ...]]:
    """With the weights (..., n) of samples in a last column of y."""
    weights = checks.numbers("sample_weight", sample_weight, ndim=None)
    X, y = data
    if not weights.ndim or weights.shape[-1] != y.shape[-2]:
        expected = f"shape (..., {y.shape[-2]})"
        raise ValueError(f"sample_weight must have {expected}, got {weights.shape}")
    weights = check_weights(weights, y.shape[-1], T)
    lead = broadcast({"y": y.shape[:-2], "sample_weight": weights.shape[:-1]})
    columns = [np.broadcast_to(array, lead + array.shape[-2:]) for array in (y, weights[..., None])]
    return _Stack(X, np.concatenate(columns, axis=-1)), weights.shape[:-1]


def _with_ranges(data: _Stack, T: Any) -> tuple[Array, Array, Ranges]:
    (X, y), n = data, data.X.shape[-2]
    X_first, y_first = (
        n * np.arange(prod(array.shape[:-2])).reshape(array.shape[:-2]) for array in (X, y)
    )
    X, y = plain(X.reshape(-1, X.shape[-1]), y.reshape(-1, y.shape[-1]), T)
    return X, y, Ranges(X_first, y_first, np.array(n))
