"""Tables of what benchmarks measured, see `fastxor.report`."""

import json
import math
import os
from pathlib import Path
from typing import Any

from fastxor.benchmarking.machine import describe

Time = dict[str, Any]  # see `fastxor.cases.record`

TABLES = {  # what a row is
    "epochs": ("epochs",),
    "full batch": ("sizes", "n"),
    "mini-batches": ("sizes", "n", "batch_size"),
    "tables": ("sizes", "n", "batch_size"),
    "deep": ("sizes", "functions", "n", "batch_size"),
    "adam": ("sizes", "functions", "n", "batch_size"),
    "predictions": ("sizes", "functions", "n"),
    "estimators": ("data", "n", "sizes", "batch_size", "accuracy or R2"),
    "threads": ("sizes", "n"),
    "samples": ("sizes", "n"),
    "many networks": ("sizes", "n", "networks"),
    "deep, many networks": ("sizes", "functions", "n", "networks"),
    "adam, many networks": ("sizes", "functions", "n", "networks"),
    "networks by threads": ("networks",),
    "first calls": ("call", "sizes", "epochs"),
}
# of what is not told in ns, and how many ns they are
UNITS = dict.fromkeys(("first calls", "estimators"), ("ms", 1e6))
THREADS = ("threads", "networks by threads")  # tables whose columns are numbers of threads
NS = "ns", 1.0
OURS = ("textbook", "reference", "fastxor")
ENGINES = (
    *OURS,
    "NumPy",
    "JAX",
    "JAX vmap",
    "flax",
    "PyTorch",
    "scikit-learn",
)  # in this order; ours are no peers
NEEDED = ("table", "engine", "sizes", "dtype", "n", "per", "checked")


def read(path: str | os.PathLike[str]) -> tuple[str, list[Time]]:
    """The machine and the times in a file; raises OSError or ValueError, naming it."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        return times_of(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the JSON of benchmarks: {error!r}") from None


def times_of(content: Any) -> tuple[str, list[Time]]:
    """Likewise of what was in the file; entries that belong to no table are left out."""
    times = [entry["extra_info"] for entry in content["benchmarks"]]
    times = [time for time in times if time.get("table") in TABLES]
    for time in times:
        if missing := [name for name in NEEDED if name not in time]:
            raise ValueError(f"no {missing[0]}")
        if not 0 < float(time["ns"]) < math.inf:
            raise ValueError(f"{time['ns']} ns")
    return describe(content["machine_info"]), times


def report(machine: str, times: list[Time]) -> str:
    """The machine, then a table for each kind and dtype."""
    lines = [machine]
    for kind in TABLES:
        for dtype in ("float64", "float32"):
            chosen = [time for time in times if (time["table"], time["dtype"]) == (kind, dtype)]
            if chosen:
                unit, per = UNITS.get(kind, NS)[0], chosen[0]["per"]
                lines += ["", f"### {kind.capitalize()}, {dtype}: {unit} per {per}", ""]
                lines += table(kind, chosen)
    return "\n".join(lines)


def table(kind: str, times: list[Time]) -> list[str]:
    """A column for each engine, or number of threads; where a peer is ahead is said below."""
    rows: dict[tuple[Any, ...], dict[str, float]] = {}
    for time in times:
        column = f"threads: {time['threads']}" if kind in THREADS else time["engine"]
        row = rows.setdefault(tuple(time[name] for name in TABLES[kind]), {})
        row[column] = min(time["ns"], row.get(column, math.inf))
    columns = sorted({column for row in rows.values() for column in row}, key=rank)
    base = columns[0] if kind in THREADS else "fastxor"
    best = len(columns) > 1

    lines, ahead, compared = [], [], 0
    for place in sorted(rows, key=lambda place: [rank(value) for value in place]):
        row, shown = rows[place], [_value(value) for value in place]
        line = [
            *shown,
            *(number(row[c] / UNITS.get(kind, NS)[1]) if c in row else "" for c in columns),
        ]
        others = sorted((row[c], c) for c in row if c != base)
        if best:
            ratios = [f"{number(ns / row[base])}x ({c})" for ns, c in others if base in row]
            line += ratios[:1] or [""]
        peers = [(ns, c) for ns, c in others if c not in OURS and base in row]
        compared += bool(peers) and kind not in THREADS
        if peers and peers[0][0] < row[base] and kind not in THREADS:
            ratio = f"{number(peers[0][0] / row[base])}x"
            ahead.append(f"{peers[0][1]} at {', '.join(shown)} ({ratio})")
        lines.append(line)

    head = [name.replace("_", " ") for name in TABLES[kind]]
    titles = [*head, *columns, *([f"fastest other / {base}"] if best else [])]
    rules = ["---"] * len(head) + ["---:"] * (len(titles) - len(head))
    text = ["| " + " | ".join(line) + " |" for line in (titles, rules, *lines)]
    if ahead:
        text += ["", f"A peer is ahead in {len(ahead)} of {compared} rows: {'; '.join(ahead)}."]
    elif compared:
        text += ["", f"fastxor is ahead of every peer in all {compared} rows."]
    checks: dict[str, list[str]] = {}
    for time in sorted(times, key=lambda time: rank(time["engine"])):
        names = checks.setdefault(time["checked"], [])
        names += [time["engine"]] if time["engine"] not in names else []
    said = "; ".join(f"{', '.join(names)}: {how}" for how, names in checks.items())
    return [*text, "", f"Checked against the reference before: {said}."]


def rank(value: Any) -> tuple[float, ...]:
    """Sorts engines as in ENGINES, sizes such as 2-8-1 by number, all samples after batches.

    Other words as in a dictionary.
    """
    if value is None:
        return (math.inf,)
    if value in ENGINES:
        return (ENGINES.index(value),)
    try:
        return tuple(float(part) for part in str(value).split(" ")[-1].split("-"))
    except ValueError:
        return tuple(float(ord(letter)) for letter in str(value))


def number(value: float) -> str:
    """Three significant digits: 1,230, 45.6, 7.00, 0.870."""
    value = float(f"{value:.3g}")
    digits = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f}"


def _value(value: Any) -> str:
    return "all" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
