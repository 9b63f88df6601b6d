"""Starting weights of many seeds at once."""

from functools import cache

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.random_numbers import STATE, random_numbers
from fastxor.networks.starting import random_state


def starting_weights(
    seeds: Array, sizes: tuple[int, int, int], init_range: Array | None
) -> list[Array]:
    """W1 (k, I, H), b1 (k, 1, H), W2 (k, H, O), b2 (k, 1, O), float64, as `starting_network`'s.

    ``seeds`` (k,) and, for uniform weights, ``init_range`` (k,).
    """
    I, H, O = sizes
    if init_range is None:
        W1, W2 = np.split(_numbers("randn", seeds, I * H + H * O), [I * H], axis=1)
        flat = [W1, np.zeros((len(seeds), H)), W2, np.zeros((len(seeds), O))]
    else:
        uniform = _numbers("random_sample", seeds, (I + 1) * H + (H + 1) * O)
        uniform = uniform * (2 * init_range[:, None]) - init_range[:, None]
        flat = np.split(uniform, [I * H, (I + 1) * H, (I + 1 + O) * H], axis=1)
    shapes = [(I, H), (1, H), (H, O), (1, O)]
    return [array.reshape(-1, *shape) for array, shape in zip(flat, shapes, strict=True)]


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
