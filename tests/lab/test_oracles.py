"""scikit-learn's networks, trained from the same starts, have the same losses.

Theirs are other formulas and other sums (BLAS). Their rate is for means over samples, ours for
sums; their squared error is half of ours, and their log loss of several labels is a sum over them.
"""

import inspect

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

import fastxor
from fastxor import reference
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network

N, EPOCHS, RATE = 24, 50, 0.002
ENDS = {  # outputs, their function, the loss, and by what theirs is multiplied
    "numbers": (2, "identity", "mse", 2),
    "two classes": (1, "sigmoid", "log_loss", 1),
    "labels": (3, "sigmoid", "log_loss", 1 / 3),
    "classes": (3, "softmax", "log_loss", 1),
}
THEIR_NAMES = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu", "identity": "identity"}


def data_of(end):
    """X, y as they take it, and as we do."""
    random = np.random.default_rng(0)
    X, outputs = random.normal(size=(N, 3)), ENDS[end][0]
    numbers = X @ random.normal(size=(3, outputs)) / 2 + np.sin(2 * X[:, :1])
    if end == "numbers":
        return X, numbers, numbers
    if end == "classes":
        labels = numbers.argmax(axis=1)
        return X, labels, np.eye(3)[labels]
    labels = (numbers > 0).astype(int)
    return X, labels[:, 0] if end == "two classes" else labels, labels


def start_of(architecture):
    random = np.random.default_rng(1)
    arrays = [random.uniform(-0.9, 0.9, shape) for shape in architecture.shapes.values()]
    return Network.of(arrays, architecture)


def trained_by_scikit_learn(X, y, start, activation, sample_weight=None, **settings):
    """Its losses and network; its public way to a start of one's own is a warm one."""
    settings = {
        "solver": "sgd", "learning_rate_init": RATE * N, "alpha": 0, "nesterovs_momentum": False,
    } | settings  # fmt: skip
    kind = MLPRegressor if start.output == "identity" else MLPClassifier
    model = kind(
        hidden_layer_sizes=start.sizes[1:-1], activation=THEIR_NAMES[activation], batch_size=N,
        learning_rate="constant", shuffle=False, tol=0, n_iter_no_change=10**6, max_iter=1,
        **settings,
    )  # fmt: skip
    model.fit(X, y)
    assert [W.shape for W in model.coefs_] == [layer.W.shape for layer in start.layers]
    model.coefs_ = [layer.W.copy() for layer in start.layers]
    model.intercepts_ = [layer.b[0].copy() for layer in start.layers]
    if settings["solver"] == "adam":  # a warm start goes on with the moments of the first epoch
        model._optimizer = AdamOptimizer(
            [*model.coefs_, *model.intercepts_], settings["learning_rate_init"],
            epsilon=settings["epsilon"],
        )  # fmt: skip
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    model.set_params(warm_start=True, max_iter=EPOCHS).fit(X, y, **weights)
    assert len(model.loss_curve_) == 1 + EPOCHS
    return np.array(model.loss_curve_[1:]), model


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("hidden", [(5,), (5, 4), (4, 5, 3)], ids=str)
@pytest.mark.parametrize("activation", THEIR_NAMES)
def test_losses_are_those_of_scikit_learn(activation, hidden, end, momentum, engine):
    (outputs, output, loss, scale), (X, labels, y) = ENDS[end], data_of(end)
    start = start_of(Architecture.of((3, *hidden, outputs), activation, output))
    expected, model = trained_by_scikit_learn(X, labels, start, activation, momentum=momentum)
    run = engine.train(
        X, y, initial=start, hidden_size=hidden, loss=loss, epochs=EPOCHS, learning_rate=RATE,
        momentum=momentum,
    )  # fmt: skip
    assert run.losses == pytest.approx(scale * expected, rel=1e-9, abs=0)
    assert run.losses[-1] < 0.999 * run.losses[0], "both learn"
    theirs = [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]
    for ours, expected in zip(run.network.arrays, theirs, strict=True):
        assert ours.ravel() == pytest.approx(expected.ravel(), rel=1e-8, abs=1e-10)


@pytest.mark.skipif(
    "sample_weight" not in inspect.signature(MLPClassifier.fit).parameters, reason="new in 1.7"
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("end", ENDS)
def test_weights_of_samples(end, engine):
    """Theirs are means by weight, too."""
    (outputs, output, loss, scale), (X, labels, y) = ENDS[end], data_of(end)
    start = start_of(Architecture.of((3, 5, outputs), "tanh", output))
    weights = np.random.default_rng(2).random(N)
    expected, model = trained_by_scikit_learn(
        X, labels, start, "tanh", weights, learning_rate_init=RATE * weights.sum(), momentum=0.5
    )
    run = engine.train(
        X, y, initial=start, hidden_size=5, loss=loss, epochs=EPOCHS, learning_rate=RATE,
        momentum=0.5, sample_weight=weights,
    )  # fmt: skip
    assert run.losses == pytest.approx(scale * expected, rel=1e-9, abs=0)
    ours = run.network.W1
    assert ours == pytest.approx(model.coefs_[0], rel=1e-8, abs=1e-10)


OPTIMIZERS = [  # ours, and theirs: gradients are means, so that an epsilon counts N times
    (
        {"optimizer": "adam", "learning_rate": 0.01, "epsilon": 1e-6 * N},
        {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-6},
    ),
    (
        {"optimizer": "adam", "learning_rate": 0.01, "epsilon": 1e-6 * N, "l2": 0.5},
        {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-6, "alpha": 0.5},
    ),
    (
        {"learning_rate": RATE, "momentum": 0.9, "nesterov": True, "l2": 0.5},
        {"momentum": 0.9, "nesterovs_momentum": True, "alpha": 0.5},
    ),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize(("ours", "theirs"), OPTIMIZERS, ids=["adam", "adam, l2", "nesterov, l2"])
@pytest.mark.parametrize("end", ENDS)
def test_losses_of_optimizers(end, ours, theirs, engine):
    (outputs, output, loss, scale), (X, labels, y) = ENDS[end], data_of(end)
    start = start_of(Architecture.of((3, 5, 4, outputs), "tanh", output))
    expected, model = trained_by_scikit_learn(X, labels, start, "tanh", **theirs)
    losses, run = [], start
    for _ in range(EPOCHS):  # as their losses have the penalty, and ours have not
        penalty = sum((W**2).sum() for W in (run.W1, run.W2, run.W3)) * ours.get("l2", 0) / 2 / N
        run = engine.train(
            X, y, initial=run, hidden_size=(5, 4), loss=loss, epochs=1, **ours
        )  # fmt: skip
        losses.append(run.losses[0] / scale + penalty)
        run = run.network
    assert np.array(losses) == pytest.approx(expected, rel=1e-9, abs=0)
    for ours_, expected in zip(run.arrays[::2], model.coefs_, strict=True):
        assert ours_ == pytest.approx(expected, rel=1e-8, abs=1e-10)
