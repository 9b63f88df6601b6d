"""Adam, Nesterov's momentum, penalties, schedules: the bits of the reference, and going on."""

import itertools

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, Interrupted, Network, Runs, reference, train, train_many
from fastxor.agreement import compare, differing
from fastxor.networks.stack import Networks
from tests.conftest import FLOATS, assert_same_bits, interrupting_bar, samples

F64, F32 = FLOATS
ADAM = {"optimizer": "adam", "learning_rate": 0.01}
RULES = {
    "adam": ADAM | {"l2": 0.25, "schedule": lambda epochs: 0.5**epochs},
    "other adam": ADAM | {"beta1": 0.0, "beta2": 0.5, "epsilon": 1e-3, "reduction": "mean"},
    "nesterov": {
        "learning_rate": 0.01, "momentum": 0.5, "nesterov": True, "l2": 0.25,
        "schedule": lambda epochs: 1 / (1 + epochs),
    },
    "l2": {"learning_rate": 0.1, "l2": 0.5, "reduction": "mean"},
    "layers": {
        "learning_rate": 1e-3, "momentum": 0.5, "layer_rates": (0.5, -0.25, 2.0),
        "schedule": lambda epochs: 1 / (1 + epochs),
    },
    "adam of layers": ADAM | {"layer_rates": (0.5, 3.0, 0.0), "schedule": lambda e: 0.5**e},
}  # fmt: skip
EACH_RULE = pytest.mark.parametrize("rule", RULES)
NETWORK = {"hidden_size": (3, 2), "activation": "tanh", "output": "identity", "init": "glorot"}
SOME = ["adam", "nesterov"]  # each needs kernels of its own, where they are special


@pytest.fixture(params=[(4, None), (7, 2), (50, None), (50, 20), (1500, 1100)], ids=str)
def batches(request):
    """Samples and batch size: small kernels, tiles, blocks."""
    return request.param


# --- bits --------------------------------------------------------------------------------------
@EACH_RULE
@pytest.mark.parametrize("shuffle", [False, True])
def test_bits(rule, batches, shuffle, dtype):
    n, batch_size = batches
    X, y = samples(n, 3, 2)
    result = compare(
        X, y, epochs=7, batch_size=batch_size, shuffle=shuffle, dtype=dtype, threads=1, show=False,
        **NETWORK, **RULES[rule],
    )  # fmt: skip
    assert result.agree, str(result)


@pytest.mark.parametrize("rule", SOME)
@pytest.mark.parametrize(("n", "hidden_size"), [(300, 40), (2500, 12)], ids=["pair", "blocks"])
def test_bits_of_two_threads(rule, n, hidden_size):
    X, y = samples(n, 3, 2)
    settings = RULES[rule] | {"learning_rate": 1e-4, "hidden_size": hidden_size}
    assert compare(X, y, epochs=5, threads=2, show=False, **settings).agree


@EACH_RULE
@pytest.mark.parametrize(("n", "batch_size"), [(4, None), (9, 4), (20, None)], ids=str)
def test_bits_of_many(rule, n, batch_size, dtype):
    """Side by side; with rates, betas and penalties of each."""
    X, y = samples(n, 3, 2)
    varied = {"seed": np.arange(5)[:, None], "learning_rate": np.array([0.01, 0.002])}
    if "adam" in rule:
        varied |= {"beta1": np.array([0.5, 0.9]), "beta2": np.array([[0.9]] * 4 + [[0.99]])}
        varied["epsilon"] = np.array([1e-8, 0.1])
    if rule != "other adam":
        varied["l2"] = np.array([0.0, 0.5])
    fixed = NETWORK | RULES[rule] | {"batch_size": batch_size, "dtype": dtype, "epochs": 9}
    layers = ()
    if "layers" in rule:
        layers = 0.5, np.linspace(-1, 1, 5)[:, None], np.array([1.0, 0.25])
        fixed["layer_rates"] = layers
    runs = train_many(X, y, tolerance=0.5, record_every=1, **fixed | varied)
    for i, j in itertools.product(range(5), range(2)):
        own = {name: np.broadcast_to(a, (5, 2))[i, j].item() for name, a in varied.items()}
        if layers:
            own["layer_rates"] = tuple(float(np.broadcast_to(a, (5, 2))[i, j]) for a in layers)
            assert runs[i, j].settings.layer_rates == own["layer_rates"]
        assert_same_bits(runs[i, j], reference.train(X, y, tolerance=0.5, **fixed | own))


