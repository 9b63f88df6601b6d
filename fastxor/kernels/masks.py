"""Lanes chosen by the bits of an integer: bit i for lane i, of up to 64 lanes."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastxor.kernels.lanes import as_lanes, literal, pick


@intrinsic
def within(tyctx, value, limit, n):
    """Bit i tells whether all of the lanes i, i + n, i + 2 * n, ... are nearer to zero than limit.

    ``n`` is a constant, at most 64; NaN is never near.
    """
    width = literal(n, "n")

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x = args[0]
        farthest = as_lanes(context, builder, args[1], limit, value)
        fabs = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(x.type, [x.type]),
            f"llvm.fabs.v{value.n}f{value.dtype.bitwidth}",
        )
        near = builder.fcmp_ordered("<", builder.call(fabs, [x]), farthest)
        while near.type.count > width:
            half = near.type.count // 2
            near = builder.and_(
                pick(builder, near, list(range(half))),
                pick(builder, near, list(range(half, 2 * half))),
            )
        bits = builder.bitcast(near, ir.IntType(width))
        return bits if width == 64 else builder.zext(bits, ir.IntType(64))

    return types.int64(value, limit, n), codegen


@intrinsic
def choose(tyctx, bits, value, other):
    """``value`` in the lanes whose bit is set, ``other`` in the rest."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number = ir.IntType(value.n)
        chosen = args[0] if value.n == 64 else builder.trunc(args[0], number)
        mask = builder.bitcast(chosen, ir.VectorType(ir.IntType(1), value.n))
        return builder.select(mask, args[1], args[2])

    return value(bits, value, other), codegen
