"""What threads in a kernel need: counters that they share, and a way to wait for each other."""

import ctypes
import sys

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils

from fastxor.kernels.memory import Memory
from fastxor.kernels.traced import I32, I64, Int, Whole, builder, in_llvm

_LIBRARY, _YIELD = (
    ("kernel32", "SwitchToThread") if sys.platform == "win32" else (None, "sched_yield")
)
# under a name of our own, for kernels from the cache as for new ones
llvmlite.binding.add_symbol(
    "fastxor_yield",
    ctypes.cast(getattr(ctypes.CDLL(_LIBRARY), _YIELD), ctypes.c_void_p).value,
)


def yield_thread() -> None:
    """Let other threads run, if any waits for this core. Half a microsecond if none does."""
    kind = ir.FunctionType(I32, [])
    builder().call(cgutils.get_or_insert_function(builder().module, kind, "fastxor_yield"), [])


def fetch_add(counters: Memory, index: int) -> Whole:
    """Add one to a counter; returns its value before that."""
    return Whole(builder().atomic_rmw("add", counters.at(index).llvm, I64(1), "acq_rel"))


def acquire(counters: Memory, index: int) -> Whole:
    """A counter's value; what was written before it got that value can be read from now on."""
    return Whole(builder().load_atomic(counters.at(index).llvm, "acquire", 8))


def release(counters: Memory, index: int, value: Int) -> None:
    """Give a counter a value, for others to `acquire` with all that was written before."""
    builder().store_atomic(in_llvm(value), counters.at(index).llvm, "release", 8)
