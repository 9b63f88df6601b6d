"""The contract's text is complete: a stranger's engine has the reference's bits."""

import ast
import inspect

import numpy as np
import pytest

from fastxor import Diverged, reference
from fastxor.networks.architecture import HIDDEN, Architecture
from fastxor.networks.network import Network
from fastxor.runs.settings import LOSSES_OF
from tests import stranger

ENDS = [(output, loss) for output, losses in LOSSES_OF.items() for loss in losses]
DEPTHS = [(), (3,), (4, 2), (2, 3, 3), (2, 2, 2, 2)]


def lists(array, T):
    return [[T(value) for value in row] for row in array]


def compare(hidden, activation, output, loss, *, n, dtype, bias=True, epochs=4, seed=0, scale=1.0,
            inputs=3, outputs=2, scales=None, **settings):  # fmt: skip
    """Train by both and compare bits; what the stranger's training ended with."""
    T, random = float if dtype is np.float64 else np.float32, np.random.default_rng(seed)
    architecture = Architecture.of((inputs, *hidden, outputs), activation, output, bias, scales)
    X, y = random.normal(size=(n, inputs)).astype(dtype), random.random((n, outputs))
    if seed % 2:
        y = np.eye(outputs)[random.integers(outputs, size=n)]
    y = (y / y.sum(axis=1, keepdims=True) if output == "softmax" else y).astype(dtype)
    arrays = [random.uniform(-2, 2, s).astype(dtype) * dtype(scale) for s in
              architecture.shapes.values()]  # fmt: skip
    network = Network.of(arrays, architecture)
    settings = {"learning_rate": 0.1, "momentum": 0.0} | settings
    held_out = None
    if m := settings.pop("held_out", 0):
        held_out = random.normal(size=(m, inputs)).astype(dtype), np.resize(y, (m, outputs))
    try:
        run, diverged = reference.train(
            X, y, initial=network, hidden_size=hidden, loss=loss, epochs=epochs, seed=seed,
            dtype=dtype, record_penalty=True, validation=held_out, **settings,
        ), None  # fmt: skip
    except Diverged as error:
        run, diverged = error.run, error.epoch
    adam, factors = {}, settings.get("schedule")
    if settings.get("optimizer") == "adam":
        betas = settings.get("beta1", 0.9), settings.get("beta2", 0.999)
        adam = {"betas": [T(b) for b in betas], "epsilon": T(settings.get("epsilon", 1e-8))}
    if factors is not None:
        factors = [T(factor) for factor in factors]
    layer_rates = settings.get("layer_rates")
    if layer_rates is not None:
        layer_rates = [T(factor) for factor in layer_rates]
    weights = settings.get("sample_weight")
    if weights is not None:
        weights = [T(weight) for weight in weights]
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(n).tolist() for _ in range(epochs)]
    with np.errstate(all="ignore"):  # of float32 numbers that overflow
        theirs = stranger.train(
            lists(X, T), lists(y, T),
            [(lists(W, T), b if b is None else lists(b, T)[0], f) for W, b, f, _ in network.layers],
            T=T, loss=loss, epochs=epochs, rate=T(settings["learning_rate"]),
            momentum=T(settings["momentum"]), nesterov=settings.get("nesterov", False),
            l2=T(settings.get("l2", 0.0)), **adam, factors=factors,
            weights=weights, batch_size=settings.get("batch_size"),
            orders=orders if settings.get("shuffle") else None,
            tolerance=T(settings["tolerance"]) if "tolerance" in settings else None,
            stop=settings.get("stop_when_solved", False),
            mean=settings.get("reduction") == "mean",
            held_out=held_out and [lists(array, T) for array in held_out],
            every=settings.get("validate_every", 1), patience=settings.get("patience"),
            layer_rates=layer_rates, scales=scales and [T(scale) for scale in scales],
        )  # fmt: skip
    assert diverged == theirs.diverged
    assert np.array(theirs.losses, dtype).tobytes() == run.losses.tobytes()
    assert bits(theirs.parameters, dtype) == bits(run.network.arrays, dtype)
    assert np.array(theirs.penalties, dtype).tobytes() == run.penalties.tobytes()
    if held_out:
        assert np.array(theirs.held_out_losses, dtype).tobytes() == run.validation_losses.tobytes()
        assert theirs.best_epoch == run.best_epoch
        if run.best is not None:
            assert bits(theirs.best, dtype) == bits(run.best.arrays, dtype)
    if run.network.velocity is not None:
        assert bits(theirs.velocity, dtype) == bits(run.network.velocity, dtype)
    if run.network.adam is not None:
        assert bits(theirs.adam, dtype) == bits((run.network.adam,), dtype)
    assert theirs.solved_at == (-1 if run.solved_at is None else run.solved_at)
    return theirs


