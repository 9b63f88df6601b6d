"""The reference against what it did not come from: the tutorial, differences, plain sums."""

import ast
import inspect
from fractions import Fraction

import numpy as np
import pytest

import fastxor
from fastxor import reference, textbook
from fastxor.agreement import ulp_distance
from fastxor.contract import functions, losses, passes, sums
from fastxor.contract.sums import sample_sum
from fastxor.networks.architecture import HIDDEN, Architecture
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_network
from fastxor.runs.settings import LOSSES_OF
from tests.conftest import samples, weights

TUTORIAL_LOSSES = [
    "0.25583", "0.24941", "0.24544", "0.20471", "0.15320",
    "0.13869", "0.13359", "0.13115", "0.12975", "0.12885",
]  # fmt: skip


XOR = Architecture.of((2, 2, 1))


@pytest.fixture(scope="module")
def tutorial():
    X, y = fastxor.xor()
    return textbook.train(X, y, starting_network(42, XOR, np.float64).arrays)


@pytest.fixture(scope="module")
def tutorial_run():
    return reference.train(*fastxor.xor())


@pytest.mark.parametrize("engine", ["textbook", "reference", "fastxor"])
def test_the_tutorials_lines(engine, tutorial, tutorial_run):
    X, y = fastxor.xor()
    if engine == "textbook":
        parameters, losses = tutorial
        classes = textbook.forward_propagation(X, *parameters)[1] > 0.5
    else:
        run = tutorial_run if engine == "reference" else fastxor.train(X, y)
        losses, classes = run.losses, run.network.predict(X)
    assert [f"{loss:.5f}" for loss in losses[::1000]] == TUTORIAL_LOSSES
    assert classes.astype(int).ravel().tolist() == [0, 0, 1, 1]


def test_ten_thousand_epochs_stay_close_to_the_textbook(tutorial, tutorial_run):
    for ours, theirs in zip(tutorial_run.network.arrays, tutorial[0], strict=True):
        assert np.abs(ours / theirs - 1).max() < 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_one_epoch_is_within_a_few_ulp_of_the_textbook(seed):
    X, y = fastxor.xor()
    start = starting_network(seed, XOR, np.float64)
    run = reference.train(X, y, epochs=1, seed=seed)
    parameters, losses = textbook.train(X, y, start.arrays, epochs=1)
    assert ulp_distance(run.losses, np.array(losses)) <= 4
    for ours, theirs, before in zip(run.network.arrays, parameters, start.arrays, strict=True):
        # a bias starts at zero and is but a small step: count ulp of what was summed
        scale = np.spacing(np.maximum(np.abs(before), 0.125))
        assert (np.abs(ours - theirs) / scale).max() <= 4


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize(("n", "sizes"), [(4, (2, 2, 1)), (7, (3, 4, 2)), (50, (5, 3, 3))])
def test_updates_are_the_slope_of_the_loss(engine, n, sizes):
    """Central differences of the textbook's loss, for every parameter."""
    X, y = samples(n, sizes[0], sizes[2])
    start = weights(*sizes)
    rate = 1.0
    after = engine.train(X, y, epochs=1, learning_rate=rate, initial=start, hidden_size=sizes[1])

    def loss(arrays):
        return textbook.compute_loss(y, textbook.forward_propagation(X, *arrays)[1])

    for k, (before, trained) in enumerate(zip(start.arrays, after.network.arrays, strict=True)):
        gradient = (before - trained) / rate
        assert np.abs(gradient).min() > 1e-6, "a gradient of zeros would prove nothing"
        for at in np.ndindex(before.shape):
            shifted = []
            for h in (1e-5, -1e-5):
                arrays = [array.copy() for array in start.arrays]
                arrays[k][at] += h
                shifted.append(loss(arrays))
            slope = (shifted[0] - shifted[1]) / 2e-5 * (y.size / 2)
            assert gradient[at] == pytest.approx(slope, rel=1e-5, abs=1e-9)


PLAIN = {
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "tanh": np.tanh,
    "relu": lambda Z: np.maximum(Z, 0),
    "identity": lambda Z: Z,
    "softmax": lambda Z: np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True),
}
ENDS = [(output, loss) for output, all_losses in LOSSES_OF.items() for loss in all_losses]


def plain_loss(X, y, network, loss):
    """Of any network, with what NumPy has; and what gradients of sums are of its means."""
    A = X
    for W, b, activation, _ in network.layers:
        A = PLAIN[activation](A @ W + (0 if b is None else b))
    if loss == "mse":
        return np.mean((y - A) ** 2), y.size / 2
    if network.output == "softmax":
        return -np.mean((y * np.log(A)).sum(axis=1)), len(y)
    return -np.mean(y * np.log(A) + (1 - y) * np.log(1 - A)), y.size


def targets_for(y, output):
    """Random y in [0, 1) as a softmax has them; or as an identity and tanh, which go below 0."""
    if output == "softmax":
        return y / y.sum(axis=1, keepdims=True)
    return y if output == "sigmoid" else 2 * y - 1


