"""`Architecture`: what networks are made of, but for the numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import prod
from typing import Any, TypeAlias

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.contract.functions import ACTIVATIONS
from fastxor.contract.passes import Layer, layers_of

HIDDEN = tuple(ACTIVATIONS)
OUTPUTS = ("sigmoid", "identity", "tanh", "softmax")
Activation: TypeAlias = str | tuple[str, ...]  # one for all hidden layers, or one each


@dataclass(frozen=True)
class Architecture:
    """The sizes of a network, the functions and scales of its layers, which of them have biases."""

    sizes: tuple[int, ...]
    """Inputs, units of each hidden layer, outputs."""
    activations: tuple[str, ...]
    """Of each layer; the last are the outputs."""
    biases: tuple[bool, ...]
    """Has the layer biases?"""
    factors: tuple[float, ...]
    """What sums are multiplied with before the function of the layer; 1 without scales."""

    @classmethod
    def of(
        cls,
        sizes: tuple[int, ...],
        activation: Any = "sigmoid",
        output: Any = "sigmoid",
        bias: bool | tuple[bool, ...] = True,
        scales: Any = None,
    ) -> "Architecture":
        """With one bool for all layers or one each, and checked, but for sizes and bools.

        Raises TypeError or ValueError that names the argument.
        """
        hidden = check_activation(activation, len(sizes) - 2)
        output = checks.choice("output", output, OUTPUTS)
        if output == "softmax" and sizes[-1] < 2:
            raise ValueError("output must not be 'softmax' of a single output: it is always 1")
        biases = bias if isinstance(bias, tuple) else (bias,) * (len(sizes) - 1)
        factors = check_scales(scales, len(sizes) - 1) or (1.0,) * (len(sizes) - 1)
        return _shared(sizes, (*hidden, output), biases, factors)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Of each array of parameters, by name: W1, b1, W2 and so on."""
        shapes = {}
        for number, (inputs, units, _, has_bias, _) in enumerate(self.layers, 1):
            shapes[f"W{number}"] = inputs, units
            if has_bias:
                shapes[f"b{number}"] = 1, units
        return shapes

    @cached_property
    def layers(self) -> tuple[tuple[int, int, str, bool, float], ...]:
        """Inputs, units, function of each layer, has it biases, and its scale."""
        each = self.sizes[:-1], self.sizes[1:], self.activations, self.biases, self.factors
        return tuple(zip(*each, strict=True))

    def layers_of(self, arrays: Iterable[Any]) -> list[Layer]:
        """The layers of ``arrays`` in the order of ``names``."""
        return layers_of(arrays, self.biases, self.activations, self.factors)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the arrays of parameters, in order."""
        return tuple(self.shapes)

    @cached_property
    def missing(self) -> dict[str, None]:
        """The biases that are not there."""
        return {f"b{number}": None for number, bias in enumerate(self.biases, 1) if not bias}

    @cached_property
    def parameters(self) -> int:
        """How many numbers they are."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def effort(self) -> int:
        """What a prediction takes for a sample, in some 0.07 ns of the general kernel.

        An activation takes as long as some sixteen weights.
        """
        return self.parameters + 16 * sum(self.sizes[1:]) + 32

    @cached_property
    def _cuts(self) -> tuple[tuple[Any, tuple[int, int]], ...]:
        ends = [*accumulate(map(prod, self.shapes.values()), initial=0)]
        return tuple(zip(map(slice, ends, ends[1:]), self.shapes.values(), strict=True))

    @cached_property
    def are_weights(self) -> Array:
        """(parameters,): which of W1, b1, ..., WL, bL are weights, and not biases."""
        counts = map(prod, self.shapes.values())
        return np.repeat([name[0] == "W" for name in self.names], list(counts))

    @cached_property
    def layer_of(self) -> Array:
        """(parameters,): the layer, from 0, of each of W1, b1, ..., WL, bL."""
        counts = map(prod, self.shapes.values())
        return np.repeat([int(name[1:]) - 1 for name in self.names], list(counts))

    def joined(self, arrays: Any) -> Array:
        """``numbers`` (..., parameters), a copy of W1, b1 and so on, one after another."""
        if arrays[0].ndim == 2:  # in half the time
            return np.concatenate([array.ravel() for array in arrays])
        lead = arrays[0].shape[:-2]
        flat = [
            a.reshape(*lead, prod(own)) for a, own in zip(arrays, self.shapes.values(), strict=True)
        ]
        return np.concatenate(flat, axis=-1)

    def cut(self, numbers: Array) -> list[Array]:
        """The arrays W1, b1 and so on in ``numbers`` (..., parameters), one after another."""
        if numbers.ndim == 1:  # in half the time
            return [numbers[own].reshape(shape) for own, shape in self._cuts]
        lead = numbers.shape[:-1]
        return [numbers[..., own].reshape(lead + shape) for own, shape in self._cuts]

    def arguments(self, arrays: Iterable[Any]) -> dict[str, Any]:
        """What `Network` and `Networks` are called with, for arrays in the order of ``names``."""
        return self.missing | dict(zip(self.names, arrays, strict=True)) | {
            "activation": self.activations[:-1], "output": self.output, "scales": self.scales,
        }  # fmt: skip

    @property
    def hidden_size(self) -> int | tuple[int, ...]:
        """Of the hidden layer, or of each if there is not one."""
        return self.sizes[1] if len(self.sizes) == 3 else self.sizes[1:-1]

    @property
    def activation(self) -> Activation:
        """Of the hidden layers: one name if they have one."""
        return short(self.activations[:-1])

    @property
    def bias(self) -> bool | tuple[bool, ...]:
        """Have the layers biases? A tuple of one each if they differ."""
        return self.biases[0] if len(set(self.biases)) == 1 else self.biases

    @property
    def output(self) -> str:
        return self.activations[-1]

    @property
    def scales(self) -> tuple[float, ...] | None:
        """Of the layers; None if all are 1."""
        return self.factors if set(self.factors) != {1.0} else None

    def __str__(self) -> str:
        text = "-".join(map(str, self.sizes))
        words = list(dict.fromkeys(self.activations))
        if len(words) > 2:
            words = list(self.activations)
        text += " " + "-".join(words)
        if self.scales:
            text += f" scaled by {', '.join(f'{scale:.12g}' for scale in self.scales)}"
        return text if all(self.biases) else f"{text} without biases"


