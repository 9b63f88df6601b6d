"""What kernels for batches of any size do before a batch goes through the layers, and after: traced
functions."""

from typing import Any

from fastxor.kernels.compiling import MISSED, SOLVED
from fastxor.kernels.control import choose, either, loop, when
from fastxor.kernels.memory import Memory
from fastxor.kernels.sums import LANES, fold_rows
from fastxor.kernels.tiled_plan import Numbers, Shape
from fastxor.kernels.traced import Flag, Int, Scalar, Value, Variable, Whole, equal

MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them


def samples_of(
    numbers: Numbers, shape: Shape, step: int, order: Memory, shuffled: Flag, s: Int, X: Memory,
    y: Memory, place: Int, N: Int, count: Int, copy: Memory,
) -> tuple[Memory, Int, Memory, Int]:  # fmt: skip
    """Where the samples of a tile are, how far apart their rows, and the same of their targets.

    They are those at ``place`` in the columns of ``X``, or, shuffled, every ``step``-th from the
    one at ``s`` in the ``order`` on. They may be copied to ``copy``.
    """
    I, O, width, tile = numbers.inputs, numbers.outputs, shape.width, shape.tile
    many, y_copy = I >= MANY_INPUTS, copy.at(I * tile)

    def gather() -> None:
        for j in loop(0, count):
            sample = order[s + j * step]
            for i in loop(0, I):
                copy.set(i * tile + j, X[sample * I + i])
            for o in loop(0, O):
                y_copy.set(o * tile + j, y[sample * O + o])

    def copy_rows() -> None:
        for i in loop(0, I):
            for t in loop(0, count, width):
                copy.store(i * tile + t, X.load(place + i * N + t, width))

    either(shuffled, gather, lambda: when(many, copy_rows))
    copied = shuffled | many
    return (
        choose(copied, copy, X.at(place)), choose(copied, tile, N),
        choose(shuffled, y_copy, y.at(place)), choose(shuffled, tile, N),
    )  # fmt: skip


def fold_all(lanes: int, of: Memory, to: Memory, at: Int, count: Int) -> None:
    """So many sums, each of ``lanes``, to the numbers from ``at`` on."""
    for j in loop(0, count, LANES):
        to.store(at + j, fold_rows(of.load(j * lanes, LANES * lanes), lanes))


def update(
    w: Memory, velocity: Memory, j: Int, gradients: Value, learning_rate: Scalar, momentum: Scalar
) -> None:
    """Some parameters, from the one at ``j`` on."""
    change = gradients * learning_rate
    change = velocity.load(j, LANES) * momentum + change
    velocity.store(j, change)
    w.store(j, w.load(j, LANES) - change)


def note(
    numbers: Numbers, dtype: Any, sums: Memory, losses: Memory, position: Memory, epoch: Int,
    first: Int, last: Int, n: Whole,
) -> None:  # fmt: skip
    """Note down the loss of a batch from ``first`` to ``last``, and whether an epoch that ends with
    it is solved."""
    error = Variable(Value.full(0, dtype, 1))

    def add_others() -> None:
        error.set(error.get() + losses.load(epoch, 1))

    def of_batch() -> None:
        losses.store(epoch, error.get())

    def of_epoch() -> None:
        losses.store(epoch, error.get() / (n * numbers.columns).as_value(dtype))
        when(numbers.watch, look)

    def look() -> None:
        when(equal(position[MISSED], 0), when, position[SOLVED] < 0, position.put, SOLVED, epoch)
        position.put(MISSED, 0)

    for column in loop(0, numbers.columns):
        error.set(error.get() + sums.load(numbers.size + column, 1))
    when(first, add_others)
    either(equal(last, n), of_epoch, of_batch)
