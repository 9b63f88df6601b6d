"""Predictions by the kernel: the bits of the contract."""

import itertools
import time

import numpy as np
import pytest

import fastxor
from fastxor import Network
from fastxor.kernels import faster
from fastxor.networks import predictions
from fastxor.networks.architecture import OUTPUTS, Architecture
from fastxor.networks.stack import Networks
from tests.conftest import in_new_process

SIZES = [(2, 1), (2, 2, 1), (3, 9, 5, 2), (9, 16, 3)]


@pytest.fixture(autouse=True, scope="module")
def numba():
    """Is imported."""
    fastxor.train(*fastxor.xor(), epochs=1)


@pytest.fixture
def used(monkeypatch):
    """Which of the two ways predictions took."""
    names = []
    for name in ("_by_kernel", "_by_contract"):
        way = getattr(predictions, name)

        def noted(*arguments, name=name, way=way):
            names.append(name)
            return way(*arguments)

        monkeypatch.setattr(predictions, name, noted)
    return names


@pytest.fixture
def by_both(used):
    def outputs(arrays, architecture, X):
        parameters = architecture.joined(arrays)
        with faster.special_kernels_at_once():
            kernel, finite = predictions.outputs_of(parameters, architecture, X)
        contract = np.empty_like(kernel)
        predictions._by_contract(parameters, architecture, np.array(X), contract)
        assert finite == np.isfinite(contract).all()
        assert used[-2:] == ["_by_kernel", "_by_contract"]
        return kernel, contract

    return outputs


def random_networks(count, sizes, dtype, *functions):
    random, architecture = np.random.default_rng(0), Architecture.of(sizes, *functions)
    shapes = architecture.shapes.values()
    return [random.normal(size=(count, *s)).astype(dtype) for s in shapes], architecture


# one sample, a part of a vector, of a tile, and more; one network, and several
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
def test_bits(sizes, activation, dtype, by_both):
    for output, bias in itertools.product(OUTPUTS, (True, False)):
        if output == "softmax" and sizes[-1] < 2:
            continue
        for count, n in ((1, 1), (1, 4), (3, 7), (2, 64), (1, 65), (5, 130)):
            networks = random_networks(count, sizes, dtype, activation, output, bias)
            X = np.random.default_rng(n).normal(size=(n, sizes[0]), scale=3)
            kernel, contract = by_both(*networks, X)
            assert kernel.tobytes() == contract.tobytes()


@pytest.mark.parametrize(("count", "n"), [(1, 1000), (70, 3), (7, 200)])
def test_pieces_and_threads(count, n, by_both, monkeypatch):
    """However the work is divided."""
    networks = random_networks(count, (3, 5, 2), np.float64)
    X = np.random.default_rng(0).normal(size=(n, 3))
    for pays, most, threads in ((1, 3000, 3), (1, 10**9, 2), (10**9, 3000, 1)):
        for name, value in (("PAYS", pays), ("SLICE", most), ("cores", lambda t=threads: t)):
            monkeypatch.setattr(predictions, name, value)
        kernel, contract = by_both(*networks, X)
        assert kernel.tobytes() == contract.tobytes()


@pytest.mark.parametrize("pays", [0, 60 * 60, 10**9])
@pytest.mark.parametrize("output", ["identity", "softmax"])
def test_networks_with_samples_of_their_own(pays, output, dtype, by_both, monkeypatch):
    """By a kernel each, by `outputs_of` where there are many samples, and some of both."""
    arrays, architecture = random_networks(5, (3, 5, 2), dtype, "tanh", output)
    counts, parameters = np.array([7, 1, 100, 64, 30]), architecture.joined(arrays)
    X = np.random.default_rng(0).normal(size=(counts.sum(), 3))
    _, expected = by_both(arrays, architecture, X)
    monkeypatch.setattr(predictions, "PAYS", pays)
    with faster.special_kernels_at_once():
        outputs = predictions.outputs_by_network(parameters, architecture, X, counts)
    which = np.repeat(np.arange(5), counts)
    assert outputs.dtype == dtype
    assert outputs.tobytes() == expected[which, np.arange(len(X))].tobytes()


def test_pieces_are_all_there_is():
    for count, n, size, most in ((1, 1000, 9, 900), (70, 3, 9, 100), (7, 200, 32, 10_000)):
        made = np.zeros((count, n), int)
        for first, last, start, stop in predictions._pieces(count, n, size, most):
            made[first:last, start:stop] += 1
            assert (last - first) * (stop - start) * size <= max(most, size * predictions.ROWS)
        assert (made == 1).all()


def test_any_samples(by_both, tmp_path):
    """Of any layout and kind, read only, in a file, and not aligned."""
    networks = random_networks(1, (3, 5, 2), np.float64)
    X = (np.arange(60).reshape(20, 3) % 2).astype(np.float64)
    fixed = X.copy()
    fixed.setflags(write=False)
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    crooked = np.frombuffer(b"x" + X.tobytes(), np.float64, offset=1).reshape(X.shape)
    for given in (
        X.T.copy().T, X[::-2], X.astype(bool), X.astype(">f8"), X.astype(np.float32), X.tolist(),
        fixed, on_disk, crooked,
    ):  # fmt: skip
        kernel, contract = by_both(*networks, given)
        assert kernel.tobytes() == contract.tobytes()


