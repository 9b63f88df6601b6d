"""`Problem`: what every engine starts from, checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.network import PARAMETERS, Network
from fastxor.networks.starting import starting_network
from fastxor.runs.run import Run
from fastxor.runs.settings import Settings, check_settings, check_threads


@dataclass(frozen=True, eq=False)
class Problem:
    """A checked task: every engine starts from one, and from nothing else."""

    X: Array  # (n, I), as the caller gave it: not to be changed, not yet in the dtype
    y: Array  # (n, O), likewise
    # in the dtype, without -0.0; it has a velocity exactly when there is momentum, and a generator
    # when samples are shuffled
    start: Network
    batch_size: int  # at most n
    threads: int | None  # at most so many
    settings: Settings


def prepare(X: Any, y: Any, *, initial: Any, threads: int | None, **given: Any) -> Problem:
    """Check everything and fill in what was left out; see `fastxor.train` for the arguments."""
    start = _initial_network(initial)
    settings = check_settings(start, **given)
    dtype = np.dtype(settings.dtype).type
    threads = check_threads(threads)
    X, y = check_data(X, y, dtype)
    sizes = (X.shape[1], settings.hidden_size, y.shape[1])
    if start is None:
        start = starting_network(settings.seed, sizes, dtype, settings.init_range)
    check_sizes(start, sizes)
    start = as_start(start, dtype, settings)
    return Problem(X, y, start, min(settings.batch_size or len(X), len(X)), threads, settings)


def check_data(X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
    """X (n, I) and y (n, O), finite in the dtype but not yet of it."""
    X, y = checks.numbers("X", X), checks.numbers("y", y, ndim=(1, 2))
    y = y[:, None] if y.ndim == 1 else y
    if len(X) != len(y):
        raise ValueError(f"X and y must have as many rows, got shapes {X.shape} and {y.shape}")
    checks.finite("X", X, dtype)
    checks.finite("y", y, dtype)
    return X, y


def check_sizes(start: Any, sizes: tuple[int, int, int]) -> None:
    if start.sizes != sizes:
        expected = f"the sizes {sizes} (inputs, hidden units, outputs)"
        raise ValueError(f"initial must have {expected}, got {start.sizes}")


def _initial_network(initial: Any) -> Network | None:
    if initial is None or isinstance(initial, Network):
        return initial
    if isinstance(initial, Run):
        return initial.network
    network: Network = of_arrays(Network, initial, "a Network, a Run")
    return network


def of_arrays(kind: Any, initial: Any, others: str) -> Any:
    """A ``kind`` of network of the four arrays ``initial``; ``others`` it might have been too."""
    if not isinstance(initial, (tuple, list)) or len(initial) != 4:
        expected = f"{others} or the arrays (W1, b1, W2, b2)"
        raise TypeError(f"initial must be {expected}, got {type(initial).__name__}")
    try:
        return kind(*initial)
    except (ValueError, TypeError) as error:
        raise type(error)(f"initial: {error}") from None


def starting_arrays(arrays: Iterable[Array], dtype: Any, kind: str = "") -> tuple[Array, ...]:
    """Copies to train: + 0.0 turns -0.0 into 0.0, the only value that the contract excludes."""

    def converted(name: str, array: Array) -> Array:
        checks.finite(f"initial {kind}{name}", array, dtype)
        return np.asarray(array.astype(dtype) + dtype(0))

    return tuple(converted(name, array) for name, array in zip(PARAMETERS, arrays, strict=True))


def as_start(network: Network, dtype: Any, settings: Settings) -> Network:
    """A copy to train, with what the settings need."""
    start = Network(*starting_arrays(network.arrays, dtype))
    if settings.momentum != 0:
        velocity = network.velocity or [np.zeros_like(array) for array in network.arrays]
        start.velocity = starting_arrays(velocity, dtype, "velocity ")
    if settings.shuffle:
        start.generator = network.generator or np.random.default_rng(settings.seed)
    return start
