"""What one waits for before the first training has ended: of fastxor and of its peers.

In a new process, imports included; with an empty cache of kernels, as after installing fastxor; and
of a size that is new, in a process that has trained another.
"""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from fastxor.benchmarking.first_calls import CALLS, record_of, seconds_of

ENGINES = ["fastxor", *(peer for peer in peers.installed() if peer != "scikit-learn")]
ROUNDS = 5


@pytest.mark.benchmark(group="first calls")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "engine",
    [pytest.param(e, marks=[pytest.mark.large] * (e not in ("fastxor", "NumPy"))) for e in ENGINES],
)
def test_first_calls(benchmark: Any, call: str, engine: str, tmp_path: Path) -> None:
    empty, module = call == "nothing compiled", ("benchmarks.first_calls", engine)
    if empty and engine != "fastxor":
        pytest.skip("keeps nothing on disk")
    seconds: list[float] = []

    def measure() -> None:
        folder = tmp_path / str(len(seconds)) if empty else tmp_path
        own = () if engine == "fastxor" else module
        seconds.append(seconds_of(str(folder), *own)[call == "new size"])

    if not empty:
        measure()
        seconds.clear()
    benchmark.pedantic(measure, rounds=1 if benchmark.disabled else ROUNDS)
    benchmark.extra_info |= record_of(call, engine, seconds)
