"""Compiled kernels on disk: a file for each, which is loaded whole and undamaged or not at all.

Numba's own cache has a file of entries for each function, and one for each entry's code; a byte
that is wrong in the first ends in an exception in every later process, one in the second may be
run. Here a file begins with a digest of its name and of all that follows, which is compared before
anything else is done with it. What is damaged is compiled anew and replaced.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
import pickle
import pkgutil
import sys
import uuid
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import llvmlite
import numba
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from fastxor.forks import not_forking

DIGEST = sha256().digest_size
# Numba's settings that change code, beside those for the processor
OPTIMISATION = (
    "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS",
    "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "EXTEND_VARIABLE_LIFETIMES", "ENABLE_PROFILING",
)  # fmt: skip


class KernelFile(NullCache):
    """The cache of a `numba.njit` function that is compiled for one signature.

    ``name`` tells it from all others, but for what `fingerprint` tells.
    """

    def __init__(self, name: str) -> None:
        self.name = f"{name}-{fingerprint()}.kernel"

    @property
    def exists(self) -> bool:
        """Is there such a file, whatever it holds?"""
        return any(os.path.exists(os.path.join(folder, self.name)) for folder in _folders())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled before, or None."""
        target_context.refresh()  # as Numba's own cache does
        for folder in _folders():
            # whatever is wrong with a file, compiling anew mends it
            with contextlib.suppress(Exception):
                with open(os.path.join(folder, self.name), "rb") as file:
                    digest, data = file.read(DIGEST), file.read()
                if digest == self._digest(data):
                    return CompileResult._rebuild(target_context, *pickle.loads(data))
        return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep what was compiled, where there is room for it."""
        if cres.library.has_dynamic_globals:  # addresses in it, if it is not optimised
            return
        data = dumps(cres._reduce())
        for folder in _folders():
            with contextlib.suppress(OSError):
                os.makedirs(folder, exist_ok=True)
                _write(os.path.join(folder, self.name), self._digest(data) + data)
                return

    def _digest(self, data: bytes) -> bytes:
        return sha256(self.name.encode() + data).digest()


def _write(path: str, data: bytes) -> None:
    """Other processes see the whole file or none."""
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _folders() -> Iterator[str]:
    """Where kernels may be, the best place first; nowhere if the sources are not to be seen."""
    if fingerprint() is None:
        return
    if numba.config.CACHE_DIR:  # type: ignore[attr-defined]
        yield os.path.join(numba.config.CACHE_DIR, "fastxor")  # type: ignore[attr-defined]
    here = os.path.dirname(__file__)
    if os.path.isdir(here):  # not in a zip
        yield os.path.join(here, "__pycache__")
    yield AppDirs(appname="fastxor", appauthor=False).user_cache_dir


@cache
def fingerprint() -> str | None:
    """A digest of what kernels are made from and by.

    Of this wing's modules, whatever they are imported from, of the versions of what compiles
    them, of the processor and of the compiler's settings. None where no modules can be read.
    """
    with not_forking:  # Numba has a lock of its own while it makes its target
        processor = cpu_target.target_context.codegen().magic_tuple()
    made_by = (
        importlib.machinery.EXTENSION_SUFFIXES[0],  # Python, its version and ABI, and the system
        numba.__version__, llvmlite.__version__, processor,
        *(repr(getattr(numba.config, name, None)) for name in OPTIMISATION),
    )  # fmt: skip
    digest = sha256(repr(made_by).encode())
    try:
        for module in pkgutil.iter_modules(sys.modules[__package__].__path__):
            spec: Any = importlib.util.find_spec(f"{__package__}.{module.name}")
            source = spec.loader.get_data(spec.origin)
            digest.update(f"{module.name} {len(source)}\n".encode() + source)
    except (OSError, AttributeError):
        return None
    return digest.hexdigest()[:16]
