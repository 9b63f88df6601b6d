"""Arrays as the kernels want them, see `kernels.choice`."""

from typing import Any

import numpy as np

from fastxor.common.checks import Array

CACHE_LINE = 64  # bytes; vectors that begin at one are loaded fastest


def zeros(size: int, dtype: Any) -> Array:
    """Zeros from the beginning of a cache line on."""
    itemsize = np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE // itemsize, dtype)
    address = room.__array_interface__["data"][0]  # `ctypes` would take five times as long
    start = -address % CACHE_LINE // itemsize
    return room[start : start + size]


def by_column(parts: list[Array], width: int, dtype: Any) -> Array:
    """Each part (n, k) as k rows of n samples, and zeros after them: they are read, and not used.

    All rows are as long as those of the first part, the longest.
    """
    n, k = parts[0].shape
    line = CACHE_LINE // np.dtype(dtype).itemsize
    stride = -(-(n + width - 1) // line) * line
    rows = zeros(len(parts) * k * stride, dtype)
    for part, own in zip(parts, rows.reshape(len(parts), k, stride), strict=True):
        own[:, : len(part)] = part.T
    return rows


def by_sample(array: Array, dtype: Any) -> Array:
    """(n, k) as it is: samples are gathered one by one."""
    rows = zeros(array.size, dtype)
    rows.reshape(array.shape)[:] = array
    return rows
