"""The steps of the kernel for batches of any size, for jitted code."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from fastxor.kernels.batches import fold_all, note, samples_of, update
from fastxor.kernels.calls import Rows, jitted_step
from fastxor.kernels.compiling import ALONE
from fastxor.kernels.control import either, least, less, loop, most, opaque, when
from fastxor.kernels.memory import Memory
from fastxor.kernels.sums import BLOCK, LANES, fold_rows
from fastxor.kernels.tiled_layers import backward, forward, outputs
from fastxor.kernels.tiled_plan import Numbers, Place, Plan, Shape
from fastxor.kernels.traced import Flag, Int, Scalar, Whole, equal


class Network(NamedTuple):
    numbers: Numbers
    ahead: Iterable[Place]  # hidden layers
    last: Place
    back: Iterable[Place]  # all layers, from the last on


def there_and_back(
    network: Network, shape: Shape,
    x: Memory, stride: Int, y: Memory, y_stride: Int, w: Memory, a: Memory, g: Memory, e: Memory,
    totals: Memory, fresh: bool | Flag, count: Int, tolerance: Scalar, position: Memory,
) -> None:  # fmt: skip
    """All that is done with a tile: layers ahead, the last, and all of them back.

    ``fresh``: do sums over samples begin?
    """
    fresh, count = shape.single or fresh, opaque(count)
    for place in network.ahead:
        forward(place, shape, x, stride, w, a, count)
    outputs(
        network.last, network.numbers, shape, x, stride, y, y_stride, w, a, e, fresh, count,
        tolerance, position,
    )  # fmt: skip
    for place in network.back:
        backward(place, shape, x, stride, w, a, g, totals, fresh, count)


def chunk(
    network: Network, shape: Shape, X: Memory, y: Memory, N: Int, order: Memory, shuffled: Flag,
    first: Int, last: Int, start: Int, stop: Int, w: Memory, a: Memory, g: Memory, totals: Memory,
    block: Int, x_copy: Memory, tolerance: Scalar, position: Memory,
) -> None:  # fmt: skip
    """The samples from ``start`` to ``stop`` of a batch from ``first`` to ``last``.

    Where their block ends, its sums go to ``totals`` from ``block`` on.
    """
    numbers, lanes = network.numbers, shape.lanes
    size, sums = numbers.size, numbers.sums
    e = g.at(numbers.lanes - (sums - size) * lanes)

    def end_block() -> None:
        def add() -> None:
            for j in loop(0, sums, LANES):
                total = fold_rows(g.load(j * lanes, LANES * lanes), lanes)
                totals.store(j, totals.load(j, LANES) + total)

        def fold() -> None:
            fold_all(lanes, g, totals, block, sums)

        def alone() -> None:
            either(start - first >= BLOCK, add, fold)

        either(equal(numbers.sharing, ALONE), alone, fold)

    for s in loop(start, stop, shape.tile):
        count, fresh = least(shape.tile, stop - s), equal((s - first) % BLOCK, 0)
        samples = samples_of(numbers, shape, 1, order, shuffled, s, X, y, s, N, count, x_copy)
        there_and_back(
            network, shape, *samples, w, a, g, e, totals, fresh, count, tolerance, position
        )
    if shape.single:
        fold_all(lanes, e, totals, size, sums - size)
    else:
        ends = equal(stop, last) | equal((stop - first) % BLOCK, 0)
        when(less(start, stop), when, ends, end_block)


def finish(
    network: Network, shape: Shape, totals: Memory, blocks: Int, w: Memory, v: Memory,
    learning_rate: Scalar, momentum: Scalar, losses: Memory, position: Memory, epoch: Int,
    first: Int, last: Int, n: Whole,
) -> None:  # fmt: skip
    """Add up the ``blocks`` of a batch, note down its loss and update the parameters."""
    numbers = network.numbers
    size, sums = numbers.size, numbers.sums
    for block in loop(1, blocks):
        for j in loop(0, sums, LANES):
            total = totals.load(j, LANES) + totals.load(block * sums + j, LANES)
            totals.store(j, total)
    note(numbers, shape.dtype, totals, losses, position, epoch, first, last, n)
    for j in loop(0, size, LANES):
        update(w, v, j, totals.load(j, LANES), learning_rate, momentum)


def half(
    network: Network, shape: Shape, X: Memory, y: Memory, N: Int, order: Memory, shuffled: Flag,
    s: Int, before: Int, count: Int, w: Memory, a: Memory, g: Memory, totals: Memory,
    x_copy: Memory, tolerance: Scalar, position: Memory,
) -> None:  # fmt: skip
    """Every other sample of a batch, ``count`` of them: from the one at ``s`` of the order on, or
    from ``before`` on in X."""
    numbers, lanes = network.numbers, shape.lanes
    size, sums = numbers.size, numbers.sums
    e = g.at(numbers.lanes - (sums - size) * lanes)
    for t in loop(0, most(count, 1), shape.tile):  # sums begin, though there be no sample
        here = least(shape.tile, count - t)
        samples = samples_of(
            numbers, shape, 2, order, shuffled, s + t * 2, X, y, before + t, N, here, x_copy
        )  # fmt: skip
        there_and_back(
            network, shape, *samples, w, a, g, e, totals, equal(t, 0), here, tolerance, position
        )  # fmt: skip
    if not shape.single:
        fold_all(lanes, g, totals, 0, size)
    fold_all(lanes, e, totals, size, sums - size)


def exchange(
    network: Network, shape: Shape, both: Memory, is_first: Flag, w: Memory, v: Memory,
    learning_rate: Scalar, momentum: Scalar, losses: Memory, position: Memory, epoch: Int,
    first: Int, last: Int, n: Whole,
) -> None:  # fmt: skip
    """Update the parameters by the sums of ``both`` halves; the first notes down the loss."""
    numbers = network.numbers
    size, sums = numbers.size, numbers.sums
    for j in loop(0, size, LANES):
        total = both.load(j, LANES) + both.load(sums + j, LANES)
        update(w, v, j, total, learning_rate, momentum)

    def note_down() -> None:
        for j in loop(size, sums, LANES):
            both.store(j, both.load(j, LANES) + both.load(sums + j, LANES))
        note(numbers, shape.dtype, both, losses, position, epoch, first, last, n)

    when(is_first, note_down)


# --- for jitted code --------------------------------------------------------------
def known(function: Any, plan: Plan) -> Any:
    """``call(network, given)``, for a network whose numbers are known; ``network`` is ()."""
    shape, numbers, places = plan

    def with_numbers(*given: Any) -> None:
        function(Network(numbers, places[:-1], places[-1], places[::-1]), shape, *given)

    return jitted_step(with_numbers)


def looked_up(function: Any, shape: Shape) -> Any:
    """Likewise, for one in the memory that ``network`` says."""

    def with_rows(rows: Memory, last: Place, numbers: Numbers, *given: Any) -> None:
        ahead = Rows(rows, 0, numbers.depth - 1, 1, Place)
        back = Rows(rows, numbers.depth - 1, -1, -1, Place)
        function(Network(numbers, ahead, last, back), shape, *given)

    return jitted_step(with_rows)
