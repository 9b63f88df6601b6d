"""Pictures of training, with matplotlib (the extra ``plot``).

Each function draws into the Axes it is given, else into pyplot's current ones, and returns them.
"""

try:
    import matplotlib as _  # noqa: F401
except ImportError as error:
    raise ImportError("fastxor.plot needs matplotlib: the extra fastxor[plot]") from error

from fastxor.plot.curves import losses
from fastxor.plot.diagram import network
from fastxor.plot.maps import trainability
from fastxor.plot.surfaces import decision_surface

__all__ = ["decision_surface", "losses", "network", "trainability"]
