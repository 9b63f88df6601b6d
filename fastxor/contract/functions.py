"""The functions of the contract: the sigmoid and its derivative."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) of float64 or float32 numbers, within 3 ulp; NaN stays NaN.

    x = -z, clamped to where exp is neither 0 nor infinite, is k * ln(2) + r with an integer k
    and |r| <= ln(2) / 2, so exp(x) = 2**k * exp(r). exp(r) = (even + odd) / (even - odd) is
    the Pade approximant [6/6] (float32: [3/3]; G. A. Baker, Essentials of Pade Approximants,
    1975), which is off by 2e-19 (6e-9). Written as one fraction it takes one division.
    ln(2) is split in two (W. J. Cody and W. Waite, Software Manual for the Elementary
    Functions, 1980), so that k times the first part is exact.
    """
    T = z.dtype.type
    if T is np.float64:
        x = np.clip(-z, -708.0, 709.0)
        k = np.rint(x * 1.4426950408889634)
        ln2_hi, ln2_lo = (
            float.fromhex("0x1.62e42fee00000p-1"),
            float.fromhex("0x1.a39ef35793c76p-33"),
        )
        r = (x - k * ln2_hi) - k * ln2_lo
        r2 = r * r
        r4 = r2 * r2
        even = (1.0 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
        odd = r * ((1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840))
    else:
        x = np.clip(-z, T(-87), T(88))
        k = np.rint(x * T(1.4426950408889634))
        r = (x - k * T(0.693359375)) - k * T(-2.12194440e-4)
        r2 = r * r
        even = T(1) + r2 * T(1 / 10)
        odd = r * (T(1 / 2) + r2 * T(1 / 120))
    below = even - odd
    with np.errstate(invalid="ignore"):  # NaN has no integer; ldexp keeps it NaN
        above = np.ldexp(even + odd, k.astype(np.int32))
    return below / (below + above)


def sigmoid_derivative(a: Array) -> Array:
    """The derivative of the sigmoid where its value is ``a``."""
    return a * (a.dtype.type(1) - a)
