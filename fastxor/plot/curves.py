"""`losses`: how training went, of one run or of thousands."""

from typing import Any

import numpy as np
from matplotlib import cbook
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from fastxor.common.checks import Array
from fastxor.plot.common import COLOURS, axes_or_current
from fastxor.runs.run import Run
from fastxor.runs.runs import Runs

LINES = 20  # as many runs, at most, are drawn as lines of their own
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLUMNS = 1_000  # epochs whose quantiles are drawn: a picture has pixels for no more


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
    ax = axes_or_current(ax)
    draw = _draw_bands if len(table) > LINES else _draw_lines
    drawn = draw(ax, epochs, table, cbook.normalize_kwargs(line, Line2D))
    drawn = drawn[drawn > 0]  # a loss of zero falls off the axis
    if drawn.size and drawn.max() >= 10 * drawn.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss (mean squared error)" if run.settings.loss == "mse" else "log loss")
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
