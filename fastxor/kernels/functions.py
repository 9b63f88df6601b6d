"""The contract's functions on a `Value`: the bits of `contract.functions`, arranged for speed.

Of the sigmoid, whose sign of x = -z is folded into the constants, so that r and odd have the other
sign here:

* k = rint(x * log2(e)) serves as a number (`nearest`) and, brought into the low bits by adding
  1.5 * 2**52 (1.5 * 2**23), as an exponent. Both round to nearest even. Rounding directly,
  instead of subtracting the 1.5 * 2**52 again, saves one network 1.5 % of its epoch.
* k * ln2_hi is exact (33 + 11 bits; 9 + 8 in float32), so fusing it changes no bit and saves a
  large batch 2.5 %.
* ``short_chain``: (even - odd) * 2**k as even * 2**k - (r * 2**k) * (odd / r) has the same bits.
  The power of two comes in where others are awaited anyway, a multiplication less on the
  critical path and two more in all: one network gains 3 %, a large batch would lose 2 % with
  AVX-512 and 7 % with AVX2, whose pipes are full. It scales exactly unless r * 2**k underflows,
  where the term is too small to be seen in its sum with even + odd, which is near one: r is 0,
  or z (k = 0), or above 2**-70.
"""

import numpy as np

from fastxor.kernels.compiling import Layers
from fastxor.kernels.control import by_code
from fastxor.kernels.instructions import (
    absolute,
    add_exact_product,
    clamp,
    exponent_and_fraction,
    nearest,
    power_of_two,
    where_less,
    with_sign,
)
from fastxor.kernels.traced import Int, Value

SIGMOID, TANH, RELU, IDENTITY, SOFTMAX = range(5)
CODES = {
    "sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "identity": IDENTITY, "softmax": SOFTMAX,
}  # fmt: skip


# --- scales -----------------------------------------------------------------------
def bits_of(scale: float) -> int:
    """What stands for a layer's scale where only integers do: those of the float64 number."""
    return int(np.float64(scale).view(np.int64))


ONE = bits_of(1.0)
UNSCALED = {"scale": ONE, "scale_before": ONE}
"""What a general kernel knows of all layers, if it is not the one for networks with scales: to
multiply by ones that it reads, or to look for them, XOR takes 1.1 to 1.25 times as long."""


def has_scales(layers: Layers) -> bool:
    return any(layer[4] != 1 for layer in layers)


def scaled(value: Value, scale: Int) -> Value:
    """Sums, or deltas of them, times the scale of their layer, by its `bits_of`."""
    if isinstance(scale, int):
        return value if scale == ONE else value * float(np.int64(scale).view(np.float64))
    return value * scale.bits_as_value(value.llvm.type.element)


# --- activations ------------------------------------------------------------------
def activate(z: Value, activation: Int, short_chain: bool) -> Value:
    """The function of a layer, by its code, of each lane; NaN stays NaN.

    ``short_chain``, a constant: does the caller wait for this one, or has it others to do?
    """
    functions = {
        SIGMOID: lambda: sigmoid(z, short_chain),
        TANH: lambda: tanh(z),
        RELU: lambda: where_less(z, 0, 0, z),
    }
    return by_code(activation, functions, z)


def derivative(back: Value, a: Value, activation: Int) -> Value:
    """``back`` times the derivative of a function where its value is ``a``."""
    derivatives = {
        SIGMOID: lambda: back * (a * (1 - a)),
        TANH: lambda: back * (1 - a * a),
        RELU: lambda: where_less(0, a, back, 0),
    }
    return by_code(activation, derivatives, back)


