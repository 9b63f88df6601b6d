"""Outputs of networks for samples."""

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.threads import Threads
from fastxor.contract.passes import forward_propagation, layers_of
from fastxor.forks import not_forking
from fastxor.kernels.faster import can_compile, faster
from fastxor.networks.architecture import Architecture

# In samples times parameters: what pays for importing Numba, and for waiting until the kernel is
# compiled; for another thread, 0.1 ms; and what is done between two chances to be interrupted
LARGE, EACH, SLICE = 50_000_000, 250_000, 50_000_000
ROWS = 64  # samples, of which the kernel takes as long for fewer of a large network


@ieee_arithmetic()
def outputs_of(
    arrays: Any, architecture: Architecture, X: Any, threads: int | None = None
) -> Array:
    """The outputs (k, n, O) of k networks, W1 (k, I, H) and so on, for the samples X (n, I).

    By a kernel in at most so many ``threads``, by default the cores; or by NumPy, to the same bits,
    where that is not there and there is too little to do to wait for it.
    """
    (count, inputs, _), T = arrays[0].shape, arrays[0].dtype.type
    X = checks.numbers("X", X)
    if X.shape[1] != inputs:
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    checks.finite("X", X, T)
    threads = checks.threads(threads)
    outputs = np.empty((count, len(X), architecture.sizes[-1]), T)
    work = count * len(X) * architecture.parameters
    if not count:
        return outputs
    better, kernel = faster(_forward_kernel, T) if can_compile() else None, None
    if better:
        kernel = better.make() if work >= LARGE else better.kernel
    if kernel:
        _by_kernel(kernel, arrays, architecture, X, outputs, threads)
        return outputs
    began = time.perf_counter()
    _by_contract(arrays, architecture, X, outputs)
    if better:
        better.worked(time.perf_counter() - began, 0)
    return outputs


@cache
def _kernels() -> Any:
    with not_forking:  # Numba takes half a second to import
        from fastxor.kernels import forward
    return forward


def _forward_kernel(dtype: Any) -> Any:
    return _kernels().forward_kernel(dtype)


def _by_kernel(
    kernel: Any, arrays: Any, architecture: Architecture, X: Array, outputs: Array,
    threads: int | None,
) -> None:  # fmt: skip
    (count, n, _), size = outputs.shape, architecture.parameters
    T: Any = outputs.dtype.type
    numbers, memory = _kernels().forward_numbers(T, architecture.layers)
    parameters = np.concatenate([array.reshape(count, -1) for array in arrays], axis=1).reshape(-1)
    flat = outputs.reshape(-1)

    def run(piece: tuple[int, int, int, int]) -> None:
        *networks, first, last = piece
        # a copy: kernels take no memory that is read only or not aligned
        samples = np.array(X[first:last], T, order="C").reshape(-1)
        kernel.code.run(
            numbers, samples, parameters, flat, np.zeros(memory, T), size, n, *networks, first,
            last - first,
        )  # fmt: skip

    work = count * n * size
    if work < 2 * EACH or (threads := threads or cores()) == 1:
        for piece in _pieces(count, n, size, SLICE):
            run(piece)
        return
    most = min(SLICE, max(EACH, -(-work // threads)))
    with Threads(threads) as pool:
        list(pool.map(run, _pieces(count, n, size, most)))


def _pieces(count: int, n: int, size: int, most: int) -> Iterator[tuple[int, int, int, int]]:
    """Numbers of networks, from and to, and likewise of samples, that are so much work at most, but
    at least `ROWS` samples."""
    networks, rows = max(1, most // (n * size)), max(1, most // size // ROWS) * ROWS
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
