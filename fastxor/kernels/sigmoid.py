"""The contract's sigmoid on `Lanes`: one division, and the bits of `contract.functions.sigmoid`.

The same numbers as there, arranged for speed; the sign of x = -z is folded into the constants,
so r and odd have the other sign here.

* k = rint(x * log2(e)) serves as a number (`nearest`) and, brought into the low bits by adding
  1.5 * 2**52 (1.5 * 2**23), as an exponent. Both round to nearest even. Rounding directly,
  instead of subtracting the 1.5 * 2**52 again, saves one network 1.5 % of its epoch.
* k * ln2_hi is exact (33 + 11 bits; 9 + 8 in float32), so fusing it changes no bit and saves a
  large batch 2.5 %.
* ``short_chain``: (even - odd) * 2**k as even * 2**k - (r * 2**k) * (odd / r) has the same bits.
  The power of two comes in where others are awaited anyway, a multiplication less on the
  critical path and two more in all: one network gains 3 %, a large batch would lose 2 % with
  AVX-512 and 7 % with AVX2, whose pipes are full. It scales exactly unless r * 2**k underflows,
  where the term is too small to be seen in its sum with even + odd, which is near one: r is 0,
  or z (k = 0), or above 2**-70.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from fastxor.kernels.lanes import Lanes, as_lanes


def sigmoid(z, short_chain):
    """1 / (1 + exp(-z)) of each lane, in jitted code only; NaN stays NaN.

    ``short_chain``, a constant: does the caller wait for this one, or has it others to do?
    """
    raise NotImplementedError


@overload(sigmoid, inline="never", jit_options={"forceinline": True})
def _sigmoid(z, short_chain):
    return _sigmoid_float64 if z.dtype == types.float64 else _sigmoid_float32


@njit(forceinline=True)
def _fraction(even, r, odd_by_r, power, short_chain):
    odd = r * odd_by_r
    below = even + odd
    if short_chain:
        above = even * power - (r * power) * odd_by_r
    else:
        above = (even - odd) * power
    return below / (below + above)


def _sigmoid_float64(z, short_chain):
    z = clamp(z, -709, 708)
    t = z * -1.4426950408889634
    k = nearest(t)
    power = power_of_two(t + 6755399441055744.0)
    r = add_exact_product(z, k, 0.6931471803691238) + k * 1.9082149292705877e-10
    r2 = r * r
    r4 = r2 * r2
    even = (1 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
    odd_by_r = (1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840)
    return _fraction(even, r, odd_by_r, power, short_chain)


def _sigmoid_float32(z, short_chain):
    z = clamp(z, -88, 87)
    t = z * -1.4426950408889634
    k = nearest(t)
    power = power_of_two(t + 12582912.0)
    r = add_exact_product(z, k, 0.693359375) + k * -2.12194440e-4
    r2 = r * r
    even = 1 + r2 * (1 / 10)
    odd_by_r = 1 / 2 + r2 * (1 / 120)
    return _fraction(even, r, odd_by_r, power, short_chain)


# --- the steps that are more than + - * / ------------------------------------------
@intrinsic
def clamp(tyctx, value, low, high):
    """``value`` in [low, high]; NaN stays NaN."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, lowest, highest = (
            as_lanes(context, builder, argument, kind, value)
            for argument, kind in zip(args, sig.args, strict=True)
        )
        x = builder.select(builder.fcmp_ordered("<", x, lowest), lowest, x)
        return builder.select(builder.fcmp_ordered(">", x, highest), highest, x)

    return value(value, low, high), codegen


def _call(context: Any, builder: Any, name: str, lanes: Lanes, args: list[Any]) -> Any:
    kind = context.get_value_type(lanes)
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind, [kind] * len(args)),
        f"llvm.{name}.v{lanes.n}f{lanes.dtype.bitwidth}",
    )
    return builder.call(function, args)


@intrinsic
def nearest(tyctx, value):
    """The nearest integers, ties to even, as ``np.rint``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(context, builder, "nearbyint", value, list(args))

    return value(value), codegen


@intrinsic
def add_exact_product(tyctx, addend, left, right):
    """``addend + left * right`` for a product without rounding error.

    One instruction where the processor has a fused multiply-add, two where not; with an
    exact product both round once and give the same bits.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, a, b = (
            as_lanes(context, builder, argument, kind, addend)
            for argument, kind in zip(args, sig.args, strict=True)
        )
        return _call(context, builder, "fmuladd", addend, [a, b, x])

    return addend(addend, left, right), codegen


@intrinsic
def power_of_two(tyctx, shifted):
    """``2**k`` from ``k + 1.5 * 2**52`` (float32: ``k + 1.5 * 2**23``), whose low bits are k."""
    bits, mantissa, bias = (64, 52, 1023) if shifted.dtype == types.float64 else (32, 23, 127)
    integers = ir.VectorType(ir.IntType(bits), shifted.n)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        k = builder.bitcast(args[0], integers)
        biased = builder.add(k, ir.Constant(integers, [bias] * shifted.n))
        exponent = builder.shl(biased, ir.Constant(integers, [mantissa] * shifted.n))
        return builder.bitcast(exponent, args[0].type)

    return shifted(shifted), codegen
