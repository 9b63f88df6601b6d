"""`Problem`: what every engine starts from, checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_network
from fastxor.runs.run import Run
from fastxor.runs.settings import Settings, check_settings


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
    start = _initial_network(initial, given["activation"], given["output"])
    settings = check_settings(start, **given)
    dtype = np.dtype(settings.dtype).type
    threads = checks.threads(threads)
    X, y = check_data(X, y, dtype)
    architecture = settings.architecture(X.shape[1], y.shape[1])
    check_targets(y, settings)
    if start is None:
        start = starting_network(
            settings.seed, architecture, dtype, settings.init, settings.init_range
        )
        start = _to_go_on(start, start, settings)
    else:
        check_architecture(start.architecture, architecture)
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


def check_targets(y: Array, settings: Settings) -> None:
    """Raise ValueError where there is no log loss of y (n, O)."""
    if settings.loss == "mse":
        return
    if (low := y.min()) < 0 or (high := y.max()) > 1:
        got = low if low < 0 else high
        raise ValueError(f"y must be from 0 to 1 for the log loss, got {got}")
    if settings.output == "softmax":
        sums = y.sum(axis=1, dtype=np.float64)
        wrong = abs(sums - 1) > 1e-6 * y.shape[1]
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"y must sum to 1 in each row for a softmax, got {sums[row]} at {row}")


def check_architecture(start: Architecture, expected: Architecture) -> None:
    """Raise ValueError if ``initial`` is another one than what was asked for."""
    if start.sizes != expected.sizes:
        raise ValueError(
            f"initial must have the sizes {expected.sizes} (inputs, hidden units, outputs), got "
            f"{start.sizes}"
        )
    for name in ("activation", "output", "bias"):
        before, now = getattr(start, name), getattr(expected, name)
        if before != now:
            raise ValueError(f"initial must have the same {name}, {now!r}, got {before!r}")


def _initial_network(initial: Any, activation: Any, output: Any) -> Network | None:
    if initial is None or isinstance(initial, Network):
        return initial
    if isinstance(initial, Run):
        return initial.network
    network: Network = of_arrays(Network, initial, activation, output, "a Network, a Run")
    return network


def of_arrays(kind: Any, initial: Any, activation: Any, output: Any, others: str) -> Any:
    """A ``kind`` of network of the arrays ``initial``; ``others`` it might have been too."""
    if not isinstance(initial, (tuple, list)) or len(initial) % 2 or not len(initial):
        expected = f"{others} or the arrays (W1, b1, W2, b2), as many as there are layers"
        raise TypeError(f"initial must be {expected}, got {type(initial).__name__}")
    functions = {"activation": activation, "output": output}
    given = {name: value for name, value in functions.items() if value is not None}
    try:
        return kind(*initial, **given)
    except (ValueError, TypeError) as error:
        if str(error).startswith(("activation", "output")):
            raise
        raise type(error)(f"initial: {error}") from None


def starting_arrays(arrays: dict[str, Array], dtype: Any) -> tuple[Array, ...]:
    """Copies to train: + 0.0 turns -0.0 into 0.0, the only value that the contract excludes."""

    def converted(name: str, array: Array) -> Array:
        checks.finite(f"initial {name.replace('_', ' ')}", array, dtype)
        return np.asarray(array.astype(dtype) + dtype(0))

    return tuple([converted(name, array) for name, array in arrays.items()])


def as_start(network: Network, dtype: Any, settings: Settings) -> Network:
    """A copy to train, with what the settings need."""
    arrays = dict(zip(network.architecture.names, network.arrays, strict=True))
    start = Network.of(starting_arrays(arrays, dtype), network.architecture)
    return _to_go_on(start, network, settings)


def _to_go_on(start: Network, before: Network, settings: Settings) -> Network:
    """With the velocity and generator of the network ``before``, or first ones, as needed."""
    if settings.momentum != 0:
        velocity = before.velocity or [np.zeros_like(array) for array in before.arrays]
        names = (f"velocity_{name}" for name in before.architecture.names)
        named = dict(zip(names, velocity, strict=True))
        start.velocity = starting_arrays(named, start.dtype)
    if settings.shuffle:
        start.generator = before.generator or np.random.default_rng(settings.seed)
    return start