def random_network(architecture, seed=0):
    """All parameters from -1.5 to 1.5, biases too."""
    random = np.random.default_rng(seed)
    arrays = [random.uniform(-1.5, 1.5, shape) for shape in architecture.shapes.values()]
    return Network.of(arrays, architecture)


MIXED = [  # hidden units and their functions
    ((), ()), ((5,), ("tanh",)), ((4, 3), ("relu", "tanh")),
    ((3, 4, 3), ("tanh", "identity", "relu")),
    ((4, 3, 3, 4), ("relu", "sigmoid", "tanh", "identity")),
]  # fmt: skip


@pytest.mark.parametrize("bias", [True, False], ids=["biases", "none"])
@pytest.mark.parametrize(("output", "loss"), ENDS)
@pytest.mark.parametrize(
    ("hidden", "activation"), [*(((4, 3), name) for name in HIDDEN), *MIXED], ids=str
)
def test_gradients_of_any_network_are_slopes(hidden, activation, output, loss, bias):
    """Central differences of the loss in plain NumPy, for every parameter."""
    architecture = Architecture.of((3, *hidden, 2), activation, output, bias)
    X, y = samples(13, 3, 2)
    y, start, rate = targets_for(y, output), random_network(architecture, len(hidden)), 2.0**-10
    run = reference.train(
        X, y, epochs=1, learning_rate=rate, initial=start, hidden_size=hidden, loss=loss
    )
    mean, scale = plain_loss(X, y, start, loss)
    assert run.losses[0] == pytest.approx(mean, rel=1e-13)
    assert run.network.architecture == architecture
    for k, (before, trained) in enumerate(zip(start.arrays, run.network.arrays, strict=True)):
        gradient = (before - trained) / rate
        assert np.count_nonzero(gradient) > gradient.size / 2, "zeros would prove nothing"
        for at in np.ndindex(before.shape):
            shifted = []
            for h in (1e-5, -1e-5):
                arrays = [array.copy() for array in start.arrays]
                arrays[k][at] += h
                network = Network.of(arrays, architecture)
                shifted.append(plain_loss(X, y, network, loss)[0])
            slope = (shifted[0] - shifted[1]) / 2e-5 * scale
            assert gradient[at] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_a_wrong_gradient_would_be_seen(monkeypatch):
    wrong = functions.ACTIVATIONS["tanh"][0], functions.sigmoid_backward
    monkeypatch.setitem(functions.ACTIVATIONS, "tanh", wrong)
    with pytest.raises(AssertionError):
        test_gradients_of_any_network_are_slopes((4, 3), "tanh", "identity", "mse", True)


def lanes_in_words(terms):
    """Point 4 of the contract, told once more with scalars."""
    total = terms.dtype.type(0)
    for block in range(0, len(terms), 1024):
        lane = [terms.dtype.type(0)] * 8
        for j, term in enumerate(terms[block : block + 1024]):
            lane[j % 8] = lane[j % 8] + term
        left = (lane[0] + lane[4]) + (lane[2] + lane[6])
        right = (lane[1] + lane[5]) + (lane[3] + lane[7])
        total = total + (left + right)
    return total


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 9, 100, 1023, 1024, 1025, 2048, 3000])
def test_sample_sum(n, dtype):
    terms = (np.random.default_rng(n).random(n) - 0.5).astype(dtype)
    total = sample_sum(terms)
    assert total.dtype == dtype
    assert total.tobytes() == lanes_in_words(terms).tobytes()
    exact = float(sum(map(Fraction, terms.tolist())))
    assert total == pytest.approx(exact, rel=1e-4 if dtype is np.float32 else 1e-12, abs=1e-5)


def test_sample_sum_of_four_is_a_fold_of_four(dtype):
    a, b, c, d = terms = np.random.default_rng(0).random(4).astype(dtype)
    assert sample_sum(terms) == (a + c) + (b + d)


def test_sample_sum_is_never_a_negative_zero(dtype):
    assert not np.signbit(sample_sum(np.full(5, -0.0, dtype)))


def test_squared_error_of_several_outputs():
    y, A2 = np.zeros((3, 2)), np.array([[0.5, 0.25], [0.5, 0.25], [0.5, 0.25]])
    assert losses.total(losses.squared_error(y, A2)) == 3 * 0.25 + 3 * 0.0625


def test_the_contract_needs_no_library_of_functions():
    """np.exp, np.dot and np.sum differ between machines: none of them, not even as an operator."""
    modules = (functions, losses, sums, passes, reference)
    nodes = [node for module in modules for node in ast.walk(ast.parse(inspect.getsource(module)))]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert "rint" in names, "attributes are seen"
    assert not names & {
        "exp", "exp2", "expm1", "log", "log1p", "log2", "logaddexp", "arctanh", "tanh", "power",
        "dot", "matmul", "sum", "mean", "einsum",
    }  # fmt: skip
    assert not any(isinstance(node, (ast.MatMult, ast.Pow)) for node in nodes)
