"""The contract's functions and losses: against exact values, and where they end."""

import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import libmp, mp, mpf

from fastxor.contract import functions, losses
from fastxor.contract.functions import ACTIVATIONS
from fastxor.contract.sums import sample_sum

WORST = {"exp": 2.25, "sigmoid": 3.0, "tanh": 4.5, "log1p": 4.5, "log": 4.5}
"""ulp. Measured maxima, of 10**8 float64 and of every float32: exp 2.01 and 2.02, sigmoid 2.82 and
2.69, tanh 4.40 and 4.25, log1p 4.06 and 3.83, log 3.82 and 3.62."""
NAMES = list(WORST)
BAD = {
    "exp": [127.19064284237754, -16.98344822711027, 3.8358039039688236],
    "sigmoid": [-1.1322337276557775, -1.1468366947688088],
    "tanh": [0.12503561237050717, 8.34024438566929, 12.494493597704038, 0.5288028081881913],
    "log1p": [0.6317997892180138, 0.6482214580552912],
    "log": [1.000014850015812, 1.0000001162027339],
}
"""The worst of 10**8 float64, also those of formulas that were given up."""
UNARY = {name: getattr(functions, name) for name in [*NAMES, "relu", "identity"]}
BITS = {np.float64: np.uint64, np.float32: np.uint32}


# --- points -----------------------------------------------------------------------------------
def edges(dtype):
    """Where a sigmoid could go wrong: the clamp, ties of the rounding to k, extremes."""
    info = np.finfo(dtype)
    low, high = (-709, 708) if dtype is np.float64 else (-88, 87)
    ties = (np.arange(low, high) + 0.5) * math.log(2)
    points = np.concatenate(
        [ties, np.arange(-1100, 1100) * math.log(2), [low, high, -745.2, -104, 37.0, 104.0]]
    ).astype(dtype)
    points = with_neighbours(with_neighbours(points))
    special = [0.0, info.max, info.tiny, info.smallest_subnormal, info.eps, 1e-30, np.inf]
    return np.concatenate([points, np.array(special, dtype), -np.array(special, dtype)])


def with_neighbours(points):
    ends = np.array([np.inf, -np.inf], points.dtype)
    return np.concatenate([points, *(np.nextafter(points, end) for end in ends)])


