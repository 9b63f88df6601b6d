"""A check is worth something only if it can fail: what comparison and suite do reject."""

import contextlib
import dataclasses
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastxor
from fastxor import Network, Run
from fastxor.agreement import compare, differing, digest, same_bits, ulp_distance
from tests.conftest import samples
from tests.test_layers import LINE, infinite_for_the_next

PACKAGE = Path(fastxor.__file__).parent


@pytest.fixture(scope="module")
def run():
    return fastxor.train(*fastxor.xor(), epochs=50, momentum=0.5)


def changed(run, name, change):
    """The run with another array for ``name``."""
    if name == "losses":
        return dataclasses.replace(run, losses=change(run.losses))
    network = run.network
    if name.startswith("velocity"):
        velocity = [change(network.velocity[0]), *network.velocity[1:]]
        return dataclasses.replace(run, network=Network(*network.arrays, velocity=velocity))
    arrays = {field: getattr(network, field) for field in ("W1", "b1", "W2", "b2")}
    arrays[name] = change(arrays[name])
    return dataclasses.replace(run, network=Network(**arrays, velocity=network.velocity))


def one_ulp(array):
    result = array.copy()
    result.flat[-1] = np.nextafter(result.flat[-1], result.dtype.type(np.inf))
    return result


@pytest.mark.parametrize("name", ["losses", "W1", "b1", "W2", "b2", "velocity_W1"])
def test_one_ulp_is_seen(run, name):
    other = changed(run, name, one_ulp)
    assert differing(run, other) == [name]
    assert digest(run) != digest(other)


def test_layers_are_seen():
    """Each of their arrays has a name, and their functions count."""
    settings = {"hidden_size": (3, 2), "activation": "relu", "momentum": 0.5, "epochs": 5}
    run = fastxor.train(*fastxor.xor(), **settings)
    network = run.network
    arrays = {name: getattr(network, name) for name in network.architecture.names}
    assert list(arrays) == ["W1", "b1", "W2", "b2", "W3", "b3"]

    def with_network(arrays, velocity=network.velocity, activation="relu"):
        other = Network(**arrays, velocity=velocity, activation=activation)
        return dataclasses.replace(run, network=other)

    assert differing(run, with_network(arrays)) == []
    for name, array in arrays.items():
        assert differing(run, with_network(arrays | {name: one_ulp(array)})) == [name]
    velocity = [*network.velocity[:-1], one_ulp(network.velocity[-1])]
    assert differing(run, with_network(arrays, velocity)) == ["velocity_b3"]
    other = with_network(arrays, activation=("relu", "identity"))
    assert differing(run, other) == ["activations"]
    assert digest(run) == digest(other), "of what was computed"


def test_a_missing_bias_is_seen(run):
    start = run.network
    network = Network(start.W1, None, start.W2, start.b2)
    names = differing(
        dataclasses.replace(run, network=Network(*start.arrays)),
        dataclasses.replace(run, network=network),
    )
    assert names == ["b1"]


def test_equal_runs_are_equal(run):
    other = fastxor.train(*fastxor.xor(), epochs=50, momentum=0.5)
    assert differing(run, other) == []
    assert digest(run) == digest(other)


def test_a_missing_velocity_is_seen(run):
    other = dataclasses.replace(run, network=Network(*run.network.arrays))
    assert differing(run, other) == [f"velocity_{name}" for name in ("W1", "b1", "W2", "b2")]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros(2), -np.zeros(2)),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, np.int64)),
        (np.ones(2), one_ulp(np.ones(2))),
        (np.ones(2), np.ones(2, ">f8")),
    ],
    ids=["sign of zero", "dtype", "shape", "integers", "one ulp", "byte order"],
)
def test_other_bits(a, b):
    assert same_bits(a, a.copy())
    assert same_bits(b, b.copy())
    assert not same_bits(a, b)


def test_ulp_distance(dtype):
    one = np.ones(3, dtype)
    info = np.finfo(dtype)
    assert ulp_distance(one, one) == 0
    assert ulp_distance(one, one_ulp(one)) == 1
    assert ulp_distance(np.zeros(1, dtype), -np.zeros(1, dtype)) == 1
    smallest = np.array([info.smallest_subnormal], dtype)
    assert ulp_distance(smallest, -smallest) == 3
    far = ulp_distance(np.array([info.max], dtype), np.array([info.min], dtype))
    assert far == 2 * int(np.array([info.max], dtype).view(f"i{info.bits // 8}")[0]) + 1


