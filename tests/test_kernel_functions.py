"""The kernels' functions against the contract's: the same bits."""

from functools import cache

import numpy as np
import pytest
from numba import njit

from fastxor.contract import functions, losses
from fastxor.contract.functions import ACTIVATIONS
from fastxor.kernels import functions as kernels
from fastxor.kernels.calls import traced_call
from fastxor.kernels.control import loop
from fastxor.kernels.functions import CODES
from tests.test_functions import (
    EVERY,
    WORST,
    edges,
    every_float32,
    points_of,
    spread_points,
    worst_float32,
)

WIDTH = 16  # lanes


@cache
def looped(name):
    """A function of the kernels, of arrays whose length is a multiple of `WIDTH`."""
    function = {
        "sigmoid": lambda z, _: kernels.sigmoid(z, False),
        "sigmoid of a chain": lambda z, _: kernels.sigmoid(z, True),
        "tanh": lambda z, _: kernels.tanh(z),
        "exp": lambda x, _: kernels.exp(x),
        "log": lambda x, _: kernels.log(x),
        "log loss": lambda y, z: kernels.log_loss_of_sigmoid(y, z),
    }.get(name)
    if name.startswith("function "):
        code = CODES[name.split()[1]]
        function = lambda z, _: kernels.activate(z, code, False)  # noqa: E731
    elif name.startswith("derivative "):
        code = CODES[name.split()[1]]
        function = lambda back, a: kernels.derivative(back, a, code)  # noqa: E731

    def of_memory(given):
        a, b, out = given
        for i in loop(0, out.size, WIDTH):
            out.store(i, function(a.load(i, WIDTH), b.load(i, WIDTH)))

    written = traced_call(of_memory)

    @njit
    def of_arrays(a, b, out):
        written((a, b, out))

    return of_arrays


def by_kernel(name, a, b=None):
    size = -(-len(a) // WIDTH) * WIDTH
    first, second = np.resize(a, size), np.resize(a if b is None else b, size)
    out = np.full_like(first, 7)
    looped(name)(first, second, out)
    return out[: len(a)]


def assert_same(found, expected):
    """The same bits, but of NaN, which must be at the same places."""
    nan = np.isnan(expected)
    assert found.dtype == expected.dtype
    assert np.array_equal(np.isnan(found), nan)
    bits = f"u{found.itemsize}"
    assert np.array_equal(found.view(bits)[~nan], expected.view(bits)[~nan])


def special(dtype):
    """Both zeros, ones, extremes, infinities, NaN."""
    info = np.finfo(dtype)
    numbers = [0.0, 1.0, info.max, info.tiny, info.smallest_subnormal, info.eps, 0.5, np.inf]
    numbers = np.array([*numbers, np.nan], dtype)
    return np.concatenate([numbers, -numbers])


def points_for(name, dtype):
    """Where the kernels call a function, ends and NaN among them; NaN is nothing for log."""
    points = np.concatenate([edges(dtype), spread_points(dtype, 1_000_000), special(dtype)])
    if name == "exp":
        return points[~(points > 0)]
    if name == "log":
        return points_of("log", dtype, 50_000)
    more = points_of("tanh", dtype, 20_000) if name == "tanh" else points[:0]
    return np.concatenate([points, more, -more])


OF_ONE = ["sigmoid", "sigmoid of a chain", "tanh", "exp", "log"]


def by_contract(name, points):
    return getattr(functions, name.split()[0])(points)


@pytest.mark.parametrize("name", OF_ONE)
def test_kernel_has_the_bits_of_the_reference(name, dtype):
    points = points_for(name, dtype)
    assert len(points) > 500_000
    with np.errstate(all="ignore"):
        assert_same(by_kernel(name, points), by_contract(name, points))


def range_of(name):
    """Of float32 without their sign: where a function is not plain."""
    return 1 if name == "log" else 2.0**-30, {"log": 3.4e38, "tanh": 21}.get(name, 104)


def check_float32(name, points):
    signs = {"log": [1], "exp": [-1]}.get(name, [1, -1])
    for sign in signs:
        assert_same(by_kernel(name, sign * points), by_contract(name, sign * points))


@pytest.mark.parametrize("name", OF_ONE)
def test_float32_stride(name):
    first, last = (int(np.float32(end).view(np.int32)) for end in range_of(name))
    check_float32(name, np.arange(first, last, 1997, dtype=np.int32).view(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in OF_ONE if " " not in n])
def test_float32_every_input(name):
    """The same bits as the contract's; and those near enough to the exact ones, see WORST."""
    worst, low = 0.0, 1 if name == "log" else 2.0**-30
    for sign in {"log": [1], "exp": [-1, 1]}.get(name, [1, -1]):
        high = EVERY[name] if name == "exp" and sign > 0 else range_of(name)[1]
        for piece in every_float32(low, high):
            points = sign * piece
            expected = by_contract(name, points)
            if name != "exp" or sign < 0:  # kernels call it only there
                assert_same(by_kernel(name, points), expected)
            if name == "sigmoid":
                assert_same(by_kernel("sigmoid of a chain", points), expected)
            if name != "tanh" or sign > 0:  # it is odd, to the bit
                near = abs(points) <= EVERY[name]
                worst = max(worst, worst_float32(name, points[near], expected[near]))
    print(f"{name}, float32: at most {worst:.3f} ulp, every input")
    assert worst < WORST[name]


@pytest.mark.parametrize("name", [n for n in OF_ONE if n != "log"])
def test_kernel_keeps_nan(name, dtype):
    assert np.isnan(by_kernel(name, np.full(WIDTH, np.nan, dtype))).all()


@pytest.mark.parametrize("name", CODES)
def test_functions_of_layers(name, dtype):
    """By their codes; a softmax is none of single numbers."""
    points = np.concatenate([edges(dtype), spread_points(dtype, 10_000), special(dtype)])
    with np.errstate(all="ignore"):
        expected = points if name == "softmax" else ACTIVATIONS[name][0](points)
    assert_same(by_kernel(f"function {name}", points), expected)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives(name, dtype):
    random = np.random.default_rng(0)
    back, a = (random.uniform(-2, 2, 10_000).astype(dtype) for _ in range(2))
    ends = special(dtype)
    back = np.concatenate([back, np.repeat(ends, len(ends))])
    a = np.concatenate([a, np.tile(ends, len(ends))])
    with np.errstate(all="ignore"):
        expected = ACTIVATIONS[name][1](back, a)
    assert_same(by_kernel(f"derivative {name}", back, a), expected)


def test_log_loss_of_sigmoid(dtype):
    """Of targets 0, 1 and between; outputs that end, infinite ones, NaN."""
    random = np.random.default_rng(0)
    z = np.concatenate([edges(dtype), spread_points(dtype, 300_000), special(dtype)])
    z = np.concatenate([z, z, z])
    y = random.random(len(z))
    y[: 2 * len(z) // 3] = np.repeat([0.0, 1.0], len(z) // 3)
    y = y.astype(dtype)
    with np.errstate(all="ignore"):
        expected = losses.log_loss_of_sigmoid(y, z)
    assert_same(by_kernel("log loss", y, z), expected)
