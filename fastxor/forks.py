"""Forks of the process wait until no thread imports numba or compiles.

Such a thread holds locks, and is not there in the child to let them go: the child would wait for
them, in its first training, for ever.
"""

import concurrent.futures.thread  # noqa: F401
import logging  # noqa: F401
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any


class _Turns:
    """Lets those through who hold no lock, one by one; who forks keeps them waiting."""

    def __init__(self) -> None:
        self.turn, self.lock, self.mine = threading.Lock(), threading.RLock(), threading.local()

    def __enter__(self) -> None:
        # a thread that compiles one kernel after another must not get the lock each time
        if not getattr(self.mine, "depth", 0):
            with self.turn:
                pass
        self.lock.acquire()
        self.mine.depth = getattr(self.mine, "depth", 0) + 1

    def __exit__(self, *exception: object) -> None:
        self.mine.depth -= 1
        self.lock.release()


not_forking = _Turns()
"""To be held by who imports what is imported late, or compiles; forks wait for it."""


class _Held(threading.local):
    """The locks that this thread holds while it forks."""

    def __init__(self) -> None:
        self.locks: list[Any] = []


_held = _Held()


def _locks() -> Iterator[Any]:
    """In the order in which a thread that compiles takes them."""
    if not getattr(not_forking.mine, "depth", 0):
        yield not_forking.turn
    yield not_forking.lock
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


# Before a fork the hooks that were registered last are called first. As those of what is imported
# above are there already, ours waits before they take locks that importing numba needs.
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
