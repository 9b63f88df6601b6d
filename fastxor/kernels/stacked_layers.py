"""What the kernel for many networks does with one layer: traced functions.

Weights are an array of inputs times units, and biases after it, each number `width` networks wide.
A value holds some samples of a batch for them, each sample `width` lanes after the one before. Of
each unit there is a row of such values, ``row`` numbers long, for all samples of a batch.
"""

from collections.abc import Iterable
from typing import NamedTuple

from fastxor.kernels.control import either, loop, when
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
from fastxor.kernels.instructions import keep_first
from fastxor.kernels.masks import near_bits
from fastxor.kernels.memory import Memory, spread_value
from fastxor.kernels.stacked_group import Table
from fastxor.kernels.stacked_plan import Numbers, Place
from fastxor.kernels.traced import Flag, Int, Scalar, Value, Variable, Whole, equal

FEW = 3  # units


class Batch(NamedTuple):
    """What the steps of a batch share."""

    samples: int  # in a value
    width: int  # networks
    numbers: Numbers
    table: Table
    at: Int  # the first sample
    rows: Int  # samples, with padding
    apart: Int  # rows from column to column, where networks have samples of their own
    w: Memory
    a: Memory

    @property
    def wide(self) -> int:
        return self.samples * self.width

    @property
    def row(self) -> Int:
        """Numbers of a unit."""
        return self.rows * self.width

    def all_samples(self, first: int = 0) -> Iterable[Int]:
        """The first of those in each value."""
        return loop(first, self.rows, self.samples)

    def inputs(self, place: Place, i: Int, s: Int) -> Value:
        """One of a layer, of the samples from ``s`` on."""

        def sample() -> Value:
            return self.column(self.table.X, i, place.inputs, s)

        def activation() -> Value:
            return self.of_unit(self.a, place.before + i, s)

        return either(place.before < 0, sample, activation)

    def of_unit(self, rows: Memory, unit: Int, s: Int) -> Value:
        return rows.load(unit * self.row + s * self.width, self.wide)

    def column(self, of: Memory, i: Int, columns: Int, s: Int) -> Value:
        """One of so many, of the samples from ``s`` on."""
        row = self.at + s
        if self.table.own:
            return of.load((i * self.apart + row) * self.width, self.wide)
        return of.load_each(row * columns + i, columns, self.samples, self.width)

    def target(self, s: Int, o: Int) -> Value:
        """That of an output, or after the last the weight, of the samples from ``s`` on."""
        columns = self.numbers.outputs + self.numbers.weighted
        return self.column(self.table.y, o, columns, s)

    def weighted(self, value: Value, s: Int) -> Value:
        return either(
            self.numbers.weighted, lambda: value * self.target(s, self.numbers.outputs),
            lambda: value,
        )  # fmt: skip

    def term(self, e: Memory, o: Int, s: Int) -> Value:
        """Of a loss, of the samples from ``s`` on: of errors or log losses in ``e``."""
        term = self.of_unit(e, o, s)
        term = either(self.numbers.log_loss, lambda: term, lambda: term * term)
        return self.weighted(term, s)

    def parameter(self, k: Int) -> Value:
        return spread_value(self.w.load(k * self.width, self.width), self.wide)


def sums_of(u: Int, place: Place, batch: Batch, s: Int) -> Value:
    """The sums of a unit, scaled, before its activation, of some samples."""
    z = Variable(batch.inputs(place, 0, s) * batch.parameter(place.table + u))

    def add_bias() -> None:
        z.set(batch.parameter(place.biases + u) + z.get())

    when(place.biases >= 0, add_bias)
    for i in loop(1, place.inputs):
        weight = batch.parameter(place.table + i * place.units + u)
        z.set(z.get() + batch.inputs(place, i, s) * weight)
    return scaled(z.get(), place.scale)


