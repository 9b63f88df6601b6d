"""What the kernel for many networks does on the way back through the layers: traced functions."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from fastxor.kernels.control import either, loop, when
from fastxor.kernels.functions import derivative, scaled
from fastxor.kernels.memory import Memory
from fastxor.kernels.stacked_layers import Batch
from fastxor.kernels.stacked_plan import Place
from fastxor.kernels.sums import fold_samples
from fastxor.kernels.traced import Int, Value, Variable
from fastxor.kernels.updates import Rates, averaged, corrected, step


class Updates(NamedTuple):
    """What the steps back share beside."""

    batch: Batch
    v: Memory
    d: Memory
    rates: Rates
    share: Value  # of a sample in means
    rate_of: Callable[[Place], Value]  # of a layer in the epoch, where these have their own
    correction: Value  # by Adam, of such a rate

    def of(self, place: Place) -> "Updates":
        """Those of a layer."""

        def own() -> Value:
            return self.rate_of(place) * self.correction

        rate = either(self.batch.numbers.layered, own, lambda: self.rates.learning_rate)
        return self._replace(rates=self.rates._replace(learning_rate=rate))

    def update(self, place: Place, i: Int, u: Int) -> None:
        """The weight from one input to one unit."""

        def terms(s: Int) -> Value:
            return self.batch.inputs(place, i, s) * self.delta(place, u, s)

        self.descend(place.table + i * place.units + u, terms)

    def update_bias(self, place: Place, u: Int) -> None:
        """That of a unit, if it has any."""

        def terms(s: Int) -> Value:
            return self.delta(place, u, s)

        when(place.biases >= 0, self.descend, place.biases + u, terms, True)

    def delta(self, place: Place, u: Int, s: Int) -> Value:
        return self.batch.of_unit(self.d, place.own + u, s)

    def descend(self, k: Int, terms: Callable[[Int], Value], is_bias: bool = False) -> None:
        """Update a parameter, for the gradient that is the sum of ``terms`` over samples."""
        batch, w, rates = self.batch, self.batch.w, self.rates
        width, numbers = batch.width, batch.numbers
        total = Variable(terms(0))
        for s in batch.all_samples(batch.samples):
            total.set(total.get() + terms(s))
        gradient, weight = fold_samples(total.get(), width), w.load(k * width, width)
        if not is_bias:
            gradient = either(numbers.l2, lambda: gradient + weight * rates.l2, lambda: gradient)
        gradient = averaged(numbers.mean, gradient, self.share)
        change = step(numbers.rule, gradient, self.v, k * width, numbers.size * width, rates)
        w.store(k * width, weight - change)


def backward(place: Place, first: Place, to_inputs: bool, updates: Updates) -> None:
    """Make the gradients of a layer and their updates, and the deltas of that before.

    ``to_inputs``: that is the first, whose gradients are made, too, while its deltas are at hand.
    """
    batch, d = updates.batch, updates.d
    O, row, width, function = place.units, batch.row, batch.width, place.function_before
    of_first, updates = updates.of(first), updates.of(place)
    for u in loop(0, O):
        updates.update_bias(place, u)
    for i in loop(0, place.inputs):
        k = place.table + i * O
        for s in batch.all_samples():
            back = Variable(updates.delta(place, 0, s) * batch.parameter(k))
            for u in loop(1, O):
                back.set(back.get() + updates.delta(place, u, s) * batch.parameter(k + u))
            delta = derivative(back.get(), batch.inputs(place, i, s), function)
            d.store((place.before + i) * row + s * width, scaled(delta, place.scale_before))
        for u in loop(0, O):
            updates.update(place, i, u)
        if to_inputs:
            of_first.update_bias(first, i)
            for j in loop(0, first.inputs):
                of_first.update(first, j, i)


def backward_first(place: Place, updates: Updates) -> None:
    """The gradients of the first layer by itself, and their updates."""
    updates = updates.of(place)
    for u in loop(0, place.units):
        updates.update_bias(place, u)
    for i in loop(0, place.inputs):
        for u in loop(0, place.units):
            updates.update(place, i, u)


def go_back(
    first: Place, deeper: Iterable[Place], second: Iterable[Place], batch: Batch, v: Memory,
    d: Memory, rates: Rates, share: Value, rate_of: Callable[[Place], Value],
) -> None:  # fmt: skip
    numbers = batch.numbers
    rates, correction = corrected(numbers.rule, rates, v.at(2 * numbers.size * batch.width))
    updates = Updates(batch, v, d, rates, share, rate_of, correction)
    first_apart = batch.samples == 1  # 16-16-1 takes 0.7 times as long as unit by unit
    for place in deeper:
        backward(place, first, False, updates)
    for place in second:
        backward(place, first, not first_apart, updates)
    when(first_apart or batch.numbers.depth < 2, backward_first, first, updates)
