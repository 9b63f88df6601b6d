"""The fused kernels: forward pass, loss, backpropagation and update in one jitted loop.

Each is compiled for one network size and dtype, follows the contract in `reference` to
the last bit, and only computes: `training` validates, slices and reports. Two of them:

* `_small_batch`, for up to 8 samples: a vector holds the samples of several hidden units
  side by side, and the weights stay in registers, spread over the lanes of their unit.
* `_tiled_batch`, for any number: tiles of samples go through the network breadth first
  (all hidden units, all outputs, all gradients). Depth first is four times slower: the
  reorder buffer fills with one dependency chain.

A call trains for some chunks of samples; all state lies in its arrays, for the next call.
`parameters` and `velocity` are vectors: W1 row by row (I, H), b1 (H), W2 column by column
(O, H), b2 (O). `X` is (I, N) and `y` (O, N), flattened, N being n rounded up to a multiple
of `Kernel.width`, with zeros for the samples beyond n. `position` is [epochs done, chunks
done of the next epoch]; `totals` are the sums over its samples so far.
"""

import itertools
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from fastxor.compiling import OPTIONS, Kernel, compiled
from fastxor.lanes import (
    accumulate,
    fold,
    keep_first,
    lane,
    load,
    scratch,
    scratch_size,
    spread,
    store,
)
from fastxor.sigmoid import sigmoid

LANES = 8  # of a sum over samples, whatever the machine (contract, 4)
BLOCK = 1024  # samples summed in lanes before the total is added up (contract, 4)
WIDEST = 32  # samples in one value: enough independent work for any machine's pipes
SPREAD_BYTES = 256 * 1024  # a small batch keeps up to this much of spread weights
TILE_BYTES = 32 * 1024  # activations of a tile, about an L1 cache


def kernel_for(dtype: Any, I: int, H: int, O: int, n: int, momentum: bool) -> Kernel:
    """The kernel for I-H-O networks of float64 or float32, and n samples a batch.

    Compiled on first use (half a second to a second) or loaded from Numba's cache on disk
    (ten milliseconds); where no folder for the cache can be written, compiled each time.
    """
    itemsize = np.dtype(dtype).itemsize
    size = (I + 1) * H + (H + 1) * O
    if n <= LANES and size * LANES * itemsize <= SPREAD_BYTES:
        return _small_batch(dtype, I, H, O, n, momentum)
    width = next((width for width in (8, 16) if n <= width), WIDEST)
    fitting = TILE_BYTES // ((H + O) * itemsize)
    tile = next((tile for tile in (128, 64) if tile <= fitting), WIDEST)
    return _tiled_batch(dtype, I, H, O, width, tile, momentum)


def _offsets(sizes: list[int], dtype: Any) -> list[int]:
    """Where in ``work`` each `scratch` begins, and at last the size of ``work``."""
    taken = (scratch_size(size, np.dtype(dtype).itemsize) for size in sizes)
    return list(itertools.accumulate(taken, initial=0))


@njit(forceinline=True, **OPTIONS)
def _descend(weights, velocity, at, gradient, learning_rate, momentum, has_momentum):
    """One step of gradient descent on the weights from ``at`` on (contract, 6)."""
    step = learning_rate * gradient
    if has_momentum:
        step = momentum * load(velocity, at, gradient) + step
        store(velocity, at, step)
    store(weights, at, load(weights, at, gradient) - step)