@pytest.mark.parametrize("rule", SOME)
def test_many_that_are_trained_alone(rule):
    X, y = samples(7, 3, 2)
    fixed = NETWORK | RULES[rule] | {"shuffle": True, "batch_size": 3, "epochs": 5}
    runs = train_many(X, y, seed=range(4), tolerance=0.5, record_every=1, **fixed)
    for seed in range(4):
        assert_same_bits(runs[seed], reference.train(X, y, seed=seed, tolerance=0.5, **fixed))


def test_momentum_of_some():
    """Adam's l2 and momentum of some networks, and none of others."""
    X, y = samples(5, 2, 1)
    momentum, l2 = np.array([0.0, 0.5]), np.array([0.1, 0.0])
    runs = train_many(X, y, momentum=momentum, l2=l2, nesterov=True, epochs=20, record_every=1)
    for k in range(2):
        own = {"momentum": momentum[k], "l2": l2[k], "nesterov": True}
        assert_same_bits(runs[k], reference.train(X, y, epochs=20, tolerance=0.5, **own))


@EACH_RULE
@pytest.mark.parametrize("shuffle", [False, True])
def test_penalties(rule, batches, shuffle, dtype):
    n, batch_size = batches
    X, y = samples(n, 3, 2)
    settings = NETWORK | RULES[rule] | {"batch_size": batch_size, "shuffle": shuffle}
    settings |= {"epochs": 7, "dtype": dtype, "threads": 1, "record_penalty": True}
    result = compare(X, y, show=False, **settings)
    assert result.agree, str(result)
    plain = train(X, y, **settings | {"record_penalty": False})
    assert differing(result.fast, plain) == ["penalties"]


@pytest.mark.parametrize(("n", "hidden_size"), [(300, 40), (2500, 12)], ids=["pair", "blocks"])
def test_penalties_of_two_threads(n, hidden_size):
    X, y = samples(n, 3, 2)
    settings = {"learning_rate": 1e-4, "hidden_size": hidden_size, "l2": 0.5, "batch_size": n - 1}
    assert compare(X, y, epochs=5, threads=2, record_penalty=True, show=False, **settings).agree


def test_penalties_are_those_of_weights():
    X, y = samples(9, 3, 2)
    run = train(X, y, epochs=3, l2=0.5, record_penalty=True, snapshots=(0, 1, 2), init="glorot")
    for epoch, network in run.snapshots.items():
        squares = sum((W**2).sum() for W in network.arrays[::2])
        assert run.penalties[epoch] == pytest.approx(0.5 / 2 * squares, rel=1e-14)
    assert (train(X, y, epochs=3, record_penalty=True).penalties == 0).all()
    assert train(X, y, epochs=3, l2=0.5).penalties is None
    with pytest.raises(TypeError, match="record_penalty must be True or False, got 1"):
        train(X, y, record_penalty=1)


