"""The kernel for batches of a few samples: those of several units in a value.

A step is one chain of instructions that wait for each other, so its length is what counts: the
weights stay in registers, spread over the lanes of their unit, and no sum is broadcast.
"""

from functools import cache
from typing import Any

import numpy as np

from fastxor.kernels.calls import BATCH, BatchCall, of_batches
from fastxor.kernels.compiling import ALONE, Code, Kernel, Layers, Wanted, carried_by
from fastxor.kernels.control import loop
from fastxor.kernels.functions import CODES, bits_of
from fastxor.kernels.memory import offsets, scratch, spread_value
from fastxor.kernels.small_layers import Kind, Memories, Place
from fastxor.kernels.small_steps import train_batches, train_whole, turn_all

NO_NUMBERS = np.zeros(0, np.int64)
WIDEST = 16  # lanes: of float64 two registers of AVX-512, four of AVX2
SPREAD_BYTES = 256 * 1024  # spread weights may take up so much
SAMPLES = 16  # at most
# Parameters, of so many samples. With more `tiled` is as fast, or faster: 16-16-1 on 8 takes 1.0 to
# 1.2 times as long here. Below, 2-8-1 on 8 takes 0.8 times as long, 2-2-1 on 16 0.75 to 0.9 times.
MOST = {8: 200, 16: 20}


def fits(dtype: Any, layers: Layers, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have its weights spread?"""
    parameters, lanes = sum((I + 1) * O for I, O, *_ in layers), lanes_for(batch_size)
    few = lanes <= SAMPLES and parameters <= MOST.get(lanes, parameters)
    return bool(few and parameters * lanes * dtype().itemsize <= SPREAD_BYTES)


def lanes_for(batch_size: int) -> int:
    return 1 << (batch_size - 1).bit_length()  # lanes beyond these would only hold zeros


def _places(layers: Layers, lanes: int) -> tuple[list[Place], int, int, int]:
    """Of each layer; how many weights there are, without and with those turned round, and how many
    activations."""
    # units with padding, whose lanes nobody reads: 9 units take 65 to 75 % of the time that they
    # take one by one
    units = [min(WIDEST // lanes, 1 << (layer[1] - 1).bit_length()) for layer in layers]
    padded = [-(-layer[1] // u) * u for layer, u in zip(layers, units, strict=True)]
    codes = [CODES[layer[2]] for layer in layers]
    scales = [bits_of(layer[4]) for layer in layers]
    places, size, own = [], 0, layers[0][0]
    for number, (I, O, _, bias, _) in enumerate(layers):
        R, P = padded[number - 1] if number else I, padded[number]
        table, size = size, size + (R * O if number else I * P)
        biases = size if bias else -1
        size += P if bias else 0
        before = max(number - 1, 0)
        places.append(Place(
            I, O, R, P, table, table, biases, own - R, own, units[number],
            units[before], codes[number], codes[before], scales[number], scales[before],
        ))  # fmt: skip
        own += P
    masters = size
    for number, place in enumerate(places):
        if number and place.units > 1:
            places[number] = place._replace(ahead=size)
            size += place.inputs_padded * place.units_padded
    return places, masters, size, own


def _positions(places: list[Place]) -> Any:
    """Where each number of W1, b1, ..., WL, bL is among the parameters."""
    positions = []
    for number, (I, O, R, P, _, table, biases, *_) in enumerate(places):
        i, o = np.arange(I)[:, None], np.arange(O)
        positions.append((table + (o * R + i if number else i * P + o)).ravel())
        if biases >= 0:
            positions.append(biases + o)
    return np.concatenate(positions)


@cache
def small_batch(dtype: Any, layers: Layers, batch_size: int, whole: bool, wanted: Wanted) -> Kernel:
    """The kernel for batches of this size; ``whole``: all samples in one batch, in their order."""
    lanes = lanes_for(batch_size)
    partial = batch_size != lanes or (batch_size > 1 and not whole)
    places, masters, size, activations = _places(layers, lanes)
    columns = 1 if layers[-1][2] == "softmax" else layers[-1][1]
    copied = lanes * dtype().itemsize >= 16
    kind = Kind(lanes, partial, size, masters, copied, wanted)
    outputs_padded = places[-1].units_padded
    slots = (0, 1, 1, 2)[wanted.rule]
    sizes = [
        lanes * count
        for count in (
            size,
            slots * size,
            outputs_padded + 1,
            activations,
            activations,
            outputs_padded,
        )
    ]
    *at, work_size = offsets(sizes, dtype)

    def kernel(call: BatchCall) -> None:
        memories = Memories(*(scratch(call.work, *one) for one in zip(at, sizes, strict=True)))
        tables = [(memories.w, call.parameters)]
        for slot in range(slots):
            own = memories.v.at(slot * size * lanes)
            tables.append((own, call.carried.at(slot * masters)))
        for j in loop(0, masters):
            for own, shared in tables:
                own.store(j * lanes, spread_value(shared.load(j, 1), lanes))
        for own, _ in tables:
            turn_all(places, lanes, own)
        train = train_whole if whole else train_batches
        train(call, places, kind, memories, batch_size, columns)
        for j in loop(0, masters):
            for own, shared in tables:
                shared.store(j, own.load(j * lanes, 1))

    key = ("small", layers, batch_size, whole, wanted)
    code = Code(of_batches(kernel), BATCH, dtype, *key)
    return Kernel(
        code, NO_NUMBERS, ALONE, SAMPLES, lanes, masters, carried_by(wanted.rule, masters),
        _positions(places), 0, work_size,
    )  # fmt: skip
