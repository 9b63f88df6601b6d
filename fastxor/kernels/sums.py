"""Sums over samples, in the order of the contract: eight lanes, then halves onto halves."""

from fastxor.kernels.memory import one_after_another
from fastxor.kernels.traced import Value, builder, pick

LANES = 8  # of a sum over samples, whatever the machine (contract, 4)
BLOCK = 1024  # samples summed in lanes before the total is added up (contract, 4)


def accumulate(total: Value, value: Value) -> Value:
    """Add the samples of ``value`` to the n lanes of ``total``, sample j to lane j mod n."""
    for start in range(0, value.n, total.n):
        part = pick(value.llvm, list(range(start, start + total.n)))
        total = total + Value(part)
    return total


def fold(value: Value, n: int) -> Value:
    """Add halves onto halves in each group of ``n`` lanes.

    ((l0+l4)+(l2+l6))+((l1+l5)+(l3+l7)) for eight. Addition commutes, so adding each lane
    to its partner in the other half leaves the sum in every lane of the group: the next
    step needs no broadcast, which is 3 to 4 cycles shorter.
    """
    distance = n // 2
    while distance:
        value = value + value.picked([i ^ distance for i in range(value.n)])
        distance //= 2
    return value


def fold_samples(value: Value, n: int) -> Value:
    """The sums over samples that lie ``n`` lanes apart: halves onto halves."""
    result = value.llvm
    while result.type.count > n:
        half = result.type.count // 2
        low, high = list(range(half)), list(range(half, 2 * half))
        result = builder().fadd(pick(result, low), pick(result, high))
    return Value(result)


def fold_rows(value: Value, lanes: int) -> Value:
    """The folds of rows of ``lanes``, a power of two of them one after another: a lane each.

    The same sums as `fold`. Two rows share each addition, so that eight take 7 of them and 14
    shuffles where eight folds take 24 each, and what follows has eight numbers at once.
    """
    rows = [
        pick(value.llvm, list(range(start, start + lanes))) for start in range(0, value.n, lanes)
    ]
    half = lanes // 2
    while half:  # groups of 2 * half lanes, of one row each, become groups of half
        one, two = (rows[::2], rows[1::2]) if len(rows) > 1 else (rows, [None])
        both = range(2 * lanes if len(rows) > 1 else rows[0].type.count)
        low = [lane for lane in both if lane % (2 * half) < half]
        high = [lane + half for lane in low]
        rows = [
            builder().fadd(pick(a, low, b), pick(a, high, b)) for a, b in zip(one, two, strict=True)
        ]
        half //= 2
    return Value(one_after_another(rows))