@cache
def _small_batch(dtype, I, H, O, n, has_momentum):
    """All samples in one value, beside them those of further hidden units."""
    lanes = 4 if n <= 4 else LANES  # of 4 samples, the other four lanes stay empty
    # 16 lanes of float64 are two registers of AVX-512, four of AVX2
    units = next(units for units in (1, 2, 4) if units >= H or units * lanes == 16)
    # hidden units with padding, whose lanes nobody reads: 9 units take 65 to 75 % of the time
    # that they take one by one
    P = -(-H // units) * units
    rows = I + 1 + O  # of W1, b1 and W2
    B1, W2, B2 = I * P, (I + 1) * P, rows * P
    size = B2 + O
    wide = units * lanes
    sizes = [size * lanes, size * lanes, I * wide, P * lanes, O * wide]
    w_size, v_size, x_size, a_size, d_size = sizes
    w_at, v_at, x_at, a_at, d_at, work_size = _offsets(sizes, dtype)

    def kernel(
        X, y, _n, parameters, velocity, totals, work, losses, position,
        learning_rate, momentum, chunks,
    ):  # fmt: skip
        w = scratch(work, w_at, w_size)  # each weight in `lanes` lanes
        v = scratch(work, v_at, v_size)
        x = scratch(work, x_at, x_size)  # each input once for each of the `units`
        a = scratch(work, a_at, a_size)
        d = scratch(work, d_at, d_size)
        for j in range(size):
            store(w, j * lanes, spread(dtype(0), lanes))
            store(v, j * lanes, spread(dtype(0), lanes))
        for r in range(rows + 1):
            for h in range(H if r < rows else O):
                store(w, (r * P + h) * lanes, spread(parameters[r * H + h], lanes))
                store(v, (r * P + h) * lanes, spread(velocity[r * H + h], lanes))
        for i in range(I):
            store(x, i * wide, spread(load(X, i * lanes, lanes), wide))
        first = position[0]
        for epoch in range(first, first + chunks):
            for h in range(0, H, units):
                z = load(w, (B1 + h) * lanes, wide)
                for i in range(I):
                    z = z + load(x, i * wide, wide) * load(w, (i * P + h) * lanes, wide)
                store(a, h * lanes, sigmoid(z, True))
            loss = dtype(0)
            for o in range(O):
                z = load(w, (B2 + o) * lanes, lanes)
                for h in range(H):
                    z = z + load(a, h * lanes, lanes) * load(w, (W2 + o * P + h) * lanes, lanes)
                output = sigmoid(z, True)
                error = keep_first(output - load(y, o * lanes, lanes), n)
                loss += lane(fold(error * error, lanes), 0)
                delta = error * (output * (1 - output))
                store(d, o * wide, spread(delta, wide))
                gradient = fold(delta, lanes)
                _descend(w, v, (B2 + o) * lanes, gradient, learning_rate, momentum, has_momentum)
            losses[epoch] = loss / dtype(n * O)
            for h in range(0, H, units):
                activation = load(a, h * lanes, wide)
                back = load(d, 0, wide) * load(w, (W2 + h) * lanes, wide)
                for o in range(1, O):
                    back = back + load(d, o * wide, wide) * load(w, (W2 + o * P + h) * lanes, wide)
                delta = back * (activation * (1 - activation))
                for o in range(O):
                    gradient = fold(activation * load(d, o * wide, wide), lanes)
                    at = (W2 + o * P + h) * lanes
                    _descend(w, v, at, gradient, learning_rate, momentum, has_momentum)
                at = (B1 + h) * lanes
                _descend(w, v, at, fold(delta, lanes), learning_rate, momentum, has_momentum)
                for i in range(I):
                    gradient = fold(load(x, i * wide, wide) * delta, lanes)
                    at = (i * P + h) * lanes
                    _descend(w, v, at, gradient, learning_rate, momentum, has_momentum)
        for r in range(rows + 1):
            for h in range(H if r < rows else O):
                parameters[r * H + h] = w[(r * P + h) * lanes]
                velocity[r * H + h] = v[(r * P + h) * lanes]
        position[0] = first + chunks

    run = compiled(kernel, dtype, "small", I, H, O, n, has_momentum)
    return Kernel(run, chunk=LANES, width=lanes, work=work_size)


@cache
def _tiled_batch(dtype, I, H, O, width, tile, has_momentum):
    """``width`` samples in one value, ``tile`` samples at a time through the network."""
    B1, W2, B2 = I * H, I * H + H, I * H + H + O * H
    size = B2 + O
    sizes = [(size + O) * LANES, H * tile, O * tile]
    g_size, a_size, d_size = sizes
    g_at, a_at, d_at, work_size = _offsets(sizes, dtype)
    # a large network takes long for a block: let it pause between tiles, its sums kept in work
    chunk = BLOCK if a_at == 0 else tile

    def kernel(
        X, y, n, parameters, velocity, totals, work, losses, position,
        learning_rate, momentum, chunks,
    ):  # fmt: skip
        w, N = parameters, y.size // O
        g = scratch(work, g_at, g_size)  # the lanes of each gradient, then of each output's loss
        a = scratch(work, a_at, a_size)
        d = scratch(work, d_at, d_size)
        epoch, start = position[0], position[1] * chunk
        for _ in range(chunks):
            if start % BLOCK == 0:
                for j in range(0, g_size, LANES):
                    store(g, j, spread(dtype(0), LANES))
            stop = min(start + chunk, n)
            for s in range(start, stop, tile):
                count = min(tile, stop - s)
                for h in range(H):
                    for t in range(0, count, width):
                        z = w[B1 + h] + load(X, s + t, width) * w[h]
                        for i in range(1, I):
                            z = z + load(X, i * N + s + t, width) * w[i * H + h]
                        store(a, h * tile + t, sigmoid(z, False))
                for o in range(O):
                    for t in range(0, count, width):
                        z = w[B2 + o] + load(a, t, width) * w[W2 + o * H]
                        for h in range(1, H):
                            z = z + load(a, h * tile + t, width) * w[W2 + o * H + h]
                        output = sigmoid(z, False)
                        error = keep_first(output - load(y, o * N + s + t, width), count - t)
                        delta = error * (output * (1 - output))
                        store(d, o * tile + t, delta)
                        _add(g, size + o, error * error)
                        _add(g, B2 + o, delta)
                for h in range(H):
                    for t in range(0, count, width):
                        activation = load(a, h * tile + t, width)
                        delta = load(d, t, width)
                        _add(g, W2 + h, activation * delta)
                        back = delta * w[W2 + h]
                        for o in range(1, O):
                            delta = load(d, o * tile + t, width)
                            _add(g, W2 + o * H + h, activation * delta)
                            back = back + delta * w[W2 + o * H + h]
                        delta = back * (activation * (1 - activation))
                        _add(g, B1 + h, delta)
                        for i in range(I):
                            _add(g, i * H + h, load(X, i * N + s + t, width) * delta)
            start = stop
            if start % BLOCK == 0 or start == n:
                for j in range(size + O):
                    totals[j] += lane(fold(load(g, j * LANES, LANES), LANES), 0)
            if start == n:
                loss = dtype(0)
                for o in range(O):
                    loss += totals[size + o]
                losses[epoch] = loss / dtype(n * O)
                for j in range(size):
                    step = learning_rate * totals[j]
                    if has_momentum:
                        step = momentum * velocity[j] + step
                        velocity[j] = step
                    w[j] -= step
                totals[:] = 0
                epoch, start = epoch + 1, 0
        position[0], position[1] = epoch, start // chunk

    run = compiled(kernel, dtype, "tiled", I, H, O, width, tile, has_momentum)
    return Kernel(run, chunk, width, work_size)


@njit(forceinline=True, **OPTIONS)
def _add(sums, j, terms):
    """Add the samples of ``terms`` to the lanes of sum ``j`` (contract, 4)."""
    store(sums, j * LANES, accumulate(load(sums, j * LANES, LANES), terms))
