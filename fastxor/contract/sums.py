"""Sums over samples, in the order of the contract."""

import numpy as np

from fastxor.contract.functions import Array


def sample_sum(terms: Array) -> Array:
    """The sum of ``terms`` (n, ...) over the samples: shape (...).

    The sums of blocks of 1024 samples, `lane_sum`, are added in order.
    """
    total = np.zeros(terms.shape[1:], terms.dtype)
    for block in range(0, len(terms), 1024):
        total = total + lane_sum(terms[block : block + 1024])
    return total


def lane_sum(terms: Array) -> Array:
    """The sum of ``terms`` (k, ...): shape (...).

    Term j is added to lane j mod 8, each lane in order from +0.0; then
    ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)).
    """
    lanes = np.zeros((8, *terms.shape[1:]), terms.dtype)
    for row in range(0, len(terms), 8):
        some = terms[row : row + 8]
        lanes[: len(some)] += some
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    total: Array = lanes[0]
    return total
