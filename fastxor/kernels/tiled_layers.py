"""What the kernel for batches of any size does with a layer and a tile of samples, see `traced`.

Activations, and later deltas in their places, are rows of ``tile`` samples in ``a``, one for each
unit. A layer's weights are a row of units for each of its inputs, and a last one of biases, if it
has any. Its gradients are such rows, too, of `Shape.lanes` lanes each.

Where layers are wide, their time goes into products. Several units side by side share what is
loaded: in each of the three (sums, gradients, deltas of the layer before) about eight registers
are added to with some six loads. Units by themselves take ten, and there are two loads a cycle.
"""

from fastxor.kernels.atomics import release
from fastxor.kernels.compiling import MISSED
from fastxor.kernels.control import choose, either, loop, when
from fastxor.kernels.functions import (
    SOFTMAX,
    activate,
    derivative,
    exp,
    keep_where,
    larger,
    log,
    log_loss_of_sigmoid,
    scaled,
)
from fastxor.kernels.instructions import all_within, keep_first
from fastxor.kernels.memory import Memory, spread_value
from fastxor.kernels.sums import accumulate
from fastxor.kernels.tiled_gradients import gradients
from fastxor.kernels.tiled_plan import UNITS, Numbers, Place, Shape
from fastxor.kernels.traced import Flag, Int, Scalar, Value, Variable, equal

MANY = 8  # inputs: for fewer, several units at once take longer, 2-8-1 in float64 1.1 times as long


def sums_of(
    units: int, width: int, x: Memory, stride: Int, I: Int, w: Memory, k: Int, step: Int,
    apart: Int, bias: Int, has_bias: Int,
) -> Value:  # fmt: skip
    """For some units side by side and ``width`` samples of each: x[0] * w[0], plus the biases from
    ``bias`` on, if there are any, plus x[i] * w[i] in order.

    A unit's weights are ``step`` numbers apart, and those of the next unit ``apart`` behind them.
    """

    def product(i: Int) -> Value:
        samples = spread_value(x.load(i * stride, width), units * width)
        return samples * w.load_each(k + i * step, apart, units, width)

    z = Variable(product(0))
    when(has_bias, lambda: z.set(w.load_each(bias, 1, units, width) + z.get()))
    for i in loop(1, I):
        z.set(z.get() + product(i))
    return z.get()


def inputs_of(place: Place, shape: Shape, x: Memory, stride: Int, a: Memory) -> tuple[Memory, Int]:
    """A layer's: the samples, or activations of the layer before."""
    within = place.before >= 0
    return choose(within, a.at(place.before * shape.tile), x), choose(within, shape.tile, stride)


def forward(
    place: Place, shape: Shape, x: Memory, stride: Int, w: Memory, a: Memory, count: Int
) -> None:
    """Make a layer's activations."""
    width, tile, narrow = shape.width, shape.tile, shape.narrow
    I, O, table, function = place.inputs, place.units, place.table, place.function
    x, stride = inputs_of(place, shape, x, stride, a)
    a, biases = a.at(place.own * tile), table + I * O
    several = choose(I >= MANY, O - O % UNITS, 0)

    def made(t: Int, u: Int, units: int, width: int) -> Value:
        sums = sums_of(
            units, width, x.at(t), stride, I, w, table + u, O, 1, biases + u, place.bias
        )  # fmt: skip
        return activate(scaled(sums, place.scale), function, False)

    def side_by_side() -> None:
        for t in loop(0, count, narrow):
            for u in loop(0, several, UNITS):
                a.store_apart(u * tile + t, tile, made(t, u, UNITS, narrow), narrow)

    def without_padding() -> None:  # no infinity, which times a delta of 0 would be NaN
        t = count - count % width
        for u in loop(0, O):
            a.store(u * tile + t, keep_first(a.load(u * tile + t, width), count - t))

    when(several, side_by_side)
    for t in loop(0, count, width):
        for u in loop(several, O):
            a.store(u * tile + t, made(t, u, 1, width))
    when(count % width, without_padding)


