"""What the kernel for batches of up to eight samples does with one layer.

A value holds the samples of several units. Weights are spread: each is a group of ``lanes`` equal
numbers. Those of the first layer are a table of inputs times units. Each other layer has two, of
units times inputs for the way back and of inputs times units for the way ahead; or one for both, if
it has one unit. Where a group fills half a register or more, what changes the first is copied to
the second; where less, both are changed, which costs fewer shuffles.
"""

from functools import cache
from typing import Any, NamedTuple

from fastxor.kernels.calls import in_turn
from fastxor.kernels.compiling import inlined
from fastxor.kernels.functions import (
    SOFTMAX,
    activate,
    derivative,
    exp,
    keep_where,
    larger,
    log,
    log_loss_of_sigmoid,
)
from fastxor.kernels.lanes import lane, spread
from fastxor.kernels.masks import within
from fastxor.kernels.memory import load, store, store_apart
from fastxor.kernels.sums import fold


class Place(NamedTuple):
    """Where a layer's numbers are, counted in groups of ``lanes``."""

    inputs: int
    units: int
    inputs_padded: int  # to what one value holds
    units_padded: int
    ahead: int  # the weights, inputs times units
    back: int  # units times inputs; of the first layer the same as ``ahead``
    biases: int  # -1 if there are none
    before: int  # the inputs among the activations
    own: int  # and the units


@inlined
def descend(weights, velocity, at, gradient, learning_rate, momentum, has_momentum):
    """One step of gradient descent on the weights from ``at`` on (contract, 8); the new ones."""
    step = learning_rate * gradient
    if has_momentum:
        step = momentum * load(velocity, at, gradient) + step
        store(velocity, at, step)
    new = load(weights, at, gradient) - step
    store(weights, at, new)
    return new


@cache
def forward(lanes: int, units: int, function: int, partial: bool, few: int) -> Any:
    """The step for ``units`` in a value; ``partial``: may a batch be of fewer samples?

    ``few``: how many such values there are, to be written out, or 0 for many. LLVM does not unroll
    a loop with an activation in it, and keeps weights out of registers: 2-8-1 took 1.13 times as
    long in float64.
    """
    wide = units * lanes

    @inlined
    def group(u, place, w, a, kept):
        I, _, _, P, ahead, _, biases, before, own = place
        z = spread(load(a, before * lanes, lanes), wide) * load(w, (ahead + u) * lanes, wide)
        if biases >= 0:
            z = load(w, (biases + u) * lanes, wide) + z
        for i in range(1, I):
            x = spread(load(a, (before + i) * lanes, lanes), wide)
            z = z + x * load(w, (ahead + i * P + u) * lanes, wide)
        z = activate(z, function, True)
        if partial:  # no infinity, which times a delta of 0 would be NaN
            z = keep_where(spread(kept, wide), z)
        store(a, (own + u) * lanes, z)

    groups, numbered = in_turn([group] * few), tuple(u * units for u in range(few))

    @inlined
    def forward(place, w, a, kept):
        groups(numbered, (place, w, a, kept))
        if not few:
            for u in range(0, place.units, units):
                group(u, place, w, a, kept)

    return forward


