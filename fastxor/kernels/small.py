"""The kernel for batches of up to eight samples: samples of several units in a value.

A step is one chain of instructions that wait for each other, so its length is what counts: the
weights stay in registers, spread over the lanes of their unit, and no sum is broadcast.
"""

from functools import cache
from typing import Any

import numpy as np

from fastxor.kernels import small_layers as steps
from fastxor.kernels.calls import in_turn
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
from fastxor.kernels.functions import CODES, IDENTITY, SOFTMAX
from fastxor.kernels.lanes import keep_first, spread
from fastxor.kernels.memory import load, scratch, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.sums import LANES

FEW = 4  # values of a layer
NO_NUMBERS = np.zeros(0, np.int64)
WIDEST = 16  # lanes: of float64 two registers of AVX-512, four of AVX2
SPREAD_BYTES = 256 * 1024  # spread weights may take up so much


def fits(dtype: Any, layers: Layers, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have its weights spread?"""
    parameters = sum((I + 1) * O for I, O, _, _ in layers)
    spread_bytes = parameters * batch_size * dtype().itemsize
    return bool(batch_size <= LANES and spread_bytes <= SPREAD_BYTES)


def _places(layers: Layers, lanes: int) -> tuple[list[steps.Place], list[int], int, int, int]:
    """Of each layer; units in a value; how many weights there are, with those turned round, and
    how many activations."""
    # units with padding, whose lanes nobody reads: 9 units take 65 to 75 % of the time that they
    # take one by one
    units = [min(WIDEST // lanes, 1 << (O - 1).bit_length()) for _, O, _, _ in layers]
    padded = [-(-O // u) * u for (_, O, _, _), u in zip(layers, units, strict=True)]
    places, size, own = [], 0, layers[0][0]
    for number, (I, O, _, bias) in enumerate(layers):
        R, P = padded[number - 1] if number else I, padded[number]
        table, size = size, size + (R * O if number else I * P)
        biases = size if bias else -1
        size += P if bias else 0
        places.append(steps.Place(I, O, R, P, table, table, biases, own - R, own))
        own += P
    masters = size
    for number, place in enumerate(places):
        if number and place.units > 1:
            places[number] = place._replace(ahead=size)
            size += place.inputs_padded * place.units_padded
    return places, units, masters, size, own


def _positions(places: list[steps.Place]) -> Any:
    """Where each number of W1, b1, ..., WL, bL is among the parameters."""
    positions = []
    for number, (I, O, R, P, _, table, biases, _, _) in enumerate(places):
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
    places, units, masters, size, activations = _places(layers, lanes)
    I, O = layers[0][0], layers[-1][1]
    codes = [CODES[function] for _, _, function, _ in layers]
    columns = 1 if codes[-1] == SOFTMAX else O
    depth, last = len(layers), places[-1]
    copied = lanes * dtype().itemsize >= 16
    values = [place.units_padded // units[k] for k, place in enumerate(places)]
    few = [count if count <= FEW else 0 for count in values]
    ahead, back = tuple(places), tuple(places[:0:-1])
    forward_each = in_turn([
        steps.forward(lanes, units[k], codes[k] if k < depth - 1 else IDENTITY, partial, few[k])
        for k in range(depth)
    ])  # fmt: skip
    outputs = steps.outputs(lanes, units[-1], codes[-1], log_loss, bool(watch), partial)
    backward_each = in_turn([
        steps.backward(
            lanes, units[k - 1], codes[k - 1], copied and places[k].units > 1, has_momentum
        )
        for k in range(depth - 1, 0, -1)
    ])  # fmt: skip
    others = [0] + [k for k in range(1, depth) if places[k].units > 1 and not copied]
    update_ahead = in_turn([steps.update_ahead(lanes, units[k], has_momentum) for k in others])
    update_biases = in_turn([steps.update_biases(lanes, u, has_momentum) for u in units])
    turned = tuple(places[k] for k in others)
    turn_each = in_turn([steps.turn(lanes)] * (depth - 1))
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
        turn_each(back, (w,))
        turn_each(back, (v,))

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
            kept = keep_first(spread(dtype(1), lanes), count)
            forward_each(ahead, (w, a, kept))
            error, solved = outputs(last, a, d, targets, e, kept, tolerance, dtype(0))
            backward_each(back, (w, v, a, d, learning_rate, momentum))
            update_biases(ahead, (w, v, d, learning_rate, momentum))
            update_ahead(turned, (w, v, a, d, learning_rate, momentum))
            if whole:  # constants make a faster loop
                losses[epoch] = error / dtype(batch_size * columns)
                if watch and solved and position[SOLVED] < 0:
                    position[SOLVED] = epoch
                    if watch == STOP:
                        break
                epoch += 1
                continue
            if watch and not solved:
                position[MISSED] = 1
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
