"""Files that are written whole or not at all."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from typing import IO

from fastxor.interrupts import interrupted_later


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to that gets the name ``path`` when all is on the disk, and only then.

    After an error, a kill or a power failure there is what was there before. Raises OSError, with
    the path.
    """
    path = os.path.realpath(path)  # a link stays a link
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe, or an error to be raised
        with open(path, "wb") as file:
            yield file
        return
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with contextlib.ExitStack() as stack:
            with interrupted_later():  # in a `with`, Ctrl-C right after `open` would leave it open
                file = stack.enter_context(open(temporary, "xb"))
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename in (None, temporary):
            raise OSError(error.errno, error.strerror, path) from None  # a full disk names no file
        raise
    with contextlib.suppress(OSError):  # not every system can, and then the name may be lost
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
