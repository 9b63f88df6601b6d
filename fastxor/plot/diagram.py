"""`network`: the units of a network and its weights, for those who teach."""

from collections.abc import Iterable, Sequence
from itertools import chain
from math import atan2, degrees
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.lines import Line2D

from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.plot.common import COLOURS, axes_or_current, tint
from fastxor.runs.run import Run

MOST = 16  # units of a layer, in a column
ENDS = 7  # of more units, the first and the last so many
NUMBERS = 12  # as many weights, at most, are written on their lines
SIGNS = (COLOURS[1], COLOURS[0])  # below zero, above
NEUTRAL = "#606060"
FULL = 0.6  # of its colour, the unit with the largest bias
PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1}
# in points
WIDEST = 5.0  # line, where there is room
TEXT = 8.0
LINE = 1.4 * TEXT  # from one line of text to the next
LETTER = 0.6 * TEXT
DIAMETER = 28.0  # of a unit, at most
APART = 2 * TEXT  # one number from another


def network(
    network: Network | Run,
    ax: Axes | None = None,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> Axes:
    """Draw a network as a diagram: a column of units for each layer, a line for each weight.

    The larger a weight, the wider its line; the larger a bias, the fuller the colour of its unit.
    Blue is positive, vermilion negative, and a legend tells the largest of each. Up to 12 weights
    are written on their lines, with the biases in their units, where there is room. Of a layer of
    more than 16 units the first and the last seven are drawn, and between them stands how many are
    not.

    network: a `Network` or a `Run`.
    ax: the Axes to draw into, for nothing else; by default pyplot's current ones. Units and margins
        are made for the size that they have now.
    inputs, outputs: names, by default x1, x2, ... and y1, y2, ...

    Returns the Axes. Raises TypeError or ValueError, naming the argument, for bad input.
    """
    if isinstance(network, Run):
        network = network.network
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network or a Run, got {type(network).__name__}")
    left = _names("inputs", inputs, network.sizes[0], "x")
    right = _names("outputs", outputs, network.sizes[-1], "y")
    ax = axes_or_current(ax)
    ax.set_axis_off()
    diagram = _Diagram(ax, network, left, right)
    diagram.draw_weights()
    diagram.draw_units()
    diagram.write_names(left, right)
    if sum(W.size for W in diagram.weights) <= NUMBERS:
        diagram.write_numbers()
    return ax


def _names(name: str, given: Any, count: int, letter: str) -> list[str]:
    if given is None:
        return [f"{letter}{k + 1}" for k in range(count)]
    names = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    if names is None or not all(isinstance(each, str) for each in names):
        raise TypeError(f"{name} must be a sequence of {count} names, got {given!r:.60}")
    if len(names) != count:
        raise ValueError(f"{name} must be a sequence of {count} names, got {len(names)}")
    return names


class _Diagram:
    """Layers are at 0, 1, 2, ... across, and their units between 0 and 1 up."""

    def __init__(self, ax: Axes, network: Network, left: list[str], right: list[str]) -> None:
        self.ax, self.network = ax, network
        self.weights = [layer.W for layer in network.layers]
        self.biases = [None, *(layer.b for layer in network.layers)]
        self.largest, self.largest_bias = _largest(self.weights), _largest(self.biases)
        self.units, places = zip(*map(_shown, network.sizes), strict=True)
        last, counts = len(self.weights), [min(size, MOST) for size in network.sizes]

        width, height = np.array(ax.bbox.size) / ax.figure.dpi * 72  # points
        has_biases = any(b is not None for b in self.biases)
        is_wide = width > 310  # enough for three columns in the legend
        legend_lines = 1 + has_biases if is_wide else 3
        below = LINE * (3.5 + any(b is None for b in self.biases[1:]) + 1.2 * legend_lines)
        up = max(height - below - LINE, height / 3)
        self.diameter = min(DIAMETER, 0.75 * up / max(counts), width / (last + 1) / 3)
        self.widest = min(WIDEST, 0.2 * up / max(counts))
        before, after = (
            max(4 * TEXT, self.diameter + LETTER * max(map(len, names))) for names in (left, right)
        )
        across = max(width - before - after, width / 3) / last
        self.scale = np.array([across, up])  # points to the next layer, and from 0 to 1
        ax.set_xlim(-before / across, last + after / across)
        ax.set_ylim(-below / up, 1 + LINE / up)
        # small layers do not take all of the height
        steps = [1 / max(count, max(counts) / 2) for count in counts]
        self.heights = [
            0.5 + ((count - 1) / 2 - place) * step
            for count, place, step in zip(counts, places, steps, strict=True)
        ]
        self.draw_legend(has_biases, is_wide)

    def draw_legend(self, has_biases: bool, is_wide: bool) -> None:
        colours = to_rgba_array([*SIGNS[::-1], NEUTRAL])[:, :3]
        line: dict[str, Any] = {"linewidth": self.widest}
        unit: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 1.2 * TEXT}
        kinds = [("weight", self.largest, colours, line)]
        if has_biases:
            unit["markeredgecolor"] = NEUTRAL
            kinds.append(("bias", self.largest_bias, tint(colours, np.array(FULL)), unit))
        entries = [
            [
                Line2D([], [], color=colour, label=text, **look)
                for colour, text in zip(
                    own, (f"{name} > 0", f"{name} < 0", f"|{name}| = {largest:.3g}"), strict=True
                )
            ]
            for name, largest, own, look in kinds
        ]
        # its columns are filled one after another
        columns = [*zip(*entries, strict=True)] if is_wide else entries
        self.ax.legend(
            handles=[*chain(*columns)], ncols=len(columns), loc="lower center", fontsize=TEXT,
            frameon=False, borderaxespad=0,
        )  # fmt: skip

    def draw_weights(self) -> None:
        """The largest on top."""
        for k, W in enumerate(self.weights):
            shown = W[np.ix_(self.units[k], self.units[k + 1])]
            i, j = np.unravel_index(np.argsort(np.abs(shown), axis=None), shown.shape)
            y = np.stack([self.heights[k][i], self.heights[k + 1][j]], axis=1)
            x = np.broadcast_to([k, k + 1], y.shape)
            widths = self.widest * np.abs(shown[i, j]) / (self.largest or 1)
            lines: Any = np.stack([x, y], axis=-1)
            look: dict[str, Any] = {"linewidths": widths, "colors": _colours(shown[i, j])}
            self.ax.add_collection(LineCollection(lines, **look, zorder=1), autolim=False)

    def draw_units(self) -> None:
        for k, (units, b) in enumerate(zip(self.units, self.biases, strict=True)):
            own = np.zeros(len(units)) if b is None else b[0, units]
            fill = tint(_colours(own), FULL * np.abs(own) / (self.largest_bias or 1))
            self.ax.scatter(
                np.full(len(units), k), self.heights[k], s=self.diameter**2, c=fill,
                edgecolors=NEUTRAL, zorder=3,
            )  # fmt: skip

    def write_names(self, left: list[str], right: list[str]) -> None:
        """Beside the units, and under each layer."""
        last, size = len(self.weights), min(TEXT, 1.2 * self.diameter)
        away = (self.diameter / 2 + 4) / self.scale[0]
        for k, x, names, side in ((0, -away, left, "right"), (last, last + away, right, "left")):
            for unit, y in zip(self.units[k], self.heights[k], strict=True):
                self.write(x, y, names[unit], ha=side, fontsize=size)
        for k, count in enumerate(self.network.sizes):
            if hidden := count - len(self.units[k]):
                self.write(k, 0.5, f"… {hidden:,} more", bbox=PLATE, zorder=4)
            kind = "input" if k == 0 else "output" if k == last else "unit"
            text = f"{count:,} {kind}" + "s" * (count > 1)
            if k:
                text += f"\n{self.network.architecture.activations[k - 1]}"
                text += "\nno bias" * (self.biases[k] is None)
            self.write(k, -0.3 * LINE / self.scale[1], text, va="top")

    def write_numbers(self) -> None:
        """Weights along their lines, if all are apart there; biases in their units, if they fit."""
        taken, written = np.full((1, 2), np.inf), []
        for k, W in enumerate(self.weights):
            for (i, j), weight in np.ndenumerate(W):
                start = np.array([k, self.heights[k][i]])
                way = np.array([k + 1, self.heights[k + 1][j]]) - start
                x, y = way * self.scale
                text = f"{weight:.3g}"
                least = min(0.5, (self.diameter + LETTER * len(text)) / 2 / np.hypot(x, y) + 0.02)
                points = start + np.linspace(least, max(0.6, least), 15)[:, None] * way
                between = (points[:, None] - taken) * self.scale
                near = np.hypot(between[..., 0], between[..., 1]).min(axis=1)
                point = points[near.argmax()]
                if near.max() < APART:
                    return
                taken = np.vstack([taken, point])
                written.append((*point, text, degrees(atan2(y, x))))
        for x, y, text, angle in written:
            self.write(x, y, text, rotation=angle, bbox=PLATE, zorder=2)
        for k, b in enumerate(self.biases):
            for y, bias in zip(self.heights[k], () if b is None else b[0], strict=b is not None):
                if self.diameter > 2.2 * TEXT:
                    self.write(k, y, f"{bias:.2g}", fontsize=0.8 * TEXT, zorder=4)

    def write(self, x: float, y: float, text: str, **look: Any) -> None:
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": TEXT}
        self.ax.text(x, y, text, **centred | look)


def _largest(arrays: Iterable[Array | None]) -> float:
    return max((float(np.abs(array).max()) for array in arrays if array is not None), default=0.0)


def _shown(size: int) -> tuple[Array, Array]:
    """The units that are drawn, and their places from the top."""
    if size <= MOST:
        return np.arange(size), np.arange(size)
    ends = np.r_[:ENDS, -ENDS:0]
    return ends % size, ends % MOST


def _colours(numbers: Array) -> Array:
    """(..., 3)"""
    colours: Array = to_rgba_array(SIGNS)[(numbers > 0).astype(int), :3]
    return colours
