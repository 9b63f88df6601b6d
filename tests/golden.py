"""Runs whose digests are written down in golden.json.

Data and starting weights come from exact arithmetic (`Generator.random`, scaled by powers of
two), so that they are the same everywhere; randn's last bit depends on the C library, so that it
is rounded to float32 before use. To change a digest is to change the contract:
``python -m tests.golden`` writes the file anew, from the reference.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

import fastxor
from fastxor import reference
from fastxor.agreement import digest
from fastxor.contract import CONTRACT
from tests.conftest import samples, weights

FILE = Path(__file__).with_name("golden.json")

# name: (n, (I, H, O), settings)
CASES: dict[str, tuple[int, tuple[int, int, int], dict[str, Any]]] = {
    "xor": (4, (2, 2, 1), {"epochs": 2000}),
    "xor momentum": (4, (2, 2, 1), {"epochs": 500, "momentum": 0.9}),
    "xor 8 hidden": (4, (2, 8, 1), {"epochs": 500, "learning_rate": 3.0}),
    "one sample": (1, (1, 1, 1), {"epochs": 200}),
    "seven samples": (7, (3, 5, 2), {"epochs": 200, "momentum": 0.5}),
    "nine samples": (9, (2, 3, 1), {"epochs": 200}),
    "33 hidden": (17, (8, 33, 3), {"epochs": 50, "learning_rate": 0.05}),
    "1025 samples": (1025, (2, 4, 1), {"epochs": 20, "learning_rate": 0.01}),
    "3000 samples": (3000, (5, 9, 2), {"epochs": 5, "learning_rate": 0.001, "momentum": 0.9}),
    "batches of 3": (10, (2, 2, 1), {"epochs": 50, "batch_size": 3, "momentum": 0.5}),
    "batches of 1, shuffled": (
        7, (2, 5, 1), {"epochs": 50, "batch_size": 1, "shuffle": True, "learning_rate": 1.0},
    ),
    "batches of 32, shuffled": (
        569, (30, 16, 1), {"epochs": 4, "batch_size": 32, "shuffle": True, "momentum": 0.9},
    ),
    "batches of 1500, shuffled": (
        4000, (2, 8, 2), {"epochs": 4, "batch_size": 1500, "shuffle": True, "learning_rate": 0.01},
    ),
    "digits": (1797, (64, 32, 10), {"epochs": 2, "learning_rate": 0.001}),
    "iris": (150, (4, 8, 3), {"epochs": 20, "learning_rate": 0.01}),
}  # fmt: skip

# Networks of version 2, name: (I, O, settings). Each has one kernel for small batches and one or
# two for large ones, which `tests.test_layers` uses as well.
NETWORKS: dict[str, tuple[int, int, dict[str, Any]]] = {
    "logistic": (
        3, 2, {"hidden_size": (), "output": "sigmoid", "loss": "log_loss", "init": "glorot"},
    ),
    "softmax": (
        4, 3,
        {"hidden_size": (), "output": "softmax", "loss": "log_loss", "bias": False, "init": "he"},
    ),
    "curve": (
        1, 1,
        {
            "hidden_size": 5, "activation": "tanh", "output": "identity", "init": "uniform",
            "init_range": 1.0,
        },
    ),
    "relu": (
        9, 2, {"hidden_size": (7, 3), "activation": "relu", "loss": "log_loss", "init": "he"},
    ),
    "no biases": (
        2, 3,
        {
            "hidden_size": (3, 1, 4), "activation": ("identity", "tanh", "relu"),
            "output": "tanh", "bias": False, "init": "randn", "seed": 4,
        },
    ),
    "deep": (
        3, 3,
        {
            "hidden_size": (2, 5, 9, 3), "activation": ("sigmoid", "tanh", "relu", "sigmoid"),
            "output": "softmax", "loss": "log_loss", "init": "glorot",
        },
    ),
}  # fmt: skip

ADAM = {"optimizer": "adam", "learning_rate": 0.01}

# name: (n, network, settings)
LAYERED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "logistic, 5 samples": (5, "logistic", {"epochs": 50, "momentum": 0.9}),
    "logistic, 1500 samples": (1500, "logistic", {"epochs": 5, "learning_rate": 0.001}),
    "softmax, 8 samples": (8, "softmax", {"epochs": 50}),
    "softmax, batches of 30, shuffled": (
        70, "softmax", {"epochs": 6, "batch_size": 30, "shuffle": True, "learning_rate": 0.02},
    ),
    "curve, batches of 3": (
        7, "curve", {"epochs": 30, "batch_size": 3, "learning_rate": 0.02, "momentum": 0.5},
    ),
    "curve, 1025 samples, shuffled": (
        1025, "curve", {"epochs": 4, "shuffle": True, "learning_rate": 1e-4, "momentum": 0.9},
    ),
    "relu, batches of 2, shuffled": (
        8, "relu", {"epochs": 20, "batch_size": 2, "shuffle": True, "learning_rate": 0.05},
    ),
    "relu, 9 samples": (9, "relu", {"epochs": 40, "learning_rate": 0.02}),
    "relu, batches of 1100": (
        2500, "relu", {"epochs": 3, "batch_size": 1100, "learning_rate": 1e-4, "momentum": 0.9},
    ),
    "no biases, 4 samples": (4, "no biases", {"epochs": 50, "learning_rate": 0.05}),
    "no biases, batches of 16, shuffled": (
        33, "no biases",
        {"epochs": 8, "batch_size": 16, "shuffle": True, "learning_rate": 0.02, "momentum": 0.5},
    ),
    "deep, 3 samples": (3, "deep", {"epochs": 50, "momentum": 0.9}),
    "deep, batches of 9": (20, "deep", {"epochs": 20, "batch_size": 9, "learning_rate": 0.05}),
    "deep, batches of 40, shuffled": (
        210, "deep",
        {"epochs": 4, "batch_size": 40, "shuffle": True, "learning_rate": 0.02, "momentum": 0.5},
    ),
    "deep, 1030 samples": (1030, "deep", {"epochs": 3, "learning_rate": 0.001}),
    "adam, 4 samples": (4, "no biases", {"epochs": 30, **ADAM}),
    "adam, 9 samples": (9, "relu", {"epochs": 20, **ADAM, "l2": 0.5}),
    "adam, batches of 40, shuffled": (
        210, "deep", {"epochs": 4, "batch_size": 40, "shuffle": True, **ADAM, "beta2": 0.9},
    ),
    "nesterov, batches of 2": (
        7, "curve",
        {
            "epochs": 4, "batch_size": 2, "momentum": 0.5, "nesterov": True, "l2": 0.25,
            "schedule": (0.25, 1.0, 0.5, 0.125),
        },
    ),
    "means, batches of 4": (
        9, "relu", {"epochs": 6, "batch_size": 4, "l2": 0.5, "reduction": "mean", "momentum": 0.5},
    ),
    "means of adam, 9 samples": (9, "deep", {"epochs": 9, **ADAM, "reduction": "mean"}),
    "rates of layers, batches of 4": (
        9, "deep",
        {"epochs": 9, "batch_size": 4, "layer_rates": (0.5, 0.3, 2.0, 1.5, -0.1)},
    ),
    "adam, rates of layers": (9, "relu", {"epochs": 9, **ADAM, "layer_rates": (0.3, 3.0, 1.5)}),
    "scales, batches of 4": (
        9, "relu", {"epochs": 6, "batch_size": 4, "scales": (0.3, 0.7, 1.3), "momentum": 0.5},
    ),
    "scales, 20 samples": (
        20, "deep", {"epochs": 9, "held_out": 5, "scales": (0.3, 1.0, 0.7, 1.3, 2.1)},
    ),
    "held out, 5 samples": (9, "softmax", {"epochs": 9, "held_out": 5, "validate_every": 2}),
    "held out, 1030 samples": (
        20, "curve",
        {
            "epochs": 9, "held_out": 1030, "batch_size": 8, "learning_rate": -0.01, "patience": 3,
        },
    ),
}  # fmt: skip


def layered(name: str, n: int) -> tuple[Any, Any, dict[str, Any]]:
    """Samples for a network of `NETWORKS`, and its settings."""
    inputs, outputs, settings = NETWORKS[name]
    X, y = samples(n, inputs, outputs, seed=n)
    if settings.get("output") == "softmax":
        classes = np.eye(outputs)
        y = 0.75 * classes[y.argmax(axis=1)] + 0.25 * classes[y.argmin(axis=1)]
    if settings["init"] == "randn":
        start = reference.train(X, y, epochs=0, dtype=np.float32, **settings).network
        settings = {"initial": start} | settings
        del settings["init"]
    return X, y, dict(settings)


def run(train: Any, name: str, dtype: Any, **others: Any) -> Any:
    """What ``train`` makes of a case, perhaps with other settings."""
    if name in LAYERED:
        n, network, settings = LAYERED[name]
        X, y, of_network = layered(network, n)
        if m := settings.get("held_out"):
            settings = settings | {"validation": layered(network, m)[:2]}
            del settings["held_out"]
        return train(X, y, dtype=dtype, **of_network | settings | others)
    n, sizes, settings = CASES[name]
    X, y = samples(n, sizes[0], sizes[2], seed=n)
    if name.startswith("xor"):
        X, y = fastxor.xor()
    start = weights(*sizes, seed=sizes[1])
    return train(X, y, initial=start, dtype=dtype, **settings | others)


def write() -> None:
    digests = {
        f"{name}, {dtype.__name__}": digest(run(reference.train, name, dtype))
        for name in (*CASES, *LAYERED)
        for dtype in (np.float64, np.float32)
    }
    FILE.write_text(json.dumps({"contract": CONTRACT, "digests": digests}, indent=2) + "\n")


if __name__ == "__main__":
    write()
