"""Puts what is printed here and now into README.md.

``python -m benchmarks.readme`` renews what ``fastxor`` prints; ``python -m benchmarks.readme
FILE...``, with benchmarks' JSON, the table and the plot of speeds.
"""

import re
import subprocess
import sys
from pathlib import Path

from fastxor import report
from fastxor.charts import plots

README = Path(__file__).parents[1] / "README.md"
PLOT = Path("benchmarks") / "plots"


def main(files: list[str]) -> None:
    if files:
        replace("speed", speed(files))
    else:
        replace("demo", demo())


def demo() -> str:
    printed = subprocess.run(
        [sys.executable, "-m", "fastxor"], capture_output=True, text=True, check=True
    ).stdout
    return "\n".join(["```", *(line.rstrip() for line in printed.splitlines()), "```"])


def speed(files: list[str]) -> str:
    """One plot, one table, and what the others say of peers."""
    read = [report.read(file) for file in files]
    machine, times = read[0][0], [time for _, each in read for time in each]
    if any(other != machine for other, _ in read):
        raise SystemExit("the files are of several machines or versions")
    plots(times, README.parent / PLOT)
    chosen = [time for time in times if time["table"] == "tables"]
    rest = report.report(machine, [time for time in times if time["table"] != "tables"])
    said = []
    for line in rest.splitlines():
        if line.startswith("###"):
            title = line.strip("# ").split(":")[0]
        if line.startswith(("fastxor is ahead", "A peer is ahead")):
            said.append(f"- {title}: {line}")
    alt = "ns per sample against samples in the batch, one line per engine, log axes"
    return "\n".join(
        [f"![{alt}]({(PLOT / 'batch-size.png').as_posix()})", "", *said, "",
         report.report(machine, chosen)]
    )  # fmt: skip


def replace(name: str, text: str) -> None:
    arguments = " FILE..." if name == "speed" else ""
    block = f"<!-- {name}: python -m benchmarks.readme{arguments} -->\n{text}\n<!-- /{name} -->"
    pattern = f"<!-- {name}\\b.*?<!-- /{name} -->"
    readme, count = re.subn(pattern, lambda _: block, README.read_text(), flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"README.md must have one place for the {name}")
    README.write_text(readme)


if __name__ == "__main__":
    main(sys.argv[1:])
