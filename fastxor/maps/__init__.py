"""Maps of where training works, by two axes. Imports sweeps."""

from fastxor.maps.axes import Axis
from fastxor.maps.map import CLASSICS, Map, digest
from fastxor.maps.weights import by_unit

__all__ = ["CLASSICS", "Axis", "Map", "by_unit", "digest"]
