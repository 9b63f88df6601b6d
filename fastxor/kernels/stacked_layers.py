"""What the kernel for many networks does with one layer.

Weights are an array of inputs times units, and biases after it, each number `width` networks wide.
A value holds the samples of a batch for them, each sample `width` lanes after the one before.
"""

from functools import cache
from typing import Any, NamedTuple

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
from fastxor.kernels.lanes import keep_first, load, load_each, spread, store
from fastxor.kernels.masks import within
from fastxor.kernels.small_layers import descend
from fastxor.kernels.sums import fold_samples


class Place(NamedTuple):
    """Where a layer's numbers are."""

    inputs: int
    units: int
    table: int  # the weights among the parameters
    biases: int  # -1 if there are none
    before: int  # the inputs among the activations, but those of the first layer
    own: int  # and the units


@cache
def forward(samples: int, width: int, function: int, first: bool, partial: bool) -> Any:
    wide = samples * width

    @inlined
    def forward(place, X, at, w, a, count):
        unrolled_where_called()
        I, O, table, biases, before, own = place
        for u in range(O):
            z = spread(load(w, (table + u) * width, width), wide)
            if first:
                z = load_each(X, at * I, I, samples, width) * z
            else:
                z = load(a, before * wide, wide) * z
            if biases >= 0:
                z = spread(load(w, (biases + u) * width, width), wide) + z
            for i in range(1, I):
                if first:
                    x = load_each(X, at * I + i, I, samples, width)
                else:
                    x = load(a, (before + i) * wide, wide)
                z = z + x * spread(load(w, (table + i * O + u) * width, width), wide)
            z = activate(z, function, False)
            if partial:  # no infinity in other samples, which times a delta of 0 would be NaN
                z = keep_first(z, count * width)
            store(a, (own + u) * wide, z)

    return forward


@cache
def outputs(
    samples: int, width: int, function: int, log_loss: bool, watch: bool, partial: bool
) -> Any:
    """The step that makes deltas of the outputs' sums."""
    wide = samples * width

    @inlined
    def outputs(place, y, at, a, d, e, count, tolerance, solved, wanted):
        """Which networks of ``solved`` still are; errors or, if wanted, terms of log losses go to
        ``e``."""
        unrolled_where_called()
        O, own = place[1], place[5]
        if function == SOFTMAX:
            largest = load(a, own * wide, wide)
            for o in range(1, O):
                z = load(a, (own + o) * wide, wide)
                largest = where_less(largest, z, z, largest)
            shifted = load(a, own * wide, wide) - largest
            target = load_each(y, at * O, O, samples, width) * shifted
            total = exp(shifted)
            store(d, own * wide, total)
            for o in range(1, O):
                shifted = load(a, (own + o) * wide, wide) - largest
                target = target + load_each(y, at * O + o, O, samples, width) * shifted
                term = exp(shifted)
                total = total + term
                store(d, (own + o) * wide, term)
            if wanted:
                store(e, 0, keep_first(log(total) - target, count * width))
        for o in range(O):
            z = load(a, (own + o) * wide, wide)
            target = load_each(y, at * O + o, O, samples, width)
            if function == SOFTMAX:
                output = load(d, (own + o) * wide, wide) / total
            else:
                output = activate(z, function, False)
            error = output - target
            if partial:
                error = keep_first(error, count * width)
            if watch:
                solved &= within(error, tolerance, width)
            if not log_loss:
                store(e, o * wide, error)
                error = derivative(error, output, function)
            elif function != SOFTMAX and wanted:
                terms = keep_first(log_loss_of_sigmoid(target, z), count * width)
                store(e, o * wide, terms)
            store(d, (own + o) * wide, error)
        return solved

    return outputs


@cache
def backward(samples: int, width: int, function: int, first: bool, has_momentum: bool) -> Any:
    """The step for a layer after one with that function; ``first``: after the samples."""
    wide = samples * width

    @inlined
    def backward(place, X, at, w, v, a, d, learning_rate, momentum):
        unrolled_where_called()
        I, O, table, biases, before, own = place
        for i in range(I):
            k = table + i * O
            if first:
                x = load_each(X, at * I + i, I, samples, width)
            else:
                x = load(a, (before + i) * wide, wide)
                back = load(d, own * wide, wide) * spread(load(w, k * width, width), wide)
                for u in range(1, O):
                    weight = spread(load(w, (k + u) * width, width), wide)
                    back = back + load(d, (own + u) * wide, wide) * weight
                store(d, (before + i) * wide, derivative(back, x, function))
            for u in range(O):
                gradient = fold_samples(x * load(d, (own + u) * wide, wide), width)
                descend(w, v, (k + u) * width, gradient, learning_rate, momentum, has_momentum)
        if biases >= 0:
            for u in range(O):
                gradient = fold_samples(load(d, (own + u) * wide, wide), width)
                at_b = (biases + u) * width
                descend(w, v, at_b, gradient, learning_rate, momentum, has_momentum)

    return backward
