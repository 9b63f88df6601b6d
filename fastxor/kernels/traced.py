"""Functions on `Lanes` in plain Python, which Numba need not compile.

They are called while a kernel is being written, with a `Value` in place of Lanes, whose operators
write its instructions. Numba would compile each of them in every process that compiles a kernel,
and for every number of lanes.
"""

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic

from fastxor.kernels.lanes import Lanes, as_lanes


class Value:
    """`Lanes` of a kernel that is being written. Numbers that it meets get its type."""

    def __init__(self, builder: Any, llvm: Any) -> None:
        self.builder, self.llvm = builder, llvm
        self.n, self.is_double = llvm.type.count, isinstance(llvm.type.element, ir.DoubleType)

    def of(self, llvm: Any) -> "Value":
        return Value(self.builder, llvm)

    def match(self, other: Any) -> Any:
        """``other``, a number or a `Value`, in LLVM's terms."""
        if isinstance(other, Value):
            return other.llvm
        return ir.Constant(self.llvm.type, [float(other)] * self.n)

    def __add__(self, other: Any) -> "Value":
        return self.of(self.builder.fadd(self.llvm, self.match(other)))

    def __radd__(self, other: Any) -> "Value":
        return self.of(self.builder.fadd(self.match(other), self.llvm))

    def __sub__(self, other: Any) -> "Value":
        return self.of(self.builder.fsub(self.llvm, self.match(other)))

    def __rsub__(self, other: Any) -> "Value":
        return self.of(self.builder.fsub(self.match(other), self.llvm))

    def __mul__(self, other: Any) -> "Value":
        return self.of(self.builder.fmul(self.llvm, self.match(other)))

    def __rmul__(self, other: Any) -> "Value":
        return self.of(self.builder.fmul(self.match(other), self.llvm))

    def __truediv__(self, other: Any) -> "Value":
        return self.of(self.builder.fdiv(self.llvm, self.match(other)))

    def __rtruediv__(self, other: Any) -> "Value":
        return self.of(self.builder.fdiv(self.match(other), self.llvm))


def traced(function: Callable[..., Value]) -> Any:
    """``function`` for jitted code.

    Of its arguments, Lanes and floats become `Value`, constants stay what they are, and integers
    that are known only when the kernel runs are LLVM's, for `by_code`.
    """

    def typed(*given: Any) -> Any:
        lanes = next(kind for kind in given if isinstance(kind, Lanes))
        for kind in given:  # a `Value` would count as true, whatever it is
            if isinstance(kind, types.Boolean) and not isinstance(kind, types.Literal):
                raise RequireLiteralValue(function.__name__)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            def given_as(value: Any, kind: Any) -> Any:
                if isinstance(kind, types.Literal):
                    return kind.literal_value
                if isinstance(kind, types.Integer):
                    return value
                return Value(builder, as_lanes(context, builder, value, kind, lanes))

            pairs = zip(args, sig.args, strict=True)
            return function(*(given_as(value, kind) for value, kind in pairs)).llvm

        return lanes(*given), codegen

    def one(tyctx, a):
        return typed(a)

    def two(tyctx, a, b):
        return typed(a, b)

    def three(tyctx, a, b, c):
        return typed(a, b, c)

    count = len(inspect.signature(function).parameters)
    return intrinsic(prefer_literal=True)((one, two, three)[count - 1])


def by_code(code: Any, cases: dict[int, Callable[[], Value]], otherwise: Value) -> Value:
    """What the case of a code gives; where the code is not known yet, the kernel will look."""
    if isinstance(code, int):
        return cases[code]() if code in cases else otherwise
    builder = otherwise.builder
    start = builder.basic_block
    end = builder.append_basic_block("end")
    switch, results = builder.switch(code, end), [(otherwise.llvm, start)]
    for number, case in cases.items():
        block = builder.append_basic_block("case")
        switch.add_case(number, block)
        builder.position_at_end(block)
        results.append((case().llvm, builder.basic_block))
        builder.branch(end)
    builder.position_at_end(end)
    result = builder.phi(otherwise.llvm.type)
    for value, block in results:
        result.add_incoming(value, block)
    return otherwise.of(result)
