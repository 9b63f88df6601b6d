"""`Parameters`: what `Network` and `Networks` have in common, arrays named W1, b1, W2 and so on."""

import re
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.contract.passes import Layer
from fastxor.networks.architecture import Activation, Architecture, check_scales
from fastxor.networks.carried import ADAM, VELOCITY

NAME = re.compile(r"([Wb])([1-9]\d*)")
Kind = TypeVar("Kind", bound="Parameters")


class Parameters:
    """The parameters of a network, or of stacked ones, as attributes; ``b1`` may be None."""

    architecture: Architecture
    velocity: tuple[Array, ...] | None
    adam: Array | None
    if TYPE_CHECKING:
        W1: Array
        b1: Array
        W2: Array
        b2: Array
        W3: Array
        b3: Array

    @property
    def arrays(self) -> tuple[Array, ...]:
        """W1, b1, W2, b2 and so on, without those that are None."""
        return tuple([self.__dict__[name] for name in self.architecture.names])

    @property
    def numbers(self) -> Array:
        """(..., size): a copy of W1, b1, ..., WL, bL of each network, one after another."""
        return self.architecture.joined(self.arrays)

    @property
    def carries(self) -> str | None:
        """What an optimizer has carried here, of `networks.carried.KINDS`."""
        if self.adam is not None:
            return ADAM
        return None if self.velocity is None else VELOCITY

    def carried(self, kind: str) -> Array | None:
        """The array of this kind, see `networks.carried`, or None."""
        if kind == VELOCITY and self.velocity is not None:
            return self.architecture.joined(self.velocity)
        return self.adam if kind == ADAM else None

    @property
    def layers(self) -> list[Layer]:
        """Of each layer: W (..., inputs, units), b (..., 1, units) or None, activation, scale."""
        return self.architecture.layers_of(self.arrays)

    @property
    def dtype(self) -> Any:
        """np.float64 or np.float32."""
        return self.W1.dtype.type

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, units of each hidden layer, outputs."""
        return self.architecture.sizes

    @property
    def activation(self) -> Activation:
        """The function of the hidden layers, or one of each if they differ."""
        return self.architecture.activation

    @property
    def output(self) -> str:
        """The function of the outputs."""
        return self.architecture.output

    @property
    def scales(self) -> tuple[float, ...] | None:
        """What the sums of each layer are multiplied with; None for nothing."""
        return self.architecture.scales

    @property
    def facts(self) -> dict[str, object]:
        """What is told of them, by what it is."""
        facts: dict[str, object] = {
            "layers": self.architecture, "dtype": np.dtype(self.dtype),
            "parameters": f"{self.architecture.parameters:,}",
        }  # fmt: skip
        return facts | ({"carries": self.carries} if self.carries else {})

    @property
    def state(self) -> dict[str, Array]:
        """All arrays, by the names that they have in files."""
        state = {name: self.__dict__[name] for name in self.architecture.names}
        velocity = zip(self.architecture.names, self.velocity or (), strict=False)
        state |= {f"velocity_{name}": array for name, array in velocity}
        return state if self.adam is None else state | {"adam": self.adam}

    def _set(self, given: dict[str, Array | None], architecture: Architecture) -> None:
        """Take these arrays as attributes."""
        self.architecture = architecture
        self.__dict__.update(given)

    @classmethod
    def _made(
        cls: type[Kind], arrays: Any, architecture: Architecture, velocity: Any, adam: Any,
        **attributes: Any,
    ) -> Kind:  # fmt: skip
        """One of arrays that are known to be good."""
        made = cls.__new__(cls)
        made.__dict__.update(
            architecture.missing, architecture=architecture,
            velocity=None if velocity is None else tuple(velocity), adam=adam, **attributes,
        )  # fmt: skip
        made.__dict__.update(zip(architecture.names, arrays, strict=True))
        return made


def given_arrays(parameters: tuple[Any, ...], named: dict[str, Any], **how: Any) -> dict[str, Any]:
    """W1, b1, ..., WL, bL as arrays of numbers by name, None where a bias is.

    From ``parameters`` in this order and those given by name. ``how``: see `checks.numbers`.
    """
    given = {f"{'Wb'[k % 2]}{k // 2 + 1}": array for k, array in enumerate(parameters)}
    for name in named:
        if not NAME.fullmatch(name):
            raise TypeError(f"there is no argument {name}")
        if name in given:
            raise TypeError(f"{name} must be given once, got it twice")
    given |= named
    last = max([1, *(int(name[1:]) for name in given)])
    names = [f"{kind}{number}" for number in range(1, last + 1) for kind in "Wb"]
    # a missing bias must be None, so that no array is taken for another
    if len(given) != len(names):
        missing = ", ".join(name for name in names if name not in given)
        raise TypeError(f"parameters must be W1, b1, ..., WL, bL, got none for {missing}")
    return {
        name: None if given[name] is None and name[0] == "b"
        else checks.numbers(name, given[name], **how)
        for name in names
    }  # fmt: skip


def architecture_of(
    given: dict[str, Any], activation: Any, output: Any, scales: Any, dtype: Any
) -> Architecture:
    """The architecture of these arrays, whose last two dimensions are those of a network."""
    names = list(given)
    weights = [given[name].shape for name in names[::2]]
    sizes = (weights[0][-2], *(shape[-1] for shape in weights))
    biases = tuple(given[name] is not None for name in names[1::2])
    scales = check_scales(scales, len(biases), dtype)
    architecture = Architecture.of(sizes, activation, output, biases, scales)
    for name, own in architecture.shapes.items():
        shape = given[name].shape
        if shape[-2:] != own:
            expected = own if len(shape) == 2 else f"(..., {own[0]}, {own[1]})"
            raise ValueError(f"{name} must have shape {expected}, got {shape}")
    return architecture


def common_dtype(given: dict[str, Any]) -> Any:
    """np.float32 if all arrays are of it, else np.float64."""
    kinds = {array.dtype for array in given.values() if array is not None}
    return np.float32 if kinds == {np.dtype(np.float32)} else np.float64


def velocity_given(velocity: Any, architecture: Architecture, **how: Any) -> dict[str, Array]:
    """An array for each parameter, by its name."""
    names = architecture.names
    if not isinstance(velocity, (tuple, list)) or len(velocity) != len(names):
        expected = f"{len(names)} arrays, as {', '.join(names)}"
        raise ValueError(f"velocity must be {expected}, got {velocity!r:.60}")
    return {
        name: checks.numbers(f"velocity {name}", array, **how)
        for name, array in zip(names, velocity, strict=True)
    }
