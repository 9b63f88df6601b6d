"""What the kernel for batches of any size does with one layer and a tile of samples.

Activations, and later deltas in their places, are rows of ``tile`` samples in ``a``, one for each
unit. A layer's weights are a table: a row for each of its inputs and a last one of biases, if it
has any, in strips of some units below each other. Its gradients are such a table, too, of eight
lanes each. In a batch that is one value, ``single``, they are not kept but added up at once.
"""

from functools import cache
from typing import Any

from fastxor.kernels.calls import unrolled_where_called
from fastxor.kernels.compiling import inlined
from fastxor.kernels.functions import (
    SOFTMAX,
    activate,
    derivative,
    exp,
    log,
    log_loss_of_sigmoid,
)
from fastxor.kernels.instructions import where_less
from fastxor.kernels.lanes import keep_first, load, load_each, pointer, spread, store, store_apart
from fastxor.kernels.masks import within
from fastxor.kernels.sums import LANES, accumulate, fold_rows


@inlined
def add(sums, row, terms):
    """Add the samples of ``terms`` to the lanes of a row."""
    store(sums, row * LANES, accumulate(load(sums, row * LANES, LANES), terms))


@inlined
def clear(sums, row, rows, zeros):
    # beforehand: in `add`, asking for the first samples keeps sums from staying in registers
    for j in range(row * LANES, (row + rows) * LANES, LANES):
        store(sums, j, zeros)


@inlined
def fold_table(g, rows, totals, at):
    """Add up the lanes of so many rows, eight at a time, and write them to ``totals``."""
    for j in range(0, rows, LANES):
        store(totals, at + j, fold_rows(g, j * LANES))


@cache
def forward(width: int, tile: int) -> Any:
    """The step that makes a layer's activations, with ``width`` samples in a value."""

    @inlined
    def forward(place, x, stride, w, a, count):
        unrolled_where_called()
        I, O, bias, strip, rows, table, _, before, own, function, _ = place
        if before >= 0:
            x, stride = pointer(a, before * tile), tile
        a = pointer(a, own * tile)
        for t in range(0, count, width):
            for first in range(0, O, strip):
                for u in range(first, min(first + strip, O)):
                    k = table + first * rows + u - first
                    z = load(x, t, width) * load_each(w, k, 0, 1, width)
                    if bias:
                        z = load_each(w, k + I * strip, 0, 1, width) + z
                    for i in range(1, I):
                        k += strip
                        weight = load_each(w, k, 0, 1, width)
                        z = z + load(x, i * stride + t, width) * weight
                    store(a, u * tile + t, activate(z, function, False))
        if count & width - 1:  # no infinity, which times a delta of 0 would be NaN
            t = count & -width
            for u in range(O):
                store(a, u * tile + t, keep_first(load(a, u * tile + t, width), count - t))

    return forward


@cache
def outputs(width: int, tile: int) -> Any:
    """The step that makes deltas of the outputs' sums, in their places."""
    near = (1 << width) - 1 if width < 64 else -1  # a bit for each sample of a value

    @inlined
    def outputs(place, numbers, y, stride, a, e, fresh, zeros, count, tolerance):
        """Are all samples solved? The terms of the loss go to the lanes of ``e``."""
        unrolled_where_called()
        O, function, log_loss, watch = (
            numbers.outputs, numbers.function, numbers.log_loss, numbers.watch,
        )  # fmt: skip
        solved, z = True, pointer(a, place.own * tile)
        if fresh:
            clear(e, 0, 1 if function == SOFTMAX else O, zeros)
        if function == SOFTMAX:
            for t in range(0, count, width):
                largest = load(z, t, width)
                for o in range(1, O):
                    sums = load(z, o * tile + t, width)
                    largest = where_less(largest, sums, sums, largest)
                shifted = load(z, t, width) - largest
                target = load(y, t, width) * shifted
                total = exp(shifted)
                store(z, t, total)
                for o in range(1, O):
                    shifted = load(z, o * tile + t, width) - largest
                    target = target + load(y, o * stride + t, width) * shifted
                    term = exp(shifted)
                    total = total + term
                    store(z, o * tile + t, term)
                add(e, 0, keep_first(log(total) - target, count - t))
                for o in range(O):
                    error = load(z, o * tile + t, width) / total - load(y, o * stride + t, width)
                    error = keep_first(error, count - t)
                    if watch and within(error, tolerance, width) != near:
                        solved = False
                    store(z, o * tile + t, error)
            return solved
        for o in range(O):
            for t in range(0, count, width):
                sums = load(z, o * tile + t, width)
                target = load(y, o * stride + t, width)
                output = activate(sums, function, False)
                error = keep_first(output - target, count - t)
                if watch and within(error, tolerance, width) != near:
                    solved = False
                if log_loss:
                    terms = keep_first(log_loss_of_sigmoid(target, sums), count - t)
                    delta = error
                else:
                    terms = error * error
                    delta = derivative(error, output, function)
                store(z, o * tile + t, delta)
                add(e, o, terms)
        return solved

    return outputs


