"""The kernel for batches of any size: tiles of samples go through the network breadth first.

A layer at a time, forward and back. Depth first is four times slower: the reorder buffer fills
with one dependency chain. Samples of one unit fill a value; only in the products with the inputs,
where a network with many inputs spends its time, do four units lie side by side, so that each
load of the inputs serves all four.

Threads may share the batches, in blocks of `BLOCK` samples that they claim one after another.
Whoever finishes the last block of a batch adds up the blocks, in order, and updates.

It has two forms of one body. The special one is made for a network and a size of batches, whose
numbers are constants in it; the general one reads them from memory and serves all.
"""

from functools import cache
from typing import Any

import numpy as np

from fastxor.kernels import tiled_layers as steps
from fastxor.kernels.atomics import acquire, fetch_add, release, yield_thread
from fastxor.kernels.calls import in_rows, in_turn, integers, unrolled_where_called
from fastxor.kernels.compiling import (
    BATCH,
    CLAIMED,
    DONE,
    FINISHED,
    MISSED,
    SOLVED,
    STOP,
    UPDATED,
    Code,
    Kernel,
    Layers,
    inlined,
    offsets,
)
from fastxor.kernels.lanes import load, pointer, scratch, spread, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.sums import BLOCK, LANES, fold_rows
from fastxor.kernels.tiled_plan import GENERAL, Numbers, Place, Plan, Shape, plan, shape_for

MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them
HEAD, ROW = len(Numbers._fields), len(Place._fields)