def spread_points(dtype, count):
    """All magnitudes from the smallest to beyond a sigmoid's clamp, and the middle densely."""
    random = np.random.default_rng(1)
    signs = random.choice([-1.0, 1.0], count // 4)
    middle = random.uniform(-40, 40, count // 2)
    reach = random.uniform(-720, 720, count - 2 * (count // 4) - count // 2 + count // 4)
    near_zero = magnitudes(random, dtype, count // 4, 10.5) * signs
    return np.concatenate([near_zero, middle, reach]).astype(dtype)


def magnitudes(random, dtype, count, highest):
    """From the smallest subnormal number to 2**highest, as many of each size."""
    return np.exp2(random.uniform(-1074.0 if dtype is np.float64 else -149.0, highest, count))


def points_of(name, dtype, count):
    """Five times ``count`` random numbers where a function has its accuracy, and its edges."""
    random, double = np.random.default_rng(2), dtype is np.float64
    low, high = (float(end) for end in functions.RANGE[dtype])
    if name == "sigmoid":
        points = np.concatenate([edges(dtype), spread_points(dtype, 5 * count), BAD[name]])
        points = points.astype(dtype)
        return points[(points >= -high) & np.isfinite(points)]
    ties = (np.arange(int(low / math.log(2)) + 1, int(high / math.log(2))) + 0.5) * math.log(2)
    small = magnitudes(random, dtype, count, 0)
    if name == "exp":
        parts = [
            random.uniform(low, high, 2 * count), random.uniform(-1, 1, count), small, -small,
            ties, [low, high, 0],
        ]  # fmt: skip
    elif name == "tanh":
        parts = [
            random.uniform(-20, 20, 2 * count), random.uniform(-1.5, 1.5, count), small,
            random.uniform(0.1, 0.2, count), ties[abs(ties) < 42] / 2, [20, 10, 19.06, 0, 1e9],
        ]  # fmt: skip
    elif name == "log1p":
        parts = [random.random(2 * count), random.uniform(0.4, 1, 2 * count), small, [0, 1, 1e-300]]
    else:
        roots = math.sqrt(2) * 2.0 ** np.arange(20)
        parts = [
            random.uniform(1, 2, 2 * count), np.exp2(random.uniform(0, 20, count)), 1 + small,
            np.exp2(random.uniform(0, 1023.9 if double else 127.9, count)), roots,
            1e6 - np.arange(9), 2.0 ** np.arange(20),
            1 + np.arange(200) * float(np.finfo(dtype).eps),
        ]  # fmt: skip
    points = with_neighbours(np.concatenate([*parts, BAD[name]]).astype(dtype))
    if name == "exp":
        return points[(points >= low) & (points <= high)]
    if name == "log1p":
        return points[(points >= 0) & (points <= 1)]
    return points[points >= 1] if name == "log" else points


def every_float32(low, high, stride=1):
    """All float32 from low to high, or one of ``stride``, in pieces that stay in the cache."""
    first, last = (int(np.float32(edge).view(np.int32)) for edge in (low, high))
    for start in range(first, last + 1, stride << 13):
        end = min(start + (stride << 13), last + 1)
        yield np.arange(start, end, stride, dtype=np.int32).view(np.float32)


# --- errors -----------------------------------------------------------------------------------
PRECISION = 120


def exact_sigmoid(z):
    power = libmp.mpf_exp(libmp.mpf_neg(z), PRECISION)
    return libmp.mpf_div(libmp.fone, libmp.mpf_add(libmp.fone, power, PRECISION), PRECISION)


EXACT = {
    "exp": lambda x: libmp.mpf_exp(x, PRECISION),
    "sigmoid": exact_sigmoid,
    "tanh": lambda z: libmp.mpf_tanh(z, PRECISION),
    "log1p": lambda u: libmp.mpf_log(libmp.mpf_add(libmp.fone, u), PRECISION),  # an exact sum
    "log": lambda x: libmp.mpf_log(x, PRECISION),
}
IN_FLOAT64 = {
    "exp": np.exp, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "log1p": np.log1p,
    "log": np.log,
}  # fmt: skip
EVERY = {"exp": 87, "sigmoid": 104, "tanh": 12, "log1p": 1, "log": 1e7}
"""The end of the float32 that are tried; they start at 2**-30 or, for log, at 1."""


def ulps_off(name, points):
    """Errors of float64 results in ulp of the exact ones."""

    def exact(x):
        """As the sum of two float64, the second what the first cannot hold."""
        value = EXACT[name](libmp.from_float(x))
        head = libmp.to_float(value)
        return head, libmp.to_float(libmp.mpf_sub(value, libmp.from_float(head), 60))

    head, tail = (np.array(part) for part in zip(*map(exact, points.tolist()), strict=True))
    return np.abs((UNARY[name](points) - head) - tail) / np.spacing(np.abs(head))


def check_float64(name, count):
    points = points_of(name, np.float64, count)
    assert len(points) > 4 * count
    worst = ulps_off(name, points).max()
    print(f"{name}, float64: at most {worst:.3f} ulp on {len(points):,} points")
    assert worst < WORST[name]


def float32_ulps_off(name, points, found=None):
    found = UNARY[name](points) if found is None else found
    oracle = IN_FLOAT64[name](points.astype(np.float64))
    error = np.abs(found - oracle)
    return error / np.spacing(np.abs(oracle).astype(np.float32)).astype(np.float64), error


def worst_float32(name, points, found=None):
    """In ulp; ``found``: what the function gives, if that is known."""
    ulp, error = float32_ulps_off(name, points, found)
    if name == "sigmoid":
        clamped = points < -88
        assert error[clamped].max(initial=0) < 2.0**-126
        ulp = ulp[~clamped]
    return ulp.max(initial=0)


def check_float32(name, stride):
    worst, signs = 0.0, (1, -1) if name in ("exp", "sigmoid") else (1,)
    for piece in every_float32(1 if name == "log" else 2.0**-30, EVERY[name], stride):
        for sign in signs:
            worst = max(worst, worst_float32(name, sign * piece))
    print(f"{name}, float32: at most {worst:.3f} ulp, an input of {stride}")
    assert worst < WORST[name]


@pytest.mark.parametrize("name", NAMES)
def test_float64_against_mpmath(name):
    check_float64(name, 5_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float64_against_mpmath_on_many_points(name):
    check_float64(name, 50_000)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stride(name):
    check_float32(name, stride=1997)


@pytest.mark.slow
def test_float32_every_input():
    """Of the others, see test_kernel_functions."""
    check_float32("log1p", stride=1)


@pytest.mark.parametrize("name", NAMES)
def test_float32_edges(name):
    points = points_of(name, np.float32, 1_000)
    points = points[points <= 1e30]  # spacing ends before the largest number
    ulp, _ = float32_ulps_off(name, points)
    assert ulp.max() < WORST[name]


def test_the_errors_would_be_seen(monkeypatch):
    """A function that is off by two more ulp fails."""
    right = UNARY["tanh"]
    monkeypatch.setitem(UNARY, "tanh", lambda z: right(z) + 3 * np.spacing(np.abs(right(z))))
    with pytest.raises(AssertionError):
        check_float64("tanh", 1_000)
    with pytest.raises(AssertionError):
        check_float32("tanh", stride=99_991)


# --- where they end ---------------------------------------------------------------------------
def of(function, *values, dtype):
    return function(np.array(values, dtype)).tolist()


@pytest.mark.parametrize("name", UNARY)
def test_nan_stays_nan_and_the_dtype_stays(name, dtype):
    points = np.array([np.nan, -np.nan, 1.0], dtype)
    found = UNARY[name](points)
    assert found.dtype == dtype
    assert np.isnan(found).tolist() == [True, True, False]


def test_sigmoid_ends(dtype):
    """Beyond the clamp: one, and no more than the smallest normal number; halves at zero."""
    assert of(functions.sigmoid, 1e4, np.inf, dtype=dtype) == [1, 1]
    least = functions.sigmoid(np.array([-1e4, -np.inf], dtype))
    assert (least <= np.finfo(dtype).tiny).all()
    assert (least > 0).all()
    assert of(functions.sigmoid, 0.0, -0.0, dtype=dtype) == [0.5, 0.5]


def test_exp_ends(dtype):
    """Neither 0 nor infinite, whatever x is."""
    low, high = functions.RANGE[dtype]
    assert of(functions.exp, 0.0, -0.0, dtype=dtype) == [1, 1]
    for sign, end in ((-1, low), (1, high)):
        ends = functions.exp(np.array([end, sign * 1e30, sign * np.inf], dtype))
        assert len(set(ends.tolist())) == 1
        assert np.isfinite(ends).all()
        assert (ends > 0).all()


def test_tanh_is_odd_to_the_bit(dtype):
    points = points_of("tanh", dtype, 20_000)
    bits, sign = BITS[dtype], BITS[dtype](1 << (np.dtype(dtype).itemsize * 8 - 1))
    positive, negative = (functions.tanh(z).view(bits) for z in (points, -points))
    assert np.array_equal(positive ^ sign, negative)
    zeros = functions.tanh(np.array([0.0, -0.0], dtype))
    assert (zeros == 0).all()
    assert np.signbit(zeros).tolist() == [False, True]


def test_tanh_of_small_numbers_is_themselves(dtype):
    """Subnormal numbers, too; where z**3 / 3 is less than half of the last bit."""
    info = np.finfo(dtype)
    largest = 2.0 ** (-27 if dtype is np.float64 else -12.5)
    random = np.random.default_rng(0)
    points = np.concatenate([
        np.arange(100) * info.smallest_subnormal, random.random(1000) * info.tiny,
        np.exp2(random.uniform(np.log2(info.tiny), np.log2(largest), 1000)), [info.tiny],
    ]).astype(dtype)  # fmt: skip
    assert functions.tanh(points).tobytes() == points.tobytes()


def test_tanh_reaches_one_before_the_clamp_and_never_more(dtype):
    """From some z on it is 1; just before that neighbours may be out of order by an ulp or two."""
    clamp = 20 if dtype is np.float64 else 10
    z = np.linspace(0.8 * clamp, 1.1 * clamp, 300_001).astype(dtype)
    a = functions.tanh(z)
    assert a.max() == 1
    last = z[a < 1].max()
    assert last < (18.6 if dtype is np.float64 else 8.6)
    around = with_neighbours(with_neighbours(np.array([clamp], dtype)))
    assert (functions.tanh(around) == 1).all()
    assert of(functions.tanh, 1e30, np.inf, -np.inf, dtype=dtype) == [1, 1, -1]


def test_tanh_rises_where_k_changes(dtype):
    """Over steps that are larger than its errors; between neighbours it may not."""
    ties = (np.arange(24) + 0.5) * math.log(2) / 2
    eps = float(np.finfo(dtype).eps)
    for z in ties[: 24 if dtype is np.float64 else 8]:
        step = 9 * eps * max(1, math.cosh(z) ** 2)
        a = functions.tanh((z + np.arange(-50, 51) * step).astype(dtype))
        assert (np.diff(a) > 0).all()


def test_log1p_of_small_numbers_is_themselves(dtype):
    tiny = np.finfo(dtype).tiny
    points = np.array([0, 1e-30, float(tiny), 3 * float(tiny)], dtype)
    points = np.append(points, np.array([1e-300, 1e-17] if dtype is np.float64 else [1e-9], dtype))
    assert functions.log1p(points).tobytes() == points.tobytes()
    # u / 2 may not be a number among the subnormal ones
    subnormal = np.arange(100) * np.finfo(dtype).smallest_subnormal
    assert np.abs(functions.log1p(subnormal) - subnormal).max() <= subnormal[1]
    assert functions.log1p(np.array([1], dtype))[0] == pytest.approx(math.log(2), rel=3e-7)


def test_log_ends(dtype):
    one = functions.log(np.array([1], dtype))
    assert one.tobytes() == np.zeros(1, dtype).tobytes(), "a loss of 0.0, not of -0.0"
    # at sqrt(2) the power of two changes
    around = with_neighbours(with_neighbours(np.array([math.sqrt(2)], dtype)))
    off = np.abs(functions.log(around) - np.log(around.astype(np.longdouble)))
    assert off.max() < 5 * np.spacing(dtype(0.34))
    powers = 10.0 ** np.arange(7)  # so many classes
    found = functions.log(powers.astype(dtype))
    assert found == pytest.approx(np.log(powers), rel=5 * float(np.finfo(dtype).eps))


def test_relu_and_identity(dtype):
    values = [-np.inf, -1.5, -0.0, 0.0, 2.5, np.inf]
    found = functions.relu(np.array(values, dtype))
    assert found.dtype == dtype
    assert found.tolist() == [0, 0, 0, 0, 2.5, np.inf]
    assert np.signbit(found).tolist() == [False, False, True, False, False, False]
    assert of(functions.identity, *values, dtype=dtype) == values


# --- derivatives ------------------------------------------------------------------------------
def test_derivatives(dtype):
    """Their formulas, to the bit; of relu that it is 0 at 0, and what -0.0 and NaN become."""
    random, one = np.random.default_rng(0), dtype(1)
    back, a = (random.uniform(-2, 2, 100).astype(dtype) for _ in range(2))
    expected = {
        "sigmoid": back * (a * (one - a)),
        "tanh": back * (one - a * a),
        "relu": np.array([b if x > 0 else 0 for b, x in zip(back, a, strict=True)], dtype),
        "identity": back,
    }
    assert expected.keys() == ACTIVATIONS.keys()
    for name, values in expected.items():
        found = ACTIVATIONS[name][1](back, a)
        assert found.dtype == dtype
        assert found.tobytes() == values.tobytes()
    at_zero = functions.relu_backward(
        np.full(4, -1, dtype), np.array([0.0, -0.0, np.nan, 1], dtype)
    )
    assert at_zero.tobytes() == np.array([0, 0, 0, -1], dtype).tobytes()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_slopes(name):
    function, backward = ACTIVATIONS[name]
    z, h = np.array([-3, -0.7, 0.3, 1.1, 4.0]), 1e-6
    slopes = (function(z + h) - function(z - h)) / (2 * h)
    assert backward(np.full(5, 2.0), function(z)) / 2 == pytest.approx(slopes, rel=1e-7, abs=1e-9)


# --- softmax ----------------------------------------------------------------------------------
def logits(rows, columns, dtype, scale=5.0, seed=0):
    return (np.random.default_rng(seed).normal(size=(rows, columns)) * scale).astype(dtype)


@pytest.mark.parametrize("columns", [2, 10, 100])
def test_softmax_against_exact_values(columns, dtype):
    z = logits(400 // columns, columns, dtype)
    found = functions.softmax(z)
    assert found.dtype == dtype
    assert ((found > 0) & (found <= 1)).all()
    eps = float(np.finfo(dtype).eps)
    with mp.workprec(PRECISION):
        for row, ours in zip(z.tolist(), found.tolist(), strict=True):
            terms = [mp.exp(mpf(value)) for value in row]
            for a, term in zip(ours, terms, strict=True):
                exact = term / sum(terms)
                # z - m is rounded: half an ulp of it is an error of the exponential
                assert abs(a - exact) < 12 * eps * exact * max(1, columns / 20)
    assert np.abs(found.astype(np.float64).sum(axis=1) - 1).max() < (2 + columns / 10) * eps


def test_softmax_ends(dtype):
    """In (0, 1], however far the outputs are apart; 1 for one of them alone."""
    z = np.array([[0, 1e30], [1e30, -1e30], [-1000, 0], [7, 7], [-0.0, 0.0]], dtype)
    found = functions.softmax(z)
    assert ((found > 0) & (found <= 1)).all()
    assert found[:3].argmax(axis=1).tolist() == [1, 0, 1]
    assert found.max(axis=1).tolist() == [1, 1, 1, 0.5, 0.5]
    assert (functions.softmax(logits(5, 1, dtype)) == 1).all()
    for bad in ([np.nan, 0, 1], [0, np.nan, 1], [2, 1, np.nan], [0, np.inf, 1]):
        with np.errstate(invalid="ignore"):
            assert np.isnan(functions.softmax(np.array([bad], dtype))).any()
        if np.isnan(bad).any():
            assert np.isnan(functions.softmax(np.array([bad], dtype))).all()


def test_softmax_of_shifted_outputs_has_the_same_bits(dtype):
    """By a power of two, where all of them can be shifted exactly."""
    z = np.round(logits(50, 6, dtype) * 64).astype(dtype) / dtype(64)
    for shift in (-32, 0.25, 4, 64):
        assert np.array_equal(z + dtype(shift) - dtype(shift), z)
        shifted = functions.softmax(z + dtype(shift))
        assert shifted.tobytes() == functions.softmax(z).tobytes()


def test_softmax_of_stacks(dtype):
    z = logits(12, 5, dtype)
    whole = functions.softmax(z.reshape(3, 4, 5))
    assert whole.tobytes() == functions.softmax(z).tobytes()
    for row in range(12):
        assert functions.softmax(z[row]).tobytes() == whole.reshape(12, 5)[row].tobytes()


# --- losses -----------------------------------------------------------------------------------
def targets_of(rows, columns, dtype, seed=1):
    """0, 1 and numbers between."""
    random = np.random.default_rng(seed)
    y = random.random((rows, columns))
    return np.where(random.random(y.shape) < 0.6, np.round(y), y).astype(dtype)


def test_squared_error_against_fractions(dtype):
    y, A = targets_of(200, 3, dtype), logits(200, 3, dtype)
    found = losses.squared_error(y, A)
    assert found.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    for ours, target, a in zip(found.flat, y.flat, A.flat, strict=True):
        exact = (Fraction(float(a)) - Fraction(float(target))) ** 2
        assert abs(Fraction(float(ours)) - exact) <= Fraction(2 * eps) * exact


def exact_log_loss_of_sigmoid(y, z):
    with mp.workprec(2200):  # 1 - a may be but 1e-308
        a = 1 / (1 + mp.exp(-mpf(z)))
        return -sum(w * mp.log(p) for w, p in ((mpf(y), a), (1 - mpf(y), 1 - a)) if w)


def test_log_loss_of_sigmoid_of_hard_targets(dtype):
    """Within 6 ulp, also where the output is almost right or altogether wrong."""
    largest = 700 if dtype is np.float64 else 86
    random = np.random.default_rng(3)
    Z = np.concatenate([
        random.uniform(-10, 10, 300), random.uniform(-largest, largest, 60), magnitudes(
        random, dtype, 40, 0), [0.0, -0.0, 37, -37, largest, -largest],
    ]).astype(dtype)[:, None]  # fmt: skip
    for target in (0.0, 1.0):
        found = losses.log_loss_of_sigmoid(np.full_like(Z, target), Z)
        assert found.dtype == dtype
        assert not np.signbit(found).any()
        for ours, z in zip(found.flat, Z.flat, strict=True):
            exact = exact_log_loss_of_sigmoid(target, float(z))
            assert abs(float(ours) - exact) < 6 * np.spacing(dtype(exact))


def test_log_loss_of_sigmoid_of_other_targets(dtype):
    """The error is a few ulp of the output's logarithm."""
    y, Z = targets_of(150, 1, dtype), logits(150, 1, dtype, scale=8)
    found = losses.log_loss_of_sigmoid(y, Z)
    eps = float(np.finfo(dtype).eps)
    for ours, target, z in zip(found.flat, y.flat, Z.flat, strict=True):
        exact = exact_log_loss_of_sigmoid(float(target), float(z))
        assert abs(float(ours) - exact) < 3 * eps * max(1, abs(float(z)))


def test_log_loss_of_sigmoid_where_outputs_end(dtype):
    """Altogether wrong costs -z, which no clamp cuts off; right costs next to nothing."""
    Z, ones = np.array([[-1e4], [1e4], [-1e30], [1e30]], dtype), np.ones((4, 1), dtype)
    found = losses.log_loss_of_sigmoid(ones, Z).ravel()
    assert found[::2].tolist() == (-Z[::2, 0]).tolist()
    assert (found[1::2] < 2 * np.finfo(dtype).tiny).all()
    assert (losses.log_loss_of_sigmoid(1 - ones, -Z).ravel() == found).all()


def exact_log_loss_of_softmax(y, z):
    with mp.workprec(PRECISION):
        total = sum(mp.exp(mpf(value)) for value in z)
        return mp.log(total) * sum(map(mpf, y)) - sum(mpf(a) * b for a, b in zip(y, z, strict=True))


@pytest.mark.parametrize("scale", [0.1, 3, 100])
@pytest.mark.parametrize("columns", [2, 3, 10])
def test_log_loss_of_softmax(columns, scale, dtype):
    """The error is a few ulp of 1, or of how far the outputs are apart."""
    Z, y = logits(60, columns, dtype, scale), np.eye(columns)[np.arange(60) % columns]
    y[40:] = np.random.default_rng(0).integers(1, 9, (20, columns))
    y[40:] = np.floor(y[40:] / y[40:].sum(axis=1, keepdims=True) * 256) / 256
    y[40:, 0] += 1 - y[40:].sum(axis=1)
    y = y.astype(dtype)
    found = losses.log_loss_of_softmax(y, Z)
    assert (found.shape, found.dtype) == ((60, 1), dtype)
    eps = float(np.finfo(dtype).eps)
    for ours, target, z in zip(found.flat, y.tolist(), Z.tolist(), strict=True):
        exact = exact_log_loss_of_softmax(target, z)
        assert abs(float(ours) - exact) < 3 * eps * max(1, max(z) - min(z))


def test_log_loss_of_softmax_where_outputs_end(dtype):
    """Wrong costs how far the right output is below; right within an ulp of 1 costs nothing."""
    Z = np.array([[0, 50, -3], [0, 1e4, 0], [2.0**70, 0, 0], [1, 1, 1]], dtype)
    y = np.eye(3, dtype=dtype)[[1, 0, 0, 2]]
    found = losses.log_loss_of_softmax(y, Z).ravel()
    assert not np.signbit(found).any()
    assert found[:3].tolist() == [0, 1e4, 0]
    assert found[3] == pytest.approx(math.log(3), rel=3e-7)
    # a sigmoid is a softmax of two
    z = logits(50, 1, dtype, scale=3)
    two = losses.log_loss_of_softmax(np.eye(2, dtype=dtype)[[1] * 50], np.hstack([0 * z, z]))
    one = losses.log_loss_of_sigmoid(np.ones_like(z), z)
    assert two == pytest.approx(one, abs=12 * float(np.finfo(dtype).eps))


def test_losses_keep_nan(dtype):
    """Of an output that is not wanted, too."""
    Z, y = np.array([[1, np.nan], [np.nan, 1]], dtype), np.array([[1, 0], [1, 0]], dtype)
    assert np.isnan(losses.log_loss_of_softmax(y, Z)).all()
    for function in (losses.squared_error, losses.log_loss_of_sigmoid):
        for target in (y, 1 - y):
            assert np.isnan(function(target, Z)).tolist() == np.isnan(Z).tolist()


def test_which_loss_it_is(dtype):
    y, A, Z = targets_of(4, 3, dtype), logits(4, 3, dtype), logits(4, 3, dtype, seed=5)
    for output, loss, function, of_what in (
        ("tanh", "mse", losses.squared_error, A),
        ("sigmoid", "mse", losses.squared_error, A),
        ("sigmoid", "log_loss", losses.log_loss_of_sigmoid, Z),
        ("softmax", "log_loss", losses.log_loss_of_softmax, Z),
    ):
        found = losses.loss_terms(y, A, Z, output, loss)
        assert found.tobytes() == function(y, of_what).tobytes()


def test_totals_are_sums_over_samples_then_over_columns(dtype):
    terms = logits(3000, 4, dtype)
    a, b, c, d = sample_sum(terms)
    assert losses.total(terms).tobytes() == (((a + b) + c) + d).tobytes()
    assert losses.total(terms[:, :1]).tobytes() == a.tobytes()
