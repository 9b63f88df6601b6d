"""How the kernel for batches of any size arranges a network in its memory."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.kernels.compiling import Code, Kernel, Layers, Wanted, carried_by
from fastxor.kernels.functions import CODES, IDENTITY, ONE, bits_of
from fastxor.kernels.memory import as_memory
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import BLOCK, LANES

# Samples in one value: in float64 and with AVX2, eight registers of it take 1.05 to 1.2 times as
# long, as sigmoids spill. Of several units side by side there are eight, half of what AVX2 has;
# sixteen of AVX-512 are no faster.
VALUE_BYTES = 4 * REGISTER_BYTES
BLOCK_BYTES = 8 * REGISTER_BYTES
TILE_SIZES = 128, 64, 32
TILE_BYTES = 32 * 1024  # activations of a tile, about an L1 cache
UNITS = 4  # units side by side in a sum over many inputs
LARGEST_BLOCK = 250_000  # parameters: with more, a block takes longer than a tenth of a second


class Shape(NamedTuple):
    """What code is made for, whatever the network."""

    dtype: Any
    width: int  # samples in a value
    tile: int  # samples that go through the network at once
    single: bool  # is a batch one tile? then its sums need not be kept in memory
    lanes: int  # of the eight of sums over samples, those of one thread

    @property
    def narrow(self) -> int:
        """Samples of each unit, in a value of several units side by side."""
        return min(self.width, BLOCK_BYTES // UNITS // self.dtype().itemsize)

    def block(self, place: "Place") -> tuple[int, int]:
        """Of how many inputs and units to make the gradients at once."""
        known = isinstance(place.inputs, int)
        sides = (place.inputs, place.units) if known else (UNITS, UNITS)
        return block_of(self.dtype, *sides, self.lanes)


def general_shape(dtype: Any) -> Shape:
    """What serves any network and batch."""
    return Shape(dtype, BLOCK_BYTES // UNITS // dtype().itemsize, 64, False, LANES)


class Place(NamedTuple):
    """Where a layer's numbers are."""

    inputs: int
    units: int
    bias: int  # has it any?
    table: int  # where the weights begin, a row of units for each input; then come the biases
    before: int  # the first row of its inputs among the activations; -1: they are the samples
    own: int  # and the first of its units
    function: int  # of its units, by its code; but of the outputs, which another step makes
    function_before: int  # and of its inputs
    scale: int  # of its sums, see `functions.bits_of`
    scale_before: int  # and of those that its inputs were made of


class Numbers(NamedTuple):
    """What else there is to know."""

    inputs: int
    outputs: int
    depth: int  # layers
    function: int  # of the outputs
    log_loss: int
    columns: int  # of the terms of the loss
    size: int  # of the parameters, with padding
    sums: int  # over samples, of gradients and terms of the loss, with padding
    lanes: int  # numbers for them, `Shape.lanes` of each; of a `single` tile only those at hand
    activations: int  # numbers of a tile of activations
    chunk: int  # samples of a batch between two places where the kernel can stop
    sharing: int  # of batches among threads
    watch: int  # what to do about epochs in which all samples are solved
    rule: int  # of updates
    mean: int  # are gradients means over the samples of a batch?
    targets: int  # outputs, and one more where samples have weights
    weighted: int  # have they?
    validated: int  # are samples held out?


class Plan(NamedTuple):
    """All of it."""

    shape: Shape
    numbers: Numbers
    places: list[Place]


def shape_for(dtype: Any, layers: Layers, batch_size: int, lanes: int) -> Shape:
    """The fastest shape."""
    itemsize, samples = dtype().itemsize, max(lanes, 1 << (batch_size - 1).bit_length())
    width = min(samples, VALUE_BYTES // itemsize)
    row_bytes = sum(layer[1] for layer in layers) * itemsize
    tile = next((tile for tile in TILE_SIZES if tile * row_bytes <= TILE_BYTES), width)
    return Shape(dtype, width, min(max(tile, width), samples), samples <= tile, lanes)


def block_of(dtype: Any, inputs: int, units: int, lanes: int) -> tuple[int, int]:
    """Of how many inputs and units to make the gradients at once, in a layer of so many."""
    rows = BLOCK_BYTES // (lanes * dtype().itemsize)
    inputs, units = (1 << (number.bit_length() - 1) for number in (inputs, units))
    side = 1 << (rows.bit_length() - 1) // 2  # the more square, the fewer loads
    units = min(units, max(rows // side, rows // inputs))
    return min(inputs, rows // units), units


def plan(dtype: Any, shape: Shape, layers: Layers, sharing: int, wanted: Wanted) -> Plan:
    places, size, own, before = [], 0, 0, -1
    codes = [CODES[layer[2]] for layer in layers]
    scales = [bits_of(layer[4]) for layer in layers]
    for number, (I, O, _, bias, _) in enumerate(layers):
        function = codes[number] if number < len(layers) - 1 else IDENTITY
        function_before = codes[number - 1] if number else IDENTITY
        both = scales[number], scales[number - 1] if number else ONE
        place = (I, O, bias, size, before, own, function, function_before, *both)
        places.append(Place(*map(int, place)))  # no True among them: all are of one type
        size, before, own = size + (I + bias) * O, own, own + O
    size += -size % LANES
    columns = 1 if layers[-1][2] == "softmax" else layers[-1][1]
    sums = size + columns + -columns % LANES
    kept = sums
    if shape.single:
        kept += max(block_of(dtype, I, O, shape.lanes)[0] * O for I, O, *_ in layers) - size
    chunk = BLOCK if sharing or size <= LARGEST_BLOCK else shape.tile
    numbers = (
        layers[0][0], layers[-1][1], len(layers), codes[-1], wanted.log_loss, columns, size, sums,
        kept * shape.lanes, own * shape.tile, chunk, sharing, wanted.watch, wanted.rule,
        wanted.mean, layers[-1][1] + wanted.weighted, wanted.weighted, wanted.validated,
    )  # fmt: skip
    return Plan(shape, Numbers(*map(int, numbers)), places)


def work_of(numbers: Numbers, tile: int) -> tuple[int, int]:
    """Numbers of working memory after those of activations and sums: for samples, and for terms of
    those that are held out, sums and lanes."""
    columns = numbers.sums - numbers.size
    return (numbers.inputs + numbers.targets) * tile, columns * (1 + LANES)


def kernel_of(arranged: Plan, code: Code, work: int) -> Kernel:
    """``work``: numbers of working memory."""
    shape, numbers, places = arranged
    memory = as_memory(numbers, places)
    positions = np.arange(
        places[-1].table + (places[-1].inputs + places[-1].bias) * numbers.outputs
    )
    return Kernel(
        code, memory, numbers.sharing, numbers.chunk, shape.width, numbers.size,
        carried_by(numbers.rule, numbers.size), positions, numbers.sums, work,
    )  # fmt: skip
