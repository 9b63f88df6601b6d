"""`trainability`: where training works, and how soon."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.plot.common import axes_or_current

LABELS = {
    "seed": "seed", "learning_rate": "learning rate", "momentum": "momentum",
    "init_range": "range of starting weights", "beta1": "beta1", "beta2": "beta2",
    "epsilon": "epsilon", "l2": "l2",
}  # fmt: skip


def label(name: str) -> str:
    """What an axis of this name is called in a picture."""
    if name.startswith("learning_rate") and name[13:].isdigit():
        return f"learning rate of layer {name[13:]}"
    return LABELS.get(name, name)


def trainability(
    result: Any,
    ax: Axes | None = None,
    *,
    x: tuple[str, Any] | None = None,
    y: tuple[str, Any] | None = None,
    grey: bool = False,
    cax: Any = None,
) -> Axes:
    """Draw a map of where training works: black where a network was not solved, lighter the sooner.

    result: what `train_many` returns, of shape (rows, columns): rows run up the picture, columns
        across it. One that was interrupted may be drawn, too: what is not done is black.
    ax: the Axes to draw into; by default the current ones of pyplot.
    x, y: the name of an axis and its values, (columns,) or (rows,), which increase or decrease; by
        default the one setting (seed, learning rate, momentum, l2 and so on) that varies along
        it. Starting weights must be named here, as the result does not know what they started from.
    grey: greys in place of colours; colour-blind people can read both.
    cax: Axes for the colour bar; by default its place is taken from ``ax``.

    An axis is logarithmic where its values are geometric, colours where epochs up to 1,000 or more
    differ by a factor of 20. Where both axes are evenly spaced, each run is a rectangle of an image
    without other colours between. Returns the Axes.

    Raises TypeError or ValueError for what is no such result, has another number of dimensions or
    was trained without a tolerance, and for axes whose name cannot be told or whose values do not
    fit.
    """
    for name in ("shape", "settings", "solved_at", "done"):
        if not hasattr(result, name):
            expected = "what train_many returns"
            raise TypeError(f"result must be {expected}, got {type(result).__name__}")
    if len(result.shape) != 2 or 0 in result.shape:
        raise ValueError(f"result must have shape (rows, columns), got {tuple(result.shape)}")
    if result.solved_at is None:
        raise ValueError("result must know when networks were solved: train them with a tolerance")
    across, up = axis_of(result, "x", x), axis_of(result, "y", y)
    solved_at = np.asarray(result.solved_at)
    solved = (solved_at >= 0) & np.asarray(result.done)
    epochs = np.ma.masked_where(~solved, np.maximum(solved_at, 1))
    first = epochs.min() if solved.any() else 1
    last = max(epochs.max(), first + 1) if solved.any() else 2
    wide = result.settings.epochs >= 1000 and last >= 20 * first
    # the last of them not so dark as to be taken for black
    colours = matplotlib.colormaps["gray" if grey else "cividis"](np.linspace(1, 0.2, 256))
    look: dict[str, Any] = {
        "cmap": ListedColormap(colours).with_extremes(bad="black"),
        "norm": (LogNorm if wide else Normalize)(first, last),
    }
    ax = axes_or_current(ax)
    picture = drawn(ax, epochs, across, up, look)
    ticks = None if wide else MaxNLocator(integer=True)
    bar = ax.figure.colorbar(picture, ax=ax, cax=cax, ticks=ticks)
    bar.set_label(f"epochs until solved; black: not within {result.settings.epochs:,}")
    return ax


def drawn(
    ax: Axes, values: Any, across: tuple[str, Array, str], up: tuple[str, Array, str],
    look: dict[str, Any],
) -> Any:  # fmt: skip
    """A picture of values (rows, columns) in ``ax``, whose axes are those of `axis_of`."""
    (x_name, x_edges, x_scale), (y_name, y_edges, y_scale) = across, up
    if x_scale == y_scale == "even":
        picture: Any = ax.imshow(
            values, origin="lower", aspect="auto", interpolation="nearest",
            extent=(x_edges[0], x_edges[-1], y_edges[0], y_edges[-1]), **look,
        )  # fmt: skip
    else:
        ax.set_xscale("log" if x_scale == "log" else "linear")
        ax.set_yscale("log" if y_scale == "log" else "linear")
        picture = ax.pcolormesh(x_edges, y_edges, values, rasterized=True, **look)
    for axis, edges, scale in ((ax.xaxis, x_edges, x_scale), (ax.yaxis, y_edges, y_scale)):
        if scale == "log" and max(edges) < 10 * min(edges):  # there, no power of ten need be
            axis.set_major_locator(MaxNLocator(5))
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_locator(NullLocator())
    if x_scale != "log":
        ax.locator_params("x", nbins=5)  # room for long numbers
    ax.set(
        xlabel=x_name, xlim=(x_edges[0], x_edges[-1]),
        ylabel=y_name, ylim=(y_edges[0], y_edges[-1]),
    )  # fmt: skip
    return picture


def axis_of(result: Any, which: str, given: Any) -> tuple[str, Array, str]:
    """Its name, the edges between its runs, and "even", "log" or "uneven"."""
    count = result.shape[1] if which == "x" else result.shape[0]
    if given is not None and not (isinstance(given, (tuple, list)) and len(given) == 2):
        raise TypeError(f"{which} must be (name, values), got {given!r:.60}")
    name, values = _varying(result, which) if given is None else given
    values = checks.numbers(which, values, ndim=(1,)).astype(np.float64)
    if values.shape != (count,):
        raise ValueError(f"{which} must have {count} values, got shape {values.shape}")
    steps = np.diff(values)
    if not (np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all())):
        raise ValueError(f"{which}, {name}, must have finite values that increase or decrease")
    if _is_even(values):
        return name, _edges(values), "even"
    if (values > 0).all() and _is_even(np.log(values)):
        return name, np.exp(_edges(np.log(values))), "log"
    return name, _edges(values), "uneven"


def _is_even(values: Array) -> bool:
    """Are all values where equal steps would have them, within a hundredth of a step?"""
    even = np.linspace(values[0], values[-1], len(values))
    step = (values[-1] - values[0]) / max(1, len(values) - 1)
    return bool((np.abs(values - even) <= abs(step) / 100).all())


def _edges(values: Array) -> Array:
    """Half way between two values, and as far beyond the outer ones."""
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    between = (values[1:] + values[:-1]) / 2
    return np.concatenate(
        [[2 * values[0] - between[0]], between, [2 * values[-1] - between[-1]]]
    )  # fmt: skip


def _varying(result: Any, which: str) -> tuple[str, Array]:
    """The setting that varies along the axis, and its values."""
    found = {}
    for name, label in LABELS.items():
        values = getattr(result.settings, name)
        if values is None:
            continue
        values = np.broadcast_to(values, result.shape)
        values = values if which == "x" else values.T
        if (values == values[0]).all():
            if (values[0] != values[0, 0]).any():
                found[label] = values[0]
        elif (values != values[:, :1]).any():
            found[label] = None  # along both axes
    expected = f"{which} must be given as (name, values)"
    if not found:
        raise ValueError(f"{expected}: no setting varies along it, or weights do")
    if len(found) > 1:
        raise ValueError(f"{expected}: both {' and '.join(found)} vary along it")
    ((label, values),) = found.items()
    if values is None:
        raise ValueError(f"{expected}: {label} varies along both axes")
    return label, values
