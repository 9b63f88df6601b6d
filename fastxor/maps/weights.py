"""The starting weights of a map: W1, b1, W2, b2 and so on, None in place of missing biases."""

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture, check_hidden_size
from fastxor.networks.starting import INITS, starting_network
from fastxor.runs.samples import check_data

Weights: TypeAlias = tuple[Array | None, ...]


def starting_weights(call: dict[str, Any]) -> Weights:
    """W1 and so on as `train_many` would have them, stacked where seed or range varies."""
    X, y = check_data(call["X"], call["y"], np.float64)
    given = {name: value for name, value in call.items() if value is not None}
    sizes = (X.shape[1], *check_hidden_size(given.get("hidden_size", 2)), y.shape[1])
    architecture = Architecture.of(sizes, bias=checks.boolean("bias", given.get("bias", True)))
    seeds = checks.integers("seed", given.get("seed", 42), low=0, high=2**32 - 1)
    init = checks.choice("init", given.get("init", "randn"), INITS)
    ranges: Any = None
    if "init_range" in given:
        ranges = checks.reals("init_range", given["init_range"], np.float64, low=0)
    elif init == "uniform":
        raise ValueError("init_range must be a number with init='uniform', got None")
    seeds, ranges = np.broadcast_arrays(seeds, ranges)
    networks = [
        starting_network(int(seed), architecture, np.float64, init, width)
        for seed, width in zip(seeds.flat, ranges.flat, strict=True)
    ]
    stacks = (np.stack(arrays) for arrays in zip(*(n.arrays for n in networks), strict=True))
    found = [stack.reshape(seeds.shape + stack.shape[1:]) for stack in stacks]
    return tuple(found) if all(architecture.biases) else _with_none(found)


def by_unit(numbers: Any, sizes: tuple[int, ...], bias: bool = True) -> Weights:
    """W1 (I, H1), b1 (1, H1) and so on from numbers in the order of the units.

    For each unit of the first layer its I weights and its bias, then for each unit of the second
    and so on, up to the outputs. ``bias=False``: weights only, and None in place of biases. Raises
    ValueError for another number of them.
    """
    array = np.asarray(numbers, np.float64)
    count = sum((inputs + bias) * units for inputs, units in pairwise(sizes))
    if array.shape != (count,):
        network = "-".join(map(str, sizes)) + ("" if bias else " without biases")
        raise ValueError(
            f"weights must be {count} numbers for a network {network}, got {array.size}"
        )
    parts: list[Array] = []
    for inputs, units in pairwise(sizes):
        own, array = np.split(array, [(inputs + bias) * units])
        own = own.reshape(units, inputs + bias)
        parts.append(np.ascontiguousarray(own[:, :inputs].T))
        if bias:
            parts.append(own[:, inputs][None].copy())
    return tuple(parts) if bias else _with_none(parts)


def _with_none(arrays: list[Array]) -> Weights:
    """W1, None, W2, None and so on."""
    return tuple(each for array in arrays for each in (array, None))


def shown(weights: list[Array | None]) -> str:
    """2-2-1, of the network with these."""
    layers = [array for array in weights[::2] if array is not None]
    text = "-".join(str(size) for size in (layers[0].shape[-2], *(a.shape[-1] for a in layers)))
    return text if all(b is not None for b in weights[1::2]) else f"{text} without biases"
