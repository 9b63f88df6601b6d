"""How the kernel for batches of any size arranges a network in its memory."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.kernels.compiling import Layers
from fastxor.kernels.functions import CODES, IDENTITY
from fastxor.kernels.sums import BLOCK, LANES

VALUE_BYTES = 256  # samples in one value: enough independent work for any machine's pipes
TILE_BYTES = 32 * 1024  # activations of a tile, about an L1 cache
UNITS = 4  # units of the first layer side by side
LARGEST_BLOCK = 250_000  # parameters: with more, a block takes longer than a tenth of a second


class Shape(NamedTuple):
    """What code is made for, whatever the network."""

    width: int  # samples in a value
    tile: int  # samples that go through the network at once
    units: int  # of the first layer side by side
    single: bool  # is a batch one value? then its sums need not be kept in memory


GENERAL = Shape(LANES, 64, UNITS, False)
"""What serves any network and batch."""


class Place(NamedTuple):
    """Where a layer's numbers are."""

    inputs: int
    units: int
    bias: int  # has it any?
    strip: int  # units of a strip of its table
    rows: int  # of the table, with padding
    table: int  # where the weights begin
    staged: int  # rows of lanes before those of the inputs, in a batch of one value
    before: int  # the first row of its inputs among the activations; -1: they are the samples
    own: int  # and the first of its units
    function: int  # of its units, by its code; but of the outputs, which another step makes
    function_before: int  # and of its inputs


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
    lanes: int  # numbers for them: eight of each, but of a part's gradients in a batch of one value
    aside: int  # numbers of a tile of deltas of some units side by side
    activations: int  # numbers of a tile of activations
    chunk: int  # samples of a batch between two places where the kernel can stop
    shared: int  # are there several threads?
    watch: int  # what to do about epochs in which all samples are solved


class Plan(NamedTuple):
    """All of it."""

    shape: Shape
    numbers: Numbers
    places: list[Place]

    @property
    def positions(self) -> Any:
        """Where each number of W1, b1, ..., WL, bL is among the parameters."""
        positions = []
        for I, O, bias, strip, rows, table, *_ in self.places:
            u, i = np.arange(O), np.arange(I + bias)[:, None]
            positions.append((table + u // strip * (strip * rows) + i * strip + u % strip).ravel())
        return np.concatenate(positions)


def shape_for(dtype: Any, layers: Layers, batch_size: int) -> Shape:
    """The fastest shape."""
    itemsize = dtype().itemsize
    width = min(max(LANES, 1 << (batch_size - 1).bit_length()), VALUE_BYTES // itemsize)
    single = batch_size <= width
    units = min(UNITS, 1 << (layers[0][1] - 1).bit_length())
    row_bytes = sum(O for _, O, _, _ in layers) * itemsize
    tile = next((tile for tile in (128, 64) if tile * row_bytes <= TILE_BYTES), width)
    return Shape(width, width if single else max(tile, width), units, single)


def plan(shape: Shape, layers: Layers, log_loss: bool, shared: bool, watch: int) -> Plan:
    # rows of layers behind the first come in groups of `LANES` and one of biases
    staged = max((min(I + bias, LANES + 1) * O for I, O, _, bias in layers[1:]), default=0)
    staged += -staged % LANES
    places, size, own, before = [], 0, 0, -1
    codes = [CODES[function] for _, _, function, _ in layers]
    for number, (I, O, _, bias) in enumerate(layers):
        strip, rows = O, I + bias
        if not number:  # whole values, for `fold_rows`
            strip, rows = shape.units, rows + -rows % (LANES // shape.units)
        function = codes[number] if number < len(layers) - 1 else IDENTITY
        function_before = codes[number - 1] if number else IDENTITY
        place = (I, O, bias, strip, rows, size, staged, before, own, function, function_before)
        places.append(Place(*map(int, place)))  # no True among them: all are of one type
        size += -(-O // strip) * strip * rows
        size, before, own = size + -size % LANES, own, own + O
    columns = 1 if layers[-1][2] == "softmax" else layers[-1][1]
    sums = size + columns + -columns % LANES
    kept = staged + places[0].rows * shape.units if shape.single else size
    chunk = BLOCK if shared or size <= LARGEST_BLOCK else shape.tile
    numbers = (
        layers[0][0], layers[-1][1], len(layers), codes[-1], log_loss, columns, size, sums,
        (kept + sums - size) * LANES, shape.units * shape.tile, own * shape.tile, chunk, shared,
        watch,
    )  # fmt: skip
    return Plan(shape, Numbers(*map(int, numbers)), places)
