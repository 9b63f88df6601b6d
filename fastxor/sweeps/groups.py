"""Samples in groups, by a label each: a network is trained on those of its group alone."""

from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.runs.groups import numbered, split_column
from fastxor.runs.samples import (
    Data,
    Ranges,
    Validation,
    check_rows,
    check_targets,
    check_validation,
    plain,
)
from fastxor.runs.settings import Settings


def grouped(
    X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, settings: Settings
) -> tuple[Data, Array, Architecture]:
    """The data of a network for each group, and the labels of these, sorted.

    Raises ValueError or TypeError for bad ones, naming the group.
    """
    T = np.dtype(settings.dtype).type
    X, groups = split_column(X, groups)
    X, y = check_rows(X, y)
    labels, which = numbered(groups, len(X))
    groups_of = _Groups(labels, which, T)
    architecture = settings.architecture(X.shape[1], y.shape[1])
    weights = None
    if sample_weight is not None:
        weights = groups_of.weights(sample_weight, y.shape[1])
    groups_of.check(X, y, settings)
    groups_of.check_classes(y, settings)
    own, data = None, groups_of.arranged(X, y, weights)
    if validation is not None:
        own = _held_out(validation, groups_of, data, architecture, settings)
    return data._replace(validation=own), labels, architecture


def _held_out(
    validation: Any, trained: "_Groups", data: Data, architecture: Architecture, settings: Settings
) -> Validation:
    """Samples that are held out, the same for all groups or, with labels, of each its own."""
    weighted = data.y.shape[1] > architecture.sizes[-1]
    if not (isinstance(validation, tuple | list) and len(validation) == 3):
        own = check_validation(validation, architecture, settings, weighted)
        assert own
        n = np.array(len(own.X))
        return Validation(*plain(own.X, own.y, trained.T), Ranges(0 * n, 0 * n, n))
    try:
        X, groups = split_column(validation[0], validation[2])
        X, y = check_rows(X, validation[1])
        labels, which = numbered(groups, len(X))
        others = sorted({*labels.tolist()} ^ {*trained.labels.tolist()})
        if others:
            raise ValueError(
                f"groups must be those of training, each of them, but {others[0]!r} is in one only"
            )
        held_out = _Groups(labels, which, trained.T)
        held_out.check(X, y, settings)
        check_validation((X[:1], y[:1]), architecture, settings, False)
    except (ValueError, TypeError) as error:
        raise type(error)(f"validation: {str(error).removeprefix('validation: ')}") from None
    own_data = held_out.arranged(X, y, np.ones(len(X)) if weighted else None)
    return Validation(own_data.X, own_data.y, own_data.ranges)


class _Groups:
    """Samples (n,) sorted by their labels."""

    def __init__(self, labels: Array, which: Array, T: Any) -> None:
        self.labels, self.which, self.T = labels, which, T
        self.n = np.bincount(which)
        self.first = np.cumsum(self.n) - self.n
        self.order = np.argsort(which, kind="stable")

    def refuse(self, wrong: Array, what: str) -> None:
        """Raise ValueError for groups that are ``wrong``, if any are."""
        if wrong.any():
            labels = self.labels[wrong].tolist()
            more = f" and {len(labels) - 1:,} more" if len(labels) > 1 else ""
            raise ValueError(f"{what} in group {labels[0]!r}{more}")

    def _any(self, wrong: Array) -> Array:
        """(groups,): is any sample (n,) wrong?"""
        return np.bincount(self.which, wrong, len(self.labels)) > 0

    def _check_finite(self, name: str, array: Array) -> None:
        try:
            checks.finite(name, array, self.T)
        except ValueError:
            with np.errstate(over="ignore"):
                wrong = ~np.isfinite(array.astype(self.T)).all(axis=1)
            expected = f"finite in {np.dtype(self.T)}"
            self.refuse(self._any(wrong), f"{name} must be {expected}, but is not")

    def check(self, X: Array, y: Array, settings: Settings) -> None:
        """Are all numbers good?"""
        self._check_finite("X", X)
        self._check_finite("y", y)
        check_targets(y, settings)

    def check_classes(self, y: Array, settings: Settings) -> None:
        """Has each group two at least, where there are classes?"""
        if settings.loss == "log_loss":
            targets = y[self.order]
            low, high = (f.reduceat(targets, self.first) for f in (np.minimum, np.maximum))
            self.refuse((low == high).all(axis=1), "y must have two classes at least, but has one")

    def weights(self, sample_weight: Any, outputs: int) -> Array:
        """(n,), of which each group has a sum above 0."""
        weights = checks.numbers("sample_weight", sample_weight, ndim=(1,))
        if len(weights) != len(self.which):
            expected = f"shape ({len(self.which)},)"
            raise ValueError(f"sample_weight must have {expected}, got {weights.shape}")
        wrong = ~((weights >= 0) & (weights <= checks.LARGEST[self.T]))
        self.refuse(self._any(wrong), "sample_weight must be finite and at least 0, but is not")
        weights = weights.astype(self.T)
        sums = np.bincount(self.which, weights.astype(np.float64))
        wrong = ~((sums > 0) & (sums <= checks.LARGEST[self.T] / outputs))
        self.refuse(wrong, "sample_weight must have a finite sum above 0, but has none")
        return weights

    def arranged(self, X: Array, y: Array, weights: Array | None) -> Data:
        """The samples, those of a group one after another."""
        if weights is not None:
            y = np.concatenate([y, weights[:, None]], axis=1)
        if (self.which[1:] < self.which[:-1]).any():
            X, y = X[self.order], y[self.order]
        X, y = plain(X, y, self.T)
        return Data(X, y, None, Ranges(self.first, self.first, self.n))