def sigmoid(z: Value, short_chain: bool) -> Value:
    """1 / (1 + exp(-z))."""
    if z.is_double:
        z = clamp(z, -709, 708)
        t = z * -1.4426950408889634
        k = nearest(t)
        power = power_of_two(t + 6755399441055744.0)
        r = add_exact_product(z, k, 0.6931471803691238) + k * 1.9082149292705877e-10
        r2 = r * r
        r4 = r2 * r2
        even = (1 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
        odd_by_r = (1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840)
    else:
        z = clamp(z, -88, 87)
        t = z * -1.4426950408889634
        k = nearest(t)
        power = power_of_two(t + 12582912.0)
        r = add_exact_product(z, k, 0.693359375) + k * -2.12194440e-4
        r2 = r * r
        even = 1 + r2 * (1 / 10)
        odd_by_r = 1 / 2 + r2 * (1 / 120)
    odd = r * odd_by_r
    below = even + odd
    if short_chain:
        above = even * power - (r * power) * odd_by_r
    else:
        above = (even - odd) * power
    return below / (below + above)


def tanh(z: Value) -> Value:
    largest = 40 if z.is_double else 20
    x = 2 * absolute(z)
    even, odd, p = exp_parts(where_less(largest, x, largest, x))
    less, more = p - 1, p + 1
    return with_sign((less * even + more * odd) / (more * even + less * odd), z)


def exp_parts(x: Value) -> tuple[Value, Value, Value]:
    """even, odd and p, with exp(x) = p * (even + odd) / (even - odd), see the contract."""
    t = x * 1.4426950408889634
    k = nearest(t)
    if x.is_double:
        r = add_exact_product(x, k, -0.6931471803691238) - k * 1.9082149292705877e-10
        r2 = r * r
        r4 = r2 * r2
        even = 1 + (r2 * (5 / 44) + r4 * (1 / 792 + r2 * (1 / 665280)))
        odd = r * (1 / 2 + r2 * (1 / 66 + r2 * (1 / 15840)))
        return even, odd, power_of_two(t + 6755399441055744.0)
    r = add_exact_product(x, k, -0.693359375) - k * -2.12194440e-4
    r2 = r * r
    even = 1 + r2 * (1 / 10)
    odd = r * (1 / 2 + r2 * (1 / 120))
    return even, odd, power_of_two(t + 12582912.0)


# --- losses -----------------------------------------------------------------------
def log_loss_of_sigmoid(y: Value, z: Value) -> Value:
    """The terms of the log loss, one each lane."""
    u = exp(-1 * absolute(z))
    return (where_less(z, 0, 0, z) - y * z) + two_atanh(u / (2 + u))


def exp(x: Value) -> Value:
    """exp(x) of each lane that is at most 0."""
    lowest = -708 if x.is_double else -87
    even, odd, p = exp_parts(where_less(x, lowest, lowest, x))
    return p * ((even + odd) / (even - odd))


def log(x: Value) -> Value:
    """log(x) of each lane, at least 1; of NaN it is any number."""
    hi, lo = (0.6931471803691238, 1.9082149292705877e-10)
    if not x.is_double:
        hi, lo = 0.693359375, -2.12194440e-4
    k, f = exponent_and_fraction(x)
    return k * hi + (k * lo + two_atanh((f - 1) / (f + 1)))


def two_atanh(s: Value) -> Value:
    """2 * atanh(s)."""
    t = s * s
    if s.is_double:
        above = 8963 / 142443 + t * (-65536 / 61108047)
        above = 1 + t * (-16 / 7 + t * (1546 / 855 + t * (-3904 / 6783 + t * above)))
        below = 55 / 323 + t * (-33 / 4199)
        below = 1 + t * (-55 / 21 + t * (330 / 133 + t * (-330 / 323 + t * below)))
    else:
        above = 1 + t * (-31 / 33 + t * (64 / 495 + t * (64 / 10395)))
        below = 1 + t * (-14 / 11 + t * (35 / 99))
    return 2 * s * (above / below)


def larger(a: Value, b: Value) -> Value:
    """b where a < b, else a."""
    return where_less(a, b, b, a)


def keep_where(kept: Value, value: Value) -> Value:
    """``value``, but 0 where ``kept`` is."""
    return where_less(0, kept, value, 0)
