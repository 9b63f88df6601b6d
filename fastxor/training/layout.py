"""Arrays as the kernels want them, see `kernels.choice`."""

from typing import Any

import numpy as np

from fastxor.common.checks import Array

CACHE_LINE = 64  # bytes; vectors that begin at one are loaded fastest


def zeros(dtype: Any, *sizes: int) -> list[Array]:
    """Arrays of zeros, each from the beginning of a cache line on, in one block of memory."""
    itemsize = dtype().itemsize
    line = CACHE_LINE // itemsize
    sizes_padded = [-(-size // line) * line for size in sizes]
    room = np.zeros(sum(sizes_padded) + line, dtype)
    address = room.__array_interface__["data"][0]  # `ctypes` would take five times as long
    at = -address % CACHE_LINE // itemsize
    arrays = []
    for size, padded in zip(sizes, sizes_padded, strict=True):
        arrays.append(room[at : at + size])
        at += padded
    return arrays


def stride_for(n: int, width: int, dtype: Any) -> int:
    """Numbers of a row of ``n`` samples in `by_column`: some after them are read, and not used."""
    line: int = CACHE_LINE // dtype().itemsize
    return -(-(n + width - 1) // line) * line


def by_column(parts: list[Array], rows: Array) -> None:
    """Put each part (n, k) into ``rows`` as k rows; all of them as long, those of the first."""
    k = parts[0].shape[1]
    for part, own in zip(parts, rows.reshape(len(parts), k, -1), strict=True):
        own[:, : len(part)] = part.T


def by_sample(parts: list[Array], rows: Array) -> None:
    """Put the only part there as it is: samples are gathered one by one."""
    rows.reshape(parts[0].shape)[:] = parts[0]
