"""`decision_surface`: what a network answers to any point of the plane."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.plot.common import COLOURS, axes_or_current
from fastxor.runs.run import Run

GRID = 201  # points along each axis of a surface
MARGIN = 0.25  # around the samples, in parts of their range
MAP = "cividis"
# of outputs that have bounds: these, and what is between yes and no
BOUNDS = {"sigmoid": (0.0, 1.0, 0.5), "softmax": (0.0, 1.0, 0.5), "tanh": (-1.0, 1.0, 0.0)}


def decision_surface(
    network: Network | Run,
    ax: Axes | None = None,
    *,
    X: Any = None,
    y: Any = None,
    output: int = 0,
    extent: Any = None,
    colorbar: bool = True,
) -> Axes:
    """Draw an output of a network of two inputs as colours, and the line where it is 0.5.

    For tanh it is where the output is 0, for a softmax where it is as large as the largest other.
    Outputs without an activation have no line, and their colours are from the least to the largest.

    network: a `Network` or a `Run`.
    ax: the Axes to draw into; by default pyplot's current ones.
    X: samples (n, 2) to mark.
    y: their targets (n, O) or (n,): squares where the target is above 0.5, for tanh above 0, else
        circles; for outputs without an activation, circles in the target's colour.
    output: which output, and which column of y.
    extent: left, right, bottom and top end of the axes; by default around the samples, or
        around the unit square.
    colorbar: draw one beside the Axes.

    Returns the Axes. Raises TypeError or ValueError, naming the argument, for bad input.
    """
    if isinstance(network, Run):
        network = network.network
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network or a Run, got {type(network).__name__}")
    inputs, outputs = network.sizes[0], network.sizes[-1]
    if inputs != 2:
        raise ValueError(f"network must have 2 inputs, got {inputs}")
    checks.boolean("colorbar", colorbar)
    output = checks.integer("output", output, low=0, high=outputs - 1)
    samples = None if X is None else _samples(X, network)
    targets = None if y is None else _targets(y, samples, output, outputs)
    left, right, bottom, top = _extent(extent, samples, network.dtype)

    first, second = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    answers = network.predict_proba(grid)
    values = answers[:, output].reshape(GRID, GRID)
    low, high, middle = BOUNDS.get(network.output) or (*_range(values, targets), None)
    ax = axes_or_current(ax)
    filled = ax.contourf(first, second, values, np.linspace(low, high, 21), cmap=MAP)
    if network.output == "softmax":
        others = np.delete(answers, output, axis=1).max(axis=1).reshape(GRID, GRID)
        _line(ax, first, second, values - others, 0.0)
    elif middle is not None:
        _line(ax, first, second, values, middle)
    if samples is not None and targets is not None and middle is None:
        _colour(ax, samples, targets, low, high)
    elif samples is not None:
        _mark(ax, samples, targets, middle)
    if colorbar:
        name = "output" if outputs == 1 else f"output {output}"
        ax.figure.colorbar(filled, ax=ax, label=name, ticks=np.linspace(low, high, 5))
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="first input", ylabel="second input")
    return ax


def _samples(X: Any, network: Network) -> Array:
    samples = checks.numbers("X", X)
    if samples.shape[1] != 2:
        raise ValueError(f"X must have 2 columns, got shape {samples.shape}")
    checks.finite("X", samples, network.dtype)
    return samples


def _targets(y: Any, samples: Array | None, output: int, outputs: int) -> Array:
    """(n,): of this output."""
    if samples is None:
        raise ValueError("y must come with X, got y alone")
    y = checks.numbers("y", y, ndim=(1, 2))
    if y.shape != (len(samples), outputs) and not (outputs == 1 and y.shape == (len(samples),)):
        raise ValueError(f"y must have shape {(len(samples), outputs)}, got {y.shape}")
    checks.finite("y", y, np.float64)
    targets: Array = y.reshape(-1, outputs)[:, output]
    return targets


def _extent(extent: Any, samples: Array | None, dtype: Any) -> list[float]:
    """Left, right, bottom, top."""
    if extent is not None:
        ends = checks.numbers("extent", extent, ndim=(1,))
        if ends.shape != (4,) or not (ends[0] < ends[1] and ends[2] < ends[3]):
            expected = "four numbers: left < right, bottom < top"
            raise ValueError(f"extent must be {expected}, got {ends.tolist()}")
        checks.finite("extent", ends, dtype)
        return [float(end) for end in ends]
    around = np.array([[0, 0], [1, 1]]) if samples is None else samples.astype(float)
    low, high = around.min(axis=0), around.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1)
    return [float(end) for end in np.stack([low - margin, high + margin], axis=1).ravel()]


def _range(values: Array, targets: Array | None) -> tuple[float, float]:
    """The least and the largest of them, not too near to each other for steps between them."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"network must have finite outputs there, got {low} to {high}")
    if targets is not None:
        low, high = min(low, float(targets.min())), max(high, float(targets.max()))
    size = max(abs(low), abs(high))
    margin = 0.0 if high - low > 1e-9 * size else 0.1 * size or 0.5
    return low - margin, high + margin


def _line(ax: Axes, first: Array, second: Array, values: Array, level: float) -> None:
    if values.min() < level < values.max():
        ax.contour(first, second, values, [level], colors="white", linewidths=2)


def _colour(ax: Axes, samples: Array, targets: Array, low: float, high: float) -> None:
    """Samples as circles in the colours of their targets."""
    x, y = samples.T
    ax.scatter(
        x, y, s=60, c=targets, cmap=MAP, vmin=low, vmax=high, edgecolors="black", label="sample",
        zorder=3,
    )  # fmt: skip


def _mark(ax: Axes, samples: Array, targets: Array | None, middle: float | None) -> None:
    """Samples as circles, those above as squares: shape and colour tell them apart."""
    kinds = [(np.ones(len(samples), bool), "o", "white", "sample")]
    if targets is not None:
        above = targets > middle
        kinds = [
            (~above, "o", "white", f"target at most {middle:g}"),
            (above, "s", COLOURS[1], f"target above {middle:g}"),
        ]
    for chosen, marker, colour, name in kinds:
        x, y = samples[chosen].T
        ax.scatter(x, y, s=60, c=colour, marker=marker, edgecolors="black", label=name, zorder=3)
