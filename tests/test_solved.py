"""`tolerance` and `stop_when_solved` of `train`: the reference's epochs and bits."""

import functools
import itertools

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Network, reference
from fastxor.agreement import differing, digest
from fastxor.training import engine, job
from tests.conftest import FLOATS, assert_same_bits, samples, weights

X, Y = fastxor.xor()
TRAIN = [reference.train, fastxor.train]
ENGINES = pytest.mark.parametrize("train", TRAIN, ids=["reference", "fastxor"])


def separable(n):
    """Points and on which side of a line they are."""
    A, _ = samples(n, 2, 1)
    return A, (A.sum(axis=1) > 0.3) * 1.0


@functools.cache
def expected(n, batch_size, shuffle, dtype, stop):
    return run(reference.train, n, batch_size, shuffle, dtype, stop)


def run(train, n, batch_size, shuffle, dtype, stop, **more):
    """Solved in the middle, and then for some epochs: the tolerance is that of epoch 12."""
    A, b = separable(n)
    settings = {
        "initial": weights(2, 3, 1), "epochs": 40 if n <= 1000 else 20, "momentum": 0.5,
        "learning_rate": 0.5 / (batch_size or n), "batch_size": batch_size, "shuffle": shuffle,
        "dtype": dtype, "tolerance": tolerance(n, batch_size, shuffle), "stop_when_solved": stop,
    }  # fmt: skip
    return train(A, b, **settings | more)


@functools.cache
def tolerance(n, batch_size, shuffle):
    """Between the farthest errors of the first and the last epochs, so that epochs differ."""
    A, b = separable(n)
    network = fastxor.train(
        A, b, initial=weights(2, 3, 1), epochs=10, momentum=0.5, batch_size=batch_size,
        learning_rate=0.5 / (batch_size or n), shuffle=shuffle,
    ).network  # fmt: skip
    return float(np.abs(network.predict_proba(A).ravel() - b).max())


CASES = [
    (1, None), (4, None), (7, 3), (40, 8), (40, 16), (300, None), (300, 70), (2500, 1100),
]  # fmt: skip


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), CASES)
def test_solved(n, batch_size, shuffle, stop, monkeypatch):
    for dtype in FLOATS:
        case = n, batch_size, shuffle, dtype, stop
        assert_same_bits(run(fastxor.train, *case), expected(*case))
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)  # one chunk at a time
    assert_same_bits(run(fastxor.train, *case), expected(*case))


def test_the_cases_are_solved_in_the_middle():
    found = [expected(*case, False, np.float64, False).solved_at for case in CASES]
    assert sum(0 < epoch < 20 for epoch in found) >= 6, found


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(2500, None), (5000, 2100)])
def test_solved_with_threads(n, batch_size, stop, threads, dtype, monkeypatch):
    monkeypatch.setattr(engine, "SHARED_FROM", 0)
    case = n, batch_size, batch_size is not None, dtype, stop
    assert_same_bits(run(fastxor.train, *case, threads=threads), expected(*case))


@ENGINES
def test_what_solved_means(train, dtype):
    """By hand, epoch by epoch: nearer to the target than the tolerance, before the update."""
    settings = {"hidden_size": 4, "learning_rate": 2.0, "dtype": dtype}
    whole = train(X, Y, epochs=900, tolerance=0.3, **settings)
    assert whole.solved_at > 3
    for epoch in range(whole.solved_at - 3, whole.solved_at + 1):
        outputs = train(X, Y, epochs=epoch, **settings).network.predict_proba(X)
        assert (np.abs(outputs - Y) < dtype(0.3)).all() == (epoch == whole.solved_at)
    stopped = train(X, Y, epochs=900, tolerance=0.3, stop_when_solved=True, **settings)
    before = train(X, Y, epochs=whole.solved_at, tolerance=0.3, **settings)
    assert [a.tobytes() for a in stopped.network.arrays] == [
        a.tobytes() for a in before.network.arrays
    ]
    assert stopped.losses.tobytes() == whole.losses[: whole.solved_at + 1].tobytes()
    assert before.solved_at == -1
    assert train(X, Y, epochs=3, **settings).solved_at is None


