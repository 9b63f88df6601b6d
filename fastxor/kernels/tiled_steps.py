"""The steps of the kernel for batches of any size, for jitted code."""

from collections.abc import Iterable
from typing import Any

from fastxor.kernels.calls import Rows, jitted_step
from fastxor.kernels.control import opaque
from fastxor.kernels.memory import Memory
from fastxor.kernels.tiled_layers import backward, forward, outputs
from fastxor.kernels.tiled_plan import Numbers, Place, Shape
from fastxor.kernels.traced import Int, Scalar, Whole


def there_and_back(
    ahead: Iterable[Place], last: Place, back: Iterable[Place], numbers: Numbers, shape: Shape,
    x: Memory, stride: Int, y: Memory, y_stride: Int, w: Memory, a: Memory, g: Memory, e: Memory,
    totals: Memory, fresh: object, count: Whole, tolerance: Scalar, position: Memory,
) -> None:  # fmt: skip
    """All that is done with a tile: layers ``ahead``, the ``last``, and all of them ``back``.

    ``fresh``: do sums over samples begin?
    """
    fresh, count = shape.single or fresh, opaque(count)
    for place in ahead:
        forward(place, shape, x, stride, w, a, count)
    outputs(
        last, numbers, shape, x, stride, y, y_stride, w, a, e, fresh, count, tolerance, position
    )  # fmt: skip
    for place in back:
        backward(place, shape, x, stride, w, a, g, totals, fresh, count)


def for_places(places: list[Place], numbers: Numbers, shape: Shape) -> Any:
    """`there_and_back`, for jitted code, of layers whose numbers are known."""

    def known(*given: Any) -> None:
        there_and_back(places[:-1], places[-1], places[::-1], numbers, shape, *given)

    return jitted_step(known)


def for_rows(shape: Shape) -> Any:
    """Likewise, of those in the memory that the call begins with."""

    def looked_up(rows: Memory, last: Place, numbers: Numbers, *given: Any) -> None:
        ahead = Rows(rows, 0, numbers.depth - 1, 1, Place)
        back = Rows(rows, numbers.depth - 1, -1, -1, Place)
        there_and_back(ahead, last, back, numbers, shape, *given)

    return jitted_step(looked_up)
