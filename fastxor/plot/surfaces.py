"""`decision_surface`: what a network answers to any point of the plane."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.plot.classes import draw_classes, draw_line, lead
from fastxor.plot.common import COLOURS, Plane, axes_or_current
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
    output: int | None = None,
    extent: Any = None,
    colorbar: bool = True,
) -> Axes:
    """Draw what a network of two inputs says of the plane: an output, or all classes of a softmax.

    An output is drawn as colours, with the line where it is 0.5. For tanh that is where the output
    is 0, for a softmax where it is as large as the largest other. Outputs without an activation
    have no line, and their colours are from the least to the largest. Classes are regions, each in
    its colour where its output is the largest, fuller the larger it is; a legend names them.

    network: a `Network` or a `Run`.
    ax: the Axes to draw into; by default pyplot's current ones.
    X: samples (n, 2) to mark.
    y: their targets (n, O), also (n,) for one output, or, for a softmax, the numbers of their
        classes (n,). Squares where the target is above 0.5, for tanh above 0, else circles; for
        outputs without an activation, circles in the target's colour; in a picture of all classes
        a colour and a shape for the class with the largest target.
    output: which output, and which column of y; by default all classes of a softmax, and the first
        output of others.
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
    has_classes = output is None and network.output == "softmax"
    output = 0 if output is None else checks.integer("output", output, low=0, high=outputs - 1)
    samples = None if X is None else _samples(X, network)
    targets = None if y is None else _targets(y, samples, network)
    left, right, bottom, top = _extent(extent, samples, network.dtype)

    first, second = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    plane = Plane(first, second, network.predict_proba(grid).reshape(GRID, GRID, outputs))
    column = None if targets is None else targets[:, output]
    bounds = BOUNDS.get(network.output) or (*_range(plane.answers[..., output], column), None)
    ax = axes_or_current(ax)
    if has_classes:
        draw_classes(ax, plane, samples, targets, colorbar)
    else:
        _draw_output(ax, plane, network.output, output, bounds, colorbar)
        if samples is not None:
            _mark(ax, samples, column, bounds)
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="first input", ylabel="second input")
    return ax


def _draw_output(
    ax: Axes, plane: Plane, activation: str, output: int, bounds: Any, colorbar: bool
) -> None:
    """Its colours, and the line where it is in the middle, or takes over from others."""
    first, second, answers = plane
    values, (low, high, middle) = answers[..., output], bounds
    filled = ax.contourf(first, second, values, np.linspace(low, high, 21), cmap=MAP)
    if activation == "softmax":
        draw_line(ax, plane, lead(answers, output), 0.0)
    elif middle is not None:
        draw_line(ax, plane, values, middle)
    if colorbar:
        name = "output" if answers.shape[-1] == 1 else f"output {output}"
        ax.figure.colorbar(filled, ax=ax, label=name, ticks=np.linspace(low, high, 5))


def _samples(X: Any, network: Network) -> Array:
    samples = checks.numbers("X", X)
    if samples.shape[1] != 2:
        raise ValueError(f"X must have 2 columns, got shape {samples.shape}")
    checks.finite("X", samples, network.dtype)
    return samples


def _targets(y: Any, samples: Array | None, network: Network) -> Array:
    """(n, O)"""
    if samples is None:
        raise ValueError("y must come with X, got y alone")
    outputs = network.sizes[-1]
    y = checks.numbers("y", y, ndim=(1, 2))
    is_flat = y.shape == (len(samples),) and (outputs == 1 or network.output == "softmax")
    if y.shape != (len(samples), outputs) and not is_flat:
        raise ValueError(f"y must have shape {(len(samples), outputs)}, got {y.shape}")
    checks.finite("y", y, np.float64)
    if is_flat and outputs > 1:
        if not np.isin(y, np.arange(outputs)).all():
            wrong = y[~np.isin(y, np.arange(outputs))][0]
            raise ValueError(f"y must be the numbers of classes, 0 to {outputs - 1}, got {wrong}")
        y = np.eye(outputs)[y.astype(int)]
    targets: Array = y.reshape(-1, outputs)
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


def _mark(ax: Axes, samples: Array, targets: Array | None, bounds: Any) -> None:
    """Samples as circles, those above as squares: shape and colour tell them apart.

    Where there is no middle to be above, in the colours of their targets.
    """
    low, high, middle = bounds
    x, y = samples.T
    look: dict[str, Any] = {"s": 60, "edgecolors": "black", "zorder": 3}
    if targets is None:
        ax.scatter(x, y, c="white", label="sample", **look)
    elif middle is None:
        ax.scatter(x, y, c=targets, cmap=MAP, vmin=low, vmax=high, label="sample", **look)
    else:
        above = targets > middle
        below, over = f"target at most {middle:g}", f"target above {middle:g}"
        ax.scatter(x[~above], y[~above], marker="o", c="white", label=below, **look)
        ax.scatter(x[above], y[above], marker="s", c=COLOURS[1], label=over, **look)