def test_digest_depends_on_names_shapes_and_dtypes(run):
    rows = fastxor.train(*fastxor.xor(), epochs=0, hidden_size=1)
    half = dataclasses.replace(rows, losses=np.zeros(0, np.float32))
    assert digest(rows) != digest(half)
    network = Network(np.ones((2, 1)), np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
    other = Network(np.ones((1, 2)), np.ones((1, 2)), np.ones((2, 1)), np.ones((1, 1)))
    a, b = (Run(network_, run.losses, run.settings) for network_ in (network, other))
    assert digest(a) != digest(b)


def test_compare_reports_agreement(capsys):
    result = compare(*fastxor.xor(), epochs=30)
    assert result.agree
    assert (result.max_ulp, result.first_epoch, result.first_tensor) == (0, None, None)
    assert result.digest == digest(result.reference)
    assert capsys.readouterr().out == f"{result}\n"
    compare(*fastxor.xor(), epochs=3, show=False)
    assert capsys.readouterr().out == ""


def wrong_from(epoch_of_error):
    """A trainer that goes wrong by one ulp in W2 at one epoch."""
    done = 0

    def train(X, y, *, epochs, **settings):
        nonlocal done
        losses, run = [], None
        for _ in range(epochs):
            run = fastxor.train(X, y, epochs=1, **settings)
            if done == epoch_of_error:
                run = changed(run, "W2", one_ulp)
            done += 1
            settings["initial"] = run
            losses.append(run.losses)
        done %= epochs_in_all
        return dataclasses.replace(run, losses=np.concatenate(losses))

    epochs_in_all = 12
    return train


def test_compare_finds_the_first_difference(capsys):
    result = compare(*fastxor.xor(), epochs=12, fast=wrong_from(7))
    assert not result.agree
    assert (result.first_epoch, result.first_tensor) == (7, "W2")
    assert result.max_ulp >= 1
    assert "DIFFER: first in epoch 7, W2" in capsys.readouterr().out


def test_compare_sees_another_dtype():
    def single(X, y, **settings):
        return fastxor.train(X, y, **settings | {"dtype": "float32"})

    result = compare(*fastxor.xor(), epochs=3, fast=single, show=False)
    assert not result.agree
    assert (result.first_epoch, result.first_tensor) == (0, "losses")
    assert result.max_ulp == 0, "no tensor can be compared"


def test_compare_names_other_functions():
    """Bits may be the same where ReLUs are never below zero."""
    start = [np.ones(shape) for shape in ((2, 2), (1, 2), (2, 1), (1, 1))]
    settings = {"initial": start, "activation": "relu", "learning_rate": 1e-6}

    def linear(X, y, **settings):
        return fastxor.train(X, y, **settings | {"activation": "identity"})

    result = compare(*fastxor.xor(), epochs=1, fast=linear, show=False, **settings)
    assert (result.agree, result.first_epoch, result.first_tensor) == (False, 0, "activations")
    assert result.max_ulp == 0


def test_compare_of_layers():
    X, y = samples(9, 3, 2)
    result = compare(
        X, y, hidden_size=(4, 3), activation=("tanh", "relu"), output="identity", epochs=10,
        learning_rate=0.01, momentum=0.5, show=False,
    )  # fmt: skip
    assert result.agree


def test_compare_where_training_diverges():
    X, y = samples(4, 2, 1)
    result = compare(X, y, learning_rate=1.0, momentum=4.0, epochs=2000, dtype="float32")
    assert result.agree
    assert 10 < len(result.fast.losses) < 2000


WINGS = ("kernels", "training")  # in which the modules are that are changed
FOLD = ("sums.py", "i ^ distance", "i ^ (n // 2 // distance)")  # neighbours first, halves last
# words of a name choose the problem: "tiled", "many", "batches", "deep", "softmax" and so on
MUTANTS = {
    "none": ("traced.py", "", ""),
    "none, deep": ("traced.py", "", ""),
    "none, many": ("traced.py", "", ""),
    "none, many, solved, slices, batches": ("traced.py", "", ""),
    "none, many, deep": ("traced.py", "", ""),
    # --- sums ---
    "fold": FOLD,
    "fold of rows, tiled": (
        "sums.py",
        "lane % (2 * half) < half]\n        high = [lane + half",
        "lane % 2 < 1]\n        high = [lane + 1",
    ),
    "order of samples, tiled": (
        "sums.py",
        "for start in range(0, value.n, total.n)",
        "for start in range(value.n - total.n, -1, -total.n)",
    ),
    "block, tiled": ("sums.py", "BLOCK = 1024", "BLOCK = 2048"),
    "lanes, tiled": ("sums.py", "LANES = 8", "LANES = 16"),
    "fold, many": (
        "sums.py",
        "low, high = list(range(half)), list(range(half, 2 * half))",
        "low = [j for j in range(2 * half) if not j // n % 2]\n"
        "        high = [j + n for j in low]",
    ),
    "fastmath": ("compiling.py", '"nogil": True', '"nogil": True, "fastmath": True'),
    "a sample too many": ("instructions.py", "if isinstance(count, int) and", "if True or"),
    # --- functions ---
    "sigmoid": ("functions.py", "1 / 665280", "1 / 665281"),
    "derivative of tanh, deep": ("functions.py", "back * (1 - a * a)", "back"),
    "derivative of relu at 0, deep": (
        "functions.py", "where_less(0, a, back, 0)", "where_less(a, 0, 0, back)",
    ),
    "relu, deep": ("functions.py", "RELU: lambda: where_less(z, 0, 0, z)", "RELU: lambda: z"),
    "log1p, log loss": ("functions.py", "two_atanh(u / (2 + u))", "two_atanh(u / (1 + u))"),
    "log, softmax": ("functions.py", "k * hi + (k * lo", "k * hi + (k * hi"),
    # --- small batches ---
    "order of inputs, deep": (
        "small_layers.py",
        "for i in loop(1, place.inputs):",
        "for i in loop(place.inputs - 1, 0, -1):",
    ),
    "order of units, deep": (
        "small_layers.py",
        "for o in loop(1, O):\n            weights",
        "for o in loop(O - 1, 0, -1):\n            weights",
    ),
    "no update of W1": ("small_layers.py", "lanes, x * delta)", "lanes, 0 * x * delta)"),
    "no update of W2": ("small_layers.py", "terms = activation *", "terms = 0 * activation *"),
    "no update of biases": ("small_layers.py", "terms = updates", "terms = 0 * updates"),
    "no update of biases but the first, deep": (
        "small_steps.py", "if place.biases >= 0:", "if place.biases >= 0 and place.before == 0:",
    ),
    "index of W1": (
        "small_layers.py", "w.load((i * place.units_padded + u", "w.load((u * place.inputs + i",
    ),
    "index of a turned table, deep": (
        "small_layers.py", "(o * place.inputs_padded + i", "(i * place.inputs_padded + o",
    ),
    "index of what is copied, deep": (
        "small_layers.py", "to = (i * padded + o", "to = (o * padded + i",
    ),
    "the other table, one sample, deep": (
        "small_steps.py", "or (place.units > 1 and not kind.copied)", "",
    ),
    "no momentum": ("updates.py", "(at, n) * rates.momentum", "(at, n) * 0"),
    "l2": ("small_layers.py", "gradient + weights *", "gradient + 0 * weights *"),
    "l2 of biases": ("small_layers.py", "l2 and not is_bias", "l2"),
    "schedule": ("calls.py", "rates.learning_rate * self.factor(epoch)", "rates.learning_rate"),
    "schedule, batches": (
        "calls.py", "least(epoch, self.factors.size - 1)", "self.factors.size - 1"
    ),
    "second tables of means, one sample, deep, adam, slices": (
        "small.py", "for own, _ in tables:", "for own, _ in tables[:2]:",
    ),
    "weights of deltas": ("small_layers.py", "delta * spread_value(weight(), wide)", "delta"),
    "weights of terms": ("small_layers.py", "terms * weight() if", "terms if"),
    "weights of terms, log loss, softmax": ("small_layers.py", "terms * weight() if", "terms if"),
    "weights of a shuffled batch, batches": ("small_steps.py", "call.y[first + O]", "call.y[O]"),
    "weights of the mean": ("small_steps.py", "call.terms if kind", "batch_size if kind"),
    "weights of solved ones, solved": (
        "small_layers.py", "keep_where(weight(), own_error)", "own_error",
    ),
    # --- updates ---
    "nesterov": ("updates.py", "with_momentum() * rates.momentum + change", "with_momentum()"),
    "mean, adam": ("updates.py", "(at, n) * beta1", "(at, n) * beta2"),
    "square, adam": ("updates.py", "(gradient * gradient)", "(gradient * 0.5)"),
    "decays, adam": ("updates.py", "decays.store(n, second)", "pass"),
    "correction, adam": ("updates.py", "(1 - second) / (1 - first)", "(1 - second)"),
    "epsilon, adam": ("updates.py", "(square) + rates.epsilon", "(square)"),
    "a sample lost": ("small_steps.py", "kind.lanes), count)", "kind.lanes), count - 1)"),
    "infinite padding": ("small_layers.py", "if kind.partial:  # no inf", "if False:  # no inf"),
    "derivative in the log loss": (
        "small_layers.py",
        "if not wanted.log_loss:\n            delta",
        "if True:\n            delta",
    ),
    "largest output, softmax": ("small_layers.py", "- largest", "- 0 * largest"),
    "mean of the loss": ("small_steps.py", "else batch_size * columns", "else batch_size"),
    "mean of the loss, softmax": ("small.py", "columns = 1 if", "columns = 2 if"),
    "starting weights": (
        "kernel_arrays.py", "self.places] = state.parameters",
        "self.places] = state.parameters[::-1]",
    ),
    "starting velocity": (
        "kernel_arrays.py", "_places(kind)] = state.carried", "_places(kind)] = 1",
    ),
    "no shuffling, batches": ("order.py", "order.size - 1, 0, -1)", "0, 0, -1)"),
    "the same order in each epoch, batches": ("small_steps.py", "shuffled & (left > 1)", "False"),
    "no losses but the last, batches": (
        "small_steps.py", "loss.get() + losses.load(epoch.get(), 1)", "loss.get()"
    ),
    "last batch, batches": ("small_steps.py", "least(batch_size, n - start)", "batch_size"),
    "targets not shuffled, batches": (
        "small_steps.py", "call.y[first + o]", "call.y[start * O + o]"
    ),
    "all solved, solved": ("small_layers.py", "position.set, MISSED, 1", "position.set, MISSED, 0"),
    "misses kept, solved, batches": ("batches.py", "position.set(MISSED, 0)", "pass"),
    "misses lost, solved, batches": (
        "small_layers.py", "when(~all_within", "when(lanes < 0 and ~all_within",
    ),
    "solved too early, solved": ("job.py", "chunks_until(end):", "chunks_until(0):"),
    # --- batches of any size ---
    "order of sums, tiled": (
        "tiled_layers.py", "for i in loop(1, I):", "for i in loop(I - 1, 0, -1):",
    ),
    "sums side by side, tiled, wide": (
        "tiled_layers.py", "made(t, u, UNITS, narrow)", "made(0, u, UNITS, narrow)",
    ),
    "no update of b1, tiled": (
        "tiled_layers.py", "when(bias, grad", "when(place.before >= 0, grad",
    ),
    "no update of b2, tiled": (
        "tiled_layers.py", "when(bias, grad", "when(place.before < 0, grad",
    ),
    "gradients of the last inputs, tiled": (
        "tiled_layers.py", "in loop(I - I % inputs, I):", "in loop(I, I):",
    ),
    "gradients of the last units, tiled, deep": (
        "tiled_gradients.py", "in loop(several, O):", "in loop(O, O):",
    ),
    "sums that go on, tiled": (
        "tiled_gradients.py", "fresh,\n        lambda", "True,\n        lambda",
    ),
    "eight rows, batches, tiled": ("tiled_gradients.py", "(8, 4, 2, 1)", "(4, 2, 1)"),
    "four rows, batches, tiled": ("tiled_gradients.py", "(8, 4, 2, 1)", "(8, 2, 1)"),
    "two rows, batches, tiled": ("tiled_gradients.py", "(8, 4, 2, 1)", "(8, 4, 1)"),
    "a row, batches, tiled, one output": ("tiled_gradients.py", "(8, 4, 2, 1)", "(8, 4, 2)"),
    "momentum, tiled": ("updates.py", "(at, velocity)", "(at, 0 * velocity)"),
    "l2, tiled": ("batches.py", "gradient + pull", "gradient + 0 * pull"),
    "l2 of biases, tiled": ("kernel_arrays.py", "places[self.architecture.are_weights]", "places"),
    "weights of deltas, tiled": ("tiled_layers.py", "weighted(delta, t)", "delta"),
    "weights of errors, softmax, tiled": ("tiled_layers.py", "weighted(error, t)", "error"),
    "weights of terms, tiled": ("tiled_layers.py", "weighted(terms, t)", "terms"),
    "weights of terms, softmax, tiled": (
        "tiled_layers.py", "weighted(log(total.get()) - target.get(), t)",
        "log(total.get()) - target.get()",
    ),
    "weights of solved ones, solved, tiled": (
        "tiled_layers.py", "keep_where(weight(t), error)", "error",
    ),
    "place of squares, tiled, adam": (
        "batches.py", "call.carried, j, size, rates", "call.carried, j, size - 8, rates",
    ),
    "decays of the other thread, pair, tiled, adam": (
        "pair.py", "loop(0, shared.size)", "loop(0, numbers.size)"
    ),
    "index of W2, tiled": (
        "tiled_layers.py", "tile, O, w, table + i * O, 1, O", "tile, O, w, table + i, 1, O",
    ),
    "index of W2 side by side, tiled, wide": (
        "tiled_layers.py", "tile, O, w, table + i * O, 1, O", "tile, O, w, table + i * O, 1, 1",
    ),
    "deltas of a deeper layer, tiled, deep": (
        "tiled_layers.py", "scaled(derivative(back, activations, place.function_before), place",
        "scaled(back, place",
    ),
    "a sample lost, tiled": ("tiled_layers.py", "target, count - t)", "target, count - t - 1)"),
    "infinite padding, tiled": (
        "tiled_layers.py", "when(count % width, without_padding)", "pass",
    ),
    "derivative in the log loss, tiled": (
        "tiled_layers.py", "return error, log_loss",
        "return derivative(error, _, function), log_loss",
    ),
    "largest output, softmax, tiled": ("tiled_layers.py", "- largest", "- 0 * largest"),
    "mean of the loss, tiled": ("batches.py", "/ call.terms)", "/ n.as_value(dtype))"),
    "the same order in each epoch, batches, tiled": (
        "tiled.py", "equal(last, n) & truth", "False & truth"
    ),
    "no losses but the last, batches, tiled": (
        "batches.py", "when(first, add_others)", "pass",
    ),
    "last batch, batches, tiled": ("tiled.py", "(first + batch_size, n)", "(first + 20, n - 1)"),
    "a block lost, threads, tiled": ("tiled.py", "- first + BLOCK - 1)", "- first)"),
    "blocks backwards, threads, tiled": (
        "tiled_steps.py", "for block in loop(1, blocks)", "for block in loop(blocks - 1, 0, -1)",
    ),
    "sums of the other thread, pair, tiled": (
        "tiled_steps.py", "both.load(j, LANES) + both", "both.load(j, LANES) + 0 * both",
    ),
    "all solved, solved, tiled": (
        "tiled_layers.py", "release, position, MISSED, 1", "release, position, MISSED, 0"
    ),
    "misses kept, solved, batches, tiled": ("batches.py", "position.set(MISSED, 0)", "pass"),
    "misses lost, solved, batches, tiled": (
        "tiled_layers.py", "when(~all_within", "when(numbers.depth < 0 and ~all_within",
    ),
    # --- general kernels ---
    "none, general, tiled, deep": ("traced.py", "", ""),
    "none, general, many, deep": ("traced.py", "", ""),
    "another layer, general, tiled, deep": ("tiled.py", "rows[last]", "rows[last - 1]"),
    "a layer left out, general, tiled, deep": (
        "tiled.py", "range(last, -1, -1)", "range(last - 1, -1, -1)"
    ),
    "a layer left out, general, many, deep": (
        "stacked.py", "range(last, 1, -1)", "range(last - 1, 1, -1)",
    ),
    "functions of layers, general, many, deep": (
        "stacked_plan.py", "codes[number - 1] if", "codes[number] if",
    ),
    # --- many networks ---
    "order of inputs, many, deep": (
        "stacked_layers.py", "in loop(1, place.inputs):", "in loop(place.inputs - 1, 0, -1):",
    ),
    "order of units, many, deep": (
        "stacked_gradients.py", "for u in loop(1, O):", "for u in loop(O - 1, 0, -1):",
    ),
    "no update of weights, many": (
        "stacked_gradients.py", "[value * delta for", "[0 * value * delta for",
    ),
    "no update of biases, many": (
        "stacked_gradients.py", "when(place.biases >= 0, update", "when(False, update",
    ),
    "no update of biases but the first, many, deep": (
        "stacked_gradients.py", "when(place.biases >= 0, update", "when(place.before < 0, update",
    ),
    "index of W1, many": (
        "stacked_layers.py", "place.table + i * place.units + u",
        "place.table + u * place.inputs + i",
    ),
    "index of W2, many": (
        "stacked_gradients.py", "batch.parameter(k + u)", "batch.parameter(k + u * 0)",
    ),
    "a sample lost, many": (
        "stacked_layers.py", "known(output - batch.target(s, o), s)",
        "known(output - batch.target(s, o), s + 1)",
    ),
    "a sample lost in the log loss, many": (
        "stacked_layers.py", "target(s, o), z), s)", "target(s, o), z), s + 1)",
    ),
    "a group of samples lost, many, nine samples": (
        "stacked_gradients.py", "total.set(total.get() + term)", "pass",
    ),
    "a group lost in the loss, many, nine samples": (
        "stacked_steps.py", "lanes.get() + batch.term", "batch.term"
    ),
    "derivative in the log loss, many": (
        "stacked_layers.py", "        return error\n\n    def of_mse",
        "        return derivative(error, output, function)\n\n    def of_mse",
    ),
    "largest output, softmax, many": ("stacked_layers.py", "- largest", "- 0 * largest"),
    "rate of another network, many": (
        "stacked_group.py", "rates_in(call.rates.at(first)", "rates_in(call.rates.at(first + 1)"
    ),
    "no momentum, many": ("updates.py", "(at, n) * rates.momentum", "(at, n) * 0"),
    "velocity lost, many, slices": ("blocks.py", "self.carried = _of_columns", "_of_columns"),
    "weights of deltas, many": ("stacked_layers.py", "batch.weighted(delta, s)", "delta"),
    "weights of errors, many, softmax": (
        "stacked_layers.py", "batch.weighted(error, s)", "error"
    ),
    "weights of terms, many": ("stacked_layers.py", "self.weighted(term, s)", "term"),
    "weights of solved ones, many, solved": (
        "stacked_layers.py", "keep_where(batch.target(s, O), error)", "error",
    ),
    "l2, many": ("stacked_gradients.py", "gradient + weight *", "gradient + 0 * weight *"),
    "l2 of biases, many": ("stacked_gradients.py", "if not is_bias", "if True"),
    "schedule, many, slices": (
        "stacked_group.py", "least(epoch, call", "least(epoch - call.first, call",
    ),
    "decays, many, adam, slices": ("stacked_gradients.py", "v.at(2 * numbers", "v.at(numbers"),
    "mean of the loss, many": (
        "stacked_group.py", "self.losses.terms.load(0, self.width)",
        "self.table.n.as_value(self.dtype)",
    ),
    "no losses but the last, many, batches": ("stacked_steps.py", "error.get() + sum", "sum"),
    "a loss that overflows, many, line": ("stacked_steps.py", " + (loss - loss)", ""),
    "last batch, many, batches": ("stacked_steps.py", "least(size, table.n - start)", "size"),
    "all batches solved, many, solved, batches": (
        "stacked_steps.py", "call.tolerance, solved.get()", "call.tolerance, unsolved.get()"
    ),
    "all outputs solved, many, solved": (
        "stacked_layers.py", "when(numbers.watch, look", "when(equal(o, 0), look",
    ),
    "left too late, many, solved, batches": (
        "stacked_steps.py", "rewinds, memory.kept, w", "False, memory.kept, w"
    ),
    "velocity left too late, many, solved, batches": (
        "stacked_steps.py", "rewinds, memory.kept_v, v", "False, memory.kept_v, v"
    ),
    "loss of the end, many, solved": (
        "stacked_steps.py", "leave_loss, left", "leave_loss, -1"
    ),
    "trained on, many, solved": (
        "stacked_steps.py", "group.leave(going.get() & choose(stops, bits.get(), -1)",
        "group.leave(-1",
    ),
    # --- means, penalties, samples that are held out ---
    "mean": ("small_layers.py", "averaged(wanted.mean, gradient, self.share)", "gradient"),
    "mean, batches": ("small_steps.py", "share_of(count,", "share_of(kind.lanes,"),
    "mean, tiled": ("batches.py", "averaged(numbers.mean, gradient, share)", "gradient"),
    "mean, tiled, batches, general": ("batches.py", "share_of(last - first", "share_of(last"),
    "mean, many": (
        "stacked_gradients.py", "averaged(numbers.mean, gradient, self.share)", "gradient",
    ),
    "penalty": ("batches.py", "pull * weights)", "pull * pull)"),
    "penalty of the last batch only, tiled, batches": (
        "batches.py", "penalties.load(epoch, 1) + penalty.get()", "penalty.get()",
    ),
    "held out, tiled, patience": (
        "validation.py", "done - position[BEST] >=", "done - position[BEST] >",
    ),
    "held out, another best, tiled": ("validation.py", "when(is_less(loss,", "when(~is_less(loss,"),
    "held out, the last is best, tiled, general, patience": (
        "validation.py", "when(is_less(loss, call.best.load(LOSS, 1)), keep, loss)", "keep(loss)",
    ),
    "held out, blocks, tiled": ("validation.py", "equal((s + count) % BLOCK, 0)", "False"),
    "held out, lanes are not cleared, tiled": (
        "validation.py", "equal(s % BLOCK, 0), count", "equal(s, 0), count",
    ),
    "held out, every, tiled": ("validation.py", "done // every - 1", "0 * (done // every)"),
    "held out, one column, tiled": ("validation.py", "loop(0, numbers.columns)", "loop(0, 1)"),
    "held out, lanes of a half, pair": ("validation.py", "shape._replace(lanes=LANES)", "shape"),
    "held out, many, patience": ("stacked_validation.py", "waited >= waits", "waited > waits"),
    "held out, another best, many": (
        "stacked_validation.py", "(better, new, old)", "(better, old, new)",
    ),
    "held out, blocks, many": (
        "stacked_validation.py", "lambda: totals.load(o * width, width) + total", "lambda: total",
    ),
    "held out, a piece, many": (
        "stacked_validation.py", "count = least(piece, size - start)", "count = piece",
    ),
    "held out, every, many": (
        "stacked_validation.py", "done // call.validate_every - 1", "0 * (done // 2)",
    ),
    "held out, not left, many, patience": (
        "stacked_steps.py", "group.leave(ran_out, w, v)", "group.leave(0, w, v)",
    ),
    "held out, going on, many, patience": (
        "stacked_steps.py", "group.going.set(group.going.get() ^ ran_out)", "group.going.get()",
    ),
    "held out, no loss is left, many, patience": (
        "stacked_steps.py", "leave_loss(ran_out)", "leave_loss(0)",
    ),
    "solved again, many, solved": (
        "stacked_steps.py", "unsolved.get() ^ solved.get()", "unsolved.get()"
    ),
    # --- scales ---
    "scales": ("small_layers.py", "sums = scaled(z.get(), place.scale)", "sums = z.get()"),
    "scales of outputs' deltas": ("small_layers.py", "scaled(delta, place.scale))", "delta)"),
    "scales of deltas, deep": (
        "small_layers.py", "delta, place.scale_before)", "delta, place.scale)",
    ),
    "scales, tiled": ("tiled_layers.py", "scaled(sums, place.scale), function", "sums, function"),
    "scales of outputs, tiled": (
        "tiled_layers.py", "return scaled(sums, place.scale)", "return sums",
    ),
    "scales of outputs' deltas, tiled": (
        "tiled_layers.py", "scaled(weighted(delta, t), place.scale)", "weighted(delta, t)",
    ),
    "scales of outputs' deltas, softmax, tiled": (
        "tiled_layers.py", "scaled(weighted(error, t), place.scale)", "weighted(error, t)",
    ),
    "scales of deltas, tiled, deep": (
        "tiled_layers.py", "place.function_before), place.scale_before",
        "place.function_before), place.scale",
    ),
    "scales of the layer before, tiled, deep": (
        "tiled_plan.py", "scales[number - 1] if", "scales[number] if",
    ),
    "scales, general, tiled": (
        "functions.py", "return value * scale.bits", "return value + 0 * scale.bits",
    ),
    "scales, many": ("stacked_layers.py", "return scaled(z.get(), place.scale)", "return z.get()"),
    "scales of outputs' deltas, many": (
        "stacked_layers.py", "scaled(batch.weighted(delta, s), place.scale)",
        "batch.weighted(delta, s)",
    ),
    "scales of outputs' deltas, softmax, many": (
        "stacked_layers.py", "scaled(batch.weighted(error, s), place.scale)",
        "batch.weighted(error, s)",
    ),
    "scales of deltas, many, deep": (
        "stacked_gradients.py", "delta, place.scale_before)", "delta, place.scale)",
    ),
    # --- rates of layers ---
    "rates of layers, tiled": ("kernel_arrays.py", "[self.architecture.layer_of]", "[0]"),
    "rates of layers, schedule": ("batches.py", "* factor) * correction", "* 1) * correction"),
    "rates of layers, adam": ("batches.py", "* factor) * correction", "* factor) * 1"),
    "rates of layers, many": (
        "stacked_gradients.py", "of_first, updates = updates.of(first)",
        "of_first, updates = updates",
    ),
    "rates of layers, many, deep": (
        "stacked_group.py", "place.number * row", "least(place.number, 1) * row",
    ),
    "rates of layers, many, schedule": (
        "stacked_group.py", "return self.of(epoch, call, self.losses.layers",
        "return (self.losses.layers",
    ),
    "rates of layers, many, adam": (
        "stacked_gradients.py", "self.rate_of(place) * self.correction", "self.rate_of(place)",
    ),
    # --- samples of their own ---
    "none, groups, many, batches, mean": ("traced.py", "", ""),
    "padding counts, groups, many": (
        "own_samples.py", "weights = there.astype(T)", "weights = np.ones(there.shape, T)",
    ),
    "another's samples, groups, many": (
        "own_samples.py", "data.X[ranges.X[chosen]", "data.X[ranges.X[chosen[:, ::-1]]",
    ),
    "another's terms, groups, many": (
        "own_samples.py", "(ranges.n * columns)", "(ranges.n.max() * columns + 0 * ranges.n)",
    ),
    "a mean over others' samples, groups, many, mean": (
        "stacked_steps.py", "share = one / where", "_ = one / where",
    ),
    "a batch beyond the last, groups, many, batches": (
        "stacked_steps.py", "if whole is not True:", "if False:",
    ),
    "rows of another batch, groups, many, batches": (
        "stacked_layers.py", "i * self.apart + row", "i * self.rows + row",
    ),
    "others of a value, groups, many, nine samples": (
        "stacked_gradients.py", "terms(part, s + first)", "terms(part, s)",
    ),
    "the first of a value, groups, many": (
        "stacked_gradients.py", "in terms(part, first)", "in terms(part, 0)",
    ),
    "weights, groups, many": ("own_samples.py", "weights *= targets[..., -1]", "pass"),
    "held out, groups, many": (
        "stacked_validation.py", "group.losses.held_out_terms", "group.losses.terms",
    ),
}  # fmt: skip


def change(folder: Path, module: str, old: str, new: str) -> None:
    (path,) = (folder / wing / module for wing in WINGS if (folder / wing / module).exists())
    source = path.read_text()
    assert old in source, f"{module} no longer has {old!r}"
    path.write_text(source.replace(old, new))


def copy_of_package(folder: Path) -> Path:
    return shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name, tmp_path, monkeypatch):
    """A copy of the package under another name, with one change in its kernels."""
    package = f"mutant_{re.sub(r'[^a-z0-9]+', '_', name.lower())}"
    folder = copy_of_package(tmp_path / package)
    for file in folder.rglob("*.py"):
        file.write_text(file.read_text().replace("from fastxor", f"from {package}"))
    change(folder, *MUTANTS[name])
    monkeypatch.syspath_prepend(tmp_path)
    mutant = importlib.import_module(package)
    at_once = importlib.import_module(f"{package}.kernels.faster").special_kernels_at_once
    if "general" in name:
        at_once = contextlib.nullcontext

    def agrees(n: int, inputs: int, hidden: int, outputs: int) -> bool:
        settings: dict[str, Any] = {"epochs": 20, "momentum": 0.5, "learning_rate": 0.01}
        X, y = samples(n, inputs, outputs)
        if "infinite" in name:
            X, y, own = infinite_for_the_next(3 if "tiled" not in name else 20, np.float64)
            settings |= own | {"momentum": 0.0}
        elif "line" in name:
            X, y = np.ones((2, 1)), np.zeros((2, 1))
            settings |= LINE | {"epochs": 700, "learning_rate": 1.5, "momentum": 0.0}
        elif "deep" in name:
            settings |= {"hidden_size": (hidden, 3), "activation": ("relu", "tanh")}
        elif "wide" in name:
            settings["hidden_size"] = (hidden, hidden)
        else:
            settings["hidden_size"] = hidden
        if "adam" in name:
            settings |= {"optimizer": "adam", "momentum": 0.0}
        settings["nesterov"] = "nesterov" in name
        settings["l2"] = 0.1 if "l2" in name or "penalty" in name else 0.0
        if "penalty" in name:
            settings["record_penalty"] = True
        if "mean" in name:
            settings["reduction"] = "mean"
        if "held out" in name:
            held_out = samples(1100, inputs, outputs)
            settings |= {"validation": (held_out[0][7:] * 2, held_out[1][7:]), "validate_every": 3}
        if "patience" in name:
            settings |= {"learning_rate": -0.01, "patience": 2, "epochs": 15}
        if "scales" in name:
            settings["scales"] = (0.3, 0.7, 1.3) if "deep" in name else (0.3, 0.7)
        if "rates of layers" in name:
            settings["layer_rates"] = (0.5, 2.0, 0.25)[: 3 if "deep" in name else 2]
        if "schedule" in name:
            settings["schedule"] = 1 / (1 + np.arange(settings["epochs"]))
        if "weights" in name:
            settings["sample_weight"] = weights = np.arange(n) % 3 / 4
            y[weights == 0] += 5 * ("solved" in name)  # never near
        if "log loss" in name or "softmax" in name:
            settings["loss"] = "log_loss"
        if "softmax" in name:
            settings["output"], y = "softmax", np.eye(outputs)[y.argmax(axis=1)]
        if "batches" in name:
            settings |= {"batch_size": 20 if "tiled" in name else 3, "shuffle": "many" not in name}
        if "threads" in name or "pair" in name:
            settings["threads"] = 2
        if "solved" in name:  # somewhere on the way
            network = fastxor.train(X, y, **settings | {"epochs": 10}).network
            counted = settings.get("sample_weight", np.ones(n)) > 0
            tolerance = float(np.abs(network.predict_proba(X) - y)[counted].max())
            stop = "many" in name or "early" in name
            settings |= {"tolerance": tolerance, "stop_when_solved": stop}
        fast = in_the_middle if "many" in name else alone
        return compare(X, y, fast=fast, show=False, **settings).agree

    def alone(X: Any, y: Any, **settings: Any) -> Run:
        if "slices" in name:
            job = importlib.import_module(f"{package}.training.job")
            monkeypatch.setattr(job, "FIRST_SLICE", 0)
        try:
            with at_once():
                return mutant.train(X, y, **settings)
        except mutant.Diverged as error:
            return error.run

    def in_the_middle(X: Any, y: Any, learning_rate: float, **settings: Any) -> Run:
        """One of three networks, in slices of one epoch."""
        rates = learning_rate * np.array([[0.5, 1.0, 2.0]])
        if "slices" in name:
            crew = importlib.import_module(f"{package}.training.crew")
            monkeypatch.setattr(crew, "FIRST_SLICE", 0)
        settings = {"tolerance": None, "record_every": 1} | settings
        if "groups" in name:
            return in_groups(X, y, learning_rate=learning_rate, **settings)
        with at_once():
            runs = mutant.train_many(X, y, learning_rate=rates, **settings)
        run = runs[0, 1]
        return dataclasses.replace(run, losses=np.append(run.losses[:-1], runs.final_loss[0, 1]))

    def in_groups(X: Any, y: Any, **settings: Any) -> Run:
        """One of three that have other samples and, the last, twice as many."""
        sizes = len(X) // 2, len(X), 2 * len(X)
        which = np.concatenate([np.arange(n) % len(X) for n in sizes])
        weights, labels = settings.pop("sample_weight", None), np.repeat([1, 2, 3], sizes)
        if weights is not None:
            weights = weights[which] + (labels != 2)
        with at_once():
            runs = mutant.train_many(
                X[which] * np.repeat([2, 1, 3], sizes)[:, None], y[which],
                groups=labels,
                sample_weight=weights, **settings,
            )  # fmt: skip
        run = runs.of(2)
        return dataclasses.replace(run, losses=np.append(run.losses[:-1], runs.final_loss[1]))

    problems = [(3500, 3, 4, 2)] if "threads" in name else [(1500, 3, 4, 2)]
    if "batches" in name:
        problems = [(50, 3, 4, 2)] if "tiled" in name else [(10, 2, 2, 2)]
    elif "tiled" not in name:
        problems = [(3, 3, 4, 2)] if "deep" in name else [(3, 2, 2, 2)]
    if "pair" in name:
        problems = [(300, 3, 40, 2)]
    if "one sample" in name:
        problems = [(1, 3, 4, 2)]
    if "wide" in name:
        problems = [(150, 9, 13, 2)]
    if "one output" in name:
        problems = [(50, 3, 4, 1)]
    if "nine samples" in name:
        problems = [(9, 2, 2, 2)]
    if name in ("none", "none, deep"):
        problems = [(1500, 3, 4, 2), (3, 3, 4, 2), (1, 3, 4, 2)]
    assert all(agrees(*problem) for problem in problems) == name.startswith("none")


