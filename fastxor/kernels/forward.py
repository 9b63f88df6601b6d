"""The kernel for predictions: the outputs of networks, a tile of samples at a time.

It has only the general form, with the numbers of a network in memory, see `tiled`: one made for a
network and its sizes takes 0.85 to 1.05 times as long.
"""

from functools import cache
from typing import Any, NamedTuple

from fastxor.kernels.calls import FORWARD, ForwardCall, of_forward
from fastxor.kernels.compiling import ALONE, Code, Layers, Wanted
from fastxor.kernels.control import least, loop, when
from fastxor.kernels.functions import CODES, IDENTITY, SOFTMAX, UNSCALED, exp, larger
from fastxor.kernels.memory import Memory, Rows, as_memory, integers
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import fold_samples
from fastxor.kernels.tiled_layers import forward
from fastxor.kernels.tiled_plan import Numbers, Place, Shape, general_shape, plan
from fastxor.kernels.traced import Int, Value, Variable, equal
from fastxor.kernels.turning import turn


class ForwardKernel(NamedTuple):
    """The kernel for all networks of a dtype, without scales or with any."""

    code: Code  # its arguments: see `ForwardCall`
    shape: Shape


@cache
def forward_kernel(dtype: Any, scaled: bool) -> ForwardKernel:
    shape, known = general_shape(dtype), {} if scaled else UNSCALED

    def kernel(call: ForwardCall) -> None:
        numbers = integers(call.numbers, Numbers)
        I, O, tile = numbers.inputs, numbers.outputs, shape.tile
        places = Rows(call.numbers, Numbers, Place, known).range(0, numbers.depth)
        a, x = call.work, call.work.at(numbers.activations)
        last = a.at(numbers.activations - O * tile)
        found = [Variable(Value.full(0, dtype, shape.width)) for _ in range(2)]
        for network in loop(call.first_network, call.last_network):
            w = call.parameters.at(network * call.size)
            outputs = call.outputs.at((network * call.n + call.first) * O)
            for s in loop(0, call.samples, tile):
                count = least(tile, call.samples - s)
                turn(call.X.at(s * I), lambda row: row * I, count, I, x, tile)
                look(x, I, shape, count, found[0])
                for place in places:
                    forward(place, shape, x, tile, w, a, count)
                when(equal(numbers.function, SOFTMAX), softmax, last, shape, O, count)
                look(last, O, shape, count, found[1])
                turn(last, lambda row: row * tile, O, count, outputs.at(s * O), O)
        for k, each in enumerate(found):
            x.store(I * tile + k, fold_samples(each.get(), 1))

    key = ("forward", *shape[1:], REGISTER_BYTES, scaled)
    code = Code(of_forward(kernel), FORWARD, dtype, *key)
    return ForwardKernel(code, shape)


@cache
def forward_numbers(dtype: Any, layers: Layers) -> tuple[Any, int]:
    """What it has to know of a network, and how many numbers of working memory it takes.

    The last two are results: NaN if a sample, or an output, is not finite, else zero. To look at
    them by itself takes NumPy up to half as long as the kernel takes.
    """
    shape = general_shape(dtype)
    numbers, places = plan(dtype, shape, layers, ALONE, Wanted())[1:]
    code = CODES[layers[-1][2]]
    places[-1] = places[-1]._replace(function=IDENTITY if code == SOFTMAX else code)
    return as_memory(numbers, places), numbers.activations + numbers.inputs * shape.tile + 2


def look(rows: Memory, count: Int, shape: Shape, samples: Int, found: Variable) -> None:
    """Add zeros to ``found``, but NaN where one of the numbers in the rows is not finite."""
    for row in loop(0, count):
        for t in loop(0, samples, shape.width):
            value = rows.load(row * shape.tile + t, shape.width)
            found.set(found.get() + (value - value))


def softmax(z: Memory, shape: Shape, O: Int, count: Int) -> None:
    """Of sums, in their places."""
    width, tile = shape.width, shape.tile
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
