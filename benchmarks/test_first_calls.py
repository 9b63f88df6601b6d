"""What one waits for before the first training has ended: of fastxor and of its peers.

In a new process, imports included; the same with no kernel on disk, as after installing fastxor;
and of a size that is new, in a process that has trained another.
"""

from typing import Any

import pytest

from benchmarks import peers
from fastxor.benchmarking.first_calls import (
    CALLS,
    FASTXOR,
    NOTHING_COMPILED,
    record_of,
    seconds_of,
)

ENGINES = ["fastxor", *(peer for peer in peers.installed() if peer != "scikit-learn")]
ROUNDS = 5


@pytest.mark.benchmark(group="first calls")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "engine",
    [pytest.param(e, marks=[pytest.mark.large] * (e not in ("fastxor", "NumPy"))) for e in ENGINES],
)
def test_first_calls(benchmark: Any, call: str, engine: str) -> None:
    arguments: tuple[str, ...] = ("benchmarks.first_calls", engine)
    if engine == "fastxor":
        arguments = NOTHING_COMPILED if call == "nothing compiled" else FASTXOR
    elif call == "nothing compiled":
        pytest.skip("keeps nothing on disk")
    seconds: list[float] = []
    seconds_of(*arguments)
    benchmark.pedantic(
        lambda: seconds.append(seconds_of(*arguments)[call == "new size"]),
        rounds=1 if benchmark.disabled else ROUNDS,
    )
    benchmark.extra_info |= record_of(call, engine, seconds)
