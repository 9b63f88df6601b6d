"""Memory for `Lanes`: reading and writing several numbers at once.

Memory is a C-contiguous array or a `scratch` buffer, indexed in numbers; indices are not checked.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastxor.kernels.lanes import Lanes, everywhere, literal, pick

STACK_LIMIT = 32 * 1024  # bytes; a buffer above it is taken from the caller's memory


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
    """``n`` numbers from ``memory[index]`` on; n is a constant, or Lanes to be matched."""
    lanes = n if isinstance(n, Lanes) else Lanes(memory.dtype, literal(n, "n"))

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


@intrinsic
def store_apart(tyctx, memory, index, distance, value, n):
    """Write ``value`` in groups of ``n`` (a constant) that begin ``distance`` numbers apart."""
    size = literal(n, "n")

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        at = args[1]
        for start in range(0, value.n, size):
            group = pick(builder, args[3], list(range(start, start + size)))
            address = address_of(context, builder, memory, args[0], at)
            done = builder.store(group, builder.bitcast(address, group.type.as_pointer()))
            done.align = value.dtype.bitwidth // 8
            at = builder.add(at, args[2])
        return context.get_dummy_value()

    return types.void(memory, index, distance, value, n), codegen


@intrinsic
def load_each(tyctx, memory, index, distance, count, n):
    """``count`` numbers ``distance`` apart, each in ``n`` lanes (both constants)."""
    lanes = Lanes(memory.dtype, literal(count, "count") * literal(n, "n"))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        at, values = args[1], []
        for _ in range(count.literal_value):
            number = builder.load(address_of(context, builder, memory, args[0], at))
            values.append(everywhere(builder, number, n.literal_value))
            at = builder.add(at, args[2])
        return one_after_another(builder, values)

    return lanes(memory, index, distance, count, n), codegen


@intrinsic
def load_apart(tyctx, memory, index, distance, count, n, times):
    """``count`` groups of ``n`` numbers that begin ``distance`` apart, each group ``times`` times
    (all three constants)."""
    lanes = Lanes(memory.dtype, literal(count, "count") * literal(n, "n") * literal(times, "times"))
    group = Lanes(memory.dtype, n.literal_value)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        at, values = args[1], []
        kind = context.get_value_type(group).as_pointer()
        for _ in range(count.literal_value):
            address = address_of(context, builder, memory, args[0], at)
            value = builder.load(builder.bitcast(address, kind))
            value.align = group.dtype.bitwidth // 8
            values.append(pick(builder, value, list(range(group.n)) * times.literal_value))
            at = builder.add(at, args[2])
        return one_after_another(builder, values)

    return lanes(memory, index, distance, count, n, times), codegen


def one_after_another(builder: Any, values: list[Any]) -> Any:
    """Vectors, a power of two of them, as one."""
    while len(values) > 1:
        values = [
            pick(builder, a, list(range(2 * a.type.count)), b)
            for a, b in zip(values[::2], values[1::2], strict=True)
        ]
    return values[0]
