"""Ctrl-C that waits."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def interrupted_later() -> Iterator[None]:
    """Ctrl-C is heeded at the end: for what takes a moment and must not end halfway.

    Handlers of other signals are called as always.
    """
    before, came = signal.getsignal(signal.SIGINT), []
    if before is None:  # not Python's
        yield
        return
    try:
        signal.signal(signal.SIGINT, lambda *what: came.append(what))
    except ValueError:  # another thread or interpreter, which handle none
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
