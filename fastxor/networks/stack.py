"""`Networks`: many networks of one architecture in stacked arrays."""

import math
import re
from functools import cache
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.generators import with_state
from fastxor.common.html import table
from fastxor.networks.architecture import Architecture
from fastxor.networks.carried import check_adam
from fastxor.networks.network import Network
from fastxor.networks.parameters import (
    Parameters,
    architecture_of,
    common_dtype,
    given_arrays,
    velocity_given,
)
from fastxor.networks.predictions import classes_of, outputs_of

OWN = {
    "losses": 1, "generators": 1, "adam": 1, "snapshot_parameters": 2, "validation_losses": 1,
    "best_parameters": 1, "final_loss": 0, "epochs_done": 0, "diverged_at": 0, "solved_at": 0,
    "reductions": 1, "layer_rates": 1,
}  # fmt: skip
PARAMETER = re.compile(r"(velocity_)?[Wb]\d+")


class Networks(Parameters):
    """Networks of one architecture, stacked: leading dimensions, then those of a `Network`.

    W1 (..., I, H1), b1 (..., 1, H1) or None, W2 and so on, whose leading dimensions are broadcast,
    in one dtype: float32 if all are, else float64. ``activation``, ``output``, ``scales``: as in
    `Network`. ``velocity``: arrays like ``arrays``, what momentum carries on, or None. ``adam``
    (..., 2 * parameters + 2): what Adam carries on, as in `Network`, or None. ``generators`` (...,
    6) of uint64: the states of what shuffles their samples, or None. ``networks[i, j]`` is a
    `Network` or, as in NumPy, some `Networks`.

    Raises ValueError or TypeError, naming the array, for shapes that do not match and for what
    is no real number.
    """

    generators: Array | None

    def __init__(
        self,
        *parameters: Any,
        activation: Any = "sigmoid",
        output: str = "sigmoid",
        scales: Any = None,
        velocity: Any = None,
        adam: Any = None,
        generators: Array | None = None,
        **named: Any,
    ) -> None:
        given = given_arrays(parameters, named, ndim=None, empty=True)
        for name, array in given.items():
            if array is not None and array.ndim < 2:
                raise ValueError(f"{name} must have 2 or more dimensions, got shape {array.shape}")
        dtype = common_dtype(given)
        architecture = architecture_of(given, activation, output, scales, dtype)
        lead = broadcast({n: a.shape[:-2] for n, a in given.items() if a is not None})
        for name, own in architecture.shapes.items():
            array = given[name].astype(dtype, copy=False)
            given[name] = array if array.shape == lead + own else np.broadcast_to(array, lead + own)
        self._set(given, architecture)
        self.velocity = None
        if velocity is not None:
            others = velocity_given(velocity, architecture, ndim=None, empty=True)
            for name, array in others.items():
                if array.shape != given[name].shape:
                    expected = f"the shape {given[name].shape} of {name}"
                    raise ValueError(f"velocity {name} must have {expected}, got {array.shape}")
            self.velocity = tuple([a.astype(dtype, copy=False) for a in others.values()])
        self.adam = None
        if adam is not None:
            self.adam = check_adam(adam, lead, architecture, dtype, ndim=None, empty=True)
        self.generators = states = generators
        if states is not None and (states.shape != (*lead, 6) or states.dtype != np.uint64):
            expected = f"states of shape {(*lead, 6)} and uint64"
            raise ValueError(f"generators must be {expected}, got {states.shape} of {states.dtype}")

    def __repr__(self) -> str:
        return f"<Networks of shape {self.shape}, {self.architecture}, {np.dtype(self.dtype)}>"

    def _repr_html_(self) -> str:
        return table("Networks", {"shape": self.shape} | self.facts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The leading dimensions."""
        return self.W1.shape[:-2]

    @classmethod
    def of(
        cls,
        arrays: Any,
        architecture: Architecture,
        velocity: Any = None,
        adam: Array | None = None,
        generators: Array | None = None,
    ) -> "Networks":
        """Networks of ``arrays`` in the order of ``arrays``, without None for missing biases.

        All are known to be good, of one dtype and the same leading dimensions: nothing is checked
        or copied.
        """
        return cls._made(arrays, architecture, velocity, adam, generators=generators)

    @classmethod
    def of_state(cls, state: dict[str, Array], architecture: Architecture) -> "Networks":
        """Likewise of these arrays, see `state`; what else is there is not looked at."""
        names = architecture.names
        velocity = [state[f"velocity_{n}"] for n in names if f"velocity_{n}" in state]
        arrays = [state[name] for name in names]
        others = state.get("adam"), state.get("generators")
        return cls.of(arrays, architecture, velocity or None, *others)

    @property
    def state(self) -> dict[str, Array]:
        """All arrays, by the names that they have in files."""
        state = super().state
        return state if self.generators is None else state | {"generators": self.generators}

    def _each(self, change: Any) -> "Networks":
        """Networks of ``change(name, array)`` of each array."""
        state = {name: change(name, array) for name, array in self.state.items()}
        return Networks.of_state(state, self.architecture)

    def __getitem__(self, index: Any) -> Any:
        """A `Network` where ``index`` chooses one, else a copy of those `Networks`."""
        places = places_at(self.shape, index)
        return self.take(places) if isinstance(places, np.ndarray) else self.one(places)

    def take(self, places: Any) -> "Networks":
        """A copy of those at ``places``, numbers in C order."""
        return self._each(lambda name, array: taken(array, own_dimensions(name), places))

    def one(self, place: int) -> Network:
        """The network at this place."""
        one = self.take(place)
        arrays, velocity = (
            [a.copy() for a in of] if of else None for of in (one.arrays, one.velocity)
        )
        adam = None if one.adam is None else one.adam.copy()
        generator = None if one.generators is None else with_state(one.generators)
        return Network.of(arrays, self.architecture, velocity, adam, generator)

    def broadcast_to(self, shape: tuple[int, ...]) -> "Networks":
        """These, repeated, in that shape."""
        return self._each(lambda name, array: spread(name, array, shape))

    def predict_proba(self, X: Any, threads: int | None = None) -> Array:
        """The outputs (..., n, O) of each network for the samples X (n, I).

        ``threads`` and errors as in `Network.predict_proba`; OverflowError also for networks that
        have not begun.
        """
        rows = self.numbers.reshape(math.prod(self.shape), self.architecture.parameters)
        outputs, finite = outputs_of(rows, self.architecture, X, threads)
        if not finite and np.isnan(outputs).any():
            wrong = int(np.argwhere(np.isnan(outputs))[0, 0])
            at = [int(i) for i in np.unravel_index(wrong, self.shape)]
            raise OverflowError(f"network {at} has not begun, or its sums overflow")
        return outputs.reshape(*self.shape, *outputs.shape[1:])

    def predict(self, X: Any, threads: int | None = None) -> Array:
        """What each network says (..., n, O), as `Network.predict`."""
        return classes_of(self.predict_proba(X, threads), self.output)


@cache
def own_dimensions(name: str) -> int:
    """How many dimensions of an array of this name are a network's own: the last ones."""
    return OWN[name] if name in OWN else 2 * bool(PARAMETER.fullmatch(name))


def spread(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """An array of this name, of networks in that shape."""
    return np.broadcast_to(array, shape + array.shape[array.ndim - own_dimensions(name) :])


def has_any(values: Any) -> bool:
    """Is a number, or one of an array, not zero?"""
    return bool(values != 0 if isinstance(values, float) else np.any(compact(values)))


def broadcast(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape; raises ValueError that names all if there is none."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"shapes must broadcast against each other, got {given}") from None


def places_at(shape: tuple[int, ...], index: Any) -> Any:
    """The places, numbers in C order, that ``index`` chooses from an array of that shape."""
    first, *others = index if isinstance(index, tuple) and index else (index,)
    simple = {type(each) for each in (first, *others)} <= {int, slice, type(...)}
    if shape and simple and first is not ...:
        # not all places, of which there may be more than there is memory for
        rows, inner = range(shape[0])[first], np.arange(math.prod(shape[1:])).reshape(shape[1:])
        each = np.asarray(rows, np.intp)
        places = each.reshape(each.shape + (1,) * inner.ndim) * inner.size + inner
        return places[(slice(None),) * each.ndim + tuple(others)]
    return np.arange(math.prod(shape)).reshape(shape)[index]


def taken(array: Array, trailing: int, places: Any) -> Any:
    """What is at ``places`` of the leading dimensions, in C order; ``trailing`` ones stay."""
    lead = array.shape[: array.ndim - trailing]
    if len(lead) == 1:
        return array[places]
    return array[np.unravel_index(places, lead)] if lead else np.asarray(array)[None][places]


def compact(array: Any) -> Any:
    """A broadcast array without its repetitions."""
    array = np.asarray(array)
    index = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return array[index]
