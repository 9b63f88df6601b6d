"""Memory of a kernel that is being written: reading and writing, several numbers at once."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir

from fastxor.kernels.control import loop
from fastxor.kernels.traced import Int, Scalar, Value, Whole, builder, everywhere, in_llvm, pick

STACK_LIMIT = 32 * 1024  # bytes; a buffer above it is taken from the caller's memory


class Memory:
    """A C-contiguous array or a `scratch` buffer, indexed in numbers; indices are not checked."""

    def __init__(self, llvm: Any, size: Whole | None = None) -> None:
        self.llvm = llvm
        self.size: Any = size  # of an array

    @property
    def dtype(self) -> Any:
        return self.llvm.type.pointee

    @property
    def itemsize(self) -> int:
        """Bytes of a floating-point number in it."""
        return _bytes(self.dtype)

    def at(self, index: Int, size: Whole | None = None) -> "Memory":
        """From there on."""
        return Memory(builder().gep(self.llvm, [in_llvm(index)]), size)

    def __getitem__(self, index: Int) -> Any:
        """A number by itself, a `Scalar` or `Whole`."""
        number = builder().load(self.at(index).llvm)
        return (Whole if isinstance(number.type, ir.IntType) else Scalar)(number)

    def set(self, index: Int, number: int | Scalar) -> None:
        builder().store(in_llvm(number), self.at(index).llvm)

    def _vectors(self, n: int) -> Any:
        return builder().bitcast(self.llvm, ir.VectorType(self.llvm.type.pointee, n).as_pointer())

    def load(self, index: Int, n: int) -> Value:
        """``n`` numbers from ``index`` on."""
        value = builder().load(self.at(index)._vectors(n))
        value.align = _bytes(value.type.element)  # any number may be the first of a vector
        return Value(value)

    def store(self, index: Int, value: Value) -> None:
        done = builder().store(value.llvm, self.at(index)._vectors(value.n))
        done.align = _bytes(value.llvm.type.element)

    def load_each(self, index: Int, distance: Int, count: int, n: int) -> Value:
        """``count`` numbers ``distance`` apart, each in ``n`` lanes."""
        numbers = [self[index + k * distance].llvm for k in range(count)]
        return Value(one_after_another([everywhere(number, n) for number in numbers]))

    def load_apart(self, index: Int, distance: Int, count: int, n: int, times: int = 1) -> Value:
        """``count`` groups of ``n`` numbers that begin ``distance`` apart, each ``times`` times."""
        groups = [self.load(index + k * distance, n) for k in range(count)]
        return Value(one_after_another([spread_value(group, n * times).llvm for group in groups]))

    def store_apart(self, index: Int, distance: Int, value: Value, n: int) -> None:
        """Groups of ``n`` numbers of ``value``, to places ``distance`` apart."""
        for k in range(value.n // n):
            group = pick(value.llvm, list(range(k * n, k * n + n)))
            self.store(index + k * distance, Value(group))


def _bytes(element: Any) -> int:
    return 8 if isinstance(element, ir.DoubleType) else 4


def spread_value(value: Value, n: int) -> Value:
    """Lanes repeated until they are ``n``."""
    return Value(pick(value.llvm, [i % value.n for i in range(n)]))


def scratch(work: Memory, offset: int, n: int) -> Memory:
    """``n`` uninitialised numbers of the dtype of ``work``.

    Few lie on the stack, where LLVM keeps them in registers if it can; more than
    `STACK_LIMIT` bytes lie in ``work`` from ``offset`` on. See `scratch_size`.
    """
    if scratch_size(n, _bytes(work.dtype)):
        return work.at(offset)
    # not cgutils.alloca_once: it fills with zeros, which LLVM takes a second to unpack
    with builder().goto_entry_block():
        memory = builder().alloca(ir.ArrayType(work.dtype, n))
    memory.align = 64
    return Memory(builder().bitcast(memory, work.dtype.as_pointer()))


def scratch_size(n: int, itemsize: int) -> int:
    """How many numbers of ``work`` a `scratch` of ``n`` numbers takes."""
    return n if n * itemsize > STACK_LIMIT else 0


def offsets(sizes: list[int], dtype: Any) -> list[int]:
    """Where in ``work`` each `scratch` begins, and at last the size of ``work``."""
    taken = (scratch_size(size, dtype().itemsize) for size in sizes)
    return list(itertools.accumulate(taken, initial=0))


def one_after_another(values: list[Any]) -> Any:
    """LLVM's vectors, a power of two of them, as one."""
    while len(values) > 1:
        values = [
            pick(a, list(range(2 * a.type.count)), b)
            for a, b in zip(values[::2], values[1::2], strict=True)
        ]
    return values[0]


# --- integers that a kernel is told ----------------------------------------------------------
def as_memory(head: Any, rows: Any) -> Any:
    """A `NamedTuple` of integers, and then some of another kind, as `integers` and `Rows` read."""
    return np.array([*head, *itertools.chain.from_iterable(rows)], np.int64)


def integers(memory: Memory, kind: Any) -> Any:
    """The integers there as a ``kind`` of `NamedTuple`."""
    return kind(*(memory[k] for k in range(len(kind._fields))))


class Rows:
    """The tuples of a ``kind`` after the one with which ``memory`` begins."""

    def __init__(self, memory: Memory, head: Any, kind: Any, known: dict[str, int]) -> None:
        """``known``: what some fields are in all of them."""
        self.memory, self.kind, self.known = memory.at(len(head._fields)), kind, known

    def __getitem__(self, row: Int) -> Any:
        found = integers(self.memory.at(row * len(self.kind._fields)), self.kind)
        return found._replace(**self.known)

    def range(self, first: Int, last: Int, step: int = 1) -> "Range":
        return Range(self, first, last, step)


class Range:
    """Some of them, to be looped over, as often as one likes."""

    def __init__(self, rows: Rows, first: Int, last: Int, step: int) -> None:
        self.rows, self.range = rows, (first, last, step)

    def __iter__(self) -> Iterator[Any]:
        for row in loop(*self.range):
            yield self.rows[row]
