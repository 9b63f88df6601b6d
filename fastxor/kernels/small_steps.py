"""The steps of the kernel for batches of up to eight samples, for jitted code."""

from typing import Any

from numba import types

from fastxor.kernels.calls import jitted_step
from fastxor.kernels.instructions import keep_first
from fastxor.kernels.memory import Memory
from fastxor.kernels.small_layers import (
    Kind,
    Memories,
    Place,
    Updates,
    backward,
    forward,
    outputs,
    turn,
    update_ahead,
    update_biases,
)
from fastxor.kernels.traced import Int, Scalar, Value


def train_batch(dtype: Any, places: list[Place], kind: Kind) -> Any:
    """One batch; the sum of the terms of its loss."""

    def batch(
        w: Memory, v: Memory, y: Memory, a: Memory, d: Memory, e: Memory, count: Int,
        tolerance: Scalar, learning_rate: Scalar, momentum: Scalar, position: Memory,
    ) -> Scalar:  # fmt: skip
        memories = Memories(w, v, y, a, d, e)
        kept = keep_first(Value.full(1, dtype, kind.lanes), count)
        for place in places:
            forward(place, kind, memories, kept, place is places[-1])
        loss = outputs(places[-1], kind, memories, kept, tolerance, position)
        updates = Updates(kind, memories, learning_rate, momentum)
        for place in places[:0:-1]:
            backward(place, updates)
        for place in places:
            if place.biases >= 0:
                update_biases(place, updates)
        for place in places:
            if place is places[0] or (place.units > 1 and not kind.copied):
                update_ahead(place, updates)
        return loss.number(0)

    return jitted_step(batch, types.float64 if dtype().itemsize == 8 else types.float32)


def turn_all(places: list[Place], lanes: int) -> Any:
    """Fill the second tables of weights, of those in the first."""

    def turn_each(w: Memory) -> None:
        for place in places[:0:-1]:
            if place.ahead != place.back:
                turn(place, lanes, w)

    return jitted_step(turn_each)