def bits(arrays, dtype):
    """Of all numbers in order; 0.0 of either sign is 0.0, as in a velocity that is handed out."""
    if isinstance(arrays, tuple):  # of arrays
        arrays = [array.ravel().tolist() for array in arrays]
    return (np.array(stranger.flat(arrays), dtype) + dtype(0)).tobytes()


@pytest.mark.parametrize("bias", [True, False], ids=["biases", "none"])
@pytest.mark.parametrize(("output", "loss"), ENDS)
@pytest.mark.parametrize("activation", HIDDEN)
def test_each_function(activation, output, loss, bias, dtype):
    seed = HIDDEN.index(activation) + 4 * ENDS.index((output, loss))
    hidden = DEPTHS[1 + seed % 3]
    theirs = compare(
        hidden, activation, output, loss, n=11, bias=bias, dtype=dtype, seed=seed,
        learning_rate=0.001,
    )  # fmt: skip
    assert len(theirs.losses) == 4


@pytest.mark.parametrize(
    ("hidden", "activation", "output", "loss", "settings"),
    [
        ((), "sigmoid", "softmax", "log_loss", {"n": 9, "momentum": 0.9}),
        ((), "sigmoid", "identity", "mse", {"n": 8, "bias": False}),
        ((4,), "tanh", "sigmoid", "log_loss", {"n": 19, "batch_size": 8, "shuffle": True}),
        ((3, 2), "relu", "softmax", "log_loss", {"n": 20, "batch_size": 6, "momentum": 0.5}),
        ((3, 2), ("relu", "tanh"), "tanh", "mse", {"n": 17, "batch_size": 1, "shuffle": True}),
        ((2, 3, 3), ("identity", "sigmoid", "tanh"), "identity", "mse", {"n": 5, "momentum": 0.9}),
        ((2, 2, 2, 2), "tanh", "sigmoid", "mse", {"n": 10, "bias": False, "momentum": -0.25}),
        ((2,), "tanh", "identity", "mse", {"n": 1030, "epochs": 2, "learning_rate": 1e-4}),
        ((2,), "relu", "softmax", "log_loss", {"n": 2060, "epochs": 1, "batch_size": 1030}),
        ((4, 3), "relu", "softmax", "log_loss", {"n": 6, "outputs": 5, "inputs": 1, "scale": 8.0}),
        ((3,), "relu", "sigmoid", "log_loss", {"n": 6, "scale": 40.0}),  # outputs of 0 and 1
        ((3,), "tanh", "tanh", "mse", {"n": 6, "scale": 1e-160}),  # subnormal products
        ((3,), "tanh", "tanh", "mse", {"n": 6, "l2": 0.1}),
        (
            (3, 2),
            "tanh",
            "identity",
            "mse",
            {"n": 9, "batch_size": 4, "reduction": "mean", "l2": 0.1},
        ),
        ((3,), "relu", "softmax", "log_loss", {"n": 9, "held_out": 5}),
        ((3,), "relu", "softmax", "log_loss", {"n": 9, "held_out": 5, "scales": (0.7, 1.3)}),
        ((), "sigmoid", "sigmoid", "log_loss", {"n": 5, "momentum": 0.9, "scales": (0.3,)}),
        (
            (3, 2),
            ("tanh", "sigmoid"),
            "identity",
            "mse",
            {"n": 9, "batch_size": 4, "scales": (0.7, 1.3, 0.1), "sample_weight": (0.1, 1, 3) * 3},
        ),
        ((2,), "tanh", "identity", "mse", {"n": 5, "held_out": 1030, "epochs": 2}),
        (
            (3,),
            "tanh",
            "softmax",
            "log_loss",
            {"n": 6, "sample_weight": (0.1, 0, 3, 1, 0.25, 1e-3), "tolerance": 0.9},
        ),
        (
            (2,),
            "relu",
            "sigmoid",
            "log_loss",
            {"n": 6, "sample_weight": (0.1, 0, 0, 0, 0, 1 / 3), "batch_size": 2, "shuffle": True},
        ),
        ((2,), "tanh", "identity", "mse", {"n": 5, "sample_weight": (0.1, 0, 2, 1, 0.3)}),
        (
            (3, 2),
            "tanh",
            "identity",
            "mse",
            {
                "n": 9,
                "batch_size": 4,
                "momentum": 0.9,
                "nesterov": True,
                "schedule": (1, 3, 0, 0.1),
                "layer_rates": (0.3, -1, 2),
            },
        ),
        ((3,), "tanh", "sigmoid", "log_loss", {"n": 9, "batch_size": 2, "optimizer": "adam"}),
        (
            (2, 2),
            "relu",
            "softmax",
            "log_loss",
            {
                "n": 9,
                "optimizer": "adam",
                "beta1": 0.3,
                "beta2": 0.7,
                "epsilon": 0.01,
                "l2": 0.1,
                "bias": False,
                "schedule": (1, 0.5, 0.1, 0.3),
                "layer_rates": (0.7, 0.1, 3),
            },
        ),
    ],
)
def test_each_setting(hidden, activation, output, loss, settings, dtype):
    compare(hidden, activation, output, loss, dtype=dtype, **settings)


