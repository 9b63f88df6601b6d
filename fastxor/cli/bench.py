"""``fastxor bench``: a short form of the benchmarks, on the user's machine."""

import json
import os
import statistics
import time
from datetime import datetime, timezone
from typing import Any

from fastxor.benchmarking import cases, first_calls, tables
from fastxor.benchmarking.case import Case
from fastxor.benchmarking.cases import DTYPES, ENGINES, Training
from fastxor.benchmarking.machine import machine_info
from fastxor.common.progress import progress_bar
from fastxor.kernels.faster import special_kernels_at_once

BUDGET = 0.3  # seconds for the repetitions of a measurement
LONGEST = 1.0  # what would take more seconds for a single one is left out
FULL_BATCHES = [
    Case(n, (2, H, 1), dtype)
    for H in (2, 32)
    for n in (1, 16, 256, 4_096, 65_536)
    for dtype in DTYPES
]
MINI_BATCHES = [
    Case(8_192, (2, 8, 1), dtype, size)
    for size in (1, 16, 64, 256, 1_024, 4_096)
    for dtype in DTYPES
]


def bench(path: str | os.PathLike[str] | None = None, progress: bool = False) -> int:
    """Measure, print tables and write the figures to ``path``, as pytest-benchmark does.

    Each case is checked against the reference first; returns 0, or 1 where they differ.
    """
    plan = _plan()
    entries: list[dict[str, Any]] = []
    failed: dict[Case, str] = {}
    with progress_bar(len(plan), progress, "measurements") as done:
        for count, (table, case, engine, epochs) in enumerate(plan):
            checked = "all others are compared with it"
            try:
                if engine == "fastxor":
                    checked = cases.check_bits(case)
                elif engine == "textbook":
                    checked = cases.check_losses(case, ENGINES[engine])
            except AssertionError as difference:
                failed[case] = checked = str(difference)
            seconds = _measure(ENGINES[engine](case, epochs))
            info = cases.record(
                table, engine, case, epochs, (min(seconds), statistics.median(seconds)),
                checked=checked,
            )  # fmt: skip
            stats = {
                "min": min(seconds), "median": statistics.median(seconds), "rounds": len(seconds),
            }  # fmt: skip
            name = f"{table}, {engine}: {case}, epochs={epochs:,}"
            entries.append({"name": name, "params": None, "extra_info": info, "stats": stats})
            done(count + 1)
    entries += _first_calls()
    content = {
        "machine_info": machine_info(),
        "datetime": datetime.now(timezone.utc).isoformat(),
        "benchmarks": entries,
    }
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
    print(tables.report(*tables.times_of(content)))
    if failed:
        print("\nDIFFERENT:", *failed.values(), sep="\n")
    return 1 if failed else 0


def _first_calls() -> list[dict[str, Any]]:
    """What one waits for in a new process, see `first_calls`."""
    nothing_compiled, _ = first_calls.seconds_of(*first_calls.NOTHING_COMPILED)
    new_process, new_size = first_calls.seconds_of(*first_calls.FASTXOR)
    entries = []
    for call, seconds in zip(
        first_calls.CALLS, (nothing_compiled, new_process, new_size), strict=True
    ):
        info = first_calls.record_of(call, "fastxor", [seconds])
        stats = {"min": seconds, "median": seconds, "rounds": 1}
        name = f"first calls, fastxor: {call}"
        entries.append({"name": name, "params": None, "extra_info": info, "stats": stats})
    return entries


def _plan() -> list[tuple[str, Case, str, int]]:
    """Table, case, engine and epochs of each measurement."""
    plan = [
        ("epochs", case, engine, epochs)
        for case in cases.XOR
        for engine in ENGINES
        for epochs in cases.EPOCHS
    ]
    for table, each in (("full batch", FULL_BATCHES), ("mini-batches", MINI_BATCHES)):
        plan += [
            (table, case, engine, case.epochs(engine, 0.05))
            for case in each
            for engine in ENGINES
            if not (engine == "textbook" and case.batch_size)
        ]
    return [
        (table, case, engine, epochs)
        for table, case, engine, epochs in plan
        if epochs * case.guess(engine) <= LONGEST
    ]


def _measure(train: Training) -> list[float]:
    """The seconds of each repetition, after one that compiles."""
    with special_kernels_at_once():
        train()
    seconds: list[float] = []
    while not seconds or sum(seconds) < BUDGET:
        began = time.perf_counter()
        train()
        seconds.append(time.perf_counter() - began)
    return seconds
