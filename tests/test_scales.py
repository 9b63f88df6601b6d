"""Scales of sums: the bits of the reference, and of networks whose weights are scaled instead."""

import numpy as np
import pytest

import fastxor
from fastxor import Network, Runs, StoredRuns, reference, train, train_many
from fastxor.agreement import compare, differing
from fastxor.cli.main import main
from fastxor.kernels.faster import special_kernels_at_once
from fastxor.networks import predictions
from fastxor.networks.stack import Networks
from tests.conftest import assert_same_bits, samples

SCALES = (0.3, 0.7, 1.3)
SETTINGS = {"hidden_size": (9, 3), "activation": ("tanh", "relu"), "scales": SCALES}
ENDS = {
    "identity": {"output": "identity", "learning_rate": 0.01, "momentum": 0.5},
    "sigmoid": {"loss": "log_loss"},
    "softmax": {"output": "softmax", "loss": "log_loss", "optimizer": "adam"},
}
EACH_END = pytest.mark.parametrize("end", ENDS)


def data_of(n, end):
    X, y = samples(n, 3, 5 if end == "sigmoid" else 2)  # so many outputs are made beforehand
    return X, y / y.sum(axis=1, keepdims=True) if end == "softmax" else y


# --- bits --------------------------------------------------------------------------------------
@EACH_END
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(3, None), (9, 4), (50, 20), (1100, None)], ids=str)
def test_bits(end, weighted, n, batch_size, dtype):
    """Of one network, and of many, with samples that are held out."""
    X, y = data_of(n, end)
    call = SETTINGS | ENDS[end] | {
        "batch_size": batch_size, "dtype": dtype, "epochs": 4, "tolerance": 0.3, "init": "glorot",
        "validation": data_of(11, end),
        "sample_weight": np.arange(n) % 3 + 0.25 if weighted else None,
    }  # fmt: skip
    if n > 1000:
        call["learning_rate"] = 1e-4
    result = compare(X, y, show=False, **call)
    assert result.agree, str(result)
    runs = train_many(X, y, seed=[41, 42, 43], record_every=1, **call)
    assert_same_bits(runs[1], result.reference)


@pytest.mark.parametrize("n", [300, 2500], ids=["pair", "blocks"])
def test_bits_of_two_threads(n):
    X, y = samples(n, 3, 2)
    call = {"hidden_size": 40, "scales": (0.7, 1.3), "learning_rate": 1e-4, "threads": 2}
    assert compare(X, y, epochs=3, show=False, **call).agree


@EACH_END
@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
def test_weights_may_be_scaled_instead(end, engine, dtype):
    """By powers of two, which round nothing: with s * W and rates s * s * rate it is the same."""
    X, y = data_of(9, end)
    scales = np.array([0.5, 4.0, 0.25])
    call = SETTINGS | ENDS[end] | {"optimizer": "sgd", "epochs": 9, "dtype": dtype}
    start = train(X, y, **call | {"scales": None, "init": "glorot", "epochs": 0}).network.arrays
    scaled = engine.train(X, y, initial=start, **call | {"scales": tuple(scales)})
    of_arrays = np.repeat(scales, 2)
    larger = [a * dtype(s) for a, s in zip(start, of_arrays, strict=True)]
    call |= {"scales": None, "layer_rates": tuple(scales**2)}
    plain = engine.train(X, y, initial=larger, **call)
    assert scaled.losses.tobytes() == plain.losses.tobytes()
    for s, one, other in zip(of_arrays, scaled.network.arrays, plain.network.arrays, strict=True):
        assert (one * dtype(s)).tobytes() == other.tobytes()
    assert differing(scaled, plain)[-1] == "scales"
    outputs = scaled.network.predict_proba(X)
    assert outputs.tobytes() == plain.network.predict_proba(X).tobytes()


def test_ones_change_nothing():
    X, y = samples(9, 3, 2)
    same = train(X, y, epochs=3)
    assert_same_bits(train(X, y, epochs=3, scales=(1, 1.0)), same)
    assert train(X, y, epochs=0, scales=(1, 1.0)).network.scales is None
    assert train(X, y, epochs=0, scales=(1, 2)).settings.scales == (1.0, 2.0)


@EACH_END
@pytest.mark.parametrize("n", [1, 70])
def test_predictions(end, n, dtype):
    """The kernel's are those of the contract."""
    X, y = data_of(n, end)
    network = train(X, y, epochs=2, dtype=dtype, **SETTINGS | ENDS[end]).network
    rows, samples_ = network.numbers[None], X.astype(dtype)
    found = [np.empty((1, n, y.shape[1]), dtype) for _ in range(2)]
    kernel = predictions.faster(predictions._forward_kernel, dtype, True).make()
    predictions._by_kernel(kernel, rows, network.architecture, samples_, found[0], 1)
    predictions._by_contract(rows, network.architecture, samples_, found[1])
    assert found[0].tobytes() == found[1].tobytes()
    plain = Network.of(network.arrays, type(network.architecture).of(
        network.sizes, network.activation, network.output
    ))  # fmt: skip
    assert not np.allclose(found[0][0], plain.predict_proba(X))


def test_predictions_by_group():
    """By the kernel, and where it is not there."""
    X, y = samples(30, 3, 2)
    groups = np.arange(30) % 3
    runs = train_many(X, y, groups=groups, epochs=3, **SETTINGS)
    expected = np.empty_like(y)
    for label in range(3):
        expected[groups == label] = runs.of(label).network.predict_proba(X[groups == label])
    assert runs.predict_proba(X, groups).tobytes() == expected.tobytes()
    with special_kernels_at_once():
        assert runs.predict_proba(X, groups).tobytes() == expected.tobytes()


