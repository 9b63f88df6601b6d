"""``fastxor train`` and ``fastxor compare``: one network."""

import argparse
import os
import sys

import numpy as np

from fastxor.agreement import compare
from fastxor.cli.given import check_writable, given, on_terminal
from fastxor.cli.results import of_run, print_json
from fastxor.cli.samples import Samples
from fastxor.cli.words import classes_in_words, print_predictions, print_validation, wrong_samples
from fastxor.networks.network import Network
from fastxor.runs.run import Interrupted, Run
from fastxor.training.single import train


def train_one(arguments: argparse.Namespace) -> int:
    """Train, save and print.

    After Ctrl-C what is done is saved; `Interrupted` is raised again.
    """
    samples, settings = given(arguments)
    settings["snapshots"] = arguments.snapshots
    if arguments.save is not None:
        check_writable("--save", arguments.save)
    elif arguments.snapshots is not None:
        raise ValueError("--snapshots must go with --save, whose FILE is part of their names")
    try:
        run = train(samples.X, samples.y, **settings, progress=on_terminal())
    except Interrupted as stop:
        done = len(stop.run.losses)
        if arguments.save is not None and done:  # an untrained network is not worth a file
            _save(stop.run.network, stop.run, arguments.save)
            print(f"saved the network after {done:,} epochs to {arguments.save}", file=sys.stderr)
        raise
    network = run.best or run.network
    saved = [] if arguments.save is None else _save(network, run, arguments.save)
    if arguments.json:
        scores = _scores(network, samples)
        print_json("train", samples, of_run(run), scores, {"saved": saved})
    else:
        _tell(run, network, samples, saved, arguments.initial is None)
    return 0


def _tell(run: Run, network: Network, samples: Samples, saved: list[str], from_seed: bool) -> None:
    for epoch in range(0, len(run.losses), max(1, len(run.losses) // 10)):
        print(f"Epoch {epoch}, Loss: {run.losses[epoch]:.5f}")
    if run.solved_at is not None:
        print(f"Solved at epoch {run.solved_at}." if run.solved_at >= 0 else "Never solved.")
    print_validation(run)
    print_predictions(run, network, samples, from_seed)
    for path in saved:
        print(f"saved to {path}")


def _scores(network: Network, samples: Samples) -> dict[str, float | None]:
    """What the network, with validation the best one, makes of the samples."""
    y = np.reshape(samples.y, (len(samples.X), -1))
    outputs = network.predict_proba(samples.X)
    wrong = wrong_samples(outputs, y, network.output)
    accuracy = None if wrong is None else 1 - wrong.mean()
    return {"accuracy": accuracy, "max_error": np.abs(outputs - y).max()}


def _save(network: Network, run: Run, path: str) -> list[str]:
    """Write a network and the run's snapshots; returns where they are."""
    name, suffix = os.path.splitext(path)
    files = {f"{name}-{epoch}{suffix}": one for epoch, one in run.snapshots.items()}
    for at, one in ({path: network} | files).items():
        one.save(at)
    return [path, *files]


def compare_one(arguments: argparse.Namespace) -> int:
    """Compare and print; 0 if all bits agree, else 1."""
    samples, settings = given(arguments)
    found = compare(samples.X, samples.y, show=False, **settings, progress=on_terminal())
    if arguments.json:
        told = ("agree", "max_ulp", "first_epoch", "first_tensor", "diverged_at")
        result = {name: getattr(found, name) for name in told}
        print_json("compare", samples, of_run(found.fast), result)
    else:
        if samples.classes is not None:
            print(classes_in_words(samples))
        print(found)
    return 0 if found.agree else 1
