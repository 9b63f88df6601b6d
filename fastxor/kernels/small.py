"""The kernel for batches of up to eight samples: samples of several hidden units in a value.

A step is one chain of instructions that wait for each other, so its length is what counts: the
weights stay in registers, spread over the lanes of their unit, and no sum is broadcast.
"""

from functools import cache
from typing import Any

from numba import njit

from fastxor.kernels.compiling import (
    BATCH,
    MISSED,
    OPTIONS,
    SOLVED,
    STOP,
    Kernel,
    compiled,
    offsets,
)
from fastxor.kernels.lanes import keep_first, lane, load, scratch, spread, store
from fastxor.kernels.masks import within
from fastxor.kernels.order import shuffle
from fastxor.kernels.sigmoid import sigmoid
from fastxor.kernels.sums import LANES, fold

WIDEST = 16  # lanes: of float64 two registers of AVX-512, four of AVX2
SPREAD_BYTES = 256 * 1024  # spread weights may take up so much


def fits(dtype: Any, I: int, H: int, O: int, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have its weights spread?"""
    spread_bytes = ((I + 1) * H + (H + 1) * O) * batch_size * dtype().itemsize
    return bool(batch_size <= LANES and spread_bytes <= SPREAD_BYTES)


@cache
def small_batch(
    dtype: Any, I: int, H: int, O: int, batch_size: int, whole: bool, has_momentum: bool, watch: int
) -> Kernel:
    """The kernel for batches of this size; ``whole``: all samples in one batch, in their order."""
    lanes = 1 << (batch_size - 1).bit_length()  # lanes beyond these would only hold zeros
    units = min(WIDEST // lanes, 1 << (H - 1).bit_length())
    # hidden units with padding, whose lanes nobody reads: 9 units take 65 to 75 % of the time
    # that they take one by one
    P = -(-H // units) * units
    near = (1 << lanes) - 1  # a bit for each sample
    rows = I + 1 + O  # of W1, b1 and W2
    B1, W2, B2 = I * P, (I + 1) * P, rows * P
    size = B2 + O
    wide = units * lanes
    sizes = [size * lanes, size * lanes, I * wide, O * lanes, P * lanes, O * wide]
    w_size, v_size, x_size, y_size, a_size, d_size = sizes
    w_at, v_at, x_at, y_at, a_at, d_at, work_size = offsets(sizes, dtype)

    def kernel(
        X, y, order, generator, n, _batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        N = y.size // O
        w = scratch(work, w_at, w_size)  # each weight in `lanes` lanes
        v = scratch(work, v_at, v_size)
        x = scratch(work, x_at, x_size)  # each input once for each of the `units`
        targets = scratch(work, y_at, y_size)
        a = scratch(work, a_at, a_size)
        d = scratch(work, d_at, d_size)
        for j in range(size):
            store(w, j * lanes, spread(parameters[j], lanes))
            store(v, j * lanes, spread(velocity[j], lanes))

        def read(start):
            for i in range(I):
                store(x, i * wide, spread(load(X, i * N + start, lanes), wide))
            for o in range(O):
                store(targets, o * lanes, load(y, o * N + start, lanes))

        def pick(start):
            for j in range(lanes):
                sample = order[min(start + j, n - 1)]
                for i in range(I):
                    for u in range(units):
                        x[i * wide + u * lanes + j] = X[sample * I + i]
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
            for h in range(0, H, units):
                z = load(w, (B1 + h) * lanes, wide)
                for i in range(I):
                    z = z + load(x, i * wide, wide) * load(w, (i * P + h) * lanes, wide)
                store(a, h * lanes, sigmoid(z, True))
            squares = dtype(0)
            solved = True
            for o in range(O):
                z = load(w, (B2 + o) * lanes, lanes)
                for h in range(H):
                    z = z + load(a, h * lanes, lanes) * load(w, (W2 + o * P + h) * lanes, lanes)
                output = sigmoid(z, True)
                error = keep_first(output - load(targets, o * lanes, lanes), count)
                if watch and within(error, tolerance, lanes) != near:
                    solved = False
                squares += lane(fold(error * error, lanes), 0)
                delta = error * (output * (1 - output))
                store(d, o * wide, spread(delta, wide))
                gradient = fold(delta, lanes)
                descend(w, v, (B2 + o) * lanes, gradient, learning_rate, momentum, has_momentum)
            for h in range(0, H, units):
                activation = load(a, h * lanes, wide)
                back = load(d, 0, wide) * load(w, (W2 + h) * lanes, wide)
                for o in range(1, O):
                    back = back + load(d, o * wide, wide) * load(w, (W2 + o * P + h) * lanes, wide)
                delta = back * (activation * (1 - activation))
                for o in range(O):
                    gradient = fold(activation * load(d, o * wide, wide), lanes)
                    at = (W2 + o * P + h) * lanes
                    descend(w, v, at, gradient, learning_rate, momentum, has_momentum)
                at = (B1 + h) * lanes
                descend(w, v, at, fold(delta, lanes), learning_rate, momentum, has_momentum)
                for i in range(I):
                    gradient = fold(load(x, i * wide, wide) * delta, lanes)
                    at = (i * P + h) * lanes
                    descend(w, v, at, gradient, learning_rate, momentum, has_momentum)
            if whole:  # constants make a faster loop
                losses[epoch] = squares / dtype(batch_size * O)
                if watch and solved and position[SOLVED] < 0:
                    position[SOLVED] = epoch
                    if watch == STOP:
                        break
                epoch += 1
                continue
            if watch and not solved:
                position[MISSED] = 1
            if batch:
                squares += losses[epoch]
            batch += 1
            losses[epoch] = squares / dtype(n * O) if batch == batches else squares
            if batch == batches:
                if watch and not position[MISSED] and position[SOLVED] < 0:
                    position[SOLVED] = epoch
                    if watch == STOP:
                        break
                position[MISSED] = 0
                epoch, batch = epoch + 1, 0
                if order.size and left > 1:
                    shuffle(order, generator)
        for j in range(size):
            parameters[j] = w[j * lanes]
            velocity[j] = v[j * lanes]

    run = compiled(kernel, BATCH, dtype, "small", I, H, O, batch_size, whole, has_momentum, watch)
    return Kernel(run, LANES, lanes, size, (1, rows, P), 0, work_size)


@njit(forceinline=True, **OPTIONS)
def descend(weights, velocity, at, gradient, learning_rate, momentum, has_momentum):
    """One step of gradient descent on the weights from ``at`` on (contract, 6)."""
    step = learning_rate * gradient
    if has_momentum:
        step = momentum * load(velocity, at, gradient) + step
        store(velocity, at, step)
    store(weights, at, load(weights, at, gradient) - step)