@cache
def backward(width: int, tile: int, units: int, single: bool, to_inputs: bool) -> Any:
    """The step for the gradients of a layer, and the deltas of the layer before.

    ``to_inputs``: that is the first, whose gradients are made, too, while its deltas are at hand.
    """
    wide = units * LANES
    update_inputs = inputs_of(units, single)

    @inlined
    def backward(place, first, x, stride, w, a, q, g, totals, fresh, zeros, count):
        unrolled_where_called()
        I, O, bias, _, _, table, _, before_row, own, _, function = place
        before, a = pointer(a, before_row * tile), pointer(a, own * tile)
        for begin in range(0, I, LANES):  # rows of so many inputs are whole values
            rows = -begin * O if single else table
            end = min(begin + LANES, I)
            for strip in range(begin, end, units):
                for i in range(strip, min(strip + units, end)):
                    k = i * O
                    if fresh:
                        clear(g, rows + k, O, zeros)
                    for t in range(0, count, width):
                        activation = load(before, i * tile + t, width)
                        delta = load(a, t, width)
                        add(g, rows + k, activation * delta)
                        back = delta * load_each(w, table + k, 0, 1, width)
                        for u in range(1, O):
                            delta = load(a, u * tile + t, width)
                            add(g, rows + k + u, activation * delta)
                            back = back + delta * load_each(w, table + k + u, 0, 1, width)
                        delta = derivative(back, activation, function)
                        if to_inputs:
                            at = t * units + (i - strip) * LANES
                            store_apart(q, at, wide, delta, LANES)
                        else:
                            store(before, i * tile + t, delta)
                if to_inputs:
                    update_inputs(first, strip, x, stride, q, g, totals, fresh, zeros, count)
            if end == I and bias:
                end += 1
                if fresh:
                    clear(g, rows + I * O, O, zeros)
                for u in range(O):
                    for t in range(0, count, width):
                        add(g, rows + I * O + u, load(a, u * tile + t, width))
            if single:
                fold_table(g, (end - begin) * O, totals, table + begin * O)

    return backward


@cache
def inputs_of(units: int, single: bool) -> Any:
    """The step for the gradients of a strip of the first layer, whose deltas are side by side."""
    wide = units * LANES

    @inlined
    def inputs_of(place, strip, x, stride, q, g, totals, fresh, zeros, count):
        unrolled_where_called()
        I, _, bias, _, rows, _, staged, _, _, _, _ = place
        row = staged if single else strip * rows
        for i in range(I + bias):
            place = (row + i * units) * LANES
            total = spread(zeros, wide) if fresh else load(g, place, wide)
            for t in range(0, count, LANES):
                deltas = load(q, t * units, wide)
                if i < I:
                    deltas = spread(load(x, i * stride + t, LANES), wide) * deltas
                total = total + deltas
            store_apart(g, place, LANES, total, LANES)
        if single:
            fold_table(pointer(g, row * LANES), rows * units, totals, strip * rows)

    return inputs_of


@cache
def backward_alone(width: int, tile: int, units: int, single: bool) -> Any:
    """The step for the gradients of the first layer, where it is the only one."""
    wide = units * LANES
    update_inputs = inputs_of(units, single)

    @inlined
    def backward_alone(place, x, stride, a, q, g, totals, fresh, zeros, count):
        unrolled_where_called()
        for strip in range(0, place.units, units):
            for u in range(min(units, place.units - strip)):
                for t in range(0, count, width):
                    delta = load(a, (strip + u) * tile + t, width)
                    store_apart(q, t * units + u * LANES, wide, delta, LANES)
            update_inputs(place, strip, x, stride, q, g, totals, fresh, zeros, count)

    return backward_alone
