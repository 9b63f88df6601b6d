"""``.npz`` files: written whole or not at all, and never with pickled objects."""

import os
import zipfile
import zlib

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.files import written_whole

# what np.load raises for files that are damaged or no .npz at all
DAMAGED = (
    ValueError, TypeError, KeyError, AttributeError, EOFError, OSError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays in the file; raises OSError, or ValueError where it is no such file."""
    with open(path, "rb") as raw:  # np.load would leave a damaged file open
        try:
            with np.load(raw, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except DAMAGED:
            raise ValueError(f"{os.fspath(path)} is no .npz file of plain arrays") from None


def write(path: str | os.PathLike[str], arrays: dict[str, Array]) -> None:
    """Write the arrays, in place of an older file only when that is done."""
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
