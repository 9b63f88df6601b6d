"""What the kernel for many networks does on the way back through the layers: traced functions."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fastxor.kernels.control import either, loop, when
from fastxor.kernels.functions import derivative, scaled
from fastxor.kernels.memory import Memory
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.stacked_layers import Batch
from fastxor.kernels.stacked_plan import Place
from fastxor.kernels.sums import fold_samples
from fastxor.kernels.traced import Int, Value, Variable
from fastxor.kernels.updates import Rates, averaged, corrected, step

TOGETHER = 4  # weights to a unit whose gradients are made at once


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

    def update(self, place: Place, inputs: list[Int], u: Int) -> None:
        """The weights from some inputs to one unit."""

        def terms(batch: Batch, s: Int) -> list[Value]:
            values = [batch.inputs(place, i, s) for i in inputs]
            delta = batch.of_unit(self.d, place.own + u, s)
            return [value * delta for value in values]

        for i, total in zip(inputs, self.sums(len(inputs), terms), strict=True):
            self.descend(place.table + i * place.units + u, total)

    def update_bias(self, place: Place, u: Int) -> None:
        """That of a unit, if it has any."""

        def update() -> None:
            (total,) = self.sums(1, lambda batch, s: [batch.of_unit(self.d, place.own + u, s)])
            self.descend(place.biases + u, total, True)

        when(place.biases >= 0, update)

    def delta(self, place: Place, u: Int, s: Int) -> Value:
        return self.batch.of_unit(self.d, place.own + u, s)

    def some_inputs(self, place: Place) -> Iterator[list[Int]]:
        """All inputs of a layer, at once where they are few and each network has its own samples.

        4-8-1 on 50 of these takes 0.92 times as long in float32, 0.94 in float64; samples that all
        share, which are broadcast, take 1.0 to 1.1 times as long, ten inputs by fours 1.02.
        """
        inputs = place.inputs
        if self.batch.table.own and isinstance(inputs, int) and inputs <= TOGETHER:
            yield list(range(inputs))
            return
        for i in loop(0, inputs):
            yield [i]

    def sums(self, count: int, terms: Callable[[Batch, Int], list[Value]]) -> list[Value]:
        """The sums over samples of so many ``terms``, each `width` networks wide.

        Several are summed by some samples of each value after others, so that all their sums stay
        in registers, and what they share is read once.
        """
        batch, parts = self.batch, []
        some = batch.samples if count == 1 else min(batch.samples, REGISTER_BYTES // 16)
        part = batch._replace(samples=some)
        for first in range(0, batch.samples, some):
            totals = [Variable(term) for term in terms(part, first)]
            for s in batch.all_samples(batch.samples):
                for total, term in zip(totals, terms(part, s + first), strict=True):
                    total.set(total.get() + term)
            parts.append([total.get() for total in totals])
        while len(parts) > 1:  # halves onto halves, as within a value
            half = len(parts) // 2
            parts = [
                [low + high for low, high in zip(*both, strict=True)]
                for both in zip(parts[:half], parts[half:], strict=True)
            ]
        return [fold_samples(total, batch.width) for total in parts[0]]

    def descend(self, k: Int, gradient: Value, is_bias: bool = False) -> None:
        """Update a parameter."""
        batch, w, rates = self.batch, self.batch.w, self.rates
        width, numbers = batch.width, batch.numbers
        weight = w.load(k * width, width)
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
            updates.update(place, [i], u)
        if to_inputs:
            of_first.update_bias(first, i)
            for inputs in of_first.some_inputs(first):
                of_first.update(first, inputs, i)


def backward_first(place: Place, updates: Updates) -> None:
    """The gradients of the first layer by itself, and their updates."""
    updates = updates.of(place)
    for u in loop(0, place.units):
        updates.update_bias(place, u)
    for inputs in updates.some_inputs(place):
        for u in loop(0, place.units):
            updates.update(place, inputs, u)


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
