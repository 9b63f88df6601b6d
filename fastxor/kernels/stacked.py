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

from fastxor.kernels.calls import STACK, StackCall, of_stacks
from fastxor.kernels.compiling import Code, Layers, Wanted
from fastxor.kernels.control import choose
from fastxor.kernels.functions import UNSCALED, has_scales
from fastxor.kernels.memory import Rows, as_memory, integers, offsets, scratch
from fastxor.kernels.stacked_group import GroupMemory, Network, network_of
from fastxor.kernels.stacked_plan import (
    Numbers,
    Place,
    numbers_of,
    places_of,
    shape_for,
    sizes_of,
)
from fastxor.kernels.stacked_steps import train
from fastxor.kernels.sums import LANES


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
    dtype: Any, layers: Layers, batch_size: int, whole: bool, wanted: Wanted
) -> StackedKernel:
    """The special form, for batches of this size; ``whole``: all samples in one batch.

    Where networks have samples of their own, ``batch_size`` is the most that a batch may have.

    Its arguments, after the numbers for the general form:

        X, y           (n, I) and (n, O), flat, and rows after them that may be read; where samples
                       have weights, these are after the outputs, as one of them; where networks
                       have samples of their own, those of each group, (I, rows, width), and
                       (O + 1, rows, width) with weights
        n              samples, where all networks have the same
        tables         (groups, 5), flat, where they have not: where their X and y begin, how many
                       samples the network has that has most, batch_size, and the rows of a batch;
                       see `stacked_group.Table`
        parameters     (groups, size, width), flat: W1, b1, ..., WL, bL of each network, one below
                       the other, a network a column; of the last group some may be no networks
        carried        (groups, numbers, width) likewise: velocities; or means, squares and decays;
                       or nothing
        rates          (10 + layers, groups * width): learning rates, momenta or beta1, beta2,
                       epsilon, l2, and what there is in `stacked_group.Losses`; those of layers
                       only where these have their own
        networks       how many
        first, epochs  the number of the first epoch, and how many to train for
        factors        of the learning rates, of every epoch; or one for all
        record_every   keep the losses of epochs that it divides; 0 for none
        losses         (recorded epochs of the call, groups * width)
        tolerance      a network is solved if all errors of an epoch are below that
        solved_at      (networks,): the epoch, once it is solved; before that, negative
        held_out       how many samples are held out; then X, y and tables of these, likewise
        validate_every, waits    epochs between two looks at them; (networks,): epochs without
                       improvement after which a network is left, or 0
        validation_losses        (looks of the call, groups * width)
        best, best_epoch         parameters with the least loss; (networks,): epochs behind them

    With `STOP`, what is left of a solved network is its state before that epoch. A network that
    has had a loss that is not finite has a parameter that is not, either.
    """
    S, W = shape_for(dtype, batch_size, wanted.validated or wanted.own)
    numbers = numbers_of(S, W, layers, batch_size, whole, wanted)
    places, sizes = places_of(layers)[0], sizes_of(numbers, W)
    *at, work_size = offsets(sizes, dtype)

    def kernel(call: StackCall) -> None:
        memory = (scratch(call.work, *one) for one in zip(at, sizes, strict=True))
        train(call, network_of(places, numbers), dtype, S, W, wanted.own, GroupMemory(*memory))

    key = ("stacked", S, W, layers, batch_size, whole, wanted)
    code = Code(of_stacks(kernel), STACK, dtype, *key)
    return StackedKernel(code, np.zeros(0, np.int64), W, numbers.row // W, numbers.size, work_size)


@cache
def general_stack(
    dtype: Any, layers: Layers, batch_size: int, whole: bool, wanted: Wanted
) -> StackedKernel:
    """The general form, with the numbers of these networks."""
    S, W = shape_for(dtype, LANES, True)
    numbers = numbers_of(S, W, layers, batch_size, whole, wanted)
    places, sizes = places_of(layers)[0], sizes_of(numbers, W)
    memory = as_memory(numbers, places)
    return StackedKernel(
        _general(dtype, wanted.own, has_scales(layers)), memory, W, numbers.row // W,
        numbers.size, sum(sizes),
    )  # fmt: skip


@cache
def _general(dtype: Any, own: bool = False, scaled: bool = False) -> Code:
    (S, W), known = shape_for(dtype, LANES, True), {} if scaled else UNSCALED

    def kernel(call: StackCall) -> None:
        numbers = integers(call.numbers, Numbers)
        rows, last = Rows(call.numbers, Numbers, Place, known), numbers.depth - 1
        network = Network(
            numbers,
            first=rows[0],
            last=rows[last],
            ahead=rows.range(0, last),
            second=rows.range(1, choose(last < 1, 1, 2)),
            deeper=rows.range(last, 1, -1),
        )
        memory, work = [], call.work
        for size in sizes_of(numbers, W):
            memory.append(work)
            work = work.at(size)
        train(call, network, dtype, S, W, own, GroupMemory(*memory))

    return Code(of_stacks(kernel), STACK, dtype, "general_stack", S, W, own, scaled)
