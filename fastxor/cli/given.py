"""What options give that commands share: samples, settings and files."""

import argparse
import os
import sys
import tempfile
from typing import Any

from fastxor.cli.samples import Samples, samples_of
from fastxor.networks.network import Network

SETTINGS = (
    "sample_weight", "hidden_size", "activation", "output", "loss", "bias", "scales", "epochs",
    "momentum", "nesterov", "optimizer", "beta1", "beta2", "epsilon", "l2", "layer_rates",
    "reduction", "schedule", "batch_size", "shuffle", "threads", "init", "init_range", "dtype",
    "tolerance", "stop_when_solved", "validate_every", "patience",
)  # fmt: skip


def given(arguments: argparse.Namespace) -> tuple[Samples, dict[str, Any]]:
    """Samples, and settings of `train`, or those of `train_many` but for seeds and rates."""
    settings = {name: getattr(arguments, name) for name in SETTINGS}
    output = arguments.output
    if "initial" in arguments:
        initial = None if arguments.initial is None else Network.load(arguments.initial)
        settings |= {name: getattr(arguments, name) for name in ("seed", "learning_rate")}
        settings["initial"] = initial
        output = output or (initial and initial.output)
    samples, held_out = samples_of(arguments, output or "sigmoid")
    return samples, settings | {"validation": held_out and held_out[:2]}


def on_terminal() -> bool:
    """Is somebody there to look at a progress bar?"""
    return sys.stderr is not None and sys.stderr.isatty()


def check_writable(option: str, path: str) -> None:
    """Find out before the work what would keep its result from being saved after it."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{option} must name a file, got the folder {path}")
    folder = os.path.dirname(os.path.realpath(path))
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"{option}: cannot write to {folder}: {error.strerror}") from None
