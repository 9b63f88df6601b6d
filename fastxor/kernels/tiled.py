"""The kernel for batches of any size: tiles of samples go through the network breadth first.

All hidden units, all outputs, all gradients. Depth first is four times slower: the reorder
buffer fills with one dependency chain. Samples of one hidden unit fill a value; only in the
products with the inputs, where a network with many inputs spends its time, do four units lie
side by side, so that each load of the inputs serves all four.

Threads may share the batches, in blocks of `BLOCK` samples that they claim one after another.
Whoever finishes the last block of a batch adds up the blocks, in order, and updates.
"""

from functools import cache
from typing import Any

from numba import njit

from fastxor.kernels.atomics import acquire, fetch_add, release, yield_thread
from fastxor.kernels.compiling import (
    BATCH,
    CLAIMED,
    DONE,
    FINISHED,
    MISSED,
    OPTIONS,
    SOLVED,
    STOP,
    UPDATED,
    Kernel,
    compiled,
    offsets,
)
from fastxor.kernels.lanes import keep_first, load, pointer, scratch, spread, store, store_apart
from fastxor.kernels.masks import within
from fastxor.kernels.order import shuffle
from fastxor.kernels.sigmoid import sigmoid
from fastxor.kernels.sums import BLOCK, LANES, accumulate, fold_rows

VALUE_BYTES = 256  # samples in one value: enough independent work for any machine's pipes
TILE_BYTES = 32 * 1024  # activations of a tile, about an L1 cache
UNITS = 4  # hidden units side by side
MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them
LARGEST_BLOCK = 250_000  # parameters: with more, a block takes longer than a tenth of a second


