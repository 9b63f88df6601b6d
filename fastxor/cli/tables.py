"""Tables that are more than comma-separated numbers: named targets, labels, other separators.

pandas reads them, as text: what it makes of numbers is not the same to the bit in all its releases.
"""

import csv
import io
import re
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np

from fastxor import data
from fastxor.common.checks import Array

SEPARATORS = "\t", ";", ","  # a comma may be part of what others separate
TOO_LONG = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def separator(text: str) -> str:
    """What separates the cells of the first line."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    found = (s for s in SEPARATORS if len(row_of(first, s)) > 1)
    return next(found, ",")


def row_of(line: str, separator: str) -> list[str]:
    """The cells of one line, without white space around them."""
    try:
        rows = csv.reader([line.rstrip("\r\n")], delimiter=separator, skipinitialspace=True)
        return [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise ValueError(f"a line must hold cells, got {error}: {line[:60]!r}") from None


def columns_of(
    text: str, name: str, targets: int | tuple[str, ...]
) -> tuple[Array, Array, tuple[str, ...] | None]:
    """X (n, I), y (n, O) and the names of their columns, if there are some.

    ``targets``: how many last columns are y, or their names. ``name``: in errors. y is text where
    it has labels. Raises ValueError, or ImportError without pandas where it takes that.
    """
    if isinstance(targets, int) and is_plain(text, name):
        X, y = data.numbers(text, name, targets)
        _, first = next(data.cells(text, name))
        named = data.names_columns(first)
        return X, y, tuple(cell.strip() for cell in first) if named else None
    frame, named = read(text, name, isinstance(targets, tuple))
    chosen = _targets_of(frame, name, targets)
    rest = [column for column in frame.columns if column not in chosen]
    X = np.column_stack([_numbers(frame[column], name) for column in rest])
    first = frame[chosen[0]]
    if len(chosen) == 1 and not any(map(data.is_number, first)):
        for line, label in first.items():
            if not label.isprintable():  # it would be printed
                got = f"got {label!r:.60} in line {line}"
                raise ValueError(f"{name}: column {first.name!r} must have printable labels, {got}")
        y = np.array(first.tolist(), object)[:, None]  # a long label takes no room from others
    else:
        expected = "numbers alone, or labels alone as the only target"
        y = np.column_stack([_numbers(frame[column], name, expected) for column in chosen])
    return X, y, (*rest, *chosen) if named else None


def _targets_of(frame: Any, name: str, targets: int | tuple[str, ...]) -> list[str]:
    """The names of these columns; there must be others."""
    columns = list(frame.columns)
    if isinstance(targets, tuple):
        for number, each in enumerate(targets):
            if each not in columns:
                shown = f"{', '.join(columns):.200}"
                raise ValueError(f"--targets must be columns of {name}: {shown}; got {each!r}")
            if each in targets[:number]:
                raise ValueError(f"--targets must be different columns, got {each!r} twice")
    count = targets if isinstance(targets, int) else len(targets)
    if count >= len(columns):
        expected = f"more columns than {count} between commas, semicolons or tabs"
        raise ValueError(f"{name} must have {expected}, got {len(columns)}")
    return columns[-targets:] if isinstance(targets, int) else list(targets)


def _numbers(column: Any, name: str, expected: str = "numbers, as it is no target") -> Array:
    for line, cell in column.items():
        if not (data.is_number(cell) and isfinite(float(cell))):
            got = f"got {cell!r:.60} in line {line}"
            raise ValueError(f"{name}: column {column.name!r} must have {expected}, {got}")
    return np.array([float(cell) for cell in column])


def is_plain(text: str, name: str) -> bool:
    """Is it for `data.numbers`, which reads files of numbers and finds the mistake in others?"""
    if separator(text) != ",":
        return False
    rows = [row for _, row in islice(data.cells(text, name), 2)]
    if rows and data.names_columns(rows[0]):
        rows = rows[1:]
    return not rows or all(map(data.is_number, rows[0]))


def read(text: str, name: str, named: bool) -> tuple[Any, bool]:
    """A frame of text, none of it missing, and whether the first line has names.

    Without names columns are "1", "2" and so on; the index has the numbers of lines. ``name``: in
    errors. ``named``: the first line must have names, numbers or not. Raises ValueError, or
    ImportError without pandas.
    """
    every = enumerate(io.StringIO(text, newline=None), 1)
    lines = {number: line for number, line in every if line.strip()}
    if not lines:
        raise ValueError(f"{name} must hold a table, got an empty file")
    numbers, sep = list(lines), separator(text)
    try:
        import pandas as pd
    except ImportError:
        got = "--targets by name" if named else repr(lines[numbers[:2][-1]].rstrip()[:60])
        expected = "comma-separated numbers, as other tables need pandas, the extra fastxor[table]"
        raise ImportError(f"{name} must hold {expected}, got {got}") from None
    try:
        frame = pd.read_csv(
            io.StringIO("".join(lines.values())), sep=sep, header=None, dtype=str,
            skipinitialspace=True,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        if found := TOO_LONG.search(str(error)):
            width, at, cells = map(int, found.groups())
            raise ValueError(_ragged(name, numbers[at - 1], width, cells)) from None
        raise ValueError(f"{name} must hold a table, got one with {error}") from None
    if len(frame) != len(lines):
        raise ValueError(
            f"{name} must have a line for each sample, got cells of several lines, or a quote "
            "without its other"
        )
    frame.index = numbers
    width, first = frame.shape[1], row_of(lines[numbers[0]], sep)
    if has_names := named or data.names_columns(first):
        frame.columns = _names(first, f"{name}, line {numbers[0]}")
        frame = frame.iloc[1:]
    else:
        frame.columns = [str(number) for number in range(1, width + 1)]
    if not len(frame):
        raise ValueError(f"{name} must have samples below the names of columns, got none")
    gaps = frame.isna().to_numpy()
    if gaps.any():
        row, column = divmod(int(gaps.argmax()), width)
        number = frame.index[row]
        given = row_of(lines[number], sep)
        if len(given) < width:  # pandas fills them up
            raise ValueError(_ragged(name, number, width, len(given)))
        where = f"{name}, line {number}: column {frame.columns[column]!r}"
        raise ValueError(f"{where} must have a value, got a missing one, {given[column]!r}")
    return frame.apply(lambda column: column.str.strip()), has_names


def _names(first: list[str], name: str) -> list[str]:
    for number, each in enumerate(first):
        if not each or not each.isprintable():
            raise ValueError(f"{name}: column {number + 1} must have a name, got {each!r}")
        if each in first[:number]:
            raise ValueError(f"{name}: columns must have different names, got {each!r} twice")
    return first


def _ragged(name: str, line: int, expected: int, got: int) -> str:
    return f"{name}, line {line}: must have {expected} cells as the first line has, got {got}"