# --- what they belong to -----------------------------------------------------------------------
def test_networks_have_them(tmp_path):
    X, y = samples(6, 3, 2)
    run = train(X, y, epochs=4, momentum=0.5, shuffle=True, batch_size=2, **SETTINGS)
    network = run.network
    assert network.scales == run.settings.scales == SCALES
    assert repr(network) == "<Network 3-9-3-2 tanh-relu-sigmoid scaled by 0.3, 0.7, 1.3, float64>"
    network.save(tmp_path / "network.npz")
    again = Network.load(tmp_path / "network.npz")
    assert again.architecture is network.architecture
    # goes on, with the scales of the start where they are left out
    on = {"epochs": 3, "momentum": 0.5, "shuffle": True, "batch_size": 2}
    more, whole = train(X, y, initial=again, **on), train(X, y, **SETTINGS | on | {"epochs": 7})
    assert differing(more, whole) == ["losses"]
    made = Network(*network.arrays, activation=network.activation, scales=list(SCALES))
    assert made.predict_proba(X).tobytes() == network.predict_proba(X).tobytes()
    with np.load(tmp_path / "network.npz") as file:
        np.savez(tmp_path / "wrong.npz", **dict(file) | {"scales": np.array([1.0, 2.0])})
    with pytest.raises(ValueError, match="holds no saved network: scales must be a tuple of 3"):
        Network.load(tmp_path / "wrong.npz")


def test_many_networks_have_them(tmp_path):
    X, y = samples(6, 3, 2)
    call = SETTINGS | {"epochs": 4, "seed": [3, 4, 5]}
    runs = train_many(X, y, store=tmp_path / "store", **call)
    runs[:].save(tmp_path / "runs.npz")
    for same in (runs[:], Runs.load(tmp_path / "runs.npz"), StoredRuns(tmp_path / "store")):
        assert same.settings.scales == same.networks.scales == same[1].network.scales == SCALES
        assert "scaled by 0.3, 0.7, 1.3" in repr(same.networks)
        assert same[1].network.state.keys() == runs[1].network.state.keys()
        expected = train(X, y, **call | {"seed": 4}).network
        assert same.networks[1].predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
        assert same.networks.predict_proba(X)[1].tobytes() == expected.predict_proba(X).tobytes()
    arrays = runs.networks.arrays
    stack = Networks(*arrays, activation=("tanh", "relu"), scales=SCALES)
    for start in (stack, arrays):
        on = train_many(X, y, initial=start, **SETTINGS | {"epochs": 2})
        assert differing(on[1], train(X, y, initial=runs[1], **SETTINGS | {"epochs": 2})) == [
            "losses", "solved_at",
        ]  # fmt: skip


def test_the_command_line(tmp_path, capsys):
    path = tmp_path / "net.npz"
    options = ["--scales", "0.5,0.25", "--epochs", "20"]
    assert main(["train", *options, "--save", str(path)]) == 0
    expected = train(*fastxor.xor(), scales=(0.5, 0.25), epochs=20).network
    assert Network.load(path).state.keys() == expected.state.keys()
    assert Network.load(path).numbers.tobytes() == expected.numbers.tobytes()
    assert Network.load(path).scales == (0.5, 0.25)
    assert main(["compare", *options]) == 0
    assert main(["seeds", *options, "--count", "3"]) == 0
    assert "2-2-1 sigmoid scaled by 0.5, 0.25, 4 samples" in capsys.readouterr().out


# --- bad input ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"scales": 0.5},
            TypeError,
            "scales must be a tuple of 2 numbers, one for each layer, got",
        ),
        ({"scales": (1, 2, 3)}, ValueError, "one for each layer, got 3: (1, 2, 3)"),
        ({"scales": (1, 0)}, ValueError, "scales[1] must be above 0 in float64, got 0.0"),
        ({"scales": (-1, 1)}, ValueError, "scales[0] must be above 0 in float64, got -1.0"),
        ({"scales": (1, np.inf)}, ValueError, "scales[1] must be finite in float64, got inf"),
        (
            {"scales": (1, 1e-60), "dtype": "float32"},
            ValueError,
            "scales[1] must be above 0 in float32, got 1e-60",
        ),
        ({"scales": (1, "x")}, TypeError, "scales[1] must be a number, got 'x'"),
        (
            {"scales": (1, 2), "initial": Network(*[np.ones((2, 2)), np.ones((1, 2))] * 2)},
            ValueError,
            "initial must have the sizes",
        ),
        (
            {
                "scales": (1, 2),
                "initial": Network(
                    np.ones((2, 2)), None, np.ones((2, 1)), None, scales=(1, 3), output="tanh"
                ),
            },
            ValueError,
            "initial must have the same scales, (1.0, 2.0), got (1.0, 3.0)",
        ),
    ],
)
@pytest.mark.parametrize("engine", [train, reference.train, train_many])
def test_bad_scales(settings, error, message, engine):
    with pytest.raises(error) as raised:
        engine(*fastxor.xor(), epochs=3, **settings)
    assert message in str(raised.value)


def test_bad_scales_of_networks():
    arrays = np.ones((2, 2), np.float32), None, np.ones((2, 1), np.float32), None
    for kind in (Network, Networks):
        with pytest.raises(ValueError, match=r"scales\[0\] must be above 0 in float32, got 1e-60"):
            kind(*arrays, scales=(1e-60, 1))
        with pytest.raises(ValueError, match="scales must be a tuple of 2 numbers"):
            kind(*arrays, scales=(1,))
