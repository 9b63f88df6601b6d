"""Sums over samples, in the order of the contract."""

import numpy as np

from fastxor.contract.functions import Array


def sample_sum(terms: Array) -> Array:
    """The sum of ``terms`` (n, ...) over the samples: shape (...).

    In a block of 1024, sample j is added to lane j mod 8, each lane in order from +0.0; then
    ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)). The totals of the blocks are added in order.
    """
    total = np.zeros(terms.shape[1:], terms.dtype)
    for block in range(0, len(terms), 1024):
        lanes = np.zeros((8, *terms.shape[1:]), terms.dtype)
        for row in range(block, min(block + 1024, len(terms)), 8):
            samples = terms[row : min(row + 8, block + 1024)]
            lanes[: len(samples)] += samples
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = lanes[:half] + lanes[half:]
        total = total + lanes[0]
    return total
