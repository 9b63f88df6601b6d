"""What training costs, by epochs, batch size, width and type, in each engine.

Each case is checked before it is timed: fastxor against the reference to the bit, all others
within rounding. Kernels are compiled before. Compare figures of one run only, best as ratios,
and look at the minimum: what disturbs a measurement adds to it.
"""

from functools import cache
from typing import Any

import pytest

from benchmarks import peers
from fastxor.benchmarking import cases
from fastxor.benchmarking.cases import ENGINES, Case

ALL = [*ENGINES, *peers.installed()]
BUDGET = 0.5  # seconds for the rounds of a case, of which there is at least one
LONGEST = 20.0  # seconds: what may take longer for an epoch is left out


def each(*groups: list[Case]) -> list[Any]:
    """Cases as parameters, with every engine that can train them in reasonable time."""
    return [
        pytest.param(
            case, engine, id=f"{engine}-{case}",
            marks=[] if is_small(case) else [pytest.mark.large],
        )
        for group in groups
        for case in group
        for engine in ALL
        if case.guess(engine) < LONGEST
        and (engine != "textbook" or (case.is_tutorials and not case.batch_size))
        and (case.optimizer == "sgd" or engine in ("fastxor", *peers.WITH_ADAM))
    ]  # fmt: skip


def is_small(case: Case) -> bool:
    return case.n * case.architecture.parameters <= 12_000


@cache
def checked(case: Case, engine: str) -> str:
    if engine == "fastxor":
        return cases.check_bits(case)
    if engine == "reference":
        return "all others are compared with it"
    if engine in ENGINES:
        return cases.check_losses(case, ENGINES[engine])
    if engine not in peers.COMPARABLE:
        return "trains another loss, so not compared"
    said = ""
    small, epochs = case.small()
    for variant in peers.variants(engine, small, epochs).values():
        said = cases.check_losses(case, lambda *_, variant=variant: variant)
    return said


def measure(benchmark: Any, table: str, case: Case, engine: str, epochs: int, **more: Any) -> None:
    enabled = not benchmark.disabled
    if engine in ENGINES:
        variant, train = "", ENGINES[engine](case, epochs, **more)
    elif enabled:
        variant, train = peers.prepare(engine, case, epochs)
    else:
        variant, train = next(iter(peers.variants(engine, case, epochs).items()))
    said = checked(case, engine)
    seconds = epochs * case.guess(engine)
    most = max(30, 0.02 / seconds)  # more of the shortest, which begin slowly
    benchmark.pedantic(
        train, rounds=int(min(most, max(1, BUDGET / seconds))), warmup_rounds=seconds < 10
    )
    if enabled:
        stats = benchmark.stats.stats
        benchmark.extra_info |= cases.record(
            table, engine, case, epochs, (stats.min, stats.median), variant=variant, checked=said,
            **more,
        )  # fmt: skip


def epochs_of(case: Case, engine: str, benchmark: Any) -> int:
    return 2 if benchmark.disabled else case.epochs(engine)


@pytest.mark.benchmark(group="epochs")
@pytest.mark.parametrize(
    "epochs", [pytest.param(n, marks=[pytest.mark.large] * (n > 100)) for n in cases.EPOCHS]
)
@pytest.mark.parametrize(("case", "engine"), each(cases.XOR))
def test_epochs(benchmark: Any, case: Case, engine: str, epochs: int) -> None:
    if epochs * case.guess(engine) > LONGEST:
        pytest.skip("takes too long")
    measure(benchmark, "epochs", case, engine, epochs)


@pytest.mark.benchmark(group="full batch")
@pytest.mark.parametrize(("case", "engine"), each(cases.FULL_BATCHES))
def test_full_batch(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "full batch", case, engine, epochs_of(case, engine, benchmark))


@pytest.mark.benchmark(group="mini-batches")
@pytest.mark.parametrize(("case", "engine"), each(cases.MINI_BATCHES))
def test_mini_batches(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "mini-batches", case, engine, epochs_of(case, engine, benchmark))


@pytest.mark.benchmark(group="tables")
@pytest.mark.parametrize(("case", "engine"), each(cases.TABLES))
def test_tables(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "tables", case, engine, epochs_of(case, engine, benchmark))


@pytest.mark.benchmark(group="deep")
@pytest.mark.parametrize(("case", "engine"), each(cases.DEEP))
def test_deep(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "deep", case, engine, epochs_of(case, engine, benchmark))


@pytest.mark.benchmark(group="adam")
@pytest.mark.parametrize(("case", "engine"), each(cases.ADAM))
def test_adam(benchmark: Any, case: Case, engine: str) -> None:
    measure(benchmark, "adam", case, engine, epochs_of(case, engine, benchmark))


@pytest.mark.large
@pytest.mark.benchmark(group="threads")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", [c for c in cases.FULL_BATCHES if c.n in (1_024, 65_536)], ids=str)
def test_threads(benchmark: Any, case: Case, threads: int) -> None:
    measure(benchmark, "threads", case, "fastxor", case.epochs("fastxor", 0.3), threads=threads)


@pytest.mark.large
@pytest.mark.benchmark(group="samples")
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("n", [1_000, 10_000, 100_000, 1_000_000])
def test_linear_in_samples(benchmark: Any, n: int, dtype: str) -> None:
    """The time per sample stays, over three decades, on one thread."""
    case = Case(n, (2, 8, 1), dtype)
    measure(benchmark, "samples", case, "fastxor", case.epochs("fastxor", 1.0), threads=1)
