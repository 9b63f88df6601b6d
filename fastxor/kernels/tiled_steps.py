"""The steps of the kernel for batches of any size: what is done with a part of a batch, and after
it. Traced functions."""

from collections.abc import Iterable
from typing import NamedTuple

from fastxor.kernels.batches import Samples, fold_all, note, samples_of, update
from fastxor.kernels.calls import BatchCall
from fastxor.kernels.compiling import ALONE
from fastxor.kernels.control import either, least, less, loop, most, opaque, when
from fastxor.kernels.memory import Memory
from fastxor.kernels.sums import BLOCK, LANES, fold_rows
from fastxor.kernels.tiled_layers import backward, forward, outputs
from fastxor.kernels.tiled_plan import Numbers, Place, Plan, Shape
from fastxor.kernels.traced import Flag, Int, Value, equal


class Network(NamedTuple):
    numbers: Numbers
    ahead: Iterable[Place]  # hidden layers
    last: Place
    back: Iterable[Place]  # all layers, from the last on


def network_of(plan: Plan) -> Network:
    """One whose numbers are known."""
    _, numbers, places = plan
    return Network(numbers, places[:-1], places[-1], places[::-1])


class TileMemory(NamedTuple):
    """What a tile is worked on in."""

    a: Memory  # activations, (units of all layers, tile)
    g: Memory  # the lanes of each gradient, then of terms of the loss
    x_copy: Memory  # samples
    totals: Memory  # of samples that are held out, and then their lanes


def there_and_back(
    call: BatchCall, network: Network, shape: Shape, memory: TileMemory, samples: Samples,
    fresh: bool | Flag, count: Int,
) -> None:  # fmt: skip
    """All that is done with a tile: layers ahead, the last, and all of them back.

    ``fresh``: do sums over samples begin?
    """
    fresh, count = shape.single or fresh, opaque(count)
    w, a, e = call.parameters, memory.a, terms_of(network, shape, memory)
    x, stride, y, y_stride = samples
    for place in network.ahead:
        forward(place, shape, x, stride, w, a, count)
    outputs(
        network.last, network.numbers, shape, x, stride, y, y_stride, w, a, e, fresh, count,
        call.tolerance, call.position,
    )  # fmt: skip
    for place in network.back:
        backward(place, shape, x, stride, w, a, memory.g, call.totals, fresh, count)


def terms_of(network: Network, shape: Shape, memory: TileMemory) -> Memory:
    """The lanes of terms of the loss."""
    numbers = network.numbers
    return memory.g.at(numbers.lanes - (numbers.sums - numbers.size) * shape.lanes)


def train_chunk(
    call: BatchCall, network: Network, shape: Shape, memory: TileMemory, first: Int, last: Int,
    start: Int, stop: Int, block: Int,
) -> None:  # fmt: skip
    """The samples from ``start`` to ``stop`` of a batch from ``first`` to ``last``.

    Where their block ends, its sums go to the totals from ``block`` on.
    """
    numbers, lanes, totals = network.numbers, shape.lanes, call.totals
    size, sums = numbers.size, numbers.sums
    N = call.y.size // numbers.targets

    def end_block() -> None:
        def add() -> None:
            for j in loop(0, sums, LANES):
                total = fold_rows(memory.g.load(j * lanes, LANES * lanes), lanes)
                totals.store(j, totals.load(j, LANES) + total)

        def fold() -> None:
            fold_all(lanes, memory.g, totals, block, sums)

        def alone() -> None:
            either(start - first >= BLOCK, add, fold)

        either(equal(numbers.sharing, ALONE), alone, fold)

    for s in loop(start, stop, shape.tile):
        count, fresh = least(shape.tile, stop - s), equal((s - first) % BLOCK, 0)
        samples = samples_of(call, numbers, shape, 1, s, s, N, count, memory.x_copy)
        there_and_back(call, network, shape, memory, samples, fresh, count)
    if shape.single:
        fold_all(lanes, terms_of(network, shape, memory), totals, size, sums - size)
    else:
        ends = equal(stop, last) | equal((stop - first) % BLOCK, 0)
        when(less(start, stop), when, ends, end_block)


def finish(
    call: BatchCall, network: Network, shape: Shape, blocks: Int, epoch: Int, first: Int, last: Int
) -> None:
    """Add up the ``blocks`` of a batch, note down its loss and update the parameters."""
    numbers, totals, sums = network.numbers, call.totals, network.numbers.sums
    for block in loop(1, blocks):
        for j in loop(0, sums, LANES):
            total = totals.load(j, LANES) + totals.load(block * sums + j, LANES)
            totals.store(j, total)
    note(call, numbers, shape.dtype, epoch, first, last)
    update(call, numbers, epoch, first, last, lambda j: totals.load(j, LANES))


def train_half(
    call: BatchCall, network: Network, shape: Shape, memory: TileMemory, s: Int, before: Int,
    count: Int,
) -> None:  # fmt: skip
    """Every other sample of a batch, ``count`` of them: from the one at ``s`` of the order on, or
    from ``before`` on in X."""
    numbers, lanes = network.numbers, shape.lanes
    size, sums = numbers.size, numbers.sums
    N = call.y.size // numbers.targets // 2
    for t in loop(0, most(count, 1), shape.tile):  # sums begin, though there be no sample
        here, place = least(shape.tile, count - t), before + t
        samples = samples_of(call, numbers, shape, 2, s + t * 2, place, N, here, memory.x_copy)
        there_and_back(call, network, shape, memory, samples, equal(t, 0), here)
    if not shape.single:
        fold_all(lanes, memory.g, call.totals, 0, size)
    fold_all(lanes, terms_of(network, shape, memory), call.totals, size, sums - size)


def exchange(
    call: BatchCall, network: Network, shape: Shape, is_first: bool | Flag, epoch: Int, first: Int,
    last: Int,
) -> None:  # fmt: skip
    """Update the parameters by the totals of both halves; the first notes down the loss."""
    numbers, both = network.numbers, call.totals
    size, sums = numbers.size, numbers.sums

    def gradients(j: Int) -> Value:
        return both.load(j, LANES) + both.load(sums + j, LANES)

    update(call, numbers, epoch, first, last, gradients, is_first)

    def note_down() -> None:
        for j in loop(size, sums, LANES):
            both.store(j, both.load(j, LANES) + both.load(sums + j, LANES))
        note(call, numbers, shape.dtype, epoch, first, last)

    when(is_first, note_down)
