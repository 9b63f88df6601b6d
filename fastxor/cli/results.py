"""Results as JSON, what ``--json`` prints: one object.

Numbers are exact: whoever reads them as float64 has the same bits, those of float32 too. What is
not finite is "NaN", "Infinity" or "-Infinity"; null is what there is not.
"""

import json
import math
from typing import Any

import numpy as np

from fastxor import __version__
from fastxor.agreement import digest
from fastxor.cli.samples import Samples
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import own_dimensions
from fastxor.runs.fields import VARIED
from fastxor.runs.run import Run
from fastxor.runs.settings import Settings


def print_json(command: str, samples: Samples, *parts: dict[str, Any]) -> None:
    """The object: what it is of, and its parts."""
    shapes = {"X": np.shape(samples.X), "y": np.shape(samples.y)}
    whole = {"command": command, "version": __version__, "samples": samples._asdict() | shapes}
    for part in parts:
        whole |= part
    print(json.dumps(_plain(whole), allow_nan=False))


def of_networks(architecture: Architecture, settings: Settings) -> dict[str, Any]:
    """What is the same for all."""
    names = "sizes", "activations", "biases"
    return {
        "network": {name: getattr(architecture, name) for name in names},
        "settings": _same_for_all(settings),
    }


def of_run(run: Run) -> dict[str, Any]:
    """A run of one network."""
    left_as_solved = run.settings.stop_when_solved and (run.solved_at or 0) >= 0
    return of_networks(run.network.architecture, run.settings) | {
        "epochs_done": len(run.losses) - left_as_solved, "losses": run.losses,
        "solved_at": run.solved_at, "validation_losses": run.validation_losses,
        "best_epoch": run.best_epoch, "digest": digest(run),
    }  # fmt: skip


def _same_for_all(settings: Settings) -> dict[str, Any]:
    """Of many networks, those that do not vary."""
    told = {}
    for name, value in vars(settings).items():
        if name in VARIED and isinstance(value, np.ndarray):
            each = value.reshape(-1, *value.shape[value.ndim - own_dimensions(name) :])
            if (each == each[0]).all():
                told[name] = each[0]
        else:
            told[name] = value
    return told


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