@pytest.mark.parametrize(("n", "row"), [(3, 1), (100, 99), (20_000, 7)])
def test_a_sum_that_overflows_among_many(n, row):
    X = np.zeros((n, 1))
    X[row] = 1e308
    W, b = np.array([[10.0]]), np.zeros((1, 1))
    outputs = Network(W, b, W, b, activation="identity", output="identity").predict_proba(X)
    assert np.flatnonzero(outputs) == row
    assert outputs[row] == np.inf, "infinity is a number"
    with pytest.raises(OverflowError, match=f"for row {row} of X"):
        Network(W, b, 0 * W, b, activation="identity").predict_proba(X)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("n", "row"), [(1, 0), (65, 64), (3000, 2000)])
def test_samples_that_are_not_finite(n, row, wrong, dtype):
    """The kernel sees them itself, in whatever column, also where outputs are finite."""
    networks = random_networks(1, (3, 4, 2), dtype)
    network = Network.of([array[0] for array in networks[0]], networks[1])
    for column in range(3):
        X = np.zeros((n, 3), dtype)
        X[row, column] = wrong
        with (
            faster.special_kernels_at_once(),
            pytest.raises(
                ValueError, match=rf"X must be finite in .*, got .* at \[{row}, {column}"
            ),
        ):
            network.predict_proba(X)


@pytest.mark.parametrize("compiler", [True, False])
def test_samples_of_another_type_that_are_not_finite(compiler, monkeypatch):
    monkeypatch.setattr(predictions, "can_compile", lambda: compiler)
    for dtype, wrong in ((np.float32, 1e300), (np.float32, np.nan), (np.float64, np.inf)):
        arrays, architecture = random_networks(1, (3, 4, 2), dtype)
        network = Network.of([array[0] for array in arrays], architecture)
        for kind in (np.float64, np.longdouble, object):
            X = np.zeros((5, 3), kind)
            X[3, 1] = wrong
            with (
                faster.special_kernels_at_once(),
                pytest.raises(ValueError, match=r"X must be finite in .*, got .* at \[3, 1"),
            ):
                network.predict_proba(X)


def test_sums_that_overflow(by_both):
    """They are where they are with NumPy, and what is said of them."""
    architecture = Architecture.of((2, 2, 1))
    arrays = [np.full((1, *shape), 1e300) for shape in architecture.shapes.values()]
    arrays[0][0, 1] *= -1
    X = np.array([[1.0, 1.0], [1e300, 1e300]])
    with np.errstate(all="ignore"):
        kernel, contract = by_both(arrays, architecture, X)
    assert np.isnan(kernel).tolist() == np.isnan(contract).tolist() == [[[False], [True]]]
    with pytest.raises(OverflowError, match="for row 1 of X"):
        Network(*(array[0] for array in arrays)).predict(X)


def test_no_networks():
    arrays, architecture = random_networks(0, (3, 5, 2), np.float64)
    assert Networks.of(arrays, architecture).predict_proba(np.ones((4, 3))).shape == (0, 4, 2)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two", True])
def test_bad_threads(threads):
    network = fastxor.train(*fastxor.xor(), epochs=1).network
    with pytest.raises((ValueError, TypeError), match="threads must be an integer of at least 1"):
        network.predict(fastxor.xor()[0], threads=threads)


def test_the_kernel_takes_over(used, monkeypatch):
    """Where it pays: of much work at once, of little after a while."""
    monkeypatch.setattr(faster, "COMPILING", 0.0)
    faster.faster.cache_clear()
    network, (X, _) = fastxor.train(*fastxor.xor(), epochs=1).network, fastxor.xor()
    network.predict(X)
    assert used == ["_by_contract"]
    deadline = time.monotonic() + 60
    while used[-1] == "_by_contract" and time.monotonic() < deadline:
        network.predict(X)
    assert used[-1] == "_by_kernel"
    monkeypatch.setattr(predictions, "LARGE", 4)
    faster.faster.cache_clear()
    del used[:]
    network.predict(X)
    assert used == ["_by_kernel"]


def test_numba_is_not_imported_to_look_for_the_kernel():
    output = in_new_process(
        "import sys, threading, fastxor\n"
        "from fastxor.kernels import faster\n"
        "faster.LOADING = 0.0\n"
        "X, y = fastxor.xor()\n"
        "fastxor.reference.train(X, y, epochs=1).network.predict(X)\n"
        "print(threading.active_count(), 'numba' in sys.modules)\n"
    )
    assert output == "1 False\n"


def test_numba_is_imported_only_for_much_work():
    program = (
        "import sys, fastxor\n"
        "from fastxor.networks import predictions\n"
        "X, y = fastxor.xor()\n"
        "network = fastxor.reference.train(X, y, epochs=1).network\n"
        "before = network.predict_proba(X)\n"
        "print('numba' in sys.modules)\n"
        "predictions.LARGE = 4\n"
        "print(before.tobytes() == network.predict_proba(X).tobytes(), 'numba' in sys.modules)\n"
    )
    assert in_new_process(program) == "False\nTrue True\n"
    assert in_new_process(program, NUMBA_DISABLE_JIT="1") == "False\nTrue False\n"
