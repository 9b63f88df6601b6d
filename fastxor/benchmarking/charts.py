"""Plots of what benchmarks measured, with matplotlib: see `fastxor.report`."""

import math
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from fastxor.benchmarking.tables import Time, rank

Panels = dict[str, dict[str, dict[int, float]]]  # panel, engine, x: ns

STYLES = {  # Okabe-Ito's colours, but for the yellow, and markers that differ without them
    "textbook": ("#000000", "X"), "reference": ("#999999", "v"), "fastxor": ("#D55E00", "o"),
    "NumPy": ("#0072B2", "^"), "JAX": ("#009E73", "s"), "PyTorch": ("#56B4E9", "D"),
    "scikit-learn": ("#CC79A7", "P"), "JAX vmap": ("#882255", "d"),
    "flax": ("#E69F00", "p"),
}  # fmt: skip


def plots(times: list[Time], folder: Path, end: str = "") -> None:
    """Write the plots that there are times for: batch-size, width, epochs and many .png."""
    folder.mkdir(parents=True, exist_ok=True)
    times = sorted(times, key=lambda time: rank(time["sizes"]))
    times.sort(key=lambda time: time["dtype"], reverse=True)  # float64 first
    full = [
        time | {"hidden_size": int(time["sizes"].split("-")[1])}
        for time in times
        if time["table"] == "full batch"
    ]
    wide = [time for time in full if time["dtype"] == full[0]["dtype"]]
    draw(folder / f"batch-size{end}.png", panels(wide, "n", "{sizes}, {dtype}"),
         "Full-batch training", "samples in the batch", "sample")  # fmt: skip
    count = min((time["n"] for time in full), key=lambda n: abs(n - 1024), default=0)
    same = [time for time in full if time["n"] == count]
    draw(folder / f"width{end}.png", panels(same, "hidden_size", "{dtype}"),
         f"Full-batch training, {count:,} samples", "hidden units", "sample")  # fmt: skip
    epochs = [time for time in times if time["table"] == "epochs"]
    draw(folder / f"epochs{end}.png", panels(epochs, "epochs", "{sizes}, {n} samples, {dtype}"),
         "Calls of few and of many epochs", "epochs in the call", "epoch")  # fmt: skip
    many = [time for time in times if time["table"] == "many networks"]
    draw(folder / f"many{end}.png", panels(many, "networks", "{sizes}, {n} samples, {dtype}"),
         "Many networks at once", "networks", "epoch and network")  # fmt: skip


def panels(times: list[Time], x: str, title: str) -> Panels:
    """The lines of a plot."""
    found: Panels = defaultdict(lambda: defaultdict(dict))
    for time in times:
        line = found[title.format_map(time)][time["engine"]]
        line[time[x]] = min(time["ns"], line.get(time[x], math.inf))
    return found


def draw(path: Path, panels: Panels, title: str, x: str, per: str) -> None:
    """A panel's lines, fastxor's the thickest, and below others to hide none that is ahead."""
    xs = sorted({x for lines in panels.values() for line in lines.values() for x in line})
    if len(xs) < 2:
        return
    across = 2 if len(panels) == 4 else min(len(panels), 3)
    down = -(-len(panels) // across)
    figure = Figure(figsize=(8, 1.6 + (3.4 if across == 1 else 2.8) * down), layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    handles = {}
    for axis, (name, lines) in zip(axes, panels.items(), strict=False):
        for engine, line in lines.items():
            colour, marker = STYLES[engine]
            wide, size, order = (3.5, 8, 2) if engine == "fastxor" else (1.5, 5, 3)
            (handles[engine],) = axis.loglog(
                *zip(*sorted(line.items()), strict=True), color=colour, marker=marker,
                linewidth=wide, markersize=size, zorder=order,
            )  # fmt: skip
        axis.set_xticks(xs[:: -(-len(xs) * across // 12)])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_locator(LogLocator(numticks=12))
        for each in (axis.xaxis, axis.yaxis):
            each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
        axis.set_title(name, fontsize=11)
        axis.set_xlabel(x)
        axis.tick_params(labelsize=9, labelbottom=True)
        axis.grid(color="#DDDDDD", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(title, fontsize=12)
    figure.supylabel(f"ns per {per} (shortest time)", fontsize=10)
    names = sorted(handles, key=rank)
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=150)
