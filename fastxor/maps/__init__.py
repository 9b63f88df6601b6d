"""Maps of where training works, by two axes. Imports sweeps."""

from fastxor.maps.axes import Axis
from fastxor.maps.boundary import FRACTALS, box_counting_dimension, convergence
from fastxor.maps.map import CLASSICS, Map, digest
from fastxor.maps.weights import by_unit

__all__ = [
    "CLASSICS",
    "FRACTALS",
    "Axis",
    "Map",
    "box_counting_dimension",
    "by_unit",
    "convergence",
    "digest",
]
