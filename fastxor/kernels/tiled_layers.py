"""What the kernel for batches of any size does with one layer and a tile of samples.

Activations, and later deltas in their places, are rows of ``tile`` samples in ``a``, one for each
unit. A layer's weights are a row of units for each of its inputs, and a last one of biases, if it
has any. Its gradients are such rows, too, of eight lanes each.

Where layers are wide, their time goes into products. Several units side by side share what is
loaded: in each of the three (sums, gradients, deltas of the layer before) about eight registers
are added to with some six loads. Units by themselves take ten, and there are two loads a cycle.
"""

from functools import cache
from typing import Any

from fastxor.kernels.compiling import inlined
from fastxor.kernels.functions import (
    SOFTMAX,
    activate,
    derivative,
    exp,
    larger,
    log,
    log_loss_of_sigmoid,
)
from fastxor.kernels.lanes import keep_first, spread
from fastxor.kernels.masks import within
from fastxor.kernels.memory import load, load_apart, load_each, pointer, store, store_apart
from fastxor.kernels.sums import accumulate
from fastxor.kernels.tiled_gradients import gradients
from fastxor.kernels.tiled_plan import UNITS, Shape

MANY = 8  # inputs: for fewer, several units at once take longer, 2-8-1 in float64 1.1 times as long


@cache
def sums_of(units: int, width: int) -> Any:
    """For some units side by side and ``width`` samples of each: x[0] * w[0], plus the biases from
    ``bias`` on, if that is not negative, plus x[i] * w[i] in order.

    A unit's weights are ``step`` numbers apart, and those of the next unit ``apart`` behind them.
    """
    wide = units * width

    @inlined
    def sums_of(x, stride, I, w, k, step, apart, bias):
        z = spread(load(x, 0, width), wide) * load_each(w, k, apart, units, width)
        if bias >= 0:
            z = load_each(w, bias, 1, units, width) + z
        for i in range(1, I):
            weights = load_each(w, k + i * step, apart, units, width)
            z = z + spread(load(x, i * stride, width), wide) * weights
        return z

    return sums_of


@cache
def forward(width: int, tile: int, narrow: int) -> Any:
    """The step that makes a layer's activations, with ``width`` samples in a value, or ``narrow``
    ones of each of several units."""
    sums, side_by_side = sums_of(1, width), sums_of(UNITS, narrow)

    @inlined
    def forward(place, x, stride, w, a, count):
        I, O, bias, table, before, own, function, _ = place
        if before >= 0:
            x, stride = pointer(a, before * tile), tile
        a = pointer(a, own * tile)
        biases = table + I * O if bias else -O
        several = O - O % UNITS if I >= MANY else 0
        if several:
            for t in range(0, count, narrow):
                for u in range(0, several, UNITS):
                    z = side_by_side(pointer(x, t), stride, I, w, table + u, O, 1, biases + u)
                    store_apart(a, u * tile + t, tile, activate(z, function, False), narrow)
        for t in range(0, count, width):
            for u in range(several, O):
                z = sums(pointer(x, t), stride, I, w, table + u, O, 1, biases + u)
                store(a, u * tile + t, activate(z, function, False))
        if count & width - 1:  # no infinity, which times a delta of 0 would be NaN
            t = count & -width
            for u in range(O):
                store(a, u * tile + t, keep_first(load(a, u * tile + t, width), count - t))

    return forward


@inlined
def add(sums, row, terms, lanes):
    """Add the samples of ``terms`` to the lanes of a row."""
    store(sums, row * lanes, accumulate(load(sums, row * lanes, lanes), terms))


@inlined
def clear(sums, rows, zeros, lanes):
    # beforehand: in `add`, asking for the first samples keeps sums from staying in registers
    for j in range(0, rows * lanes, lanes):
        store(sums, j, zeros)


@cache
def outputs(width: int, tile: int, narrow: int, lanes: int) -> Any:
    """The step that makes the outputs, and then deltas of their sums, in their places."""
    near = (1 << width) - 1 if width < 64 else -1  # a bit for each sample of a value
    forward_all, sums_of_one = forward(width, tile, narrow), sums_of(1, width)

    @inlined
    def outputs(
        place, numbers, x, x_stride, y, stride, w, a, e, fresh, zeros, count, tolerance
    ):  # fmt: skip
        """Are all samples solved? The terms of the loss go to the lanes of ``e``."""
        I, O, bias, table, before, own, _, _ = place
        function, log_loss, watch = numbers.function, numbers.log_loss, numbers.watch
        made = O >= UNITS or function == SOFTMAX  # beforehand: many, or those that need each other
        if made:
            forward_all(place, x, x_stride, w, a, count)
        if before >= 0:
            x, x_stride = pointer(a, before * tile), tile
        solved, z = True, pointer(a, own * tile)
        if fresh:
            clear(e, 1 if function == SOFTMAX else O, zeros, lanes)
        if function == SOFTMAX:
            for t in range(0, count, width):
                largest = load(z, t, width)
                for o in range(1, O):
                    sums = load(z, o * tile + t, width)
                    largest = larger(largest, sums)
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
                add(e, 0, keep_first(log(total) - target, count - t), lanes)
                for o in range(O):
                    error = load(z, o * tile + t, width) / total - load(y, o * stride + t, width)
                    error = keep_first(error, count - t)
                    if watch and within(error, tolerance, width) != near:
                        solved = False
                    store(z, o * tile + t, error)
            return solved
        for o in range(O):
            for t in range(0, count, width):
                if made:
                    sums = load(z, o * tile + t, width)
                else:
                    bias_at = table + I * O + o if bias else -1
                    sums = sums_of_one(pointer(x, t), x_stride, I, w, table + o, O, 1, bias_at)
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
                add(e, o, terms, lanes)
        return solved

    return outputs


@cache
def backward(shape: Shape, narrow: int, inputs: int, units: int) -> Any:
    """The step for the gradients of a layer, and then the deltas of the layer before.

    Gradients are made for so many inputs and units at once, where so many are left.
    """
    width, tile, single, lanes = shape
    sums, side_by_side = sums_of(1, width), sums_of(UNITS, narrow)
    strip, row, biases = (
        gradients(rows, units, tile, single, lanes) for rows in (inputs, 1, 0)
    )  # fmt: skip

    @inlined
    def backward(place, x, stride, w, a, g, totals, fresh, zeros, count):
        I, O, bias, table, before_row, own, _, function = place
        before, a = pointer(a, before_row * tile), pointer(a, own * tile)
        if before_row >= 0:
            x, stride = before, tile
        for i in range(0, I - I % inputs, inputs):
            strip(place, i, x, stride, a, g, totals, fresh, zeros, count)
        for i in range(I - I % inputs, I):
            row(place, i, x, stride, a, g, totals, fresh, zeros, count)
        if bias:
            biases(place, I, x, stride, a, g, totals, fresh, zeros, count)
        if before_row >= 0:
            several = I - I % UNITS if O >= MANY else 0
            for t in range(0, count, narrow):
                for i in range(0, several, UNITS):
                    back = side_by_side(pointer(a, t), tile, O, w, table + i * O, 1, O, -1)
                    activation = load_apart(before, i * tile + t, tile, UNITS, narrow, 1)
                    delta = derivative(back, activation, function)
                    store_apart(before, i * tile + t, tile, delta, narrow)
            for t in range(0, count, width):
                for i in range(several, I):
                    back = sums(pointer(a, t), tile, O, w, table + i * O, 1, O, -1)
                    activation = load(before, i * tile + t, width)
                    store(before, i * tile + t, derivative(back, activation, function))

    return backward
