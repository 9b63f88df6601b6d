"""What an optimizer carries from one update to the next, as one array of each network.

"velocity", (..., parameters), is that of momentum. "adam", (..., 2 * parameters + 2), are the means
of gradients and of their squares and the two decays, see `contract.updates`.
"""

from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture

VELOCITY, ADAM = KINDS = "velocity", "adam"


def carried_size(kind: str, parameters: int) -> int:
    """How many numbers it takes, of a network of so many parameters."""
    return parameters if kind == VELOCITY else 2 * parameters + 2


def before_training(kind: str, lead: tuple[int, ...], parameters: int, dtype: Any) -> Array:
    """That of networks that have not begun, (*lead, size)."""
    carried = np.zeros((*lead, carried_size(kind, parameters)), dtype)
    if kind == ADAM:
        carried[..., -2:] = 1
    return carried


def check_adam(
    adam: Any, lead: tuple[int, ...], architecture: Architecture, dtype: Any, **how: Any
) -> Array:
    """``adam`` (*lead, 2 * parameters + 2) as numbers of the dtype.

    ``how``: see `checks.numbers`. Raises ValueError or TypeError for what Adam cannot have carried.
    """
    array = checks.numbers("adam", adam, **how)
    shape = (*lead, carried_size(ADAM, architecture.parameters))
    if array.shape != shape:
        raise ValueError(f"adam must have shape {shape}, got {array.shape}")
    # NaN is none of it: of networks that have not begun
    squares, decays = array[..., architecture.parameters : -2], array[..., -2:]
    if np.any(squares < 0) or np.any(decays < 0) or np.any(decays > 1):
        expected = "squares of at least 0, and two last numbers from 0 to 1"
        raise ValueError(f"adam must have {expected}, got others")
    return array.astype(dtype)
