"""Samples of the command line: X and y of a problem or a file, and what is called how in it."""

import argparse
import sys
from typing import NamedTuple

import numpy as np

from fastxor import data
from fastxor.cli import tables
from fastxor.common import checks
from fastxor.common.checks import Array

MOST_CLASSES = 10_000  # more are names of samples; each has a column of y
Names = tuple[str, ...] | None  # None: there are none


class Samples(NamedTuple):
    """X (n, I) and y (n, O) or (n,), and names, of files that have them."""

    X: Array
    y: Array
    features: Names = None
    """Of the columns of X."""
    targets: Names = None
    """Of the columns that y is from."""
    classes: Names = None
    """In the order of their numbers: of two classes y is 0 or 1, but for softmax outputs; of more,
    and for these, it has a column for each. None where targets are numbers."""


def samples_of(arguments: argparse.Namespace, output: str) -> tuple[Samples, Samples | None]:
    """Those to train on, and those that are held out, if any; ``output``: that of the network."""
    held_out = getattr(arguments, "validation", None)
    if arguments.data == held_out == "-":
        raise ValueError("--data and --validation must not both be -, got one standard input")
    if arguments.data is not None:
        told = of_file("--data", arguments.data, arguments.targets, output)
    elif isinstance(arguments.targets, tuple):
        raise ValueError(f"--targets by name must go with --data, got {arguments.targets[0]!r}")
    else:
        problem = arguments.problem
        told = Samples(*(data.parity(arguments.bits) if problem == "parity" else data.xor()))
    if held_out is None:
        return told, None
    return told, of_file("--validation", held_out, arguments.targets, output, like=told)


def of_file(
    option: str, path: str, targets: int | tuple[str, ...], output: str, like: Samples | None = None
) -> Samples:
    """From an .npz or a table; ``targets``: how many last columns, or names.

    ``like``: has the columns and classes that there must be.
    """
    if isinstance(targets, int):
        checks.integer("--targets", targets, low=1)
    elif path.endswith(".npz"):
        raise ValueError(f"--targets must be a number with an .npz, got {targets[0]!r}")
    name = f"{option} {'(standard input)' if path == '-' else path}"
    try:
        if path.endswith(".npz"):
            return Samples(*_arrays(option, path))
        text = data.text(_content(path), name)
    except OSError as error:
        raise OSError(f"{option}: cannot read {path}: {error.strerror or error}") from None
    X, y, names = tables.columns_of(text, name, targets)
    told = Samples(X, y, names and names[: X.shape[1]], names and names[X.shape[1] :])
    expected = like and like.features and like.targets and like.features + like.targets
    if names and expected and names != expected:
        raise ValueError(
            f"{name} must have the columns of --data, in their order: {', '.join(expected)}; got "
            f"{', '.join(names)}"
        )
    known = like and like.classes
    if like is not None and not known and y.dtype == object:
        raise ValueError(f"{name} must have numbers as targets, as --data has, got {y[0, 0]!r:.60}")
    if known or y.dtype == object or (output == "softmax" and y.shape[1] == 1):
        return _with_classes(told, name, output, known)
    return told


def _with_classes(told: Samples, name: str, output: str, known: Names) -> Samples:
    """With numbers for labels, of the ``known`` ones if there are some."""
    if told.y.shape[1] > 1:
        raise ValueError(f"{name} must have one column of labels, got {told.y.shape[1]} targets")
    labels = told.y[:, 0]
    values = np.unique(labels).tolist()
    if labels.dtype.kind == "f":
        if broken := [value for value in values if not value.is_integer()]:
            expected = "labels or whole numbers, which are classes with --output softmax"
            raise ValueError(f"{name}: the target must be {expected}, got {broken[0]:g}")
        label_of = {value: str(int(value)) for value in values}
    else:
        label_of = {value: value for value in values}
    classes = known or tuple(label_of.values())
    if len(classes) < 2:
        expected = "at least two classes as targets"
        raise ValueError(f"{name} must have {expected}, got {classes[0]!r:.60}")
    if len(classes) > MOST_CLASSES:
        expected = f"at most {MOST_CLASSES:,} classes as targets"
        raise ValueError(f"{name} must have {expected}, got {len(classes):,} of {len(labels):,}")
    number_of = {label: number for number, label in enumerate(classes)}
    if strange := [label for label in label_of.values() if label not in number_of]:
        expected = f"the classes of --data, {', '.join(classes):.200}"
        raise ValueError(f"{name} must have {expected}; got {strange[0]!r:.60}")
    numbers = np.array([number_of[label_of[value]] for value in labels.tolist()])[:, None]
    if len(classes) > 2 or output == "softmax":
        numbers = numbers == np.arange(len(classes))
    return told._replace(y=numbers.astype(float), classes=classes)


def _arrays(option: str, path: str) -> tuple[Array, Array]:
    """X and y of an .npz."""
    try:
        return data.load(path)
    except ValueError as error:  # which names the file
        raise ValueError(f"{option} {error}") from None


def _content(path: str) -> bytes:
    """All of a file, or of standard input."""
    if path != "-":
        with open(path, "rb") as file:
            return file.read()
    if sys.stdin is None:  # closed by the caller
        raise OSError("standard input is closed")
    return sys.stdin.buffer.read()
