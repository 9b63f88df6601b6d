"""What the kernel for batches of a few samples does with one layer: traced functions.

A value holds the samples of several units. Weights are spread: each is a group of ``lanes`` equal
numbers. Those of the first layer are a table of inputs times units. Each other layer has two, of
units times inputs for the way back and of inputs times units for the way ahead; or one for both, if
it has one unit. Where a group fills half a register or more, what changes the first is copied to
the second; where less, both are changed, which costs fewer shuffles.
"""

from typing import NamedTuple

from fastxor.kernels.compiling import MISSED, Wanted
from fastxor.kernels.control import least, loop, when
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
from fastxor.kernels.instructions import all_within
from fastxor.kernels.memory import Memory, spread_value
from fastxor.kernels.sums import fold
from fastxor.kernels.traced import Int, Scalar, Value, Variable
from fastxor.kernels.updates import Rates, averaged, step

FEW = 8  # values of a layer


class Place(NamedTuple):
    """Where a layer's numbers are, most of them counted in groups of ``lanes``."""

    inputs: int
    units: int
    inputs_padded: int  # to what one value holds
    units_padded: int
    ahead: int  # the weights, inputs times units
    back: int  # units times inputs; of the first layer the same as ``ahead``
    biases: int  # -1 if there are none
    before: int  # the inputs among the activations
    own: int  # and the units
    together: int  # units in a value
    together_before: int  # and inputs
    function: int  # of the units, by its code
    function_before: int  # and of the inputs
    scale: int  # of the sums of the units, see `functions.bits_of`
    scale_before: int  # and of those of the inputs


class Kind(NamedTuple):
    """What else a kernel is made for."""

    lanes: int  # samples
    partial: bool  # may a batch be of fewer samples?
    size: int  # groups of weights; `v` may have two times as many
    masters: int  # of them those that are no second weights
    copied: bool  # are second weights copies, or changed themselves?
    wanted: Wanted


class Memories(NamedTuple):
    """What a kernel works on, groups of ``lanes`` numbers."""

    w: Memory  # weights
    v: Memory  # what goes on from update to update, see `updates.step`
    y: Memory  # targets, and after the last, with padding, weights of samples
    a: Memory  # inputs, then the activations of each layer
    d: Memory  # their deltas
    e: Memory  # errors of the outputs, and terms of the loss


def forward(place: Place, kind: Kind, memories: Memories, kept: Value, is_last: bool) -> None:
    """Make a layer's activations; of the last layer, the sums.

    Few values are written out: LLVM does not unroll a loop with an activation in it, and keeps
    weights out of registers: 2-8-1 took 1.13 times as long in float64, 2-32-1 on 4 1.2 (AVX-512).
    """
    lanes, together, w, a = kind.lanes, place.together, memories.w, memories.a
    wide, ahead = together * lanes, place.ahead

    def product(i: Int, u: Int) -> Value:
        x = spread_value(a.load((i + place.before) * lanes, lanes), wide)
        return x * w.load((i * place.units_padded + u + ahead) * lanes, wide)

    values = range(0, place.units_padded, together)
    for u in values if len(values) <= FEW else loop(0, place.units_padded, together):
        z = Variable(product(0, u))
        if place.biases >= 0:
            z.set(w.load((u + place.biases) * lanes, wide) + z.get())
        for i in loop(1, place.inputs):
            z.set(z.get() + product(i, u))
        sums = scaled(z.get(), place.scale)
        made = sums if is_last else activate(sums, place.function, True)
        if kind.partial:  # no infinity, which times a delta of 0 would be NaN
            made = keep_where(spread_value(kept, wide), made)
        a.store((u + place.own) * lanes, made)


