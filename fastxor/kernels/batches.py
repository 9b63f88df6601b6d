"""What kernels for one network do before a batch goes through the layers, and after: traced
functions."""

from typing import Any, NamedTuple

from fastxor.kernels.calls import BatchCall
from fastxor.kernels.compiling import MISSED, SOLVED
from fastxor.kernels.control import choose, either, loop, when
from fastxor.kernels.memory import Memory, spread_value
from fastxor.kernels.sums import LANES, fold_rows
from fastxor.kernels.tiled_plan import Numbers, Shape
from fastxor.kernels.traced import Flag, Int, Value, Variable, equal, truth
from fastxor.kernels.turning import turn
from fastxor.kernels.updates import averaged, corrected, share_of, step

MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them


class Samples(NamedTuple):
    """Where the samples of a tile are, how far apart their rows, and the same of their targets."""

    x: Memory
    stride: Int
    y: Memory
    y_stride: Int


def samples_of(
    call: BatchCall, numbers: Numbers, shape: Shape, step: int, s: Int, place: Int, N: Int,
    count: Int, copy: Memory,
) -> Samples:  # fmt: skip
    """The samples of a tile.

    They are those at ``place`` in the columns of ``X``, or, shuffled, every ``step``-th from the
    one at ``s`` in the ``order`` on. They may be copied to ``copy``.
    """
    I, O, width, tile = numbers.inputs, numbers.targets, shape.width, shape.tile
    X, y, order, shuffled = call.X, call.y, call.order, truth(call.order.size)
    many, y_copy = I >= MANY_INPUTS, copy.at(I * tile)

    def gather() -> None:
        turn(X, lambda j: order[s + j * step] * I, count, I, copy, tile)
        turn(y, lambda j: order[s + j * step] * O, count, O, y_copy, tile)

    def copy_rows() -> None:
        for i in loop(0, I):
            for t in loop(0, count, width):
                copy.store(i * tile + t, X.load(place + i * N + t, width))

    either(shuffled, gather, lambda: when(many, copy_rows))
    copied = shuffled | many
    return Samples(
        choose(copied, copy, X.at(place)), choose(copied, tile, N),
        choose(shuffled, y_copy, y.at(place)), choose(shuffled, tile, N),
    )  # fmt: skip


def fold_all(lanes: int, of: Memory, to: Memory, at: Int, count: Int) -> None:
    """So many sums, each of ``lanes``, to the numbers from ``at`` on."""
    for j in loop(0, count, LANES):
        to.store(at + j, fold_rows(of.load(j * lanes, LANES * lanes), lanes))


def update(
    call: BatchCall, numbers: Numbers, epoch: Int, first: Int, last: Int, gradients: Any,
    is_first: bool | Flag = True,
) -> None:  # fmt: skip
    """All parameters, by ``gradients(j)`` of some from the one at ``j`` on, of a batch from
    ``first`` to ``last``; the ``is_first`` thread notes down its penalty."""
    w, size, penalties = call.parameters, numbers.size, call.penalties
    share, noted = share_of(last - first, w.dtype), truth(penalties.size)
    rates, correction = corrected(numbers.rule, call.rates_of(epoch), call.carried.at(2 * size))
    factor, rate = call.factor(epoch), spread_value(rates.learning_rate, LANES)
    squares = Variable(Value.full(0, w.dtype, LANES))
    for j in loop(0, size, LANES):
        weights, gradient = w.load(j, LANES), gradients(j)

        def pulled() -> Value:
            pull = weights * call.l2.load(j, LANES)
            when(noted, lambda: squares.set(squares.get() + pull * weights))
            return gradient + pull

        gradient = either(truth(call.l2.size), pulled, lambda: gradient)
        gradient = averaged(numbers.mean, gradient, share)

        def of_layers() -> Value:
            return (call.layer_rates.load(j, LANES) * factor) * correction

        own = either(truth(call.layer_rates.size), of_layers, lambda: rate)
        rates_here = rates._replace(learning_rate=own)
        w.store(j, weights - step(numbers.rule, gradient, call.carried, j, size, rates_here))

    def note_penalty() -> None:
        penalty = Variable(fold_rows(squares.get(), LANES))
        when(first, lambda: penalty.set(penalties.load(epoch, 1) + penalty.get()))
        penalties.store(epoch, penalty.get())

    when(noted & is_first, note_penalty)


def note(call: BatchCall, numbers: Numbers, dtype: Any, epoch: Int, first: Int, last: Int) -> None:
    """Note down the loss of a batch from ``first`` to ``last``, of its totals, and whether an epoch
    that ends with it is solved."""
    n, losses, position = call.n, call.losses, call.position
    error = Variable(Value.full(0, dtype, 1))

    def add_others() -> None:
        error.set(error.get() + losses.load(epoch, 1))

    def of_batch() -> None:
        losses.store(epoch, error.get())

    def of_epoch() -> None:
        losses.store(epoch, error.get() / call.terms)
        when(numbers.watch, look, position, epoch)

    for column in loop(0, numbers.columns):
        error.set(error.get() + call.totals.load(numbers.size + column, 1))
    when(first, add_others)
    either(equal(last, n), of_epoch, of_batch)


def look(position: Memory, epoch: Int) -> None:
    """Note down whether an epoch that ends is the first that is solved."""
    when(equal(position[MISSED], 0), when, position[SOLVED] < 0, position.set, SOLVED, epoch)
    position.set(MISSED, 0)
