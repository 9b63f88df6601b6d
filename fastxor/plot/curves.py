"""`losses`: how training went, of one run or of thousands."""

from math import prod
from typing import Any, NamedTuple

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
DASHES: dict[str, Any] = {"training": {}, "validation": {"linestyle": "--"}}
COLUMNS = 1_000  # epochs whose quantiles are drawn: a picture has pixels for no more


class _Curves(NamedTuple):
    """Losses of one kind, "training" or "validation", of some runs."""

    kind: str
    epochs: Array  # (recorded,): as many are behind a network that has these losses
    table: Array  # (runs, recorded), NaN where training had ended


def losses(run: Run | Runs, ax: Axes | None = None, **line: Any) -> Axes:
    """Draw the loss of each epoch, before its update, and the losses of validation.

    run: a `Run`, or `Runs` of any shape from ``train_many(..., record_every=k)``. Up to 20 runs are
        thin lines, more are their median and the bands of the middle 50 % and 90 %: at each epoch,
        of the runs that are still training.
    ax: the Axes to draw into; by default pyplot's current ones.
    line: properties of the lines, as `matplotlib.axes.Axes.plot` takes them: label, color, ...
        The label is that of the first line, or of the median.

    Losses of validation, where there are any, are dashed lines, a legend tells them from those of
    training, and a star is a run's best epoch. At k on the axis, both are of the network after k
    epochs. Of more than 20 runs there is the median of validation, and no star.

    The axis of the losses becomes logarithmic where those drawn span a factor of ten. Returns the
    Axes. Raises TypeError for what is no run, ValueError where no losses were recorded.
    """
    if not isinstance(run, (Run, Runs)):
        raise TypeError(f"run must be a Run or Runs, got {type(run).__name__}")
    curves, best = _curves(run)
    ax = axes_or_current(ax)
    line = cbook.normalize_kwargs(line, Line2D)
    drawn = (_draw_bands if len(best) > LINES else _draw_lines)(ax, curves, line)
    if curves[-1].kind == "validation":
        if len(best) <= LINES:
            _draw_stars(ax, curves, best, line.get("label"))
        ax.legend()
    drawn = drawn[(drawn > 0) & (drawn < np.inf)]  # a loss of zero falls off the axis
    if drawn.size and drawn.max() >= 10 * drawn.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss (mean squared error)" if run.settings.loss == "mse" else "log loss")
    return ax


def _curves(run: Run | Runs) -> tuple[list[_Curves], Array]:
    """Those that there are, training first, and the best epochs (runs,), 0 for none.

    Of the runs that have begun.
    """
    count = 1 if isinstance(run, Run) else prod(run.shape)
    curves, best, settings = [], np.zeros(count, int), run.settings
    if run.losses is not None and run.losses.size:
        table = run.losses.reshape(count, -1)
        epochs = np.arange(table.shape[1]) * (settings.record_every or 1)
        curves.append(_Curves("training", epochs, table))
    if run.validation_losses is not None and run.validation_losses.size:
        table = run.validation_losses.reshape(count, -1)
        best = np.asarray(run.best_epoch).reshape(count)
        epochs = np.arange(1, table.shape[1] + 1) * settings.validate_every
        curves.append(_Curves("validation", epochs, table))
    if not curves:
        raise ValueError("run must have losses, got none: train_many needs record_every=1, say")
    begun = ~np.isnan(curves[0].table[:, 0])
    if not begun.any():
        raise ValueError("run must have losses, got only NaN")
    if not begun.all():
        curves = [each._replace(table=each.table[begun]) for each in curves]
        best = best[begun]
    return curves, best


def _labels(curves: list[_Curves], given: str | None, first: str | None, second: str) -> list[Any]:
    """Of the lines of each: as given, else ``first``; and ``second``."""
    return [first if given is None else given, _with(given, second)][: len(curves)]


def _with(given: str | None, label: str) -> str:
    return label if given is None else f"{given}, {label}"


def _draw_lines(ax: Axes, curves: list[_Curves], line: dict[str, Any]) -> Array:
    """A line for each row, up to where its training ended; returns what was drawn."""
    runs, has_legend = len(curves[0].table), curves[-1].kind == "validation"
    first = curves[0].kind if has_legend else None
    labels = _labels(curves, line.get("label"), first, "validation")
    for k in range(runs):
        colour = COLOURS[len(ax.lines) % len(COLOURS)]
        for (kind, epochs, table), label in zip(curves, labels, strict=True):
            there = ~np.isnan(table[k])
            count = len(there) - there[::-1].argmax() if there.any() else 0
            style: dict[str, Any] = {
                "color": colour,
                "linewidth": 1.8 if runs == 1 else 0.9,
                "marker": "." if count == 1 else None,  # a line of one point is not seen
            }
            style |= line | DASHES[kind] | {"label": label if k == 0 else None}
            ax.plot(epochs[:count], table[k, :count], **style)
    return np.concatenate([each.table.ravel() for each in curves])


def _draw_stars(ax: Axes, curves: list[_Curves], best: Array, label: str | None) -> None:
    """The best epoch of each run, at its loss of validation."""
    _, epochs, table = curves[-1]
    (found,) = best.nonzero()
    if not found.size:
        return
    first, last = best[found].min(), best[found].max()
    text = f"best: epoch {first:,}" if first == last else f"best: epochs {first:,} to {last:,}"
    dashed = list(ax.lines)[-len(best) * len(curves) :][len(curves) - 1 :: len(curves)]
    ax.scatter(
        best[found], table[found, best[found] // epochs[0] - 1], label=_with(label, text),
        s=150 if len(best) == 1 else 70, marker="*", c=[dashed[k].get_color() for k in found],
        edgecolors="black", linewidths=0.7, zorder=3,
    )  # fmt: skip


def _draw_bands(ax: Axes, curves: list[_Curves], line: dict[str, Any]) -> Array:
    """The quantiles of the rows of the first, and the medians of the other; returns them."""
    count, last = len(curves[0].table), curves[0].table[:, -1]
    still = ", while they train" if np.isnan(last).any() else ""
    first = f"median of {count:,} runs{still}"
    labels = _labels(curves, line.get("label"), first, "median of validation")
    style: dict[str, Any] = {"color": COLOURS[len(ax.lines) % len(COLOURS)]}
    seen = []
    for (kind, epochs, table), label in zip(curves, labels, strict=True):
        has_bands = kind == curves[0].kind
        shown = np.unique(np.linspace(0, len(epochs) - 1, COLUMNS).astype(int))
        shown = shown[[not np.isnan(table[:, k]).all() for k in shown]]
        with np.errstate(invalid="ignore"):  # between infinite losses
            # a column at a time: a million runs take no second copy
            quantiles = [np.nanquantile(table[:, k], QUANTILES) for k in shown]
        low, lower, median, upper, high = np.reshape(quantiles, (-1, len(QUANTILES))).T
        (drawn,) = ax.plot(epochs[shown], median, **style | line | DASHES[kind] | {"label": label})
        seen += [low, lower, median, upper, high] if has_bands else [median]
        band: dict[str, Any] = {
            "color": drawn.get_color(),
            "linewidth": 0,
            "zorder": drawn.get_zorder() - 0.5,
        }
        if has_bands:
            ax.fill_between(epochs[shown], lower, upper, alpha=0.4, label="middle 50 %", **band)
            ax.fill_between(epochs[shown], low, high, alpha=0.2, label="middle 90 %", **band)
    ax.legend()
    return np.concatenate(seen)
