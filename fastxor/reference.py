"""The reference: training in plain NumPy, in exactly the order of the contract."""

import copy
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.common.progress import progress_bar
from fastxor.contract.losses import loss_terms, total
from fastxor.contract.passes import backward_propagation, forward_propagation
from fastxor.contract.sums import lane_sum
from fastxor.contract.updates import adam_step, momentum_step
from fastxor.networks.carried import KINDS
from fastxor.networks.network import Network
from fastxor.runs.problem import Best, Problem, State, prepare, run_of
from fastxor.runs.run import Diverged, Interrupted, Records, Run
from fastxor.runs.samples import terms_of


@ieee_arithmetic()
def train(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    validation: Any = None,
    validate_every: int = 1,
    patience: int | None = None,
    hidden_size: int | tuple[int, ...] | None = None,
    activation: str | tuple[str, ...] | None = None,
    output: str | None = None,
    loss: str = "mse",
    bias: bool | None = None,
    scales: Any = None,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    nesterov: bool = False,
    beta1: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    l2: float = 0.0,
    layer_rates: tuple[float, ...] | None = None,
    reduction: str = "sum",
    schedule: Any = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    threads: int | None = None,
    seed: int = 42,
    init: str = "randn",
    init_range: float | None = None,
    initial: Any = None,
    dtype: Any = None,
    tolerance: float | None = None,
    stop_when_solved: bool = False,
    stop_when_diverged: bool = True,
    snapshots: Any = None,
    record_penalty: bool = False,
    progress: bool = False,
) -> Run:
    """Train by gradient descent: arguments, result and errors as `fastxor.train`.

    ``threads`` is only checked.
    """
    progress = checks.boolean("progress", progress)
    problem = prepare(X, y, sample_weight, validation, initial, threads, {
        "hidden_size": hidden_size, "activation": activation, "output": output, "loss": loss,
        "bias": bias, "scales": scales, "epochs": epochs, "learning_rate": learning_rate,
        "momentum": momentum, "optimizer": optimizer, "nesterov": nesterov, "beta1": beta1,
        "beta2": beta2, "epsilon": epsilon, "l2": l2, "layer_rates": layer_rates,
        "reduction": reduction, "schedule": schedule, "batch_size": batch_size, "shuffle": shuffle,
        "seed": seed, "init": init, "init_range": init_range, "dtype": dtype,
        "tolerance": tolerance, "stop_when_solved": stop_when_solved,
        "stop_when_diverged": stop_when_diverged, "snapshots": snapshots,
        "record_penalty": record_penalty, "validate_every": validate_every, "patience": patience,
    })  # fmt: skip
    settings, start, architecture = problem.settings, problem.start, problem.architecture
    T, output, loss = start.parameters.dtype.type, settings.output, settings.loss
    X, y, weights = problem.X.astype(T), problem.y.astype(T), None
    if problem.weighted:
        y, weights = y[:, :-1], y[:, -1:]
    count = terms_of(problem.y, architecture, T)
    records = Records.of(settings)
    tolerance = None if settings.tolerance is None else T(settings.tolerance)
    l2 = T(settings.l2)
    rates: Any = T(settings.learning_rate)
    if settings.layer_rates is not None:  # (parameters,)
        rates = (rates * np.array(settings.layer_rates, T))[architecture.layer_of]
    betas = np.array([settings.beta1, settings.beta2], T)  # NaN without Adam
    # changes at once, also on Ctrl-C
    state: Any = 0, start, -1
    kept: dict[int, Network] = {}

    def run_so_far() -> Run:
        epoch, numbers, solved_at = state
        carried = {kind: getattr(numbers, kind) for kind in KINDS}
        carried = {kind: array + T(0) for kind, array in carried.items() if array is not None}
        reached = {at: one for at, one in kept.items() if at <= epoch}
        return run_of(problem, records, epoch, numbers._replace(**carried), solved_at, reached)

    try:
        with progress_bar(settings.epochs, progress) as report:
            for epoch in range(settings.epochs + 1):
                if epoch in (settings.snapshots or ()):
                    arrays = architecture.cut(state[1].parameters.copy())
                    kept[epoch] = Network.of(arrays, architecture)
                if epoch == settings.epochs:
                    break
                (parameters, velocity, adam, generator, best), solved_at = state[1:]
                order = np.arange(len(X))
                if generator:
                    generator = copy.deepcopy(generator)
                    order = generator.permutation(len(X))
                rate = rates
                if settings.schedule:
                    rate = rate * T(settings.schedule[epoch])
                error, penalty, solved = T(0), T(0), tolerance is not None
                for first in range(0, len(X), problem.batch_size):
                    batch = order[first : first + problem.batch_size]
                    arrays = architecture.cut(parameters)
                    layers = architecture.layers_of(arrays)
                    activations, Z = forward_propagation(X[batch], layers)
                    A = activations[-1]
                    terms = loss_terms(y[batch], A, Z, output, loss)
                    own = None if weights is None else weights[batch]
                    error = error + total(terms if own is None else terms * own)
                    if solved:
                        near = abs(A - y[batch]) < tolerance
                        solved = bool((near if own is None else near | (own == 0)).all())
                    gradients = backward_propagation(
                        X[batch], y[batch], activations, layers, loss, own
                    )
                    gradient = architecture.joined(gradients)
                    if l2:
                        pull = np.where(architecture.are_weights, l2 * parameters, T(0))
                        gradient = gradient + pull
                        penalty = penalty + lane_sum(pull * parameters)
                    if settings.reduction == "mean":
                        gradient = gradient * (T(1) / T(len(batch)))
                    step = rate * gradient
                    if velocity is not None:
                        velocity, step = momentum_step(
                            velocity, gradient, rate, T(settings.momentum), settings.nesterov
                        )
                    elif adam is not None:
                        adam, step = adam_step(adam, gradient, rate, betas, T(settings.epsilon))
                    parameters = parameters - step
                mean = error / count
                if solved and solved_at == -1:
                    solved_at = epoch
                    if settings.stop_when_solved and np.isfinite(mean):
                        records.losses[epoch] = mean
                        state = *state[:2], solved_at
                        break
                numbers = State(parameters, velocity, adam, generator, best)
                is_finite = np.isfinite(mean) and numbers.finite
                if settings.stop_when_diverged and not is_finite:
                    raise Diverged(epoch, run_so_far())
                records.losses[epoch] = mean
                records.penalties[epoch : epoch + 1] = penalty
                is_due = best is not None and (epoch + 1) % settings.validate_every == 0
                if is_due:
                    held_out_loss = _validation_loss(problem, parameters)
                    records.validation_losses[settings.validations(epoch)] = held_out_loss
                    if held_out_loss < best.loss:
                        best = Best(epoch + 1, held_out_loss, parameters)
                state = epoch + 1, numbers._replace(best=best), solved_at
                report(epoch + 1)
                if is_due and 0 < settings.waits <= epoch + 1 - best.epoch:
                    break
        return run_so_far()
    except KeyboardInterrupt:
        raise Interrupted(run_so_far()) from None


def _validation_loss(problem: Problem, parameters: Array) -> Any:
    """That of the samples that are held out, as one batch."""
    architecture, settings = problem.architecture, problem.settings
    T, held_out = parameters.dtype.type, problem.validation
    assert held_out
    X, y = held_out.X.astype(T), held_out.y[:, : architecture.sizes[-1]].astype(T)
    arrays = architecture.cut(parameters)
    layers = architecture.layers_of(arrays)
    activations, Z = forward_propagation(X, layers)
    terms = loss_terms(y, activations[-1], Z, settings.output, settings.loss)
    return total(terms) / terms_of(held_out.y, architecture, T)