def test_the_command_line_exits_with_1(tmp_path, monkeypatch, capsys):
    folder = copy_of_package(tmp_path / "differing")
    for file in folder.rglob("*.py"):
        file.write_text(file.read_text().replace("from fastxor", "from differing"))
    change(folder, *FOLD)
    monkeypatch.syspath_prepend(tmp_path)
    main = importlib.import_module("differing.__main__").main
    monkeypatch.setattr("differing.kernels.faster._at_once", True)  # sooner compiled
    assert main(["compare", "--epochs", "20"]) == 1
    assert "DIFFER" in capsys.readouterr().out
    assert main([]) == 1
    assert "DIFFER" in capsys.readouterr().out


@pytest.mark.slow
def test_a_kernel_from_older_sources_is_never_loaded(tmp_path):
    """Change one line of a module that the kernel is compiled from, in turn: each change counts."""
    folder = copy_of_package(tmp_path / "fastxor")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    code = (
        "from fastxor.__main__ import main\n"
        "from fastxor.kernels.faster import special_kernels_at_once\n"  # sooner compiled
        "with special_kernels_at_once():\n"
        "    raise SystemExit(main(['compare', '--epochs', '20']))\n"
    )
    command = [sys.executable, "-c", code]

    def compares() -> int:
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode

    assert compares() == 0
    cached = sorted((tmp_path / "cache").rglob("*.kernel"))
    assert cached, "the kernel is cached"
    assert compares() == 0
    assert sorted((tmp_path / "cache").rglob("*.kernel")) == cached, "and found again"
    for module, old, new in (FOLD, MUTANTS["sigmoid"]):
        change(folder, module, old, new)
        assert compares() == 1
        change(folder, module, new, old)
        assert compares() == 0
