"""What the kernel for many networks does with one layer.

Weights are an array of inputs times units, and biases after it, each number `width` networks wide.
A value holds some samples of a batch for them, each sample `width` lanes after the one before. Of
each unit there is a row of such values, ``row`` numbers long, for all samples of a batch.
"""

from functools import cache
from typing import Any

from fastxor.kernels.calls import in_turn
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
from fastxor.kernels.masks import choose, within
from fastxor.kernels.memory import load, load_each, store
from fastxor.kernels.small_layers import descend
from fastxor.kernels.sums import fold_samples


@cache
def sums_of(samples: int, width: int) -> Any:
    """The sums of a unit, before its activation, of some samples."""
    wide = samples * width

    @inlined
    def sums_of(u, place, numbers, X, at, s, w, a):
        I, O, table, biases, before, row = (
            place.inputs, place.units, place.table, place.biases, place.before, numbers.row,
        )  # fmt: skip
        z = spread(load(w, (table + u) * width, width), wide)
        if before < 0:
            z = load_each(X, (at + s) * I, I, samples, width) * z
        else:
            z = load(a, before * row + s * width, wide) * z
        if biases >= 0:
            z = spread(load(w, (biases + u) * width, width), wide) + z
        for i in range(1, I):
            if before < 0:
                x = load_each(X, (at + s) * I + i, I, samples, width)
            else:
                x = load(a, (before + i) * row + s * width, wide)
            z = z + x * spread(load(w, (table + i * O + u) * width, width), wide)
        return z

    return sums_of


