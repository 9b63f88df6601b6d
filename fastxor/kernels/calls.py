"""Calls of jitted functions for layers: written out for constants, or in a loop."""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastxor.kernels.compiling import inlined


def in_turn(functions: Sequence[Any]) -> Any:
    """``call(each, given)`` for jitted code: ``functions[i](each[i], *given)`` for each i.

    ``each`` and ``given`` are tuples, ``each`` of constants. The calls are written out, so that a
    function knows the numbers wherever it is inlined. Jitted functions that called them one after
    another would take Numba a tenth of a second each.
    """
    kinds = [types.Dispatcher(function) for function in functions]

    @intrinsic
    def call(tyctx, each, given):
        resolved = [
            (kind, tyctx.resolve_function_type(kind, (one, *given), {}))
            for kind, one in zip(kinds, each, strict=True)
        ]

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            constants = cgutils.unpack_tuple(builder, args[0])
            values = cgutils.unpack_tuple(builder, args[1])
            for (kind, signature), one in zip(resolved, constants, strict=True):
                lowered = context.get_function(kind, signature)
                context.add_linking_libs(getattr(lowered, "libs", ()))
                lowered(builder, (one, *values))
            return context.get_dummy_value()

        return types.void(each, given), codegen

    return call


def in_rows(function: Any, kind: Any) -> Any:
    """Likewise of one function, for ``each`` known only when the kernel runs.

    ``each`` is (memory, first, end, step): rows of integers, a ``kind`` of `NamedTuple` each, and a
    range of them.
    """
    size = len(kind._fields)
    one = in_turn([function])

    @inlined
    def call(each, given):
        memory, first, end, step = each
        for row in range(first, end, step):
            one((integers(memory, row * size, kind),), given)

    return call


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
