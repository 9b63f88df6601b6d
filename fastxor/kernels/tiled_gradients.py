"""The gradients of a layer, in the kernel for batches of any size.

They lie as the weights do, a row of units for each input and one of biases. Of each there are the
eight lanes of its sum over samples (contract, 4).
"""

from functools import cache
from typing import Any

from fastxor.kernels.compiling import inlined
from fastxor.kernels.lanes import spread
from fastxor.kernels.memory import load, load_apart, pointer, store, store_apart
from fastxor.kernels.sums import fold_rows


@cache
def gradients(inputs: int, units: int, tile: int, single: bool, lanes: int) -> Any:
    """Those of some inputs' rows of weights, or of the biases for no ``inputs``.

    In a ``single`` tile their lanes are added up at once, eight rows at a time: one block after
    another would take 1.2 times as long, as its sums wait for each other.
    """
    block, rest = (block_of_gradients(inputs, number, tile, lanes) for number in (units, 1))
    two, four, eight = 2 * lanes, 4 * lanes, 8 * lanes

    @inlined
    def gradients(place, i, x, stride, d, g, totals, fresh, zeros, count):
        O, row = place.units, place.table + i * place.units
        x, several = pointer(x, i * stride), O - O % units
        if not single:
            g = pointer(g, row * lanes)
        for u in range(0, several, units):
            block(x, stride, pointer(d, u * tile), u, O, g, fresh, zeros, count)
        for u in range(several, O):
            rest(x, stride, pointer(d, u * tile), u, O, g, fresh, zeros, count)
        if single:
            rows = max(inputs, 1) * O
            eights = rows - rows % 8
            for j in range(0, eights, 8):
                store(totals, row + j, fold_rows(load(g, j * lanes, eight), lanes))
            if rows & 4:
                store(totals, row + eights, fold_rows(load(g, eights * lanes, four), lanes))
            if rows & 2:
                j = rows & -4
                store(totals, row + j, fold_rows(load(g, j * lanes, two), lanes))
            if rows & 1:
                store(totals, row + rows - 1, fold_rows(load(g, (rows - 1) * lanes, lanes), lanes))

    return gradients


@cache
def block_of_gradients(inputs: int, units: int, tile: int, lanes: int) -> Any:
    """The lanes of some inputs' rows and some units, from the row ``at`` of ``g`` on."""
    rows, row = max(inputs, 1), units * lanes
    wide = rows * row

    @inlined
    def block(x, stride, d, at, O, g, fresh, zeros, count):
        if fresh:
            total = spread(zeros, wide)
        else:
            total = load_apart(g, at * lanes, O * lanes, rows, row, 1)
        for t in range(0, count, lanes):
            terms = spread(load_apart(d, t, tile, units, lanes, 1), wide)
            if inputs:
                terms = load_apart(x, t, stride, rows, lanes, units) * terms
            total = total + terms
        store_apart(g, at * lanes, O * lanes, total, row)

    return block
