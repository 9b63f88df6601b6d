"""The reference: training in plain NumPy, in exactly the order of the contract."""

import copy
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.progress import progress_bar
from fastxor.contract.losses import loss_terms, total
from fastxor.contract.passes import backward_propagation, forward_propagation, layers_of
from fastxor.networks.network import Network
from fastxor.runs.problem import prepare
from fastxor.runs.run import Diverged, Interrupted, Run, losses_of


@ieee_arithmetic()
def train(
    X: Any,
    y: Any,
    *,
    hidden_size: int | tuple[int, ...] | None = None,
    activation: str | tuple[str, ...] | None = None,
    output: str | None = None,
    loss: str = "mse",
    bias: bool | None = None,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
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
    progress: bool = False,
) -> Run:
    """Train by gradient descent: arguments, result and errors as `fastxor.train`.

    ``threads`` is only checked.
    """
    progress = checks.boolean("progress", progress)
    problem = prepare(X, y, initial, threads, {
        "hidden_size": hidden_size, "activation": activation, "output": output, "loss": loss,
        "bias": bias, "epochs": epochs, "learning_rate": learning_rate, "momentum": momentum,
        "batch_size": batch_size, "shuffle": shuffle, "seed": seed, "init": init,
        "init_range": init_range, "dtype": dtype, "tolerance": tolerance,
        "stop_when_solved": stop_when_solved,
    })  # fmt: skip
    settings, start, architecture = problem.settings, problem.start, problem.architecture
    T, output, loss = start.parameters.dtype.type, settings.output, settings.loss
    X, y = problem.X.astype(T), problem.y.astype(T)
    rate, inertia = T(settings.learning_rate), T(settings.momentum)
    losses = losses_of(settings.epochs, T)
    tolerance = None if settings.tolerance is None else T(settings.tolerance)
    velocity: Any = None if start.velocity is None else architecture.cut(start.velocity)
    # changes at once, also on Ctrl-C
    state: Any = (
        0, architecture.cut(start.parameters), velocity, start.generator,
        None if tolerance is None else -1,
    )  # fmt: skip

    def run_so_far() -> Run:
        epoch, parameters, velocity, generator, solved_at = state
        handed_out = velocity and tuple(v + T(0) for v in velocity)
        network = Network.of(parameters, architecture, velocity=handed_out, generator=generator)
        stopped = settings.stop_when_solved and solved_at == epoch
        return Run(network, losses[: epoch + stopped], settings, solved_at)

    try:
        with progress_bar(settings.epochs, progress) as report:
            for epoch in range(settings.epochs):
                _, parameters, velocity, generator, solved_at = state
                order = np.arange(len(X))
                if generator:
                    generator = copy.deepcopy(generator)
                    order = generator.permutation(len(X))
                error, count, solved = T(0), 0, tolerance is not None
                for first in range(0, len(X), problem.batch_size):
                    batch = order[first : first + problem.batch_size]
                    layers = layers_of(parameters, architecture.biases, architecture.activations)
                    activations, Z = forward_propagation(X[batch], layers)
                    A = activations[-1]
                    terms = loss_terms(y[batch], A, Z, output, loss)
                    error, count = error + total(terms), count + terms.size
                    solved = solved and bool((abs(A - y[batch]) < tolerance).all())
                    gradients = backward_propagation(X[batch], y[batch], activations, layers, loss)
                    steps = tuple(rate * gradient for gradient in gradients)
                    if velocity:
                        steps = velocity = tuple(
                            inertia * v + step for v, step in zip(velocity, steps, strict=True)
                        )
                    parameters = tuple(w - step for w, step in zip(parameters, steps, strict=True))
                mean = error / T(count)
                if solved and solved_at == -1:
                    solved_at = epoch
                    if settings.stop_when_solved and np.isfinite(mean):
                        losses[epoch] = mean
                        state = *state[:4], solved_at
                        break
                if not all(np.isfinite(array).all() for array in (mean, *parameters)):
                    raise Diverged(epoch, run_so_far())
                losses[epoch] = mean
                state = epoch + 1, parameters, velocity, generator, solved_at
                report(epoch + 1)
        return run_so_far()
    except KeyboardInterrupt:
        raise Interrupted(run_so_far()) from None
