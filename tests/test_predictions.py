"""Predictions by the kernel: the bits of the contract."""

import itertools
import sys

import numpy as np
import pytest

import fastxor
from fastxor import Network
from fastxor.networks import predictions
from fastxor.networks.architecture import OUTPUTS, Architecture
from fastxor.networks.stack import Networks
from tests.conftest import in_new_process

KERNELS = "fastxor.kernels.compiling"
SIZES = [(2, 1), (2, 2, 1), (3, 9, 5, 2), (9, 16, 3)]


def by_both(monkeypatch, arrays, architecture, X):
    """Outputs by the kernel, and by NumPy."""
    monkeypatch.setitem(sys.modules, KERNELS, fastxor.kernels.compiling)
    kernel = predictions.outputs_of(arrays, architecture, X)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, KERNELS)
        contract = predictions.outputs_of(arrays, architecture, X)
    return kernel, contract


def random_networks(count, sizes, dtype, *functions):
    random, architecture = np.random.default_rng(0), Architecture.of(sizes, *functions)
    shapes = architecture.shapes.values()
    return [random.normal(size=(count, *s)).astype(dtype) for s in shapes], architecture


@pytest.fixture(autouse=True, scope="module")
def kernels():
    fastxor.train(*fastxor.xor(), epochs=1)


# one sample, a part of a vector, of a tile, and more; one network, and several
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
def test_bits(sizes, activation, dtype, monkeypatch):
    for output, bias in itertools.product(OUTPUTS, (True, False)):
        if output == "softmax" and sizes[-1] < 2:
            continue
        for count, n in ((1, 1), (1, 4), (3, 7), (2, 64), (1, 65), (5, 130)):
            networks = random_networks(count, sizes, dtype, activation, output, bias)
            X = np.random.default_rng(n).normal(size=(n, sizes[0]), scale=3)
            kernel, contract = by_both(monkeypatch, *networks, X)
            assert kernel.tobytes() == contract.tobytes()


@pytest.mark.parametrize(("count", "n"), [(1, 1000), (70, 3), (7, 200)])
def test_pieces_and_threads(count, n, monkeypatch):
    """However the work is divided."""
    networks = random_networks(count, (3, 5, 2), np.float64)
    X = np.random.default_rng(0).normal(size=(n, 3))
    for each, most, threads in ((1, 100, 3), (500, 10**9, 2), (10**9, 100, 1)):
        for name, value in (("EACH", each), ("SLICE", most), ("cores", lambda t=threads: t)):
            monkeypatch.setattr(predictions, name, value)
        kernel, contract = by_both(monkeypatch, *networks, X)
        assert kernel.tobytes() == contract.tobytes()


def test_any_layout_and_kind_of_samples(monkeypatch):
    networks = random_networks(1, (3, 5, 2), np.float32)
    X = np.arange(60).reshape(3, 20) % 2
    for given in (X.T, X.T.astype(bool), X.T.astype(np.float32), X.T.tolist(), X.T[::-2]):
        kernel, contract = by_both(monkeypatch, *networks, given)
        assert kernel.tobytes() == contract.tobytes()


def test_sums_that_overflow(monkeypatch):
    """They are where they are with NumPy, and what is said of them."""
    architecture = Architecture.of((2, 2, 1))
    arrays = [np.full((1, *shape), 1e300) for shape in architecture.shapes.values()]
    arrays[0][0, 1] *= -1
    X = np.array([[1.0, 1.0], [1e300, 1e300]])
    kernel, contract = by_both(monkeypatch, arrays, architecture, X)
    assert np.isnan(kernel).tolist() == np.isnan(contract).tolist() == [[[False], [True]]]
    with pytest.raises(OverflowError, match="for row 1 of X"):
        Network(*(array[0] for array in arrays)).predict(X)


def test_no_networks():
    arrays, architecture = random_networks(0, (3, 5, 2), np.float64)
    assert Networks.of(arrays, architecture).predict_proba(np.ones((4, 3))).shape == (0, 4, 2)


def test_numba_is_not_imported_for_few_samples():
    output = in_new_process(
        "import sys, fastxor\n"
        "X, y = fastxor.xor()\n"
        "network = fastxor.reference.train(X, y, epochs=1).network\n"
        "before = network.predict_proba(X)\n"
        "print('numba' in sys.modules)\n"
        "fastxor.train(X, y, epochs=1)\n"
        "print(before.tobytes() == network.predict_proba(X).tobytes())\n"
    )
    assert output == "False\nTrue\n"
