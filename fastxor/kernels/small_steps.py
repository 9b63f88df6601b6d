"""The steps of the kernel for batches of a few samples: traced functions."""

from fastxor.kernels.batches import look
from fastxor.kernels.calls import BatchCall
from fastxor.kernels.compiling import DONE, SOLVED, STOP
from fastxor.kernels.control import either, least, leave_when, loop, when
from fastxor.kernels.instructions import keep_first
from fastxor.kernels.memory import Memory
from fastxor.kernels.order import shuffle
from fastxor.kernels.small_layers import (
    Kind,
    Memories,
    Place,
    Updates,
    backward,
    forward,
    outputs,
    turn,
    update_ahead,
    update_biases,
)
from fastxor.kernels.traced import Int, Value, Variable, equal, truth
from fastxor.kernels.updates import corrected, share_of


def train_whole(
    call: BatchCall, places: list[Place], kind: Kind, memories: Memories, batch_size: int,
    columns: int,
) -> None:  # fmt: skip
    """All epochs of a call, where all samples are one batch: constants make a faster loop."""
    first = call.position[DONE]
    read(call, places, kind, memories, 0)
    for epoch in loop(first, first + call.chunks):
        loss = train_batch(call, places, kind, memories, batch_size, epoch)
        # a constant costs less: of a power of two it is a multiplication
        terms = call.terms if kind.wanted.weighted else batch_size * columns
        call.losses.store(epoch, loss / terms)
        look_and_leave(call, kind, epoch)


def train_batches(
    call: BatchCall, places: list[Place], kind: Kind, memories: Memories, batch_size: int,
    columns: int,
) -> None:  # fmt: skip
    """All batches of a call, which may begin within an epoch and end within another."""
    n, losses = call.n, call.losses
    batches, shuffled = (n + batch_size - 1) // batch_size, truth(call.order.size)
    done = call.position[DONE]
    epoch, batch = Variable(done // batches), Variable(done % batches)
    for left in loop(call.chunks, 0, -1):
        start = batch.get() * batch_size
        either(shuffled, gather, read, call, places, kind, memories, start)
        count = least(batch_size, n - start)
        loss = Variable(train_batch(call, places, kind, memories, count, epoch.get()))

        def add_others() -> None:
            loss.set(loss.get() + losses.load(epoch.get(), 1))

        def end_epoch() -> None:
            losses.store(epoch.get(), loss.get() / call.terms)
            look_and_leave(call, kind, epoch.get())
            epoch.set(epoch.get() + 1)
            batch.set(0)
            when(shuffled & (left > 1), shuffle, call.order, call.generator)

        def go_on() -> None:
            losses.store(epoch.get(), loss.get())

        when(batch.get(), add_others)
        batch.set(batch.get() + 1)
        either(equal(batch.get(), batches), end_epoch, go_on)


def look_and_leave(call: BatchCall, kind: Kind, epoch: Int) -> None:
    """Is the epoch solved? Leave the loop, if that ends training."""
    if kind.wanted.watch:
        look(call.position, epoch)
    if kind.wanted.watch == STOP:
        leave_when(equal(call.position[SOLVED], epoch))


def read(call: BatchCall, places: list[Place], kind: Kind, memories: Memories, start: Int) -> None:
    """The samples from ``start`` on."""
    I, O, lanes = places[0].inputs, places[-1].units, kind.lanes
    N = call.y.size // (O + kind.wanted.weighted)
    for i in loop(0, I):
        memories.a.store(i * lanes, call.X.load(i * N + start, lanes))
    for o in loop(0, O):
        memories.y.store(o * lanes, call.y.load(o * N + start, lanes))
    if kind.wanted.weighted:
        weights = call.y.load(O * N + start, lanes)
        memories.y.store(places[-1].units_padded * lanes, weights)


def gather(
    call: BatchCall, places: list[Place], kind: Kind, memories: Memories, start: Int
) -> None:
    """Those in the order from ``start`` on."""
    I, O, lanes = places[0].inputs, places[-1].units, kind.lanes
    for j in loop(0, lanes):
        sample = call.order[least(start + j, call.n - 1)]
        for i in loop(0, I):
            memories.a.set(i * lanes + j, call.X[sample * I + i])
        first = sample * (O + kind.wanted.weighted)
        for o in loop(0, O):
            memories.y.set(o * lanes + j, call.y[first + o])
        if kind.wanted.weighted:
            memories.y.set(places[-1].units_padded * lanes + j, call.y[first + O])


def train_batch(
    call: BatchCall, places: list[Place], kind: Kind, memories: Memories, count: Int, epoch: Int
) -> Value:
    """One batch; the sum of the terms of its loss."""
    kept = keep_first(Value.full(1, memories.w.dtype, kind.lanes), count)
    for place in places:
        forward(place, kind, memories, kept, place is places[-1])
    loss = outputs(places[-1], kind, memories, kept, call.tolerance, call.position)
    decays = call.carried.at(2 * kind.masters)
    rates, _ = corrected(kind.wanted.rule, call.rates_of(epoch), decays)
    updates = Updates(kind, memories, rates, share_of(count, memories.w.dtype))
    for place in places[:0:-1]:
        backward(place, updates)
    for place in places:
        if place.biases >= 0:
            update_biases(place, updates)
    for place in places:
        if place is places[0] or (place.units > 1 and not kind.copied):
            update_ahead(place, updates)
    return loss


def turn_all(places: list[Place], lanes: int, w: Memory) -> None:
    """Fill the second tables of weights, of those in the first."""
    for place in places[:0:-1]:
        if place.ahead != place.back:
            turn(place, lanes, w)
