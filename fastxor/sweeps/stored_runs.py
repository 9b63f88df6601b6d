"""`StoredRuns`: what `train_many(..., store=FOLDER)` returns and `StoredRuns(FOLDER)` opens."""

import os
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.html import table
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import own_dimensions
from fastxor.runs.fields import RESULTS, blank_array, fields_of, networks_in, settings_at
from fastxor.runs.runs import Runs
from fastxor.sweeps import store_files as files
from fastxor.sweeps.sweep import record_type, state_in


class StoredRuns(Runs):
    """`Runs` in a folder on disk, of which no more is read than what is asked for.

    ``runs[i, j]`` and ``runs[3:5]`` read the parts in which these networks are; ``runs[...]`` is
    all of them, as `Runs` in memory. ``runs.final_loss``, ``runs.networks`` and all other arrays
    are read from all parts, each time that they are asked for; `parts` goes through the parts one
    by one. What is not trained yet, after an interruption, is as in `Runs`.

    Opening one raises OSError where there is none, ValueError that names the file where one is
    damaged; so does reading: each part is compared with its digest when it is first read.
    """

    def __init__(self, folder: str | os.PathLike[str], *, checked: Iterable[int] = ()) -> None:
        """``checked``: numbers of parts that the caller has just written or compared."""
        self.folder = os.path.abspath(folder)
        self._manifest = files.Manifest.read(self.folder)
        self.settings, self.problem = self._manifest.settings, self._manifest.problem
        self._fields = fields_of(self.settings, self.architecture)
        self._paths = files.part_files(self.folder, files.PART)
        self._checked = set(checked)

    def __repr__(self) -> str:
        count = -(-prod(self.shape) // self._manifest.part_size)
        return (
            f"<StoredRuns of shape {self.shape} in {self.folder}, "
            f"{len(self._paths):,} of {count:,} parts>"
        )

    def _repr_html_(self) -> str:
        """Without reading any part."""
        rows = {
            "folder": self.folder, "shape": self.shape, "layers": self.architecture,
            "dtype": self.settings.dtype, "done": f"{self.finished:,} of {prod(self.shape):,}",
        }  # fmt: skip
        return table("StoredRuns", rows)

    def __getattr__(self, name: str) -> Any:
        """The arrays of `Runs`, which are not attributes here."""
        if name == "networks":
            state = {n: self._gathered(n) for n in self._fields if n not in RESULTS}
            return networks_in(state, self.settings, self.architecture)
        if name in RESULTS:
            return self._gathered(name) if name in self._fields else None
        raise AttributeError(f"StoredRuns has no attribute {name}")

    @property
    def architecture(self) -> Architecture:
        """Of all networks, without reading any."""
        return self._manifest.architecture

    @property
    def finished(self) -> int:
        """How many networks are done, without reading any."""
        return sum(len(self._places(number)) for number in self._paths)

    def take(self, places: Any) -> Runs:
        """A copy in memory of those at ``places``, numbers in C order."""
        settings = settings_at(self.settings, places)
        runs = Runs.blank(settings, self._fields, self.architecture, self.problem)
        flat = np.ravel(places)
        numbers = flat // self._manifest.part_size
        for number in np.unique(numbers):
            if number in self._paths:
                here = np.flatnonzero(numbers == number)
                inside = flat[here] - number * self._manifest.part_size
                runs.put(here, {n: array[inside] for n, array in self._state(number).items()})
        return runs

    def parts(self) -> Iterator[Runs]:
        """The parts that there are, one after another: `Runs` of shape (k,), mapped to files."""
        for number in self._paths:
            yield Runs.of_state(
                self._state(number),
                settings_at(self.settings, np.asarray(self._places(number))),
                self.architecture,
                self.problem,
            )

    def _gathered(self, name: str) -> Array:
        array = blank_array(name, self._fields, self.shape)
        lead = array.ndim - own_dimensions(name)
        flat = array.reshape(-1, *array.shape[lead:])
        for number in self._paths:
            places = self._places(number)
            flat[places.start : places.stop] = self._state(number)[name]
        return array

    def _places(self, number: int) -> range:
        size, count = self._manifest.part_size, prod(self.shape)
        return range(number * size, min((number + 1) * size, count))

    def _state(self, number: int) -> dict[str, Array]:
        """The arrays of a part, mapped to its file."""
        path, count = self._paths[number], len(self._places(number))
        kind, check = record_type(self._fields, count), number not in self._checked
        record = files.read_part(path, self._manifest, number, kind, check)
        self._checked.add(number)
        return state_in(record)
