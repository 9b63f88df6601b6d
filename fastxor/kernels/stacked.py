"""The kernel for many networks at once, in batches of up to eight samples: networks in the lanes.

A value holds the samples of a batch for `width` networks, each network's samples `width` lanes
apart. So no sum crosses lanes but by halves, every instruction works on as many networks as fit
in a register, and the networks side by side keep the pipes full while each waits for itself.
A group of `width` networks is trained for all epochs of the call, its weights in the L1 cache;
then the next. Bits are those of a network alone: its lane knows nothing of the others.
"""

from functools import cache
from typing import Any, NamedTuple

from numba import njit

from fastxor.kernels.compiling import OPTIONS, STOP, compiled, offsets
from fastxor.kernels.lanes import keep_first, load, load_each, scratch, spread, store
from fastxor.kernels.masks import choose, within
from fastxor.kernels.sigmoid import sigmoid
from fastxor.kernels.small import descend
from fastxor.kernels.sums import LANES, fold_samples

VALUE_BYTES = 512  # 8 registers of AVX-512: XOR takes 1.13 times as long with 256, 1.1 with 1024
GROUP_BYTES = 256  # at most, of one sample: wider groups would waste more on their last networks
MEMORY = 256 * 1024  # bytes that a group may work on: half an L2 cache


class StackedKernel(NamedTuple):
    """A compiled kernel and what it needs to run."""

    run: Any
    width: int  # networks in a group
    samples: int  # that are read at once: some beyond the last one
    size: int  # parameters of a network
    work: int  # numbers of working memory


