"""The gradients of a layer, in the kernel for batches of any size, see `traced`.

They lie as the weights do, a row of units for each input and one of biases. Of each there are the
lanes of its sum over samples (contract, 4).
"""

from fastxor.kernels.control import either, loop
from fastxor.kernels.memory import Memory, spread_value
from fastxor.kernels.sums import fold_rows
from fastxor.kernels.tiled_plan import Place, Shape
from fastxor.kernels.traced import Flag, Int, Value, Variable


def gradients(
    place: Place, i: Int, inputs: int, units: int, shape: Shape, x: Memory, stride: Int, d: Memory,
    g: Memory, totals: Memory, fresh: bool | Flag, count: Int,
) -> None:  # fmt: skip
    """Those of some ``inputs``' rows of weights from input ``i`` on, or of the biases for none,
    made for so many ``units`` at once.

    In a ``single`` tile their lanes are added up at once, eight rows at a time: one block after
    another would take 1.2 times as long, as its sums wait for each other.
    """
    O, lanes, first = place.units, shape.lanes, place.table + i * place.units
    x, several = x.at(i * stride), O - O % units
    if not shape.single:
        g = g.at(first * lanes)
    for u in loop(0, several, units):
        block_of_gradients(inputs, units, shape, x, stride, d, u, O, g, fresh, count)
    for u in loop(several, O):
        block_of_gradients(inputs, 1, shape, x, stride, d, u, O, g, fresh, count)
    if shape.single:
        rows = max(inputs, 1) * O
        for many in (8, 4, 2, 1):
            at = rows - rows % (2 * many) if many < 8 else 0
            for row in loop(at, rows - rows % many, many):
                total = fold_rows(g.load(row * lanes, many * lanes), lanes)
                totals.store(first + row, total)


def block_of_gradients(
    inputs: int, units: int, shape: Shape, x: Memory, stride: Int, d: Memory, u: Int, O: Int,
    g: Memory, fresh: bool | Flag, count: Int,
) -> None:  # fmt: skip
    """The lanes of some inputs' rows and some units from ``u`` on; sums that are ``fresh`` begin
    with zeros."""
    lanes, rows, row = shape.lanes, max(inputs, 1), units * shape.lanes
    d = d.at(u * shape.tile)
    total = Variable(either(
        fresh,
        lambda: Value.full(0, shape.dtype, rows * row),
        lambda: g.load_apart(u * lanes, O * lanes, rows, row),
    ))  # fmt: skip
    for t in loop(0, count, lanes):
        terms = spread_value(d.load_apart(t, shape.tile, units, lanes), rows * row)
        if inputs:
            terms = x.load_apart(t, stride, rows, lanes, units) * terms
        total.set(total.get() + terms)
    g.store_apart(u * lanes, O * lanes, total.get(), row)
