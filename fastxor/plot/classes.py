"""The plane of two inputs, parted by which output of a network is the largest."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba_array
from matplotlib.patches import Patch

from fastxor.common.checks import Array
from fastxor.plot.common import COLOURS, Plane, tint

MARKERS = "osD^vPX<>*"
# how much of its colour a class has where all are as likely, and where it is certain: not so much
# that samples of the class are not seen there
PALE, FULL = 0.08, 0.6
GREY = "#404040"


def draw_classes(
    ax: Axes, plane: Plane, samples: Array | None, targets: Array | None, colorbar: bool
) -> None:
    """Regions in the colours of the classes, the surer the fuller, lines between, and a legend.

    ``targets`` (n, classes): those of the ``samples`` (n, 2).
    """
    first, second, answers = plane
    count = answers.shape[-1]
    largest, winner = answers.max(axis=-1), answers.argmax(axis=-1)
    colours = to_rgba_array(np.resize(COLOURS, count))[:, :3]
    parts = PALE + (FULL - PALE) * (largest - 1 / count) / (1 - 1 / count)
    half_x, half_y = (first[1] - first[0]) / 2, (second[1] - second[0]) / 2
    ax.imshow(
        tint(colours[winner], parts).clip(0, 1), origin="lower", aspect="auto",
        extent=(first[0] - half_x, first[-1] + half_x, second[0] - half_y, second[-1] + half_y),
    )  # fmt: skip
    for k in np.unique(winner):
        draw_line(ax, plane, lead(answers, k), 0.0)
        if _hatch(k):
            ax.contourf(first, second, winner == k, [0.5, 1.5], colors="none", hatches=[_hatch(k)])
    _legend(ax, colours, samples, targets)
    if colorbar:
        ends = tint(to_rgba_array(GREY)[:, :3], np.array([PALE, FULL]))
        greys = LinearSegmentedColormap.from_list("greys", ends)
        scale = ScalarMappable(Normalize(1 / count, 1), greys)
        ax.figure.colorbar(scale, ax=ax, label="largest output")


def lead(answers: Array, output: int) -> Array:
    """(rows, columns): by how much this output is above the largest other."""
    others: Array = np.delete(answers, output, axis=-1).max(axis=-1)
    return answers[..., output] - others


def draw_line(ax: Axes, plane: Plane, values: Array, level: float) -> None:
    """Where the ``values`` (rows, columns) are at this level, if they are anywhere."""
    if values.min() < level < values.max():
        ax.contour(plane.first, plane.second, values, [level], colors="white", linewidths=2)


def _legend(ax: Axes, colours: Array, samples: Array | None, targets: Array | None) -> None:
    """Marks of the samples, too."""
    look: dict[str, Any] = {"s": 60, "edgecolors": "black", "zorder": 3}
    handles: dict[str, tuple[Any, ...]] = {}
    for k, (colour, area) in enumerate(zip(colours, tint(colours, np.array(FULL)), strict=True)):
        name, marker = f"class {k}", MARKERS[k % len(MARKERS)]
        handles[name] = (Patch(facecolor=area, edgecolor="black", hatch=_hatch(k)),)
        if samples is not None and targets is not None:
            x, y = samples[targets.argmax(axis=1) == k].T
            handles[name] += (ax.scatter(x, y, color=colour, marker=marker, label=name, **look),)
    if samples is not None and targets is None:
        x, y = samples.T
        handles["sample"] = (ax.scatter(x, y, c="white", label="sample", **look),)
    columns = 1 + (len(handles) - 1) // 5
    ax.legend(handles.values(), handles.keys(), fontsize="small", ncols=columns)


def _hatch(k: int) -> str:
    """None for as many classes as there are colours, then denser and denser."""
    return "/" * (2 * (k // len(COLOURS)))
