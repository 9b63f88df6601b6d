"""Loops and conditions of a kernel that is being written, see `traced`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from fastxor.kernels.traced import (
    I64,
    NO_OVERFLOW,
    Flag,
    Int,
    Scalar,
    Value,
    Whole,
    builder,
    in_llvm,
    loop_ends,
    truth,
)


def loop(first: Int, last: Int, step: int = 1) -> Iterator[Int]:
    """As `range`; what its body writes is written once."""
    if isinstance(first, int) and isinstance(last, int):
        numbers = range(first, last, step)
        if len(numbers) <= 1:
            with _leaving_to(None):
                yield from numbers
            return
    write, before = builder(), builder().basic_block
    head, body, end = (write.append_basic_block(name) for name in ("head", "body", "end"))
    write.branch(head)
    write.position_at_end(head)
    i = write.phi(I64)
    i.add_incoming(in_llvm(first), before)
    more = write.icmp_signed("<" if step > 0 else ">", i, in_llvm(last))
    write.cbranch(more, body, end)
    write.position_at_end(body)
    with _leaving_to(end):
        yield Whole(i)
    i.add_incoming(write.add(i, in_llvm(step), flags=NO_OVERFLOW), write.basic_block)
    write.branch(head)
    write.position_at_end(end)


def as_long_as(condition: Callable[[], Any]) -> Iterator[None]:
    """As `while`."""
    write = builder()
    head, end = (write.append_basic_block(name) for name in ("head", "end"))
    write.branch(head)
    write.position_at_end(head)
    with _leaving_to(end):
        leave_when(~condition())
        yield
    write.branch(head)
    write.position_at_end(end)


@contextmanager
def _leaving_to(end: Any) -> Iterator[None]:
    ends = loop_ends()
    ends.append(end)
    yield
    ends.pop()


def leave_when(condition: bool | Flag) -> None:
    """Leave the innermost loop there, as `break`."""
    if condition is False:
        return
    end = loop_ends()[-1]
    if end is None:
        raise TypeError("a loop of one round is written without a way out")
    go_on = builder().append_basic_block("go_on")
    builder().cbranch(_flag(condition), end, go_on)
    builder().position_at_end(go_on)


def when(condition: Any, then: Callable[..., None], *arguments: Any) -> None:
    """``then(*arguments)`` where a condition holds; an integer is one, too, as in Python."""
    if isinstance(condition, Scalar):
        with builder().if_then(_flag(condition)):
            then(*arguments)
    elif condition:
        then(*arguments)


def either(
    condition: Any, then: Callable[..., Any], otherwise: Callable[..., Any], *arguments: Any
) -> Any:
    """What the one or the other of two functions gives: nothing, a number, or several."""
    if not isinstance(condition, Scalar):
        return (then if condition else otherwise)(*arguments)
    results, ends = [], []
    with builder().if_else(_flag(condition)) as branches:
        for branch, function in zip(branches, (then, otherwise), strict=True):
            with branch:
                results.append(function(*arguments))
                ends.append(builder().basic_block)
    if results[0] is None:
        return None
    if isinstance(results[0], Value | Scalar):
        return _merged(*results, ends)
    return tuple(_merged(*pair, ends) for pair in zip(*results, strict=True))


def _merged(value: Any, other: Any, ends: list[Any]) -> Any:
    phi = builder().phi(value.llvm.type)
    phi.add_incoming(value.llvm, ends[0])
    phi.add_incoming(other.llvm, ends[1])
    return type(value)(phi)


def choose(condition: Any, value: Any, other: Any) -> Any:
    """One of two integers or of two things of another kind."""
    if not isinstance(condition, Scalar):
        return value if condition else other
    llvm = [in_llvm(one) if isinstance(one, int) else one.llvm for one in (value, other)]
    chosen = builder().select(_flag(condition), *llvm)
    return Whole(chosen) if isinstance(other, int) else type(other)(chosen)


def less(one: Int, other: Int) -> Flag:
    return Flag(builder().icmp_signed("<", in_llvm(one), in_llvm(other)))


def least(one: Int, other: Int) -> Int:
    """The lesser of two integers."""
    if isinstance(one, int) and isinstance(other, int):
        return min(one, other)
    return Whole(builder().select(less(one, other).llvm, in_llvm(one), in_llvm(other)))


def most(one: Int, other: Int) -> Int:
    """The greater of two integers."""
    if isinstance(one, int) and isinstance(other, int):
        return max(one, other)
    return Whole(builder().select(less(one, other).llvm, in_llvm(other), in_llvm(one)))


def _flag(condition: Any) -> Any:
    flag = truth(condition)
    return ir.IntType(1)(flag) if isinstance(flag, bool) else flag.llvm


def by_code(code: Int, cases: dict[int, Callable[[], Value]], otherwise: Value) -> Value:
    """What the case of a code gives; where the code is not known yet, the kernel will look."""
    if isinstance(code, int):
        return cases[code]() if code in cases else otherwise
    write, start = builder(), builder().basic_block
    end = write.append_basic_block("end")
    switch, results = write.switch(code.llvm, end), [(otherwise.llvm, start)]
    for number, case in cases.items():
        block = write.append_basic_block("case")
        switch.add_case(number, block)
        write.position_at_end(block)
        results.append((case().llvm, write.basic_block))
        write.branch(end)
    write.position_at_end(end)
    result = write.phi(otherwise.llvm.type)
    for value, block in results:
        result.add_incoming(value, block)
    return Value(result)


def opaque(number: Int) -> Whole:
    """The same, but LLVM does not know how large it may be.

    It would write out loops of up to eight rounds one after another, each with a way out: 64-32-10
    takes 1.1 times as long.
    """
    kind = ir.FunctionType(I64, [I64])
    return Whole(builder().asm(kind, "", "=r,0", [in_llvm(number)], False))
