"""Starting networks, from a seed."""

import threading
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor.networks.network import Network


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
    seed: int, sizes: tuple[int, int, int], dtype: Any, init_range: float | None = None
) -> Network:
    """The tutorial's start: W1, then W2 from ``np.random.seed(seed)`` and randn, zero biases.

    With ``init_range``: W1, b1, W2, b2 uniform from -init_range to init_range instead. NumPy's
    global generator is left alone.
    """
    inputs, hidden, outputs = sizes
    random = random_state(seed)
    if init_range is not None:
        shapes = (inputs, hidden), (1, hidden), (hidden, outputs), (1, outputs)
        # RandomState.uniform(-r, r) in two steps: its own might be fused on some machines
        uniform = (random.random_sample(s) * (2 * init_range) - init_range for s in shapes)
        return Network(*(array.astype(dtype) for array in uniform))
    W1, W2 = random.randn(inputs, hidden), random.randn(hidden, outputs)
    b1, b2 = np.zeros((1, hidden)), np.zeros((1, outputs))
    return Network(*(array.astype(dtype) for array in (W1, b1, W2, b2)))