@ENGINES
def test_exactly_the_tolerance_is_not_solved(train):
    zeros = Network(np.zeros((2, 2)), np.zeros((1, 2)), np.zeros((2, 1)), np.zeros((1, 1)))
    settings = {"initial": zeros, "epochs": 3, "learning_rate": 0.0}
    assert train(X, Y, tolerance=0.5, **settings).solved_at == -1
    above = float(np.nextafter(0.5, 1))
    assert train(X, Y, tolerance=above, **settings).solved_at == 0
    float32 = {"dtype": "float32", **settings}
    assert train(X, Y, tolerance=above, **float32).solved_at == -1, "0.5 in float32"


@ENGINES
@pytest.mark.parametrize("shuffle", [False, True])
def test_solved_before_the_first_epoch(train, shuffle, dtype):
    """The network and its generator are as they were."""
    start = fastxor.train(X, Y, epochs=1, shuffle=True, batch_size=2, dtype=dtype)
    settings = {"initial": start, "shuffle": shuffle, "batch_size": 2, "tolerance": 1.0}
    end = train(X, Y, epochs=100, stop_when_solved=True, **settings)
    assert (end.solved_at, len(end.losses)) == (0, 1)
    start = train(X, Y, epochs=0, **settings)
    assert set(differing(start, end)) == {"losses", "solved_at"}


def end_of(train, X, y, **settings):
    try:
        return train(X, y, **settings), None
    except Diverged as end:
        return end.run, end.epoch


@pytest.mark.parametrize(("n", "batch_size"), [(4, None), (4, 3), (20, None), (20, 9)])
def test_solved_and_then_divergent(n, batch_size, dtype):
    """What is solved before it diverges ends well if it is to stop; else both are told."""
    A, b = separable(n)
    for tolerance, stop in itertools.product((0.6, 0.9, 1.5, 1e30), (False, True)):
        settings = {
            "learning_rate": 1.0, "momentum": 3.0, "epochs": 2000, "dtype": dtype,
            "batch_size": batch_size, "tolerance": tolerance, "stop_when_solved": stop,
        }  # fmt: skip
        ends = [end_of(train, A, b, **settings) for train in TRAIN]
        assert_same_bits(ends[0][0], ends[1][0])
        assert ends[0][1] == ends[1][1]
        assert (ends[0][1] is None) == (stop and ends[0][0].solved_at >= 0)


@ENGINES
def test_an_infinite_loss_is_not_solved(train, dtype):
    far = float(np.finfo(dtype).max) / 4
    with pytest.raises(Diverged) as end:
        train(X, Y + far, epochs=3, tolerance=2 * far, stop_when_solved=True, dtype=dtype,
              learning_rate=0.0)  # fmt: skip
    assert (end.value.epoch, end.value.run.solved_at) == (0, -1)


def test_digests_tell_when_it_was_solved():
    runs = [fastxor.train(X, Y, epochs=3, tolerance=t) for t in (None, 0.5, 1.0)]
    assert len({digest(run) for run in runs}) == 3
    assert differing(runs[1], runs[2]) == differing(runs[0], runs[1]) == ["solved_at"]


def test_compare_looks_at_it_too():
    assert fastxor.compare(X, Y, epochs=40, tolerance=1.0, stop_when_solved=True, show=False).agree

    def late(X, y, **settings):
        return fastxor.train(X, y, **settings | {"tolerance": 0.1})

    result = fastxor.compare(X, Y, epochs=4, tolerance=0.9, fast=late, show=False)
    assert (result.agree, result.first_epoch, result.first_tensor) == (False, 0, "solved_at")
