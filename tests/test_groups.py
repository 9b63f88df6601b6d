"""`train_many` of networks that each have their own samples: in groups by labels, or stacked."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastxor
from fastxor import Interrupted, Run, Runs, StoredRuns, reference, train, train_many
from fastxor.agreement import same_bits
from fastxor.sweeps import many, sweep
from fastxor.training import block_samples, crew
from tests.conftest import assert_same_bits, interrupting_bar, samples
from tests.test_many import same_runs

SIZES = (1, 2, 3, 5, 8, 13, 20, 34, 3, 9, 40)
OWN = {
    "plain": {},
    "momentum": {"momentum": 0.9, "reduction": "mean", "l2": 0.01},
    "batches": {"momentum": 0.5, "batch_size": 10, "l2": 0.01, "reduction": "mean"},
    "weights": {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 7, "weighted": True},
    "linear": {"activation": "tanh", "output": "identity", "learning_rate": 0.01,
               "hidden_size": (4, 3), "schedule": [1, 0.5, 0.25, 2, 1, 1, 1]},
    "softmax": {"output": "softmax", "loss": "log_loss", "activation": "relu", "l2": 0.1},
    "solved": {"batch_size": 3, "stop_when_solved": True, "learning_rate": 2.0},
    "Nesterov": {"nesterov": True, "momentum": 0.8, "schedule": [1, 0.5, 0.25, 2, 1, 1, 1]},
}  # fmt: skip


def labelled(sizes, seed=0, softmax=False):
    """Samples in any order, with the labels of their groups."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(sizes)) * 10, sizes))
    X, y = samples(len(labels), 3, 2, seed)
    if softmax:  # each group has both classes, or one sample that is of both
        first = np.ones(len(labels))
        for label in np.unique(labels):
            first[np.flatnonzero(labels == label)[::2]] = 0.25
        y = np.stack([first, 1 - first], axis=1)
    return X, y, labels


def alone(run, X, y, call):
    """Is the run that of the reference on these samples?"""
    expected = reference.train(X, y, **call)
    assert_same_bits(
        Run(run.network, run.losses, run.settings, run.solved_at, run.snapshots,
            validation_losses=run.validation_losses, best=run.best, best_epoch=run.best_epoch),
        expected,
    )  # fmt: skip


