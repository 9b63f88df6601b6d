"""Starting weights of many seeds at once: the numbers of `numpy.random.RandomState`, compiled.

The Mersenne Twister (M. Matsumoto and T. Nishimura, ACM Transactions on Modeling and Computer
Simulation 8, 1998) has a state of 624 numbers, each made from the one before it. A small network
needs few of them, so no more are made than are asked for.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from fastxor.checks import Array
from fastxor.compiling import OPTIONS, compiled
from fastxor.network import random_state

STATE, DISTANCE = 624, 397  # numbers of the state, and how far apart those are that are mixed
NEXT, MADE = STATE, STATE + 1  # kept after the state: the next number's place, how many are made


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
    numbers = np.empty((len(seeds), count))
    if _as_numpys(method):
        _kernel(method)(seeds, count, np.empty(STATE + 2, np.int64), numbers.ravel())
    else:
        for row, seed in zip(numbers, seeds, strict=True):
            row[:] = getattr(random_state(seed), method)(count)
    return numbers


@cache
def _as_numpys(method: str) -> bool:
    """Are the compiled numbers NumPy's, to the bit?

    On machines for which NumPy was built with fused multiply-adds, ARM's, randn's are not; then
    they are left to NumPy.
    """
    seeds, count = np.arange(32), 2 * STATE
    numbers = np.empty((len(seeds), count))
    _kernel(method)(seeds, count, np.empty(STATE + 2, np.int64), numbers.ravel())
    expected = [getattr(random_state(int(seed)), method)(count) for seed in seeds]
    return bool((numbers == expected).all())


@cache
def _kernel(method: str) -> Any:
    normal = method == "randn"

    def kernel(seeds, count, state, numbers):
        for k in range(seeds.size):
            state[0], state[NEXT], state[MADE] = seeds[k], 0, 1
            for j in range(k * count, (k + 1) * count, 2 if normal else 1):
                if not normal:
                    numbers[j] = _uniform(state)
                    continue
                # G. Marsaglia's polar method, a pair at a time
                square = 0.0
                while square >= 1 or square == 0:
                    x = 2 * _uniform(state) - 1
                    y = 2 * _uniform(state) - 1
                    square = x * x + y * y
                scale = math.sqrt(-2 * math.log(square) / square)
                numbers[j] = scale * y
                if j + 1 < (k + 1) * count:
                    numbers[j + 1] = scale * x

    return compiled(kernel, "IiIV", np.float64, "starts", method)


@njit(forceinline=True, **OPTIONS)
def _uniform(state):
    """The next number in [0, 1), of 53 bits."""
    high, low = _word(state) >> 5, _word(state) >> 6
    return (high * 67108864.0 + low) / 9007199254740992.0


@njit(**OPTIONS)
def _word(state):
    """The next 32 bits."""
    i = state[NEXT]
    before = state[state[MADE] - 1]
    for j in range(state[MADE], min(i + DISTANCE + 1, STATE)):
        before = (1812433253 * (before ^ before >> 30) + j) & 0xFFFFFFFF
        state[j] = before
        state[MADE] = j + 1
    following = i + 1 if i + 1 < STATE else 0
    mixed = state[i] & 0x80000000 | state[following] & 0x7FFFFFFF
    far = i + DISTANCE if i + DISTANCE < STATE else i + DISTANCE - STATE
    word = state[far] ^ mixed >> 1 ^ 0x9908B0DF * (mixed & 1)
    state[i], state[NEXT] = word, following
    word ^= word >> 11
    word ^= word << 7 & 0x9D2C5680
    word ^= word << 15 & 0xEFC60000
    return word ^ word >> 18
