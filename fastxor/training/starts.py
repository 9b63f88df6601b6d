"""Starting weights of many seeds at once."""

from functools import cache

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.random_numbers import STATE, random_numbers
from fastxor.networks.architecture import Architecture
from fastxor.networks.starting import random_state, start_for


def starting_rows(
    seeds: Array, architecture: Architecture, init: str, init_range: Array | None
) -> Array:
    """What training starts from, (k, size), float64, for each of ``seeds`` (k,).

    As `starting_numbers`, but for -0.0. ``init_range`` (k,) for uniform weights.
    """
    start = start_for(architecture, init)
    ranges = None if init_range is None else init_range[:, None]
    return start.weights(_numbers(start.method, seeds, start.drawn), ranges)


def _numbers(method: str, seeds: Array, count: int) -> Array:
    """What RandomState(seed).method(count) gives for each seed: (k, count)."""
    if _as_numpys(method):
        numbers: Array = random_numbers(method, seeds, count)
        return numbers
    return np.array([getattr(random_state(int(seed)), method)(count) for seed in seeds])


@cache
def _as_numpys(method: str) -> bool:
    """Are the compiled numbers NumPy's, to the bit? Else they are left to NumPy."""
    seeds, count = np.arange(32), 2 * STATE
    expected = [getattr(random_state(int(seed)), method)(count) for seed in seeds]
    return bool((random_numbers(method, seeds, count) == expected).all())
