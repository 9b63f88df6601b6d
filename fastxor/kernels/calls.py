"""Calls of jitted functions for some constants: layers, each with its own code."""

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


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


@intrinsic
def unrolled_where_called(tyctx):
    """To be called first by a jitted function whose loops get constant bounds by being inlined.

    LLVM optimises it once for itself, too, where it would unroll its loops for any bounds and keep
    them from being unrolled again: XOR took 1.05 times as long in float32. Optimised for size,
    loops are left as they are.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.function.attributes.add("optsize")
        return context.get_dummy_value()

    return types.void(), codegen
