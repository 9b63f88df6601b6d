"""What notebooks show of runs."""

from math import prod
from typing import Any

import numpy as np

from fastxor.common.html import table

CURVES = 24  # of many runs, as many as can be told apart


def html_of_run(run: Any) -> str:
    """Of a `Run`."""
    settings, losses = run.settings, run.losses
    rows = run.network.facts
    if settings.record_every == 1:
        solved = run.solved_at is not None and run.solved_at >= 0
        done = len(losses) - (solved and settings.stop_when_solved)
        rows["epochs"] = f"{done:,}" + f" of {settings.epochs:,}" * (done < settings.epochs)
    else:
        rows["epochs"] = f"{settings.epochs:,} at most"
    if len(losses):
        rows[f"loss ({settings.loss})"] = f"{losses[0]:.5g}, in the end {losses[-1]:.5g}"
    if run.solved_at is not None:
        rows["solved"] = f"at epoch {run.solved_at:,}" if run.solved_at >= 0 else "never"
    if run.validation_losses is not None and len(run.validation_losses):
        rows["validation loss"] = f"in the end {run.validation_losses[-1]:.5g}"
        if run.best is not None:
            least = np.nanmin(run.validation_losses)
            rows["validation loss"] += f", least {least:.5g} after {run.best_epoch:,} epochs"
    if run.snapshots:
        rows["snapshots"] = ", ".join(f"{epoch:,}" for epoch in run.snapshots)
    rows["trained"] = (
        f"{settings.optimizer}, learning rate {settings.learning_rate:g}, seed {settings.seed}"
    )
    return table("Run", rows, [losses])


def html_of_runs(runs: Any) -> str:
    """Of `Runs` in memory."""
    count, settings = prod(runs.shape), runs.settings
    rows = {"shape": runs.shape} | runs.networks.facts
    rows["done"] = f"{runs.finished:,} of {count:,}, {settings.epochs:,} epochs each"
    if runs.solved_at is not None and count:
        solved = runs.solved_at[runs.solved_at >= 0]
        rows["solved"] = f"{solved.size:,} ({solved.size / count:.1%})"
        if solved.size:
            rows["solved"] += f", half of them by epoch {np.median(solved):,.0f}"
    if diverged := np.count_nonzero(runs.diverged_at >= 0):
        rows["diverged"] = f"{diverged:,}"
    final = runs.final_loss[np.isfinite(runs.final_loss)]
    if final.size:
        rows[f"final loss ({settings.loss})"] = (
            f"least {final.min():.5g}, median {np.median(final):.5g}, largest {final.max():.5g}"
        )
    curves = []
    if runs.losses is not None and count:
        each = runs.losses.reshape(count, -1)
        places = np.linspace(0, count - 1, min(count, CURVES)).round().astype(int)
        curves = list(each[places])
        if count > CURVES:
            rows["drawn"] = f"losses of {CURVES}"
    return table("Runs", rows, curves)
