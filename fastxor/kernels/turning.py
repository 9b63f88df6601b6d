"""Rows of numbers turned into columns, a square of registers at a time."""

from collections.abc import Callable

from fastxor.kernels.control import least, loop, when
from fastxor.kernels.memory import Memory
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.traced import Int, Value, pick


def turn(
    source: Memory, start: Callable[[Int], Int], rows: Int, columns: Int, to: Memory, to_apart: Int
) -> None:
    """Copy ``rows``, of which each has a ``start``, to columns, in rows that begin ``to_apart``.

    Number by number, predictions of XOR take 1.4 times as long in float64 and 1.7 in float32, those
    of 30-16-1 1.2 and 1.55 times; and training on shuffled samples, 64-32-10, 1.1 times.
    """
    shorter, side = least(rows, columns), 1
    largest = REGISTER_BYTES // source.itemsize

    def squares(side: int) -> None:
        # the last are moved to where they fit, and copy some numbers again
        for row in loop(0, rows, side):
            r = least(row, rows - side)
            for column in loop(0, columns, side):
                c = least(column, columns - side)
                square = [source.load(start(r + k) + c, side) for k in range(side)]
                for k, turned in enumerate(transposed(square)):
                    to.store((c + k) * to_apart + r, turned)

    if isinstance(columns, int):  # no square is larger
        largest = min(largest, 1 << (columns.bit_length() - 1))
    while side < largest:
        when((shorter >= side) & (shorter < 2 * side), squares, side)
        side *= 2
    when(shorter >= side, squares, side)


def transposed(rows: list[Value]) -> list[Value]:
    """As many rows as each has lanes, a power of two: squares of lanes change places, whose sides
    are one lane, then two, four and so on."""
    n = len(rows)
    for side in (1 << k for k in range(n.bit_length() - 1)):
        for r in (r for r in range(n) if not r & side):
            a, b = rows[r].llvm, rows[r + side].llvm
            upper = [k if not k & side else n + k - side for k in range(n)]
            lower = [k + side if not k & side else n + k for k in range(n)]
            rows[r], rows[r + side] = Value(pick(a, upper, b)), Value(pick(a, lower, b))
    return rows
