"""`reduce` of `train_many`, and networks that go on where they have left the finite numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastxor
from fastxor import Interrupted, Runs, StoredRuns, reference, train, train_many
from fastxor.agreement import same_bits
from fastxor.sweeps import many, sweep
from fastxor.training import crew
from tests.conftest import interrupting_bar, samples
from tests.test_many import same_runs

X, Y = fastxor.xor()
CALL = {"seed": np.arange(21), "epochs": 30, "learning_rate": 1.0, "record_every": 4}
WILD = {"activation": "tanh", "output": "identity", "hidden_size": 3, "stop_when_diverged": False}


def extremes(losses):
    return np.stack([losses.min(axis=1), losses.max(axis=1)], axis=1)


def numbers_of(losses):
    return np.isfinite(losses).sum(axis=1)


# --- reduce --------------------------------------------------------------------------------
@pytest.mark.parametrize("function", [extremes, numbers_of, lambda losses: losses[:, None, ::2]])
def test_it_gets_the_losses(function, dtype):
    call = CALL | {"dtype": dtype, "seed": np.arange(21).reshape(3, 7)}
    full, runs = train_many(X, Y, **call), train_many(X, Y, reduce=function, **call)
    expected = function(full.losses.reshape(21, -1))
    assert runs.losses is None
    assert runs.reduced.shape == (3, 7, *expected.shape[1:])
    assert same_bits(runs.reduced.reshape(expected.shape), expected)
    assert same_bits(runs.final_loss, full.final_loss)
    assert same_bits(runs[1:, 3].reduced, runs.reduced[1:, 3])


def test_of_networks_that_end_early(short_slices):
    call = CALL | {"record_every": 1, "epochs": 400, "learning_rate": 5.0}
    call |= {"stop_when_solved": True}
    full, runs = train_many(X, Y, **call), train_many(X, Y, reduce=numbers_of, **call)
    assert same_bits(runs.reduced, numbers_of(full.losses))
    assert len(set(runs.reduced.tolist())) > 1, "this watched nothing"


def test_alone_and_side_by_side():
    """A network with too many samples, and others."""
    big, targets = samples(3000, 2, 1)
    for n in (2, 3000):
        call = {"epochs": 4, "seed": np.arange(3), "learning_rate": 1e-4, "record_every": 1}
        full = train_many(big[:n], targets[:n], **call)
        runs = train_many(big[:n], targets[:n], reduce=extremes, **call)
        assert same_bits(runs.reduced, extremes(full.losses))


@pytest.mark.parametrize("keep", [True, False])
def test_stores_executors_files_and_interruptions(keep, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "LARGEST", 4)
    monkeypatch.setattr(sweep, "SHARE", 0)
    call = CALL | {"reduce": extremes, "keep_networks": keep}
    expected = train_many(X, Y, **call)
    assert np.isfinite(expected.reduced).all()
    assert same_runs(expected, train_many(X, Y, store=tmp_path / "store", **call)[...])
    with ThreadPoolExecutor(2) as executor:
        assert same_runs(expected, train_many(X, Y, executor=executor, **call))
    expected.save(tmp_path / "runs.npz")
    for loaded in (Runs.load(tmp_path / "runs.npz"), StoredRuns(tmp_path / "store")):
        assert same_bits(loaded.reduced, expected.reduced)
        assert np.isnan(loaded.networks.W1).all() == (not keep)
        assert loaded.settings.reduce == ("tests.test_reduce.extremes", (2,), "float64")
    others = [{"reduce": numbers_of}, {"reduce": None, "keep_networks": True}]
    for changed in [*others, {"keep_networks": not keep}]:
        with pytest.raises(ValueError, match=f"the same ({'|'.join(changed)})"):
            train_many(X, Y, store=tmp_path / "store", **call | changed)
    monkeypatch.setattr(many, "progress_bar", interrupting_bar)
    monkeypatch.setattr(crew, "AT_ONCE", 0)
    monkeypatch.setattr(crew, "SLICE", 0)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    runs, finished = None, [0]
    for _ in range(200):
        try:
            runs = train_many(X, Y, resume=runs, threads=1, **call)
            break
        except Interrupted as stop:
            runs = stop.run
            assert np.isnan(runs.reduced[~runs.done]).all()
            assert not runs.epochs_done[~runs.done].any()
            finished.append(runs.finished)
    assert same_runs(expected, runs)
    assert finished == sorted(finished)


CARRYING = [
    {}, {"momentum": np.array([[0.0], [0.5], [0.0]])}, {"optimizer": "adam"},
    {"shuffle": True, "batch_size": 2, "momentum": np.array([[0.0], [0.0], [0.9]])},
]  # fmt: skip


@pytest.mark.parametrize("settings", CARRYING, ids=["none", "momentum", "adam", "shuffled"])
@pytest.mark.parametrize("n", [4, 3000])
def test_networks_need_not_be_kept(settings, n, short_slices, monkeypatch):
    """Side by side or alone, in blocks of which some have nothing that goes on."""
    for name in ("SHORTEST", "LONGEST"):
        monkeypatch.setattr(f"fastxor.training.shares.{name}", 0)
    big, targets = samples(n, 2, 1)
    call = CALL | settings | {"learning_rate": 1e-3, "reduce": extremes, "epochs": 5}
    call |= {"batch_size": call.get("batch_size", 2) * n // 4, "dtype": "float32"}
    kept = train_many(big, targets, **call)
    carried, train_runs = set(), crew.Crew._train_runs

    def noted(self, runs, places):
        carried.add(runs.networks.carries)
        train_runs(self, runs, places)

    monkeypatch.setattr(crew.Crew, "_train_runs", noted)
    runs = train_many(big, targets, keep_networks=False, **call)
    assert carried == {kept.networks.carries}, "what kernels go on with, in all blocks"
    assert runs.networks.W1.shape == kept.networks.W1.shape
    assert runs.networks.dtype == np.float32
    assert np.isnan(runs.networks.W2).all()
    assert not any(runs.networks.W1.strides[: len(runs.shape)]), "no memory"
    assert sum(array.nbytes for array in runs.state.values()) == np.prod(runs.shape) * (8 * 3 + 12)
    for name in ("reduced", "final_loss", "epochs_done", "diverged_at"):
        assert same_bits(getattr(runs, name), getattr(kept, name))
    assert runs[:2].architecture == kept.architecture
    with pytest.raises(ValueError, match="is not there: keep_networks was False"):
        runs[(0,) * len(runs.shape)]


def test_what_is_kept_must_be_something():
    with pytest.raises(ValueError, match="keep_networks must be True without reduce, got False"):
        train_many(X, Y, keep_networks=False)
    with pytest.raises(TypeError, match="keep_networks must be True or False, got 1"):
        train_many(X, Y, keep_networks=1, reduce=extremes)


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_interrupted_begins_anew(keep, short_slices, monkeypatch):
    call = CALL | {"reduce": extremes, "threads": 1, "keep_networks": keep}
    whole = train_many(X, Y, **call)

    def counting(self, networks, count=crew.Crew._count):
        count(self, networks)
        self.stopping = self.networks_done > 0.5  # as after Ctrl-C, in the middle of a block

    monkeypatch.setattr(crew.Crew, "_count", counting)
    begun = train_many(X, Y, **call)
    monkeypatch.undo()
    assert not begun.done.all()
    assert not begun.epochs_done[~begun.done].any()
    assert np.isnan(begun.reduced[~begun.done]).all()
    assert same_runs(whole, train_many(X, Y, resume=begun, **call))


BAD = [
    (3, TypeError, "reduce must be a function of losses, got int"),
    (lambda losses: losses.mean(), ValueError, "reduce must make an array (2, ...) of numbers"),
    (lambda losses: ["a"] * len(losses), ValueError, "got (2,) of <U1"),
    (lambda losses: losses[:, : len(losses)], ValueError, "reduce must make an array (21, 2)"),
]


@pytest.mark.parametrize(("function", "error", "message"), BAD)
def test_bad_functions(function, error, message):
    with pytest.raises(error) as raised:
        train_many(X, Y, reduce=function, **CALL)
    assert message in str(raised.value)


def test_without_epochs():
    with pytest.raises(ValueError, match="reduce must have losses to reduce, got epochs=0"):
        train_many(X, Y, reduce=extremes, epochs=0)


# --- going on ----------------------------------------------------------------------------------
def same_losses(a, b):
    """The bits of NaN are not covered."""
    return np.array_equal(np.isnan(a), np.isnan(b)) and same_bits(a[~np.isnan(a)], b[~np.isnan(b)])


@settings(max_examples=30)
@given(
    output=st.sampled_from(["identity", "sigmoid", "tanh"]),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "identity"]),
    magnitude=st.sampled_from([1.0, 1e10, 1e40, 1e160, 1e300]),
    batch_size=st.sampled_from([None, 1, 3]),
    optimizer=st.sampled_from(["sgd", "adam"]),
    seed=st.integers(0, 99),
)
def test_losses_are_what_they_are(output, activation, magnitude, batch_size, optimizer, seed):
    a, b = samples(5, 2, 1, seed)
    call = {"output": output, "activation": activation, "hidden_size": 3, "epochs": 12,
            "batch_size": batch_size, "stop_when_diverged": False, "optimizer": optimizer,
            "learning_rate": magnitude}  # fmt: skip
    expected = reference.train(a, b, seed=7, **call)
    one = train(a, b, seed=7, **call)
    runs = train_many(a, b, seed=np.arange(5, 9), record_every=1, **call)
    assert len(expected.losses) == 12
    for losses in (one.losses, runs.losses[2]):
        assert same_losses(expected.losses, losses)
    assert (runs.diverged_at == -1).all()


def test_groups_go_on_as_if_alone():
    """Padding makes no NaN of an infinite loss."""
    a, b = samples(14, 3, 1)
    labels = np.repeat([1, 2, 3], [3, 4, 7])
    call = WILD | {"epochs": 8, "learning_rate": 1e160}
    runs = train_many(a, b, groups=labels, record_every=1, **call)
    for k, label in enumerate(runs.groups):
        expected = train(a[labels == label], b[labels == label], **call)
        assert same_losses(expected.losses, runs.losses[k])
    assert np.isinf(runs.losses).any(), "this watched nothing"


def test_some_have_left_the_finite_numbers(dtype):
    call = WILD | {"epochs": 60, "learning_rate": np.geomspace(0.1, 1e9, 40), "dtype": dtype}
    runs = train_many(X, Y, record_every=1, **call)
    assert np.isnan(runs.losses[:, -1]).any() or np.isinf(runs.losses[:, -1]).any()
    assert np.isfinite(runs.losses[:, -1]).any(), "this watched nothing"
    for k in (0, 20, 39):
        own = call | {"learning_rate": float(call["learning_rate"][k])}
        assert same_losses(runs.losses[k], reference.train(X, Y, **own).losses)
