"""`Faster`: kernels made beside the work that goes on without them.

Bits are the same, so nobody can tell when one has taken over: a special kernel from a general one,
or that for predictions from NumPy.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

# Seconds of work without a kernel that pay for loading it, ten milliseconds, and for compiling it,
# half a second or a whole one
LOADING, COMPILING = 0.1, 1.0
_at_once = False


@contextlib.contextmanager
def special_kernels_at_once() -> Iterator[None]:
    """Use such kernels from the beginning, and wait for them: to test or time them."""
    global _at_once
    before, _at_once = _at_once, True
    try:
        yield
    finally:
        _at_once = before


def can_compile() -> bool:
    """Or has Numba been told not to? Does not import it."""
    if "numba" in sys.modules and hasattr(sys.modules["numba"], "config"):
        return not sys.modules["numba"].config.DISABLE_JIT
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


class Faster:
    """A kernel, once it is there."""

    def __init__(self, special: Callable[[], Any]) -> None:
        self._special, self._kernel = special, None
        self._seconds = 0.0  # of work without it, so far, of all who wanted it
        self._asked, self._looked, self._lock = False, False, threading.Lock()

    @property
    def kernel(self) -> Any:
        """It, if it is there."""
        return self.make() if _at_once and self._kernel is None else self._kernel

    def worked(self, seconds: float, left: float) -> None:
        """Say that work took so many seconds without it, and how many may be left."""
        if self._kernel is not None:
            return
        with self._lock:
            self._seconds += seconds
            due = self._seconds + left
            from_disk = due < COMPILING
            looked = self._looked or "numba" not in sys.modules  # which takes longer to import
            if self._asked or due < LOADING or (from_disk and looked):
                return
            self._looked, self._asked = True, not from_disk
        # not a daemon: it may not be in LLVM when the process ends
        work = threading.Thread(
            target=self._make_beside, args=(from_disk,), name="fastxor-compiler"
        )
        work.start()

    def _make_beside(self, only_from_disk: bool) -> None:
        if sys.platform == "linux":  # there, it is the thread that is nice
            with contextlib.suppress(OSError):  # a tenth of a core, where there is no other
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        if not only_from_disk or self._special().code.is_on_disk:
            self.make()

    def make(self) -> Any:
        """It, wherever it comes from."""
        if self._kernel is None:
            kernel = self._special()
            kernel.code.make()
            self._kernel = kernel
        return self._kernel


@cache
def faster(special: Callable[..., Any], *arguments: Any) -> Faster:
    """The same for all who want the same kernel, ``special(*arguments)``."""
    return Faster(lambda: special(*arguments))


def _in_the_child() -> None:
    """Nobody makes in a forked process what was asked for before."""
    faster.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_the_child)
