"""What a `Value` can do beside + - * /, an instruction or a few each."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from fastxor.kernels.traced import I32, Flag, Int, Value, builder, everywhere, in_llvm


def where_less(left: Any, right: Any, value: Any, other: Any) -> Value:
    """``value`` where left < right, else ``other``, also where one is NaN; numbers or values."""
    one = next(v for v in (left, right, value, other) if isinstance(v, Value))
    a, b, x, y = map(one.match, (left, right, value, other))
    return Value(builder().select(builder().fcmp_ordered("<", a, b), x, y))


def clamp(value: Value, low: float, high: float) -> Value:
    """``value`` in [low, high]; NaN stays NaN."""
    value = where_less(value, low, low, value)
    return where_less(high, value, high, value)


def _call(name: str, value: Value, *others: Any) -> Value:
    kind = value.llvm.type
    function = cgutils.get_or_insert_function(
        builder().module,
        ir.FunctionType(kind, [kind] * (1 + len(others))),
        f"llvm.{name}.v{value.n}f{64 if value.is_double else 32}",
    )
    return Value(builder().call(function, [value.llvm, *map(value.match, others)]))


def absolute(value: Value) -> Value:
    return _call("fabs", value)


def square_root(value: Value) -> Value:
    """Rounded as IEEE-754 says."""
    return _call("sqrt", value)


def with_sign(value: Value, other: Value) -> Value:
    """``value`` with the signs of ``other``."""
    return _call("copysign", value, other)


def nearest(value: Value) -> Value:
    """The nearest integers, ties to even, as ``np.rint``."""
    return _call("nearbyint", value)


def add_exact_product(addend: Value, left: Value, right: float) -> Value:
    """``addend + left * right`` for a product without rounding error.

    One instruction where the processor has a fused multiply-add, two where not; with an
    exact product both round once and give the same bits.
    """
    return _call("fmuladd", left, right, addend)


def power_of_two(shifted: Value) -> Value:
    """``2**k`` from ``k + 1.5 * 2**52`` (float32: ``k + 1.5 * 2**23``), whose low bits are k."""
    mantissa, bias = (52, 1023) if shifted.is_double else (23, 127)
    write = builder()
    k = write.bitcast(shifted.llvm, _integers(shifted))
    exponents = write.add(k, _constant(shifted, bias))
    powers = write.shl(exponents, _constant(shifted, mantissa))
    return Value(write.bitcast(powers, shifted.llvm.type))


def exponent_and_fraction(value: Value) -> tuple[Value, Value]:
    """k, as a number, and f of value = 2**k * f with sqrt(1/2) <= f < sqrt(2)."""
    mantissa, root = (52, 0x3FE6A09E667F3BCD) if value.is_double else (23, 0x3F3504F3)
    write, kind = builder(), value.llvm.type
    # beyond the bits of sqrt(1/2), exponents count from 0
    whole = write.bitcast(value.llvm, _integers(value))
    k = write.ashr(write.sub(whole, _constant(value, root)), _constant(value, mantissa))
    fraction = write.sub(whole, write.shl(k, _constant(value, mantissa)))
    return Value(write.sitofp(k, kind)), Value(write.bitcast(fraction, kind))


def keep_first(value: Value, count: Int) -> Value:
    """``value`` with +0.0 in place of the lanes from ``count`` on; any ``count`` is fine."""
    if isinstance(count, int) and count >= value.n:
        return value
    limit = in_llvm(count)
    number = _integers(value).element  # masks as wide as the lanes cost least
    if number.width < 64:
        limit = builder().trunc(limit, number)
    indices = ir.Constant(_integers(value), list(range(value.n)))
    kept = builder().icmp_signed("<", indices, everywhere(limit, value.n))
    return Value(builder().select(kept, value.llvm, ir.Constant(value.llvm.type, None)))


def is_less(one: Value, other: Value) -> Flag:
    """Of one lane each; NaN is not."""
    less = builder().fcmp_ordered("<", one.llvm, other.llvm)
    return Flag(builder().extract_element(less, I32(0)))


def all_within(value: Value, limit: Any) -> Flag:
    """Are all lanes nearer to zero than ``limit``? NaN is not."""
    near = builder().fcmp_ordered("<", absolute(value).llvm, value.match(limit))
    bits = ir.IntType(value.n)
    return Flag(builder().icmp_signed("==", builder().bitcast(near, bits), ir.Constant(bits, -1)))


def _integers(value: Value) -> Any:
    return ir.VectorType(ir.IntType(64 if value.is_double else 32), value.n)


def _constant(value: Value, number: int) -> Any:
    return ir.Constant(_integers(value), [number] * value.n)
