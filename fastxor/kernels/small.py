"""The kernel for batches of up to eight samples: samples of several units in a value.

A step is one chain of instructions that wait for each other, so its length is what counts: the
weights stay in registers, spread over the lanes of their unit, and no sum is broadcast.
"""

from functools import cache
from typing import Any

import numpy as np

from fastxor.kernels import small_steps as steps
from fastxor.kernels.compiling import (
    ALONE,
    BATCH,
    MISSED,
    SOLVED,
    STOP,
    Code,
    Kernel,
    Layers,
    offsets,
)
from fastxor.kernels.functions import CODES
from fastxor.kernels.lanes import spread
from fastxor.kernels.memory import load, scratch, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.small_layers import Kind, Place
from fastxor.kernels.sums import LANES

NO_NUMBERS = np.zeros(0, np.int64)
WIDEST = 16  # lanes: of float64 two registers of AVX-512, four of AVX2
SPREAD_BYTES = 256 * 1024  # spread weights may take up so much


def fits(dtype: Any, layers: Layers, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have its weights spread?"""
    parameters = sum((I + 1) * O for I, O, _, _ in layers)
    spread_bytes = parameters * batch_size * dtype().itemsize
    return bool(batch_size <= LANES and spread_bytes <= SPREAD_BYTES)


def _places(layers: Layers, lanes: int) -> tuple[list[Place], int, int, int]:
    """Of each layer; how many weights there are, without and with those turned round, and how many
    activations."""
    # units with padding, whose lanes nobody reads: 9 units take 65 to 75 % of the time that they
    # take one by one
    units = [min(WIDEST // lanes, 1 << (O - 1).bit_length()) for _, O, _, _ in layers]
    padded = [-(-O // u) * u for (_, O, _, _), u in zip(layers, units, strict=True)]
    codes = [CODES[function] for _, _, function, _ in layers]
    places, size, own = [], 0, layers[0][0]
    for number, (I, O, _, bias) in enumerate(layers):
        R, P = padded[number - 1] if number else I, padded[number]
        table, size = size, size + (R * O if number else I * P)
        biases = size if bias else -1
        size += P if bias else 0
        before = max(number - 1, 0)
        places.append(Place(
            I, O, R, P, table, table, biases, own - R, own, units[number],
            units[before], codes[number], codes[before],
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
def small_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, whole: bool, has_momentum: bool,
    watch: int,
) -> Kernel:  # fmt: skip
    """The kernel for batches of this size; ``whole``: all samples in one batch, in their order."""
    lanes = 1 << (batch_size - 1).bit_length()  # lanes beyond these would only hold zeros
    partial = batch_size != lanes or (batch_size > 1 and not whole)
    places, masters, size, activations = _places(layers, lanes)
    I, O = layers[0][0], layers[-1][1]
    columns = 1 if layers[-1][2] == "softmax" else O
    kind = Kind(
        lanes, log_loss, watch, partial, has_momentum, copied=lanes * dtype().itemsize >= 16
    )  # fmt: skip
    train_batch, turn_each = steps.train_batch(dtype, places, kind), steps.turn_all(places, lanes)
    outputs_padded = places[-1].units_padded
    sizes = [
        lanes * count
        for count in (size, size, outputs_padded, activations, activations, outputs_padded)
    ]
    w_size, v_size, y_size, a_size, d_size, e_size = sizes
    w_at, v_at, y_at, a_at, d_at, e_at, work_size = offsets(sizes, dtype)

    def kernel(
        _, X, y, order, generator, n, _batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        N = y.size // O
        w = scratch(work, w_at, w_size)  # each weight in `lanes` lanes
        v = scratch(work, v_at, v_size)
        targets = scratch(work, y_at, y_size)
        a = scratch(work, a_at, a_size)  # inputs, then the activations of each layer
        d = scratch(work, d_at, d_size)  # their deltas
        e = scratch(work, e_at, e_size)  # errors of the outputs, and terms of the loss
        for j in range(masters):
            store(w, j * lanes, spread(parameters[j], lanes))
            store(v, j * lanes, spread(velocity[j], lanes))
        turn_each((), (w,))
        turn_each((), (v,))

        def read(start):
            for i in range(I):
                store(a, i * lanes, load(X, i * N + start, lanes))
            for o in range(O):
                store(targets, o * lanes, load(y, o * N + start, lanes))

        def pick(start):
            for j in range(lanes):
                sample = order[min(start + j, n - 1)]
                for i in range(I):
                    a[i * lanes + j] = X[sample * I + i]
                for o in range(O):
                    targets[o * lanes + j] = y[sample * O + o]

        if whole:
            read(0)
        batches = 1 if whole else (n + batch_size - 1) // batch_size
        epoch, batch = position[0] // batches, position[0] % batches
        for left in range(chunks, 0, -1):
            count = batch_size
            if not whole:
                start = batch * batch_size
                count = min(count, n - start)
                if order.size:
                    pick(start)
                else:
                    read(start)
            error = train_batch((), (
                w, v, targets, a, d, e, count, tolerance, learning_rate, momentum, position,
            ))  # fmt: skip
            if whole:  # constants make a faster loop
                losses[epoch] = error / dtype(batch_size * columns)
                if watch:
                    if not position[MISSED] and position[SOLVED] < 0:
                        position[SOLVED] = epoch
                        if watch == STOP:
                            break
                    position[MISSED] = 0
                epoch += 1
                continue
            if batch:
                error += losses[epoch]
            batch += 1
            losses[epoch] = error / dtype(n * columns) if batch == batches else error
            if batch == batches:
                if watch and not position[MISSED] and position[SOLVED] < 0:
                    position[SOLVED] = epoch
                    if watch == STOP:
                        break
                position[MISSED] = 0
                epoch, batch = epoch + 1, 0
                if order.size and left > 1:
                    shuffle(order, generator)
        for j in range(masters):
            parameters[j] = w[j * lanes]
            velocity[j] = v[j * lanes]

    key = ("small", layers, log_loss, batch_size, whole, has_momentum, watch)
    code = Code(kernel, BATCH, dtype, *key)
    return Kernel(code, NO_NUMBERS, ALONE, LANES, lanes, masters, _positions(places), 0, work_size)
