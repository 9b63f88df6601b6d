"""Samples of networks that have their own, as the stacked kernel wants them."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.stacked_group import TABLE
from fastxor.kernels.sums import LANES
from fastxor.networks.architecture import Architecture
from fastxor.runs.samples import Data, Validation, terms_of
from fastxor.training.layout import zeros


class KernelSamples(NamedTuple):
    """Samples of training, or those that are held out; see `kernels.stacked`."""

    n: int
    X: Array
    y: Array
    tables: Array
    terms: Any  # what the sum of terms of a loss is divided by, or (k,), of each network


def packed(
    data: Data | Validation, architecture: Architecture, width: int, batch_size: int | None, T: Any
) -> KernelSamples:
    """Those of networks (k,), a group of ``width`` after the other, in batches.

    Networks of about as many samples should be neighbours: all of a group take as long as the one
    that has most.
    """
    ranges, outputs = data.ranges, architecture.sizes[-1]
    assert ranges is not None
    k = len(ranges.n)
    groups = -(-k // width)
    # the last group is filled up with copies of the last network
    lanes = np.minimum(np.arange(groups * width), k - 1).reshape(groups, width)
    longest = ranges.n[lanes].max(axis=1)
    sizes = longest if batch_size is None else np.minimum(longest, batch_size)
    rows = -(-sizes // LANES) * LANES  # of a batch
    apart = rows * -(-longest // sizes)  # of all
    X_ends, y_ends = (np.cumsum(apart) * width * n for n in (architecture.sizes[0], outputs + 1))
    X, y = zeros(T, int(X_ends[-1]), int(y_ends[-1]))
    tables = np.empty((groups, TABLE), np.int64)
    tables[:, 0], tables[:, 1] = np.append(0, X_ends[:-1]), np.append(0, y_ends[:-1])
    tables[:, 2:] = np.stack([longest, sizes, rows], axis=1)
    # all that are alike at once
    _, first, kinds = np.unique(longest, return_index=True, return_inverse=True)
    for kind, of_kind in enumerate(first):
        alike = np.flatnonzero(kinds.ravel() == kind)
        chosen, size = lanes[alike], int(sizes[of_kind])
        batch, row = np.divmod(np.arange(int(apart[of_kind])), int(rows[of_kind]))
        sample, n = batch * size + row, ranges.n[chosen][..., None]
        there = (row < size) & (sample < n)
        sample = np.minimum(sample, n - 1)  # (groups, width, rows)
        weights = there.astype(T)
        targets = data.y[ranges.y[chosen][..., None] + sample]
        if targets.shape[-1] > outputs:
            weights *= targets[..., -1]
        inputs = data.X[ranges.X[chosen][..., None] + sample]
        targets = np.concatenate([targets[..., :outputs], weights[..., None]], axis=-1)
        for array, values, column in ((X, inputs, 0), (y, targets, 1)):
            starts, turned = tables[alike, column], values.transpose(0, 3, 2, 1)
            for start, own in zip(starts, turned, strict=True):
                array[start : start + own.size].reshape(own.shape)[:] = own
    terms = terms_of_each(data, architecture, T)
    return KernelSamples(int(longest.max()), X, y, tables.ravel(), terms)


def terms_of_each(data: Data | Validation, architecture: Architecture, T: Any) -> Array:
    """`terms_of` for each network."""
    ranges, outputs = data.ranges, architecture.sizes[-1]
    assert ranges is not None
    if data.y.shape[1] > outputs:
        own = zip(ranges.y.tolist(), ranges.n.tolist(), strict=True)
        return np.array([terms_of(data.y[y : y + n], architecture, T) for y, n in own], T)
    columns = 1 if architecture.output == "softmax" else outputs
    return (ranges.n * columns).astype(T)
