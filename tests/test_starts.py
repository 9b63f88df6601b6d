"""Starting networks: the numbers of item 11 of the contract, drawn once more in plain NumPy."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from fastxor import reference
from fastxor.networks.architecture import Architecture
from fastxor.networks.starting import INITS, starting_network

DEPTHS = [(3, 2), (2, 5, 1), (4, 3, 7, 2), (1, 6, 2, 5, 3)]  # of 0 to 3 hidden layers
BIASES = [True, False, "the last one only"]


def architecture_of(sizes, bias=True):
    if bias == "the last one only":
        bias = (False,) * (len(sizes) - 2) + (True,)
    return Architecture.of(sizes, "tanh", "identity", bias)


def root(inputs, units, init):
    """sqrt(6 / n), correctly rounded: the float64 that is nearest to the root of that float64."""
    square = Fraction(6.0 / (inputs + units if init == "glorot" else inputs))
    scaled = isqrt(square.numerator * 4**200 // square.denominator)
    return float(Fraction(scaled, 2**200))


def drawn(seed, sizes, biases, init, init_range=None):
    """All arrays in order, each number by a call of its own."""
    random, arrays = np.random.RandomState(seed), []
    for inputs, units, has_bias in zip(sizes, sizes[1:], biases, strict=False):
        r = init_range if init == "uniform" else root(inputs, units, init)

        def number(r=r):
            return random.randn() if init == "randn" else random.random_sample() * (2 * r) - r

        arrays.append(np.array([[number() for _ in range(units)] for _ in range(inputs)]))
        if has_bias:
            arrays.append(
                np.array([[number() if init == "uniform" else 0.0 for _ in range(units)]])
            )
    return arrays


@pytest.mark.parametrize("bias", BIASES, ids=str)
@pytest.mark.parametrize("sizes", DEPTHS, ids=str)
@pytest.mark.parametrize("init", INITS)
def test_numbers_are_drawn_layer_after_layer(init, sizes, bias, dtype):
    architecture = architecture_of(sizes, bias)
    init_range = 0.7 if init == "uniform" else None
    for seed in (0, 42, 2**32 - 1):
        network = starting_network(seed, architecture, dtype, init, init_range)
        expected = drawn(seed, sizes, architecture.biases, init, init_range)
        assert network.architecture == architecture
        for ours, numbers in zip(network.arrays, expected, strict=True):
            assert ours.dtype == dtype
            assert ours.shape == numbers.shape
            # in float64, then rounded once
            assert ours.tobytes() == numbers.astype(dtype).tobytes()


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("bias", BIASES[:2], ids=str)
def test_training_starts_from_them(init, bias, dtype):
    settings = {"init_range": 0.3} if init == "uniform" else {}
    run = reference.train(
        np.zeros((5, 4)), np.zeros((5, 2)), hidden_size=(3, 7), activation="tanh", seed=5,
        output="identity", bias=bias, epochs=0, init=init, dtype=dtype, **settings,
    )  # fmt: skip
    expected = drawn(5, (4, 3, 7, 2), (bias,) * 3, init, settings.get("init_range"))
    for ours, numbers in zip(run.network.arrays, expected, strict=True):
        assert ours.tobytes() == numbers.astype(dtype).tobytes()


@pytest.mark.parametrize("init", ["glorot", "he", "uniform"])
def test_bounds(init):
    """Each layer's own, which random numbers come near to; biases are 0 but for "uniform"."""
    sizes = (50, 40, 3, 60)
    init_range = 0.25 if init == "uniform" else None
    network = starting_network(1, architecture_of(sizes), np.float64, init, init_range)
    for inputs, units, layer in zip(sizes, sizes[1:], network.layers, strict=False):
        bound = init_range or np.sqrt(6 / (inputs + (units if init == "glorot" else 0)))
        assert 0.95 * bound < np.abs(layer.W).max() <= bound
        assert layer.W.min() < -0.9 * bound
        assert abs(layer.W.mean()) < bound / 5
        if init == "uniform":
            assert 0 < np.abs(layer.b).max() <= bound
        else:
            assert layer.b.tobytes() == np.zeros((1, units)).tobytes()


def test_no_negative_zero():
    """Not even where float32 has no number as small as that."""
    network = starting_network(1, architecture_of((3, 4, 2)), np.float32, "uniform", 1e-60)
    assert not any(array.any() or np.signbit(array).any() for array in network.arrays)


@pytest.mark.parametrize("init", ["glorot", "he"])
def test_roots_are_correctly_rounded(init):
    """Of many sizes of layers: sqrt itself is, but in case somebody takes a power of 0.5."""
    share = np.random.RandomState(3).random_sample()
    for inputs in [*range(1, 40), 1000, 4097]:
        network = starting_network(3, architecture_of((inputs, 1), False), np.float64, init)
        r = root(inputs, 1, init)
        assert network.W1[0, 0] == share * (2 * r) - r


def test_biases_draw_no_numbers_but_for_uniform():
    sizes = (3, 4, 2)
    for init in INITS:
        settings = (np.float64, init, 0.5 if init == "uniform" else None)
        with_biases, without = (
            starting_network(9, architecture_of(sizes, bias), *settings) for bias in (True, False)
        )
        same = with_biases.W2.tobytes() == without.W2.tobytes()
        assert same == (init != "uniform")
        assert with_biases.W1.tobytes() == without.W1.tobytes()
        assert without.__dict__["b1"] is without.__dict__["b2"] is None


def test_the_tutorials_start_is_as_ever():
    """W1, then W2, of one RandomState: as the tutorial draws them."""
    network = starting_network(42, Architecture.of((2, 2, 1)), np.float64)
    random = np.random.RandomState(42)
    assert network.W1.tobytes() == random.randn(2, 2).tobytes()
    assert network.W2.tobytes() == random.randn(2, 1).tobytes()
    assert not network.b1.any()
    assert not network.b2.any()


def test_the_global_generator_is_left_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].tobytes()
    starting_network(1, Architecture.of((2, 2, 1)), np.float64, "he")
    assert np.random.get_state()[1].tobytes() == before
