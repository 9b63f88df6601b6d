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
from fastxor.kernels.compiling import (
    BATCH,
    CLAIMED,
    DONE,
    FINISHED,
    PAIR,
    QUIT,
    UPDATED,
    Code,
    Kernel,
    Layers,
    inlined,
)
from fastxor.kernels.memory import load, pointer, store
from fastxor.kernels.order import shuffle
from fastxor.kernels.registers import REGISTER_BYTES
from fastxor.kernels.sums import LANES
from fastxor.kernels.tiled_plan import kernel_of, plan, shape_for
from fastxor.kernels.tiled_steps import exchange, half, known

OWN = LANES // 2  # lanes of one thread
LOOKS = 1000  # at a counter before another thread may have the core: a microsecond


@inlined
def come(position, counter, value):
    """Has a counter this value? Waits for it; but not when the engine is left, so it never may."""
    looks = 0
    while acquire(position, counter) < value:
        looks += 1
        if looks > LOOKS:
            if acquire(position, QUIT):
                return False
            yield_thread()
    return True


@cache
def pair_batch(dtype: Any, layers: Layers, log_loss: bool, batch_size: int, watch: int) -> Kernel:
    """Each thread is as one that trains on half of a batch."""
    shape = shape_for(dtype, layers, (batch_size + 1) // 2, OWN)
    arranged = plan(dtype, shape, layers, log_loss, PAIR, watch)
    numbers = arranged.numbers
    train_half, exchange_sums = known(half, arranged), known(exchange, arranged)
    I, O, size, sums = numbers.inputs, numbers.outputs, numbers.size, numbers.sums
    a_at, g_at = 2 * size, 2 * size + numbers.activations
    x_at = g_at + numbers.lanes

    def kernel(
        _, X, y, order, generator, n, batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        w, v = pointer(parameters, 0), pointer(velocity, 0)
        a, g = pointer(work, a_at), pointer(work, g_at)
        samples, errors, state = pointer(order, 0), pointer(losses, 0), pointer(position, 0)
        x_copy, N = pointer(work, x_at), y.size // O // 2
        done = position[DONE]
        me, met = fetch_add(position, CLAIMED) - done, done
        if me:
            w, v = pointer(work, 0), pointer(work, size)
            for j in range(0, size, LANES):
                store(w, j, load(parameters, j, LANES))
                store(v, j, load(velocity, j, LANES))
        apart = 0 if order.size else N
        X_own, y_own = pointer(X, me * I * apart), pointer(y, me * O * apart)
        batches = (n + batch_size - 1) // batch_size
        for step in range(done, done + chunks):
            if not come(position, UPDATED, step):  # noted down, and shuffled
                break
            number = step % batches
            first = number * batch_size
            last = min(first + batch_size, n)
            # own samples: those of a batch, and those before it
            sums_both = pointer(totals, step % 2 * 2 * sums)
            mine = pointer(sums_both, me * sums)
            own, before = (last - first + 1 - me) // 2, number * ((batch_size + 1 - me) // 2)
            train_half((), (
                X_own, y_own, N, samples, order.size > 0, first + me, before, own, w, a, g, mine,
                x_copy, tolerance, state,
            ))  # fmt: skip

            met += 2
            fetch_add(position, FINISHED)
            if not come(position, FINISHED, met):
                break
            # the other may be one batch ahead of who reads this, so there are sums for two
            exchange_sums((), (
                sums_both, me == 0, w, v, learning_rate, momentum, errors, state,
                step // batches, first, last, n,
            ))  # fmt: skip
            if me == 0:
                if last == n and order.size and step + 1 < done + chunks:
                    shuffle(order, generator)
                release(position, UPDATED, step + 1)

    key = ("pair", layers, log_loss, *shape[1:], REGISTER_BYTES, watch)
    work = x_at + (I + O) * shape.tile
    return kernel_of(arranged, Code(kernel, BATCH, dtype, *key), work)
