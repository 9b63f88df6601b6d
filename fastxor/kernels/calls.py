"""From calls of kernels in Python to the traced functions that they are made of."""

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastxor.kernels.control import least
from fastxor.kernels.memory import Memory
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.traced import Int, Scalar, Value, Whole, writing
from fastxor.kernels.updates import Rates, rates_in


class BatchCall(NamedTuple):
    """The arguments of a kernel for one network: see `choice`."""

    numbers: Memory
    X: Memory
    y: Memory
    order: Memory
    generator: Memory
    n: Whole
    batch_size: Whole
    parameters: Memory
    carried: Memory
    totals: Memory
    work: Memory
    losses: Memory
    penalties: Memory
    held_out: Memory
    validation_losses: Memory
    best: Memory
    position: Memory
    rates: Memory
    factors: Memory
    l2: Memory
    layer_rates: Memory
    tolerance: Scalar
    terms: Scalar  # what the terms of a loss are divided by
    held_out_terms: Scalar  # and those of samples that are held out
    chunks: Whole

    def rates_of(self, epoch: Int) -> Rates:
        """Those of an epoch."""
        rates = rates_in(self.rates, 1, 1)
        return rates._replace(learning_rate=rates.learning_rate * self.factor(epoch))

    def factor(self, epoch: Int) -> Value:
        """Of learning rates."""
        return self.factors.load(least(epoch, self.factors.size - 1), 1)


class StackCall(NamedTuple):
    """The arguments of a kernel for many networks: see `stacked.stacked_batch`."""

    numbers: Memory
    X: Memory
    y: Memory
    n: Whole
    tables: Memory
    parameters: Memory
    carried: Memory
    rates: Memory
    networks: Whole
    first: Whole
    epochs: Whole
    factors: Memory
    record_every: Whole
    losses: Memory
    tolerance: Scalar
    solved_at: Memory
    held_out: Whole  # samples
    held_out_samples: Memory
    held_out_targets: Memory
    held_out_tables: Memory
    validate_every: Whole
    waits: Memory
    validation_losses: Memory
    best: Memory
    best_epoch: Memory
    work: Memory


class ForwardCall(NamedTuple):
    """The arguments of the kernel for predictions."""

    numbers: Memory
    X: Memory  # (samples, I), flat
    parameters: Memory  # (networks, size), flat: W1, b1, ..., WL, bL of each
    outputs: Memory  # (networks, n, O), flat
    work: Memory
    size: Whole
    n: Whole
    first_network: Whole  # of those to make, and after the last
    last_network: Whole
    first: Whole  # the place of the samples in the outputs
    samples: Whole  # how many


# kinds of arguments, see `compiling.Code`
BATCH, STACK, FORWARD = "IVVIIiiVVVVVVVVVIVVVVTTTi", "IVViIVVViiiViVTIiVVIiIVVIV", "IVVVViiiiii"


def of_batches(kernel: Callable[[BatchCall], None]) -> Any:
    """A function that Numba compiles, of the arguments `BATCH`."""
    traced = traced_call(kernel)

    def call(
        numbers, X, y, order, generator, n, batch_size, parameters, carried, totals, work, losses,
        penalties, held_out, validation_losses, best, position, rates, factors, l2, layer_rates,
        tolerance, terms, held_out_terms, chunks,
    ):  # fmt: skip
        traced(BatchCall(
            numbers, X, y, order, generator, n, batch_size, parameters, carried, totals, work,
            losses, penalties, held_out, validation_losses, best, position, rates, factors, l2,
            layer_rates, tolerance, terms, held_out_terms, chunks,
        ))  # fmt: skip

    return call


def of_stacks(kernel: Callable[[StackCall], None]) -> Any:
    """Likewise, of the arguments `STACK`."""
    traced = traced_call(kernel)

    def call(
        numbers, X, y, n, tables, parameters, carried, rates, networks, first, epochs, factors,
        record_every, losses, tolerance, solved_at, held_out, held_out_samples,
        held_out_targets, held_out_tables, validate_every, waits, validation_losses, best,
        best_epoch, work,
    ):  # fmt: skip
        traced(StackCall(
            numbers, X, y, n, tables, parameters, carried, rates, networks, first, epochs, factors,
            record_every, losses, tolerance, solved_at, held_out, held_out_samples,
            held_out_targets, held_out_tables, validate_every, waits, validation_losses, best,
            best_epoch, work,
        ))  # fmt: skip

    return call


def of_forward(kernel: Callable[[ForwardCall], None]) -> Any:
    """Likewise, of the arguments `FORWARD`."""
    traced = traced_call(kernel)

    def call(
        numbers, X, parameters, outputs, work, size, n, first_network, last_network, first, samples
    ):
        traced(ForwardCall(
            numbers, X, parameters, outputs, work, size, n, first_network, last_network, first,
            samples,
        ))  # fmt: skip

    return call


def traced_call(function: Callable[[Any], None]) -> Any:
    """What jitted code calls with a tuple of numbers and arrays, for ``function`` of that tuple.

    Integers become `Whole`, floats `Scalar`, arrays `Memory`.
    """

    @intrinsic
    def call(tyctx, given):
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            parts = zip(cgutils.unpack_tuple(builder, args[0]), given.types, strict=True)
            values = [_given(context, builder, value, kind) for value, kind in parts]
            # LLVM spills registers to where the caller's stack happens to end: those as wide as a
            # cache line may lie across two of them, and many XOR networks take 1.1 times as long
            attributes = builder.function.attributes
            attributes.alignstack = REGISTER_BYTES
            attributes.add("nounwind")  # llvmlite writes the other only where there is one of these
            with writing(builder):
                named = getattr(given, "instance_class", None)
                function(named(*values) if named else tuple(values))
            return context.get_dummy_value()

        return types.void(given), codegen

    return call


def _given(context: Any, builder: Any, value: Any, kind: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        return Memory(array.data, Whole(array.nitems))
    return (Scalar if isinstance(kind, types.Float) else Whole)(value)
