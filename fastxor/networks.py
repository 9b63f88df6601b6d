"""`Networks`: many networks of one size in stacked arrays."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastxor import checks
from fastxor.checks import Array
from fastxor.generators import with_state
from fastxor.network import PARAMETERS, Network, outputs_of


@dataclass(eq=False, repr=False)
class Networks:
    """Networks of one size, stacked: leading dimensions, then those of a `Network`'s arrays.

    W1 (..., I, H), b1 (..., 1, H), W2 (..., H, O) and b2 (..., 1, O), whose leading dimensions
    are broadcast, in one dtype: float32 if all four are, else float64. ``velocity``: four such
    arrays, what momentum carries on, or None. ``generators`` (..., 6) of uint64: the states of what
    shuffles their samples, or None. ``networks[i, j]`` is a `Network` or, as in NumPy, some
    `Networks`.

    Raises ValueError or TypeError, naming the array, for shapes that do not match and for what
    is no real number.
    """

    W1: Array
    b1: Array
    W2: Array
    b2: Array
    velocity: tuple[Array, ...] | None = field(default=None, kw_only=True)
    generators: Array | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        given = [checks.numbers(n, getattr(self, n), ndim=None, empty=True) for n in PARAMETERS]
        dtype = np.float32 if all(array.dtype == np.float32 for array in given) else np.float64
        for name, array in zip(PARAMETERS, given, strict=True):
            if array.ndim < 2:
                raise ValueError(f"{name} must have 2 or more dimensions, got shape {array.shape}")
        (inputs, hidden), outputs = given[0].shape[-2:], given[2].shape[-1]
        shapes = [(inputs, hidden), (1, hidden), (hidden, outputs), (1, outputs)]
        for name, array, shape in zip(PARAMETERS, given, shapes, strict=True):
            if array.shape[-2:] != shape:
                expected = f"(..., {shape[0]}, {shape[1]})"
                raise ValueError(f"{name} must have shape {expected}, got {array.shape}")
        lead = broadcast({n: a.shape[:-2] for n, a in zip(PARAMETERS, given, strict=True)})
        for name, array, shape in zip(PARAMETERS, given, shapes, strict=True):
            array = array.astype(dtype, copy=False)
            if array.shape != lead + shape:
                array = np.broadcast_to(array, lead + shape)
            setattr(self, name, array)
        if self.velocity is not None:
            given = [checks.numbers("velocity", a, ndim=None, empty=True) for a in self.velocity]
            if [array.shape for array in given] != [array.shape for array in self.arrays]:
                expected = "four arrays with the shapes of W1, b1, W2, b2"
                raise ValueError(f"velocity must be {expected}, got {[a.shape for a in given]}")
            self.velocity = tuple(array.astype(dtype, copy=False) for array in given)
        states = self.generators
        if states is not None and (states.shape != (*lead, 6) or states.dtype != np.uint64):
            expected = f"states of shape {(*lead, 6)} and uint64"
            raise ValueError(f"generators must be {expected}, got {states.shape} of {states.dtype}")

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"<Networks of shape {self.shape}, {sizes}, {np.dtype(self.dtype)}>"

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """W1, b1, W2, b2."""
        return self.W1, self.b1, self.W2, self.b2

    @property
    def dtype(self) -> Any:
        """np.float64 or np.float32."""
        return self.W1.dtype.type

    @property
    def shape(self) -> tuple[int, ...]:
        """The leading dimensions."""
        return self.W1.shape[:-2]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """I, H, O: inputs, hidden units, outputs."""
        return self.W1.shape[-2], self.W1.shape[-1], self.W2.shape[-1]

    def __getitem__(self, index: Any) -> "Network | Networks":
        places = places_of(self.shape)[index]
        return self.take(places) if np.ndim(places) else self.one(places)

    def take(self, places: Any) -> "Networks":
        """A copy of those at ``places``, numbers in C order."""
        return Networks(
            *(taken(array, 2, places) for array in self.arrays),
            velocity=self.velocity and tuple(taken(array, 2, places) for array in self.velocity),
            generators=None if self.generators is None else taken(self.generators, 1, places),
        )

    def one(self, place: int) -> Network:
        """The network at this place."""
        one = self.take(place)
        generator = None if one.generators is None else with_state(one.generators)
        return Network(*one.arrays, velocity=one.velocity, generator=generator)

    def broadcast_to(self, shape: tuple[int, ...]) -> "Networks":
        """These, repeated, in that shape."""

        def repeated(arrays: Any) -> tuple[Array, ...]:
            return tuple(np.broadcast_to(array, shape + array.shape[-2:]) for array in arrays)

        states = self.generators
        return Networks(
            *repeated(self.arrays),
            velocity=None if self.velocity is None else repeated(self.velocity),
            generators=None if states is None else np.broadcast_to(states, (*shape, 6)),
        )

    def predict_proba(self, X: Any) -> Array:
        """The outputs (..., n, O) of each network for the samples X (n, I).

        Errors as `Network.predict_proba`'s; OverflowError also for networks that have not begun.
        """
        flat = tuple(array.reshape(-1, *array.shape[-2:]) for array in self.arrays)
        outputs = outputs_of(flat, X)
        if np.isnan(outputs).any():
            wrong = int(np.argwhere(np.isnan(outputs))[0, 0])
            at = [int(i) for i in np.unravel_index(wrong, self.shape)]
            raise OverflowError(f"network {at} has not begun, or its sums overflow")
        return outputs.reshape(*self.shape, *outputs.shape[1:])

    def predict(self, X: Any) -> Array:
        """The classes (..., n, O), 0 or 1: is the output above 0.5?"""
        return (self.predict_proba(X) > 0.5).astype(int)


def broadcast(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape; raises ValueError that names all if there is none."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes must broadcast against each other, got {given}") from None


def places_of(shape: tuple[int, ...]) -> Array:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


def taken(array: Array, trailing: int, places: Any) -> Any:
    """What is at ``places`` of the leading dimensions, in C order; ``trailing`` ones stay."""
    lead = array.shape[: array.ndim - trailing]
    return array[np.unravel_index(places, lead)] if lead else array[None][places]
