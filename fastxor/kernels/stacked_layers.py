"""What the kernel for many networks does with one layer.

Weights are an array of inputs times units, and biases after it, each number `width` networks wide.
A value holds some samples of a batch for them, each sample `width` lanes after the one before. Of
each unit there is a row of such values, ``row`` numbers long, for all samples of a batch.
"""

from functools import cache
from typing import Any

from fastxor.kernels.calls import in_turn, unrolled_where_called
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
from fastxor.kernels.lanes import keep_first, load, load_each, spread, store
from fastxor.kernels.masks import choose, within
from fastxor.kernels.small_layers import descend
from fastxor.kernels.sums import fold_samples


@cache
def forward(samples: int, width: int, few: int) -> Any:
    """The step that makes a layer's activations; ``few``: its units, or 0 for many.

    Few are written out, as LLVM does not unroll a loop with an activation in it: XOR takes two
    thirds of the time. Written out, eight units would take 1.2 to 1.5 times as long.
    """
    wide = samples * width

    @inlined
    def unit(u, place, numbers, X, at, s, w, a, count):
        unrolled_where_called()
        I, O, table, biases, before, own, function, _ = place
        row = numbers.row
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
        z = activate(z, function, False)
        if numbers.partial and count - s < samples:
            # no infinity in other samples, which times a delta of 0 would be NaN
            z = keep_first(z, (count - s) * width)
        store(a, (own + u) * row + s * width, z)

    units, numbered = in_turn([unit] * few), tuple(range(few))

    @inlined
    def forward(place, numbers, X, at, w, a, count):
        unrolled_where_called()
        for s in range(0, numbers.row // width, samples):
            units(numbered, (place, numbers, X, at, s, w, a, count))
            if not few:
                for u in range(place.units):
                    unit(u, place, numbers, X, at, s, w, a, count)

    return forward


@cache
def outputs(samples: int, width: int) -> Any:
    """The step that makes deltas of the outputs' sums."""
    wide = samples * width

    @inlined
    def outputs(place, numbers, y, at, a, d, e, count, tolerance, solved, wanted):
        """Which networks of ``solved`` still are; errors or, if wanted, terms of log losses go to
        ``e``."""
        unrolled_where_called()
        O, own, row = place.units, place.own, numbers.row
        function, log_loss = numbers.function, numbers.log_loss
        for s in range(0, row // width, samples):
            first, start, kept = own * row + s * width, (at + s) * O, (count - s) * width
            total = spread(load(a, first, width), wide)  # of softmax only
            if function == SOFTMAX:
                largest = load(a, first, wide)
                for o in range(1, O):
                    z = load(a, first + o * row, wide)
                    largest = where_less(largest, z, z, largest)
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
                z = load(a, first + o * row, wide)
                target = load_each(y, start + o, O, samples, width)
                if function == SOFTMAX:
                    output = load(d, first + o * row, wide) / total
                else:
                    output = activate(z, function, False)
                error = output - target
                if numbers.partial and count - s < samples:
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
def backward(samples: int, width: int) -> Any:
    """The step for the gradients of a layer and their update, and the deltas of that before."""
    wide = samples * width

    @inlined
    def inputs(X, at, a, place, i, row, s):
        if place.before < 0:
            return load_each(X, (at + s) * place.inputs + i, place.inputs, samples, width)
        return load(a, (place.before + i) * row + s * width, wide)

    @inlined
    def backward(place, numbers, X, at, w, v, a, d, learning_rate, momentum):
        unrolled_where_called()
        I, O, table, biases, before, own, _, function = place
        row, has_momentum = numbers.row, numbers.has_momentum
        for i in range(I):
            k = table + i * O
            if before >= 0:
                for s in range(0, row // width, samples):
                    x = load(a, (before + i) * row + s * width, wide)
                    weight = spread(load(w, k * width, width), wide)
                    back = load(d, own * row + s * width, wide) * weight
                    for u in range(1, O):
                        weight = spread(load(w, (k + u) * width, width), wide)
                        back = back + load(d, (own + u) * row + s * width, wide) * weight
                    store(d, (before + i) * row + s * width, derivative(back, x, function))
            x = inputs(X, at, a, place, i, row, 0)
            for u in range(O):
                terms = x * load(d, (own + u) * row, wide)
                for s in range(samples, row // width, samples):
                    delta = load(d, (own + u) * row + s * width, wide)
                    terms = terms + inputs(X, at, a, place, i, row, s) * delta
                gradient = fold_samples(terms, width)
                descend(w, v, (k + u) * width, gradient, learning_rate, momentum, has_momentum)
        if biases >= 0:
            for u in range(O):
                terms = load(d, (own + u) * row, wide)
                for s in range(samples, row // width, samples):
                    terms = terms + load(d, (own + u) * row + s * width, wide)
                at_b = (biases + u) * width
                gradient = fold_samples(terms, width)
                descend(w, v, at_b, gradient, learning_rate, momentum, has_momentum)

    return backward


@inlined
def leave(networks, state, parameters, at, size, width):
    """Write the state of these networks, a bit each, to their columns in memory."""
    for j in range(size):
        old = load(parameters, at + j * width, width)
        store(parameters, at + j * width, choose(networks, load(state, j * width, width), old))
