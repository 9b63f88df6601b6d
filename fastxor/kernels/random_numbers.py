"""The numbers of `numpy.random.RandomState` for many seeds at once.

The Mersenne Twister (M. Matsumoto and T. Nishimura, ACM Transactions on Modeling and Computer
Simulation 8, 1998) has a state of 624 numbers, each made from the one before it. A small network
needs few of them, so no more are made than are asked for.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from fastxor.kernels.compiling import OPTIONS, Code

# nobody calls them from Python
INNER: Any = OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
STATE, DISTANCE = 624, 397  # numbers of the state, and how far apart those are that are mixed
NEXT, MADE = STATE, STATE + 1  # kept after the state: the next number's place, how many are made


def random_numbers(method: str, seeds: Any, count: int) -> Any:
    """What RandomState(seed).method(count) gives for each seed, "randn" or "random_sample".

    (k, count) of float64; but for the last bits of "randn" on machines for which NumPy was built
    with fused multiply-adds, ARM's.
    """
    numbers = np.empty((len(seeds), count))
    _kernel(method)(seeds, count, np.empty(STATE + 2, np.int64), numbers.ravel())
    return numbers


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

    return Code(kernel, "IiIV", np.float64, "starts", method).run


@njit(**INNER)
def _uniform(state):
    """The next number in [0, 1), of 53 bits."""
    high, low = _word(state) >> 5, _word(state) >> 6
    return (high * 67108864.0 + low) / 9007199254740992.0


@njit(**INNER)
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
