"""The arithmetic that bits depend on: IEEE-754, rounded to nearest, with subnormal numbers.

A thread may have another. Libraries built with -ffast-math have the processor take subnormal
numbers for zero, in the thread that loads them and in those that it starts from then on; those for
interval arithmetic have it round up or down. Reference and kernels would both follow.
"""

import ctypes
import struct
import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

import numpy as np

# from their bits, as reading a number takes arithmetic, too
SUBNORMAL, NORMAL, HALF, SMALL = struct.unpack(
    ">4d", bytes.fromhex("0000000000000001 0010000000000000 3fe0000000000000 3c10000000000000")
)


def is_ieee() -> bool:
    """Has this thread that arithmetic?"""
    return bool(1.0 + SMALL == 1.0 == 1.0 - SMALL and SUBNORMAL != 0.0 != NORMAL * HALF)


class ieee_arithmetic(ContextDecorator):  # noqa: N801, as contextlib's own
    """In this thread, compute so that bits are right; afterwards as before. Also a decorator.

    NumPy raises and warns of nothing meanwhile, whatever `numpy.seterr` was told. Raises
    RuntimeError where the arithmetic is another and cannot be changed.
    """

    def _recreate_cm(self) -> "ieee_arithmetic":
        return ieee_arithmetic()  # a decorated function may call itself, and in several threads

    def __enter__(self) -> None:
        self.restore = None if is_ieee() else _change()
        self.quiet = np.errstate(all="ignore")
        self.quiet.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self.quiet.__exit__(*exception)
        if self.restore is not None:
            self.restore()


def _change() -> Callable[[], object]:
    """Give this thread the C library's default arithmetic; what restores the one it had."""
    try:
        library = ctypes.CDLL(None)
        before = ctypes.create_string_buffer(1024)  # no system's fenv_t is larger
        default: Any = ctypes.c_void_p(-1)  # FE_DFL_ENV of glibc and musl
        if sys.platform == "darwin":
            default = ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
        library.fegetenv(before)
        library.fesetenv(default)
    except (TypeError, AttributeError, ValueError):  # no such library, function or variable
        pass
    else:
        if is_ieee():
            return lambda: library.fesetenv(before)
    raise RuntimeError(
        "this thread takes subnormal numbers for zero or does not round to nearest, so results "
        "would have other bits; a library built with -ffast-math may have set that when it was "
        "loaded: load it after training, or in another process"
    )
