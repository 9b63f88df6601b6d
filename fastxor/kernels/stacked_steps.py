"""What the kernel for many networks does: groups, epochs and batches. Traced functions."""

from functools import partial
from typing import Any

from fastxor.kernels.calls import StackCall
from fastxor.kernels.compiling import STOP
from fastxor.kernels.control import choose, least, leave_when, loop, most, when
from fastxor.kernels.functions import IDENTITY
from fastxor.kernels.instructions import where_less
from fastxor.kernels.masks import Masked, choose_lanes, less_bits
from fastxor.kernels.memory import Memory
from fastxor.kernels.stacked_gradients import go_back
from fastxor.kernels.stacked_group import (
    Group,
    GroupMemory,
    Network,
    Table,
    own_table,
    rates_and_losses,
    row_of,
)
from fastxor.kernels.stacked_layers import Batch, forward, outputs
from fastxor.kernels.stacked_plan import Numbers
from fastxor.kernels.stacked_validation import is_validated, validate
from fastxor.kernels.sums import fold_samples
from fastxor.kernels.traced import Int, Value, Variable, equal, truth
from fastxor.kernels.updates import share_of


def train(
    call: StackCall, network: Network, dtype: Any, samples: int, width: int, own: bool,
    memory: GroupMemory,
) -> None:  # fmt: skip
    """All networks, a group of ``width`` after the other, with values of so many ``samples``.

    ``own``: each has samples of its own.
    """
    numbers, size = network.numbers, network.numbers.size
    for first in loop(0, call.networks, width):
        bits, going = Variable(0), Variable(0)
        for k in loop(0, least(width, call.networks - first)):
            bits.set(bits.get() | choose(call.solved_at[first + k] < 0, 1 << k, 0))
            going.set(going.get() | 1 << k)
        group = Group(
            network, dtype, samples, width, memory, *tables_of(call, numbers, first, width, own),
            first, call.parameters.at(first * size), call.carried.at(first * numbers.carried),
            *rates_and_losses(call, numbers, first, width), call.best.at(first * size), bits, going,
        )  # fmt: skip
        copy(group.parameters, memory.w, size, width)
        copy(group.carried, memory.v, numbers.carried, width)
        train_group(call, group)
        stops = equal(numbers.watch, STOP)
        group.leave(going.get() & choose(stops, bits.get(), -1), memory.w, memory.v)


