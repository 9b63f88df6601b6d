"""README's table: rows of what was measured, taken from the pages that have all of it."""

import re
from typing import NamedTuple


class Row(NamedTuple):
    """A row of a table of benchmarks: the first cells of one under this title."""

    what: str
    section: str
    title: str
    cells: tuple[str, ...]
    unit: str
    command: str


ROWS = (
    Row("one of 16,384 XOR networks, an epoch", "many", "Many networks, float64",
        ("2-2-1", "4", "16,384"), "ns", "python -m pytest benchmarks -k many"),
    Row("4-8-3, batches of 32, a sample", "speed", "Tables, float64",
        ("4-8-3", "150", "32"), "ns", "python -m pytest benchmarks -k tables"),
    Row("64-32-10, batches of 32, a sample", "speed", "Tables, float64",
        ("64-32-10", "1,797", "32"), "ns", "python -m pytest benchmarks -k tables"),
    Row("64-32-32-10, Adam, batches of 32, a sample", "adam", "Adam, float64",
        ("64-32-32-10", "relu-softmax Adam log loss", "1,797", "32"), "ns",
        "python -m pytest benchmarks -k adam"),
    Row("`fit()` of digits, 64-100-10", "sklearn", "Estimators, float64",
        ("digits", "1,797", "64-100-10", "200"), "ms", "python -m pytest benchmarks -k sklearn"),
)  # fmt: skip
HEAD = """\
| float64 | fastxor | beside | ratio | command |
| --- | ---: | ---: | ---: | --- |"""


def summary(sections: dict[str, str]) -> str:
    """The table, and where a peer is ahead."""
    rows = [tutorial(sections["demo"]), *(measured(row, sections[row.section]) for row in ROWS)]
    behind = [line for line in sections["speed"].splitlines() if "A peer is ahead" in line]
    return "\n".join([HEAD, *rows, "", machine(sections["many"]), "", *behind])


def tutorial(demo: str) -> str:
    """An epoch of the tutorial's network, by its own code and by the kernel."""
    theirs, _, ours = cells_after("time per epoch", demo)
    ratio = cells_after("speed", demo)[-1]
    what = "XOR, the tutorial's network, an epoch"
    return f"| {what} | {ours} | {theirs} (tutorial) | {ratio} | `fastxor` |"


def cells_after(name: str, demo: str) -> list[str]:
    (line,) = re.findall(rf"^│ {name} +│(.*)│$", demo, re.MULTILINE)
    return [cell.strip() for cell in line.split("│")]


def measured(row: Row, section: str) -> str:
    head, *lines = table(section, row.title)
    (cells,) = [line for line in lines if tuple(line[: len(row.cells)]) == row.cells]
    ratio, engine = re.fullmatch(r"(.*) \((.*)\)", cells[-1]).groups()
    ours, other = (cells[head.index(name)] for name in ("fastxor", engine))
    values = f"{ours} {row.unit} | {other} {row.unit} ({engine}) | {ratio}"
    return f"| {row.what} | {values} | `{row.command}` |"


def table(section: str, title: str) -> list[list[str]]:
    """The cells of the table under this title, the head first."""
    _, _, text = section.partition(f"### {title}:")
    lines = re.search(r"\n((?:\|.*\n)+)", text)[1].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def machine(section: str) -> str:
    return section.splitlines()[0] + "."
