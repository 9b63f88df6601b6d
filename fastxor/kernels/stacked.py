"""The kernel for many networks at once, in batches of up to eight samples: networks in the lanes.

A value holds the samples of a batch for `width` networks, each network's samples `width` lanes
apart. So no sum crosses lanes but by halves, every instruction works on as many networks as fit
in a register, and the networks side by side keep the pipes full while each waits for itself.
A group of `width` networks is trained for all epochs of the call, its weights in the L1 cache;
then the next. Bits are those of a network alone: its lane knows nothing of the others.
"""

from functools import cache
from typing import Any, NamedTuple

from fastxor.kernels import stacked_layers as steps
from fastxor.kernels.calls import in_turn
from fastxor.kernels.compiling import STOP, Layers, compiled, inlined, offsets
from fastxor.kernels.functions import CODES, IDENTITY, SOFTMAX
from fastxor.kernels.lanes import load, scratch, spread, store
from fastxor.kernels.masks import choose
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


def fits(dtype: Any, layers: Layers, batch_size: int) -> bool:
    """Is the batch small, and the network not too large to have a group of them?"""
    if batch_size > LANES:
        return False
    samples, width = _shape(dtype, batch_size)
    _, size, units = _places(layers)
    return bool((2 * size + samples * units) * width * dtype().itemsize <= MEMORY)


def _shape(dtype: Any, batch_size: int) -> tuple[int, int]:
    """Samples, with padding, and networks in a value."""
    samples = 1 << (batch_size - 1).bit_length()
    return samples, min(VALUE_BYTES // samples, GROUP_BYTES) // dtype().itemsize


def _places(layers: Layers) -> tuple[list[steps.Place], int, int]:
    """Of each layer; how many parameters there are, and how many units."""
    places, size, own = [], 0, 0
    for I, O, _, bias in layers:
        biases = size + I * O if bias else -1
        places.append(steps.Place(I, O, size, biases, own - I, own))
        size, own = size + (I + bias) * O, own + O
    return places, size, own


@cache
def stacked_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, whole: bool, has_momentum: bool,
    watch: int,
) -> StackedKernel:  # fmt: skip
    """The kernel for batches of this size; ``whole``: all samples in one batch.

    Its arguments:

        X, y           (n, I) and (n, O), flat, and rows after them that may be read
        parameters     (groups, size, width), flat: W1, b1, ..., WL, bL of each network, one below
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

    With `STOP`, what is left of a solved network is its state before that epoch. A network that
    has had a loss that is not finite has a parameter that is not, either.
    """
    S, W = _shape(dtype, batch_size)
    places, size, units = _places(layers)
    wide, depth, O = S * W, len(layers), layers[-1][1]
    codes = [CODES[function] for _, _, function, _ in layers]
    columns = 1 if codes[-1] == SOFTMAX else O
    # may a loss overflow where all parameters are finite? then it is looked at in each epoch
    unbounded = log_loss or codes[-1] == IDENTITY
    partial = batch_size != S or (batch_size > 1 and not whole)
    ahead, last = tuple(map(tuple, places)), tuple(places[-1])
    forward_each = in_turn([
        steps.forward(S, W, codes[k] if k < depth - 1 else IDENTITY, k == 0, partial)
        for k in range(depth)
    ])  # fmt: skip
    outputs = steps.outputs(S, W, codes[-1], log_loss, bool(watch), partial)
    backward_each = in_turn([
        steps.backward(S, W, codes[k - 1], k == 0, has_momentum) for k in range(depth - 1, -1, -1)
    ])  # fmt: skip
    back = ahead[::-1]
    rewinds = watch == STOP and not whole  # updates are made before all samples were seen
    sizes = [size * W, size * W, units * wide, units * wide, O * wide, size * W, size * W]
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
        end = first + epochs - 1
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
            for epoch in range(first, end + 1):
                recorded = record_every > 0 and epoch % record_every == 0
                loss_counts = unbounded or recorded or epoch == end
                solved = unsolved
                error = spread(dtype(0), W)
                if rewinds:
                    for j in range(size):
                        store(kept, j * W, load(w, j * W, W))
                        if has_momentum:
                            store(kept_v, j * W, load(v, j * W, W))
                for batch in range(batches):
                    start = batch * batch_size
                    count = batch_size if whole else min(batch_size, n - start)
                    forward_each(ahead, (X, start, w, a, count))
                    solved = outputs(
                        last, y, start, a, d, e, count, tolerance, solved,
                        loss_counts or watch == STOP,
                    )  # fmt: skip
                    # what is solved at last has always been solved so far
                    if loss_counts or (watch == STOP and solved):
                        of_batch = spread(dtype(0), W)
                        for o in range(columns):
                            terms = load(e, o * wide, wide)
                            if not log_loss:
                                terms = terms * terms
                            of_batch = of_batch + fold_samples(terms, W)
                        error = error + of_batch
                    if batch == batches - 1:
                        loss = error / dtype(n * columns)
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
                        if epoch == end:
                            if watch == STOP:
                                loss = choose(unsolved, loss, load(rates, left_loss, W))
                            store(rates, left_loss, loss)
                    backward_each(back, (X, start, w, v, a, d, learning_rate, momentum))
                if unbounded:
                    loss = error / dtype(n * columns)
                    store(w, 0, load(w, 0, W) + (loss - loss))  # NaN, or the same: no -0.0 is there
                if watch == STOP and not unsolved:
                    break
            _leave(unsolved if watch == STOP else -1, w, parameters, at, size, W)
            if has_momentum:
                _leave(unsolved if watch == STOP else -1, v, velocity, at, size, W)

    key = ("stacked", layers, log_loss, batch_size, whole, has_momentum, watch)
    run = compiled(kernel, "VViVVViiiiVTIV", dtype, *key)
    return StackedKernel(run, W, S, size, work_size)


@inlined
def _leave(networks, state, parameters, at, size, width):
    """Write the state of these networks, a bit each, to their columns in memory."""
    for j in range(size):
        old = load(parameters, at + j * width, width)
        store(parameters, at + j * width, choose(networks, load(state, j * width, width), old))
