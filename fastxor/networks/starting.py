"""Starting networks, from a seed."""

import threading
from functools import cache, lru_cache
from hashlib import sha256
from math import prod, sqrt
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network

INITS = ("randn", "uniform", "glorot", "he")


class _Generator(threading.local):
    """A RandomState for each thread: to make one takes 130 us, to seed it 2."""

    def __init__(self) -> None:
        self.random = np.random.RandomState(0)


_generator = _Generator()


def random_state(seed: int) -> np.random.RandomState:
    """This thread's one generator, seeded anew."""
    _generator.random.seed(seed)
    return _generator.random


@cache
def randn_digest() -> str:
    """Of some starting weights: where the C library's logarithm differs, so do their last bits."""
    digest = sha256()
    for seed in range(512):
        digest.update(random_state(seed).randn(32).astype("<f8").tobytes())
    return digest.hexdigest()[:16]


def starting_network(
    seed: int,
    architecture: Architecture,
    dtype: Any,
    init: str = "randn",
    init_range: float | None = None,
) -> Network:
    """The network that training starts from, see `fastxor.train`, without -0.0.

    NumPy's global generator is left alone. Raises ValueError where ``init_range`` is so large that
    twice of it overflows.
    """
    numbers = getattr(random_state(seed), method_of(init))(numbers_of(architecture, init))
    ranges = None if init_range is None else np.array([init_range])
    arrays = weights_of(numbers[None], architecture, init, ranges)
    if init_range is not None:
        for name, array in zip(architecture.names, arrays, strict=True):
            checks.finite(f"initial {name}", array[0], dtype)
    zero = dtype(0)
    return Network.of([array[0].astype(dtype) + zero for array in arrays], architecture)


def method_of(init: str) -> str:
    """Of `numpy.random.RandomState`, which makes the numbers."""
    return "randn" if init == "randn" else "random_sample"


@lru_cache(1024)
def numbers_of(architecture: Architecture, init: str) -> int:
    """How many numbers a start takes."""
    return sum(prod(architecture.shapes[name]) for name in _drawn(architecture, init))


def weights_of(
    numbers: Array, architecture: Architecture, init: str, init_range: Array | None
) -> list[Array]:
    """W1 (k, I, H) and so on of k starts from their random ``numbers`` (k, `numbers_of`).

    ``init_range`` (k,) for "uniform". "glorot": X. Glorot and Y. Bengio (2010), "he": K. He and
    others (2015), uniform, with biases of zero as Keras has them.
    """
    drawn, first, arrays = _drawn(architecture, init), 0, []
    for name, shape in architecture.shapes.items():
        if name not in drawn:
            arrays.append(np.zeros((len(numbers), *shape)))
            continue
        values = numbers[:, first : first + prod(shape)]
        first += prod(shape)
        if init != "randn":
            inputs, units = shape
            r: Any = init_range
            if init in ("glorot", "he"):
                r = np.full(len(numbers), sqrt(6 / (inputs + units * (init == "glorot"))))
            # RandomState.uniform(-r, r) in two steps: its own might be fused on some machines
            values = values * (2 * r[:, None]) - r[:, None]
        arrays.append(values.reshape(-1, *shape))
    return arrays


@lru_cache(1024)
def _drawn(architecture: Architecture, init: str) -> tuple[str, ...]:
    """The arrays that do not start as zeros."""
    return tuple(name for name in architecture.names if init == "uniform" or name[0] == "W")