def tables_of(
    call: StackCall, numbers: Numbers, first: Int, width: int, own: bool
) -> tuple[Table, Table]:
    """Of the samples of a group, and of those that are held out."""
    X, y = call.held_out_samples, call.held_out_targets
    if own:
        number: Any = first
        number = number // width
        return (
            own_table(call.tables, number, call.X, call.y, truth(numbers.whole)),
            own_table(call.held_out_tables, number, X, y, True),
        )
    n, size, whole, rows = call.n, numbers.batch_size, truth(numbers.whole), numbers.row // width
    batches = choose(whole, 1, (n + size - 1) // size)
    return (
        Table(call.X, call.y, n, size, batches, rows, False),
        Table(X, y, call.held_out, call.held_out, 1, call.held_out, False),
    )


def copy(of: Memory, to: Memory, rows: Int, width: int) -> None:
    for j in loop(0, rows):
        to.store(j * width, of.load(j * width, width))


def train_group(call: StackCall, group: Group) -> None:
    """All epochs of a call."""
    network, memory, width, first = group.network, group.memory, group.width, group.first
    numbers, unsolved, every, table = (
        network.numbers, group.unsolved, call.record_every, group.table,
    )  # fmt: skip
    w, v, row = memory.w, memory.v, row_of(call, numbers)
    stops, whole, batches = equal(numbers.watch, STOP), truth(numbers.whole), table.batches
    # may a loss overflow where all parameters are finite? then it is looked at in each epoch
    unbounded = truth(numbers.log_loss) | equal(numbers.function, IDENTITY)
    unbounded = unbounded & equal(numbers.endless, 0)  # nor then
    rewinds = stops & equal(numbers.whole, 0)  # updates are made before all samples were seen
    end = call.first + call.epochs - 1
    # the next epoch whose losses are kept, and where
    following = (call.first + most(every, 1) - 1) // most(every, 1) * every
    recorded = Variable(choose(every > 0, following, -1))
    recorded_at = Variable(first)
    for epoch in loop(call.first, end + 1):
        rates = group.rates_of(call, epoch)
        is_recorded = equal(epoch, recorded.get())
        is_due = is_validated(call, numbers, epoch)
        loss_counts = unbounded | is_recorded | equal(epoch, end) | is_due
        solved, error = Variable(unsolved.get()), Variable(Value.full(0, group.dtype, width))

        def keep() -> None:
            copy(w, memory.kept, numbers.size, width)
            copy(v, memory.kept_v, numbers.carried, width)

        def add_terms(batch: Batch) -> None:
            error.set(error.get() + sum_of_terms(batch, group))

        def record() -> None:
            call.losses.store(recorded_at.get(), group.loss(error.get()))
            recorded_at.set(recorded_at.get() + row)
            recorded.set(recorded.get() + every)

        def note_solved() -> None:
            unsolved.set(unsolved.get() ^ solved.get())
            for k in loop(0, width):
                is_solved = truth(solved.get() >> k & 1)
                when(is_solved, call.solved_at.set, first + k, epoch)
            when(stops, leave_solved)

        def leave_solved() -> None:
            now = choose(rewinds, memory.kept, w), choose(rewinds, memory.kept_v, v)
            group.leave(solved.get(), *now)
            leave_loss(solved.get())

        def leave_loss(networks: Int) -> None:
            loss, old = group.loss(error.get()), group.losses.left.load(0, width)
            group.losses.left.store(0, choose_lanes(networks, loss, old))

        def end_epoch() -> None:
            when(is_recorded, record)
            when(truth(numbers.watch), when, truth(solved.get()), note_solved)
            left = group.going.get() & choose(stops, unsolved.get(), -1)
            when(equal(epoch, end), leave_loss, left)

        def mark() -> None:  # NaN, or the same: no -0.0 is there
            loss = group.loss(error.get())
            w.store(0, w.load(0, width) + (loss - loss))

        when(rewinds, keep)
        for number in loop(0, batches):
            start, size = number * table.batch_size, table.batch_size
            count = choose(whole, size, least(size, table.n - start))
            batch = Batch(
                group.samples, width, numbers, table, number * table.rows if table.own else start,
                table.rows, table.rows * batches, w, memory.a,
            )  # fmt: skip
            for place in network.ahead:
                forward(place, batch, count)
            solved.set(outputs(
                network.last, batch, memory.d, memory.e, count, call.tolerance, solved.get(),
                loss_counts | stops,
            ))  # fmt: skip
            # what is solved at last has always been solved so far
            when(loss_counts | (stops & truth(solved.get())), add_terms, batch)
            when(equal(number, batches - 1), end_epoch)
            share, changed = share_of(count, group.dtype), v
            if table.own:
                counts, one = group.counts(number), Value.full(1, group.dtype, width)
                share = one / where_less(counts, one, one, counts)
                if whole is not True:  # those that have no such batch stay as they are
                    lanes = less_bits(one - 1, counts)
                    batch, changed = batch._replace(w=Masked(w, lanes)), Masked(v, lanes)
            go_back(
                network.first, network.deeper, network.second, batch, changed, memory.d, rates,
                share, partial(group.layer_rate, call, epoch),
            )  # fmt: skip

        def look() -> None:
            when(stops, lambda: group.going.set(group.going.get() & unsolved.get()))
            ran_out = validate(call, group, epoch, row)
            group.leave(ran_out, w, v)
            leave_loss(ran_out)
            group.going.set(group.going.get() ^ ran_out)
            unsolved.set(unsolved.get() & group.going.get())

        when(unbounded, mark)
        when(is_due, look)
        leave_when(truth(numbers.validated) & equal(group.going.get(), 0))
        leave_when(stops & equal(unsolved.get(), 0))


def sum_of_terms(batch: Batch, group: Group) -> Value:
    """Of the loss of each network, over the samples of a batch."""
    numbers, dtype = batch.numbers, group.dtype
    total = Variable(Value.full(0, dtype, batch.width))
    for o in loop(0, numbers.columns):
        lanes = Variable(Value.full(0, dtype, batch.wide))
        for s in batch.all_samples():
            lanes.set(lanes.get() + batch.term(group.memory.e, o, s))
        total.set(total.get() + fold_samples(lanes.get(), batch.width))
    return total.get()
