"""Puts what is printed here and now into README.md.

``python -m benchmarks.readme demo`` renews what ``fastxor`` prints, ``seeds`` what ``fastxor
seeds`` does, ``map`` and ``fractal`` what ``fastxor map`` does, with its pictures, ``sweeps``
and ``groups`` what these modules of ``benchmarks`` do; ``speed FILE...``, ``many
FILE...``, ``adam FILE...`` and ``sklearn FILE...``, with benchmarks' JSON, tables and plots.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from fastxor.benchmarking import tables
from fastxor.benchmarking.charts import plots

README = Path(__file__).parents[1] / "README.md"
PLOT = Path("benchmarks") / "plots"
SECTIONS = {  # tables that have a place of their own
    "many": ("many networks", "deep, many networks", "networks by threads"),
    "adam": ("adam", "adam, many networks"),
    "sklearn": ("estimators",),
}  # fmt: skip


def main(name: str, *files: str) -> None:
    if name == "demo":
        replace(name, "\n".join(["```", *printed(), "```"]))
    elif name == "seeds":
        shown = [[f"$ fastxor seeds{options}", *printed("seeds", *options.split())]
                 for options in ("", " --epochs 30000")]  # fmt: skip
        replace(name, "\n".join(["```", *shown[0], *shown[1], "```"]))
    elif name == "map":
        command = f"map --figure 3 {PLOT / 'figure-3.png'}"
        lines = printed(*command.split())
        picture = "Figure 3 of Kolen and Pollack: black where XOR is not learned"
        lines = [
            f"![{picture}]({PLOT / 'figure-3.png'})",
            "",
            "```",
            f"$ fastxor {command}",
            *lines,
        ]
        replace(name, "\n".join([*lines, "```"]))
    elif name == "fractal":
        file = PLOT / "fractal.png"
        command = f"map --fractal single --size 512 {file}"
        lines = [f"![The boundary of trainability, of a single sample]({file})", "", "```"]
        replace(
            name, "\n".join([*lines, f"$ fastxor {command}", *printed(*command.split()), "```"])
        )
    elif name in ("sweeps", "groups"):
        replace(name, "\n".join(["```", *printed(module=f"benchmarks.{name}"), "```"]))
    elif name == "speed":
        replace(f"{name} FILE...", speed(files))
    elif name in SECTIONS:
        replace(f"{name} FILE...", section(name, files))
    else:
        raise SystemExit(__doc__)


def printed(*arguments: str, module: str = "fastxor") -> list[str]:
    """The lines that ``fastxor`` prints."""
    output = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=True,
        env=os.environ | {"COLUMNS": "96"},
    ).stdout  # fmt: skip
    return [line.rstrip() for line in output.splitlines()]


def read(files: tuple[str, ...]) -> tuple[str, list[tables.Time]]:
    """All times, of one machine."""
    found = [tables.read(file) for file in files]
    machine, times = found[0][0], [time for _, each in found for time in each]
    if any(other != machine for other, _ in found):
        raise SystemExit("the files are of several machines or versions")
    plots(times, README.parent / PLOT)
    return machine, times


def speed(files: tuple[str, ...]) -> str:
    """One plot, one table, and what the others say of peers."""
    machine, times = read(files)
    times = [time for time in times if not any(time["table"] in own for own in SECTIONS.values())]
    chosen = [time for time in times if time["table"] == "tables"]
    rest = tables.report(machine, [time for time in times if time["table"] != "tables"])
    said = []
    for line in rest.splitlines():
        if line.startswith("###"):
            title = line.strip("# ").split(":")[0]
        if line.startswith(("fastxor is ahead", "A peer is ahead")):
            said.append(f"- {title}: {line}")
    alt = "ns per sample against samples in the batch, one line per engine, log axes"
    picture = f"![{alt}]({(PLOT / 'batch-size.png').as_posix()})"
    return "\n".join([picture, "", *said, "", tables.report(machine, chosen)])


def section(name: str, files: tuple[str, ...]) -> str:
    machine, times = read(files)
    return tables.report(machine, [time for time in times if time["table"] in SECTIONS[name]])


def replace(command: str, text: str) -> None:
    name = command.split()[0]
    block = f"<!-- {name}: python -m benchmarks.readme {command} -->\n{text}\n<!-- /{name} -->"
    pattern = f"<!-- {name}\\b.*?<!-- /{name} -->"
    readme, count = re.subn(pattern, lambda _: block, README.read_text(), flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"README.md must have one place for {name}")
    README.write_text(readme)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
