"""Samples by the labels of their groups."""

from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.predictions import outputs_by_network


def split_column(X: Any, groups: Any) -> tuple[Any, Any]:
    """X and the labels of its samples, which may be a column of X, a frame, by its name."""
    if not isinstance(groups, str):
        return X, groups
    if not hasattr(X, "columns"):
        raise TypeError(f"groups may name a column of a frame X, got {groups!r} and no frame")
    names = list(X.columns)
    if groups not in names:
        raise ValueError(f"groups must be one of the columns of X, got {groups!r}")
    return X[[name for name in names if name != groups]], X[groups]


def labels_of(groups: Any, n: int) -> Array:
    """The label of each sample, (n,): text, integers, booleans or times.

    Raises ValueError or TypeError for others.
    """
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ValueError(f"groups must have shape ({n},), a label for each, got {labels.shape}")
    if labels.dtype.kind == "O":
        kinds = {type(label) for label in labels.tolist()}
        if len(kinds) > 1 or kinds & {float, type(None)}:
            names = " and ".join(sorted(kind.__name__ for kind in kinds))
            raise TypeError(f"groups must have labels of one type, none missing, got {names}")
        labels = np.array(labels.tolist())
    if labels.dtype.kind not in "USiubMm" or labels.ndim != 1:
        raise TypeError(f"groups must be text, integers or times, got {labels.dtype}")
    if labels.dtype.kind in "Mm" and np.isnat(labels).any():
        raise ValueError("groups must not have missing labels, got NaT")
    return labels


def numbered(groups: Any, n: int) -> tuple[Array, Array]:
    """The labels that there are, sorted, and the number of that of each sample, (n,)."""
    labels, which = np.unique(labels_of(groups, n), return_inverse=True)
    return labels, which.reshape(n)


def outputs_by_group(runs: Any, X: Any, groups: Any) -> Array:
    """Of each sample by the network of its group, see `Runs.predict_proba`."""
    X, groups = split_column(X, groups)
    X = checks.numbers("X", X)
    labels, which = numbered(groups, len(X))
    if runs.groups is None or not runs.shape or runs.shape[-1] != len(runs.groups):
        raise ValueError(f"groups must be the last dimension of runs, got shape {runs.shape}")
    at, missing = places_among(runs.groups, labels)
    if missing.size:
        raise KeyError(f"there is no group {missing.tolist()[0]!r}")
    networks = runs.networks
    rows = networks.numbers.reshape(-1, len(runs.groups), networks.architecture.parameters)
    outputs = [outputs_of_each(some[at], networks.architecture, X, which) for some in rows]
    return np.reshape(outputs, (*runs.shape[:-1], *outputs[0].shape))


def places_among(known: Array, labels: Array) -> tuple[Array, Array]:
    """Where labels are among those ``known``, which are sorted; and which are not."""
    at = np.searchsorted(known, labels)
    return at, labels[known[np.minimum(at, len(known) - 1)] != labels]


def outputs_of_each(parameters: Array, architecture: Architecture, X: Array, which: Array) -> Array:
    """The outputs (n, O) for X (n, I), each by the network whose number is in ``which`` (n,)."""
    order = np.argsort(which, kind="stable")
    made = outputs_by_network(parameters, architecture, X[order], np.bincount(which))
    outputs = np.empty_like(made)
    outputs[order] = made
    return outputs
