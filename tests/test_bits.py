"""Kernel against reference, every loss and every parameter to the last bit."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fastxor
from fastxor import Network, reference
from tests.conftest import FLOATS, assert_same_bits, samples, weights

INPUTS, HIDDEN, OUTPUTS = (1, 2, 3, 5, 8), (1, 2, 3, 4, 7, 8, 9, 16, 33), (1, 2, 3)
SMALL = (1, 2, 3, 4, 5, 6, 7, 8)
MIDDLE = (9, 15, 16)
LARGE = (17, 127, 128, 129, 1023, 1024, 1025, 3000)


def check(n, sizes, dtype, momentum=0.0, seed=0, epochs=3, learning_rate=0.01):
    X, y = samples(n, sizes[0], sizes[2], seed)
    options = {
        "hidden_size": sizes[1], "epochs": epochs, "learning_rate": learning_rate,
        "momentum": momentum, "initial": weights(*sizes, seed), "dtype": dtype,
    }  # fmt: skip
    assert_same_bits(reference.train(X, y, **options), fastxor.train(X, y, **options))


# a kernel is compiled for each pair: every other one, while I, O, dtype and momentum take turns
PAIRS = [(n, turn) for turn in range(len(HIDDEN)) for n in SMALL if (n + turn) % 2]


@pytest.mark.parametrize(("n", "turn"), PAIRS)
def test_small_batches(n, turn):
    H = HIDDEN[turn]
    turn += n // 2
    sizes = (INPUTS[turn % 5], H, OUTPUTS[turn % 3])
    check(n, sizes, FLOATS[turn % 2], 0.5 * (turn // 2 % 2), seed=turn, epochs=20)


@pytest.mark.parametrize("turn", range(len(HIDDEN)))
@pytest.mark.parametrize("many", [MIDDLE, LARGE], ids=["middle", "large"])
def test_tiled_batches(many, turn, dtype):
    H = HIDDEN[turn]
    turn += dtype is np.float32
    sizes = (INPUTS[turn % 5], H, OUTPUTS[turn % 3])
    for n in many[turn % 2 :: 2]:  # the others are of the other dtype
        check(n, sizes, dtype, 0.5 * (turn // 2 % 2), seed=turn)


@pytest.mark.parametrize("n", [4, 1025])
def test_outputs_that_do_not_fit_a_register_or_the_stack(n, dtype):
    check(n, (40, 70, 11), dtype, momentum=0.9)


@settings(max_examples=12)
@example(n=4, sizes=(2, 2, 1), wide=True, momentum=0.0, seed=3, scale=1e-300)
@example(n=4, sizes=(2, 2, 1), wide=False, momentum=1.25, seed=3, scale=1e30)
@given(
    n=st.one_of(st.integers(1, 40), st.integers(1000, 3100)),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 40), st.integers(1, 4)),
    wide=st.booleans(),
    momentum=st.sampled_from([0.0, 0.9]),
    seed=st.integers(0, 1000),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 30.0, 1e4]),
)
def test_any_size(n, sizes, wide, momentum, seed, scale):
    X, y = samples(n, sizes[0], sizes[2], seed)
    options = {
        "hidden_size": sizes[1], "epochs": 4, "learning_rate": 0.5, "momentum": momentum,
        "initial": weights(*sizes, seed, scale), "dtype": "float64" if wide else "float32",
    }  # fmt: skip
    assert_same_bits(reference.train(X, y, **options), fastxor.train(X, y, **options))


def start(kind):
    exact = weights(2, 3, 1)
    scale = {"huge": 2.0**40, "tiny": 2.0**-100, "zeros": 0.0, "subnormal": 2.0**-1060}
    if kind == "negative zeros":
        return tuple(-0.0 * np.ones_like(a) for a in exact.arrays)
    if kind == "random":
        return exact.arrays
    return tuple(a * scale[kind] for a in exact.arrays)


KINDS = ["random", "huge", "tiny", "subnormal", "zeros", "negative zeros"]


@pytest.mark.parametrize("weights_kind", KINDS)
@pytest.mark.parametrize("data_kind", ["xor", "constant", "zero", "negative zero", "huge"])
@pytest.mark.parametrize("n", [4, 20])
def test_saturated_tiny_and_zero(n, data_kind, weights_kind, dtype):
    X, y = fastxor.xor()
    X, y = (np.resize(a, (n, a.shape[1])).astype(float) for a in (X, y))
    if data_kind == "huge":
        X *= 2.0**60
    elif data_kind != "xor":
        X[:] = {"constant": 0.75, "zero": 0.0, "negative zero": -0.0}[data_kind]
    initial = start(weights_kind)
    if dtype is np.float32 and weights_kind == "subnormal":
        initial = tuple(a * 2.0**930 for a in initial)  # subnormal in float32
    for momentum in (0.0, 0.9):
        options = {
            "hidden_size": 3, "epochs": 50, "learning_rate": 1.5, "initial": initial,
            "momentum": momentum, "dtype": dtype,
        }  # fmt: skip
        assert_same_bits(reference.train(X, y, **options), fastxor.train(X, y, **options))


@pytest.mark.parametrize("n", [4, 12, 20])
def test_no_negative_zero_goes_in_or_comes_out(n, dtype):
    """Inputs of zero and errors of one sign: a kernel's sums of products may be -0.0."""
    X, y = np.zeros((n, 2)), np.ones((n, 1))
    for initial in (start("random"), start("negative zeros")):
        options = {"initial": initial, "epochs": 3, "momentum": -0.5, "dtype": dtype}
        a, b = (engine.train(X, y, **options) for engine in (reference, fastxor))
        assert_same_bits(a, b)
        for array in (*b.network.arrays, *b.network.velocity):
            assert not (np.signbit(array) & (array == 0)).any()


def test_the_tutorials_run(dtype):
    X, y = fastxor.xor()
    a, b = (engine.train(X, y, dtype=dtype) for engine in (reference, fastxor))
    assert_same_bits(a, b)


def test_padding_does_not_leak_into_sums(dtype):
    """The same samples at the end of a longer batch and alone give the bits of the reference."""
    X, y = samples(13, 3, 2)
    X[-1] = 1e3  # the last sample stands out: losing or doubling it shows
    options = {"hidden_size": 4, "epochs": 5, "dtype": dtype, "learning_rate": 0.1}
    for n in range(1, 14):
        a, b = (engine.train(X[-n:], y[-n:], **options) for engine in (reference, fastxor))
        assert_same_bits(a, b)


def test_networks_may_hold_memory_in_any_order(dtype):
    X, y = samples(10, 4, 3)
    first = weights(4, 5, 3)
    transposed = Network(*(np.asfortranarray(a) for a in first.arrays))
    runs = [
        fastxor.train(np.asfortranarray(X), y[::-1][::-1], epochs=5, initial=initial, dtype=dtype)
        for initial in (first, transposed)
    ]
    assert_same_bits(*runs)
