"""Starting networks, from a seed."""

import threading
from functools import cache, lru_cache
from hashlib import sha256
from math import sqrt
from typing import Any, NamedTuple

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
    """The network that training starts from, see `starting_numbers`."""
    numbers = starting_numbers(seed, architecture, dtype, init, init_range)
    return Network.of(architecture.cut(numbers), architecture)


def starting_numbers(
    seed: int, architecture: Architecture, dtype: Any, init: str, init_range: float | None
) -> Array:
    """What training starts from, see `fastxor.train`: W1, b1 and so on, one after another, (size,).

    There is no -0.0 among them. NumPy's global generator is left alone. Raises ValueError where
    ``init_range`` is so large that twice of it overflows.
    """
    start = start_for(architecture, init)
    weights = start.weights(getattr(random_state(seed), start.method)(start.drawn), init_range)
    if init_range is None:
        return weights.astype(dtype)
    for name, array in zip(architecture.names, architecture.cut(weights), strict=True):
        checks.finite(f"initial {name}", array, dtype)
    numbers: Array = weights.astype(dtype) + dtype(0)  # no -0.0, which tiny ones become in float32
    return numbers


class Start(NamedTuple):
    """What becomes of random numbers; see `start_for`."""

    method: str  # of `numpy.random.RandomState`, which makes them
    drawn: int  # how many
    places: Array | None  # theirs, among the parameters; None where they are all
    limits: Array | None  # what weights are within, for "glorot" and "he"
    size: int  # parameters

    def weights(self, numbers: Array, init_range: Any) -> Array:
        """Starts (..., size), float64, of random numbers (..., drawn).

        ``init_range``: for "uniform", (..., 1) or a number.
        """
        limits = self.limits if init_range is None else init_range
        if limits is not None:
            # RandomState.uniform(-r, r) in two steps: its own might be fused on some machines
            numbers = numbers * (2 * limits) - limits
        if self.places is None:
            return numbers
        weights = np.zeros((*numbers.shape[:-1], self.size))
        weights.T[self.places] = numbers.T  # `weights[..., places]` takes five times as long
        return weights


@lru_cache(1024)
def start_for(architecture: Architecture, init: str) -> Start:
    """The `Start` of such networks.

    "glorot": X. Glorot and Y. Bengio (2010), "he": K. He and others (2015), uniform, with biases of
    zero as Keras has them.
    """
    places, limits, first = [], [], 0
    for name, (inputs, units) in architecture.shapes.items():
        count = inputs * units
        if name[0] == "W" or init == "uniform":
            places.append(np.arange(first, first + count))
            limits.append(np.full(count, sqrt(6 / (inputs + units * (init == "glorot")))))
        first += count
    drawn = np.concatenate(places)
    return Start(
        "randn" if init == "randn" else "random_sample", len(drawn),
        drawn if len(drawn) < first else None,
        np.concatenate(limits) if init in ("glorot", "he") else None, first,
    )  # fmt: skip
