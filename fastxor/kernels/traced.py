"""Kernels in plain Python: Numba compiles what they write.

It is called once, while a kernel is being written, and writes LLVM's instructions: the operators of
`Value` and `Whole` stand for numbers that are known only when the kernel runs, those of `control`
for loops and conditions. What Python knows already, like the sizes of a network that a kernel is
made for, is not written at all.

Numba would type, lower and rewrite all of it in every process that compiles a kernel, and again for
every number of lanes, which takes several times as long. And it would leave it to LLVM to find out
what goes into one vector, which fails for arrays this small: a loop over four samples is unrolled
before it is vectorised. Here the kernel says it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

I32, I64 = ir.IntType(32), ir.IntType(64)
NO_OVERFLOW = ("nsw",)  # of signed integers: LLVM may reckon with it
# what writes instructions, and where the loops around them end, the innermost last; one thread
# compiles
_writers: list[tuple[Any, list[Any]]] = []


def builder() -> Any:
    """What writes the instructions."""
    return _writers[-1][0]


def loop_ends() -> list[Any]:
    """Where one gets out of the loops around what is being written, the innermost last."""
    return _writers[-1][1]


@contextmanager
def writing(with_builder: Any) -> Iterator[None]:
    _writers.append((with_builder, []))
    try:
        yield
    finally:
        _writers.pop()


def pick(vector: Any, indices: list[int], other: Any = None) -> Any:
    """The lanes of one of LLVM's vectors, and after them those of another, at ``indices``."""
    mask = ir.Constant(ir.VectorType(I32, len(indices)), indices)
    if other is None:
        other = ir.Constant(vector.type, ir.Undefined)
    return builder().shuffle_vector(vector, other, mask)


def everywhere(scalar: Any, n: int) -> Any:
    """A vector of ``n`` lanes that all hold ``scalar``."""
    empty = ir.Constant(ir.VectorType(scalar.type, n), ir.Undefined)
    return pick(builder().insert_element(empty, scalar, I32(0)), [0] * n)


# --- numbers ----------------------------------------------------------------------
class Unknown:
    """What is known only when the kernel runs: no Python of ours may decide by it."""

    def __bool__(self) -> bool:
        raise TypeError("known only when the kernel runs: see `when` and `either`")

    def __eq__(self, other: object) -> bool:
        raise TypeError("known only when the kernel runs: see `equal`")

    __hash__ = None  # type: ignore[assignment]


class Value(Unknown):
    """Several floating-point numbers, its lanes, in one of LLVM's vectors.

    LLVM splits or widens it to the registers of the machine (one of AVX-512, two of AVX2, four of
    SSE2 or NEON for eight float64) without any change to a bit: arithmetic is IEEE-754's, and no
    instruction carries a fast-math flag. Numbers that it meets get its type.
    """

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
        return Value(pick(self.llvm, lanes))

    def lane(self, i: int) -> "Value":
        return self.picked([i])

    def match(self, other: Any) -> Any:
        """``other``, a number or a `Value`, in LLVM's terms; of one lane it is for all."""
        if isinstance(other, Value):
            if other.n == 1 < self.n:
                return pick(other.llvm, [0] * self.n)
            return other.llvm
        if isinstance(other, Scalar):
            return everywhere(other.llvm, self.n)
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

    def __and__(self, other: "bool | Flag") -> "bool | Flag":
        if isinstance(other, bool):
            return other and self
        return Flag(builder().and_(self.llvm, other.llvm))

    def __invert__(self) -> "Flag":
        return Flag(builder().not_(self.llvm))

    __ror__, __rand__ = __or__, __and__


def _operator(instruction: str, **settings: Any) -> Any:
    def write(self: "Whole", other: "Int") -> "Whole":
        return Whole(getattr(builder(), instruction)(self.llvm, in_llvm(other), **settings))

    return write


def _comparison(operator: str) -> Any:
    def write(self: "Whole", other: "Int") -> Flag:
        return Flag(builder().icmp_signed(operator, self.llvm, in_llvm(other)))

    return write


class Whole(Scalar):
    """An integer, at least zero where it is divided."""

    __add__, __sub__, __mul__ = (_operator(op, flags=NO_OVERFLOW) for op in ("add", "sub", "mul"))
    __floordiv__, __mod__, __and__ = (_operator(op) for op in ("udiv", "urem", "and_"))
    __or__, __xor__, __rshift__ = (_operator(op) for op in ("or_", "xor", "lshr"))
    __lt__, __gt__, __ge__ = (_comparison(op) for op in ("<", ">", ">="))
    __radd__, __rmul__ = __add__, __mul__

    def __rlshift__(self, other: int) -> "Whole":
        return Whole(builder().shl(I64(other), self.llvm))

    def __rsub__(self, other: int) -> "Whole":
        return Whole(I64(other)) - self

    def bits_as_value(self, dtype: Any) -> Value:
        """The float64 number that has these bits, in one lane."""
        zero, number = Value.full(0, dtype, 1).llvm, builder().bitcast(self.llvm, ir.DoubleType())
        if zero.type.element != number.type:
            number = builder().fptrunc(number, zero.type.element)
        return Value(builder().insert_element(zero, number, I32(0)))

    def as_value(self, dtype: Any) -> Value:
        """The floating-point number, in one lane."""
        zero = Value.full(0, dtype, 1).llvm
        number = builder().sitofp(self.llvm, zero.type.element)
        return Value(builder().insert_element(zero, number, I32(0)))


Int: TypeAlias = int | Whole


def equal(one: Int, other: Int) -> bool | Flag:
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    return Flag(builder().icmp_signed("==", in_llvm(one), in_llvm(other)))


def truth(condition: Int | Flag) -> bool | Flag:
    """As Python's `bool`: zero is false."""
    if isinstance(condition, int | Flag):
        return condition if isinstance(condition, Flag) else bool(condition)
    return Flag(builder().icmp_signed("!=", condition.llvm, I64(0)))


def in_llvm(number: Any) -> Any:
    return I64(int(number)) if isinstance(number, int) else number.llvm


class Variable:
    """A number that changes on the way."""

    def __init__(self, value: Any) -> None:
        value = Whole(I64(value)) if isinstance(value, int) else value
        self._kind = type(value)
        with builder().goto_entry_block():
            self._memory = builder().alloca(value.llvm.type)
        self.set(value)

    def set(self, value: Any) -> None:
        builder().store(in_llvm(value), self._memory)

    def get(self) -> Any:
        return self._kind(builder().load(self._memory))
