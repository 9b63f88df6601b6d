"""The order in which an epoch takes its samples."""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from fastxor.kernels.control import as_long_as, either, less, loop
from fastxor.kernels.memory import Memory
from fastxor.kernels.traced import I32, I64, Int, Variable, Whole, builder, in_llvm

STATE, NEXT_UINT32, NEXT_UINT64 = range(3)


def addresses_of(generator: np.random.Generator) -> Any:
    """What kernels get for it, (3,): where its state is, and two functions of C."""
    bits = generator.bit_generator.ctypes
    functions = (ctypes.cast(one, ctypes.c_void_p) for one in (bits.next_uint32, bits.next_uint64))
    addresses = [bits.state_address, *(function.value for function in functions)]
    return np.array(addresses, np.uint64).view(np.int64)


def shuffle(order: Memory, generator: Memory) -> None:
    """``order[:] = generator.permutation(len(order))``, and the same state of the generator.

    Numba's own permutation takes 48 ns a sample, which is more than an epoch of a small network;
    this takes 8, as NumPy's. Algorithm P of D. E. Knuth, The Art of Computer Programming 2,
    section 3.4.2, as NumPy has it.
    """
    for i in loop(0, order.size):
        order.set(i, i)
    for i in loop(order.size - 1, 0, -1):
        j = _at_most(i, generator)
        one, other = order[i], order[j]
        order.set(i, other)
        order.set(j, one)


def _at_most(limit: Int, generator: Memory) -> Whole:
    """A random integer from 0 to ``limit``, at least 1: the first one of so many bits."""
    kind = ir.FunctionType(I64, [I64, ir.IntType(1)])
    count_zeros = cgutils.get_or_insert_function(builder().module, kind, "llvm.ctlz.i64")
    zeros = builder().call(count_zeros, [in_llvm(limit), ir.IntType(1)(1)])
    mask = Whole(builder().lshr(I64(-1), zeros))

    def next_uint32() -> Whole:
        return Whole(builder().zext(_call(generator, NEXT_UINT32, I32), I64))

    def next_uint64() -> Whole:
        return Whole(_call(generator, NEXT_UINT64, I64))

    def drawn() -> Whole:
        bits: Whole = either(less(0xFFFFFFFF, limit), next_uint64, next_uint32)
        return bits & mask

    number = Variable(drawn())
    for _ in as_long_as(lambda: less(limit, number.get())):
        number.set(drawn())
    return number.get()


def _call(generator: Memory, function: int, kind: Any) -> Any:
    pointer = ir.FunctionType(kind, [I64]).as_pointer()
    function = builder().inttoptr(generator[function].llvm, pointer)
    return builder().call(function, [generator[STATE].llvm])
