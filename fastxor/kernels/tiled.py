"""The kernel for batches of any size: tiles of samples go through the network breadth first.

A layer at a time, forward and back. Depth first is four times slower: the reorder buffer fills
with one dependency chain. Samples of one unit fill a value; only in the products with the inputs,
where a network with many inputs spends its time, do four units lie side by side, so that each
load of the inputs serves all four.

Threads may share the batches, in blocks of `BLOCK` samples that they claim one after another.
Whoever finishes the last block of a batch adds up the blocks, in order, and updates.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastxor.kernels import tiled_layers as steps
from fastxor.kernels.atomics import acquire, fetch_add, release, yield_thread
from fastxor.kernels.calls import in_turn
from fastxor.kernels.compiling import (
    BATCH,
    CLAIMED,
    DONE,
    FINISHED,
    MISSED,
    SOLVED,
    STOP,
    UPDATED,
    Kernel,
    Layers,
    compiled,
    offsets,
)
from fastxor.kernels.functions import CODES, IDENTITY
from fastxor.kernels.lanes import load, pointer, scratch, spread, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.sums import BLOCK, LANES, fold_rows
from fastxor.kernels.tiled_layers import Place

VALUE_BYTES = 256  # samples in one value: enough independent work for any machine's pipes
TILE_BYTES = 32 * 1024  # activations of a tile, about an L1 cache
UNITS = 4  # units of the first layer side by side
MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them
LARGEST_BLOCK = 250_000  # parameters: with more, a block takes longer than a tenth of a second


class Plan(NamedTuple):
    """How a network and its batches are arranged."""

    layers: list[Place]
    width: int  # samples in a value
    single: bool  # is a batch one value? then its sums need not be kept in memory
    tile: int  # samples that go through the network at once
    units: int  # of the first layer side by side
    columns: int  # of the terms of the loss
    size: int  # of the parameters, with padding
    sums: int  # over samples, of gradients and terms of the loss, with padding
    rows: int  # of eight lanes for them, of the gradients of a part if the batch is one value
    activations: int  # rows of a tile


def _plan(dtype: Any, layers: Layers, batch_size: int) -> Plan:
    itemsize = dtype().itemsize
    width = min(max(LANES, 1 << (batch_size - 1).bit_length()), VALUE_BYTES // itemsize)
    single = batch_size <= width
    units = min(UNITS, 1 << (layers[0][1] - 1).bit_length())
    activations = sum(O for _, O, _, _ in layers)
    tile = next((tile for tile in (128, 64) if tile * activations * itemsize <= TILE_BYTES), width)
    tile = width if single else max(tile, width)
    # of layers behind the first, whose rows come in groups of `LANES` and one of biases
    staged = max((min(I + bias, LANES + 1) * O for I, O, _, bias in layers[1:]), default=0)
    staged += -staged % LANES
    places, size, own = [], 0, 0
    for number, (I, O, _, bias) in enumerate(layers):
        strip, rows = O, I + bias
        if not number:
            strip, rows = units, rows + -rows % (LANES // units)  # whole values, for `fold_rows`
        before = own - I if number else -1
        places.append(Place(I, O, bias, strip, rows, size, staged, before, own))
        size += -(-O // strip) * strip * rows
        size, own = size + -size % LANES, own + O
    columns = 1 if layers[-1][2] == "softmax" else layers[-1][1]
    sums = size + columns + -columns % LANES
    kept = staged + places[0].rows * units if single else size
    return Plan(
        places, width, single, tile, units, columns, size, sums, kept + sums - size, activations
    )


def _positions(places: list[Place]) -> Any:
    """Where each number of W1, b1, ..., WL, bL is among the parameters."""
    positions = []
    for I, O, bias, strip, rows, table, *_ in places:
        u, i = np.arange(O), np.arange(I + bias)[:, None]
        positions.append((table + u // strip * (strip * rows) + i * strip + u % strip).ravel())
    return np.concatenate(positions)


@cache
def tiled_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, shared: bool, watch: int
) -> Kernel:
    """The kernel for batches of this size; ``shared``: for several threads at once."""
    plan = _plan(dtype, layers, batch_size)
    width, single, tile, units = plan.width, plan.single, plan.tile, plan.units
    columns, size, sums = plan.columns, plan.size, plan.sums
    I, O, depth = layers[0][0], layers[-1][1], len(layers)
    chunk = BLOCK if shared or size <= LARGEST_BLOCK else tile
    codes = [CODES[function] for _, _, function, _ in layers]
    places = [tuple(place) for place in plan.layers]
    first_layer, last_layer = places[0], places[-1]
    ahead, back, second = tuple(places), tuple(places[:1:-1]), tuple(places[1:2])
    forward_each = in_turn([
        steps.forward(width, tile, code) for code in (*codes[:-1], IDENTITY)
    ])  # fmt: skip
    outputs = steps.outputs(width, tile, codes[-1], log_loss, bool(watch))
    backward_each = in_turn([
        steps.backward(width, tile, units, codes[k - 1], single, False)
        for k in range(depth - 1, 1, -1)
    ])  # fmt: skip
    backward_to_inputs = in_turn([
        steps.backward(width, tile, units, codes[0], single, True) for _ in second
    ])  # fmt: skip
    backward_alone = steps.backward_alone(width, tile, units, single)
    sizes = [plan.rows * LANES, plan.activations * tile, units * tile]
    g_size, a_size, q_size = sizes
    g_at, a_at, q_at, x_at = offsets(sizes, dtype)
    y_at = x_at + I * tile
    e_at = (plan.rows - (sums - size)) * LANES

    def kernel(
        X, y, order, generator, n, batch_size, parameters, velocity, sums_of, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        # pointers: arrays that are handed on would have their references counted
        w, totals = pointer(parameters, 0), pointer(sums_of, 0)
        g = scratch(work, g_at, g_size)  # the lanes of each gradient, then of terms of the loss
        a = scratch(work, a_at, a_size)  # (units of all layers, tile)
        q = scratch(work, q_at, q_size)  # (tile / 8, units, 8)
        e = pointer(g, e_at)
        N = y.size // O
        zeros = spread(dtype(0), LANES)
        if chunk == BLOCK:  # else sums go on from call to call, in `work`, which began as zeros
            for j in range(0, g_size, LANES):
                store(g, j, zeros)
        for j in range(0, q_size, LANES):  # padding, too, holds numbers: denormals would be slow
            store(q, j, zeros)

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
                x, stride, targets, target_stride = pointer(X, s), N, pointer(y, s), N
                if order.size:
                    for j in range(count):
                        sample = order[s + j]
                        for i in range(I):
                            work[x_at + i * tile + j] = X[sample * I + i]
                        for o in range(O):
                            work[y_at + o * tile + j] = y[sample * O + o]
                    targets, target_stride = pointer(work, y_at), tile
                elif I >= MANY_INPUTS:
                    for i in range(I):
                        for t in range(0, count, width):
                            store(work, x_at + i * tile + t, load(x, i * N + t, width))
                if order.size or I >= MANY_INPUTS:
                    x, stride = pointer(work, x_at), tile

                forward_each(ahead, (x, stride, w, a, count))
                solved = outputs(
                    last_layer, targets, target_stride, a, e, fresh, zeros, count, tolerance
                )
                if watch and not solved:
                    release(position, MISSED, 1)
                rest = (first_layer, x, stride, w, a, q, g, totals, fresh, zeros, count)
                backward_each(back, rest)
                backward_to_inputs(second, rest)
                if depth == 1:
                    backward_alone(first_layer, x, stride, a, q, g, totals, fresh, zeros, count)

            if single:
                steps.fold_table(e, columns, totals, size)
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
                for column in range(columns):
                    error += sums_of[size + column]
                if first:
                    error += losses[epoch]
                losses[epoch] = error / dtype(n * columns) if last == n else error
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

    key = ("tiled", layers, log_loss, width, tile, single, shared, watch)
    run = compiled(kernel, BATCH, dtype, *key)
    return Kernel(run, chunk, width, size, _positions(plan.layers), sums, y_at + O * tile)