def fits(dtype: Any, I: int, H: int, O: int, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have a group of them?"""
    if batch_size > LANES:
        return False
    samples, width = _shape(dtype, batch_size)
    numbers = 2 * ((I + 1) * H + (H + 1) * O) + samples * (H + O)
    return bool(numbers * width * dtype().itemsize <= MEMORY)


def _shape(dtype: Any, batch_size: int) -> tuple[int, int]:
    """Samples, with padding, and networks in a value."""
    samples = 1 << (batch_size - 1).bit_length()
    return samples, min(VALUE_BYTES // samples, GROUP_BYTES) // dtype().itemsize


@cache
def stacked_batch(
    dtype: Any, I: int, H: int, O: int, batch_size: int, whole: bool, has_momentum: bool, watch: int
) -> StackedKernel:
    """The kernel for batches of this size; ``whole``: all samples in one batch.

    Its arguments:

        X, y           (n, I) and (n, O), flat, and rows after them that may be read
        parameters     (groups, size, width), flat: W1, b1, W2^T and b2 of each network, one below
                       the other, a network a column; of the last group some may be no networks
        velocity       likewise, empty without momentum
        rates          (3, groups * width): learning rates, momenta, and the losses that are left,
                       those of the last epoch
        networks       how many
        first, epochs  the number of the first epoch, and how many to train for
        record_every   keep the losses of epochs that it divides; 0 for none
        losses         (recorded epochs of the call, groups * width)
        tolerance      a network is solved if all errors of an epoch are below that
        solved_at      (networks,): the epoch, once it is solved; before that, negative

    With `STOP`, what is left of a solved network is its state before that epoch.
    """
    S, W = _shape(dtype, batch_size)
    wide = S * W
    B1, W2, B2 = I * H, (I + 1) * H, (I + 1 + O) * H
    size = B2 + O
    rewinds = watch == STOP and not whole  # updates are made before all samples were seen
    sizes = [size * W, size * W, H * wide, O * wide, O * wide, size * W, size * W]
    w_size, v_size, a_size, d_size, e_size, kept_size, kept_v_size = sizes
    w_at, v_at, a_at, d_at, e_at, kept_at, kept_v_at, work_size = offsets(sizes, dtype)

    def kernel(
        X, y, n, parameters, velocity, rates, networks, first, epochs, record_every, losses,
        tolerance, solved_at, work,
    ):  # fmt: skip
        w = scratch(work, w_at, w_size)
        v = scratch(work, v_at, v_size)
        a = scratch(work, a_at, a_size)
        d = scratch(work, d_at, d_size)
        e = scratch(work, e_at, e_size)  # errors, for losses that may be wanted
        kept = scratch(work, kept_at, kept_size)
        kept_v = scratch(work, kept_v_at, kept_v_size)
        row_size = rates.size // 3
        batches = 1 if whole else (n + batch_size - 1) // batch_size
        last = first + epochs - 1
        for group in range(0, networks, W):
            at, row = group * size, group
            learning_rate, momentum = load(rates, group, W), load(rates, row_size + group, W)
            left_loss = 2 * row_size + group
            for j in range(size):
                store(w, j * W, load(parameters, at + j * W, W))
                if has_momentum:
                    store(v, j * W, load(velocity, at + j * W, W))
            unsolved = 0
            for k in range(min(W, networks - group)):
                if solved_at[group + k] < 0:
                    unsolved |= 1 << k
            for epoch in range(first, last + 1):
                recorded = record_every > 0 and epoch % record_every == 0
                loss_counts = recorded or epoch == last
                solved = unsolved
                squares = spread(dtype(0), W)
                if rewinds:
                    for j in range(size):
                        store(kept, j * W, load(w, j * W, W))
                        if has_momentum:
                            store(kept_v, j * W, load(v, j * W, W))
                for batch in range(batches):
                    start = batch * batch_size
                    count = batch_size if whole else min(batch_size, n - start)
                    for h in range(H):
                        z = spread(load(w, (B1 + h) * W, W), wide)
                        for i in range(I):
                            x = load_each(X, start * I + i, I, S, W)
                            z = z + x * spread(load(w, (i * H + h) * W, W), wide)
                        store(a, h * wide, sigmoid(z, False))
                    batch_squares = spread(dtype(0), W)
                    for o in range(O):
                        z = spread(load(w, (B2 + o) * W, W), wide)
                        for h in range(H):
                            weight = spread(load(w, (W2 + o * H + h) * W, W), wide)
                            z = z + load(a, h * wide, wide) * weight
                        output = sigmoid(z, False)
                        error = output - load_each(y, start * O + o, O, S, W)
                        error = keep_first(error, count * W)
                        if watch:
                            solved &= within(error, tolerance, W)
                        if watch == STOP:
                            store(e, o * wide, error)
                        elif loss_counts:
                            batch_squares = batch_squares + fold_samples(error * error, W)
                        store(d, o * wide, error * (output * (1 - output)))
                    # what is solved at last has always been solved so far
                    if watch == STOP and (loss_counts or solved):
                        for o in range(O):
                            error = load(e, o * wide, wide)
                            batch_squares = batch_squares + fold_samples(error * error, W)
                    squares = squares + batch_squares
                    if batch == batches - 1:
                        loss = squares / dtype(n * O)
                        if recorded:
                            store(losses, row, loss)
                            row += row_size
                        if watch and solved:
                            unsolved ^= solved
                            for k in range(W):
                                if solved >> k & 1:
                                    solved_at[group + k] = epoch
                            if watch == STOP:
                                _leave(solved, kept if rewinds else w, parameters, at, size, W)
                                if has_momentum:
                                    _leave(solved, kept_v if rewinds else v, velocity, at, size, W)
                                left = choose(solved, loss, load(rates, left_loss, W))
                                store(rates, left_loss, left)
                        if epoch == last:
                            if watch == STOP:
                                loss = choose(unsolved, loss, load(rates, left_loss, W))
                            store(rates, left_loss, loss)
                    for o in range(O):
                        gradient = fold_samples(load(d, o * wide, wide), W)
                        descend(w, v, (B2 + o) * W, gradient, learning_rate, momentum, has_momentum)
                    for h in range(H):
                        activation = load(a, h * wide, wide)
                        back = load(d, 0, wide) * spread(load(w, (W2 + h) * W, W), wide)
                        for o in range(1, O):
                            weight = spread(load(w, (W2 + o * H + h) * W, W), wide)
                            back = back + load(d, o * wide, wide) * weight
                        delta = back * (activation * (1 - activation))
                        for o in range(O):
                            gradient = fold_samples(activation * load(d, o * wide, wide), W)
                            at_W2 = (W2 + o * H + h) * W
                            descend(w, v, at_W2, gradient, learning_rate, momentum, has_momentum)
                        gradient = fold_samples(delta, W)
                        descend(w, v, (B1 + h) * W, gradient, learning_rate, momentum, has_momentum)
                        for i in range(I):
                            x = load_each(X, start * I + i, I, S, W)
                            gradient = fold_samples(x * delta, W)
                            at_W1 = (i * H + h) * W
                            descend(w, v, at_W1, gradient, learning_rate, momentum, has_momentum)
                if watch == STOP and not unsolved:
                    break
            _leave(unsolved if watch == STOP else -1, w, parameters, at, size, W)
            if has_momentum:
                _leave(unsolved if watch == STOP else -1, v, velocity, at, size, W)

    key = ("stacked", I, H, O, batch_size, whole, has_momentum, watch)
    run = compiled(kernel, "VViVVViiiiVTIV", dtype, *key)
    return StackedKernel(run, W, S, size, work_size)


@njit(forceinline=True, **OPTIONS)
def _leave(networks, state, parameters, at, size, width):
    """Write the state of these networks, a bit each, to their columns in memory."""
    for j in range(size):
        old = load(parameters, at + j * width, width)
        store(parameters, at + j * width, choose(networks, load(state, j * width, width), old))
