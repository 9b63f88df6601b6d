"""Arrays as the kernels want them, see `kernels.choice`."""

from ctypes import addressof, c_char
from functools import lru_cache
from typing import Any

import numpy as np

from fastxor.common.checks import Array

CACHE_LINE = 64  # bytes; vectors that begin at one are loaded fastest
ITEMSIZE = {np.float64: 8, np.float32: 4}


def zeros(dtype: Any, *sizes: int) -> list[Array]:
    """Arrays of zeros, each from the beginning of a cache line on, in one block of memory."""
    itemsize: int = ITEMSIZE[dtype]
    places, size = _places(CACHE_LINE // itemsize, sizes)
    room = np.zeros(size, dtype)
    address = addressof(c_char.from_buffer(room.data))  # `room.ctypes` takes four times as long
    room = room[-address % CACHE_LINE // itemsize :]
    return [room[place] for place in places]


@lru_cache(1024)
def _places(line: int, sizes: tuple[int, ...]) -> tuple[list[slice], int]:
    """Where arrays are that begin at cache lines, and numbers in all, with a line more."""
    places, end = [], 0
    for size in sizes:
        places.append(slice(end, end + size))
        end += -(-size // line) * line
    return places, end + line


def stride_for(n: int, width: int, dtype: Any) -> int:
    """Numbers of a row of ``n`` samples in `by_column`: some after them are read, and not used."""
    line: int = CACHE_LINE // ITEMSIZE[dtype]
    return -(-(n + width - 1) // line) * line


def by_column(parts: list[Array], rows: Array) -> None:
    """Put each part (n, k) into ``rows`` as k rows; all of them as long, those of the first."""
    size = len(rows) // len(parts)
    for number, part in enumerate(parts):
        n, k = part.shape
        rows[number * size : (number + 1) * size].reshape(k, -1)[:, :n] = part.T


def by_sample(parts: list[Array], rows: Array) -> None:
    """Put the only part there as it is: samples are gathered one by one."""
    rows.reshape(parts[0].shape)[:] = parts[0]
