"""What kernels for one network do about samples that are held out, between two epochs: traced
functions.

The forward pass and the loss are those of training; what would be deltas is not used.
"""

from typing import Any

from fastxor.kernels.batches import samples_of
from fastxor.kernels.calls import BatchCall
from fastxor.kernels.compiling import BEFORE, BEST, EVERY, HELD_OUT, OFF, PATIENCE, RAN_OUT
from fastxor.kernels.control import either, least, loop, when
from fastxor.kernels.instructions import is_less
from fastxor.kernels.memory import Memory
from fastxor.kernels.sums import BLOCK, LANES, fold_rows
from fastxor.kernels.tiled_layers import forward, outputs
from fastxor.kernels.tiled_plan import Shape
from fastxor.kernels.tiled_steps import Network, TileMemory
from fastxor.kernels.traced import Int, Value, Variable, equal, truth

NO_ORDER: Any = 0  # its size
LOSS, PARAMETERS = 0, 1  # where in ``best`` they are


def validate(
    call: BatchCall, network: Network, shape: Shape, memory: TileMemory, epoch: Int
) -> None:
    """After the last batch of an epoch: note down a validation loss, if one is due, and keep the
    parameters if it is the least; or note that patience has run out."""
    position = call.position
    done = epoch + 1 + position[BEFORE]

    def look() -> None:
        every = position[EVERY]
        loss = loss_of_held_out(call, network, shape, memory)
        call.validation_losses.store(done // every - 1 - position[BEFORE] // every, loss)
        when(is_less(loss, call.best.load(LOSS, 1)), keep, loss)
        waited = done - position[BEST] >= position[PATIENCE]
        when(truth(position[PATIENCE]) & waited, position.set, RAN_OUT, done)

    def keep(loss: Value) -> None:
        call.best.store(LOSS, loss)
        for j in loop(0, network.numbers.size, LANES):
            call.best.store(PARAMETERS + j, call.parameters.load(j, LANES))
        position.set(BEST, done)

    # threads that share batches go on a little after that
    is_due = equal(done % position[EVERY], 0) & equal(position[RAN_OUT], 0)
    when(is_due, look)


def loss_of_held_out(call: BatchCall, network: Network, shape: Shape, memory: TileMemory) -> Value:
    """The loss of all samples that are held out, as one batch."""
    numbers, totals = network.numbers._replace(watch=OFF), memory.totals
    shape = shape._replace(lanes=LANES)  # a thread has all of them
    m, I = call.position[HELD_OUT], numbers.inputs
    N = call.held_out.size // (I + numbers.targets)
    columns = numbers.sums - numbers.size  # with padding
    lanes = totals.at(columns)
    held_out = call._replace(
        X=call.held_out, y=call.held_out.at(I * N), order=Memory(call.order.llvm, NO_ORDER)
    )

    def end_block(s: Int) -> None:
        for j in loop(0, columns, LANES):
            total = fold_rows(lanes.load(j * LANES, LANES * LANES), LANES)
            total = either(s < BLOCK, lambda: total, lambda: totals.load(j, LANES) + total)
            totals.store(j, total)

    for s in loop(0, m, shape.tile):
        count = least(shape.tile, m - s)
        x, stride, y, y_stride = samples_of(
            held_out, numbers, shape, 1, s, s, N, count, memory.x_copy
        )
        for place in network.ahead:
            forward(place, shape, x, stride, call.parameters, memory.a, count)
        outputs(
            network.last, numbers, shape, x, stride, y, y_stride, call.parameters, memory.a, lanes,
            equal(s % BLOCK, 0), count, call.tolerance, call.position,
        )  # fmt: skip
        when(equal(s + count, m) | equal((s + count) % BLOCK, 0), end_block, s)
    error = Variable(Value.full(0, shape.dtype, 1))
    for column in loop(0, numbers.columns):
        error.set(error.get() + totals.load(column, 1))
    return error.get() / call.held_out_terms
