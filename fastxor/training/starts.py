"""Starting weights of many seeds at once."""

from functools import cache

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.random_numbers import STATE, random_numbers
from fastxor.networks.architecture import Architecture
from fastxor.networks.starting import method_of, numbers_of, random_state, weights_of


def starting_weights(
    seeds: Array, architecture: Architecture, init: str, init_range: Array | None
) -> list[Array]:
    """W1 (k, I, H) and so on, float64, as `starting_network`'s.

    ``seeds`` (k,) and, for uniform weights, ``init_range`` (k,).
    """
    numbers = _numbers(method_of(init), seeds, numbers_of(architecture, init))
    return weights_of(numbers, architecture, init, init_range)


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
