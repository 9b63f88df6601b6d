"""Sums over samples, in the order of the contract: eight lanes, then halves onto halves."""

from typing import Any

from numba.extending import intrinsic

from fastxor.kernels.lanes import Lanes, literal, pick
from fastxor.kernels.memory import one_after_another

LANES = 8  # of a sum over samples, whatever the machine (contract, 4)
BLOCK = 1024  # samples summed in lanes before the total is added up (contract, 4)


@intrinsic
def accumulate(tyctx, total, value):
    """Add the samples of ``value`` to the lanes of ``total``, sample j to lane j mod 8."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        result, n = args[0], total.n
        for start in range(0, value.n, n):
            part = pick(builder, args[1], list(range(start, start + n)))
            result = builder.fadd(result, part)
        return result

    return total(total, value), codegen


@intrinsic
def fold(tyctx, value, width):
    """Add halves onto halves in each group of ``width`` lanes (a constant).

    ((l0+l4)+(l2+l6))+((l1+l5)+(l3+l7)) for eight. Addition commutes, so adding each lane
    to its partner in the other half leaves the sum in every lane of the group: the next
    step needs no broadcast, which is 3 to 4 cycles shorter.
    """
    half = literal(width, "width") // 2

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        result, distance = args[0], half
        while distance:
            partners = pick(builder, result, [i ^ distance for i in range(value.n)])
            result = builder.fadd(result, partners)
            distance //= 2
        return result

    return value(value, width), codegen


@intrinsic
def fold_samples(tyctx, value, n):
    """The sums over samples that lie ``n`` lanes apart (a constant): halves onto halves."""
    lanes = Lanes(value.dtype, literal(n, "n"))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        result = args[0]
        while result.type.count > lanes.n:
            half = result.type.count // 2
            low, high = list(range(half)), list(range(half, 2 * half))
            result = builder.fadd(pick(builder, result, low), pick(builder, result, high))
        return result

    return lanes(value, n), codegen


@intrinsic
def fold_rows(tyctx, value, n):
    """The folds of rows of ``n`` lanes (a constant), a power of two of them one after another: a
    lane each.

    The same sums as `fold`. Two rows share each addition, so that eight take 7 of them and 14
    shuffles where eight folds take 24 each, and what follows has eight numbers at once.
    """
    size = literal(n, "n")
    result = Lanes(value.dtype, value.n // size)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rows = [
            pick(builder, args[0], list(range(start, start + size)))
            for start in range(0, value.n, size)
        ]
        half = size // 2
        while half:  # groups of 2 * half lanes, of one row each, become groups of half
            one, two = (rows[::2], rows[1::2]) if len(rows) > 1 else (rows, [None])
            lanes = range(2 * size if len(rows) > 1 else rows[0].type.count)
            low = [lane for lane in lanes if lane % (2 * half) < half]
            high = [lane + half for lane in low]
            rows = [
                builder.fadd(pick(builder, a, low, b), pick(builder, a, high, b))
                for a, b in zip(one, two, strict=True)
            ]
            half //= 2
        return one_after_another(builder, rows)

    return result(value, n), codegen
