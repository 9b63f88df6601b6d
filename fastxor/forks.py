"""Forks of the process wait until no thread imports numba or compiles.

Such a thread holds locks, and is not there in the child to let them go: the child would wait for
them, in its first training, for ever.
"""

import logging  # noqa: F401
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

not_forking = threading.RLock()
"""To be held by who imports what is imported late, or compiles; forks wait for it."""


class _Held(threading.local):
    """The locks that this thread holds while it forks."""

    def __init__(self) -> None:
        self.locks: list[Any] = []


_held = _Held()


def _locks() -> Iterator[Any]:
    """In the order in which a thread that compiles takes them."""
    yield not_forking
    # of others in this process who compile; not there as long as numba is not imported
    yield getattr(sys.modules.get("numba.core.compiler_lock"), "global_compiler_lock", None)
    library = getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None)
    yield getattr(library, "_lock", None)


def _before() -> None:
    for lock in filter(None, _locks()):
        lock.__enter__()
        _held.locks.append(lock)


def _after() -> None:
    while _held.locks:
        _held.locks.pop().__exit__(None, None, None)


# Before a fork the hooks that were registered last are called first. As logging's is there already,
# ours waits before that takes a lock that numba needs while it is imported.
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
