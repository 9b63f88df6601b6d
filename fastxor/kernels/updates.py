"""The updates of the contract, for all kernels: traced functions."""

from typing import Any, NamedTuple

from fastxor.kernels.compiling import ADAM, MOMENTUM, NESTEROV
from fastxor.kernels.control import by_code, either
from fastxor.kernels.instructions import square_root
from fastxor.kernels.memory import Memory
from fastxor.kernels.traced import Int, Value, equal

RATES = 5  # numbers of `Rates` in memory


class Rates(NamedTuple):
    """What an update goes by: a lane for all parameters, or one for each network of a group."""

    learning_rate: Value  # of the epoch
    momentum: Value  # or beta1
    beta2: Value
    epsilon: Value
    l2: Value


def rates_in(memory: Memory, row: Int, n: int) -> Rates:
    """Those in rows of memory, ``n`` of each."""
    return Rates(*(memory.load(row * k, n) for k in range(RATES)))


def corrected(rule: Int, rates: Rates, decays: Memory) -> tuple[Rates, Value]:
    """Those of an update, and what Adam multiplies a learning rate with, or 1; the decays of Adam,
    two rows, become the next ones."""
    rate, n = rates.learning_rate, rates.learning_rate.n
    one = Value.full(1, decays.dtype, n)

    def of_adam() -> Value:
        first = decays.load(0, n) * rates.momentum
        second = decays.load(n, n) * rates.beta2
        decays.store(0, first)
        decays.store(n, second)
        return square_root(1 - second) / (1 - first)

    is_adam = equal(rule, ADAM)
    factor = either(is_adam, of_adam, lambda: one)
    own = either(is_adam, lambda: rate * factor, lambda: rate)
    return rates._replace(learning_rate=own), factor


def share_of(count: Int, dtype: Any) -> Value:
    """What each of so many samples is multiplied with in a mean."""
    number = Value.full(count, dtype, 1) if isinstance(count, int) else count.as_value(dtype)
    return 1 / number


def averaged(mean: Int, gradient: Value, share: Value) -> Value:
    """A gradient as it is wanted, a sum or a mean."""
    return either(mean, lambda: gradient * share, lambda: gradient)


def step(
    rule: Int, gradient: Value, carried: Memory, at: Int, distance: Int, rates: Rates
) -> Value:
    """What is to be subtracted from some parameters, by a ``rule`` of `compiling`.

    What their optimizer carries lies at ``at``, a second number of each at a ``distance``.
    """
    change, n = gradient * rates.learning_rate, gradient.n

    def with_momentum() -> Value:
        velocity = carried.load(at, n) * rates.momentum + change
        carried.store(at, velocity)
        return velocity

    def adam() -> Value:
        beta1, beta2 = rates.momentum, rates.beta2
        mean = carried.load(at, n) * beta1 + gradient * (1 - beta1)
        square = carried.load(at + distance, n) * beta2 + (gradient * gradient) * (1 - beta2)
        carried.store(at, mean)
        carried.store(at + distance, square)
        return (mean * rates.learning_rate) / (square_root(square) + rates.epsilon)

    rules = {
        MOMENTUM: with_momentum,
        NESTEROV: lambda: with_momentum() * rates.momentum + change,
        ADAM: adam,
    }
    return by_code(rule, rules, change)