def test_means_are_sums_by_the_number_of_samples():
    """Also of a last batch that is shorter."""
    X, y = samples(9, 3, 2)
    mean = train(X, y, epochs=1, learning_rate=1.0, batch_size=8, reduction="mean", l2=0.5)
    first = train(X[:8], y[:8], epochs=1, learning_rate=1 / 8, l2=0.5)
    last = train(X[8:], y[8:], epochs=1, learning_rate=1.0, l2=0.5, initial=first)
    for one, other in zip(mean.network.arrays, last.network.arrays, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_schedule_of_ones_changes_nothing():
    X, y = samples(9, 2, 1)
    same = train(X, y, epochs=5)
    assert_same_bits(train(X, y, epochs=5, schedule=np.ones(5)), same)
    assert_same_bits(train(X, y, epochs=5, schedule=np.ones_like), same)
    none = train(X, y, epochs=5, schedule=np.zeros(5))
    assert differing(none, train(X, y, epochs=0)) == ["losses"]


def test_layers_rates_of_one_change_nothing():
    X, y = samples(5, 2, 1)
    for engine in (train, reference.train):
        plain = engine(X, y, epochs=9, learning_rate=0.3, momentum=0.5)
        with_rates = engine(X, y, epochs=9, learning_rate=0.3, momentum=0.5, layer_rates=(1, 1))
        assert differing(plain, with_rates) == []
        still = engine(X, y, epochs=9, learning_rate=0.3, layer_rates=(0, 1)).network
        moved = engine(X, y, epochs=0).network
        assert np.array_equal(still.W1, moved.W1)
        assert np.array_equal(still.b1, moved.b1)
        assert not np.array_equal(still.W2, moved.W2)


def test_nesterov_without_momentum_changes_nothing():
    X, y = samples(9, 2, 1)
    assert_same_bits(train(X, y, epochs=5, nesterov=True), train(X, y, epochs=5))


# --- going on ----------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("n", [4, 50])
@EACH_RULE
def test_going_on(rule, n, engine, tmp_path):
    X, y = samples(n, 3, 2)
    settings, factors = NETWORK | RULES[rule], None
    if "schedule" in settings:
        factors = settings.pop("schedule")(np.arange(9))

    def some(first, last, initial=None):
        own = None if factors is None else factors[first:last]
        return engine.train(
            X, y, epochs=last - first, schedule=own, initial=initial, shuffle=True, batch_size=3,
            **settings,
        )  # fmt: skip

    path = tmp_path / "network.npz"
    some(0, 4).network.save(path)
    whole, rest = some(0, 9), some(4, 9, Network.load(path))
    assert differing(rest, whole) == ["losses"]
    assert rest.losses.tobytes() == whole.losses[4:].tobytes()


@pytest.mark.parametrize("shuffle", [False, True], ids=["side by side", "alone"])
def test_resuming_many(shuffle, short_slices, monkeypatch, tmp_path):
    """Also from a file and in a store."""
    X, y = samples(7, 3, 2)
    call = NETWORK | RULES["adam of layers"] | {
        "X": X, "y": y, "seed": range(5), "epochs": 30, "batch_size": 3, "shuffle": shuffle,
        "beta1": np.linspace(0, 0.9, 5), "record_every": 2,
        "layer_rates": (1.0, np.linspace(0, 2, 5), 0.5),
    }  # fmt: skip
    whole = train_many(**call)
    store = train_many(**call, store=tmp_path / "store")
    with pytest.raises(ValueError, match="must have the same layer_rates"):
        train_many(**call | {"layer_rates": (1.0, 2.0, 0.5)}, store=tmp_path / "store")

    monkeypatch.setattr("fastxor.sweeps.many.progress_bar", interrupting_bar)
    with pytest.raises(Interrupted) as interrupted:
        train_many(**call, threads=1)
    monkeypatch.undo()
    path = tmp_path / "runs.npz"
    interrupted.value.run.save(path)
    resumed = train_many(**call, resume=Runs.load(path))
    for runs in (resumed, store[:]):
        assert runs.state.keys() == whole.state.keys()
        for name, array in whole.state.items():
            assert runs.state[name].tobytes() == array.tobytes(), name


def test_saved_rates_of_layers_are_as_many_as_layers(tmp_path):
    path = tmp_path / "runs.npz"
    train_many(*fastxor.xor(), seed=range(3), epochs=1, layer_rates=(1.0, 2.0)).save(path)
    with np.load(path) as file:
        arrays = {**file}
    arrays["layer_rates"] = arrays["layer_rates"][:, :1]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"layer_rates must have shape \(3, 2\), got \(3, 1\)"):
        Runs.load(path)


def test_networks_carry_it():
    X, y = samples(6, 2, 1)
    runs = train_many(X, y, seed=range(3), epochs=4, **ADAM)
    networks = runs.networks
    assert networks.adam.shape == (3, 2 * 9 + 2)
    again = Networks(*networks.arrays, adam=networks.adam)
    assert again[1].adam.tobytes() == runs[1].network.adam.tobytes()
    on = train_many(X, y, initial=networks, epochs=3, tolerance=None, **ADAM)
    for k in range(3):
        assert differing(train(X, y, initial=runs[k], epochs=3, **ADAM), on[k]) == ["losses"]
    assert train(X, y, initial=runs[0], epochs=1).network.adam is None
    assert "adam" in differing(runs[0], runs[1])


# --- ends --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "settings",
    [
        # squares that overflow, while parameters are finite
        {"optimizer": "adam", "learning_rate": 1e7, "beta1": 0.0, "dtype": F32},
        {"optimizer": "adam", "learning_rate": 1e60, "beta2": 0.5},
        {"momentum": 3.0, "nesterov": True, "learning_rate": 0.1, "l2": 0.1},
        {"l2": 500.0, "learning_rate": 0.1},
    ],
    ids=["squares", "adam", "nesterov", "l2"],
)
@pytest.mark.parametrize("n", [4, 30])
def test_divergence(settings, n):
    X, y = samples(n, 3, 2)
    call = {"epochs": 500, "hidden_size": 3, "activation": "identity", "output": "identity"}
    ends = []
    for engine in (reference, fastxor):
        with pytest.raises(Diverged) as diverged:
            engine.train(X, y, **call | settings)
        ends.append(diverged.value)
    assert ends[0].epoch == ends[1].epoch
    assert_same_bits(ends[0].run, ends[1].run)
    runs = train_many(X, y, seed=[42, 42, 42], tolerance=None, **call | settings)
    assert runs.diverged_at.tolist() == [ends[0].epoch] * 3
    assert differing(runs[1], ends[0].run) == ["losses"]