def outputs(
    place: Place, numbers: Numbers, shape: Shape, x: Memory, x_stride: Int, y: Memory, stride: Int,
    w: Memory, a: Memory, e: Memory, fresh: bool | Flag, count: Int, tolerance: Scalar,
    position: Memory,
) -> None:  # fmt: skip
    """Make the outputs, and then deltas of their sums, in their places.

    The terms of the loss go to the lanes of ``e``. A sample that is not solved is `MISSED`.
    """
    width, tile, lanes = shape.width, shape.tile, shape.lanes
    I, O, table, function = place.inputs, place.units, place.table, numbers.function
    is_softmax = equal(function, SOFTMAX)
    z = a.at(place.own * tile)

    def clear() -> None:
        # beforehand: in `add`, asking for the first samples keeps sums from staying in registers
        for column in loop(0, numbers.columns):
            e.store(column * lanes, Value.full(0, shape.dtype, lanes))

    def add(column: Int, terms: Value) -> None:
        e.store(column * lanes, accumulate(e.load(column * lanes, lanes), terms))

    def weight(t: Int) -> Value:
        return y.load(O * stride + t, width)

    def weighted(value: Value, t: Int) -> Value:
        return either(numbers.weighted, lambda: value * weight(t), lambda: value)

    def look(error: Value, t: Int) -> None:
        error = either(numbers.weighted, lambda: keep_where(weight(t), error), lambda: error)
        when(~all_within(error, tolerance), release, position, MISSED, 1)

    def of_softmax() -> None:
        for t in loop(0, count, width):
            largest = Variable(z.load(t, width))
            for o in loop(1, O):
                largest.set(larger(largest.get(), z.load(o * tile + t, width)))
            shifted = z.load(t, width) - largest.get()
            target = Variable(y.load(t, width) * shifted)
            total = Variable(exp(shifted))
            z.store(t, total.get())
            for o in loop(1, O):
                shifted = z.load(o * tile + t, width) - largest.get()
                target.set(target.get() + y.load(o * stride + t, width) * shifted)
                term = exp(shifted)
                total.set(total.get() + term)
                z.store(o * tile + t, term)
            add(0, keep_first(weighted(log(total.get()) - target.get(), t), count - t))
            for o in loop(0, O):
                output = z.load(o * tile + t, width) / total.get()
                error = keep_first(output - y.load(o * stride + t, width), count - t)
                when(numbers.watch, look, error, t)
                z.store(o * tile + t, scaled(weighted(error, t), place.scale))

    def made_sums(o: Int, t: Int) -> Value:
        return z.load(o * tile + t, width)

    def own_sums(o: Int, t: Int) -> Value:
        bias = table + I * O + o
        sums = sums_of(
            1, width, before.at(t), before_stride, I, w, table + o, O, 1, bias, place.bias
        )  # fmt: skip
        return scaled(sums, place.scale)

    def of_log_loss(sums: Value, target: Value, error: Value, _: Value) -> tuple[Value, Value]:
        return error, log_loss_of_sigmoid(target, sums)

    def of_mse(sums: Value, target: Value, error: Value, output: Value) -> tuple[Value, Value]:
        return derivative(error, output, function), error * error

    def of_others() -> None:
        for o in loop(0, O):
            for t in loop(0, count, width):
                sums = either(made, made_sums, own_sums, o, t)
                target, output = y.load(o * stride + t, width), activate(sums, function, False)
                error = keep_first(output - target, count - t)
                when(numbers.watch, look, error, t)
                delta, terms = either(
                    numbers.log_loss, of_log_loss, of_mse, sums, target, error, output
                )  # fmt: skip
                z.store(o * tile + t, scaled(weighted(delta, t), place.scale))
                add(o, keep_first(weighted(terms, t), count - t))

    before, before_stride = inputs_of(place, shape, x, x_stride, a)
    # beforehand: many outputs, or those that need each other
    made = is_softmax | (O >= UNITS)
    when(made, forward, place, shape, x, x_stride, w, a, count)
    when(fresh, clear)
    either(is_softmax, of_softmax, of_others)


def backward(
    place: Place, shape: Shape, x: Memory, stride: Int, w: Memory, a: Memory, g: Memory,
    totals: Memory, fresh: bool | Flag, count: Int,
) -> None:  # fmt: skip
    """Make the gradients of a layer, and then the deltas of the layer before.

    Gradients are made for some inputs and units at once, where so many are left.
    """
    inputs, units = shape.block(place)
    I, O, table, bias = place.inputs, place.units, place.table, place.bias
    width, tile, narrow = shape.width, shape.tile, shape.narrow
    x, stride = inputs_of(place, shape, x, stride, a)
    d, before = a.at(place.own * tile), a.at(place.before * tile)

    def gradients_of(i: Int, rows: int) -> None:
        gradients(place, i, rows, units, shape, x, stride, d, g, totals, fresh, count)

    for i in loop(0, I - I % inputs, inputs):
        gradients_of(i, inputs)
    for i in loop(I - I % inputs, I):
        gradients_of(i, 1)
    when(bias, gradients_of, I, 0)

    several = choose(O >= MANY, I - I % UNITS, 0)

    def delta(t: Int, i: Int, units: int, width: int) -> Value:
        back = sums_of(units, width, d.at(t), tile, O, w, table + i * O, 1, O, 0, False)
        activations = before.load_apart(i * tile + t, tile, units, width)
        return scaled(derivative(back, activations, place.function_before), place.scale_before)

    def side_by_side() -> None:
        for t in loop(0, count, narrow):
            for i in loop(0, several, UNITS):
                before.store_apart(i * tile + t, tile, delta(t, i, UNITS, narrow), narrow)

    def deltas() -> None:
        when(several, side_by_side)
        for t in loop(0, count, width):
            for i in loop(several, I):
                before.store(i * tile + t, delta(t, i, 1, width))

    when(place.before >= 0, deltas)
