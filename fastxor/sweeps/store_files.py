"""The files of a store: a manifest, and a file for each part of the networks.

``manifest.json`` has the settings, the version of the contract and digests; it is written before
any part and never changed. ``settings.npz`` has the settings that are arrays.
``part-NUMBER-DIGEST.npy`` is an array of one NumPy record that holds the arrays of `Runs.state`
for consecutive networks; its name has the first digits of a SHA-256 of the manifest's digest, the
number and the file, so that no file of another store or place is taken for it.
``unfinished-...`` is the same, of networks whose training was interrupted.
"""

import contextlib
import errno
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor.common import npz
from fastxor.common.checks import Array
from fastxor.common.files import written_whole
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import compact
from fastxor.runs.fields import VARIED, varied, varied_in
from fastxor.runs.settings import Settings

MANIFEST, ARRAYS, LOCK = "manifest.json", "settings.npz", "lock"
PART, UNFINISHED = "part", "unfinished"
NAME = re.compile(r"(part|unfinished)-(\d{9})-([0-9a-f]{16})\.npy")


@dataclass(frozen=True, eq=False)
class Manifest:
    """What a store holds."""

    settings: Settings  # those that vary as arrays of one shape, broadcast
    architecture: Architecture
    problem: str  # see `Sweep`
    origin: str  # likewise
    part_size: int  # networks of a part
    digest: str = ""  # of the file, once there is one

    def write(self, folder: str) -> None:
        arrays = {name: compact(array) for name, array in varied(self.settings).items()}
        buffer = io.BytesIO()  # older NumPys leave a broken archive open where a disk is full
        np.savez(buffer, **arrays)
        data = buffer.getvalue()
        with written_whole(os.path.join(folder, ARRAYS)) as file:
            file.write(data)
        scalars = {k: v for k, v in vars(self.settings).items() if k not in VARIED}
        shape = self.settings.seed.shape
        entries = {
            "origin": self.origin, "problem": self.problem, "sizes": self.architecture.sizes,
            "shape": shape, "part_size": self.part_size, "settings": scalars,
            "arrays": sha256(data).hexdigest(),
        }  # fmt: skip
        digest = sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
        text = json.dumps({"digest": digest} | entries, indent=2) + "\n"
        with written_whole(os.path.join(folder, MANIFEST)) as file:
            file.write(text.encode())

    @classmethod
    def read(cls, folder: str) -> "Manifest":
        """Raises OSError where there is none, ValueError where it or its arrays are damaged."""
        path = os.path.join(folder, MANIFEST)
        with open(path, "rb") as file:
            text = file.read()
        try:
            entries = json.loads(text)
            digest = entries.pop("digest")
            if digest != sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest():
                raise ValueError("its digest is that of another text")
            sizes = entries["sizes"]
            shape = entries["shape"]
            path = os.path.join(folder, ARRAYS)
            with open(path, "rb") as file:
                digest_of_arrays = sha256(file.read()).hexdigest()
            if entries["arrays"] != digest_of_arrays:
                raise ValueError("its digest is that of another file")
            settings = Settings(**entries["settings"], **varied_in(npz.read(path), shape))
            architecture = settings.architecture(sizes[0], sizes[-1])
            return cls(settings, architecture, entries["problem"], entries["origin"],
                       entries["part_size"], digest)  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{path} is damaged or no part of a store: {error}") from None


def part_files(folder: str, kind: str) -> dict[int, str]:
    """The paths of parts, by number; raises ValueError for two of the same number."""
    paths: dict[int, str] = {}
    for name in sorted(os.listdir(folder)):
        match = NAME.fullmatch(name)
        if match and match[1] == kind:
            path = os.path.join(folder, name)
            if int(match[2]) in paths:
                raise ValueError(f"{path} is damaged, or {paths[int(match[2])]}: delete one")
            paths[int(match[2])] = path
    return paths


def write_part(folder: str, manifest: Manifest, kind: str, number: int, record: Array) -> str:
    """The path of the file, which is there when this returns."""
    buffer = io.BytesIO()
    np.save(buffer, record, allow_pickle=False)
    # let go of at the end, also where the disk is full: an exception would keep it, and with both
    # in its cycle, Python 3.12 and 3.13 crash when they collect them
    with buffer.getbuffer() as data:
        digest = _digest_of_part(manifest, number, [data])
        path = os.path.join(folder, f"{kind}-{number:09}-{digest}.npy")
        with written_whole(path) as file:
            file.write(data)
    return path


def read_part(
    path: str, manifest: Manifest, number: int, record_type: Any, check: bool = True
) -> Array:
    """The record (1,) in a file, not yet in memory but mapped to it.

    Raises OSError where it cannot be read, ValueError where it is damaged. ``check``: compare its
    digest, for which all is read once.
    """
    try:
        if check:
            with open(path, "rb") as file:
                digest = _digest_of_part(manifest, number, iter(lambda: file.read(2**20), b""))
            if not path.endswith(f"-{digest}.npy"):
                raise ValueError("its name has the digest of another file")
        record: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        if record.dtype != record_type or record.shape != (1,):
            raise ValueError("it holds other arrays")
        return record
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path} is damaged: {error}; without it, the same call of train_many trains its "
            "networks again"
        ) from None


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the folder against other calls; raises OSError if one of them holds it.

    Removes what killed processes have not finished writing.
    """
    mine, key = object(), os.path.realpath(folder)
    if _held.setdefault(key, mine) is not mine:
        raise BlockingIOError(f"store: another thread trains to {folder}")
    try:
        with _locked_file(folder):
            yield
    finally:
        _held.pop(key, None)


_held: dict[str, object] = {}  # folders that this process trains to, whose threads share its locks
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)  # the threads that hold them are not there


@contextlib.contextmanager
def _locked_file(folder: str) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows: other processes are not told
        yield
        return
    with open(os.path.join(folder, LOCK), "ab") as file:
        try:
            # a lock of the process, which those that it starts do not inherit
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise BlockingIOError(f"store: another process trains to {folder}") from None
            yield  # a file system without locks
            return
        for name in os.listdir(folder):
            if name.endswith(".tmp"):
                os.unlink(os.path.join(folder, name))
        yield


def _digest_of_part(manifest: Manifest, number: int, pieces: Iterable[Any]) -> str:
    digest = sha256(f"{manifest.digest} {number}\n".encode())
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()[:16]
