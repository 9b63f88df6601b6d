"""Puts what is printed here and now into the pages: README.md and those in docs/.

``python -m benchmarks.report demo`` renews what ``fastxor`` prints, ``seeds`` what ``fastxor
seeds`` does, ``map`` and ``fractal`` what ``fastxor map`` does, with its pictures, ``sweeps``
and ``groups`` what these modules of ``benchmarks`` do; ``speed FILE...``, ``many
FILE...``, ``adam FILE...`` and ``sklearn FILE...``, with benchmarks' JSON, tables and plots.
``readme`` takes the rows of README's table from what is on these pages.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.summary import summary
from fastxor.benchmarking import tables
from fastxor.benchmarking.charts import plots

ROOT = Path(__file__).parents[1]
PLOT = Path("benchmarks") / "plots"
SECTIONS = {  # tables that have a place of their own
    "many": ("many networks", "deep, many networks", "networks by threads"),
    "adam": ("adam", "adam, many networks"),
    "sklearn": ("estimators",),
}  # fmt: skip


def main(name: str, *files: str) -> None:
    if name == "demo":
        replace(name, "\n".join(["```text", *printed(), "```"]))
    elif name == "seeds":
        shown = [[f"$ fastxor seeds{options}", *printed("seeds", *options.split())]
                 for options in ("", " --epochs 30000")]  # fmt: skip
        replace(name, "\n".join(["```text", *shown[0], *shown[1], "```"]))
    elif name == "map":
        file = PLOT / "figure-3.png"
        alt = "Figure 3 of Kolen and Pollack: black where XOR is not learned"
        replace(name, drawn(name, file, alt, f"map --figure 3 {file}"))
    elif name == "fractal":
        file = PLOT / "fractal.png"
        alt = "The boundary of trainability of a single sample, from near by"
        zoomed = "--zoom 488.5:490.1,15.99:16.04"
        replace(name, drawn(name, file, alt, f"map --fractal single {zoomed} --size 300 {file}"))
    elif name in ("sweeps", "groups"):
        replace(name, "\n".join(["```text", *printed(module=f"benchmarks.{name}"), "```"]))
    elif name == "speed":
        replace(f"{name} FILE...", speed(files))
    elif name in SECTIONS:
        replace(f"{name} FILE...", section(name, files))
    elif name == "readme":
        replace(name, summary(sections()))
    else:
        raise SystemExit(__doc__)


def drawn(name: str, file: Path, alt: str, command: str) -> str:
    """The picture, and what the command that drew it says."""
    lines = [f"![{alt}]({link(name, file)})", "", "```text", f"$ fastxor {command}"]
    return "\n".join([*lines, *printed(*command.split()), "```"])


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
    plots(times, ROOT / PLOT)
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
    picture = f"![{alt}]({link('speed', PLOT / 'batch-size.png')})"
    return "\n".join([picture, "", *said, "", tables.report(machine, chosen)])


def section(name: str, files: tuple[str, ...]) -> str:
    machine, times = read(files)
    return tables.report(machine, [time for time in times if time["table"] in SECTIONS[name]])


def pages() -> list[Path]:
    """README.md and the pages of docs/, as far as they are no build's."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in found if "_build" not in page.parts)]


def sections() -> dict[str, str]:
    """What is between the marks of each, on whatever page."""
    texts = [page.read_text() for page in pages()]
    pattern = r"<!-- (\w+): python -m benchmarks\.report .*?-->\n(.*?)\n<!-- /\1 -->"
    return {name: text for page in texts for name, text in re.findall(pattern, page, re.DOTALL)}


def page_of(name: str) -> Path:
    found = [page for page in pages() if f"<!-- {name}: " in page.read_text()]
    if len(found) != 1:
        raise SystemExit(f"there must be one page with a place for {name}")
    return found[0]


def link(name: str, file: Path) -> str:
    """The path of a file from the page that has this section."""
    return Path(os.path.relpath(ROOT / file, page_of(name).parent)).as_posix()


def replace(command: str, text: str) -> None:
    name = command.split()[0]
    page = page_of(name)
    block = f"<!-- {name}: python -m benchmarks.report {command} -->\n{text}\n<!-- /{name} -->"
    pattern = f"<!-- {name}: .*?<!-- /{name} -->"
    new, count = re.subn(pattern, lambda _: block, page.read_text(), flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{page.name} must have one place for {name}")
    page.write_text(new)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