@cache
def outputs(
    lanes: int, units: int, function: int, log_loss: bool, watch: bool, partial: bool
) -> Any:
    """The step that makes deltas of the outputs' sums."""
    near, wide = (1 << lanes) - 1, units * lanes  # a bit for each sample

    @inlined
    def outputs(place, a, d, y, e, kept, tolerance, loss):
        """``loss`` and the terms of the loss, and whether all samples are solved.

        ``e`` is for the error of each output, and then for its terms.
        """
        O, own, solved = place.units, place.own, True
        if function == SOFTMAX:
            largest = load(a, own * lanes, lanes)
            for o in range(1, O):
                z = load(a, (own + o) * lanes, lanes)
                largest = larger(largest, z)
            shifted = load(a, own * lanes, lanes) - largest
            target = load(y, 0, lanes) * shifted
            total = exp(shifted)
            store(d, own * lanes, total)
            for o in range(1, O):
                shifted = load(a, (own + o) * lanes, lanes) - largest
                target = target + load(y, o * lanes, lanes) * shifted
                term = exp(shifted)
                total = total + term
                store(d, (own + o) * lanes, term)
            terms = keep_where(kept, log(total) - target)
            loss += lane(fold(terms, lanes), 0)
        for o in range(0, O, units):
            at = (own + o) * lanes
            target = load(y, o * lanes, wide)
            if function == SOFTMAX:
                output = load(d, at, wide) / spread(total, wide)
            else:
                output = activate(load(a, at, wide), function, True)
            error = output - target
            if partial:
                error = keep_where(spread(kept, wide), error)
            store(e, o * lanes, error)
            for k in range(o, min(o + units, O)):
                own_error = load(e, k * lanes, lanes)
                if watch and within(own_error, tolerance, lanes) != near:
                    solved = False
                if not log_loss:
                    loss += lane(fold(own_error * own_error, lanes), 0)
            delta = error
            if not log_loss:
                delta = derivative(error, output, function)
            elif function != SOFTMAX:
                terms = log_loss_of_sigmoid(target, load(a, at, wide))
                if partial:
                    terms = keep_where(spread(kept, wide), terms)
                store(e, o * lanes, terms)
                for k in range(o, min(o + units, O)):
                    loss += lane(fold(load(e, k * lanes, lanes), lanes), 0)
            store(d, at, delta)
        return loss, solved

    return outputs


@cache
def backward(lanes: int, units: int, function: int, copied: bool, has_momentum: bool) -> Any:
    """The step for a layer after one with ``units`` in a value and that function."""
    wide = units * lanes

    @inlined
    def backward(place, w, v, a, d, learning_rate, momentum):
        I, O, R, P, ahead, table, _, before, own = place
        for i in range(0, I, units):
            activation = load(a, (before + i) * lanes, wide)
            at = (table + i) * lanes
            back = spread(load(d, own * lanes, lanes), wide) * load(w, at, wide)
            for o in range(1, O):
                delta = spread(load(d, (own + o) * lanes, lanes), wide)
                back = back + delta * load(w, at + o * R * lanes, wide)
            store(d, (before + i) * lanes, derivative(back, activation, function))
            for o in range(O):
                delta = spread(load(d, (own + o) * lanes, lanes), wide)
                gradient = fold(activation * delta, lanes)
                new = descend(
                    w, v, at + o * R * lanes, gradient, learning_rate, momentum, has_momentum
                )
                if copied:
                    store_apart(w, (ahead + i * P + o) * lanes, P * lanes, new, lanes)

    return backward


@cache
def update_ahead(lanes: int, units: int, has_momentum: bool) -> Any:
    """The step for weights in a table of inputs times units, of which so many are in a value."""
    wide = units * lanes

    @inlined
    def update_ahead(place, w, v, a, d, learning_rate, momentum):
        I, O, _, P, ahead, _, _, before, own = place
        for u in range(0, O, units):
            delta = load(d, (own + u) * lanes, wide)
            for i in range(I):
                x = spread(load(a, (before + i) * lanes, lanes), wide)
                at = (ahead + i * P + u) * lanes
                gradient = fold(x * delta, lanes)
                descend(w, v, at, gradient, learning_rate, momentum, has_momentum)

    return update_ahead


@cache
def update_biases(lanes: int, units: int, has_momentum: bool) -> Any:
    wide = units * lanes

    @inlined
    def update_biases(place, w, v, d, learning_rate, momentum):
        O, biases, own = place.units, place.biases, place.own
        if biases >= 0:
            for u in range(0, O, units):
                gradient = fold(load(d, (own + u) * lanes, wide), lanes)
                at = (biases + u) * lanes
                descend(w, v, at, gradient, learning_rate, momentum, has_momentum)

    return update_biases


@cache
def turn(lanes: int) -> Any:
    """The step that writes what is in a table of units times inputs as inputs times units."""

    @inlined
    def turn(place, w):
        I, O, R, P, ahead, table, _, _, _ = place
        if ahead != table:
            for i in range(I):
                for o in range(O):
                    weight = load(w, (table + o * R + i) * lanes, lanes)
                    store(w, (ahead + i * P + o) * lanes, weight)

    return turn