@pytest.mark.parametrize("stop", [True, False])
def test_solved(stop, dtype):
    theirs = compare(
        (4,), "tanh", "sigmoid", "log_loss", n=4, epochs=60, seed=1, learning_rate=0.5,
        dtype=dtype, tolerance=0.4, stop_when_solved=stop,
    )  # fmt: skip
    assert 0 < theirs.solved_at < 59
    assert len(theirs.losses) == (theirs.solved_at + 1 if stop else 60)


def test_patience(dtype):
    theirs = compare(
        (4,), "tanh", "sigmoid", "log_loss", n=6, held_out=5, epochs=60, seed=1, learning_rate=0.5,
        dtype=dtype, validate_every=2, patience=3,
    )  # fmt: skip
    assert theirs.best_epoch > 0
    assert len(theirs.losses) == theirs.best_epoch + 6 < 60


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_divergence(momentum, dtype):
    theirs = compare(
        (3, 3), ("identity", "relu"), "identity", "mse", n=9, epochs=40, dtype=dtype, seed=2,
        learning_rate=1.0, momentum=momentum,
    )  # fmt: skip
    assert 1 < theirs.diverged == len(theirs.losses)


def test_squares_that_overflow():
    """End training, though their parameters are finite: they would never change again."""
    theirs = compare(
        (3,), "identity", "identity", "mse", n=9, epochs=9, dtype=np.float32, seed=2,
        optimizer="adam", learning_rate=1e7, beta1=0.0,
    )  # fmt: skip
    assert theirs.diverged == len(theirs.losses) == 1


def test_the_stranger_shares_nothing():
    tree = ast.parse(inspect.getsource(stranger))
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imported] == [
        "import math", "from typing import Any, NamedTuple",
    ]  # fmt: skip
    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
            and isinstance(n.value, ast.Name) and n.value.id == "math"}  # fmt: skip
    assert used == {"ldexp", "frexp", "copysign", "isfinite", "sqrt", "fsum", "inf"}


def test_another_bit_would_be_seen(monkeypatch):
    right = stranger.Functions.tanh
    monkeypatch.setattr(stranger.Functions, "tanh", lambda self, z: right(self, z) * (1 + 2**-51))
    with pytest.raises(AssertionError):
        compare((3,), "tanh", "identity", "mse", n=4, dtype=np.float64)
