"""What the steps of the kernel for many networks share: a network, and a group of them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from fastxor.kernels.calls import StackCall
from fastxor.kernels.control import either, least, loop
from fastxor.kernels.masks import choose_lanes
from fastxor.kernels.memory import Memory
from fastxor.kernels.stacked_plan import Numbers, Place
from fastxor.kernels.traced import Int, Value, Variable
from fastxor.kernels.updates import Rates


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


class Group(NamedTuple):
    """Networks side by side."""

    network: Network
    dtype: Any
    samples: int
    width: int
    memory: GroupMemory
    first: Int  # of the networks
    parameters: Memory  # before the call, and after it
    carried: Memory
    rates: Rates
    left_loss: Memory
    best_loss: Memory
    best: Memory  # the parameters that have it
    unsolved: Variable  # a bit each
    going: Variable  # likewise, those that training has not left

    def rates_of(self, call: StackCall, epoch: Int) -> Rates:
        """Those of an epoch; without a schedule XOR would take 1.04 times as long for a factor."""
        rate = self.rates.learning_rate

        def times_factor() -> Value:
            return rate * call.factors.load(least(epoch, call.factors.size - 1), 1)

        own = either(self.network.numbers.scheduled, times_factor, lambda: rate)
        return self.rates._replace(learning_rate=own)

    def leave(self, networks: Int, w: Memory, v: Memory) -> None:
        """Write the state of these networks, a bit each, to their columns in memory."""
        numbers, width = self.network.numbers, self.width

        def leave_each(state: Memory, columns: Memory, rows: Int) -> None:
            for j in loop(0, rows):
                old, new = columns.load(j * width, width), state.load(j * width, width)
                columns.store(j * width, choose_lanes(networks, new, old))

        leave_each(w, self.parameters, numbers.size)
        leave_each(v, self.carried, numbers.carried)
