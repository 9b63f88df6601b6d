"""What the kernel for many networks does about samples that are held out: traced functions."""

from typing import Any

from fastxor.kernels.calls import StackCall
from fastxor.kernels.compiling import OFF
from fastxor.kernels.control import either, least, loop, when
from fastxor.kernels.masks import choose_lanes, less_bits
from fastxor.kernels.stacked_group import Group
from fastxor.kernels.stacked_layers import Batch, forward, outputs
from fastxor.kernels.stacked_plan import Numbers
from fastxor.kernels.sums import BLOCK, LANES, fold_samples
from fastxor.kernels.traced import Flag, Int, Value, Variable, Whole, equal, truth


def is_validated(call: StackCall, numbers: Numbers, epoch: Int) -> bool | Flag:
    """Are samples that are held out looked at after this epoch?"""
    done: Any = epoch + 1
    return truth(numbers.validated) & equal(done % call.validate_every, 0)


def validate(call: StackCall, group: Group, epoch: Int, row: Int) -> Whole:
    """Note down the validation losses after an epoch, ``row`` numbers of each, and keep the
    networks that have their least.

    Returns which have run out of patience, a bit each.
    """
    width, first, w = group.width, group.first, group.memory.w
    done: Any = epoch + 1
    loss, least_loss = loss_of_held_out(call, group), group.losses.best.load(0, width)
    number = done // call.validate_every - 1 - call.first // call.validate_every
    call.validation_losses.store(number * row + first, loss)
    better, ran_out = less_bits(loss, least_loss) & group.going.get(), Variable(0)

    def keep() -> None:
        group.losses.best.store(0, choose_lanes(better, loss, least_loss))
        for j in loop(0, group.network.numbers.size):
            old, new = group.best.load(j * width, width), w.load(j * width, width)
            group.best.store(j * width, choose_lanes(better, new, old))

    def look(k: Int) -> None:
        when(truth(better >> k & 1), call.best_epoch.set, first + k, done)
        waits, waited = call.waits[first + k], done - call.best_epoch[first + k]
        when((waits > 0) & (waited >= waits), add, k)

    def add(k: Int) -> None:
        ran_out.set(ran_out.get() | 1 << k)

    when(truth(better), keep)
    for k in loop(0, least(width, call.networks - first)):
        look(k)
    return ran_out.get() & group.going.get()


def loss_of_held_out(call: StackCall, group: Group) -> Value:
    """The losses of all samples that are held out, as one batch.

    They go through the network in pieces as large as a batch, of which a value holds eight.
    """
    network, dtype, width, memory = group.network, group.dtype, group.width, group.memory
    table = group.held_out
    numbers = network.numbers._replace(watch=OFF, partial=int(not table.own))
    piece, columns, lanes = numbers.row // width, numbers.columns, memory.terms
    # of their own, with the padding, of which a piece is a whole number of values
    n = table.rows if table.own else table.n
    totals = lanes.at(columns * (LANES * width))

    def end_block(block: Int) -> None:
        for o in loop(0, columns):
            total = fold_samples(lanes.load(o * (LANES * width), LANES * width), width)
            total = either(block < 1, lambda: total, lambda: totals.load(o * width, width) + total)
            totals.store(o * width, total)

    for block in loop(0, n, BLOCK):
        for o in loop(0, columns):
            lanes.store(o * (LANES * width), Value.full(0, dtype, LANES * width))
        size = least(BLOCK, n - block)
        for number in loop(0, (size + piece - 1) // piece):
            start = number * piece
            count = least(piece, size - start)
            batch = Batch(
                group.samples, width, numbers, table, block + start,
                count if table.own else piece, table.rows, memory.w, memory.a,
            )  # fmt: skip
            for place in network.ahead:
                forward(place, batch, count)
            nothing_solved = Variable(0).get()
            outputs(
                network.last, batch, memory.d, memory.e, count, call.tolerance, nothing_solved, True
            )
            for o in loop(0, columns):
                for s in batch.all_samples():
                    at = o * (LANES * width)
                    term = batch.term(memory.e, o, s)
                    lanes.store(at, lanes.load(at, LANES * width) + term)
        end_block(block)
    error = Variable(Value.full(0, dtype, width))
    for o in loop(0, columns):
        error.set(error.get() + totals.load(o * width, width))
    return error.get() / group.losses.held_out_terms.load(0, width)
