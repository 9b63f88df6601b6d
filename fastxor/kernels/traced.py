"""Code for kernels in plain Python that Numba need not compile.

It is called once, while a kernel is being written, and writes LLVM's instructions: the operators of
`Value` and `Whole` stand for numbers that are known only when the kernel runs, those of `control`
for loops and conditions. What Python knows already, like the sizes of a network that a kernel is
made for, is not written at all.

Numba would type, lower and rewrite all of it in every process that compiles a kernel, and again for
every number of lanes, which takes several times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

from fastxor.kernels.lanes import everywhere, pick

I64 = ir.IntType(64)
NO_OVERFLOW = ("nsw",)  # of signed integers: LLVM may reckon with it
_builders: list[Any] = []  # of what is being written, the innermost last; one thread compiles


def builder() -> Any:
    """What writes the instructions."""
    return _builders[-1]


@contextmanager
def writing(with_builder: Any) -> Iterator[None]:
    _builders.append(with_builder)
    try:
        yield
    finally:
        _builders.pop()


# --- numbers ----------------------------------------------------------------------
class Unknown:
    """What is known only when the kernel runs: no Python of ours may decide by it."""

    def __bool__(self) -> bool:
        raise TypeError("known only when the kernel runs: see `when` and `either`")

    def __eq__(self, other: object) -> bool:
        raise TypeError("known only when the kernel runs: see `equal`")

    __hash__ = None  # type: ignore[assignment]


class Value(Unknown):
    """`Lanes` of a kernel that is being written. Numbers that it meets get its type."""

    def __init__(self, llvm: Any) -> None:
        self.llvm = llvm
        self.n, self.is_double = llvm.type.count, isinstance(llvm.type.element, ir.DoubleType)

    @staticmethod
    def full(number: float, dtype: Any, n: int) -> "Value":
        """``number`` in all lanes; ``dtype`` is NumPy's or LLVM's."""
        element = dtype
        if not isinstance(dtype, ir.Type):
            element = ir.DoubleType() if dtype().itemsize == 8 else ir.FloatType()
        return Value(ir.Constant(ir.VectorType(element, n), [number] * n))

    def picked(self, lanes: list[int]) -> "Value":
        """These of its lanes."""
        return Value(pick(builder(), self.llvm, lanes))

    def lane(self, i: int) -> "Value":
        return self.picked([i])

    def number(self, i: int) -> "Scalar":
        """That in one lane."""
        return Scalar(builder().extract_element(self.llvm, ir.IntType(32)(i)))

    def match(self, other: Any) -> Any:
        """``other``, a number or a `Value`, in LLVM's terms."""
        if isinstance(other, Value):
            return other.llvm
        if isinstance(other, Scalar):
            return everywhere(builder(), other.llvm, self.n)
        return ir.Constant(self.llvm.type, [float(other)] * self.n)

    def __add__(self, other: Any) -> "Value":
        return Value(builder().fadd(self.llvm, self.match(other)))

    def __radd__(self, other: Any) -> "Value":
        return Value(builder().fadd(self.match(other), self.llvm))

    def __sub__(self, other: Any) -> "Value":
        return Value(builder().fsub(self.llvm, self.match(other)))

    def __rsub__(self, other: Any) -> "Value":
        return Value(builder().fsub(self.match(other), self.llvm))

    def __mul__(self, other: Any) -> "Value":
        return Value(builder().fmul(self.llvm, self.match(other)))

    def __rmul__(self, other: Any) -> "Value":
        return Value(builder().fmul(self.match(other), self.llvm))

    def __truediv__(self, other: Any) -> "Value":
        return Value(builder().fdiv(self.llvm, self.match(other)))

    def __rtruediv__(self, other: Any) -> "Value":
        return Value(builder().fdiv(self.match(other), self.llvm))


class Scalar(Unknown):
    """A floating-point number of a kernel that is being written."""

    def __init__(self, llvm: Any) -> None:
        self.llvm = llvm


class Flag(Scalar):
    """A condition."""

    def __or__(self, other: "bool | Flag") -> "bool | Flag":
        if isinstance(other, bool):
            return other or self
        return Flag(builder().or_(self.llvm, other.llvm))

    __ror__ = __or__

    def __invert__(self) -> "Flag":
        return Flag(builder().not_(self.llvm))


class Whole(Scalar):
    """An integer, at least zero where it is divided."""

    def __add__(self, other: "Int") -> "Whole":
        return Whole(builder().add(self.llvm, in_llvm(other), flags=NO_OVERFLOW))

    def __sub__(self, other: "Int") -> "Whole":
        return Whole(builder().sub(self.llvm, in_llvm(other), flags=NO_OVERFLOW))

    def __rsub__(self, other: "Int") -> "Whole":
        return Whole(builder().sub(in_llvm(other), self.llvm, flags=NO_OVERFLOW))

    def __mul__(self, other: "Int") -> "Whole":
        return Whole(builder().mul(self.llvm, in_llvm(other), flags=NO_OVERFLOW))

    def __mod__(self, other: "Int") -> "Whole":
        return Whole(builder().urem(self.llvm, in_llvm(other)))

    def __floordiv__(self, other: "Int") -> "Whole":
        return Whole(builder().udiv(self.llvm, in_llvm(other)))

    def __and__(self, other: "Int") -> "Whole":
        return Whole(builder().and_(self.llvm, in_llvm(other)))

    def as_value(self, dtype: Any) -> Value:
        """The floating-point number, in one lane."""
        zero = Value.full(0, dtype, 1).llvm
        number = builder().sitofp(self.llvm, zero.type.element)
        return Value(builder().insert_element(zero, number, ir.IntType(32)(0)))

    def __lt__(self, other: "Int") -> Flag:
        return Flag(builder().icmp_signed("<", self.llvm, in_llvm(other)))

    def __ge__(self, other: "Int") -> Flag:
        return Flag(builder().icmp_signed(">=", self.llvm, in_llvm(other)))

    __radd__, __rmul__ = __add__, __mul__


Int: TypeAlias = int | Whole


def equal(one: Int, other: Int) -> bool | Flag:
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    return Flag(builder().icmp_signed("==", in_llvm(one), in_llvm(other)))


def in_llvm(number: Int) -> Any:
    return number.llvm if isinstance(number, Whole) else ir.Constant(I64, int(number))


class Variable:
    """A number that changes on the way."""

    def __init__(self, value: Any) -> None:
        self._kind = type(value)
        with builder().goto_entry_block():
            self._memory = builder().alloca(value.llvm.type)
        self.set(value)

    def set(self, value: Any) -> None:
        builder().store(value.llvm, self._memory)

    def get(self) -> Any:
        return self._kind(builder().load(self._memory))