@cache
def forward(samples: int, width: int, few: int) -> Any:
    """The step that makes a hidden layer's activations; ``few``: its units, or 0 for many.

    Few are written out, as LLVM does not unroll a loop with an activation in it: in a loop, XOR
    takes 1.1 times as long in float32. Four units written out would take 1.15 times as long.
    """
    wide, sums = samples * width, sums_of(samples, width)

    @inlined
    def unit(u, place, numbers, X, at, s, w, a):
        z = activate(sums(u, place, numbers, X, at, s, w, a), place.function, False)
        store(a, (place.own + u) * numbers.row + s * width, z)

    units, numbered = in_turn([unit] * few), tuple(range(few))

    @inlined
    def forward(place, numbers, X, at, w, a, count):
        for s in range(0, numbers.row // width, samples):
            units(numbered, (place, numbers, X, at, s, w, a))
            if not few:
                for u in range(place.units):
                    unit(u, place, numbers, X, at, s, w, a)
            if numbers.partial and count - s < samples:
                # no infinity in other samples, which times a delta of 0 would be NaN
                for unit_at in range(place.own, place.own + place.units):
                    k = unit_at * numbers.row + s * width
                    store(a, k, keep_first(load(a, k, wide), (count - s) * width))

    return forward


@cache
def outputs(samples: int, width: int) -> Any:
    """The step that makes the last layer's outputs, and deltas of its sums."""
    wide = samples * width
    sums = sums_of(samples, width)

    @inlined
    def outputs(place, numbers, X, y, at, w, a, d, e, count, tolerance, solved, wanted):
        """Which networks of ``solved`` still are; errors or, if wanted, terms of log losses go to
        ``e``."""
        O, own, row = place.units, place.own, numbers.row
        function, log_loss = numbers.function, numbers.log_loss
        for s in range(0, row // width, samples):
            first, start, kept = own * row + s * width, (at + s) * O, (count - s) * width
            total = spread(load(w, 0, width), wide)  # of softmax only
            if function == SOFTMAX:
                largest = sums(0, place, numbers, X, at, s, w, a)
                store(a, first, largest)
                for o in range(1, O):
                    z = sums(o, place, numbers, X, at, s, w, a)
                    store(a, first + o * row, z)
                    largest = larger(largest, z)
                shifted = load(a, first, wide) - largest
                target = load_each(y, start, O, samples, width) * shifted
                total = exp(shifted)
                store(d, first, total)
                for o in range(1, O):
                    shifted = load(a, first + o * row, wide) - largest
                    target = target + load_each(y, start + o, O, samples, width) * shifted
                    term = exp(shifted)
                    total = total + term
                    store(d, first + o * row, term)
                if wanted:
                    store(e, s * width, keep_first(log(total) - target, kept))
            for o in range(O):
                if function == SOFTMAX:
                    output = load(d, first + o * row, wide) / total
                else:
                    z = sums(o, place, numbers, X, at, s, w, a)
                    output = activate(z, function, False)
                target = load_each(y, start + o, O, samples, width)
                error = output - target
                if numbers.partial:
                    error = keep_first(error, kept)
                if numbers.watch:
                    solved &= within(error, tolerance, width)
                if not log_loss:
                    if wanted:
                        store(e, o * row + s * width, error)
                    error = derivative(error, output, function)
                elif function != SOFTMAX and wanted:
                    terms = keep_first(log_loss_of_sigmoid(target, z), kept)
                    store(e, o * row + s * width, terms)
                store(d, first + o * row, error)
        return solved

    return outputs


@cache
def backward(samples: int, width: int, to_inputs: bool) -> Any:
    """The step for the gradients of a layer and their update, and the deltas of that before.

    ``to_inputs``: that is the first, whose gradients are made, too, while its deltas are at hand.
    """
    wide = samples * width
    update, update_bias = update_of(samples, width), update_of_bias(samples, width)

    @inlined
    def backward(place, first, numbers, X, at, w, v, a, d, learning_rate, momentum):
        I, O, table, before, own, function = (
            place.inputs, place.units, place.table, place.before, place.own, place.function_before,
        )  # fmt: skip
        row = numbers.row
        for u in range(O):
            update_bias(place, u, numbers, w, v, d, learning_rate, momentum)
        for i in range(I):
            k = table + i * O
            for s in range(0, row // width, samples):
                x = load(a, (before + i) * row + s * width, wide)
                weight = spread(load(w, k * width, width), wide)
                back = load(d, own * row + s * width, wide) * weight
                for u in range(1, O):
                    weight = spread(load(w, (k + u) * width, width), wide)
                    back = back + load(d, (own + u) * row + s * width, wide) * weight
                store(d, (before + i) * row + s * width, derivative(back, x, function))
            for u in range(O):
                update(place, i, u, numbers, X, at, w, v, a, d, learning_rate, momentum)
            if to_inputs:
                update_bias(first, i, numbers, w, v, d, learning_rate, momentum)
                for j in range(first.inputs):
                    update(first, j, i, numbers, X, at, w, v, a, d, learning_rate, momentum)

    return backward


@cache
def backward_first(samples: int, width: int) -> Any:
    """The step for the gradients of the first layer by itself."""
    update, update_bias = update_of(samples, width), update_of_bias(samples, width)

    @inlined
    def backward_first(place, numbers, X, at, w, v, a, d, learning_rate, momentum):
        for u in range(place.units):
            update_bias(place, u, numbers, w, v, d, learning_rate, momentum)
        for i in range(place.inputs):
            for u in range(place.units):
                update(place, i, u, numbers, X, at, w, v, a, d, learning_rate, momentum)

    return backward_first


@cache
def update_of(samples: int, width: int) -> Any:
    """That of the weight from one input to one unit."""
    wide = samples * width

    @inlined
    def inputs(X, at, a, place, i, row, s):
        if place.before < 0:
            return load_each(X, (at + s) * place.inputs + i, place.inputs, samples, width)
        return load(a, (place.before + i) * row + s * width, wide)

    @inlined
    def update(place, i, u, numbers, X, at, w, v, a, d, learning_rate, momentum):
        row, unit = numbers.row, place.own + u
        terms = inputs(X, at, a, place, i, row, 0) * load(d, unit * row, wide)
        for s in range(samples, row // width, samples):
            delta = load(d, unit * row + s * width, wide)
            terms = terms + inputs(X, at, a, place, i, row, s) * delta
        k, gradient = place.table + i * place.units + u, fold_samples(terms, width)
        descend(w, v, k * width, gradient, learning_rate, momentum, numbers.has_momentum)

    return update


@cache
def update_of_bias(samples: int, width: int) -> Any:
    """That of a unit, if it has any."""
    wide = samples * width

    @inlined
    def update_bias(place, u, numbers, w, v, d, learning_rate, momentum):
        row, unit = numbers.row, place.own + u
        if place.biases >= 0:
            terms = load(d, unit * row, wide)
            for s in range(samples, row // width, samples):
                terms = terms + load(d, unit * row + s * width, wide)
            k, gradient = place.biases + u, fold_samples(terms, width)
            descend(w, v, k * width, gradient, learning_rate, momentum, numbers.has_momentum)

    return update_bias


@inlined
def leave(networks, state, parameters, at, size, width):
    """Write the state of these networks, a bit each, to their columns in memory."""
    for j in range(size):
        old = load(parameters, at + j * width, width)
        store(parameters, at + j * width, choose(networks, load(state, j * width, width), old))
