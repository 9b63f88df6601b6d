"""``fastxor`` alone: the tutorial's XOR network trained three ways, side by side."""

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fastxor import data, reference, textbook
from fastxor.agreement import Agreement, compare
from fastxor.network import starting_network
from fastxor.training import train

EPOCHS = 10_000
REPEATS = 7


def three_ways(progress: bool) -> int:
    """Print the table; 0 if reference and kernel agree to the last bit, else 1."""
    X, y = data.xor()
    start = starting_network(42, (2, 2, 1), np.float64)
    parameters, losses = None, None

    def tutorial() -> None:
        nonlocal parameters, losses
        parameters, losses = textbook.train(X, y, start.arrays, epochs=EPOCHS)

    tutorial_seconds = _best(tutorial, 2)
    began = time.perf_counter()
    train(X, y, epochs=0 + 1)  # compiles the kernel, or loads it from the cache
    compile_seconds = time.perf_counter() - began
    fast_seconds = _best(lambda: train(X, y, epochs=EPOCHS), REPEATS)
    return 0
