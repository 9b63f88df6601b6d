"""The functions of the contract, of float64 or float32 numbers, each with its last bit fixed.

All are made of + - * /, powers of two, comparisons and signs. NaN stays NaN.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


# --- exponentials -----------------------------------------------------------------------------
def _exp_parts(x: Array, first_order: bool = False) -> tuple[Array, Array, Array]:
    """even, odd and p = 2**k, with exp(x) = p * (even + odd) / (even - odd).

    x, between -708 and 709 (float32: -87 and 88), is k * ln(2) + r with an integer k and
    |r| <= ln(2) / 2. exp(r) = (even + odd) / (even - odd) is the Pade approximant [6/6] (float32:
    [3/3]; G. A. Baker, Essentials of Pade Approximants, 1975), which is off by 2e-19 (6e-9).
    ln(2) is split in two (W. J. Cody and W. Waite, Software Manual for the Elementary Functions,
    1980), so that k times the first part is exact.

    The largest term comes last, which rounds once; in ``first_order``, that of version 1, it comes
    first, which costs tanh up to an ulp. In float32 there is but one order.
    """
    T = x.dtype.type
    k = np.rint(x * T(1.4426950408889634))
    ln2_hi, ln2_lo = LN2[T]
    r = (x - k * ln2_hi) - k * ln2_lo
    r2 = r * r
    if T is np.float64:
        r4 = r2 * r2
        if first_order:
            even = (1.0 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
            odd = r * ((1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840))
        else:
            even = 1.0 + (r2 * (5 / 44) + r4 * (1 / 792 + r2 * (1 / 665280)))
            odd = r * (1 / 2 + r2 * (1 / 66 + r2 * (1 / 15840)))
    else:
        even = T(1) + r2 * T(1 / 10)
        odd = r * (T(1 / 2) + r2 * T(1 / 120))
    with np.errstate(invalid="ignore"):  # NaN has no integer; even and odd are NaN then
        p = np.ldexp(np.ones_like(x), k.astype(np.int32))
    return even, odd, p


LN2: dict[Any, Any] = {
    np.float64: (float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")),
    np.float32: (np.float32(0.693359375), np.float32(-2.12194440e-4)),
}
RANGE: dict[Any, Any] = {np.float64: (-708.0, 709.0), np.float32: (np.float32(-87), np.float32(88))}
"""Where exp is neither 0 nor infinite."""


def exp(x: Array) -> Array:
    """exp(x), within 2.25 ulp; of x clipped to `RANGE`."""
    even, odd, p = _exp_parts(np.clip(x, *RANGE[x.dtype.type]))
    return p * ((even + odd) / (even - odd))


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), within 3 ulp; of -z clipped to `RANGE`. One fraction, one division."""
    even, odd, p = _exp_parts(np.clip(-z, *RANGE[z.dtype.type]), first_order=True)
    below = even - odd
    return below / (below + (even + odd) * p)


def tanh(z: Array) -> Array:
    """tanh(z), within 4.5 ulp, odd to the bit: tanh(-0.0) is -0.0.

    (exp(x) - 1) / (exp(x) + 1) of x = 2 * |z|, at most 40 (float32: 20), where it is 1. As one
    fraction of what ``_exp_parts`` gives nothing cancels.
    """
    T = z.dtype.type
    even, odd, p = _exp_parts(np.minimum(T(2) * abs(z), T(40 if T is np.float64 else 20)))
    above = (p - T(1)) * even + (p + T(1)) * odd
    below = (p + T(1)) * even + (p - T(1)) * odd
    return np.copysign(above / below, z)


# --- logarithms -------------------------------------------------------------------------------
def _two_atanh(s: Array) -> Array:
    """2 * atanh(s), |s| <= 1/3: log((1 + s) / (1 - s)).

    atanh(s) / s is the Pade approximant [5/5] (float32: [3/2]) in s * s, off by 3e-17 (2e-9).
    """
    T = s.dtype.type
    t = s * s
    if T is np.float64:
        above: Any = (1, -16 / 7, 1546 / 855, -3904 / 6783, 8963 / 142443, -65536 / 61108047)
        below: Any = (1, -55 / 21, 330 / 133, -330 / 323, 55 / 323, -33 / 4199)
    else:
        above, below = (1, -31 / 33, 64 / 495, 64 / 10395), (1, -14 / 11, 35 / 99)
    return T(2) * s * (_polynomial(above, t) / _polynomial(below, t))


def _polynomial(coefficients: Any, t: Array) -> Array:
    """c0 + t * (c1 + t * (c2 + ...))."""
    *others, last = (t.dtype.type(c) for c in coefficients)
    value: Any = last
    for c in reversed(others):
        value = c + t * value
    return np.asarray(value)


def log1p(u: Array) -> Array:
    """log(1 + u), 0 <= u <= 1, within 4.5 ulp."""
    T = u.dtype.type
    return _two_atanh(u / (T(2) + u))


def log(x: Array) -> Array:
    """log(x), x >= 1, within 4.5 ulp: of x = 2**k * f with sqrt(1/2) <= f < sqrt(2)."""
    T = x.dtype.type
    f, k = np.frexp(x)
    low = f < T(0.7071067811865476)
    f, k = np.where(low, f + f, f), (k - low).astype(T)
    ln2_hi, ln2_lo = LN2[T]
    return k * ln2_hi + (k * ln2_lo + _two_atanh((f - T(1)) / (f + T(1))))


# --- activations ------------------------------------------------------------------------------
def relu(z: Array) -> Array:
    """0.0 where z < 0, else z: -0.0 and NaN stay."""
    return np.where(z < 0, z.dtype.type(0), z)


def identity(z: Array) -> Array:
    return z


# The derivatives are told from the activation a, as what they do to the derivative by a.
def sigmoid_backward(back: Array, a: Array) -> Array:
    return back * (a * (a.dtype.type(1) - a))


def tanh_backward(back: Array, a: Array) -> Array:
    return back * (a.dtype.type(1) - a * a)


def relu_backward(back: Array, a: Array) -> Array:
    """``back`` where a > 0, else 0.0."""
    return np.where(a > 0, back, a.dtype.type(0))


def identity_backward(back: Array, a: Array) -> Array:
    return back


def softmax(z: Array) -> Array:
    """exp(z - m) over its sum, of the last dimension; m is the largest z.

    m starts as the first z and becomes any later one that is larger. The sum is in index order.
    """
    terms, total = softmax_terms(z)[1:]
    return terms / total


def softmax_terms(z: Array) -> tuple[Array, Array, Array]:
    """z - m, its exponentials, and their sum (..., 1)."""
    m = z[..., :1]
    for o in range(1, z.shape[-1]):
        m = np.where(z[..., o : o + 1] > m, z[..., o : o + 1], m)
    shifted = z - m
    terms = exp(shifted)
    total = terms[..., :1]
    for o in range(1, z.shape[-1]):
        total = total + terms[..., o : o + 1]
    return shifted, terms, total


ACTIVATIONS = {
    "sigmoid": (sigmoid, sigmoid_backward),
    "tanh": (tanh, tanh_backward),
    "relu": (relu, relu_backward),
    "identity": (identity, identity_backward),
}
"""Of each: the function of z, and its derivative's effect."""
