"""The settings of a run, and their checks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastxor.common import checks

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
