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
from fastxor.kernels.calls import BATCH, BatchCall, of_batches
from fastxor.kernels.compiling import (
    ALONE,
    CLAIMED,
    DONE,
    FINISHED,
    RAN_OUT,
    SOLVED,
    STOP,
    UPDATED,
    Code,
    Kernel,
    Layers,
    Wanted,
)
from fastxor.kernels.control import as_long_as, choose, either, least, leave_when, loop, when
from fastxor.kernels.functions import UNSCALED, has_scales
from fastxor.kernels.memory import Memory, Rows, integers, offsets, scratch
from fastxor.kernels.order import shuffle
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import BLOCK, LANES
from fastxor.kernels.tiled_plan import (
    Numbers,
    Place,
    Shape,
    general_shape,
    kernel_of,
    plan,
    shape_for,
    work_of,
)
from fastxor.kernels.tiled_steps import Network, TileMemory, finish, network_of, train_chunk
from fastxor.kernels.traced import Int, Value, Variable, equal, truth
from fastxor.kernels.validation import validate


@cache
def tiled_batch(
    dtype: Any, layers: Layers, batch_size: int, sharing: int, wanted: Wanted
) -> Kernel:
    """The special form; ``sharing``: `ALONE` or `BLOCKS`."""
    shape = shape_for(dtype, layers, batch_size, LANES)
    arranged = plan(dtype, shape, layers, sharing, wanted)
    numbers = arranged.numbers
    a_size, g_size = numbers.activations, numbers.lanes
    a_at, g_at, x_at = offsets([a_size, g_size if shape.single else 0], dtype)
    if not shape.single:
        x_at += g_size
    own = work_of(numbers, shape.tile)

    def kernel(call: BatchCall) -> None:
        work = call.work
        a = scratch(work, a_at, a_size)
        # on the stack, LLVM would keep sums in registers from tile to tile, and spill those that
        # others need: 2-8-1 takes 1.03 times as long
        g = scratch(work, g_at, g_size) if shape.single else work.at(g_at)
        memory = TileMemory(a, g, work.at(x_at), work.at(x_at + own[0]))
        train(call, network_of(arranged), shape, memory)

    key = ("tiled", layers, *shape[1:], REGISTER_BYTES, sharing, wanted)
    return kernel_of(arranged, Code(of_batches(kernel), BATCH, dtype, *key), x_at + sum(own))


@cache
def general_batch(dtype: Any, layers: Layers, sharing: int, wanted: Wanted) -> Kernel:
    """The general form, for batches of any size, with the numbers of a network."""
    arranged = plan(dtype, general_shape(dtype), layers, sharing, wanted)
    shape, numbers, _ = arranged
    work = numbers.activations + numbers.lanes + sum(work_of(numbers, shape.tile))
    return kernel_of(arranged, _general(dtype, has_scales(layers)), work)


@cache
def _general(dtype: Any, scaled: bool = False) -> Code:
    shape, known = general_shape(dtype), {} if scaled else UNSCALED

    def kernel(call: BatchCall) -> None:
        work, numbers = call.work, integers(call.numbers, Numbers)
        rows, last = Rows(call.numbers, Numbers, Place, known), numbers.depth - 1
        network = Network(numbers, rows.range(0, last), rows[last], rows.range(last, -1, -1))
        g = work.at(numbers.activations)
        x_copy = g.at(numbers.lanes)
        totals = x_copy.at(work_of(numbers, shape.tile)[0])
        memory = TileMemory(work, g, x_copy, totals)
        train(call, network, shape, memory)

    key = ("general", *shape[1:], REGISTER_BYTES, scaled)
    return Code(of_batches(kernel), BATCH, dtype, *key)


def train(call: BatchCall, network: Network, shape: Shape, memory: TileMemory) -> None:
    """What both forms do."""
    numbers, n, batch_size, position = network.numbers, call.n, call.batch_size, call.position
    chunk_size, shared = numbers.chunk, truth(numbers.sharing)

    def clear() -> None:
        for j in loop(0, numbers.lanes, LANES):
            memory.g.store(j, Value.full(0, shape.dtype, LANES))

    # else sums go on from call to call; the memory began as zeros
    when(equal(chunk_size, BLOCK), clear)
    batches = (n + batch_size - 1) // batch_size
    per_batch = (batch_size + chunk_size - 1) // chunk_size
    limit = position[DONE] + call.chunks
    done = Variable(either(shared, fetch_add, lambda *_: position[DONE], position, CLAIMED))
    for _ in as_long_as(lambda: done.get() < limit):
        step, number = done.get() // per_batch, done.get() % per_batch  # of batches and chunks
        when(shared, wait_for, position, step)
        first = step % batches * batch_size
        last = least(first + batch_size, n)
        start = first + number * chunk_size
        stop = least(start + chunk_size, last)
        block = choose(shared, number * numbers.sums, 0)
        train_chunk(call, network, shape, memory, first, last, start, stop, block)

        def end_batch() -> None:
            epoch, blocks = step // batches, (last - first + BLOCK - 1) // BLOCK
            finish(call, network, shape, choose(shared, blocks, 1), epoch, first, last)
            ends = equal(last, n) & truth(numbers.validated)
            when(ends, validate, call, network, shape, memory, epoch)
            alone = equal(numbers.sharing, ALONE)
            leave_when(ends & alone & truth(position[RAN_OUT]))
            stops = alone & equal(numbers.watch, STOP)
            leave_when(stops & equal(position[SOLVED], epoch))
            goes_on = equal(last, n) & truth(call.order.size) & ((step + 1) * per_batch < limit)
            when(goes_on, shuffle, call.order, call.generator)
            when(shared, release, position, UPDATED, step + 1)

        finished = either(shared, fetch_add, lambda *_: done.get(), position, FINISHED) + 1
        when(equal(finished, (step + 1) * per_batch), end_batch)
        done.set(either(shared, fetch_add, lambda *_: done.get() + 1, position, CLAIMED))


def wait_for(position: Memory, step: Int) -> None:
    """Until all batches before this one are done."""
    for _ in as_long_as(lambda: acquire(position, UPDATED) < step):
        yield_thread()
