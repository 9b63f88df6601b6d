"""``fastxor map``: from its options to a map, its picture, its file and what it prints."""

import argparse
import math
import sys
import textwrap
import time
from dataclasses import replace
from typing import Any

import numpy as np

from fastxor.cli import results
from fastxor.cli.samples import Samples
from fastxor.cli.words import classes_in_words, kind_of
from fastxor.common import checks
from fastxor.common.files import written_whole
from fastxor.maps import CLASSICS, FRACTALS, Map, box_counting_dimension, by_unit, digest
from fastxor.maps.axes import Axis
from fastxor.networks.architecture import check_hidden_size
from fastxor.plot.boundary import measure_of
from fastxor.plot.maps import LABELS, label  # tells who lacks matplotlib, before any work
from fastxor.runs.run import Interrupted
from fastxor.runs.runs import Runs
from fastxor.runs.samples import check_data
from fastxor.sweeps.many import train_many

SOURCES = ("problem", "bits", "data", "targets")
# what a figure tells already
OF_FIGURE = (
    *SOURCES, "hidden_size", "activation", "output", "loss", "bias", "seed", "init", "init_range",
    "x", "y", "weights",
)  # fmt: skip
# what a picture tells where it is the same for all, in this order
TOLD = (
    "learning_rate", "momentum", "beta1", "beta2", "epsilon", "l2", "seed", "init_range",
)  # fmt: skip

SIDE, INCHES = 600, 5.2  # the map's shorter side in pixels at least, and its longer one in inches
LEFT, RIGHT, BOTTOM, TOP = 1.05, 1.05, 0.55, 0.6  # margins, in inches
GAP, BAR = 0.12, 0.16  # before the colour bar, and its width


