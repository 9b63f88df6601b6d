"""The kernel for predictions: the outputs of networks, a tile of samples at a time.

It has only the general form, with the numbers of a network in memory, see `tiled`.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastxor.kernels.calls import FORWARD, ForwardCall, of_forward
from fastxor.kernels.compiling import ALONE, OFF, Code, Layers
from fastxor.kernels.control import least, loop, when
from fastxor.kernels.functions import CODES, IDENTITY, SOFTMAX, exp, larger
from fastxor.kernels.memory import Memory, Rows, integers
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.tiled_layers import forward
from fastxor.kernels.tiled_plan import Numbers, Place, Shape, general_shape, plan
from fastxor.kernels.traced import Int, Variable, equal

HEAD, ROW = len(Numbers._fields), len(Place._fields)


class ForwardKernel(NamedTuple):
    """The kernel, for networks of some layers."""

    code: Code  # its arguments: see `ForwardCall`
    numbers: Any
    work: int  # numbers of working memory


@cache
def forward_kernel(dtype: Any, layers: Layers) -> ForwardKernel:
    shape = general_shape(dtype)
    numbers, places = plan(dtype, shape, layers, False, ALONE, OFF)[1:]
    code = CODES[layers[-1][2]]
    places[-1] = places[-1]._replace(function=IDENTITY if code == SOFTMAX else code)
    memory = np.array([*numbers, *(number for place in places for number in place)], np.int64)
    return ForwardKernel(_general(dtype), memory, numbers.activations + numbers.inputs * shape.tile)


@cache
def _general(dtype: Any) -> Code:
    shape = general_shape(dtype)

    def kernel(call: ForwardCall) -> None:
        numbers = integers(call.numbers, Numbers)
        places = Rows(call.numbers.at(HEAD), 0, numbers.depth, 1, Place)
        a, copy = call.work, call.work.at(numbers.activations)
        for network in loop(call.first_network, call.last_network):
            w = call.parameters.at(network * call.size)
            outputs = call.outputs.at(network * call.n * numbers.outputs)
            for s in loop(call.first, call.last, shape.tile):
                count = least(shape.tile, call.last - s)
                for j in loop(0, count):
                    for i in loop(0, numbers.inputs):
                        copy.set(i * shape.tile + j, call.X[(s + j) * numbers.inputs + i])
                for place in places:
                    forward(place, shape, copy, shape.tile, w, a, count)
                last = a.at(numbers.activations - numbers.outputs * shape.tile)
                when(equal(numbers.function, SOFTMAX), softmax, last, shape, numbers, count)
                for j in loop(0, count):
                    for o in loop(0, numbers.outputs):
                        outputs.set((s + j) * numbers.outputs + o, last[o * shape.tile + j])

    return Code(of_forward(kernel), FORWARD, dtype, "forward", *shape[1:], REGISTER_BYTES)


def softmax(z: Memory, shape: Shape, numbers: Numbers, count: Int) -> None:
    """Of sums, in their places."""
    width, tile, O = shape.width, shape.tile, numbers.outputs
    for t in loop(0, count, width):
        largest = Variable(z.load(t, width))
        for o in loop(1, O):
            largest.set(larger(largest.get(), z.load(o * tile + t, width)))
        total = Variable(exp(z.load(t, width) - largest.get()))
        z.store(t, total.get())
        for o in loop(1, O):
            term = exp(z.load(o * tile + t, width) - largest.get())
            total.set(total.get() + term)
            z.store(o * tile + t, term)
        for o in loop(0, O):
            z.store(o * tile + t, z.load(o * tile + t, width) / total.get())
