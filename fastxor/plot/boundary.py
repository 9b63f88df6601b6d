"""`boundary`: where training converges, and how near that is to where it does not."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from fastxor.common.checks import Array
from fastxor.plot.common import axes_or_current
from fastxor.plot.maps import axis_of, drawn


def boundary(
    result: Any,
    ax: Axes | None = None,
    *,
    x: tuple[str, Any] | None = None,
    y: tuple[str, Any] | None = None,
    grey: bool = False,
    cax: Any = None,
) -> Axes:
    """Draw a map of the boundary of trainability: blue where training converges, red where not.

    The paler, the nearer to the boundary: colours go by the ranks of `convergence` among those that
    converge, and among those that do not.

    result: what `train_many` returns with ``reduce=convergence``, of shape (rows, columns). What is
        not done is black.
    ax, x, y, cax: as in `trainability`; grey: dark where training converges, light where not.

    Returns the Axes. Raises TypeError or ValueError for what is no such result.
    """
    measure = measure_of(result)
    across, up = axis_of(result, "x", x), axis_of(result, "y", y)
    shades = np.ma.masked_where(~np.asarray(result.done), shades_of(measure))
    colours = matplotlib.colormaps["gray" if grey else "RdBu_r"].with_extremes(bad="black")
    ax = axes_or_current(ax)
    picture = drawn(ax, shades, across, up, {"cmap": colours, "vmin": -1, "vmax": 1})
    bar = ax.figure.colorbar(picture, ax=ax, cax=cax, ticks=[-1, 0, 1])
    bar.set_ticklabels(["converges", "boundary", "does not"], rotation=90, va="center")
    return ax


def shades_of(measure: Array) -> Array:
    """From -1, what converges soonest, to 0, the boundary, to 1, what diverges soonest: by rank."""
    shades = np.zeros(measure.shape)
    for side, sign in ((measure < 0, -1), (measure >= 0, 1)):
        _, rank, count = np.unique(np.abs(measure[side]), return_inverse=True, return_counts=True)
        # of those that are equal the middle of their ranks
        middle = np.cumsum(count) - count / 2
        if count.size:
            shades[side] = sign * (1 - middle[rank.ravel()] / count.sum())
    return shades


def measure_of(result: Any) -> Array:
    """What `convergence` gave for the networks of a map, (rows, columns)."""
    reduced = getattr(result, "reduced", None)
    if reduced is None:
        raise TypeError("result must be what train_many returns with reduce=convergence")
    if reduced.ndim != 2 or reduced.shape != tuple(result.shape) or 0 in result.shape:
        got = f"{tuple(result.shape)} with {reduced.shape}"
        raise ValueError(f"result must have shape (rows, columns), a number each, got {got}")
    return np.asarray(reduced)