# --- bits ----------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", OWN)
def test_each_group_is_trained_as_if_alone(kind, dtype):
    call = {"epochs": 7, "dtype": dtype, "seed": 5, "tolerance": 0.6} | OWN[kind]
    weighted = call.pop("weighted", False)
    sizes = [n for n in SIZES if n > 1] if kind == "softmax" else SIZES
    X, y, labels = labelled(sizes, softmax=kind == "softmax")
    weights = np.random.default_rng(1).integers(0, 3, len(X)) + (labels == 0)
    if weighted:
        call["sample_weight"] = weights
    runs = train_many(X, y, groups=labels, record_every=1, **call)
    assert runs.groups.tolist() == [10 * k for k in range(len(sizes))]
    for label in runs.groups:
        own = labels == label
        if weighted:
            call["sample_weight"] = weights[own]
        run = runs.of(label)
        assert run.settings.group == label
        alone(run, X[own], y[own], call)


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=40),
    batch_size=st.none() | st.integers(1, 20),
    seed=st.integers(0, 9),
)
def test_any_sizes(sizes, batch_size, seed):
    call = {
        "epochs": 3,
        "batch_size": batch_size,
        "momentum": 0.5,
        "dtype": "float32",
        "seed": seed,
    }
    X, y, labels = labelled(sizes, seed)
    runs = train_many(X, y, groups=labels, tolerance=None, **call)
    for k in (0, len(sizes) // 2, len(sizes) - 1):
        own = labels == 10 * k
        expected = train(X[own], y[own], **call)
        for one, other in zip(runs[k].network.arrays, expected.network.arrays, strict=True):
            assert same_bits(one, other)
        assert same_bits(runs.final_loss[k], expected.losses[-1])


@pytest.mark.parametrize("kind", ["shared", "own", "own, weighted"])
def test_validation(kind, short_slices):
    X, y, labels = labelled(SIZES)
    held_out = samples(21, 3, 2, 7)
    call = {"epochs": 9, "learning_rate": 1.0, "validate_every": 2, "patience": 2}
    m = len(SIZES) * 4 + 9  # 9 more for the first two, so that there are unequal ones
    others, targets = samples(m, 3, 2, 8)
    which = np.append(np.arange(m - 9) % len(SIZES) * 10, [0] * 8 + [10])
    validation = held_out if kind == "shared" else (others, targets, which)
    weights = np.linspace(0.5, 2, len(X)) if "weighted" in kind else None
    runs = train_many(
        X, y, groups=labels, validation=validation, sample_weight=weights, record_every=1, **call
    )
    for k in range(len(SIZES)):
        own, out = labels == 10 * k, which == 10 * k
        call["validation"] = held_out if kind == "shared" else (others[out], targets[out])
        call["sample_weight"] = None if weights is None else weights[own]
        alone(runs[k], X[own], y[own], call | {"tolerance": 0.5})


def test_some_are_too_large_to_be_side_by_side(monkeypatch):
    monkeypatch.setattr(block_samples, "room", lambda *_: 8)
    X, y, labels = labelled(SIZES)
    for batch_size in (None, 6, 9):
        call = {"epochs": 4, "batch_size": batch_size}
        runs = train_many(X, y, groups=labels, record_every=1, **call)
        for k in range(len(SIZES)):
            own = labels == 10 * k
            alone(runs[k], X[own], y[own], call | {"tolerance": 0.5})


def test_networks_that_leave_the_finite_numbers():
    X, y, labels = labelled(SIZES)
    X[labels == 30] *= 1e200
    call = {"epochs": 6, "activation": "relu", "output": "identity", "learning_rate": 1.0}
    runs = train_many(X, y, groups=labels, **call)
    for k in range(len(SIZES)):
        own = labels == 10 * k
        try:
            run, at = train(X[own], y[own], **call), -1
        except fastxor.Diverged as end:
            run, at = end.run, end.epoch
        assert runs.diverged_at[k] == at
        assert all(map(same_bits, runs[k].network.arrays, run.network.arrays))
    assert 0 < (runs.diverged_at < 0).sum() < len(SIZES), "this watched nothing"


def test_groups_and_seeds():
    X, y, labels = labelled(SIZES)
    call = {"epochs": 3, "learning_rate": 0.5, "batch_size": 4}
    runs = train_many(X, y, groups=labels, seed=np.arange(2)[:, None], **call)
    assert runs.shape == (2, len(SIZES))
    own = labels == 50
    for seed in range(2):
        expected = train(X[own], y[own], seed=seed, **call)
        run = runs.of(50)[seed]
        assert all(map(same_bits, run.network.arrays, expected.network.arrays))
        assert run.settings.group == 50
    outputs = runs.predict_proba(X, labels)
    assert outputs.shape == (2, len(X), 2)
    assert same_bits(outputs[1][own], runs[1, 5].network.predict_proba(X[own]))
    assert runs[1:].take(np.array([3, 5])).groups.tolist() == [30, 50]


@pytest.mark.parametrize("shuffle", [False, True])
def test_stacked(shuffle):
    """Folds, other targets, bootstraps: whatever is stacked is broadcast."""
    X, y = samples(12, 3, 2)
    folds = np.stack([np.delete(X, k, axis=0) for k in range(4)])
    targets = np.stack([np.delete(y, k, axis=0) for k in range(4)])
    call = {"epochs": 4, "batch_size": 5, "shuffle": shuffle}
    runs = train_many(folds, targets, seed=np.arange(2)[:, None], validation=(X[:4, None],
                      y[:4, None]), **call)  # fmt: skip
    assert runs.shape == (2, 4)
    for k in range(4):
        held_out = X[k : k + 1], y[k : k + 1]
        one = train(folds[k], targets[k], seed=1, validation=held_out, **call)
        assert all(map(same_bits, runs[1, k].network.arrays, one.network.arrays))
        assert same_bits(runs[1, k].validation_losses, one.validation_losses)
    others = np.stack([y, 1 - y, y * y])
    weights = np.random.default_rng(0).integers(0, 4, (5, 1, 12))
    runs = train_many(X, others, sample_weight=weights, epochs=4, seed=7)
    assert runs.shape == (5, 3)
    for b, k in ((0, 0), (4, 2), (2, 1)):
        one = train(X, others[k], sample_weight=weights[b, 0], epochs=4, seed=7)
        assert all(map(same_bits, runs[b, k].network.arrays, one.network.arrays))


def test_bootstraps():
    X, y = samples(9, 3, 2)
    weights = fastxor.bootstrap(9, [[3], [4]])
    assert weights.shape == (2, 1, 9)
    assert (weights.sum(axis=-1) == 9).all()
    drawn = np.random.RandomState(4).randint(0, 9, 9).tolist()
    assert weights[1, 0].tolist() == [drawn.count(k) for k in range(9)]
    assert fastxor.bootstrap(5, 7).shape == (5,)
    runs = train_many(X, y, sample_weight=weights, seed=np.arange(3), epochs=4)
    assert runs.shape == (2, 3)
    one = train(X, y, sample_weight=weights[1, 0], seed=2, epochs=4)
    assert all(map(same_bits, runs[1, 2].network.arrays, one.network.arrays))
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        fastxor.bootstrap(0)


# --- on the way -------------------------------------------------------------------------
CALL = {"epochs": 20, "momentum": 0.5, "learning_rate": 0.5, "batch_size": 6, "record_every": 3}


def test_stores_executors_files_and_interruptions(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "LARGEST", 4)
    X, y, labels = labelled(SIZES)
    names = np.char.add(np.array(["north", "south"])[labels % 20 // 10], labels.astype(str))
    call = {"groups": names, "validation": (X, y, names), "sample_weight": labels + 1.0} | CALL
    expected = train_many(X, y, **call)
    stored = train_many(X, y, store=tmp_path / "store", **call)
    assert same_runs(expected, stored[...])
    assert StoredRuns(tmp_path / "store").of("south30").settings.group == "south30"
    with ThreadPoolExecutor(2) as executor:
        assert same_runs(expected, train_many(X, y, executor=executor, **call))
    expected.save(tmp_path / "runs.npz")
    loaded = Runs.load(tmp_path / "runs.npz")
    assert same_runs(expected, loaded)
    assert loaded.groups.tolist() == sorted(set(names.tolist()))
    monkeypatch.setattr(many, "progress_bar", interrupting_bar)
    monkeypatch.setattr(crew, "AT_ONCE", 0)
    runs = None
    for _ in range(50):
        try:
            runs = train_many(X, y, resume=runs, threads=1, progress=True, **call)
            break
        except Interrupted as stop:
            runs = stop.run
    assert same_runs(expected, runs)
    with pytest.raises(ValueError, match="the same X, y"):
        train_many(X + 1, y, resume=runs, **call)
    other = np.char.add(names, "x")
    with pytest.raises(ValueError, match="the same group"):
        train_many(X, y, resume=runs, **call | {"groups": other, "validation": (X, y, other)})


def test_whose_samples_are_whose_is_known_again():
    """Though samples and labels are the same, and in the same order."""
    call = {"epochs": 3, "record_every": 1}
    runs = train_many(A, B, groups=list("aabbbb"), **call)
    with pytest.raises(ValueError, match="the same X, y"):
        train_many(A, B, groups=list("aaabbb"), resume=runs, **call)


def test_columns_of_frames():
    pandas = pytest.importorskip("pandas")
    X, y, labels = labelled((4, 6, 5))
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    frame.insert(1, "shop", [f"shop {label}" for label in labels])
    expected = train_many(X, y, groups=labels, epochs=3)
    numbers = frame.drop(columns="shop")
    for table, groups in (
        (frame, "shop"), (numbers, frame["shop"]), (numbers, frame["shop"].astype("category")),
    ):  # fmt: skip
        runs = train_many(table, y, groups=groups, epochs=3)
        assert same_runs(expected, runs)
        assert same_bits(runs.predict(table, groups), expected.predict(X, labels))


# --- bad calls ------------------------------------------------------------------------------
def changed(array, at, value):
    array = array.astype(float)
    array[at] = value
    return array


G = np.array(["a", "a", "b", "b", "c", "c"])
A, B = samples(6, 2, 1)
BAD = [
    ({"X": changed(A, 3, np.nan)}, ValueError,
     "X must be finite in float64, but is not in group 'b'"),
    ({"y": changed(B, [1, 4], np.inf)}, ValueError, "in group 'a' and 1 more"),
    ({"sample_weight": [1, 1, 0, 0, 1, 1]}, ValueError, "sum above 0, but has none in group 'b'"),
    ({"sample_weight": [1, 1, -1, 0, 1, 1]}, ValueError, "at least 0, but is not in group 'b'"),
    ({"sample_weight": [1, 1]}, ValueError, "sample_weight must have shape (6,), got (2,)"),
    ({"y": [0, 1, 1, 1, 0, 1], "loss": "log_loss"}, ValueError, "but has one in group 'b'"),
    (
        {"groups": list("abcabc"), "y": [0, 1, 0, 1, 1, 1], "loss": "log_loss"},
        ValueError, "but has one in group 'b'",
    ),
    ({"groups": G[:5]}, ValueError, "groups must have shape (6,), a label for each, got (5,)"),
    ({"groups": [1.5] * 6}, TypeError, "groups must be text, integers or times, got float64"),
    ({"groups": np.array(["a", None] * 3)}, TypeError, "none missing, got NoneType and str"),
    ({"groups": "shop"}, TypeError, "groups may name a column of a frame X, got 'shop'"),
    ({"X": np.ones((2, 6, 2))}, ValueError, "X must have 2 dimensions, got shape (2, 6, 2)"),
    ({"validation": (A, B, np.array(list("aabbbb")))}, ValueError,
     "validation: groups must be those of training, each of them, but 'c' is in one only"),
    ({"validation": (changed(A, 2, np.nan), B, G)}, ValueError, "validation: X must be finite"),
    ({"validation": (A[:, :1], B, G)}, ValueError, "validation: X and y must have 2 and 1 columns"),
    ({"seed": np.arange(2)}, ValueError, "shapes must broadcast against each other"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_groups(call, error, message):
    given = {"X": A, "y": B, "groups": G, "epochs": 1} | call
    with pytest.raises(error) as raised:
        train_many(**given)
    assert type(raised.value) is error
    assert message in str(raised.value)


STACKS = [
    ({"X": np.ones((3, 5, 2))}, "X and y must have as many samples, got shapes (3, 5, 2) and"),
    ({"X": np.ones((3, 6, 2)), "y": np.ones((2, 6, 1))}, "X (3,), y (2,)"),
    ({"X": np.ones((3, 6, 2)) * np.nan}, "X must be finite in float64, got nan at [0, 0, 0]"),
    ({"sample_weight": np.eye(6) * [1, 1, 0, 1, 1, 1]}, "sum above 0, got 0.0 at [2]"),
    ({"sample_weight": np.ones((2, 5))}, "sample_weight must have shape (..., 6), got (2, 5)"),
    ({"validation": (np.ones((3, 2, 2)), B)}, "validation: X and y must have as many samples"),
    ({"y": np.ones((2, 6, 1)), "validation": (A[:, :1], B)}, "validation: X and y must have 2"),
    ({"y": 2 * np.ones((2, 6, 1)), "loss": "log_loss"}, "y must be from 0 to 1"),
]


@pytest.mark.parametrize(("call", "message"), STACKS)
def test_bad_stacks(call, message):
    with pytest.raises(ValueError) as raised:
        train_many(**{"X": A, "y": B, "epochs": 1} | call)
    assert message in str(raised.value)


def test_bad_labels():
    runs = train_many(A, B, groups=G, epochs=1)
    with pytest.raises(KeyError, match="there is no group 'd'"):
        runs.of("d")
    with pytest.raises(KeyError, match="there is no group 'd'"):
        runs.predict_proba(A, ["d"] * 6)
    with pytest.raises(ValueError, match="X must have 2 columns"):
        runs.predict_proba(A[:, :1], G)
    ungrouped = train_many(A, B, seed=[1, 2], epochs=1)
    assert ungrouped.groups is None
    with pytest.raises(ValueError, match="groups must be the last dimension"):
        ungrouped.predict_proba(A, G)
    assert dataclasses.asdict(ungrouped.settings)["group"] is None
