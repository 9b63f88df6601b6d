"""Generators that shuffle samples, `numpy.random.Generator` of PCG64, and their state as an array.

The state (6,) of uint64 is PCG64's state and increment, each the upper and then the lower 64
bits, and the 32 bits that it has left over, after whether it has any.
"""

from typing import Any

import numpy as np

from fastxor.common.checks import Array


def state_of(generator: Any) -> Array:
    """The state; raises TypeError for anything but a Generator of PCG64."""
    bits = getattr(generator, "bit_generator", None)
    if not (isinstance(generator, np.random.Generator) and isinstance(bits, np.random.PCG64)):
        raise TypeError(f"generator must be a numpy.random.Generator of PCG64, got {generator!r}")
    state = bits.state
    words = [half for key in ("state", "inc") for half in divmod(state["state"][key], 2**64)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], np.uint64)


def with_state(state: Array) -> np.random.Generator:
    """A generator that goes on from there; raises ValueError for what is no such state."""
    if state.shape != (6,) or state.dtype != np.uint64 or max(state[4:]) > 2**32 - 1:
        raise ValueError(f"generator must be saved as 6 numbers of uint64, got {state!r:.60}")
    words = [int(word) for word in state]
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": words[0] * 2**64 + words[1], "inc": words[2] * 2**64 + words[3]},
        "has_uint32": words[4],
        "uinteger": words[5],
    }
    return np.random.Generator(bits)
