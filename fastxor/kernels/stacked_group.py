"""What the steps of the kernel for many networks share: a network, and a group of them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from fastxor.kernels.calls import StackCall
from fastxor.kernels.control import choose, either, least, loop
from fastxor.kernels.instructions import where_less
from fastxor.kernels.masks import choose_lanes
from fastxor.kernels.memory import Memory
from fastxor.kernels.stacked_plan import Numbers, Place
from fastxor.kernels.traced import Flag, Int, Value, Variable
from fastxor.kernels.updates import RATES, Rates, rates_in


class Network(NamedTuple):
    numbers: Numbers
    first: Place
    last: Place
    ahead: Iterable[Place]  # hidden layers
    second: Iterable[Place]  # the second layer, if there is one
    deeper: Iterable[Place]  # those after it, from the last on


def network_of(places: list[Place], numbers: Numbers) -> Network:
    """One whose numbers are known."""
    return Network(numbers, places[0], places[-1], places[:-1], places[1:2], places[2:][::-1])


class GroupMemory(NamedTuple):
    """What a group of networks is trained in, see `stacked_plan.sizes_of`."""

    w: Memory
    v: Memory  # what goes on with them
    a: Memory  # activations
    d: Memory  # their deltas
    e: Memory  # errors or terms of log losses, for losses that may be wanted
    kept: Memory  # weights before an epoch
    kept_v: Memory
    terms: Memory  # of samples that are held out


class Table(NamedTuple):
    """Samples: the same for all networks of a group, or each has its own, of the same shape.

    Those of their own lie by column, each number of a sample `width` networks wide. Each batch has
    as many rows, of which those that are too many are copies, with a weight of 0.
    """

    X: Memory
    y: Memory
    n: Int  # of the network that has most
    batch_size: Int
    batches: Int
    rows: Int  # of a batch, with padding
    own: bool  # has each its own?


TABLE = 5  # numbers of a row of `StackCall.tables`


def own_table(tables: Memory, group: Int, X: Memory, y: Memory, whole: bool | Flag) -> Table:
    """That of a group of networks which have samples of their own, a ``whole`` batch or several."""
    X_at, y_at, n, batch_size, rows = (tables[group * TABLE + k] for k in range(TABLE))
    batches = choose(whole, 1, (n + batch_size - 1) // batch_size)
    return Table(X.at(X_at), y.at(y_at), n, batch_size, batches, rows, True)


class Losses(NamedTuple):
    """What there is of each network beside its rates, in rows after these."""

    left: Memory  # of the last epoch, or that at which training left it
    best: Memory  # the least of samples that are held out
    terms: Memory  # what the terms of a loss are divided by
    held_out_terms: Memory
    n: Memory  # samples of its own
    layers: Memory  # rows of the learning rates of layers, where these have their own


ROWS = RATES + len(Losses._fields) - 1  # and those of layers


def row_of(call: StackCall, numbers: Numbers) -> Int:
    """Numbers of a row of rates or losses."""
    size: Int = call.rates.size // (ROWS + numbers.layered * numbers.depth)
    return size


def rates_and_losses(
    call: StackCall, numbers: Numbers, first: Int, width: int
) -> tuple[Rates, Losses]:
    """Those of the group that begins with network ``first``."""
    row = row_of(call, numbers)
    losses = Losses(*(call.rates.at(row * k + first) for k in range(RATES, ROWS + 1)))
    return rates_in(call.rates.at(first), row, width), losses


class Group(NamedTuple):
    """Networks side by side."""

    network: Network
    dtype: Any
    samples: int
    width: int
    memory: GroupMemory
    table: Table
    held_out: Table
    first: Int  # of the networks
    parameters: Memory  # before the call, and after it
    carried: Memory
    rates: Rates
    losses: Losses
    best: Memory  # the parameters that have it
    unsolved: Variable  # a bit each
    going: Variable  # likewise, those that training has not left

    def rates_of(self, call: StackCall, epoch: Int) -> Rates:
        """Those of an epoch."""
        return self.rates._replace(learning_rate=self.of(epoch, call, self.rates.learning_rate))

    def of(self, epoch: Int, call: StackCall, rate: Value) -> Value:
        """A learning rate; without a schedule XOR would take 1.04 times as long for a factor."""

        def times_factor() -> Value:
            return rate * call.factors.load(least(epoch, call.factors.size - 1), 1)

        return either(self.network.numbers.scheduled, times_factor, lambda: rate)

    def layer_rate(self, call: StackCall, epoch: Int, place: Place) -> Value:
        """That of a layer."""
        row = row_of(call, self.network.numbers)
        return self.of(epoch, call, self.losses.layers.load(place.number * row, self.width))

    def loss(self, error: Value) -> Value:
        """That of each network, for a sum of terms."""
        return error / self.losses.terms.load(0, self.width)

    def counts(self, number: Int) -> Value:
        """How many samples of a batch networks with samples of their own have; 0 or less: none."""
        size: Any = self.table.batch_size
        start, most = number * size, size.as_value(self.dtype)
        left = self.losses.n.load(0, self.width) - start.as_value(self.dtype)
        return where_less(left, most, left, most)

    def leave(self, networks: Int, w: Memory, v: Memory) -> None:
        """Write the state of these networks, a bit each, to their columns in memory."""
        numbers, width = self.network.numbers, self.width

        def leave_each(state: Memory, columns: Memory, rows: Int) -> None:
            for j in loop(0, rows):
                old, new = columns.load(j * width, width), state.load(j * width, width)
                columns.store(j * width, choose_lanes(networks, new, old))

        leave_each(w, self.parameters, numbers.size)
        leave_each(v, self.carried, numbers.carried)
