"""``fastxor seeds``: how many seeds learn a problem, at each learning rate."""

import argparse
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fastxor.cli.given import check_writable, given, on_terminal
from fastxor.cli.results import of_networks, print_json
from fastxor.cli.samples import Samples
from fastxor.cli.words import classes_in_words, kind_of
from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.maps import digest
from fastxor.networks.predictions import outputs_of
from fastxor.runs.run import Interrupted
from fastxor.runs.runs import Runs
from fastxor.sweeps.many import train_many

SHOWN = 8  # seeds that learn, of each learning rate


def train_seeds(arguments: argparse.Namespace) -> int:
    """Train, save and print.

    After Ctrl-C what is done is saved and told in words; `Interrupted` is raised again.
    """
    samples, settings = given(arguments)
    if arguments.tolerance is None:
        raise ValueError("--tolerance must be a number")
    checks.integer("--count", arguments.count, low=1)
    if arguments.save is not None:
        check_writable("--save", arguments.save)
    resume = None if arguments.resume is None else Runs.load(arguments.resume)
    call = settings | {
        "seed": arguments.first + np.arange(arguments.count),
        "learning_rate": np.array(arguments.learning_rate)[:, None], "resume": resume,
        "progress": on_terminal(),
    }  # fmt: skip
    if resume is None:  # compile before, seconds that say nothing of the speed
        short = {"epochs": min(1, settings["epochs"]), "schedule": None, "progress": False}
        train_many(samples.X, samples.y, **call | short)
    began = time.perf_counter()
    try:
        runs = train_many(samples.X, samples.y, **call)
    except Interrupted as stop:
        seconds = time.perf_counter() - began
        if arguments.save is not None:
            stop.run.save(arguments.save)
            print(f"saved to {arguments.save}; --resume {arguments.save} goes on", file=sys.stderr)
        if stop.run.done.any() and not arguments.json:
            _tell(stop.run, samples, seconds, arguments)
        raise
    seconds = time.perf_counter() - began
    if arguments.save is not None:
        runs.save(arguments.save)
    _tell(runs, samples, seconds, arguments)
    return 0


def _tell(runs: Runs, samples: Samples, seconds: float, arguments: argparse.Namespace) -> None:
    """Print a row for each learning rate: of the seeds that are done, which have learned?"""
    rows = [_row(runs, number, samples) for number in range(runs.shape[0])]
    if arguments.json:
        networks = of_networks(runs.architecture, runs.settings)
        print_json("seeds", samples, networks, {
            "first_seed": arguments.first, "seeds": arguments.count, "learning_rates": rows,
            "epochs_done": runs.epochs_done.sum(), "seconds": seconds, "digest": digest(runs),
            "saved": [] if arguments.save is None else [arguments.save],
        })  # fmt: skip
        return
    console, settings = Console(highlight=False), runs.settings
    console.print(
        f"{kind_of(runs.architecture, settings)}, {len(samples.X):,} samples, "
        f"{settings.epochs:,} epochs, {settings.dtype}: "
        f"seeds {settings.seed.min():,} to {settings.seed.max():,}"
    )
    if samples.classes is not None:
        print(classes_in_words(samples))
    table = Table()
    for title in ("learning rate", "seeds", "learned", "share", "median epochs"):
        table.add_column(title, justify="right")
    table.add_column("first seeds")
    for row in rows:
        share, median = row["share"], row["median_solved_at"]
        table.add_row(
            f"{row['learning_rate']:g}", f"{row['networks']:,}", f"{row['learned']:,}",
            "" if share is None else f"{share:.1%}", "" if median is None else f"{median:,.0f}",
            " ".join(map(str, row["seeds_that_learned"][:SHOWN])),
        )  # fmt: skip
    console.print(table)
    print(
        "Learned: in the end, every output is nearer to its target than "
        f"{settings.tolerance:g}.\n{runs.finished:,} networks in {seconds:.3g} s: "
        f"{seconds / max(1, runs.epochs_done.sum()) * 1e9:.3g} ns for each epoch of a network."
    )
    if diverged := np.count_nonzero(runs.diverged_at >= 0):
        print(f"{diverged:,} networks left the finite numbers: smaller learning rates may help.")
    if arguments.save is not None and runs.done.all():
        print(f"saved to {arguments.save}")


def _row(runs: Runs, number: int, samples: Samples) -> dict[str, Any]:
    """Of the networks of a learning rate that are done."""
    done = np.flatnonzero(runs.done[number])
    row = runs.take(number * runs.shape[1] + done)
    learned = has_learned(row, samples.X, samples.y)
    solved_at = row.solved_at[learned] if row.solved_at is not None else np.array([])
    solved_at = solved_at[solved_at >= 0]
    return {
        "learning_rate": runs.settings.learning_rate[number, 0], "networks": len(done),
        "learned": np.count_nonzero(learned), "share": learned.mean() if len(done) else None,
        "median_solved_at": np.median(solved_at) if len(solved_at) else None,
        "diverged": np.count_nonzero(row.diverged_at >= 0),
        "seeds_that_learned": row.settings.seed[learned],
    }  # fmt: skip


def has_learned(runs: Runs, X: Any, y: Any) -> Array:
    """(k,): is every output of a network nearer to its target than the tolerance?"""
    if not len(runs):
        return np.zeros(0, bool)
    # not predict_proba: sums may overflow in networks that have diverged, which is not learning
    outputs, _ = outputs_of(runs.networks.numbers, runs.architecture, X)
    T = outputs.dtype.type
    targets = np.reshape(y, (len(X), -1)).astype(T)
    learned: Array = (np.abs(outputs - targets) < T(runs.settings.tolerance)).all(axis=(1, 2))
    return learned
