"""What kernels for batches of any size do before a batch goes through the layers, and after."""

from functools import cache
from typing import Any

from fastxor.kernels.compiling import MISSED, SOLVED, inlined
from fastxor.kernels.memory import load, pointer, store
from fastxor.kernels.sums import LANES

MANY_INPUTS = 8  # so many rows are far apart in memory: copy a tile of them


@cache
def samples_of(width: int, tile: int, step: int) -> Any:
    """Where the samples of a tile are: pointers to them and to their targets, and their strides.

    They are those at ``place`` in the columns of ``X``, or, shuffled, every ``step``-th from the
    one at ``s`` in the ``order`` on. They may be copied to ``memory``.
    """

    @inlined
    def samples_of(order, s, X, y, place, N, I, O, count, memory):
        y_copy = pointer(memory, I * tile)
        if order.size:
            for j in range(count):
                sample = order[s + j * step]
                for i in range(I):
                    memory[i * tile + j] = X[sample * I + i]
                for o in range(O):
                    y_copy[o * tile + j] = y[sample * O + o]
            return memory, tile, y_copy, tile
        x = pointer(X, place)
        if I < MANY_INPUTS:
            return x, N, pointer(y, place), N
        for i in range(I):
            for t in range(0, count, width):
                store(memory, i * tile + t, load(x, i * N + t, width))
        return memory, tile, pointer(y, place), N

    return samples_of


@inlined
def update(w, velocity, j, gradients, learning_rate, momentum):
    """Of some parameters, from the one at ``j`` on."""
    change = learning_rate * gradients
    change = momentum * load(velocity, j, LANES) + change
    store(velocity, j, change)
    store(w, j, load(w, j, LANES) - change)


@inlined
def note(numbers, sums, losses, position, dtype, epoch, first, last, n):
    """Note down the loss of a batch from ``first`` to ``last``, and whether an epoch that ends with
    it is solved."""
    error = dtype(0)
    for column in range(numbers.columns):
        error += sums[numbers.size + column]
    if first:
        error += losses[epoch]
    losses[epoch] = error / dtype(n * numbers.columns) if last == n else error
    if numbers.watch and last == n:
        if not position[MISSED] and position[SOLVED] < 0:
            position[SOLVED] = epoch
        position[MISSED] = 0
