"""Networks kept on the way: those that a training of so many epochs ends with."""

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Interrupted, Runs, reference, train, train_many
from fastxor.agreement import same_bits
from tests.conftest import assert_same_bits, interrupting_bar, samples
from tests.test_faster import there_from

AT = (0, 1, 7, 20)
CALL = {"hidden_size": 4, "learning_rate": 0.05, "momentum": 0.5}


def check(snapshots, X, y, **settings):
    for epoch, network in snapshots.items():
        expected = reference.train(X, y, epochs=epoch, **settings).network
        assert all(map(same_bits, network.arrays, expected.arrays))
        assert network.velocity is None


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize(("n", "batch_size"), [(4, None), (9, 2), (40, 16)])
def test_snapshots(n, batch_size, engine, dtype):
    X, y = samples(n, 2, 1)
    call = CALL | {"batch_size": batch_size, "shuffle": batch_size is not None, "dtype": dtype}
    run = engine.train(X, y, epochs=20, snapshots=[20, 7, 0, 7, 1], **call)
    assert run.settings.snapshots == AT
    assert tuple(run.snapshots) == AT
    check(run.snapshots, X, y, **call)
    assert_same_bits(run, reference.train(X, y, epochs=20, **call))


@pytest.mark.parametrize("looks", [4, 9])
def test_another_kernel_takes_over(looks, short_slices, monkeypatch):
    """In the middle of an epoch, whose rest it leaves to the old one."""
    there_from(looks, monkeypatch)
    X, y = samples(3000, 2, 1)
    call = {"hidden_size": 3, "learning_rate": 1e-3}
    run = train(X, y, epochs=6, snapshots=range(7), **call)
    assert tuple(run.snapshots) == tuple(range(7))
    check(run.snapshots, X, y, **call)


@pytest.mark.parametrize("shuffle", [False, True], ids=["side by side", "alone"])
def test_of_many(shuffle, tmp_path, short_slices):
    X, y = samples(6, 2, 1)
    call = CALL | {"batch_size": 3, "shuffle": shuffle}
    many = call | {"seed": range(5), "epochs": 20, "snapshots": AT}
    runs = train_many(X, y, **many)
    assert tuple(runs.snapshots) == AT
    for seed in range(5):
        check(runs[seed].snapshots, X, y, seed=seed, **call)
        assert same_bits(runs.snapshots[7][seed].W2, runs[seed].snapshots[7].W2)
    runs.save(tmp_path / "runs.npz")
    loaded = Runs.load(tmp_path / "runs.npz")
    stored = train_many(X, y, **many, store=tmp_path / "store")
    for other in (loaded, stored):
        assert same_bits(np.asarray(other.snapshot_parameters), runs.snapshot_parameters)
        assert tuple(other.snapshots) == AT


@pytest.mark.parametrize("shuffle", [False, True], ids=["side by side", "alone"])
def test_resuming(shuffle, short_slices, monkeypatch):
    X, y = samples(6, 2, 1)
    call = CALL | {"seed": range(4), "epochs": 200, "shuffle": shuffle, "snapshots": (3, 150, 200)}
    whole = train_many(X, y, **call)
    monkeypatch.setattr("fastxor.sweeps.many.progress_bar", interrupting_bar)
    with pytest.raises(Interrupted) as interrupted:
        train_many(X, y, threads=1, **call)
    monkeypatch.undo()
    resumed = train_many(X, y, resume=interrupted.value.run, **call)
    assert same_bits(resumed.snapshot_parameters, whole.snapshot_parameters)


def test_those_that_training_got_to(short_slices):
    X, y = fastxor.xor()
    call = {"hidden_size": 4, "learning_rate": 1.0, "seed": 1, "tolerance": 0.4}
    solved = train(X, y, epochs=600, **call).solved_at
    at = (5, solved, solved + 1, 600)
    stop = call | {"stop_when_solved": True, "epochs": 600, "snapshots": at}
    for run in (
        reference.train(X, y, **stop), train(X, y, **stop),
        (runs := train_many(X, y, **stop | {"seed": [1, 1, 1]}))[2],
    ):  # fmt: skip
        assert run.solved_at == solved
        assert tuple(run.snapshots) == (5, solved)
        assert all(map(same_bits, run.snapshots[solved].arrays, run.network.arrays))
    assert np.isnan(runs.snapshots[solved + 1].W1).all()


def test_where_training_diverges(short_slices):
    X, y = samples(4, 2, 1)
    call = {"learning_rate": 1.0, "momentum": 4.0, "epochs": 2000, "dtype": "float32"}
    with pytest.raises(Diverged) as diverged:
        train(X, y, snapshots=(3, 1999), **call)
    assert tuple(diverged.value.run.snapshots) == (3,)
    runs = train_many(X, y, snapshots=(3, 1999), seed=[42] * 3, **call)
    assert runs.diverged_at.tolist() == [diverged.value.epoch] * 3
    assert tuple(runs[1].snapshots) == (3,)
    assert np.isnan(runs.snapshots[1999].W1).all()
    assert same_bits(runs[1].snapshots[3].W1, diverged.value.run.snapshots[3].W1)


@pytest.mark.parametrize(
    ("snapshots", "error", "message"),
    [
        ([3, 11], ValueError, "snapshots must hold integers of at least 0 and at most 10, got 11"),
        (-1, ValueError, "snapshots must be an integer of at least 0 and at most 10, got -1"),
        ([0.5], TypeError, "snapshots must hold integers of at least 0"),
        ("all", TypeError, "snapshots must be an integer of at least 0"),
    ],
)
@pytest.mark.parametrize("engine", [train, reference.train, train_many])
def test_bad_snapshots(snapshots, error, message, engine):
    with pytest.raises(error) as raised:
        engine(*fastxor.xor(), epochs=10, snapshots=snapshots)
    assert message in str(raised.value)


def test_no_snapshots():
    assert train(*fastxor.xor(), epochs=3, snapshots=()).snapshots == {}
    runs = train_many(*fastxor.xor(), epochs=3, seed=range(3))
    assert runs.snapshots == {}
    assert runs.snapshot_parameters is None
