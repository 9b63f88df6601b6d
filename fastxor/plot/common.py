"""What all pictures share."""

from matplotlib.axes import Axes

# Okabe-Ito's, which colour-blind people can tell apart; without yellow, too pale for a line
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def axes_or_current(ax: Axes | None) -> Axes:
    """``ax``, or pyplot's current Axes."""
    if ax is None:
        # pyplot chooses a backend and keeps figures: only who gives no Axes needs it
        from matplotlib import pyplot

        return pyplot.gca()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    return ax
