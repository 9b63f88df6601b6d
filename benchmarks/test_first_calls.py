"""What one waits for before the first training has ended, see `first_calls`.

In a new process, imports included; with an empty cache of kernels, as after installing fastxor; and
of a size that is new, in a process that has trained another.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.first_calls import CASES, EPOCHS
from fastxor.benchmarking import cases

ROUNDS = 5


def seconds_of(engine: str, cache: Path) -> tuple[float, float]:
    """Of the first training, from the start of the process on, and of the second."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_calls", engine],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    ended, other = map(float, done.stdout.split())
    return ended - began, other


@pytest.mark.benchmark(group="first calls")
@pytest.mark.parametrize(
    "engine",
    ["fastxor", *(pytest.param(p, marks=pytest.mark.large) for p in ("NumPy", "JAX", "PyTorch"))],
)
@pytest.mark.parametrize("what", ["nothing compiled", "new process", "new size"])
def test_first_calls(benchmark: Any, what: str, engine: str, tmp_path: Path) -> None:
    if engine != "fastxor" and (what == "nothing compiled" or engine not in peers.installed()):
        pytest.skip("has no such cache, or is not installed")
    times: list[float] = []
    if not (empty := what == "nothing compiled"):
        seconds_of(engine, tmp_path)

    def measured() -> None:
        cache = tmp_path / str(len(times)) if empty else tmp_path
        # a size that is known is none that is new
        for file in tmp_path.rglob("*small*" if not empty else "none"):
            file.unlink()
        times.append(seconds_of(engine, cache)[what == "new size"])

    benchmark.pedantic(measured, rounds=1 if benchmark.disabled else ROUNDS)
    case = CASES[what == "new size"]
    benchmark.extra_info |= cases.record(
        "first calls", engine, case, EPOCHS, (min(times), sorted(times)[len(times) // 2]),
        checked="not checked here", per="call", call=what,
    )  # fmt: skip
    for name in ("ns", "ns_median"):  # of the call, not of an epoch
        benchmark.extra_info[name] *= EPOCHS * case.n
