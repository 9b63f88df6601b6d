"""Memory: reading and writing several numbers at once, in traced and in jitted code.

Memory is a C-contiguous array or a `scratch` buffer, indexed in numbers; indices are not checked.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastxor.kernels.lanes import Lanes, everywhere, literal, pick
from fastxor.kernels.traced import Int, Scalar, Value, Whole, builder, in_llvm

STACK_LIMIT = 32 * 1024  # bytes; a buffer above it is taken from the caller's memory


class Memory:
    """Memory of a kernel that is being written."""

    def __init__(self, llvm: Any) -> None:
        self.llvm = llvm

    @property
    def dtype(self) -> Any:
        return self.llvm.type.pointee

    def at(self, index: Int) -> "Memory":
        """From there on."""
        return Memory(builder().gep(self.llvm, [in_llvm(index)]))

    def __getitem__(self, index: Int) -> Any:
        """A number by itself, a `Scalar` or `Whole`."""
        number = builder().load(self.at(index).llvm)
        return (Whole if isinstance(number.type, ir.IntType) else Scalar)(number)

    def set(self, index: Int, number: Scalar) -> None:
        builder().store(number.llvm, self.at(index).llvm)

    def put(self, index: Int, number: Int) -> None:
        """Write an integer, for other threads to see."""
        builder().store_atomic(in_llvm(number), self.at(index).llvm, "release", 8)

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
        return _joined([everywhere(builder(), number, n) for number in numbers])

    def load_apart(self, index: Int, distance: Int, count: int, n: int, times: int = 1) -> Value:
        """``count`` groups of ``n`` numbers that begin ``distance`` apart, each ``times`` times."""
        groups = [self.load(index + k * distance, n) for k in range(count)]
        return _joined([spread_value(group, n * times).llvm for group in groups])

    def store_apart(self, index: Int, distance: Int, value: Value, n: int) -> None:
        """Groups of ``n`` numbers of ``value``, to places ``distance`` apart."""
        for k in range(value.n // n):
            group = pick(builder(), value.llvm, list(range(k * n, k * n + n)))
            self.store(index + k * distance, Value(group))


def _bytes(element: Any) -> int:
    return 8 if isinstance(element, ir.DoubleType) else 4


def _joined(vectors: list[Any]) -> Value:
    return Value(one_after_another(builder(), vectors))


def spread_value(value: Value, n: int) -> Value:
    """Lanes repeated until they are ``n``."""
    return Value(pick(builder(), value.llvm, [i % value.n for i in range(n)]))


# --- for jitted code --------------------------------------------------------------
def address_of(context: Any, builder: Any, kind: Any, memory: Any, index: Any) -> Any:
    if not isinstance(kind, types.CPointer):
        memory = context.make_array(kind)(context, builder, memory).data
    return builder.gep(memory, [index])


@intrinsic
def pointer(tyctx, array, index):
    """The memory of an array from ``index`` on, as `load` takes it, without reference counts."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return address_of(context, builder, array, *args)

    return types.CPointer(array.dtype)(array, index), codegen


@intrinsic
def load(tyctx, memory, index, n):
    """``n`` numbers from ``memory[index]`` on; n is a constant."""
    lanes = Lanes(memory.dtype, literal(n, "n"))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, memory, args[0], args[1])
        value = builder.load(builder.bitcast(address, context.get_value_type(lanes).as_pointer()))
        value.align = lanes.dtype.bitwidth // 8  # any number may be the first of a vector
        return value

    return lanes(memory, index, n), codegen


@intrinsic
def store(tyctx, memory, index, value):
    """Write ``value`` to ``memory[index]`` and the places after it."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = address_of(context, builder, memory, args[0], args[1])
        done = builder.store(args[2], builder.bitcast(address, args[2].type.as_pointer()))
        done.align = value.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(memory, index, value), codegen


@intrinsic
def scratch(tyctx, work, offset, n):
    """``n`` uninitialised numbers (a constant) of the dtype of the array ``work``.

    Few lie on the stack, where LLVM keeps them in registers if it can; more than
    `STACK_LIMIT` bytes lie in ``work`` from ``offset`` on. See `scratch_size`.
    """
    on_stack = scratch_size(literal(n, "n"), work.dtype.bitwidth // 8) == 0

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if not on_stack:
            return address_of(context, builder, work, args[0], args[1])
        element = context.get_value_type(work.dtype)
        # not cgutils.alloca_once: it fills with zeros, which LLVM takes a second to unpack
        with builder.goto_entry_block():
            memory = builder.alloca(ir.ArrayType(element, n.literal_value))
        memory.align = 64
        return builder.bitcast(memory, element.as_pointer())

    return types.CPointer(work.dtype)(work, offset, n), codegen


def scratch_size(n: int, itemsize: int) -> int:
    """How many numbers of ``work`` a `scratch` of ``n`` numbers takes."""
    return n if n * itemsize > STACK_LIMIT else 0


def one_after_another(builder: Any, values: list[Any]) -> Any:
    """Vectors, a power of two of them, as one."""
    while len(values) > 1:
        values = [
            pick(builder, a, list(range(2 * a.type.count)), b)
            for a, b in zip(values[::2], values[1::2], strict=True)
        ]
    return values[0]
