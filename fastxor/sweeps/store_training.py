"""Training to a store: what is there already is left, and what is missing is added."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import Executor

from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.progress import progress_bar
from fastxor.runs.run import Interrupted
from fastxor.sweeps import store_files as files
from fastxor.sweeps.parts import train_parts
from fastxor.sweeps.stored_runs import StoredRuns
from fastxor.sweeps.sweep import Sweep, record_type


def train_stored(
    sweep: Sweep, folder: str, executor: Executor | None, threads: int | None, progress: bool
) -> StoredRuns:
    """Train what is missing in ``folder``, which need not be there yet."""
    if not _is_new(folder):
        parts = PartsOnDisk(sweep, folder)
        parts.check()
        if parts.done == sweep.count:
            return StoredRuns(folder, checked=parts.checked)  # nothing to write
    os.makedirs(folder, exist_ok=True)
    try:
        with files.locked(folder):
            if _is_new(folder):
                _begin(sweep, folder, executor, threads)
            parts = PartsOnDisk(sweep, folder)  # again: another process may have added some
            with progress_bar(sweep.count, progress, "networks") as report:
                train_parts(sweep, parts, executor, threads, report)
    except KeyboardInterrupt:
        if _is_new(folder):
            raise
        raise Interrupted(StoredRuns(folder)) from None
    return StoredRuns(folder, checked=parts.checked)


def _is_new(folder: str) -> bool:
    """Is there no store? Raises ValueError or OSError where none can be."""
    if not os.path.lexists(folder):
        return True
    names = set(os.listdir(folder))
    if files.MANIFEST in names:
        return False
    # what is there if a process was killed before the manifest was written
    others = [n for n in sorted(names - {files.LOCK, files.ARRAYS}) if not n.endswith(".tmp")]
    if others:
        raise ValueError(
            f"store must be a new or empty folder, or one with a {files.MANIFEST}, got {folder} "
            f"with {others[0]}"
        )
    return True


def _begin(sweep: Sweep, folder: str, executor: Executor | None, threads: int | None) -> None:
    here = 0 if executor is not None else threads or cores()
    files.Manifest(
        sweep.settings, sweep.architecture, sweep.problem, sweep.origin, sweep.part_size(here)
    ).write(folder)


class PartsOnDisk:
    """Parts of a sweep in a folder with a manifest.

    Raises OSError where that cannot be read, ValueError where it is damaged or of another call.
    """

    def __init__(self, sweep: Sweep, folder: str) -> None:
        self.sweep, self.folder = sweep, folder
        self.manifest = manifest = files.Manifest.read(folder)
        path = os.path.join(folder, files.MANIFEST)
        sweep.check_same(manifest.settings, manifest.problem, path)
        # what the first version could train has the same bits in the second
        if re.sub(r"^contract 1\b", "contract 2", manifest.origin) != sweep.origin:
            raise ValueError(
                f"{path} must be of the same origin, as bits depend on it, got {manifest.origin} "
                f"and now {sweep.origin}; choose another folder"
            )
        self.size = manifest.part_size
        self.finished = files.part_files(folder, files.PART)
        self.unfinished = files.part_files(folder, files.UNFINISHED)
        self.checked: set[int] = set()  # of these, those that were compared or written here
        numbers = self.finished.keys()
        self.done = sum(len(places) for n, places in sweep.parts(self.size) if n in numbers)

    def check(self) -> None:
        """Read all that is there, and compare it with its digests."""
        for number, places in self.sweep.parts(self.size):
            for paths in (self.finished, self.unfinished):
                if number in paths:
                    self._read(paths[number], number, places)
            if number in self.finished:
                self.checked.add(number)

    def _read(self, path: str, number: int, places: range) -> Array:
        kind = record_type(self.sweep.fields, len(places))
        return files.read_part(path, self.manifest, number, kind)

    def _write(self, kind: str, number: int, record: Array) -> str:
        return files.write_part(self.folder, self.manifest, kind, number, record)

    def missing(self) -> Iterator[tuple[int, range, Array | None]]:
        for number, places in self.sweep.parts(self.size):
            if number in self.finished:
                self._forget(number)  # a process was killed before it did
                continue
            path = self.unfinished.get(number)
            yield number, places, None if path is None else self._read(path, number, places)

    def put(self, number: int, record: Array) -> None:
        self.finished[number] = self._write(files.PART, number, record)
        self.checked.add(number)
        self._forget(number)

    def keep(self, number: int, record: Array) -> None:
        # interrupted after all, it may be finished
        if record["epochs_done"].any() and number not in files.part_files(self.folder, files.PART):
            before = self.unfinished.get(number)
            path = self._write(files.UNFINISHED, number, record)
            if path != before:
                self._forget(number)
            self.unfinished[number] = path

    def _forget(self, number: int) -> None:
        """What was kept of a part before."""
        if number in self.unfinished:
            os.unlink(self.unfinished.pop(number))
