"""The contract's functions in C99, without a library.

Each has the order of operations of `contract.functions`, and its constants. What is not written as
there: the nearest integer is what is left after adding 1.5 * 2**52 (1.5 * 2**23), and the same sum
has it in its last bits, from where it becomes an exponent. It may be 0.0 where there it is -0.0,
which reaches but r, and of that no result. NaN stays NaN on the way, without undefined behaviour.
"""

import re
from fractions import Fraction
from string import Template
from typing import Any

import numpy as np

from fastxor.contract.functions import LN2, RANGE

SUMS = """
/* The sums of a layer: z = b + x W in the order of the inputs, from x[0] W where b is NULL. */
static void ${name}_sums(
    int inputs, int units, const $T *x, const $T *W, const $T *b, $T *z)
{
    for (int u = 0; u < units; u++)
        z[u] = b ? b[u] + x[0] * W[u] : x[0] * W[u];
    for (int i = 1; i < inputs; i++) {
        W += units;
        for (int u = 0; u < units; u++)
            z[u] = z[u] + x[i] * W[u];
    }
}
"""
REDUCED = """
/* r and power = 2**k, with x = k * ln(2) + r for an integer k: exp(x) is power * exp(r), and exp(r)
   is (even + odd) / (even - odd), a Pade approximant. ln(2) is split in two. */
static $T ${name}_reduced($T x, $T *power)
{
    const $T shift = $shift; /* what is added to it becomes an integer, in its last bits */
    union { $T number; $bits bits; } k;

    k.number = x * $log2_e + shift;
    const $T nearest = k.number - shift;
    k.bits = (k.bits + $bias) << $fraction;
    *power = k.number;
    return (x - nearest * $ln2_hi) - nearest * $ln2_lo;
}
"""
SIGMOID = """
/* 1 / (1 + exp(-z)) */
static void ${name}_sigmoid(int count, $T *z)
{
    for (int u = 0; u < count; u++) {
        $T x = -z[u], power;
        x = x < $low ? $low : x;
        x = x > $high ? $high : x;
        const $T r = ${name}_reduced(x, &power);
$first_order
        const $T below = even - odd;
        z[u] = below / (below + (even + odd) * power);
    }
}
"""
TANH = """
/* (exp(x) - 1) / (exp(x) + 1) of x = 2 * |z|, with the sign of z; 0.0, -0.0 and NaN stay. */
static void ${name}_tanh(int count, $T *z)
{
    for (int u = 0; u < count; u++) {
        $T x = 2 * (z[u] < 0 ? -z[u] : z[u]), power;
        x = x > $limit ? $limit : x;
        const $T r = ${name}_reduced(x, &power);
$last_order
        const $T less = power - 1, more = power + 1;
        const $T result = (less * even + more * odd) / (more * even + less * odd);
        z[u] = z[u] < 0 ? -result : z[u] > 0 ? result : z[u];
    }
}
"""
RELU = """
/* 0 where z < 0 */
static void ${name}_relu(int count, $T *z)
{
    for (int u = 0; u < count; u++)
        z[u] = z[u] < 0 ? 0 : z[u];
}
"""
SOFTMAX = """
/* exp(z - m) over its sum, in order; m is the largest z. */
static void ${name}_softmax(int count, $T *z)
{
    $T m = z[0];
    for (int o = 1; o < count; o++)
        m = z[o] > m ? z[o] : m;
    for (int o = 0; o < count; o++) {
        $T x = z[o] - m, power;
        x = x < $low ? $low : x;
        const $T r = ${name}_reduced(x, &power);
$last_order
        z[o] = power * ((even + odd) / (even - odd));
    }
    $T total = z[0];
    for (int o = 1; o < count; o++)
        total = total + z[o];
    for (int o = 0; o < count; o++)
        z[o] = z[o] / total;
}
"""
FUNCTIONS = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "softmax": SOFTMAX}
# as in `contract.functions`, with numbers in their places; what is below each is said above it
SERIES = {
    "first_order": """
        const double r2 = r * r, r4 = r2 * r2;
        /* (1 + r2 * 5/44) + r4 * (1/792 + r2 * 1/665280) */
        const double even =
            (1 + r2 * {5/44})
            + r4 * ({1/792} + r2 * {1/665280});
        /* r * ((1/2 + r2 * 1/66) + r4 * 1/15840) */
        const double odd = r * (({1/2} + r2 * {1/66}) + r4 * {1/15840});""",
    "last_order": """
        const double r2 = r * r, r4 = r2 * r2;
        /* 1 + (r2 * 5/44 + r4 * (1/792 + r2 * 1/665280)) */
        const double even =
            1 + (r2 * {5/44}
                 + r4 * ({1/792} + r2 * {1/665280}));
        /* r * (1/2 + r2 * (1/66 + r2 * 1/15840)) */
        const double odd = r * ({1/2} + r2 * ({1/66} + r2 * {1/15840}));""",
}
SERIES_OF_FLOAT = """
        const float r2 = r * r;
        /* 1 + r2 * 1/10 */
        const float even = 1 + r2 * {1/10};
        /* r * (1/2 + r2 * 1/120) */
        const float odd = r * ({1/2} + r2 * {1/120});"""


def constant(value: Any) -> str:
    """A number of NumPy's, float64 or float32, as a C99 constant of its bits."""
    digits, exponent = float(value).hex().split("p")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    suffix = "f" if value.dtype == np.float32 else ""
    return f"{digits}p{exponent}{suffix}"


def functions_in_c(name: str, dtype: Any, activations: tuple[str, ...]) -> str:
    """The sums of layers, and as many of `FUNCTIONS` as ``activations`` has."""
    wanted = [text for key, text in FUNCTIONS.items() if key in activations]
    if set(activations) & {"sigmoid", "tanh", "softmax"}:
        wanted.insert(0, REDUCED)
    return Template("".join([SUMS, *wanted])).substitute(_words(name, dtype))


def _words(name: str, dtype: Any) -> dict[str, str]:
    """What is named in the texts."""
    is_double = dtype is np.float64
    (low, high), (ln2_hi, ln2_lo) = RANGE[dtype], LN2[dtype]
    T, bits, bias, fraction, limit = (
        ("double", "uint64_t", 1023, 52, 40) if is_double else ("float", "uint32_t", 127, 23, 20)
    )
    shift = constant(dtype(1.5 * 2**fraction))

    def rounded(fraction: re.Match[str]) -> str:
        return constant(dtype(float(Fraction(fraction[1]))))

    series = SERIES if is_double else dict.fromkeys(SERIES, SERIES_OF_FLOAT)
    words = {
        "name": name, "T": T, "bits": bits, "bias": bias, "fraction": fraction, "limit": limit,
        "shift": shift, "log2_e": constant(dtype(1.4426950408889634)),
        "ln2_hi": constant(dtype(ln2_hi)), "ln2_lo": constant(dtype(ln2_lo)),
        "low": int(low), "high": int(high),
    }  # fmt: skip
    words |= {key: re.sub("{(.*?)}", rounded, text[1:]) for key, text in series.items()}
    return {key: str(word) for key, word in words.items()}
