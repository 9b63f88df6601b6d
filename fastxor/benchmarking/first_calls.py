"""What one waits for before the first training has ended.

``python -m fastxor.benchmarking.first_calls`` is a process that trains twice, see `report_both`;
`seconds_of` starts it, or another module that does the same with another engine.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from fastxor.benchmarking.case import Case
from fastxor.benchmarking.cases import ENGINES, Training, record

FIRST, SECOND = Case(4, (2, 2, 1)), Case(64, (2, 8, 8, 1), activation="tanh")
EPOCHS = 100
CALLS = "nothing compiled", "new process", "new size"
FASTXOR = ("fastxor.benchmarking.first_calls",)
NOTHING_COMPILED = (*FASTXOR, CALLS[0])  # as if no kernel were on disk, nor could be


def report_both(training_of: Callable[[Case, int], Training]) -> None:
    """Train both cases; print the time at the end of the first, and what the second took."""
    training_of(FIRST, EPOCHS)()
    ended, began = time.time(), time.perf_counter()
    training_of(SECOND, EPOCHS)()
    print(ended, time.perf_counter() - began)


def seconds_of(*arguments: str) -> tuple[float, float]:
    """Of the first training, imports included, and of the second, of another size.

    ``arguments`` of ``python -m``: `FASTXOR`, `NOTHING_COMPILED`, or a module and its own.
    """
    began, command = time.time(), [sys.executable, "-m", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    ended, other = map(float, done.stdout.split())
    return ended - began, other


def record_of(call: str, engine: str, seconds: list[float]) -> dict[str, Any]:
    """See `cases.record`; of one of `CALLS`."""
    case = SECOND if call == "new size" else FIRST
    times = min(seconds), sorted(seconds)[len(seconds) // 2]
    shortest, median = (time * 1e9 for time in times)
    return record(
        "first calls", engine, case, EPOCHS, times, ns=shortest, ns_median=median, per="call",
        call=call, checked="not checked here",
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:]:
        from fastxor.kernels import kernel_files  # which imports numba

        kernel_files._folders = lambda: iter(())
    report_both(ENGINES["fastxor"])
