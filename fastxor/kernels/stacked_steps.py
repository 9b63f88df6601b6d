"""The steps of the kernel for many networks, for jitted code."""

from typing import Any

from numba import types

from fastxor.kernels.calls import Rows, jitted_step
from fastxor.kernels.compiling import inlined
from fastxor.kernels.control import choose
from fastxor.kernels.masks import choose_lanes
from fastxor.kernels.memory import Memory, load, store
from fastxor.kernels.stacked_gradients import go_back
from fastxor.kernels.stacked_layers import Batch, forward, outputs
from fastxor.kernels.stacked_plan import Numbers, Place
from fastxor.kernels.traced import Flag, Int, Scalar, Value, Whole


def steps_for_places(samples: int, width: int, places: list[Place], numbers: Numbers) -> Any:
    """``ahead(network, given)`` and ``back(network, given)``, for layers whose numbers are known.

    Ahead: `forward` and `outputs`; which networks of ``solved`` still are. Back: all the rest.
    """

    def ahead(
        X: Memory, y: Memory, at: Int, w: Memory, a: Memory, d: Memory, e: Memory, count: Int,
        tolerance: Scalar, solved: Whole, wanted: Flag | Whole,
    ) -> Whole:  # fmt: skip
        batch = Batch(samples, width, numbers, X, at, w, a)
        for place in places[:-1]:
            forward(place, batch, count)
        return outputs(places[-1], batch, y, d, e, count, tolerance, solved, wanted)

    def back(
        X: Memory, at: Int, w: Memory, v: Memory, a: Memory, d: Memory, learning_rate: Value,
        momentum: Value,
    ) -> None:  # fmt: skip
        batch = Batch(samples, width, numbers, X, at, w, a)
        go_back(places[0], places[2:][::-1], places[1:2], batch, v, d, learning_rate, momentum)

    return jitted_step(ahead, types.int64), jitted_step(back)


def steps_for_rows(samples: int, width: int) -> Any:
    """Likewise, for those in the memory that the call begins with."""

    def ahead(
        rows: Memory, first: Place, last: Place, numbers: Numbers, X: Memory, y: Memory, at: Int,
        w: Memory, a: Memory, d: Memory, e: Memory, count: Int, tolerance: Scalar, solved: Whole,
        wanted: Flag | Whole,
    ) -> Whole:  # fmt: skip
        batch = Batch(samples, width, numbers, X, at, w, a)
        for place in Rows(rows, 0, numbers.depth - 1, 1, Place):
            forward(place, batch, count)
        return outputs(last, batch, y, d, e, count, tolerance, solved, wanted)

    def back(
        rows: Memory, first: Place, last: Place, numbers: Numbers, X: Memory, at: Int, w: Memory,
        v: Memory, a: Memory, d: Memory, learning_rate: Value, momentum: Value,
    ) -> None:  # fmt: skip
        batch = Batch(samples, width, numbers, X, at, w, a)
        deeper = Rows(rows, numbers.depth - 1, 1, -1, Place)
        second = Rows(rows, 1, choose(numbers.depth < 2, 1, 2), 1, Place)
        go_back(first, deeper, second, batch, v, d, learning_rate, momentum)

    return jitted_step(ahead, types.int64), jitted_step(back)


@inlined
def leave(networks, state, parameters, at, size, width):
    """Write the state of these networks, a bit each, to their columns in memory."""
    for j in range(size):
        old = load(parameters, at + j * width, width)
        store(
            parameters, at + j * width, choose_lanes(networks, load(state, j * width, width), old)
        )
