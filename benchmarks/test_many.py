"""What training many networks at once costs, for each epoch of a network.

Checked before, as all benchmarks: some networks against the reference, to the bit; the last losses
of the others within rounding of fastxor's.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks import peers
from fastxor.benchmarking import cases
from fastxor.benchmarking.cases import Case

XOR = cases.MANY[0]


def engines() -> list[str]:
    return ["fastxor", *peers.installed(many=True)]


def epochs_of(case: Case, engine: str, benchmark: Any) -> int:
    """Some half a second; but of ours so many that seeds hardly count, also of most networks."""
    if benchmark.disabled:
        return 2
    many = min(10_000, 2_000_000 // (case.n * case.architecture.parameters))
    return max(many * (engine == "fastxor"), int(0.5 / case.guess(engine)), 2)


@cache
def checked(case: Case, engine: str) -> str:
    said = cases.check_bits_of_many(case)
    if engine == "fastxor":
        return said
    small, epochs = replace(case, networks=min(case.networks or 1, 4_096)), 20
    expected = cases.many(small, epochs)()
    scale = expected.mean()
    for label, train in peers.variants(engine, small, epochs).items():
        # a loss near 0, of outputs near their targets, has lost the digits that they have
        difference = float((np.abs(train() - expected) / np.maximum(expected, scale)).max())
        if not difference <= cases.TOLERANCE[case.dtype]:
            raise AssertionError(f"{case}, {label}: losses differ by {difference:.1e}")
    return f"losses within {cases.TOLERANCE[case.dtype]:g}"


def measure(
    benchmark: Any,
    table: str,
    case: Case,
    engine: str = "fastxor",
    rounds: int = 5,
    **settings: Any,
) -> None:
    epochs = epochs_of(case, engine, benchmark)
    variant = ""
    if engine == "fastxor":
        train = cases.many(case, epochs, **settings)
    elif benchmark.disabled:
        variant, train = next(iter(peers.variants(engine, case, epochs).items()))
    else:
        variant, train = peers.prepare(engine, case, epochs)
    said = checked(case, engine)
    benchmark.pedantic(train, rounds=rounds, warmup_rounds=1)
    if not benchmark.disabled:
        stats = benchmark.stats.stats
        more = {name: settings[name] for name in settings if name == "threads"}
        benchmark.extra_info |= cases.record(
            table, engine, case, epochs, (stats.min, stats.median), variant=variant, checked=said,
            **more,
        )  # fmt: skip


def of(networks: list[Case]) -> list[Any]:
    return [
        pytest.param(case, id=str(case), marks=[pytest.mark.large] * ((case.networks or 0) > 64))
        for case in networks
    ]


@pytest.mark.benchmark(group="many networks")
@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("case", of(cases.MANY))
def test_many(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "many networks", case, engine)


@pytest.mark.benchmark(group="deep, many networks")
@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("case", of(cases.MANY_DEEP))
def test_many_deep(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "deep, many networks", case, engine)


@pytest.mark.benchmark(group="adam, many networks")
@pytest.mark.parametrize("engine", [e for e in engines() if e in ("fastxor", *peers.WITH_ADAM)])
@pytest.mark.parametrize("case", of(cases.MANY_ADAM))
def test_many_adam(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "adam, many networks", case, engine)


@pytest.mark.large
@pytest.mark.benchmark(group="networks by threads")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", [replace(case, networks=4_096) for case in cases.XOR], ids=str)
def test_threads(benchmark: Any, case: Case, threads: int) -> None:
    measure(benchmark, "networks by threads", case, threads=threads)


@pytest.mark.benchmark(group="what watching costs, on one thread")
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("watch", ["off", "watch", "stop"])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_watching(benchmark: Any, dtype: str, watch: str, momentum: float) -> None:
    """With a tolerance so small that none is ever solved."""
    settings: dict[str, Any] = {"threads": 1, "momentum": momentum}
    if watch != "off":
        settings |= {"tolerance": 1e-30, "stop_when_solved": watch == "stop"}
    case = replace(XOR, networks=64 if benchmark.disabled else 1_024, dtype=dtype)
    measure(benchmark, "", case, rounds=9, **settings)


@pytest.mark.benchmark(group="a million seeds, no epochs")
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_seeds(benchmark: Any, dtype: str) -> None:
    case = replace(XOR, networks=1_000 if benchmark.disabled else 1_000_000, dtype=dtype)
    benchmark.pedantic(cases.many(case, 0), rounds=3, warmup_rounds=1)
