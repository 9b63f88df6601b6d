"""Compiling a kernel, or loading it from disk."""

from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit, types

from fastxor.forks import not_forking
from fastxor.interrupts import interrupted_later
from fastxor.kernels.faster import can_compile
from fastxor.kernels.kernel_files import KernelFile

# error_model: a plain division, no test for zero. nogil: callers may use threads. Never
# fastmath, never parallel: the first changes bits, the second aborts after a fork.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


# what `position` holds, see `choice`
DONE, CLAIMED, FINISHED, UPDATED, MISSED, SOLVED, QUIT = range(7)
HELD_OUT, EVERY, PATIENCE, BEFORE, BEST, RAN_OUT = range(7, 13)
POSITIONS = 13
PLAIN, MOMENTUM, NESTEROV, ADAM = range(4)  # rules of updates
OFF, WATCH, STOP = range(3)  # what a kernel does about epochs in which all samples are solved
ALONE, BLOCKS, PAIR = range(3)  # a thread, several that share blocks of batches, or two, halves


class Wanted(NamedTuple):
    """What a kernel is asked to do around the layers' arithmetic."""

    log_loss: bool = False
    rule: int = PLAIN  # of updates
    l2: bool = False  # is there any?
    mean: bool = False  # are gradients means over the samples of a batch?
    penalty: bool = False  # is it to be noted down?
    layered: bool = False  # have layers their own learning rates?
    weighted: bool = False  # have samples weights?
    scheduled: bool = False  # do learning rates change?
    validated: bool = False  # are samples held out?
    endless: bool = False  # is a network trained on that has left the finite numbers?
    own: bool = False  # has each of many networks samples of its own? then these have weights
    watch: int = OFF  # what to do about epochs in which all samples are solved


# of each layer: inputs, units, name of its function, has it biases, and its scale
Layers: TypeAlias = tuple[tuple[int, int, str, bool, float], ...]


def carried_by(rule: int, size: int) -> int:
    """How many numbers go on from update to update: velocities; or means, squares and decays."""
    return (0, size, size, 2 * size + 2)[rule]


class Code:
    """The machine code of a kernel: not there at first, then loaded from disk, or compiled.

    A letter of ``arguments`` stands for one: V for an array of the dtype, T for a number of it, I
    for an array of integers, i for an integer. Arrays are flat. ``key`` is all else that the code
    depends on.
    """

    def __init__(self, kernel: Any, arguments: str, dtype: Any, *key: Any) -> None:
        self.name = (
            f"{key[0]}-{sha256(repr((*key, np.dtype(dtype).name)).encode()).hexdigest()[:16]}"
        )
        kernel.__qualname__ = self.name.replace("-", "_")  # the name of its code, in Numba's memory
        T = types.float64 if dtype is np.float64 else types.float32
        kinds = {
            "V": types.Array(T, 1, "C"), "T": T, "I": types.Array(types.int64, 1, "C"),
            "i": types.int64,
        }  # fmt: skip
        self._kernel, self._file = kernel, KernelFile(self.name)
        self._signature = types.void(*(kinds[letter] for letter in arguments))
        self._made: Any = None

    @property
    def run(self) -> Any:
        """The kernel, to be called; made where it is not there."""
        self.make()
        return self._made

    @property
    def is_on_disk(self) -> bool:
        """Was it compiled before? Then it is here in milliseconds, see `kernel_files`."""
        return self._file.exists

    def make(self) -> None:
        """Load or compile it, where it is not there."""
        if self._made is not None:
            return
        if not can_compile():
            raise RuntimeError("fastxor needs Numba's compiler: unset NUMBA_DISABLE_JIT")
        # one at a time; an exception in what LLVM calls back would be lost
        with not_forking, interrupted_later():
            if self._made is None:
                dispatcher = njit(**OPTIONS)(self._kernel)
                dispatcher._cache = self._file
                dispatcher.compile(self._signature)
                dispatcher.disable_compile()
                self._made = dispatcher


class Kernel(NamedTuple):
    """A kernel and what it needs to run."""

    code: Code  # its arguments: see `choice`
    numbers: Any  # of the network and its batches, for the general form
    sharing: int  # `ALONE`, `BLOCKS` or `PAIR`
    chunk: int  # samples of a batch between two places where it can stop
    width: int  # samples in one value: up to so many are read beyond the last one
    size: int  # of the parameters
    carried: int  # numbers of what goes on from update to update, see `carried_by`
    places: Any  # where each number of W1, b1, ..., WL, bL is among them
    totals: int  # sums over the samples of a batch
    work: int  # numbers of working memory, to be kept as it is between calls
