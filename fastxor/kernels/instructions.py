"""What `Lanes` can do beside + - * /, an instruction or a few each."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastxor.kernels.lanes import Lanes, as_lanes


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
def where_less(tyctx, left, right, value, other):
    """``value`` where left < right, else ``other``, also where one is NaN; numbers or Lanes."""
    lanes = next(kind for kind in (left, right, value, other) if isinstance(kind, Lanes))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b, x, y = (
            as_lanes(context, builder, argument, kind, lanes)
            for argument, kind in zip(args, sig.args, strict=True)
        )
        return builder.select(builder.fcmp_ordered("<", a, b), x, y)

    return lanes(left, right, value, other), codegen


@intrinsic
def absolute(tyctx, value):
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(context, builder, "fabs", value, list(args))

    return value(value), codegen


@intrinsic
def with_sign(tyctx, value, other):
    """``value`` with the signs of ``other``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(context, builder, "copysign", value, list(args))

    return value(value, other), codegen


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


@intrinsic
def exponent(tyctx, value):
    """k of value = 2**k * `fraction`, as a number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.sitofp(_split(builder, args[0], value)[0], args[0].type)

    return value(value), codegen


@intrinsic
def fraction(tyctx, value):
    """f of value = 2**k * f with sqrt(1/2) <= f < sqrt(2)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(_split(builder, args[0], value)[1], args[0].type)

    return value(value), codegen


def _split(builder: Any, x: Any, lanes: Lanes) -> tuple[Any, Any]:
    """k and the bits of f: beyond those of sqrt(1/2), exponents count from 0."""
    bits, mantissa, root = (
        (64, 52, 0x3FE6A09E667F3BCD) if lanes.dtype == types.float64 else (32, 23, 0x3F3504F3)
    )
    integers = ir.VectorType(ir.IntType(bits), lanes.n)

    def constant(number: int) -> Any:
        return ir.Constant(integers, [number] * lanes.n)

    whole = builder.bitcast(x, integers)
    k = builder.ashr(builder.sub(whole, constant(root)), constant(mantissa))
    return k, builder.sub(whole, builder.shl(k, constant(mantissa)))
