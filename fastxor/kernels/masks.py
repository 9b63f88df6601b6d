"""Lanes chosen by the bits of an integer: bit i for lane i, of up to 64 lanes."""

from typing import Any

from llvmlite import ir

from fastxor.kernels.instructions import absolute
from fastxor.kernels.memory import Memory
from fastxor.kernels.traced import I64, Int, Value, Whole, builder, in_llvm, pick


def near_bits(value: Value, limit: Any, n: int) -> Whole:
    """Bit i tells whether all of the lanes i, i + n, i + 2 * n, ... are nearer to zero than limit.

    ``n`` is at most 64; NaN is never near.
    """
    near = builder().fcmp_ordered("<", absolute(value).llvm, value.match(limit))
    while near.type.count > n:
        half = near.type.count // 2
        low, high = list(range(half)), list(range(half, 2 * half))
        near = builder().and_(pick(near, low), pick(near, high))
    bits = builder().bitcast(near, ir.IntType(n))
    return Whole(bits if n == 64 else builder().zext(bits, I64))


def less_bits(value: Value, other: Value) -> Whole:
    """Bit i tells whether lane i is less than that of ``other``; NaN is not."""
    less = builder().fcmp_ordered("<", value.llvm, other.llvm)
    bits = builder().bitcast(less, ir.IntType(value.n))
    return Whole(bits if value.n == 64 else builder().zext(bits, I64))


def choose_lanes(bits: Int, value: Value, other: Value) -> Value:
    """``value`` in the lanes whose bit is set, ``other`` in the rest."""
    chosen, n = in_llvm(bits), value.n
    if n < 64:
        chosen = builder().trunc(chosen, ir.IntType(n))
    mask = builder().bitcast(chosen, ir.VectorType(ir.IntType(1), n))
    return Value(builder().select(mask, value.llvm, other.llvm))


class Masked(Memory):
    """Memory in rows of lanes, of which only those are changed whose bit is set."""

    def __init__(self, memory: Memory, lanes: Int) -> None:
        super().__init__(memory.llvm, memory.size)
        self.lanes = lanes

    def at(self, index: Int, size: Whole | None = None) -> "Masked":
        return Masked(super().at(index, size), self.lanes)

    def store(self, index: Int, value: Value) -> None:
        super().store(index, choose_lanes(self.lanes, value, self.load(index, value.n)))
