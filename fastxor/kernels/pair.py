"""The kernel for two threads that share small batches, of up to `BLOCK` samples.

One takes the samples 0, 2, 4 and so on of a batch, the other 1, 3, 5. So each has four of the eight
lanes of all sums over samples, and adds them up as eight are: the sum of both is the contract's.
That is all that the threads exchange: each has parameters of its own and makes all updates. They
take 0.5 to 0.95 of the time of one, the less the more there is to do. If they shared tiles, and
then units, it would be 0.8 to 1.1, as they would wait for each other's activations to come from
cache to cache.
"""

from functools import cache
from typing import Any

from fastxor.kernels.atomics import acquire, fetch_add, release, yield_thread
from fastxor.kernels.calls import BATCH, BatchCall, of_batches
from fastxor.kernels.compiling import (
    CLAIMED,
    DONE,
    FINISHED,
    PAIR,
    QUIT,
    UPDATED,
    Code,
    Kernel,
    Layers,
    Wanted,
    carried_by,
)
from fastxor.kernels.control import as_long_as, choose, least, leave_when, loop, when
from fastxor.kernels.memory import Memory
from fastxor.kernels.order import shuffle
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import LANES
from fastxor.kernels.tiled_plan import Shape, kernel_of, plan, shape_for, work_of
from fastxor.kernels.tiled_steps import Network, TileMemory, exchange, network_of, train_half
from fastxor.kernels.traced import Flag, Int, Variable, equal, truth
from fastxor.kernels.validation import validate

OWN = LANES // 2  # lanes of one thread
LOOKS = 1000  # at a counter before another thread may have the core: a microsecond


@cache
def pair_batch(dtype: Any, layers: Layers, batch_size: int, wanted: Wanted) -> Kernel:
    """Each thread is as one that trains on half of a batch."""
    shape = shape_for(dtype, layers, (batch_size + 1) // 2, OWN)
    arranged = plan(dtype, shape, layers, PAIR, wanted)
    numbers = arranged.numbers
    a_at = numbers.size + carried_by(wanted.rule, numbers.size)
    g_at = a_at + numbers.activations
    x_at = g_at + numbers.lanes
    own = work_of(numbers, shape.tile)

    def kernel(call: BatchCall) -> None:
        work = call.work
        memory = TileMemory(work.at(a_at), work.at(g_at), work.at(x_at), work.at(x_at + own[0]))
        train(call, network_of(arranged), shape, memory, (work, work.at(numbers.size)))

    key = ("pair", layers, *shape[1:], REGISTER_BYTES, wanted)
    return kernel_of(arranged, Code(of_batches(kernel), BATCH, dtype, *key), x_at + sum(own))


def train(
    call: BatchCall, network: Network, shape: Shape, memory: TileMemory,
    copies: tuple[Memory, Memory],
) -> None:  # fmt: skip
    """What each thread does; ``copies``: where the second has parameters and what is carried."""
    numbers, position, n, batch_size = network.numbers, call.position, call.n, call.batch_size
    totals, sums, N = call.totals, numbers.sums, call.y.size // numbers.targets // 2
    done = position[DONE]
    me, met = fetch_add(position, CLAIMED) - done, Variable(done)
    is_first = equal(me, 0)

    def copy() -> None:
        for own, shared in zip(copies, (call.parameters, call.carried), strict=True):
            for j in loop(0, shared.size):
                own.store(j, shared.load(j, 1))

    when(~is_first, copy)
    apart = choose(truth(call.order.size), 0, me * N)
    call = call._replace(
        X=call.X.at(apart * numbers.inputs), y=call.y.at(apart * numbers.targets, call.y.size),
        parameters=choose(is_first, call.parameters, copies[0]),
        carried=choose(is_first, call.carried, copies[1]),
    )  # fmt: skip
    batches = (n + batch_size - 1) // batch_size
    for step in loop(done, done + call.chunks):
        leave_when(~come(position, UPDATED, step))  # noted down, and shuffled
        number = step % batches
        first = number * batch_size
        last = least(first + batch_size, n)
        # the other may be one batch ahead of who reads them, so there are sums for two
        both = call._replace(totals=totals.at(step % 2 * 2 * sums))
        mine = call._replace(totals=both.totals.at(me * sums))
        # own samples: those of a batch, and those before it
        own, before = (last - first + 1 - me) // 2, number * ((batch_size + 1 - me) // 2)
        train_half(mine, network, shape, memory, first + me, before, own)

        met.set(met.get() + 2)
        fetch_add(position, FINISHED)
        leave_when(~come(position, FINISHED, met.get()))
        exchange(both, network, shape, is_first, step // batches, first, last)

        def go_on() -> None:
            ends = equal(last, n) & truth(numbers.validated)
            when(ends, validate, call, network, shape, memory, step // batches)
            goes_on = equal(last, n) & truth(call.order.size) & (step + 1 < done + call.chunks)
            when(goes_on, shuffle, call.order, call.generator)
            release(position, UPDATED, step + 1)

        when(is_first, go_on)


def come(position: Memory, counter: int, value: Int) -> Flag:
    """Has a counter this value? Waits for it; but not when the engine is left, so it never may."""
    looks = Variable(0)

    def look_less() -> None:
        leave_when(truth(acquire(position, QUIT)))
        yield_thread()

    for _ in as_long_as(lambda: acquire(position, counter) < value):
        looks.set(looks.get() + 1)
        when(looks.get() > LOOKS, look_less)
    return acquire(position, counter) >= value
