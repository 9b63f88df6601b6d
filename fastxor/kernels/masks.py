"""Lanes chosen by the bits of an integer: bit i for lane i, of up to 64 lanes."""

from typing import Any

from llvmlite import ir
from numba.extending import intrinsic

from fastxor.kernels.instructions import absolute
from fastxor.kernels.lanes import pick
from fastxor.kernels.traced import I64, Value, Whole, builder


def near_bits(value: Value, limit: Any, n: int) -> Whole:
    """Bit i tells whether all of the lanes i, i + n, i + 2 * n, ... are nearer to zero than limit.

    ``n`` is at most 64; NaN is never near.
    """
    near = builder().fcmp_ordered("<", absolute(value).llvm, value.match(limit))
    while near.type.count > n:
        half = near.type.count // 2
        low, high = list(range(half)), list(range(half, 2 * half))
        near = builder().and_(pick(builder(), near, low), pick(builder(), near, high))
    bits = builder().bitcast(near, ir.IntType(n))
    return Whole(bits if n == 64 else builder().zext(bits, I64))


@intrinsic
def choose_lanes(tyctx, bits, value, other):
    """``value`` in the lanes whose bit is set, ``other`` in the rest."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number = ir.IntType(value.n)
        chosen = args[0] if value.n == 64 else builder.trunc(args[0], number)
        mask = builder.bitcast(chosen, ir.VectorType(ir.IntType(1), value.n))
        return builder.select(mask, args[1], args[2])

    return value(bits, value, other), codegen
