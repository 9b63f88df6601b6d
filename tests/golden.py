"""Runs whose digests are written down in golden.json.

Data and starting weights come from exact arithmetic (`Generator.random`, scaled by powers of
two), so that they are the same everywhere; randn's last bit depends on the C library. To
change a digest is to change the contract: ``python -m tests.golden`` writes the file anew,
from the reference.
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


def run(train: Any, name: str, dtype: Any, **others: Any) -> Any:
    """What ``train`` makes of a case, perhaps with other settings."""
    n, sizes, settings = CASES[name]
    X, y = samples(n, sizes[0], sizes[2], seed=n)
    if name.startswith("xor"):
        X, y = fastxor.xor()
    start = weights(*sizes, seed=sizes[1])
    return train(X, y, initial=start, dtype=dtype, **settings | others)


def write() -> None:
    digests = {
        f"{name}, {dtype.__name__}": digest(run(reference.train, name, dtype))
        for name in CASES
        for dtype in (np.float64, np.float32)
    }
    FILE.write_text(json.dumps({"contract": CONTRACT, "digests": digests}, indent=2) + "\n")


if __name__ == "__main__":
    write()
