"""How the kernel for many networks arranges them in its memory."""

from functools import cache
from typing import Any, NamedTuple

from fastxor.kernels.compiling import Layers, Wanted, carried_by
from fastxor.kernels.functions import CODES, IDENTITY, ONE, SOFTMAX, bits_of
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import BLOCK, LANES

# Sixteen registers take 1.0 to 1.5 times as long with AVX2, four mostly 1.0 to 1.45 times.
VALUE_BYTES = 8 * REGISTER_BYTES
GROUP_BYTES = (
    4 * REGISTER_BYTES
)  # at most, of one sample: with eight, 16-16-1 takes 1.1 times as long
MEMORY = 256 * 1024  # bytes that a group may work on: half an L2 cache


class Place(NamedTuple):
    """Where a layer's numbers are."""

    number: int
    inputs: int
    units: int
    table: int  # the weights among the parameters
    biases: int  # -1 if there are none
    before: int  # the inputs among the activations; -1: they are the samples
    own: int  # and the units
    function: int  # of its units, by its code; but of the outputs, which another step makes
    function_before: int  # and of its inputs
    scale: int  # of its sums, see `functions.bits_of`
    scale_before: int  # and of those that its inputs were made of


class Numbers(NamedTuple):
    """What else there is to know."""

    depth: int  # layers
    function: int  # of the outputs
    log_loss: int
    columns: int  # of the terms of the loss
    size: int  # parameters of a network
    row: int  # numbers of a unit: samples of a batch, with padding, times networks
    partial: int  # may there be fewer samples than values hold?
    watch: int  # what to do about epochs in which all samples are solved
    rule: int  # of updates
    mean: int  # are gradients means over the samples of a batch?
    carried: int  # numbers that go on from update to update
    l2: int  # is there any?
    layered: int  # have layers their own learning rates?
    weighted: int  # have samples weights?
    scheduled: int  # do learning rates change?
    validated: int  # are samples held out?
    endless: int  # is a network trained on that has left the finite numbers?
    batch_size: int
    whole: int  # are all samples one batch?
    units: int  # of all layers
    outputs: int


@cache
def fits(dtype: Any, layers: Layers, batch_size: int, wide: bool) -> bool:
    """Is the batch small, and the network not too large to have a group of them?"""
    samples, width = shape_for(dtype, batch_size, wide)
    _, size, units = places_of(layers)
    rows = -(-batch_size // samples) * samples * units
    return bool(batch_size <= BLOCK and (2 * size + rows) * width * dtype().itemsize <= MEMORY)


@cache
def room(dtype: Any, layers: Layers) -> int:
    """How many samples a batch of networks with samples of their own may have; 0: none."""
    _, width = shape_for(dtype, LANES, True)
    _, size, units = places_of(layers)
    numbers = MEMORY // dtype().itemsize // width - 2 * size
    columns = units + layers[0][0] + layers[-1][1] + 1
    return max(0, min(BLOCK, numbers // columns // LANES * LANES))


def group_width(dtype: Any, batch_size: int, wide: bool) -> int:
    """Networks in a group of the special form; of the general one it is no more."""
    return shape_for(dtype, batch_size, wide)[1]


def shape_for(dtype: Any, batch_size: int, wide: bool) -> tuple[int, int]:
    """Samples, with padding, and networks in a value.

    A ``wide`` one has eight samples. It has to where some are held out, so that it is one of lanes;
    and where each network has its own, of which some have more.
    """
    samples = LANES if wide else min(LANES, 1 << (batch_size - 1).bit_length())
    return samples, min(VALUE_BYTES // samples, GROUP_BYTES) // dtype().itemsize


def places_of(layers: Layers) -> tuple[list[Place], int, int]:
    """Of each layer; how many parameters there are, and how many units."""
    places, size, own, before = [], 0, 0, -1
    codes = [*(CODES[layer[2]] for layer in layers[:-1]), IDENTITY]
    scales = [bits_of(layer[4]) for layer in layers]
    for number, (I, O, _, bias, _) in enumerate(layers):
        biases = size + I * O if bias else -1
        function_before = codes[number - 1] if number else IDENTITY
        functions = codes[number], function_before
        both = scales[number], scales[number - 1] if number else ONE
        places.append(Place(number, I, O, size, biases, before, own, *functions, *both))
        size, before, own = size + (I + bias) * O, own, own + O
    return places, size, own


def numbers_of(
    samples: int, width: int, layers: Layers, batch_size: int, whole: bool, wanted: Wanted
) -> Numbers:
    _, size, units = places_of(layers)
    function, O = CODES[layers[-1][2]], layers[-1][1]
    padded = -(-batch_size // samples) * samples
    numbers = (
        len(layers), function, wanted.log_loss, 1 if function == SOFTMAX else O, size,
        padded * width, not wanted.own and (batch_size != padded or (batch_size > 1 and not whole)),
        wanted.watch, wanted.rule, wanted.mean, carried_by(wanted.rule, size), wanted.l2,
        wanted.layered, wanted.weighted, wanted.scheduled, wanted.validated,
        wanted.endless, batch_size, whole, units, O,
    )  # fmt: skip
    return Numbers(*map(int, numbers))  # no True among them: all are of one type


def sizes_of(numbers: Numbers, width: int) -> list[int]:
    """Of weights, what goes on with them, activations, deltas, errors, the first two kept, and
    terms of samples that are held out: lanes and sums."""
    parameters, carried = numbers.size * width, numbers.carried * width
    rows = numbers.units * numbers.row
    errors = numbers.outputs * numbers.row
    terms = numbers.validated * numbers.columns * ((LANES + 1) * width)
    return [parameters, carried, rows, rows, errors, parameters, carried, terms]
