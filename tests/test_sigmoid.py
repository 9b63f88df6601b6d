"""The sigmoid: reference against exact values, kernel against reference."""

import math

import numpy as np
import pytest
from mpmath import libmp
from numba import njit

from fastxor.contract import functions
from fastxor.kernels.lanes import load, store
from fastxor.kernels.sigmoid import sigmoid

WORST = 3.0  # ulp; measured maxima: 2.74 in float64, 2.61 in float32


def edges(dtype):
    """Where something could go wrong: the clamp, ties of the rounding to k, extremes."""
    info = np.finfo(dtype)
    low, high = (-709, 708) if dtype is np.float64 else (-88, 87)
    ties = (np.arange(low, high) + 0.5) * math.log(2)
    points = np.concatenate(
        [ties, np.arange(-1100, 1100) * math.log(2), [low, high, -745.2, -104, 37.0, 104.0]]
    ).astype(dtype)
    for _ in range(2):
        points = np.concatenate(
            [points, np.nextafter(points, dtype(np.inf)), np.nextafter(points, dtype(-np.inf))]
        )
    special = [0.0, info.max, info.tiny, info.smallest_subnormal, info.eps, 1e-30, np.inf]
    return np.concatenate([points, np.array(special, dtype), -np.array(special, dtype)])


def spread_points(dtype, count):
    """All magnitudes from the smallest to beyond the clamp, and the middle densely."""
    random = np.random.default_rng(1)
    smallest = -1074.0 if dtype is np.float64 else -149.0
    magnitudes = np.exp2(random.uniform(smallest, 10.5, count // 4))
    signs = random.choice([-1.0, 1.0], count // 4)
    middle = random.uniform(-40, 40, count // 2)
    reach = random.uniform(-720, 720, count - 2 * (count // 4) - count // 2 + count // 4)
    return np.concatenate([magnitudes * signs, middle, reach]).astype(dtype)


def exact(z):
    """1 / (1 + exp(-z)) as the sum of two float64, the second what the first cannot hold."""
    power = libmp.mpf_exp(libmp.from_float(-z), 120)
    value = libmp.mpf_div(libmp.fone, libmp.mpf_add(libmp.fone, power, 120), 120)
    head = libmp.to_float(value)
    return head, libmp.to_float(libmp.mpf_sub(value, libmp.from_float(head), 60))


def test_float64_against_mpmath():
    points = np.concatenate([edges(np.float64), spread_points(np.float64, 1_000_000)])
    points = points[np.isfinite(points) & (points >= -709)]
    assert len(points) > 900_000
    head, tail = (np.array(part) for part in zip(*map(exact, points.tolist()), strict=True))
    error = np.abs((functions.sigmoid(points) - head) - tail) / np.spacing(head)
    print(f"float64: at most {error.max():.3f} ulp on {len(points):,} points")
    assert error.max() < WORST


def float32_error(points):
    wide = points.astype(np.float64)
    oracle = 1 / (1 + np.exp(-wide))
    error = np.abs(functions.sigmoid(points) - oracle)
    return error / np.spacing(oracle.astype(np.float32)).astype(np.float64), error


def every_float32(low, high):
    """All float32 from low to high, in pieces."""
    first, last = (int(np.float32(edge).view(np.int32)) for edge in (low, high))
    for start in range(first, last + 1, 1 << 22):
        yield np.arange(start, min(start + (1 << 22), last + 1), dtype=np.int32).view(np.float32)


def check_float32(stride):
    worst = 0.0
    for piece in every_float32(2.0**-30, 104.0):
        for points in (piece[::stride], -piece[::stride]):
            ulp, error = float32_error(points)
            clamped = points < -88
            worst = max(worst, ulp[~clamped].max(initial=0))
            assert error[clamped].max(initial=0) < 2.0**-126
    print(f"float32: at most {worst:.3f} ulp, every {stride}th input")
    assert worst < WORST


def test_float32_stride():
    check_float32(stride=997)


@pytest.mark.slow
def test_float32_every_input():
    check_float32(stride=1)


@pytest.mark.slow
def test_kernel_has_the_bits_of_the_reference_for_every_float32():
    for piece in every_float32(2.0**-30, 104.0):
        for points in (piece, -piece):
            points = np.resize(points, -(-len(points) // 16) * 16)
            expected = functions.sigmoid(points).view(np.uint32)
            for kernel_sigmoid in (for_one, for_many):
                out = np.empty_like(points)
                kernel_sigmoid(points, out)
                assert np.array_equal(out.view(np.uint32), expected)


def test_float32_edges():
    points = edges(np.float32)
    points = points[(points >= -88) & (points <= 1e30)]
    ulp, _ = float32_error(points)
    assert ulp.max() < WORST


def test_ends(dtype):
    """Beyond the clamp: one, and no more than the smallest normal number; halves at zero."""
    assert (functions.sigmoid(np.array([1e4, np.inf], dtype)) == 1).all()
    assert (functions.sigmoid(np.array([-1e4, -np.inf], dtype)) <= np.finfo(dtype).tiny).all()
    assert (functions.sigmoid(np.array([0.0, -0.0], dtype)) == 0.5).all()
    assert np.isnan(functions.sigmoid(np.array([np.nan], dtype))).all()


@njit(error_model="numpy")
def for_one(z, out):
    for i in range(0, z.size, 16):
        store(out, i, sigmoid(load(z, i, 16), True))


@njit(error_model="numpy")
def for_many(z, out):
    for i in range(0, z.size, 16):
        store(out, i, sigmoid(load(z, i, 16), False))


BOTH = pytest.mark.parametrize("kernel_sigmoid", [for_one, for_many])


@BOTH
def test_kernel_has_the_bits_of_the_reference(kernel_sigmoid, dtype):
    points = np.concatenate([edges(dtype), spread_points(dtype, 1_000_000)])
    points = np.resize(points, len(points) // 16 * 16 + 16)
    out = np.empty_like(points)
    kernel_sigmoid(points, out)
    bits = f"u{points.itemsize}"
    assert np.array_equal(out.view(bits), functions.sigmoid(points).view(bits))


@BOTH
def test_kernel_keeps_nan(kernel_sigmoid, dtype):
    points = np.full(16, np.nan, dtype)
    out = np.zeros_like(points)
    kernel_sigmoid(points, out)
    assert np.isnan(out).all()


def test_derivative(dtype):
    a = functions.sigmoid(np.linspace(-5, 5, 11).astype(dtype))
    assert functions.sigmoid_derivative(a).dtype == dtype
    assert np.array_equal(functions.sigmoid_derivative(a), a * (dtype(1) - a))
