"""Pictures of training, with matplotlib (the extra ``plot``).

Each function draws into the Axes it is given, else into pyplot's current ones, and returns them.
"""

from typing import Any

import numpy as np

try:
    from matplotlib import cbook
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
except ImportError as error:
    raise ImportError("fastxor.plot needs matplotlib: the extra fastxor[plot]") from error

from fastxor import checks
from fastxor.checks import Array
from fastxor.network import Network
from fastxor.results import Runs
from fastxor.runs import Run

# Okabe-Ito's, which colour-blind people can tell apart; without yellow, too pale for a line
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = 20  # as many runs, at most, are drawn as lines of their own
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLUMNS = 1_000  # epochs whose quantiles are drawn: a picture has pixels for no more
GRID = 201  # points along each axis of a surface
MARGIN = 0.25  # around the samples, in parts of their range


def losses(run: Run | Runs, ax: Axes | None = None, **line: Any) -> Axes:
    """Draw the loss of each epoch, before its update.

    run: a `Run`, or `Runs` of any shape from ``train_many(..., record_every=k)``. Up to 20 runs are
        thin lines, more are their median and the bands of the middle 50 % and 90 %: at each epoch,
        of the runs that are still training.
    ax: the Axes to draw into; by default pyplot's current ones.
    line: properties of the lines, as `matplotlib.axes.Axes.plot` takes them: label, color, ...
        The label is that of the first line, or of the median.

    The axis of the losses becomes logarithmic where those drawn span a factor of ten. Returns the
    Axes. Raises TypeError for what is no run, ValueError where no losses were recorded.
    """
    if not isinstance(run, (Run, Runs)):
        raise TypeError(f"run must be a Run or Runs, got {type(run).__name__}")
    if run.losses is None or not run.losses.size:
        raise ValueError("run must have losses, got none: train_many needs record_every=1, say")
    table = run.losses.reshape(-1, run.losses.shape[-1])
    begun = ~np.isnan(table[:, 0])
    if not begun.any():
        raise ValueError("run must have losses, got only NaN")
    table = table if begun.all() else table[begun]
    epochs = np.arange(table.shape[1]) * (run.settings.record_every or 1)
    ax = _axes(ax)
    draw = _draw_bands if len(table) > LINES else _draw_lines
    drawn = draw(ax, epochs, table, cbook.normalize_kwargs(line, Line2D))
    drawn = drawn[drawn > 0]  # a loss of zero falls off the axis
    if drawn.size and drawn.max() >= 10 * drawn.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss (mean squared error)")
    return ax


def _draw_lines(ax: Axes, epochs: Array, table: Array, line: dict[str, Any]) -> Array:
    """A line for each row, up to where its training ended; returns what was drawn."""
    for row in table:
        count = np.count_nonzero(~np.isnan(row))
        style: dict[str, Any] = {
            "color": COLOURS[len(ax.lines) % len(COLOURS)],
            "linewidth": 1.8 if len(table) == 1 else 0.9,
            "marker": "." if count == 1 else None,  # a line of one point is not seen
        }
        ax.plot(epochs[:count], row[:count], **style | line)
        line = line | {"label": None}
    return table


def _draw_bands(ax: Axes, epochs: Array, table: Array, line: dict[str, Any]) -> Array:
    """The quantiles of the rows; returns them."""
    shown = np.unique(np.linspace(0, len(epochs) - 1, COLUMNS).astype(int))
    shown = shown[[not np.isnan(table[:, k]).all() for k in shown]]
    # a column at a time: a million runs take no second copy
    quantiles = np.array([np.nanquantile(table[:, k], QUANTILES) for k in shown]).T
    x, (low, lower, median, upper, high) = epochs[shown], quantiles
    still = ", while they train" if np.isnan(table[:, -1]).any() else ""
    style: dict[str, Any] = {
        "color": COLOURS[len(ax.lines) % len(COLOURS)],
        "label": f"median of {len(table):,} runs{still}",
    }
    (drawn,) = ax.plot(x, median, **style | line)
    band: dict[str, Any] = {
        "color": drawn.get_color(),
        "linewidth": 0,
        "zorder": drawn.get_zorder() - 0.5,
    }
    ax.fill_between(x, lower, upper, alpha=0.4, label="middle 50 %", **band)
    ax.fill_between(x, low, high, alpha=0.2, label="middle 90 %", **band)
    ax.legend()
    return quantiles


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

    network: a `Network` or a `Run`.
    ax: the Axes to draw into; by default pyplot's current ones.
    X: samples (n, 2) to mark.
    y: their targets (n, O) or (n,): squares where the target is above 0.5, else circles.
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
    inputs, _, outputs = network.sizes
    if inputs != 2:
        raise ValueError(f"network must have 2 inputs, got {inputs}")
    checks.boolean("colorbar", colorbar)
    output = checks.integer("output", output, low=0, high=outputs - 1)
    samples = None if X is None else _samples(X, network)
    above = None if y is None else _above(y, samples, output, outputs)
    left, right, bottom, top = _extent(extent, samples, network.dtype)

    first, second = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    values = network.predict_proba(grid)[:, output].reshape(GRID, GRID)
    ax = _axes(ax)
    levels = np.linspace(0, 1, 21)
    filled = ax.contourf(first, second, values, levels, cmap="cividis")
    if values.min() < 0.5 < values.max():
        ax.contour(first, second, values, [0.5], colors="white", linewidths=2)
    if samples is not None:
        _mark(ax, samples, above)
    if colorbar:
        name = "output" if outputs == 1 else f"output {output}"
        ax.figure.colorbar(filled, ax=ax, label=name, ticks=np.linspace(0, 1, 5))
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="first input", ylabel="second input")
    return ax


def _samples(X: Any, network: Network) -> Array:
    samples = checks.numbers("X", X)
    if samples.shape[1] != 2:
        raise ValueError(f"X must have 2 columns, got shape {samples.shape}")
    checks.finite("X", samples, network.dtype)
    return samples


def _above(y: Any, samples: Array | None, output: int, outputs: int) -> Array:
    """(n,): is the target of this output above 0.5?"""
    if samples is None:
        raise ValueError("y must come with X, got y alone")
    y = checks.numbers("y", y, ndim=(1, 2))
    if y.shape != (len(samples), outputs) and not (outputs == 1 and y.shape == (len(samples),)):
        raise ValueError(f"y must have shape {(len(samples), outputs)}, got {y.shape}")
    checks.finite("y", y, np.float64)
    above: Array = y.reshape(-1, outputs)[:, output] > 0.5
    return above


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


def _mark(ax: Axes, samples: Array, above: Array | None) -> None:
    """Samples as circles, those above as squares: shape and colour tell them apart."""
    kinds = [(np.ones(len(samples), bool), "o", "white", "sample")]
    if above is not None:
        kinds = [
            (~above, "o", "white", "target at most 0.5"),
            (above, "s", COLOURS[1], "target above 0.5"),
        ]
    for chosen, marker, colour, name in kinds:
        x, y = samples[chosen].T
        ax.scatter(x, y, s=60, c=colour, marker=marker, edgecolors="black", label=name, zorder=3)


def _axes(ax: Axes | None) -> Axes:
    if ax is None:
        # pyplot chooses a backend and keeps figures: only who gives no Axes needs it
        from matplotlib import pyplot

        return pyplot.gca()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    return ax