@cache
def tiled_batch(
    dtype: Any, I: int, H: int, O: int, batch_size: int, shared: bool, watch: int
) -> Kernel:
    """The kernel for batches of this size; ``shared``: for several threads at once."""
    itemsize = dtype().itemsize
    width = min(max(LANES, 1 << (batch_size - 1).bit_length()), VALUE_BYTES // itemsize)
    single = batch_size <= width  # a batch is one value: its sums need not be kept in memory
    tile = next((tile for tile in (128, 64) if tile * (H + O) * itemsize <= TILE_BYTES), width)
    tile = width if single else max(tile, width)
    near = (1 << width) - 1 if width < 64 else -1  # a bit for each sample of a value
    units = min(UNITS, 1 << (H - 1).bit_length())
    wide = units * LANES
    strips, R = -(-H // units), I + 1 + O  # a strip has the rows of W1, b1 and W2 for its units
    R += -R % (LANES // units)  # and fills whole values, for `fold_rows`
    outputs = O + -O % LANES
    B2, size = strips * R * units, strips * R * units + outputs
    sums = size + outputs  # the last ones are the squared errors
    kept = R * units if single else B2  # rows of g for the strips, before those of the outputs
    sizes = [(kept + 2 * outputs) * LANES, H * tile, O * tile, units * tile]
    g_size, a_size, d_size, q_size = sizes
    g_at, a_at, d_at, q_at, x_at = offsets(sizes, dtype)
    y_at = x_at + I * tile
    chunk = BLOCK if shared or size <= LARGEST_BLOCK else tile

    def kernel(
        X, y, order, generator, n, batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        w, N = parameters, y.size // O
        g = scratch(work, g_at, g_size)  # the lanes of each gradient, then of each squared error
        a = scratch(work, a_at, a_size)  # (H, tile)
        d = scratch(work, d_at, d_size)  # (O, tile)
        q = scratch(work, q_at, q_size)  # (tile / 8, units, 8)
        zeros = spread(dtype(0), LANES)
        for j in range(0, q_size, LANES):  # padding, too, holds numbers: denormals would be slow
            store(q, j, zeros)
        if chunk == BLOCK:  # else sums go on from call to call, in `work`, which began as zeros
            for j in range(0, g_size, LANES):
                store(g, j, zeros)

        batches = (n + batch_size - 1) // batch_size
        per_batch = (batch_size + chunk - 1) // chunk
        limit = position[DONE] + chunks
        done = fetch_add(position, CLAIMED) if shared else position[DONE]
        while done < limit:
            step = done // per_batch  # batches before this one
            if shared:
                while acquire(position, UPDATED) < step:
                    yield_thread()
            first = step % batches * batch_size
            last = min(first + batch_size, n)
            start = first + done % per_batch * chunk
            stop = min(start + chunk, last)
            for s in range(start, stop, tile):
                count = min(tile, stop - s)
                fresh = single or (s - first) % BLOCK == 0  # sums begin
                x, at, stride = pointer(X), s, N
                targets, target_at, target_stride = pointer(y), s, N
                if order.size:
                    for j in range(count):
                        sample = order[s + j]
                        for i in range(I):
                            work[x_at + i * tile + j] = X[sample * I + i]
                        for o in range(O):
                            work[y_at + o * tile + j] = y[sample * O + o]
                    targets, target_at, target_stride = pointer(work), y_at, tile
                elif I >= MANY_INPUTS:
                    for i in range(I):
                        for t in range(0, count, width):
                            store(work, x_at + i * tile + t, load(X, i * N + s + t, width))
                if order.size or I >= MANY_INPUTS:
                    x, at, stride = pointer(work), x_at, tile

                for t in range(0, count, width):  # the hidden units
                    for h in range(H):
                        k = h // units * R * units + h % units
                        z = w[k + I * units] + load(x, at + t, width) * w[k]
                        for i in range(1, I):
                            z = z + load(x, at + i * stride + t, width) * w[k + i * units]
                        store(a, h * tile + t, sigmoid(z, False))

                solved = True
                for o in range(O):  # the outputs
                    for t in range(0, count, width):
                        k = (I + 1 + o) * units
                        z = w[B2 + o] + load(a, t, width) * w[k]
                        for h in range(1, H):
                            k = (h // units * R + I + 1 + o) * units + h % units
                            z = z + load(a, h * tile + t, width) * w[k]
                        output = sigmoid(z, False)
                        error = output - load(targets, target_at + o * target_stride + t, width)
                        error = keep_first(error, count - t)
                        if watch and within(error, tolerance, width) != near:
                            solved = False
                        delta = error * (output * (1 - output))
                        store(d, o * tile + t, delta)
                        _add(g, kept + o, delta, fresh and t == 0, zeros)
                        _add(g, kept + outputs + o, error * error, fresh and t == 0, zeros)

                if watch and not solved:
                    release(position, MISSED, 1)
                for strip in range(0, H, units):  # the gradients
                    row = 0 if single else strip * R
                    for u in range(min(units, H - strip)):
                        k = (I + 1) * units + u
                        for t in range(0, count, width):
                            activation = load(a, (strip + u) * tile + t, width)
                            delta = load(d, t, width)
                            _add(g, row + k, activation * delta, fresh and t == 0, zeros)
                            back = delta * w[strip * R + k]
                            for o in range(1, O):
                                delta = load(d, o * tile + t, width)
                                weight = k + o * units
                                _add(g, row + weight, activation * delta, fresh and t == 0, zeros)
                                back = back + delta * w[strip * R + weight]
                            delta = back * (activation * (1 - activation))
                            store_apart(q, t * units + u * LANES, wide, delta, LANES)
                    for i in range(I + 1):
                        place = (row + i * units) * LANES
                        total = spread(zeros, wide) if fresh else load(g, place, wide)
                        for t in range(0, count, LANES):
                            deltas = load(q, t * units, wide)
                            if i < I:
                                inputs = load(x, at + i * stride + t, LANES)
                                deltas = spread(inputs, wide) * deltas
                            total = total + deltas
                        store_apart(g, place, LANES, total, LANES)
                    if single:
                        for j in range(0, kept, LANES):
                            store(totals, strip * R + j, fold_rows(g, j * LANES))

            if single:
                for j in range(0, 2 * outputs, LANES):
                    store(totals, B2 + j, fold_rows(g, (kept + j) * LANES))
            elif start < stop and (stop == last or (stop - first) % BLOCK == 0):
                block = done % per_batch * sums if shared else 0
                for j in range(0, sums, LANES):
                    total = fold_rows(g, j * LANES)
                    if not shared and start - first >= BLOCK:
                        total = load(totals, j, LANES) + total
                    store(totals, block + j, total)
            if shared:
                complete = fetch_add(position, FINISHED) + 1 == (step + 1) * per_batch
            else:
                complete = (done + 1) % per_batch == 0
            if complete:
                if shared:
                    for block in range(sums, (last - first + BLOCK - 1) // BLOCK * sums, sums):
                        for j in range(0, sums, LANES):
                            total = load(totals, j, LANES) + load(totals, block + j, LANES)
                            store(totals, j, total)
                epoch = step // batches
                error = dtype(0)
                for o in range(O):
                    error += totals[size + o]
                if first:
                    error += losses[epoch]
                losses[epoch] = error / dtype(n * O) if last == n else error
                for j in range(0, size, LANES):
                    change = learning_rate * load(totals, j, LANES)
                    change = momentum * load(velocity, j, LANES) + change
                    store(velocity, j, change)
                    store(w, j, load(w, j, LANES) - change)
                if watch and last == n:
                    if not position[MISSED] and position[SOLVED] < 0:
                        position[SOLVED] = epoch
                        if watch == STOP and not shared:
                            break
                    position[MISSED] = 0
                if last == n and order.size and (step + 1) * per_batch < limit:
                    shuffle(order, generator)
                if shared:
                    release(position, UPDATED, step + 1)
            done = fetch_add(position, CLAIMED) if shared else done + 1

    run = compiled(kernel, BATCH, dtype, "tiled", I, H, O, width, tile, single, shared, watch)
    return Kernel(run, chunk, width, size, (strips, R, units), sums, y_at + O * tile)


@njit(forceinline=True, **OPTIONS)
def _add(sums, row, terms, first, zeros):
    """Add the samples of ``terms`` to the lanes of a row; to zeros, if they are the first."""
    total = zeros if first else load(sums, row * LANES, LANES)
    store(sums, row * LANES, accumulate(total, terms))
