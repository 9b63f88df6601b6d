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
from fastxor.kernels.batches import note, samples_of, update
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
from fastxor.kernels.sums import LANES, jitted_fold_rows
from fastxor.kernels.tiled_plan import kernel_of, plan, shape_for
from fastxor.kernels.tiled_steps import for_places

OWN = LANES // 2  # lanes of one thread
EIGHT_ROWS = LANES * OWN
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
    numbers, places = arranged.numbers, arranged.places
    tile, single = shape.tile, shape.single
    samples, there_and_back = samples_of(shape.width, tile, 2), for_places(places, numbers, shape)
    I, O, size, sums = numbers.inputs, numbers.outputs, numbers.size, numbers.sums
    e_at = numbers.lanes - (sums - size) * OWN
    a_at, g_at = 2 * size, 2 * size + numbers.activations
    x_at = g_at + numbers.lanes

    def kernel(
        _, X, y, order, generator, n, batch_size, parameters, velocity, totals, work, losses,
        position, learning_rate, momentum, tolerance, chunks,
    ):  # fmt: skip
        w, v = pointer(parameters, 0), pointer(velocity, 0)
        a, g, e = pointer(work, a_at), pointer(work, g_at), pointer(work, g_at + e_at)
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
            for s in range(0, max(own, 1), tile):  # sums begin, though there be no sample
                count = min(tile, own - s)
                fresh = s == 0
                x, stride, targets, target_stride = samples(
                    order, first + me + 2 * s, X_own, y_own, before + s, N, I, O, count, x_copy
                )  # fmt: skip
                there_and_back((), (
                    x, stride, targets, target_stride, w, a, g, e, mine, fresh, count, tolerance,
                    position,
                ))  # fmt: skip
            for j in range(0, 0 if single else size, LANES):
                store(mine, j, jitted_fold_rows(load(g, j * OWN, EIGHT_ROWS), OWN))
            for j in range(0, sums - size, LANES):
                store(mine, size + j, jitted_fold_rows(load(e, j * OWN, EIGHT_ROWS), OWN))

            met += 2
            fetch_add(position, FINISHED)
            if not come(position, FINISHED, met):
                break
            # the other may be one batch ahead of who reads this, so there are sums for two
            for j in range(0, sums, LANES):
                total = load(sums_both, j, LANES) + load(sums_both, sums + j, LANES)
                if j < size:
                    update(w, v, j, total, learning_rate, momentum)
                elif me == 0:
                    store(sums_both, j, total)
            if me == 0:
                note(numbers, sums_both, losses, position, dtype, step // batches, first, last, n)
                if last == n and order.size and step + 1 < done + chunks:
                    shuffle(order, generator)
                release(position, UPDATED, step + 1)

    key = ("pair", layers, log_loss, *shape[1:], REGISTER_BYTES, watch)
    work = x_at + (I + O) * tile
    return kernel_of(arranged, Code(kernel, BATCH, dtype, *key), work)
