"""Threads that kernels run in."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

STACK = 2**20  # bytes; kernels take up to 200,000


class Threads(ThreadPoolExecutor):
    """Threads with room enough, though others ask for less by `threading.stack_size`."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:  # type: ignore[override]
        """As `Executor.submit`, which starts the threads."""
        before = threading.stack_size()
        if not 0 < before < STACK:  # 0: the system's own, megabytes
            return super().submit(function, *arguments)
        threading.stack_size(STACK)
        try:
            return super().submit(function, *arguments)
        finally:
            threading.stack_size(before)
