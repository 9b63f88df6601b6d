"""`Sweep`: a checked call of `train_many`; `Task`: a part of it, small enough to be sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.contract import CONTRACT
from fastxor.forks import not_forking
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import Networks, compact
from fastxor.networks.starting import randn_digest
from fastxor.runs.fields import Fields, fields_of, settings_at, varied
from fastxor.runs.reducing import Reduce
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data
from fastxor.runs.settings import Settings

PARTS = 64  # of a sweep, at least; unless each would take less or more, in seconds of one core:
SHORTEST, LONGEST = 0.25, 8.0  # it costs some milliseconds to be sent, received and written
# or in seconds here, with all threads, as those of a part wait for the last of them: some 15 ms
SHORTEST_HERE = 1.0
SHARE = 8  # networks of a part for each thread here, at least, so that all have work
LARGEST, PART_BYTES = 2**17, 64 * 2**20  # networks of a part, and bytes of their results
LANES = 128  # networks that kernels train side by side, or a part of it


@dataclass(frozen=True, eq=False)
class Sweep:
    """What `train_many` was asked for, checked."""

    data: Data
    start: Networks | None  # what networks start from, in the sweep's shape; None: their seeds
    settings: Settings  # those that vary as arrays of that shape, broadcast
    architecture: Architecture
    problem: str  # a digest of data and start
    reduce: Reduce | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.settings.seed.shape
        return shape

    @property
    def count(self) -> int:
        """Networks."""
        return prod(self.shape)

    @cached_property
    def fields(self) -> Fields:
        return fields_of(self.settings, self.architecture)

    def blank(self) -> Runs:
        return Runs.blank(self.settings, self.fields, self.architecture, self.problem)

    @cached_property
    def origin(self) -> str:
        """What decides bits beside the settings: the contract and, with randn, the C library."""
        if self.start is not None or self.settings.init != "randn":
            return f"contract {CONTRACT}"
        return f"contract {CONTRACT}, randn {randn_digest()}"

    def check_same(self, settings: Settings, problem: str, what: str) -> None:
        """Raise ValueError if ``what`` came from another call, with these settings."""
        for name, now in vars(self.settings).items():
            before = getattr(settings, name)
            if not _equal(before, now):
                raise ValueError(f"{what} must have the same {name}, got {before} and now {now}")
        if problem != self.problem:
            raise ValueError(f"{what} must have the same X, y, validation and initial, got others")

    def part_size(self, here: int = 0) -> int:
        """Networks of a part, for an executor or, if not 0, for so many threads ``here``."""
        parameters, itemsize = self.architecture.parameters, np.dtype(self.settings.dtype).itemsize
        seconds = 0.05e-9 * itemsize * self.data.mean * parameters * max(1, self.settings.epochs)
        shortest, longest = SHORTEST_HERE * here or SHORTEST, LONGEST * max(1, here)
        size = min(max(self.count / PARTS, shortest / seconds), longest / seconds, LARGEST)
        size = max(size, SHARE * here)
        size = min(size, PART_BYTES / record_type(self.fields, 1).itemsize)
        return max(1, int(size) // LANES * LANES or int(size))

    def parts(self, size: int) -> Iterator[tuple[int, range]]:
        """The number and the places of each part of ``size`` networks."""
        for number in range(-(-self.count // size)):
            yield number, range(number * size, min((number + 1) * size, self.count))

    def task(self, places: range, threads: int | None, before: Array | None = None) -> "Task":
        """To train the networks at ``places``, numbers in C order.

        ``before``: the record of what has been done, if they have begun.
        """
        settings = settings_at(self.settings, np.asarray(places))
        short: dict[str, Any] = {name: _short(a) for name, a in varied(settings).items()}
        start = None
        if self.start is not None and before is None:
            start = {
                name: _short(a) for name, a in self.start.take(np.asarray(places)).state.items()
            }
        return Task(
            self.data.at(np.asarray(places)).alone(), start, settings.changed(**short), len(places),
            self.fields, self.architecture, self.problem, self.origin, threads, before,
            self.reduce,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """Some networks of a `Sweep`; what is the same for all of them is there once."""

    data: Data
    start: dict[str, Array] | None
    settings: Settings
    count: int
    fields: Fields  # the sweep's, so that all parts have the same arrays
    architecture: Architecture
    problem: str
    origin: str
    threads: int | None
    before: Array | None
    reduce: Reduce | None = None

    def begin(self) -> tuple[Array, Runs]:
        """A record, and the runs in it, whose arrays it holds."""
        full: dict[str, Any] = {n: self._full(a) for n, a in varied(self.settings).items()}
        settings = self.settings.changed(**full)
        if self.before is not None:
            record = np.array(self.before)
        else:
            blank = Runs.blank(settings, self.fields, self.architecture, self.problem)
            record = record_of(blank, self.fields)
        return record, Runs.of_state(state_in(record), settings, self.architecture, self.problem)

    def train(self, runs: Runs, report: Callable[[float], None]) -> None:
        """Train ``runs``, from `begin`, to their ends, in place."""
        with not_forking:
            from fastxor.training.crew import Crew  # numba takes half a second to import

        start = None
        if self.start is not None:
            full = {n: self._full(a) for n, a in self.start.items()}
            start = Networks.of_state(full, self.architecture)
        Crew(self.data, start, runs, self.threads, self.reduce).run(report)

    def _full(self, array: Array) -> Array:
        return np.broadcast_to(array, (self.count, *array.shape[1:]))


def train_elsewhere(task: Task) -> Array:
    """The record of a task, trained in another process or on another machine.

    Raises RuntimeError where the bits would be others.
    """
    here = f"contract {CONTRACT}"
    if "randn" in task.origin:
        here += f", randn {randn_digest()}"
    if here != task.origin:
        raise RuntimeError(
            f"a worker would train to other bits ({here}) than this process ({task.origin}): it "
            "has another version of fastxor, or a C library that gives seeds other starting weights"
        )
    record, runs = task.begin()
    task.train(runs, lambda done: None)
    return record


def record_type(fields: Fields, count: int) -> Any:
    """A NumPy type that holds the state of so many networks, each array in one piece."""
    # the largest items first, so that all are aligned
    ordered = sorted(fields.items(), key=lambda field: -field[1][1].itemsize)
    try:
        return np.dtype([(name, dtype, (count, *own)) for name, (own, dtype) in ordered])
    except ValueError:  # NumPy's limit
        raise ValueError(
            "record_every must leave less than 2 GiB of a network's losses, with a store or an "
            f"executor, got {fields['losses'][0][0]:,} of them"
            if "losses" in fields
            else "a network must take less than 2 GiB, with a store or an executor"
        ) from None


def record_of(runs: Runs, fields: Fields) -> Array:
    """The state of ``runs`` (k,) as one record, (1,)."""
    record = np.zeros(1, record_type(fields, len(runs)))
    for name, array in runs.state.items():
        record[name][0] = array
    return record


def state_in(record: Array) -> dict[str, Array]:
    """The arrays in a record, see `Runs.state`; not copies."""
    return {name: record[name][0] for name in record.dtype.names or ()}


def _equal(a: Any, b: Any) -> bool:
    """Are settings the same, be they arrays or not?"""
    if isinstance(a, tuple) or isinstance(b, tuple):  # of a reduction, no array can be made
        return type(a) is type(b) and bool(a == b)
    if np.shape(a) != np.shape(b):
        return False
    a, b = np.broadcast_arrays(compact(a), compact(b))
    return np.array_equal(a, b)


def _short(array: Array) -> Array:
    """(k, ...) as (1, ...) where all rows are the same."""
    return array[:1].copy() if (array == array[:1]).all() else array
