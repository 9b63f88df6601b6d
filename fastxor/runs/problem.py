"""`Problem`: what every engine starts from, checked."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.carried import VELOCITY, before_training
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_numbers
from fastxor.runs.check_settings import settings_of
from fastxor.runs.run import Records, Run
from fastxor.runs.samples import (
    Validation,
    check_data,
    check_targets,
    check_validation,
    with_weights,
)
from fastxor.runs.settings import Like, Settings


class Best(NamedTuple):
    """The network with the least validation loss so far."""

    epoch: int  # all epochs behind it; 0: there is none yet
    loss: Any  # infinite: there is none yet
    parameters: Array  # as those of `State`


class State(NamedTuple):
    """What training goes on from; not to be changed."""

    parameters: Array  # (size,): W1, b1, ..., WL, bL, one after another, see `Architecture.cut`
    # what the optimizer carries, one of these two or none, as its settings say; see
    # `networks.carried`
    velocity: Array | None = None
    adam: Array | None = None
    generator: np.random.Generator | None = None  # exactly when samples are shuffled
    best: Best | None = None  # exactly when samples are held out

    def network(self, architecture: Architecture) -> Network:
        """A network with these numbers, its own from now on."""
        velocity = None if self.velocity is None else architecture.cut(self.velocity)
        arrays = architecture.cut(self.parameters)
        return Network.of(arrays, architecture, velocity, self.adam, self.generator)

    @property
    def finite(self) -> bool:
        """Are all numbers? An infinite velocity is followed by such parameters; not so in Adam."""
        finite = checks.all_finite(self.parameters)
        return finite if self.adam is None else finite and checks.all_finite(self.adam)

    @property
    def carried(self) -> Array | None:
        return self.adam if self.velocity is None else self.velocity


class Problem(NamedTuple):
    """A checked task: every engine starts from one, and from nothing else."""

    X: Array  # (n, I), as the caller gave it: not to be changed, not yet in the dtype
    y: Array  # (n, O), likewise, or (n, O + 1) with the weights of samples
    architecture: Architecture
    start: State  # in the dtype, without -0.0
    batch_size: int  # at most n
    threads: int | None  # at most so many
    settings: Settings
    validation: Validation | None = None
    before: int = 0  # epochs behind the start

    @property
    def weighted(self) -> bool:
        """Have samples weights?"""
        return bool(self.y.shape[1] > self.architecture.sizes[-1])


def run_of(
    problem: Problem, records: Records, epoch: int, state: State, solved_at: int,
    snapshots: dict[int, Network],
) -> Run:  # fmt: skip
    """The run after so many epochs, in this state; ``solved_at``: -1 if it was not."""
    settings, architecture, before = problem.settings, problem.architecture, problem.before
    stopped = settings.stop_when_solved and solved_at == epoch
    found: dict[str, Any] = {}
    if settings.record_penalty:
        found["penalties"] = 0.5 * records.penalties[:epoch]
    if best := state.best:
        validations = settings.validations(before + epoch) - settings.validations(before)
        found["validation_losses"] = records.validation_losses[:validations]
        found["best_epoch"] = best.epoch
        if best.epoch:
            found["best"] = State(best.parameters).network(architecture)
    if settings.tolerance is not None:
        found["solved_at"] = solved_at
    losses, network = records.losses[: epoch + stopped], state.network(architecture)
    return Run(network, losses, settings, snapshots=snapshots, **found)


def prepare(
    X: Any, y: Any, sample_weight: Any, validation: Any, initial: Any, threads: int | None,
    given: dict[str, Any],
) -> Problem:  # fmt: skip
    """Check everything and fill in what was left out; see `fastxor.train` for the arguments.

    ``given``: those of `check_settings`.
    """
    start = _initial_network(initial, given)
    like = Like(start.architecture, start.dtype) if start else None
    settings = settings_of(like, given | {"validated": validation is not None})
    dtype = np.dtype(settings.dtype).type
    threads = checks.threads(threads)
    X, y = check_data(X, y, dtype)
    architecture = settings.architecture(X.shape[1], y.shape[1])
    check_targets(y, settings)
    if sample_weight is not None:
        y = with_weights(y, sample_weight, dtype)
    if start is None:
        state = _first_state(settings, architecture, dtype)
    else:
        check_architecture(start.architecture, architecture)
        state = state_of(start, dtype, settings)
    held_out = check_validation(validation, architecture, settings, sample_weight is not None)
    if held_out:
        state = state._replace(best=Best(0, dtype(np.inf), state.parameters))
    batch_size = min(settings.batch_size or len(X), len(X))
    return Problem(X, y, architecture, state, batch_size, threads, settings, held_out)


def check_architecture(start: Architecture, expected: Architecture) -> None:
    """Raise ValueError if ``initial`` is another one than what was asked for."""
    if start.sizes != expected.sizes:
        raise ValueError(
            f"initial must have the sizes {expected.sizes} (inputs, hidden units, outputs), got "
            f"{start.sizes}"
        )
    for name in ("activation", "output", "bias", "scales"):
        before, now = getattr(start, name), getattr(expected, name)
        if before != now:
            raise ValueError(f"initial must have the same {name}, {now!r}, got {before!r}")


def _initial_network(initial: Any, settings: dict[str, Any]) -> Network | None:
    if initial is None or isinstance(initial, Network):
        return initial
    if isinstance(initial, Run):
        return initial.network
    network: Network = of_arrays(Network, initial, settings, "a Network, a Run")
    return network


def of_arrays(kind: Any, initial: Any, settings: dict[str, Any], others: str) -> Any:
    """A ``kind`` of network of the arrays ``initial``; ``others`` it might have been too."""
    if not isinstance(initial, (tuple, list)) or len(initial) % 2 or not len(initial):
        expected = f"{others} or the arrays (W1, b1, W2, b2), as many as there are layers"
        raise TypeError(f"initial must be {expected}, got {type(initial).__name__}")
    names = "activation", "output", "scales"
    given = {name: settings[name] for name in names if settings.get(name) is not None}
    try:
        return kind(*initial, **given)
    except (ValueError, TypeError) as error:
        if str(error).startswith(names):
            raise
        raise type(error)(f"initial: {error}") from None


def starting_arrays(arrays: dict[str, Array], dtype: Any) -> tuple[Array, ...]:
    """Copies to train: + 0.0 turns -0.0 into 0.0, the only value that the contract excludes."""

    def converted(name: str, array: Array) -> Array:
        checks.finite(f"initial {name.replace('_', ' ')}", array, dtype)
        return np.asarray(array.astype(dtype) + dtype(0))

    return tuple([converted(name, array) for name, array in arrays.items()])


def state_of(network: Network, dtype: Any, settings: Settings) -> State:
    """A copy of a network to train, with what the settings need."""

    def joined(prefix: str, arrays: Any) -> Array:
        numbers = network.architecture.joined(arrays)
        if numbers.dtype.type is not dtype or not checks.all_finite(numbers):
            names = (prefix + name for name in network.architecture.names)
            named = starting_arrays(dict(zip(names, arrays, strict=True)), dtype)
            numbers = network.architecture.joined(named)
        return np.asarray(numbers + dtype(0))  # no -0.0

    parameters, generator = joined("", network.arrays), None
    carried: dict[str, Any] = {}
    if kind := settings.carries:
        before = network.carried(kind)
        if before is None:
            before = before_training(kind, (), len(parameters), dtype)
        elif kind == VELOCITY:
            before = joined("velocity_", network.velocity)
        else:
            (before,) = starting_arrays({kind: before}, dtype)
        carried[kind] = before
    if settings.shuffle:
        generator = network.generator or np.random.default_rng(settings.seed)
    return State(parameters, **carried, generator=generator)


def _first_state(settings: Settings, architecture: Architecture, dtype: Any) -> State:
    """That of a seed."""
    parameters = starting_numbers(
        settings.seed, architecture, dtype, settings.init, settings.init_range
    )
    carried: dict[str, Any] = {}
    if kind := settings.carries:
        carried[kind] = before_training(kind, (), len(parameters), dtype)
    generator = np.random.default_rng(settings.seed) if settings.shuffle else None
    return State(parameters, **carried, generator=generator)