# --- options ----------------------------------------------------------------------------
def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of `train_many` that were given; without a figure, fill in the defaults.

    Raises ValueError for options that do not go together.
    """
    found = {n: value for n in arguments.defaults if (value := getattr(arguments, n)) is not None}
    if arguments.figure is not None and arguments.fractal is not None:
        raise ValueError("--fractal must not go with --figure")
    if arguments.figure is None and arguments.fractal is None:
        for option in ("x", "y"):
            if getattr(arguments, option) is None:
                raise ValueError("--x and --y must be given, or --figure, or --fractal")
        for name, value in arguments.defaults.items():
            if name not in found:
                setattr(arguments, name, value)
    else:
        for name in OF_FIGURE:
            if getattr(arguments, name) is not None:
                option = "no-bias" if name == "bias" else name.replace("_", "-")
                other = "figure" if arguments.fractal is None else "fractal"
                raise ValueError(f"--{option} must not go with --{other}")
    return {name: value for name, value in found.items() if name not in SOURCES}


def map_of(arguments: argparse.Namespace, settings: dict[str, Any], samples: Any) -> Map:
    """The map that is asked for; ``samples`` X, y unless a figure tells."""
    if arguments.figure is not None or arguments.fractal is not None:
        classic = FRACTALS[arguments.fractal] if arguments.fractal else CLASSICS[arguments.figure]
        chart = replace(classic, settings=classic.settings | settings)
    else:
        weights = None
        if arguments.weights is not None:
            X, targets = check_data(samples[0], samples[1], np.float64)
            hidden = check_hidden_size(settings.get("hidden_size", 2))
            numbers = [bound("--weights", "", text) for text in arguments.weights.split(",")]
            sizes = X.shape[1], *hidden, targets.shape[1]
            weights = by_unit(numbers, sizes, settings.get("bias", True))
        x, y = _axis("--x", arguments.x), _axis("--y", arguments.y)
        chart = Map(samples, x, y, weights, settings)
    if arguments.zoom is None:
        return chart
    try:
        (x0, x1), (y0, y1) = (part.split(":") for part in arguments.zoom.split(","))
    except ValueError:
        raise ValueError(f"--zoom must be X0:X1,Y0:Y1, got {arguments.zoom!r}") from None
    across, up = chart.x.name, chart.y.name
    return chart.zoomed(
        (bound("--zoom", across, x0), bound("--zoom", across, x1)),
        (bound("--zoom", up, y0), bound("--zoom", up, y1)),
    )


def _axis(option: str, text: str) -> Axis:
    name, _, bounds = text.partition("=")
    name = name.replace("-", "_")
    low, _, rest = bounds.partition(":")
    high, _, log = rest.partition(":")
    if not high or log not in ("", "log"):
        raise ValueError(f"{option} must be NAME=LOW:HIGH or NAME=LOW:HIGH:log, got {text!r}")
    return Axis(name, bound(option, name, low), bound(option, name, high), log == "log")


def bound(option: str, name: str, text: str) -> float:
    try:
        return int(text) if name == "seed" else float(text)
    except ValueError:
        expected = "integers" if name == "seed" else "numbers"
        raise ValueError(f"{option} must have {expected}, got {text!r}") from None


def size_of(text: str) -> tuple[int, int]:
    """Columns and rows."""
    try:
        columns, rows = map(int, text.split("x")) if "x" in text else (int(text), int(text))
    except ValueError:
        raise ValueError(f"--size must be N or WxH, got {text!r}") from None
    return checks.integer("--size", columns, low=2), checks.integer("--size", rows, low=2)


# --- the work ------------------------------------------------------------------------------
def draw(chart: Map, samples: Samples, arguments: argparse.Namespace, progress: bool) -> int:
    """Train, draw, save and print.

    After Ctrl-C what is done is drawn and saved, the rest is black; `Interrupted` is raised again.
    """
    columns, rows = size_of(arguments.size)
    call = chart.call(columns, rows) | {"progress": progress, "store": arguments.store}
    began = time.perf_counter()
    try:
        runs = train_many(**call)
    except Interrupted as stop:
        if stop.run.done.any():
            written = _write(chart, stop.run, arguments)
            names = " and ".join(written)
            print(f"wrote what is done, the rest is black: {names}", file=sys.stderr)
        raise
    seconds = time.perf_counter() - began
    written, found = _write(chart, runs, arguments), _found(chart, runs)
    if arguments.json:
        networks = results.of_networks(runs.architecture, runs.settings)
        results.print_json("map", samples, networks, axes(chart), found, {
            "networks": columns * rows, "seconds": seconds, "digest": digest(runs),
            "saved": written,
        })  # fmt: skip
        return 0
    print(f"{chart.title}: {about(chart, runs)}" if chart.title else about(chart, runs))
    if samples.classes is not None:
        print(classes_in_words(samples))
    print(f"{_range(chart.x)} across, {_range(chart.y)} up")
    print(f"{columns * rows:,} networks in {seconds:.3g} s: {_in_words(found)}")
    print(f"{' and '.join(written)}: sha256 {digest(runs)}")
    return 0


def axes(chart: Map) -> dict[str, Any]:
    """What a map is of, for `print_json`."""
    return {"title": chart.title or None, "x": vars(chart.x), "y": vars(chart.y)}


def _found(chart: Map, runs: Runs) -> dict[str, Any]:
    """The share of networks that converge, or are solved, and a number that tells more."""
    if chart.measure is not None:
        converged = measure_of(runs) < 0
        has_boundary = min(converged.shape) >= 16 and 0 < converged.mean() < 1
        dimension = box_counting_dimension(converged) if has_boundary else None
        return {"converged": converged.mean(), "box_counting_dimension": dimension}
    solved_at = np.asarray(runs.solved_at)  # there is always a tolerance
    solved = solved_at[solved_at >= 0]
    median = np.median(solved) if len(solved) else None
    return {"solved": len(solved) / solved_at.size, "median_solved_at": median}


def _in_words(found: dict[str, Any]) -> str:
    (kind, share), (_, number) = found.items()
    if kind == "converged":
        more = "" if number is None else f", box-counting dimension {number:.2f}"
        return f"{share:.1%} converge{more}"
    return f"{share:.1%} solved" + (
        "" if number is None else f", half of these by epoch {number:,.0f}"
    )


def _write(chart: Map, runs: Runs, arguments: argparse.Namespace) -> list[str]:
    """Save the data, then the picture; the names of the files."""
    if arguments.save is not None:
        chart.save(arguments.save, runs)
    figure = picture(chart, runs, arguments.grey)
    with written_whole(arguments.png) as file:
        figure.savefig(file, format="png")
    return [path for path in (arguments.png, arguments.save) if path is not None]


def picture(chart: Map, runs: Runs, grey: bool = False) -> Any:
    """A Figure in which each run is a rectangle of whole pixels."""
    from matplotlib.figure import Figure

    rows, columns = runs.shape
    width, height = -(-SIDE // columns) * columns, -(-SIDE // rows) * rows
    dpi = math.ceil(max(width, height) / INCHES)
    left, right, bottom, top, gap, bar = (
        round(inches * dpi) for inches in (LEFT, RIGHT, BOTTOM, TOP, GAP, BAR)
    )
    # a hundredth of a pixel more, lest rounding take one away
    across, up = left + width + right + 0.01, bottom + height + top + 0.01
    figure = Figure(figsize=(across / dpi, up / dpi), dpi=dpi)
    ax = figure.add_axes((left / across, bottom / up, width / across, height / up))
    cax = figure.add_axes(
        ((left + width + gap) / across, bottom / up, bar / across, height / up)
    )  # fmt: skip
    chart.plot(runs, ax, cax=cax, grey=grey)
    title = [chart.title] if chart.title else []
    title += textwrap.wrap(about(chart, runs), 80)
    ax.set_title("\n".join(title), fontsize=9, loc="left")
    return figure


def about(chart: Map, runs: Runs) -> str:
    """What is the same for all networks, in one line."""
    settings = runs.settings
    varies = (chart.x.name, chart.y.name)
    parts = [f"{kind_of(runs.architecture, settings)}, {settings.epochs:,} epochs"]
    if settings.init in ("glorot", "he") and chart.weights is None:
        parts.append(f"{settings.init} starts")
    if settings.optimizer != "sgd" or settings.nesterov:
        parts.append("Adam" if settings.optimizer == "adam" else "Nesterov")
    for name in TOLD:
        value = getattr(settings, name)
        tells = {
            "momentum": np.any(value), "l2": np.any(value),
            "seed": chart.weights is None or settings.shuffle,
            "learning_rate": chart.x.layer is None and chart.y.layer is None,
        }.get(name, value is not None)  # fmt: skip
        if tells and name not in varies:
            parts.append(f"{LABELS[name]} {value.flat[0]:.12g}")
    parts += [] if settings.batch_size is None else [f"batches of {settings.batch_size}"]
    parts += ["scheduled"] if settings.schedule else []
    parts += ["shuffled"] if settings.shuffle else []
    parts += [settings.dtype] if settings.dtype != "float64" else []
    return ", ".join(parts)


def _range(axis: Axis) -> str:
    low, high = (repr(bound).removesuffix(".0") for bound in (axis.low, axis.high))
    return f"{label(axis.name)} from {low} to {high}"
