"""Maps of where training works, by two axes. Imports sweeps."""

from fastxor.maps.axes import Axis
from fastxor.maps.map import CLASSICS, Map, by_unit, digest

__all__ = ["CLASSICS", "Axis", "Map", "by_unit", "digest"]
