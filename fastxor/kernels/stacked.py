"""The kernel for many networks at once, in small batches: networks in the lanes.

A value holds up to eight samples of a batch for `width` networks, each network's samples `width`
lanes apart. So no sum crosses lanes but by halves, every instruction works on as many networks as
fit in a register, and the networks side by side keep the pipes full while each waits for itself.
A group of `width` networks is trained for all epochs of the call, its weights in the L1 cache;
then the next. Bits are those of a network alone: its lane knows nothing of the others.

It has two forms of one body, as the kernel in `tiled` has.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastxor.kernels import stacked_steps as steps
from fastxor.kernels.calls import integers
from fastxor.kernels.compiling import STOP, Code, Layers, inlined, offsets
from fastxor.kernels.functions import IDENTITY
from fastxor.kernels.lanes import spread
from fastxor.kernels.masks import choose_lanes
from fastxor.kernels.memory import load, pointer, scratch, store
from fastxor.kernels.stacked_plan import (
    Numbers,
    Place,
    numbers_of,
    places_of,
    shape_for,
    sizes_of,
)
from fastxor.kernels.sums import LANES, jitted_fold_samples

ARGUMENTS = "IVViVVViiiiVTIV"  # see `Code` and `stacked_batch`
HEAD, ROW = len(Numbers._fields), len(Place._fields)


class StackedKernel(NamedTuple):
    """A kernel and what it needs to run."""

    code: Code
    numbers: Any  # of the networks and their batches, for the general form
    width: int  # networks in a group
    samples: int  # of a batch, with padding: some beyond the last one are read
    size: int  # parameters of a network
    work: int  # numbers of working memory


@cache
def stacked_batch(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, whole: bool, has_momentum: bool,
    watch: int,
) -> StackedKernel:  # fmt: skip
    """The special form, for batches of this size; ``whole``: all samples in one batch.

    Its arguments, after the numbers for the general form:

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
    S, W = shape_for(dtype, batch_size)
    numbers = numbers_of(S, W, layers, log_loss, batch_size, whole, has_momentum, watch)
    places = places_of(layers)[0]
    body = _body(dtype, S, W, *steps.steps_for_places(S, W, places, numbers))
    sizes = sizes_of(numbers, W)
    w_size, v_size, a_size, d_size, e_size, kept_size, kept_v_size = sizes
    w_at, v_at, a_at, d_at, e_at, kept_at, kept_v_at, work_size = offsets(sizes, dtype)

    def kernel(
        _, X, y, n, parameters, velocity, rates, networks, first, epochs, record_every, losses,
        tolerance, solved_at, work,
    ):  # fmt: skip
        w, v = scratch(work, w_at, w_size), scratch(work, v_at, v_size)
        a, d = scratch(work, a_at, a_size), scratch(work, d_at, d_size)
        e, kept = scratch(work, e_at, e_size), scratch(work, kept_at, kept_size)
        kept_v = scratch(work, kept_v_at, kept_v_size)
        body(
            numbers, (), w, v, a, d, e, kept, kept_v,
            X, y, n, parameters, velocity, rates, networks, first, epochs, record_every, losses,
            tolerance, solved_at,
        )  # fmt: skip

    key = ("stacked", S, W, layers, log_loss, batch_size, whole, has_momentum, watch)
    code = Code(kernel, ARGUMENTS, dtype, *key)
    return StackedKernel(code, np.zeros(0, np.int64), W, numbers.row // W, numbers.size, work_size)


def general_stack(
    dtype: Any, layers: Layers, log_loss: bool, batch_size: int, whole: bool, has_momentum: bool,
    watch: int,
) -> StackedKernel:  # fmt: skip
    """The general form, with the numbers of these networks."""
    S, W = shape_for(dtype, LANES)
    numbers = numbers_of(S, W, layers, log_loss, batch_size, whole, has_momentum, watch)
    places, sizes = places_of(layers)[0], sizes_of(numbers, W)
    memory = np.array([*numbers, *(number for place in places for number in place)], np.int64)
    return StackedKernel(_general(dtype), memory, W, numbers.row // W, numbers.size, sum(sizes))


@cache
def _general(dtype: Any) -> Code:
    S, W = shape_for(dtype, LANES)
    body = _body(dtype, S, W, *steps.steps_for_rows(S, W))

    def kernel(
        numbers, X, y, n, parameters, velocity, rates, networks, first, epochs, record_every,
        losses, tolerance, solved_at, work,
    ):  # fmt: skip
        head, rows = integers(pointer(numbers, 0), 0, Numbers), pointer(numbers, HEAD)
        size, row, units = head.size, head.row, head.units
        first_layer = integers(rows, 0, Place)
        w, v = pointer(work, 0), pointer(work, size * W)
        kept, kept_v = pointer(work, 2 * size * W), pointer(work, 3 * size * W)
        a, d = pointer(work, 4 * size * W), pointer(work, 4 * size * W + units * row)
        e = pointer(work, 4 * size * W + 2 * units * row)
        body(
            head, (rows, first_layer, integers(rows, (head.depth - 1) * ROW, Place), head),
            w, v, a, d, e, kept, kept_v,
            X, y, n, parameters, velocity, rates, networks, first, epochs, record_every, losses,
            tolerance, solved_at,
        )  # fmt: skip

    return Code(kernel, ARGUMENTS, dtype, "general_stack", S, W)


def _body(dtype: Any, S: int, W: int, steps_ahead: Any, steps_back: Any) -> Any:
    """What both forms do; ``steps_ahead`` and ``steps_back``: with a batch."""
    wide = S * W

    @inlined
    def body(
        numbers, network, w, v, a, d, e, kept, kept_v,
        X, y, n, parameters, velocity, rates, networks, first, epochs, record_every, losses,
        tolerance, solved_at,
    ):  # fmt: skip
        """``e``: errors or terms of log losses, for losses that may be wanted."""
        log_loss, size, row, watch = numbers.log_loss, numbers.size, numbers.row, numbers.watch
        has_momentum, batch_size, whole = numbers.has_momentum, numbers.batch_size, numbers.whole
        # may a loss overflow where all parameters are finite? then it is looked at in each epoch
        unbounded = log_loss or numbers.function == IDENTITY
        rewinds = watch == STOP and not whole  # updates are made before all samples were seen
        X, y = pointer(X, 0), pointer(y, 0)  # arrays handed on would have their references counted
        row_size = rates.size // 3
        batches = 1 if whole else (n + batch_size - 1) // batch_size
        end = first + epochs - 1
        for group in range(0, networks, W):
            at, recorded_at = group * size, group
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
                    wanted = loss_counts or watch == STOP
                    solved = steps_ahead(network, (
                        X, y, start, w, a, d, e, count, tolerance, solved, wanted,
                    ))  # fmt: skip
                    # what is solved at last has always been solved so far
                    if loss_counts or (watch == STOP and solved):
                        of_batch = spread(dtype(0), W)
                        for o in range(numbers.columns):
                            lanes = spread(dtype(0), wide)
                            for s in range(0, row // W, S):
                                terms = load(e, o * row + s * W, wide)
                                if not log_loss:
                                    terms = terms * terms
                                lanes = lanes + terms
                            of_batch = of_batch + jitted_fold_samples(lanes, W)
                        error = error + of_batch
                    if batch == batches - 1:
                        loss = error / dtype(n * numbers.columns)
                        if recorded:
                            store(losses, recorded_at, loss)
                            recorded_at += row_size
                        if watch and solved:
                            unsolved ^= solved
                            for k in range(W):
                                if solved >> k & 1:
                                    solved_at[group + k] = epoch
                            if watch == STOP:
                                if rewinds:
                                    steps.leave(solved, kept, parameters, at, size, W)
                                else:
                                    steps.leave(solved, w, parameters, at, size, W)
                                if has_momentum and rewinds:
                                    steps.leave(solved, kept_v, velocity, at, size, W)
                                elif has_momentum:
                                    steps.leave(solved, v, velocity, at, size, W)
                                left = choose_lanes(solved, loss, load(rates, left_loss, W))
                                store(rates, left_loss, left)
                        if epoch == end:
                            if watch == STOP:
                                loss = choose_lanes(unsolved, loss, load(rates, left_loss, W))
                            store(rates, left_loss, loss)
                    steps_back(network, (X, start, w, v, a, d, learning_rate, momentum))
                if unbounded:
                    loss = error / dtype(n * numbers.columns)
                    store(w, 0, load(w, 0, W) + (loss - loss))  # NaN, or the same: no -0.0 is there
                if watch == STOP and not unsolved:
                    break
            steps.leave(unsolved if watch == STOP else -1, w, parameters, at, size, W)
            if has_momentum:
                steps.leave(unsolved if watch == STOP else -1, v, velocity, at, size, W)

    return body