def test_solved_with_adam(dtype):
    X, y = fastxor.xor()
    call = {"hidden_size": 4, "tolerance": 0.4, "stop_when_solved": True, "dtype": dtype}
    call |= {"optimizer": "adam", "learning_rate": 0.05, "epochs": 2000}
    run = reference.train(X, y, **call)
    assert 10 < run.solved_at < 1900
    assert_same_bits(train(X, y, **call), run)
    runs = train_many(X, y, seed=[41, 42, 43], record_every=1, **call)
    assert_same_bits(runs[1], run)


# --- bad input ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"optimizer": "lbfgs"}, ValueError, "optimizer must be 'sgd' or 'adam', got 'lbfgs'"),
        ({"optimizer": None}, TypeError, "optimizer must be 'sgd' or 'adam', got None"),
        ({"beta1": 0.9}, ValueError, "beta1 must be None with optimizer='sgd', got 0.9"),
        (ADAM | {"beta1": 1.0}, ValueError, "beta1 must be below 1, got 1.0"),
        (ADAM | {"beta2": -0.1}, ValueError, "beta2 must be at least 0, got -0.1"),
        (ADAM | {"beta2": "x"}, TypeError, "beta2 must be a number, got 'x'"),
        (
            ADAM | {"beta2": 1 - 1e-9, "dtype": F32},
            ValueError,
            "beta2 must be below 1, got 0.999999999",
        ),
        (ADAM | {"epsilon": 0.0}, ValueError, "epsilon must be above 0, got 0.0"),
        (ADAM | {"epsilon": 1e-50, "dtype": F32}, ValueError, "epsilon must be above 0, got 1e-50"),
        (ADAM | {"momentum": 0.9}, ValueError, "momentum must be 0 with optimizer='adam', got 0.9"),
        (ADAM | {"nesterov": True}, ValueError, "nesterov must be False with optimizer='adam'"),
        ({"nesterov": 1}, TypeError, "nesterov must be True or False, got 1"),
        ({"reduction": "max"}, ValueError, "reduction must be 'sum' or 'mean', got 'max'"),
        ({"l2": -1.0}, ValueError, "l2 must be at least 0, got -1.0"),
        ({"l2": np.nan}, ValueError, "l2 must be finite in float64, got nan"),
        (
            {"schedule": [1.0, 2.0]},
            ValueError,
            "schedule must be a factor for each epoch, (3,), or a function of their numbers, got "
            "shape (2,)",
        ),
        ({"schedule": lambda epochs: 1.0}, ValueError, "got shape ()"),
        ({"schedule": [1.0, np.inf, 1.0]}, ValueError, "schedule must be finite in float64"),
        ({"schedule": "step"}, TypeError, "schedule must be a number, got 'step'"),
        (
            {"layer_rates": (1.0,)},
            ValueError,
            "layer_rates must be a tuple of 2 factors, one for each layer, got 1 of them",
        ),
        ({"layer_rates": 1.0}, TypeError, "layer_rates must be a tuple of 2 factors"),
        ({"layer_rates": (1.0, "x")}, TypeError, "layer_rates[1] must be a number, got 'x'"),
        ({"layer_rates": (np.nan, 1)}, ValueError, "layer_rates[0] must be finite in float64"),
    ],
)
@pytest.mark.parametrize("engine", [train, reference.train, train_many])
def test_bad_settings(settings, error, message, engine):
    with pytest.raises(error) as raised:
        engine(*fastxor.xor(), epochs=3, **settings)
    assert type(raised.value) is error
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("adam", "error", "message"),
    [
        (np.zeros(18), ValueError, "adam must have shape (20,), got (18,)"),
        (np.full(20, -0.5), ValueError, "adam must have squares of at least 0"),
        (np.full(20, 1.5), ValueError, "two last numbers from 0 to 1"),
        (np.full(20, np.nan), ValueError, "adam must be finite in float64"),
        ("text", TypeError, "adam must hold real numbers"),
    ],
)
def test_bad_networks(adam, error, message):
    with pytest.raises(error) as raised:
        Network(*train(*fastxor.xor(), epochs=0).network.arrays, adam=adam)
    assert message in str(raised.value)
