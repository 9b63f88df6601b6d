"""Do two runs have the same bits? What differs first, by how much, and a digest to publish."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor import reference
from fastxor.common.checks import Array
from fastxor.common.generators import state_of
from fastxor.runs.optimizers import check_schedule
from fastxor.runs.run import Diverged, Run
from fastxor.training.single import train

Train = Callable[..., Run]


def same_bits(a: Array, b: Array) -> bool:
    """Are dtype, shape and every bit equal? -0.0 is not 0.0, and a NaN equals itself."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def ulp_distance(a: Array, b: Array) -> int:
    """How many floats lie between the entries that are furthest apart, the last one included.

    The arrays must have one dtype and shape; 0.0 and -0.0 are one apart.
    """
    if not a.size:
        return 0
    first, second = (_ordered(array).ravel() for array in (a, b))
    # as Python integers: the distance of two float64 may not fit in 64 bits
    differ = first != second
    return max(
        (abs(int(p) - int(q)) for p, q in zip(first[differ], second[differ], strict=True)),
        default=0,
    )


def _ordered(array: Array) -> Array:
    """Integers in the order of the floats, one apart where the floats are neighbours."""
    bits = array.view(f"i{array.itemsize}")
    return np.where(bits < 0, ~bits ^ np.iinfo(bits.dtype).min, bits)


def tensors(run: Run) -> Iterator[tuple[str, Array]]:
    """The losses and parameters of a run by name; what else it has, where it has it."""
    yield "losses", run.losses
    if run.penalties is not None:
        yield "penalties", run.penalties
    yield from run.network.state.items()
    if run.network.generator is not None:
        yield "generator", state_of(run.network.generator)
    if run.validation_losses is not None:
        yield "validation_losses", run.validation_losses
        yield "best_epoch", np.array(run.best_epoch, np.int64)
    if run.best is not None:
        yield from ((f"best_{name}", array) for name, array in run.best.state.items())
    if run.solved_at is not None:
        yield "solved_at", np.array(run.solved_at, np.int64)


def digest(run: Run) -> str:
    """SHA-256 over the names, shapes, dtypes and little-endian bytes of a run's tensors."""
    result = sha256()
    for name, array in tensors(run):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        result.update(f"{name} {array.shape} {array.dtype.name}\n".encode() + little.tobytes())
    return result.hexdigest()


def differing(a: Run, b: Run) -> list[str]:
    """The names of the tensors that have not the same bits, or that one run lacks.

    "activations" and "scales", too, where those of the layers are not the same.
    """
    first, second = dict(tensors(a)), dict(tensors(b))
    names = [
        name
        for name in first | second
        if not (name in first and name in second and same_bits(first[name], second[name]))
    ]
    one, other = a.network.architecture, b.network.architecture
    names += ["activations"] if one.activations != other.activations else []
    return names + (["scales"] if one.scales != other.scales else [])


@dataclass(frozen=True, eq=False)
class Agreement:
    """The outcome of `compare`; its text is the report."""

    agree: bool
    """Have all losses, parameters and what goes on with them the same bits?"""
    max_ulp: int
    """The largest distance in floats, of tensors of one dtype and shape; 0 where bits agree."""
    first_epoch: int | None
    """The first epoch whose loss or update differs; None where the bits agree."""
    first_tensor: str | None
    """What differs there: losses, penalties, W1, b1, W2 and so on, velocity_W1 and so on, adam,
    generator, validation_losses, best_epoch, best_W1 and so on, solved_at, activations, scales."""
    digest: str
    """SHA-256 of the fast run."""
    reference: Run
    fast: Run
    diverged_at: int | None = None
    """The epoch in which the fast run left the finite numbers, if it did."""

    def __str__(self) -> str:
        epochs = len(self.fast.losses)
        if self.agree:
            text = f"reference and kernel agree to the last bit: {epochs:,} losses, every parameter"
        else:
            text = (
                f"reference and kernel DIFFER: first in epoch {self.first_epoch}, "
                f"{self.first_tensor}; at most {self.max_ulp:,} ulp after {epochs:,} epochs"
            )
        if self.diverged_at is not None:
            text += f"\ntraining overflowed in epoch {self.diverged_at}: compared up to there"
        return f"{text}\nsha256 {self.digest}"


def compare(
    X: Any, y: Any, *, show: bool = True, fast: Train = train, **settings: Any
) -> Agreement:
    """Train with the reference and with the kernel and compare every bit.

    ``settings`` are those of `fastxor.train`, whose errors this raises too. ``show`` prints
    the report. Training that diverges is compared up to the last finite network. ``fast`` may
    be any other function with the arguments and the result of `fastxor.train`.
    """
    expected, _ = _run(reference.train, X, y, settings)
    actual, diverged_at = _run(fast, X, y, settings)
    names = differing(expected, actual)
    epoch, name = _first_difference(fast, X, y, settings) if names else (None, None)
    first, second = dict(tensors(expected)), dict(tensors(actual))
    comparable = (
        (first[name], second[name])
        for name in first
        if name in second
        and first[name].shape == second[name].shape
        and first[name].dtype == second[name].dtype
    )
    distance = max((ulp_distance(a, b) for a, b in comparable), default=0)
    found = not names, distance, epoch, name, digest(actual)
    result = Agreement(*found, expected, actual, diverged_at)
    if show:
        print(result)
    return result


def _run(train: Train, X: Any, y: Any, settings: dict[str, Any]) -> tuple[Run, int | None]:
    """The run, up to where it diverged, if it did: the epoch."""
    try:
        return train(X, y, **settings), None
    except Diverged as error:
        return error.run, error.epoch


def _first_difference(
    fast: Train, X: Any, y: Any, settings: dict[str, Any]
) -> tuple[int | None, str | None]:
    """Train both one epoch at a time until something differs."""
    # an epoch by itself has no use for these
    settings = {
        name: value
        for name, value in settings.items()
        if name not in ("snapshots", "validate_every", "patience")
    }
    epochs, initial = settings.pop("epochs", 10_000), settings.pop("initial", None)
    factors = check_schedule(settings.pop("schedule", None), epochs, np.float64)
    a = b = initial
    for epoch in range(epochs):
        own = None if factors is None else factors[epoch : epoch + 1]
        a, b = (
            _run(t, X, y, {**settings, "epochs": 1, "schedule": own, "initial": i})[0]
            for t, i in ((reference.train, a), (fast, b))
        )
        if names := differing(a, b):
            return epoch, names[0]
        if not len(a.losses):  # both diverged
            break
    return None, None
