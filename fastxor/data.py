"""Built-in problems and data from files."""

import csv
import io
import os
from collections.abc import Iterator
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
    with open(path, "rb") as file:
        return numbers(text(file.read(), name), name, targets)


def text(content: bytes, name: str) -> str:
    """What a file holds; raises ValueError where that is no text. ``name``: in errors."""
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
        raise ValueError(f"{name} must hold text in UTF-8, got other bytes at {at:,}") from None
    if "\0" in found:
        raise ValueError(f"{name} must hold text in UTF-8, got a NUL at {found.index(chr(0)):,}")
    return found


def cells(text: str, name: str, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not blank."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from ((lines.line_num, row) for row in lines if row)
    except csv.Error as error:  # a cell without end, say
        raise ValueError(f"{name}, line {lines.line_num}: must hold cells, got {error}") from None


def numbers(text: str, name: str, targets: int) -> tuple[Array, Array]:
    """X and y of comma-separated numbers, see `load`."""
    rows, got = list(cells(text, name)), "an empty file"
    if rows and names_columns(rows[0][1]):
        rows, got = rows[1:], "but the names of columns"
    if not rows:
        raise ValueError(f"{name} must hold at least one line of numbers, got {got}")
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width or not all(map(is_number, row)):
            expected = f"{width} comma-separated numbers"
            raise ValueError(
                f"{name}, line {number}: must hold {expected}, got {','.join(row)[:60]!r}"
            )
    if targets >= width:
        raise ValueError(f"{name} must hold more than {targets} columns of numbers, got {width}")
    table = np.array([[float(cell) for cell in row] for _, row in rows])
    return table[:, :-targets], table[:, -targets:]


def names_columns(row: list[str]) -> bool:
    """Are these cells of a first line names? None of them is a number."""
    return not any(map(is_number, row))


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # 1_0 is 10 in Python alone
