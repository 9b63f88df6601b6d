"""A network of `Runs` that is trained alone: what it starts from, and what comes of it."""

import numpy as np

from fastxor.common.generators import state_of as state_of_generator
from fastxor.networks.stack import Networks
from fastxor.runs.problem import Best, Problem, state_of
from fastxor.runs.run import Run
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data


def problem_of(data: Data, runs: Runs, networks: Networks, k: int, threads: int) -> Problem:
    """To train network k of ``runs`` (k,), which are ``networks`` now, for the epochs left.

    ``data``: that of these networks.
    """
    before = int(runs.epochs_done[k])
    settings = runs.settings_of(k).after(before)
    start = state_of(networks.one(k), networks.dtype, settings)
    if runs.best_epoch is not None:
        best = runs.best_epoch[k], runs.best_loss[k], runs.best_parameters[k]
        start = start._replace(best=Best(*best))
    X, y, validation, _ = data.of(k)
    batch_size = min(settings.batch_size or len(X), len(X))
    return Problem(
        X, y, networks.architecture, start, batch_size, threads, settings, validation, before
    )


def enter(runs: Runs, k: int, run: Run, diverged_at: int = -1) -> None:
    """Take over a run that went on from the state of network k of ``runs`` (k,)."""
    network, before = run.network, int(runs.epochs_done[k])
    for array, values in zip(runs.networks.arrays, network.arrays, strict=True):
        array[k] = values
    if runs.networks.velocity is not None:
        # zeros where its momentum is zero, but that of others is not
        velocity = network.velocity or [np.zeros_like(array) for array in network.arrays]
        for array, values in zip(runs.networks.velocity, velocity, strict=True):
            array[k] = values
    if runs.networks.adam is not None:
        runs.networks.adam[k] = network.adam
    if runs.networks.generators is not None:
        runs.networks.generators[k] = state_of_generator(network.generator)
    if runs.snapshot_parameters is not None:
        for number, epoch in enumerate(runs.settings.snapshots or ()):
            if epoch - before in run.snapshots:
                runs.snapshot_parameters[k, number] = run.snapshots[epoch - before].numbers
    if runs.best_epoch is not None and run.best_epoch is not None:
        _enter_validation(runs, k, run, before)
    stopped = False
    if runs.solved_at is not None and run.solved_at is not None and run.solved_at >= 0:
        stopped = runs.settings.stop_when_solved
        if runs.solved_at[k] < 0:
            runs.solved_at[k] = before + run.solved_at
    runs.epochs_done[k] = before + len(run.losses) - stopped
    runs.diverged_at[k] = diverged_at
    if len(run.losses):
        runs.final_loss[k] = run.losses[-1]
    every = runs.settings.record_every
    if runs.losses is not None and every:
        first = -(-before // every)
        recorded = run.losses[first * every - before :: every]
        runs.losses[k, first:] = np.nan
        runs.losses[k, first : first + len(recorded)] = recorded


def _enter_validation(runs: Runs, k: int, run: Run, before: int) -> None:
    losses, first = run.validation_losses, runs.settings.validations(before)
    assert losses is not None
    assert runs.validation_losses is not None
    runs.validation_losses[k, first:] = np.nan
    runs.validation_losses[k, first : first + len(losses)] = losses
    best_epoch = run.best_epoch or 0
    if run.best and best_epoch > before:
        runs.best_epoch[k], runs.best_parameters[k] = best_epoch, run.best.numbers
        runs.best_loss[k] = losses[runs.settings.validations(best_epoch) - first - 1]
