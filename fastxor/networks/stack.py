"""`Networks`: many networks of one size in stacked arrays."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.common.generators import with_state
from fastxor.networks.network import PARAMETERS, Network
from fastxor.networks.predictions import outputs_of

VELOCITY = tuple(f"velocity_{name}" for name in PARAMETERS)


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

    @classmethod
    def of_state(cls, state: dict[str, Array]) -> "Networks":
        """Networks of these arrays, see `state`; what else is there is not looked at."""
        velocity = tuple(state[name] for name in VELOCITY if name in state)
        return cls(
            *(state[name] for name in PARAMETERS), velocity=velocity or None,
            generators=state.get("generators"),
        )  # fmt: skip

    @property
    def state(self) -> dict[str, Array]:
        """All arrays, by the names that they have in files."""
        state = dict(zip(PARAMETERS, self.arrays, strict=True))
        state |= dict(zip(VELOCITY, self.velocity or (), strict=False))
        return state if self.generators is None else state | {"generators": self.generators}

    def __getitem__(self, index: Any) -> "Network | Networks":
        places = places_at(self.shape, index)
        return self.take(places) if isinstance(places, np.ndarray) else self.one(places)

    def take(self, places: Any) -> "Networks":
        """A copy of those at ``places``, numbers in C order."""
        return Networks.of_state(
            {n: taken(a, own_dimensions(n), places) for n, a in self.state.items()}
        )

    def one(self, place: int) -> Network:
        """The network at this place."""
        one = self.take(place)
        generator = None if one.generators is None else with_state(one.generators)
        return Network(*one.arrays, velocity=one.velocity, generator=generator)

    def broadcast_to(self, shape: tuple[int, ...]) -> "Networks":
        """These, repeated, in that shape."""
        return Networks.of_state({
            name: np.broadcast_to(array, shape + array.shape[-own_dimensions(name) :])
            for name, array in self.state.items()
        })  # fmt: skip

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


def own_dimensions(name: str) -> int:
    """How many dimensions of an array of this name are a network's own: the last ones."""
    return {"losses": 1, "generators": 1}.get(name, 2 * (name in PARAMETERS + VELOCITY))


def broadcast(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape; raises ValueError that names all if there is none."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes must broadcast against each other, got {given}") from None


def places_at(shape: tuple[int, ...], index: Any) -> Any:
    """The places, numbers in C order, that ``index`` chooses from an array of that shape."""
    first, *others = index if isinstance(index, tuple) and index else (index,)
    simple = {type(each) for each in (first, *others)} <= {int, slice, type(...)}
    if shape and simple and first is not ...:
        # not all places, of which there may be more than there is memory for
        rows, inner = range(shape[0])[first], np.arange(math.prod(shape[1:])).reshape(shape[1:])
        each = np.asarray(rows)
        places = each.reshape(each.shape + (1,) * inner.ndim) * inner.size + inner
        return places[(slice(None),) * each.ndim + tuple(others)]
    return np.arange(math.prod(shape)).reshape(shape)[index]


def taken(array: Array, trailing: int, places: Any) -> Any:
    """What is at ``places`` of the leading dimensions, in C order; ``trailing`` ones stay."""
    lead = array.shape[: array.ndim - trailing]
    return array[np.unravel_index(places, lead)] if lead else array[None][places]


def compact(array: Any) -> Any:
    """A broadcast array without its repetitions."""
    array = np.asarray(array)
    index = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return array[index]
