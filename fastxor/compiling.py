"""Compiling a kernel, and keeping the compiled one on disk."""

from hashlib import sha256
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

# error_model: a plain division, no test for zero. nogil: callers may use threads. Never
# fastmath, never parallel: the first changes bits, the second aborts after a fork.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


class Kernel(NamedTuple):
    """A compiled kernel and what it needs to run."""

    run: Any
    """run(X, y, n, parameters, velocity, totals, work, losses, position, learning_rate,
    momentum, blocks): train for as many blocks of up to 1024 samples; returns SOURCE."""
    width: int
    work: int  # numbers of working memory


def _source() -> int:
    """63 bits of a SHA-256 over the modules of the package.

    Numba's cache on disk notices a change in a kernel's own file alone, but a kernel is
    compiled from several. This number is a constant of each kernel, and its constants are
    part of the key of the cache: a kernel from older sources is never loaded.
    """
    digest = sha256()
    for file in sorted(resources.files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            digest.update(file.name.encode() + file.read_bytes())
    return int.from_bytes(digest.digest()[:8], "little") >> 1


SOURCE = _source()


def compiled(kernel: Any, dtype: Any) -> Any:
    T = types.float64 if dtype is np.float64 else types.float32
    vector, integer = types.Array(T, 1, "C"), types.int64
    position = types.Array(integer, 1, "C")
    data = (vector, vector, integer)
    state = (vector, vector, vector, vector, vector, position)
    signature = integer(*data, *state, T, T, integer)
    try:
        return njit(signature, cache=True, **OPTIONS)(kernel)
    except (RuntimeError, OSError):  # no folder for the cache, or a full disk
        return njit(signature, **OPTIONS)(kernel)
