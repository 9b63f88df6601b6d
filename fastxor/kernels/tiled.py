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
from fastxor.kernels.memory import pointer, scratch
from fastxor.kernels.order import shuffle
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import BLOCK, LANES
from fastxor.kernels.tiled_plan import (
    Numbers,
    Place,
    general_shape,
    kernel_of,
    plan,
    shape_for,
)
from fastxor.kernels.tiled_steps import chunk, finish, known, looked_up

HEAD, ROW = len(Numbers._fields), len(Place._fields)


@cache
def tiled_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, sharing: int, watch: int
) -> Kernel:
    """The special form; ``sharing``: `ALONE` or `BLOCKS`."""
    shape = shape_for(dtype, layers, batch_size, LANES)
    arranged = plan(dtype, shape, layers, log_loss, sharing, watch)
    numbers = arranged.numbers
    body = _body(known(chunk, arranged), known(finish, arranged))
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
    body = _body(looked_up(chunk, shape), looked_up(finish, shape))

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


def _body(train_chunk: Any, finish_batch: Any) -> Any:
    """What both forms do, by their steps."""

    @inlined
    def body(
        numbers, network, a, g, x_copy,
        X, y, order, generator, n, batch_size, parameters, velocity, totals, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        """``a``: activations, (units of all layers, tile). ``g``: the lanes of each gradient, then
        of terms of the loss."""
        chunk_size, shared, watch = numbers.chunk, numbers.sharing, numbers.watch
        # pointers: arrays that are handed on would have their references counted
        w, v, sums = pointer(parameters, 0), pointer(velocity, 0), pointer(totals, 0)
        N, X, y = y.size // numbers.outputs, pointer(X, 0), pointer(y, 0)
        samples = pointer(order, 0)
        errors, state = pointer(losses, 0), pointer(position, 0)
        if chunk_size == BLOCK:  # else sums go on from call to call; `work` began as zeros
            for j in range(numbers.lanes):
                g[j] = 0

        batches = (n + batch_size - 1) // batch_size
        per_batch = (batch_size + chunk_size - 1) // chunk_size
        limit = position[DONE] + chunks
        done = fetch_add(position, CLAIMED) if shared else position[DONE]
        while done < limit:
            step = done // per_batch  # batches before this one
            if shared:
                while acquire(position, UPDATED) < step:
                    yield_thread()
            first = step % batches * batch_size
            last = min(first + batch_size, n)
            start = first + done % per_batch * chunk_size
            stop = min(start + chunk_size, last)
            block = done % per_batch * numbers.sums if shared else 0
            train_chunk(network, (
                X, y, N, samples, order.size > 0, first, last, start, stop, w, a, g, sums, block,
                x_copy, tolerance, state,
            ))  # fmt: skip
            if shared:
                complete = fetch_add(position, FINISHED) + 1 == (step + 1) * per_batch
            else:
                complete = (done + 1) % per_batch == 0
            if complete:
                epoch, blocks = step // batches, (last - first + BLOCK - 1) // BLOCK
                finish_batch(network, (
                    sums, blocks if shared else 1, w, v, learning_rate, momentum, errors, state,
                    epoch, first, last, n,
                ))  # fmt: skip
                if watch == STOP and not shared and position[SOLVED] == epoch:
                    break
                if last == n and order.size and (step + 1) * per_batch < limit:
                    shuffle(order, generator)
                if shared:
                    release(position, UPDATED, step + 1)
            done = fetch_add(position, CLAIMED) if shared else done + 1

    return body
