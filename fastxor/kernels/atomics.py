"""What threads in a kernel need: counters that they share, and a way to wait for each other."""

import ctypes
import sys
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastxor.kernels.memory import address_of

_LIBRARY, _YIELD = (
    ("kernel32", "SwitchToThread") if sys.platform == "win32" else (None, "sched_yield")
)
# under a name of our own, for kernels from the cache as for new ones
llvmlite.binding.add_symbol(
    "fastxor_yield",
    ctypes.cast(getattr(ctypes.CDLL(_LIBRARY), _YIELD), ctypes.c_void_p).value,
)
yield_thread = types.ExternalFunction("fastxor_yield", types.int32())
"""Let other threads run, if any waits for this core. Half a microsecond if none does."""


@intrinsic
def fetch_add(tyctx, counters, index):
    """Add one to a counter; returns its value before that."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, counters, *args)
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", address, one, "acq_rel")

    return counters.dtype(counters, index), codegen


@intrinsic
def acquire(tyctx, counters, index):
    """A counter's value; what was written before it got that value can be read from now on."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, counters, *args)
        return builder.load_atomic(address, "acquire", 8)

    return counters.dtype(counters, index), codegen


@intrinsic
def release(tyctx, counters, index, value):
    """Give a counter a value, for others to `acquire` with all that was written before."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, counters, *args[:2])
        builder.store_atomic(args[2], address, "release", 8)
        return context.get_dummy_value()

    return types.void(counters, index, counters.dtype), codegen
