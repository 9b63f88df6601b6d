"""What goes into a training run and what comes out of it, the same for every engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from fastxor import checks
from fastxor.checks import Array
from fastxor.network import PARAMETERS, Network, starting_network

MOST_THREADS = 2**16  # are as good as any more
LONGEST = np.iinfo(np.intp).max // 8  # epochs whose losses could be counted in bytes


@dataclass(frozen=True)
class Settings:
    """The settings of a run, as `train` took them; of `Runs`, those that may differ as arrays."""

    hidden_size: int
    epochs: int
    learning_rate: Any  # float
    momentum: Any  # float
    batch_size: int | None
    shuffle: bool
    seed: Any  # int
    init: str
    init_range: Any  # float | None
    dtype: str
    tolerance: float | None
    stop_when_solved: bool
    record_every: int | None = 1
    """Which losses are kept: those of every epoch from `train`, fewer from `train_many`."""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished or interrupted run."""

    network: Network
    losses: Array
    """(epochs done,): the loss of every epoch, before its update; with that of the epoch at which
    training stopped, as solved, it is one more. Fewer or none as ``settings.record_every`` says."""
    settings: Settings
    solved_at: int | None = None
    """The first epoch in which all outputs, before their update, were within ``tolerance`` of
    their targets; -1 if there was none, None without a tolerance."""


class Diverged(ArithmeticError):
    """Training left the finite numbers.

    ``epoch`` is the first whose loss or update was not finite; ``run`` holds the last finite
    network and the losses of the epochs before it.
    """

    def __init__(self, epoch: int, run: Run) -> None:
        super().__init__(epoch, run)  # all arguments, so that it can be pickled
        self.epoch, self.run = epoch, run

    def __str__(self) -> str:
        settings = self.run.settings
        return (
            f"training overflowed to infinity or NaN in epoch {self.epoch}; try a learning rate "
            f"nearer to zero than {settings.learning_rate:g}, a momentum below 1 "
            f"(it is {settings.momentum:g}), smaller data or smaller starting weights"
        )


class Interrupted(KeyboardInterrupt):
    """Training was interrupted; ``run`` holds what was done by then, a `Run` or `Runs`.

    ``train(X, y, initial=error.run, epochs=the rest, ...)`` or ``train_many(X, y,
    resume=error.run, ...)``, with the other settings as they were, finishes it to the bits of an
    uninterrupted run.
    """

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        if not isinstance(self.run, Run):
            finished, count = self.run.finished, prod(self.run.shape)
            return f"interrupted after {finished:,} of {count:,} networks"
        return f"interrupted after {len(self.run.losses):,} of {self.run.settings.epochs:,} epochs"


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


def check_settings(
    start: Any,
    *,
    hidden_size: int | None,
    epochs: int,
    learning_rate: Any,
    momentum: Any,
    batch_size: int | None,
    shuffle: bool,
    seed: Any,
    init: str,
    init_range: Any,
    dtype: Any,
    tolerance: float | None,
    stop_when_solved: bool,
    record_every: int | None = 1,
    many: bool = False,
) -> Settings:
    """The settings, from a ``start`` with a dtype and sizes or from None.

    ``many``: what may differ between networks comes and goes as arrays.
    """
    real, whole = (checks.reals, checks.integers) if many else (checks.real, checks.integer)
    if dtype is None:
        dtype = start.dtype if start else np.float64
    dtype = checks.float_type("dtype", dtype)
    if hidden_size is None:
        hidden_size = start.sizes[1] if start else 2
    if init not in ("randn", "uniform"):
        raise ValueError(f"init must be 'randn' or 'uniform', got {init!r}")
    if (init == "uniform") != (init_range is not None):
        expected = "None" if init == "randn" else "a number"
        raise ValueError(f"init_range must be {expected} with init={init!r}, got {init_range!r}")
    if tolerance is not None:
        tolerance = checks.real("tolerance", tolerance, dtype)
        if not dtype(tolerance) > 0:
            raise ValueError(f"tolerance must be above 0, got {tolerance}")
    elif checks.boolean("stop_when_solved", stop_when_solved):
        raise ValueError("stop_when_solved must have a tolerance, such as 0.5, got None")
    return Settings(
        hidden_size=checks.integer("hidden_size", hidden_size, low=1, high=2**31 - 1),
        epochs=checks.integer("epochs", epochs, low=0, high=LONGEST),
        learning_rate=real("learning_rate", learning_rate, dtype),
        momentum=real("momentum", momentum, dtype),
        batch_size=None if batch_size is None else checks.integer("batch_size", batch_size, low=1),
        shuffle=checks.boolean("shuffle", shuffle),
        seed=whole("seed", seed, low=0, high=2**32 - 1),
        init=init,
        init_range=None if init_range is None else real("init_range", init_range, dtype, low=0),
        dtype=np.dtype(dtype).name,
        tolerance=tolerance,
        stop_when_solved=checks.boolean("stop_when_solved", stop_when_solved),
        record_every=(
            None
            if record_every is None
            else checks.integer("record_every", record_every, low=1, high=LONGEST)
        ),
    )


def check_threads(threads: Any) -> int | None:
    """At most so many; None for as many as there are cores."""
    return None if threads is None else min(checks.integer("threads", threads, low=1), MOST_THREADS)


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


def losses_of(epochs: int, dtype: Any) -> Array:
    """Room for the losses of so many epochs."""
    try:
        return np.empty(epochs, dtype)
    except MemoryError:
        raise MemoryError(f"epochs: no memory for the losses of {epochs:,} epochs") from None
