"""Outputs of networks for samples."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.contract.passes import forward_propagation, layers_of
from fastxor.forks import not_forking
from fastxor.networks.architecture import Architecture

# In samples times parameters: what pays for importing Numba where nobody has, half a second; for
# another thread, 0.1 ms; and what is done between two chances to be interrupted, about 0.1 s.
LARGE, EACH, SLICE = 50_000_000, 250_000, 50_000_000


@ieee_arithmetic()
def outputs_of(arrays: Any, architecture: Architecture, X: Any) -> Array:
    """The outputs (k, n, O) of k networks, W1 (k, I, H) and so on, for the samples X (n, I).

    By the kernel, or where Numba is not imported by NumPy, to the same bits.
    """
    (count, inputs, _), T = arrays[0].shape, arrays[0].dtype.type
    X = checks.numbers("X", X)
    if X.shape[1] != inputs:
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    checks.finite("X", X, T)
    outputs = np.empty((count, len(X), architecture.sizes[-1]), T)
    large = count * len(X) * architecture.parameters >= LARGE
    if not count:
        return outputs
    if "fastxor.kernels.compiling" in sys.modules or (
        large and "NUMBA_DISABLE_JIT" not in os.environ
    ):
        _by_kernel(arrays, architecture, X, outputs)
    else:
        _by_contract(arrays, architecture, X, outputs)
    return outputs


@cache
def _forward_kernel() -> Any:
    with not_forking:
        from fastxor.kernels.forward import forward_kernel
    return forward_kernel


def _by_kernel(arrays: Any, architecture: Architecture, X: Array, outputs: Array) -> None:
    (count, n, _), size = outputs.shape, architecture.parameters
    T: Any = outputs.dtype.type
    kernel = _forward_kernel()(T, architecture.layers)
    parameters = np.concatenate([array.reshape(count, -1) for array in arrays], axis=1).reshape(-1)
    samples, flat = np.ascontiguousarray(X, T).reshape(-1), outputs.reshape(-1)

    def run(piece: tuple[int, int, int, int]) -> None:
        memory = np.zeros(kernel.work, T)
        kernel.code.run(kernel.numbers, samples, parameters, flat, memory, size, n, *piece)

    work = count * n * size
    if work < 2 * EACH or (threads := cores()) == 1:
        for piece in _pieces(count, n, size, SLICE):
            run(piece)
        return
    most = min(SLICE, max(EACH, -(-work // threads)))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, _pieces(count, n, size, most)))


def _pieces(count: int, n: int, size: int, most: int) -> Iterator[tuple[int, int, int, int]]:
    """Numbers of networks, from and to, and likewise of samples, that are so much work at most, but
    at least a sample."""
    networks, rows = max(1, most // (n * size)), max(1, most // size)
    for first in range(0, count, networks):
        for start in range(0, n, rows):
            yield first, min(first + networks, count), start, min(start + rows, n)


def _by_contract(arrays: Any, architecture: Architecture, X: Array, outputs: Array) -> None:
    count, n, _ = outputs.shape
    rows = min(n, 4096)
    networks = max(1, 1_000_000 // (rows * max(architecture.sizes[1:])))
    # neither samples nor networks see the others: some at a time take little memory
    for first in range(0, count, networks):
        some = slice(first, first + networks)
        layers = layers_of(
            (array[some] for array in arrays), architecture.biases, architecture.activations
        )
        for start in range(0, n, rows):
            samples = X[start : start + rows].astype(outputs.dtype)
            activations, _ = forward_propagation(samples, layers)
            outputs[some, start : start + rows] = activations[-1]


def classes_of(outputs: Array, output: str) -> Array:
    """What networks with these outputs (..., O) say, see `Network.predict`."""
    if output == "sigmoid":
        return (outputs > 0.5).astype(int)
    if output == "softmax":
        classes: Array = np.eye(outputs.shape[-1], dtype=int)[outputs.argmax(axis=-1)]
        return classes
    return outputs
