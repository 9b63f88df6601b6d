"""The kernel for batches of any size: tiles of samples go through the network breadth first.

A layer at a time, forward and back. Depth first is four times slower: the reorder buffer fills
with one dependency chain. Samples of one unit fill a value; in sums over many inputs several units
lie side by side, and gradients are made for several inputs and units at once, so that each load
serves them all.

Threads may share the batches, in blocks of `BLOCK` samples that they claim one after another.
Whoever finishes the last block of a batch adds up the blocks, in order, and updates.

It has two forms of one body. The special one is made for a network and a size of batches, whose
numbers are constants in it; the general one reads them from memory and serves all.
"""

from functools import cache
from typing import Any

from fastxor.kernels.atomics import acquire, fetch_add, release, yield_thread
from fastxor.kernels.batches import note, samples_of, update
from fastxor.kernels.calls import integers
from fastxor.kernels.compiling import (
    BATCH,
    CLAIMED,
    DONE,
    FINISHED,
    SOLVED,
    STOP,
    UPDATED,
    Code,
    Kernel,
    Layers,
    inlined,
    offsets,
)
from fastxor.kernels.lanes import spread
from fastxor.kernels.memory import load, pointer, scratch, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import BLOCK, LANES, jitted_fold_rows
from fastxor.kernels.tiled_plan import (
    Numbers,
    Place,
    Shape,
    general_shape,
    kernel_of,
    plan,
    shape_for,
)
from fastxor.kernels.tiled_steps import for_places, for_rows

EIGHT_ROWS = LANES * LANES
HEAD, ROW = len(Numbers._fields), len(Place._fields)


@cache
def tiled_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, sharing: int, watch: int
) -> Kernel:
    """The special form; ``sharing``: `ALONE` or `BLOCKS`."""
    shape = shape_for(dtype, layers, batch_size, LANES)
    arranged = plan(dtype, shape, layers, log_loss, sharing, watch)
    numbers = arranged.numbers
    body = _body(shape, for_places(arranged.places, numbers, shape))
    a_size, g_size = numbers.activations, numbers.lanes
    a_at, g_at, x_at = offsets([a_size, g_size], dtype)

    def kernel(
        _, X, y, order, generator, n, batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        a, g = scratch(work, a_at, a_size), scratch(work, g_at, g_size)
        x_copy = pointer(work, x_at)
        body(
            numbers, (), a, g, x_copy,
            X, y, order, generator, n, batch_size, parameters, velocity, totals, losses,
            position, learning_rate, momentum, tolerance, chunks,
        )  # fmt: skip

    key = ("tiled", layers, log_loss, *shape[1:], REGISTER_BYTES, sharing, watch)
    work = x_at + (numbers.inputs + numbers.outputs) * shape.tile
    return kernel_of(arranged, Code(kernel, BATCH, dtype, *key), work)


@cache
def general_batch(dtype: Any, layers: Layers, log_loss: bool, sharing: int, watch: int) -> Kernel:
    """The general form, for batches of any size, with the numbers of a network."""
    arranged = plan(dtype, general_shape(dtype), layers, log_loss, sharing, watch)
    shape, numbers, _ = arranged
    work = numbers.activations + numbers.lanes + (numbers.inputs + numbers.outputs) * shape.tile
    return kernel_of(arranged, _general(dtype), work)


@cache
def _general(dtype: Any) -> Code:
    shape = general_shape(dtype)
    body = _body(shape, for_rows(shape))

    def kernel(
        numbers, X, y, order, generator, n, batch_size, parameters, velocity, totals, work,
        losses, position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        head, rows = integers(pointer(numbers, 0), 0, Numbers), pointer(numbers, HEAD)
        g_at = head.activations
        a, g, x_copy = pointer(work, 0), pointer(work, g_at), pointer(work, g_at + head.lanes)
        body(
            head, (rows, integers(rows, (head.depth - 1) * ROW, Place), head), a, g, x_copy,
            X, y, order, generator, n, batch_size, parameters, velocity, totals, losses,
            position, learning_rate, momentum, tolerance, chunks,
        )  # fmt: skip

    return Code(kernel, BATCH, dtype, "general", *shape[1:], REGISTER_BYTES)


def _body(shape: Shape, there_and_back: Any) -> Any:
    """What both forms do; ``there_and_back``: with a tile."""
    dtype, width, tile, single, _ = shape
    samples = samples_of(width, tile, 1)

    @inlined
    def body(
        numbers, network, a, g, x_copy,
        X, y, order, generator, n, batch_size, parameters, velocity, totals, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        """``a``: activations, (units of all layers, tile). ``g``: the lanes of each gradient, then
        of terms of the loss."""
        I, O, size, sums, chunk = (
            numbers.inputs, numbers.outputs, numbers.size, numbers.sums, numbers.chunk,
        )  # fmt: skip
        shared, watch = numbers.sharing, numbers.watch
        # pointers: arrays that are handed on would have their references counted
        w, v, sums_at = pointer(parameters, 0), pointer(velocity, 0), pointer(totals, 0)
        e = pointer(g, numbers.lanes - (sums - size) * LANES)
        X, N, y = pointer(X, 0), y.size // O, pointer(y, 0)
        zeros = spread(dtype(0), LANES)
        if chunk == BLOCK:  # else sums go on from call to call, in `work`, which began as zeros
            for j in range(0, numbers.lanes, LANES):
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
                fresh = (s - first) % BLOCK == 0  # sums begin
                x, stride, targets, target_stride = samples(
                    order, s, X, y, s, N, I, O, count, x_copy
                )  # fmt: skip
                there_and_back(network, (
                    x, stride, targets, target_stride, w, a, g, e, sums_at, fresh, count, tolerance,
                    position,
                ))  # fmt: skip

            if single:
                for j in range(0, sums - size, LANES):
                    store(
                        sums_at, size + j, jitted_fold_rows(load(e, j * LANES, EIGHT_ROWS), LANES)
                    )
            elif start < stop and (stop == last or (stop - first) % BLOCK == 0):
                block = done % per_batch * sums if shared else 0
                for j in range(0, sums, LANES):
                    total = jitted_fold_rows(load(g, j * LANES, EIGHT_ROWS), LANES)
                    if not shared and start - first >= BLOCK:
                        total = load(sums_at, j, LANES) + total
                    store(sums_at, block + j, total)
            if shared:
                complete = fetch_add(position, FINISHED) + 1 == (step + 1) * per_batch
            else:
                complete = (done + 1) % per_batch == 0
            if complete:
                if shared:
                    for block in range(sums, (last - first + BLOCK - 1) // BLOCK * sums, sums):
                        for j in range(0, sums, LANES):
                            total = load(sums_at, j, LANES) + load(sums_at, block + j, LANES)
                            store(sums_at, j, total)
                epoch = step // batches
                note(numbers, totals, losses, position, dtype, epoch, first, last, n)
                for j in range(0, size, LANES):
                    update(w, v, j, load(sums_at, j, LANES), learning_rate, momentum)
                if watch == STOP and not shared and position[SOLVED] == epoch:
                    break
                if last == n and order.size and (step + 1) * per_batch < limit:
                    shuffle(order, generator)
                if shared:
                    release(position, UPDATED, step + 1)
            done = fetch_add(position, CLAIMED) if shared else done + 1

    return body
