"""Calls of traced functions from jitted code."""

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastxor.kernels.control import loop
from fastxor.kernels.lanes import Lanes
from fastxor.kernels.memory import Memory
from fastxor.kernels.traced import Flag, Int, Scalar, Value, Whole, writing


def jitted_step(function: Callable[..., Any], result: Any = types.void) -> Any:
    """``call(network, given)`` for jitted code: ``function(*network, *given)``, of two tuples.

    Lanes become `Value`, floats `Scalar`, integers `Whole`, conditions `Flag`, and arrays and
    pointers `Memory`; tuples and constants stay what they are.
    """

    @intrinsic
    def call(tyctx, network, given):
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            with writing(builder):
                first, second = (
                    _given(context, builder, value, kind)
                    for value, kind in zip(args, sig.args, strict=True)
                )
                made = function(*first, *second)
            return context.get_dummy_value() if result is types.void else made.llvm

        return result(network, given), codegen

    return call


def _given(context: Any, builder: Any, value: Any, kind: Any) -> Any:
    """What traced functions get for a value of jitted code."""
    if isinstance(kind, types.Literal):
        return kind.literal_value
    if isinstance(kind, types.Boolean):
        return Flag(value)
    if isinstance(kind, types.Integer):
        return Whole(value)
    if isinstance(kind, types.Float):
        return Scalar(value)
    if isinstance(kind, Lanes):
        return Value(value)
    if isinstance(kind, types.Array):
        return Memory(context.make_array(kind)(context, builder, value).data)
    if isinstance(kind, types.CPointer):
        return Memory(value)
    parts = zip(cgutils.unpack_tuple(builder, value), kind.types, strict=True)
    values = [_given(context, builder, part, own) for part, own in parts]
    return kind.instance_class(*values) if hasattr(kind, "instance_class") else tuple(values)


class Rows:
    """A range of rows of integers in memory, a ``kind`` of `NamedTuple` each, to be looped over."""

    def __init__(self, memory: Memory, first: Int, last: Int, step: int, kind: Any) -> None:
        self.memory, self.range, self.kind = memory, (first, last, step), kind

    def __iter__(self) -> Iterator[Any]:
        size = len(self.kind._fields)
        for row in loop(*self.range):
            yield self.kind(*(self.memory[row * size + k] for k in range(size)))


@intrinsic
def integers(tyctx, memory, index, kind):
    """The integers from ``memory[index]`` on as a ``kind`` of `NamedTuple`."""
    count = len(kind.instance_class._fields)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        addresses = [
            builder.gep(args[0], [builder.add(args[1], ir.Constant(args[1].type, i))])
            for i in range(count)
        ]
        numbers = [builder.load(address) for address in addresses]
        return context.make_tuple(builder, sig.return_type, numbers)

    result = types.NamedUniTuple(types.int64, count, kind.instance_class)
    return result(memory, index, kind), codegen