def forward(place: Place, batch: Batch, count: Int) -> None:
    """Make a hidden layer's activations.

    Few units are written out, as LLVM does not unroll a loop with an activation in it: in a loop,
    XOR takes 1.1 times as long in float32. Four units written out would take 1.15 times as long.
    """
    a, row, width = batch.a, batch.row, batch.width
    few = isinstance(place.units, int) and place.units <= FEW

    def without_padding(s: Int) -> None:  # no infinity, which times a delta of 0 would be NaN
        for u in loop(place.own, place.own + place.units):
            kept = keep_first(batch.of_unit(a, u, s), (count - s) * width)
            a.store(u * row + s * width, kept)

    for s in batch.all_samples():
        for u in range(place.units) if few else loop(0, place.units):
            z = activate(sums_of(u, place, batch, s), place.function, False)
            a.store((place.own + u) * row + s * width, z)
        when(batch.numbers.partial, when, count - s < batch.samples, without_padding, s)


def outputs(
    place: Place, batch: Batch, d: Memory, e: Memory, count: Int, tolerance: Scalar,
    solved: Whole, wanted: bool | Flag,
) -> Whole:  # fmt: skip
    """Make the last layer's outputs, and deltas of its sums.

    Which networks of ``solved`` still are; errors or, if wanted, terms of log losses go to ``e``.
    """
    numbers, a, width = batch.numbers, batch.a, batch.width
    O, own, row, function = place.units, place.own, batch.row, numbers.function
    is_softmax, still = equal(function, SOFTMAX), Variable(solved)

    def look(error: Value) -> None:
        still.set(still.get() & near_bits(error, tolerance, width))

    def of_weighted(error: Value, s: Int) -> Value:
        return keep_where(batch.target(s, O), error)

    def known(value: Value, s: Int) -> Value:
        def kept() -> Value:
            return keep_first(value, (count - s) * width)

        return either(numbers.partial, kept, lambda: value)

    def error_of(output: Value, s: Int, o: Int) -> Value:
        error = known(output - batch.target(s, o), s)
        looked_at = either(numbers.weighted, of_weighted, lambda error, _: error, error, s)
        when(numbers.watch, look, looked_at)
        return error

    def put_terms(s: Int, total: Value, targets: Value) -> None:
        e.store(s * width, known(log(total) - targets, s))

    def of_softmax() -> None:
        for s in batch.all_samples():
            largest = Variable(sums_of(0, place, batch, s))
            a.store(own * row + s * width, largest.get())
            for o in loop(1, O):
                z = sums_of(o, place, batch, s)
                a.store((own + o) * row + s * width, z)
                largest.set(larger(largest.get(), z))
            shifted = batch.of_unit(a, own, s) - largest.get()
            targets = Variable(batch.target(s, 0) * shifted)
            total = Variable(exp(shifted))
            d.store(own * row + s * width, total.get())
            for o in loop(1, O):
                shifted = batch.of_unit(a, own + o, s) - largest.get()
                targets.set(targets.get() + batch.target(s, o) * shifted)
                term = exp(shifted)
                total.set(total.get() + term)
                d.store((own + o) * row + s * width, term)
            when(wanted, put_terms, s, total.get(), targets.get())
            for o in loop(0, O):
                error = error_of(batch.of_unit(d, own + o, s) / total.get(), s, o)
                d.store((own + o) * row + s * width, scaled(batch.weighted(error, s), place.scale))

    def of_log_loss(error: Value, output: Value, z: Value, s: Int, o: Int) -> Value:
        def terms_of_log_loss() -> None:
            e.store(o * row + s * width, known(log_loss_of_sigmoid(batch.target(s, o), z), s))

        when(wanted, terms_of_log_loss)
        return error

    def of_mse(error: Value, output: Value, z: Value, s: Int, o: Int) -> Value:
        when(wanted, e.store, o * row + s * width, error)
        return derivative(error, output, function)

    def of_others() -> None:
        for s in batch.all_samples():
            for o in loop(0, O):
                z = sums_of(o, place, batch, s)
                output = activate(z, function, False)
                error = error_of(output, s, o)
                delta = either(numbers.log_loss, of_log_loss, of_mse, error, output, z, s, o)
                d.store((own + o) * row + s * width, scaled(batch.weighted(delta, s), place.scale))

    either(is_softmax, of_softmax, of_others)
    return still.get()
