"""Outputs of networks for samples."""

import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic, is_ieee
from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.threads import together
from fastxor.contract.passes import forward_propagation
from fastxor.forks import not_forking
from fastxor.kernels.faster import can_compile, faster
from fastxor.networks.architecture import Architecture

# In units of work, see `Architecture.effort`: what pays for importing Numba, and for waiting until
# the kernel is compiled, a third of a second of NumPy's; for another thread; and what is done
# between two chances to be interrupted
LARGE, PAYS, SLICE = 400_000_000, 6_000_000, 500_000_000
EACH = 200_000  # likewise, what a call takes NumPy
SHARES = 2  # of the work, for each thread
ROWS = 64  # samples, of which the kernel takes as long for fewer of a large network


def outputs_of(
    parameters: Array, architecture: Architecture, X: Any, threads: int | None = None
) -> tuple[Array, bool]:
    """The outputs (k, n, O) of k networks for the samples X (n, I); are they known to be finite?

    ``parameters`` (k, size): W1, b1, ..., WL, bL of each, one after another. By a kernel in at most
    so many ``threads``, by default the cores; or by NumPy, to the same bits, where that is not
    there and there is too little to do to wait for it.
    """
    X = checks.numbers("X", X)
    T: Any = parameters.dtype.type
    if X.shape[1] != (inputs := architecture.sizes[0]):
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    threads = checks.threads(threads)
    outputs = np.empty((len(parameters), len(X), architecture.sizes[-1]), T)
    work = len(parameters) * len(X) * architecture.effort
    better, kernel = _kernel_for(work, T, architecture)
    if kernel and X.dtype.type is T and is_ieee():  # it sees itself whether samples are finite
        sound = _by_kernel(kernel, parameters, architecture, X, outputs, threads)
        if not sound:
            checks.finite("X", X, T)
        return outputs, sound
    checks.finite("X", X, T)
    with ieee_arithmetic():
        began = time.perf_counter()
        way = partial(_by_kernel, kernel) if kernel else _by_contract
        sound = way(parameters, architecture, X, outputs, threads)
        if better:
            better.worked(time.perf_counter() - began, 0)
    return outputs, sound


def outputs_by_network(
    parameters: Array, architecture: Architecture, X: Array, counts: Array
) -> Array:
    """The outputs (n, O) for X (n, I), the first ``counts[0]`` by the first of k networks, and so
    on."""
    if X.shape[1] != (inputs := architecture.sizes[0]):
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    checks.finite("X", X, parameters.dtype.type)
    T, effort = parameters.dtype.type, architecture.effort
    X, firsts = np.ascontiguousarray(X, T), np.cumsum(counts) - counts
    outputs = np.empty((len(X), architecture.sizes[-1]), T)
    _, kernel = _kernel_for(len(X) * effort + len(counts) * EACH, T, architecture)
    large = counts * effort >= (PAYS if kernel and is_ieee() else 0)
    for k in np.flatnonzero(large).tolist():
        rows = slice(firsts[k], firsts[k] + counts[k])
        outputs[rows] = outputs_of(parameters[k : k + 1], architecture, X[rows])[0][0]
    if kernel and not large.all():
        # no more Python for each than a call
        numbers, memory_size = _kernels().forward_numbers(T, architecture.layers)
        memory, run, size = np.zeros(memory_size, T), kernel.code.run, parameters.shape[1]
        weights = np.ascontiguousarray(parameters).ravel()
        made, samples = outputs.ravel(), X.ravel()
        for k in np.flatnonzero(~large).tolist():
            first, own = int(firsts[k]), samples[firsts[k] * inputs :]
            run(numbers, own, weights, made, memory, size, 0, k, k + 1, first, int(counts[k]))
    if not np.isfinite(outputs).all():
        raise OverflowError("a network has not begun, or its sums overflow")
    return outputs


def _kernel_for(work: int, T: Any, architecture: Architecture) -> tuple[Any, Any]:
    """Who makes the kernel, and the kernel itself; None where it is not there."""
    if not can_compile():
        return None, None
    better = faster(_forward_kernel, T, architecture.scales is not None)
    return better, better.make() if work >= LARGE else better.kernel


@cache
def _kernels() -> Any:
    with not_forking:  # Numba takes half a second to import
        from fastxor.kernels import forward
    return forward


def _forward_kernel(dtype: Any, scaled: bool) -> Any:
    return _kernels().forward_kernel(dtype, scaled)


def _by_kernel(
    kernel: Any, parameters: Array, architecture: Architecture, X: Array, outputs: Array,
    threads: int | None,
) -> bool:  # fmt: skip
    """Are samples and outputs finite?"""
    (count, n, _), (_, size) = outputs.shape, parameters.shape
    T: Any = outputs.dtype.type
    numbers, memory_size = _kernels().forward_numbers(T, architecture.layers)
    weights, made, found = parameters.reshape(-1), outputs.reshape(-1), []
    # not read only, aligned and of this machine's order of bytes: or it is copied
    is_plain = X.dtype.type is T and X.dtype.isnative and X.flags.carray

    def run(piece: tuple[int, int, int, int]) -> None:
        one, other, first, last = piece
        samples, memory = X[first:last], np.zeros(memory_size, T)
        if not is_plain:
            samples = np.array(samples, T, order="C")
        kernel.code.run(
            numbers, samples.reshape(-1), weights, made, memory, size, n, one, other, first,
            last - first,
        )  # fmt: skip
        found.append(memory[-1] == memory[-2] == 0)

    work, most = count * n * architecture.effort * outputs.itemsize // 8, SLICE
    threads = 1 if work < PAYS else threads or cores()
    if threads > 1:
        most = min(SLICE, -(-work // (SHARES * threads)))
    if work <= most:
        run((0, count, 0, n))
    else:
        together(run, [*_pieces(count, n, architecture.effort, most)], threads)
    return all(found)


def _pieces(count: int, n: int, effort: int, most: int) -> Iterator[tuple[int, int, int, int]]:
    """Numbers of networks, from and to, and likewise of samples, that are so much work at most, but
    at least `ROWS` samples."""
    networks, rows = max(1, most // (n * effort)), max(1, most // effort // ROWS) * ROWS
    for first in range(0, count, networks):
        for start in range(0, n, rows):
            yield first, min(first + networks, count), start, min(start + rows, n)


def _by_contract(
    parameters: Array, architecture: Architecture, X: Array, outputs: Array, threads: object = None
) -> bool:
    """Likewise, but that is not known; ``threads``: it has one."""
    count, n, _ = outputs.shape
    rows = min(n, 4096)
    networks = max(1, 1_000_000 // (rows * max(architecture.sizes[1:])))
    # neither samples nor networks see the others: some at a time take little memory
    for first in range(0, count, networks):
        some = slice(first, first + networks)
        arrays = architecture.cut(parameters[some])
        layers = architecture.layers_of(arrays)
        for start in range(0, n, rows):
            samples = X[start : start + rows].astype(outputs.dtype)
            activations, _ = forward_propagation(samples, layers)
            outputs[some, start : start + rows] = activations[-1]
    return False


def classes_of(outputs: Array, output: str) -> Array:
    """What networks with these outputs (..., O) say, see `Network.predict`."""
    if output == "sigmoid":
        return (outputs > 0.5).astype(int)
    if output == "softmax":
        classes: Array = np.eye(outputs.shape[-1], dtype=int)[outputs.argmax(axis=-1)]
        return classes
    return outputs