@cache
def tiled_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, shared: bool, watch: int
) -> Kernel:
    """The special form; ``shared``: for several threads at once."""
    arranged = plan(shape_for(dtype, layers, batch_size), layers, log_loss, shared, watch)
    shape, numbers = arranged.shape, arranged.numbers
    body = _body(dtype, shape, len(layers))
    places = tuple(arranged.places)
    first, last, back, second = places[0], places[-1], places[:1:-1], places[1:2]
    a_size, g_size, q_size = _sizes(arranged)
    a_at, g_at, q_at, x_at = offsets([a_size, g_size, q_size], dtype)

    def kernel(
        _, X, y, order, generator, n, batch_size, parameters, velocity, sums_of, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        a, g = scratch(work, a_at, a_size), scratch(work, g_at, g_size)
        q, x_copy = scratch(work, q_at, q_size), pointer(work, x_at)
        body(
            numbers, first, last, places, second, back, a, g, q, x_copy,
            X, y, order, generator, n, batch_size, parameters, velocity, sums_of, losses,
            position, learning_rate, momentum, tolerance, chunks,
        )  # fmt: skip

    key = ("tiled", layers, log_loss, *shape, shared, watch)
    return _kernel(arranged, Code(kernel, BATCH, dtype, *key), x_at)


def general_batch(dtype: Any, layers: Layers, log_loss: bool, shared: bool, watch: int) -> Kernel:
    """The general form, for batches of any size, with the numbers of a network."""
    arranged = plan(GENERAL, layers, log_loss, shared, watch)
    return _kernel(arranged, _general(dtype), sum(_sizes(arranged)))


@cache
def _general(dtype: Any) -> Code:
    body = _body(dtype, GENERAL, None)

    def kernel(
        numbers, X, y, order, generator, n, batch_size, parameters, velocity, sums_of, work,
        losses, position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        head, rows = integers(pointer(numbers, 0), 0, Numbers), pointer(numbers, HEAD)
        depth, g_at = head.depth, head.activations
        q_at = g_at + head.lanes
        first, last = integers(rows, 0, Place), integers(rows, (depth - 1) * ROW, Place)
        a, g, q = pointer(work, 0), pointer(work, g_at), pointer(work, q_at)
        x_copy = pointer(work, q_at + head.aside)
        body(
            head, first, last, (rows, 0, depth, 1), (rows, 1, min(depth, 2), 1),
            (rows, depth - 1, 1, -1), a, g, q, x_copy,
            X, y, order, generator, n, batch_size, parameters, velocity, sums_of, losses,
            position, learning_rate, momentum, tolerance, chunks,
        )  # fmt: skip

    return Code(kernel, BATCH, dtype, "general")


def _sizes(arranged: Plan) -> list[int]:
    numbers = arranged.numbers
    return [numbers.activations, numbers.lanes, numbers.aside]


def _kernel(arranged: Plan, code: Code, x_at: int) -> Kernel:
    """``x_at``: where in the working memory samples are copied to."""
    shape, numbers, places = arranged
    memory = np.array([*numbers, *(number for place in places for number in place)], np.int64)
    work = x_at + (numbers.inputs + numbers.outputs) * shape.tile
    return Kernel(
        code, memory, numbers.chunk, shape.width, numbers.size, arranged.positions, numbers.sums,
        work,
    )  # fmt: skip


@cache
def _body(dtype: Any, shape: Shape, depth: int | None) -> Any:
    """What both forms do; ``depth``: how many layers are written out, or None for a loop."""
    width, tile, units, single = shape
    forward, outputs = steps.forward(width, tile), steps.outputs(width, tile)
    backward, to_inputs = (steps.backward(width, tile, units, single, to) for to in (False, True))
    backward_alone = steps.backward_alone(width, tile, units, single)
    if depth is None:
        forward_each, backward_each = in_rows(forward, Place), in_rows(backward, Place)
        backward_to_inputs = in_rows(to_inputs, Place)
    else:
        forward_each, backward_each = in_turn([forward] * depth), in_turn([backward] * (depth - 2))
        backward_to_inputs = in_turn([to_inputs] * min(depth - 1, 1))

    @inlined
    def body(
        numbers, first_layer, last_layer, ahead, second, back, a, g, q, x_copy,
        X, y, order, generator, n, batch_size, parameters, velocity, sums_of, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        """``a``: activations, (units of all layers, tile). ``g``: the lanes of each gradient, then
        of terms of the loss. ``q``: deltas side by side, (tile / 8, units, 8)."""
        unrolled_where_called()
        I, O, size, sums, chunk = (
            numbers.inputs, numbers.outputs, numbers.size, numbers.sums, numbers.chunk,
        )  # fmt: skip
        shared, watch = numbers.shared, numbers.watch
        # pointers: arrays that are handed on would have their references counted
        w, totals = pointer(parameters, 0), pointer(sums_of, 0)
        e = pointer(g, numbers.lanes - (sums - size) * LANES)
        y_copy = pointer(x_copy, I * tile)
        N = y.size // O
        zeros = spread(dtype(0), LANES)
        if chunk == BLOCK:  # else sums go on from call to call, in `work`, which began as zeros
            for j in range(0, numbers.lanes, LANES):
                store(g, j, zeros)
        for j in range(
            0, numbers.aside, LANES
        ):  # padding, too, holds numbers: denormals would be slow
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
                            x_copy[i * tile + j] = X[sample * I + i]
                        for o in range(O):
                            y_copy[o * tile + j] = y[sample * O + o]
                    targets, target_stride = y_copy, tile
                elif I >= MANY_INPUTS:
                    for i in range(I):
                        for t in range(0, count, width):
                            store(x_copy, i * tile + t, load(x, i * N + t, width))
                if order.size or I >= MANY_INPUTS:
                    x, stride = x_copy, tile

                forward_each(ahead, (x, stride, w, a, count))
                solved = outputs(
                    last_layer, numbers, targets, target_stride, a, e, fresh, zeros, count,
                    tolerance,
                )  # fmt: skip
                if watch and not solved:
                    release(position, MISSED, 1)
                rest = (first_layer, x, stride, w, a, q, g, totals, fresh, zeros, count)
                backward_each(back, rest)
                backward_to_inputs(second, rest)
                if numbers.depth == 1:
                    backward_alone(first_layer, x, stride, a, q, g, totals, fresh, zeros, count)

            if single:
                steps.fold_table(e, numbers.columns, totals, size)
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
                for column in range(numbers.columns):
                    error += sums_of[size + column]
                if first:
                    error += losses[epoch]
                losses[epoch] = error / dtype(n * numbers.columns) if last == n else error
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

    return body
