"""``fastxor seeds``: how many seeds learn a problem, at each learning rate."""

import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fastxor.cli.words import kind_of
from fastxor.common.checks import Array
from fastxor.networks.predictions import outputs_of
from fastxor.runs.run import Interrupted
from fastxor.runs.runs import Runs
from fastxor.sweeps.many import train_many

SHOWN = 8  # seeds that learn, of each learning rate


def train_seeds(
    X: Any, y: Any, first: int, count: int, learning_rates: list[float], **settings: Any
) -> tuple[Runs, float]:
    """Runs (rates, seeds) and the seconds they took; the arguments of `train_many` else.

    Raises `Interrupted` as it does.
    """
    call = settings | {
        "seed": first + np.arange(count), "learning_rate": np.array(learning_rates)[:, None],
    }  # fmt: skip
    if settings["resume"] is None:  # compile before, seconds that say nothing of the speed
        short = {"epochs": min(1, settings["epochs"]), "schedule": None, "progress": False}
        train_many(X, y, **call | short)
    began = time.perf_counter()
    runs = train_many(X, y, **call)
    return runs, time.perf_counter() - began


def report(runs: Runs, X: Any, y: Any, seconds: float) -> None:
    """Print a row for each learning rate: of the seeds that are done, which have learned?"""
    settings = runs.settings
    console = Console(highlight=False)
    count = int(np.count_nonzero(runs.done))
    console.print(
        f"{kind_of(runs.networks.architecture, settings)}, {len(X):,} samples, "
        f"{settings.epochs:,} epochs, {settings.dtype}: "
        f"seeds {settings.seed.min():,} to {settings.seed.max():,}"
    )
    table = Table()
    for title in ("learning rate", "seeds", "learned", "share", "median epochs"):
        table.add_column(title, justify="right")
    table.add_column("first seeds")
    for rate in range(runs.shape[0]):
        done = np.flatnonzero(runs.done[rate])
        row = runs.take(rate * runs.shape[1] + done)
        learned = has_learned(row, X, y)
        seeds = row.settings.seed[learned]
        epochs = row.solved_at[learned] if row.solved_at is not None else np.array([])
        epochs = epochs[epochs >= 0]
        table.add_row(
            f"{settings.learning_rate[rate, 0]:g}", f"{len(done):,}", f"{learned.sum():,}",
            f"{learned.mean():.1%}" if len(done) else "",
            f"{np.median(epochs):,.0f}" if len(epochs) else "",
            " ".join(map(str, seeds[:SHOWN])),
        )  # fmt: skip
    console.print(table)
    print(
        "Learned: in the end, every output is nearer to its target than "
        f"{settings.tolerance:g}.\n{count:,} networks in {seconds:.3g} s: "
        f"{seconds / max(1, runs.epochs_done.sum()) * 1e9:.3g} ns for each epoch of a network."
    )
    if diverged := np.count_nonzero(runs.diverged_at >= 0):
        print(f"{diverged:,} networks left the finite numbers: smaller learning rates may help.")


def has_learned(runs: Runs, X: Any, y: Any) -> Array:
    """(k,): is every output of a network nearer to its target than the tolerance?"""
    if not len(runs):
        return np.zeros(0, bool)
    # not predict_proba: sums may overflow in networks that have diverged, which is not learning
    outputs, _ = outputs_of(runs.networks.numbers, runs.networks.architecture, X)
    T = outputs.dtype.type
    targets = np.reshape(y, (len(X), -1)).astype(T)
    learned: Array = (np.abs(outputs - targets) < T(runs.settings.tolerance)).all(axis=(1, 2))
    return learned


def interrupted_by(stop: Interrupted, X: Any, y: Any, seconds: float) -> None:
    """What is finished of interrupted runs."""
    if stop.run.done.any():
        report(stop.run, X, y, seconds)