@lru_cache(1024)
def _shared(sizes: Any, activations: Any, biases: Any, factors: Any) -> Architecture:
    """The same object again, which has worked out its shapes and names."""
    return Architecture(sizes, activations, biases, factors)


def check_activation(value: Any, layers: int) -> tuple[str, ...]:
    """The functions of so many hidden layers, from one name or one for each."""
    if not isinstance(value, (tuple, list)):
        return (checks.choice("activation", value, HIDDEN),) * layers
    if len(value) != layers:
        expected = f"a name, or one for each of {layers} hidden layers"
        raise ValueError(f"activation must be {expected}, got {len(value)}: {value!r:.60}")
    return tuple(checks.choice("activation", name, HIDDEN) for name in value)


def check_scales(value: Any, layers: int, dtype: Any = np.float64) -> tuple[float, ...] | None:
    """The scales of so many layers, above 0 in the dtype; None if all are 1."""
    if value is None:
        return None
    expected = f"a tuple of {layers} numbers, one for each layer"
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"scales must be {expected}, got {value!r:.60}")
    if len(value) != layers:
        raise ValueError(f"scales must be {expected}, got {len(value)}: {value!r:.60}")
    scales = tuple(checks.real(f"scales[{i}]", each, dtype) for i, each in enumerate(value))
    for i, scale in enumerate(scales):
        if not dtype(scale) > 0:
            raise ValueError(f"scales[{i}] must be above 0 in {np.dtype(dtype)}, got {scale}")
    return None if set(scales) == {1.0} else scales


def check_hidden_size(value: Any) -> tuple[int, ...]:
    """The units of each hidden layer, from an integer or a tuple of them."""
    if isinstance(value, (tuple, list)):
        return tuple(
            checks.integer(f"hidden_size[{i}]", size, low=1, high=2**31 - 1)
            for i, size in enumerate(value)
        )
    try:
        return (checks.integer("hidden_size", value, low=1, high=2**31 - 1),)
    except TypeError:
        expected = "an integer of at least 1, or a tuple of them"
        raise TypeError(f"hidden_size must be {expected}, got {value!r:.60}") from None


def short(activations: tuple[str, ...]) -> Activation:
    """One name if all are the same; that of the tutorial if there are none."""
    if not activations:
        return "sigmoid"
    return activations[0] if len(set(activations)) == 1 else activations
