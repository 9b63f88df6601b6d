"""Built-in problems and data from files."""

import csv
import os
from typing import Any

import numpy as np

from fastxor.common import checks, npz
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array


def xor() -> tuple[Array, Array]:
    """The four rows of XOR: X (4, 2), y (4, 1)."""
    return parity(2)


def parity(bits: int) -> tuple[Array, Array]:
    """All patterns of 1 to 20 bits, and whether the number of ones is odd: X (2**bits, bits), y."""
    bits = checks.integer("bits", bits, low=1, high=20)
    X = np.arange(2**bits)[:, None] >> np.arange(bits)[::-1] & 1
    return X, X.sum(axis=1, keepdims=True) % 2


def bootstrap(n: int, seed: Any = 0) -> Array:
    """How often each of n samples is drawn, n times with replacement: (..., n), for each seed.

    As ``sample_weight`` of `train_many`, a network for each seed's samples: bagging, as of L.
    Breiman (1996). seed: an integer, or an array of them; drawn by NumPy's ``RandomState(seed)``,
    the same on every machine.
    """
    n = checks.integer("n", n, low=1)
    seeds = checks.integers("seed", seed, low=0, high=2**32 - 1)
    drawn = [np.random.RandomState(int(each)).randint(0, n, n) for each in seeds.flat]
    counts = [np.bincount(each, minlength=n) for each in drawn]
    return np.reshape(counts, (*seeds.shape, n))


@ieee_arithmetic()
def load(path: str | os.PathLike[str], targets: int = 1) -> tuple[Array, Array]:
    """X and y from a file.

    ``.npz``: its arrays X and y. Anything else: comma-separated numbers, one sample a line,
    with or without a line of names, the last ``targets`` columns being y. Raises OSError where
    the file cannot be read, ValueError where it does not hold such data.
    """
    name = os.fspath(path)
    targets = checks.integer("targets", targets, low=1)
    if name.endswith(".npz"):
        arrays = npz.read(path)
        if not {"X", "y"} <= set(arrays):
            raise ValueError(f"{name} must hold arrays X and y, got {', '.join(arrays) or 'none'}")
        return arrays["X"], arrays["y"]
    with open(path, newline="", encoding="utf-8-sig") as lines:
        try:
            rows = [(number, row) for number, row in enumerate(csv.reader(lines), 1) if row]
        except (csv.Error, UnicodeDecodeError):
            raise ValueError(f"{name} must hold comma-separated numbers") from None
    if rows and not any(_is_number(cell) for cell in rows[0][1]):
        rows = rows[1:]  # the names of the columns
    if not rows:
        raise ValueError(f"{name} must hold at least one line of numbers")
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width or not all(_is_number(cell) for cell in row):
            expected = f"{width} comma-separated numbers"
            raise ValueError(
                f"{name}, line {number}: must hold {expected}, got {','.join(row)[:60]!r}"
            )
    if targets >= width:
        raise ValueError(f"{name} must hold more than {targets} columns of numbers, got {width}")
    table = np.array([[float(cell) for cell in row] for _, row in rows])
    return table[:, :-targets], table[:, -targets:]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