def outputs(
    place: Place, kind: Kind, memories: Memories, kept: Value, tolerance: Scalar, position: Memory
) -> Value:
    """Make deltas of the outputs' sums; the sum of the terms of the loss, in one lane.

    A sample that is not solved is `MISSED`.
    """
    lanes, partial, wanted, (_, _, y, a, d, e) = kind.lanes, kind.partial, kind.wanted, memories
    O, own, together, function = place.units, place.own, place.together, place.function
    wide, loss = together * lanes, Variable(Value.full(0, y.dtype, 1))

    def weight() -> Value:
        return y.load(place.units_padded * lanes, lanes)

    def add(terms: Value) -> None:
        terms = terms * weight() if wanted.weighted else terms
        loss.set(loss.get() + fold(terms, lanes).lane(0))

    if function == SOFTMAX:
        largest = Variable(a.load(own * lanes, lanes))
        for o in loop(1, O):
            largest.set(larger(largest.get(), a.load((o + own) * lanes, lanes)))
        shifted = a.load(own * lanes, lanes) - largest.get()
        target = Variable(y.load(0, lanes) * shifted)
        total = Variable(exp(shifted))
        d.store(own * lanes, total.get())
        for o in loop(1, O):
            shifted = a.load((o + own) * lanes, lanes) - largest.get()
            target.set(target.get() + y.load(o * lanes, lanes) * shifted)
            term = exp(shifted)
            total.set(total.get() + term)
            d.store((o + own) * lanes, term)
        add(keep_where(kept, log(total.get()) - target.get()))
    for o in loop(0, O, together):
        at = (o + own) * lanes
        if function == SOFTMAX:
            output = d.load(at, wide) / spread_value(total.get(), wide)
        else:
            output = activate(a.load(at, wide), function, True)
        target_here = y.load(o * lanes, wide)
        error = output - target_here
        if partial:
            error = keep_where(spread_value(kept, wide), error)
        e.store(o * lanes, error)
        for k in loop(o, least(o + together, O)):
            own_error = e.load(k * lanes, lanes)
            if wanted.watch:
                looked_at = keep_where(weight(), own_error) if wanted.weighted else own_error
                when(~all_within(looked_at, tolerance), position.set, MISSED, 1)
            if not wanted.log_loss:
                add(own_error * own_error)
        delta = error
        if not wanted.log_loss:
            delta = derivative(error, output, function)
        elif function != SOFTMAX:
            terms = log_loss_of_sigmoid(target_here, a.load(at, wide))
            if partial:
                terms = keep_where(spread_value(kept, wide), terms)
            e.store(o * lanes, terms)
            for k in loop(o, least(o + together, O)):
                add(e.load(k * lanes, lanes))
        delta = delta * spread_value(weight(), wide) if wanted.weighted else delta
        d.store(at, scaled(delta, place.scale))
    return loss.get()


class Updates(NamedTuple):
    """What the steps back share."""

    kind: Kind
    memories: Memories
    rates: Rates
    share: Value  # of a sample in means

    def descend(self, at: Int, terms: Value, is_bias: bool = False) -> Value:
        """Update the weights from ``at`` on, for gradients that are the sums of ``terms`` over
        samples; the new weights."""
        w, v, _, _, _, _ = self.memories
        lanes, size, wanted, rates = self.kind.lanes, self.kind.size, self.kind.wanted, self.rates
        gradient, weights = fold(terms, lanes), w.load(at, terms.n)
        if wanted.l2 and not is_bias:
            gradient = gradient + weights * rates.l2
        gradient = averaged(wanted.mean, gradient, self.share)
        new = weights - step(wanted.rule, gradient, v, at, size * lanes, rates)
        w.store(at, new)
        return new

    def delta(self, unit: Int, n: int) -> Value:
        """Of one unit, in ``n`` lanes."""
        lanes = self.kind.lanes
        return spread_value(self.memories.d.load(unit * lanes, lanes), n)


def backward(place: Place, updates: Updates) -> None:
    """Make the deltas of the layer before, and change the weights between them."""
    lanes, (w, _, _, a, d, _) = updates.kind.lanes, updates.memories
    O, own, together = place.units, place.own, place.together_before
    wide, row = together * lanes, place.inputs_padded
    copied = updates.kind.copied and place.units > 1
    for i in loop(0, place.inputs, together):
        activation, at = a.load((i + place.before) * lanes, wide), (i + place.back) * lanes
        back = Variable(updates.delta(own, wide) * w.load(at, wide))
        for o in loop(1, O):
            weights = w.load(o * (row * lanes) + at, wide)
            back.set(back.get() + updates.delta(o + own, wide) * weights)
        delta = derivative(back.get(), activation, place.function_before)
        d.store((i + place.before) * lanes, scaled(delta, place.scale_before))
        for o in loop(0, O):
            terms = activation * updates.delta(o + own, wide)
            weights = updates.descend(o * (row * lanes) + at, terms)
            if copied:
                padded = place.units_padded
                to = (i * padded + o + place.ahead) * lanes
                w.store_apart(to, padded * lanes, weights, lanes)


def update_ahead(place: Place, updates: Updates) -> None:
    """Change the weights in a table of inputs times units."""
    lanes, (_, _, _, a, d, _) = updates.kind.lanes, updates.memories
    wide = place.together * lanes
    for u in loop(0, place.units, place.together):
        delta = d.load((u + place.own) * lanes, wide)
        for i in loop(0, place.inputs):
            x = spread_value(a.load((i + place.before) * lanes, lanes), wide)
            updates.descend((i * place.units_padded + u + place.ahead) * lanes, x * delta)


def update_biases(place: Place, updates: Updates) -> None:
    lanes, wide = updates.kind.lanes, place.together * updates.kind.lanes
    for u in loop(0, place.units, place.together):
        terms = updates.memories.d.load((u + place.own) * lanes, wide)
        updates.descend((u + place.biases) * lanes, terms, is_bias=True)


def turn(place: Place, lanes: int, w: Memory) -> None:
    """Write what is in a table of units times inputs as inputs times units."""
    for i in loop(0, place.inputs):
        for o in loop(0, place.units):
            weight = w.load((o * place.inputs_padded + i + place.back) * lanes, lanes)
            w.store((i * place.units_padded + o + place.ahead) * lanes, weight)
