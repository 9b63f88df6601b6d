"""What all pictures share."""

from typing import NamedTuple

from matplotlib.axes import Axes

from fastxor.common.checks import Array

# Okabe-Ito's, which colour-blind people can tell apart; without yellow, too pale for a line
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


class Plane(NamedTuple):
    """A grid of points of two inputs, and what a network answers to them."""

    first: Array  # (columns,)
    second: Array  # (rows,)
    answers: Array  # (rows, columns, outputs)


def axes_or_current(ax: Axes | None) -> Axes:
    """``ax``, or pyplot's current Axes."""
    if ax is None:
        # pyplot chooses a backend and keeps figures: only who gives no Axes needs it
        from matplotlib import pyplot

        return pyplot.gca()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    return ax


def tint(colours: Array, part: Array) -> Array:
    """(..., 3): this part of the ``colours`` (..., 3), red, green and blue, and the rest white."""
    mixed: Array = 1 - part[..., None] * (1 - colours)
    return mixed
