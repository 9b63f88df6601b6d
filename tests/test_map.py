"""Maps, and ``fastxor map``."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

import matplotlib.image
import numpy as np
import pytest

import fastxor
from fastxor import Interrupted, Network, reference, train_many
from fastxor.agreement import same_bits
from fastxor.cli import map as mapping
from fastxor.cli.main import main
from fastxor.common import npz
from fastxor.maps import CLASSICS, FRACTALS, Map, by_unit, digest
from fastxor.maps.axes import Axis
from fastxor.networks.architecture import Architecture
from fastxor.networks.starting import starting_network
from tests.conftest import refused

XOR = fastxor.xor()


def run(*arguments):
    return main(["map", *map(str, arguments)])


# --- axes ---------------------------------------------------------------------------------
def test_values_are_exact():
    """The same on every machine: Python's floats say which."""
    for low, high, size in ((-10.0, 10.0, 200), (3.456, 3.504, 77), (0.0, 1.25, 2), (-7, 1 / 3, 9)):
        values = Axis("momentum", low, high).values(size)
        expected = [low + (high - low) * (i / (size - 1)) for i in range(size)]
        assert same_bits(values, np.array(expected, np.float64))
    assert Axis("seed", 3, 6).values(200).tolist() == [3, 4, 5, 6]
    values = Axis("init_range", 0.1, 10, log=True).values(5)
    assert np.allclose(values, 10 ** np.linspace(-1, 1, 5), rtol=1e-14)
    fine = Axis("init_range", 3.0, 3.0 * (1 + 1e-12), log=True).values(100)
    assert np.allclose(np.diff(fine), 3e-12 / 99, rtol=0.05, atol=0)
    digest = sha256(Axis("l2", 1e-3, 1e6, log=True).values(1000).astype("<f8").tobytes())
    assert digest.hexdigest().startswith("9c2b6c6c0e80cfbc"), "the same on every machine"


def test_steps_must_be_told_apart():
    low = 3.48
    step = np.spacing(low)
    assert (np.diff(Axis("momentum", low, low + 99 * step).values(100)) == step).all()
    with pytest.raises(ValueError, match="momentum must have steps that float64 can tell apart"):
        Axis("momentum", low, low + 99 * step).values(101)
    Axis("momentum", low, low + 1e-5).values(40, np.float32)
    with pytest.raises(ValueError, match=r"float32 can tell apart, got 200 values from 3.48 to"):
        Axis("momentum", low, low + 1e-5).values(200, np.float32)
    chart = Map(XOR, Axis("momentum", low, low + 1e-5), Axis("seed", 0, 1))
    assert chart.train(200, epochs=0).shape == (2, 200)
    with pytest.raises(ValueError, match="float32 can tell apart"):
        Map(chart.samples, chart.x, chart.y, settings={"dtype": "float32"}).train(200)


# --- what is trained ----------------------------------------------------------------------
AXES = {
    "learning_rate": (0.5, 9.0), "momentum": (0.1, 0.9), "seed": (4, 7), "init_range": (0.5, 3.0),
    "W1[1,0]": (-2.0, 2.0), "b1[1]": (-1.0, 3.0), "W2[0,0]": (-4.0, 1.0), "b2[0]": (0.0, 1.0),
    "W1[0,1]": (-3.0, 1.0),
}  # fmt: skip
PAIRS = [(x, y) for x in AXES for y in AXES if x != y]


def arguments_of(chart, x, y):
    """Of `train`, for the network at these values; weights set by name."""
    settings, weights = dict(chart.settings), {}
    for name, value in ((chart.x.name, x), (chart.y.name, y)):
        if "[" in name:
            weights[name] = value
        else:
            settings[name] = value.item()
    if weights or chart.weights is not None:
        start = chart.weights
        if start is None:
            seed, width = settings.get("seed", 42), settings.get("init_range")
            init = "randn" if width is None else "uniform"
            architecture = Architecture.of((2, 2, 1))
            start = starting_network(seed, architecture, np.float64, init, width).arrays
        W1, b1, W2, b2 = (np.array(array) for array in start)
        for name, value in weights.items():
            exec(f"{name.replace('b1[', 'b1[0,').replace('b2[', 'b2[0,')} = {value!r}")
        settings["initial"] = W1, b1, W2, b2
    if "init_range" in settings:
        settings["init"] = "uniform"
    return settings


@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_any_two_axes(x, y, monkeypatch):
    """By one call, each network to the bits of one that is trained by itself."""
    calls = []

    def counting(*args, **call):
        calls.append(call)
        return train_many(*args, **call)

    monkeypatch.setattr(fastxor.maps.map, "train_many", counting)
    chart = Map(XOR, Axis(x, *AXES[x]), Axis(y, *AXES[y]), settings={"epochs": 40})
    runs = chart.train(3, 5)
    assert len(calls) == 1
    across, up = chart.values(3, 5)
    assert runs.shape == (len(up), len(across))
    solved = set()
    for row, column in ((0, 0), (len(up) - 1, 0), (1, len(across) - 1)):
        expected = fastxor.train(
            *XOR, **arguments_of(chart, across[column], up[row]), tolerance=0.5,
            stop_when_solved=True,
        )  # fmt: skip
        assert same_bits(runs.final_loss[row, column], expected.losses[-1])
        assert runs.solved_at[row, column] == expected.solved_at
        one = runs[row, column].network
        assert all(map(same_bits, one.arrays, expected.network.arrays))
        solved.add(runs.final_loss[row, column])
    assert len(solved) == 3, "these should differ"


def test_only_what_varies_is_large():
    call = Map(XOR, Axis("b2[0]", 0, 1), Axis("b1[1]", 0, 1)).call(300, 200)
    shapes = [array.shape for array in call["initial"]]
    assert shapes == [(2, 2), (200, 1, 1, 2), (2, 1), (300, 1, 1)]
    call = Map(XOR, Axis("W1[0,0]", 0, 1), Axis("W1[1,0]", 0, 1)).call(300, 200)
    assert call["initial"][0].shape == (200, 300, 2, 2)
    call = Map(XOR, Axis("seed", 0, 8), Axis("W1[1,0]", 0, 1)).call(300, 200)
    assert [a.shape[:-2] for a in call["initial"]] == [(200, 9), (9,), (9,), (9,)]


def test_weights_in_the_order_of_the_units():
    W1, b1, W2, b2 = by_unit(np.arange(1, 18), (2, 3, 2))
    assert W1.tolist() == [[1, 4, 7], [2, 5, 8]]
    assert b1.tolist() == [[3, 6, 9]]
    assert W2.tolist() == [[10, 14], [11, 15], [12, 16]]
    assert b2.tolist() == [[13, 17]]
    with pytest.raises(ValueError, match="weights must be 9 numbers for a network 2-2-1, got 8"):
        by_unit(range(8), (2, 2, 1))
    W1, b1, W2, b2, W3, b3 = by_unit(np.arange(1, 14), (1, 2, 2, 1))
    assert (W1.tolist(), b1.tolist()) == ([[1, 3]], [[2, 4]])
    assert (W2.tolist(), b2.tolist()) == ([[5, 8], [6, 9]], [[7, 10]])
    assert (W3.tolist(), b3.tolist()) == ([[11], [12]], [[13]])
    W1, b1, W2, b2 = by_unit(np.arange(1, 7), (2, 2, 1), bias=False)
    assert b1 is b2 is None
    assert (W1.tolist(), W2.tolist()) == ([[1, 3], [2, 4]], [[5], [6]])
    with pytest.raises(ValueError, match="6 numbers for a network 2-2-1 without biases, got 9"):
        by_unit(range(9), (2, 2, 1), bias=False)


LAYERS = {
    "three": ("W3[1,0]", "b2[1]", {"hidden_size": (3, 2), "activation": ("tanh", "relu")}),
    "seeds": ("W3[0,0]", "seed", {"hidden_size": (2, 2), "activation": "tanh", "init": "glorot"}),
    "no biases": ("W2[1,1]", "W1[0,0]", {"hidden_size": (2, 3), "bias": False, "init": "he"}),
    "none": ("W1[1,0]", "b1[0]", {"hidden_size": (), "loss": "log_loss"}),
    "identity": ("W2[0,0]", "learning_rate", {"activation": "relu", "output": "identity"}),
    "rates": ("momentum", "learning_rate", {"hidden_size": (2, 2), "bias": False}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_any_layers(name, tmp_path):
    x, y, settings = LAYERS[name]
    bounds = {"seed": (3, 5), "learning_rate": (0.01, 0.5), "momentum": (0.1, 0.9)}
    axes = [Axis(axis, *bounds.get(axis, (-1.0, 2.0))) for axis in (x, y)]
    chart = Map(XOR, *axes, settings=settings | {"epochs": 30})
    runs = chart.train(3)
    across, up = chart.values(3, 3)
    for row, column in ((0, 0), (1, 2), (2, 1)):
        call = dict(chart.settings)
        varied = {x: across[column], y: up[row]}
        call |= {axis: value.item() for axis, value in varied.items() if "[" not in axis}
        seed, init = call.get("seed", 42), call.get("init", "randn")
        architecture = runs.settings.architecture(2, 1)
        start = starting_network(seed, architecture, np.float64, init)
        for axis, value in varied.items():
            if "[" in axis:
                array, place = axis[:2], axis[3:-1].split(",")
                getattr(start, array)[0 if len(place) == 1 else int(place[0]), int(place[-1])] = (
                    value
                )
        expected = fastxor.train(*XOR, initial=start, tolerance=0.5, stop_when_solved=True, **call)
        assert same_bits(runs.final_loss[row, column], expected.losses[-1])
        assert runs.solved_at[row, column] == expected.solved_at
        one = runs[row, column].network
        assert all(map(same_bits, one.arrays, expected.network.arrays))
    chart.save(tmp_path / "map.npz", runs)
    told = json.loads(str(npz.read(tmp_path / "map.npz")["settings"]))["settings"]
    for setting, value in settings.items():
        assert told[setting] == (list(value) if isinstance(value, tuple) else value)


def test_weights_without_biases(tmp_path):
    """Those that are given."""
    weights = by_unit([1, -2, 0.5, 2, -1, 1, 0.5, 0.25], (2, 2, 1, 2), bias=False)
    settings = {"activation": "tanh", "hidden_size": (2, 1), "bias": False, "epochs": 20}
    samples = XOR[0], np.hstack([XOR[1], 1 - XOR[1]])
    chart = Map(samples, Axis("W3[0,1]", -1, 1), Axis("W1[0,0]", 0, 1), weights, settings)
    runs = chart.train(3)
    start = Network(*weights, activation="tanh")
    start.W3[0, 1], start.W1[0, 0] = 1, 0.5
    expected = fastxor.train(
        *samples, initial=start, epochs=20, tolerance=0.5, stop_when_solved=True
    )
    assert all(map(same_bits, runs[1, 2].network.arrays, expected.network.arrays))
    chart.save(tmp_path / "map.npz", runs)
    told = json.loads(str(npz.read(tmp_path / "map.npz")["settings"]))
    assert told["weights"][1::2] == [None] * 3
    assert told["weights"][4] == weights[4].tolist()


def test_zoomed():
    chart = CLASSICS[26].zoomed((1, 2), (0.5, 0.75))
    assert (chart.x, chart.y) == (Axis("learning_rate", 1, 2), Axis("momentum", 0.5, 0.75))
    expected = CLASSICS[26].train(9, 6)  # of whose values some are the same numbers
    assert same_bits(chart.train(3, 2).final_loss, expected.final_loss[2:4, 2:5].copy())


BAD_MAPS = {
    "name": (lambda: Axis("rate", 0, 1), "an axis must be seed, learning_rate, momentum, init"),
    "weight": (lambda: Axis("W1[0]", 0, 1), "W2[j,k] and so on, got 'W1[0]'"),
    "layer": (lambda: Axis("W0[0,0]", 0, 1), "W2[j,k] and so on, got 'W0[0,0]'"),
    "order": (lambda: Axis("momentum", 1, 0.5), "from a lower to a higher value, got 1 to 0.5"),
    "NaN": (lambda: Axis("b1[0]", 0, np.nan), "b1[0] must be finite"),
    "log": (lambda: Axis("momentum", 0, 1, log=True), "no seed and above 0 to be logarithmic"),
    "seed": (lambda: Axis("seed", -1, 5), "seed must be an integer of at least 0 and at most"),
    "size": (lambda: Axis("momentum", 0, 1).values(1), "size must be an integer of at least 2"),
    "wide": (lambda: Axis("l2", 1e-200, 1e200, log=True), "span less than a factor of 1e300"),
    "rates": (lambda: Map(XOR, Axis("learning_rate3", 0, 1), Axis("momentum", 0, 1)).call(2, 2),
              "there are 2 layers, got learning_rate3 as an axis"),
    "offset": (lambda: Map(XOR, Axis("b3", 0, 1), Axis("momentum", 0, 1)).call(2, 2),
               "b3 must be a weight of a network 2-2-1"),
    "group": (lambda: Axis("group", 0, 1), "an axis must be seed, learning_rate"),
    "twice": (lambda: Map(XOR, Axis("seed", 0, 1), Axis("seed", 0, 1)), "got seed twice"),
    "setting": (lambda: Map(XOR, Axis("seed", 0, 1), Axis("momentum", 0, 1), settings={"seed": 4}),
                "seed must not be a setting, as it is an axis"),
    "place": (lambda: Map(XOR, Axis("W1[0,2]", 0, 1), Axis("momentum", 0, 1)).train(2),
              "W1[0,2] must be a weight of a network 2-2-1"),
    "deep": (lambda: Map(XOR, Axis("b3[0]", 0, 1), Axis("momentum", 0, 1)).train(2),
             "b3[0] must be a weight of a network 2-2-1"),
    "no bias": (lambda: Map(XOR, Axis("b1[0]", 0, 1), Axis("momentum", 0, 1),
                            settings={"hidden_size": (3, 2), "bias": False}).train(2),
                "b1[0] must be a weight of a network 2-3-2-1 without biases"),
    "no bias given": (lambda: Map(XOR, Axis("b1[0]", 0, 1), Axis("momentum", 0, 1),
                                  by_unit(range(6), (2, 2, 1), bias=False)).train(2),
                      "b1[0] must be a weight of a network 2-2-1 without biases"),
    "init": (lambda: Map(XOR, Axis("seed", 0, 1), Axis("init_range", 0, 1),
                         settings={"init": "he"}),
             "init must be 'uniform' with the axis init_range, got 'he'"),
    "no range": (lambda: Map(XOR, Axis("b1[0]", 0, 1), Axis("momentum", 0, 1),
                             settings={"init": "uniform"}).train(2),
                 "init_range must be a number with init='uniform', got None"),
    "given": (lambda: Map(XOR, Axis("seed", 0, 1), Axis("momentum", 0, 1), CLASSICS[3].weights),
              "seed must not be an axis with weights that are given"),
    "hidden": (lambda: Map(XOR, Axis("b1[0]", 0, 1), Axis("momentum", 0, 1),
                           settings={"hidden_size": -1}).train(2), "hidden_size must be"),
    "range": (lambda: Map(XOR, Axis("b1[0]", 0, 1), Axis("init_range", -1, 1)).train(2),
              "init_range must be at least 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_MAPS)
def test_bad_maps_are_refused(case):
    make, message = BAD_MAPS[case]
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)


# --- on the command line ---------------------------------------------------------------------
def test_a_figure(tmp_path, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    assert run("--figure", 3, png, "--save", file, "--threads", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    runs = CLASSICS[3].train(200)
    solved = runs.solved_at[runs.solved_at >= 0]
    assert lines[0] == (
        "Kolen and Pollack (1990), figure 3: 2-2-1, 200 epochs, learning rate 3.25, momentum 0.4"
    )
    assert lines[1] == "b2[0] from -10 to 10 across, W1[1,1] from -10 to 10 up"
    assert lines[2].startswith("40,000 networks in ")
    median = f"{np.median(solved):,.0f}"
    assert lines[2].endswith(f"{len(solved) / 40_000:.1%} solved, half of these by epoch {median}")
    assert lines[3:] == [f"{png} and {file}: sha256 {digest(runs)}"]
    with np.load(file) as saved:
        assert same_bits(saved["solved_at"], runs.solved_at)
        assert same_bits(saved["final_loss"], runs.final_loss)
        assert saved["done"].all()
        for name, values in zip("xy", CLASSICS[3].values(200, 200), strict=True):
            assert same_bits(saved[name], values)
        told = json.loads(str(saved["settings"]))
    assert told["x"] == {"name": "b2[0]", "low": -10.0, "high": 10.0, "log": False}
    assert told["digest"] == digest(runs)
    assert told["weights"] == [array.tolist() for array in CLASSICS[3].weights]
    settings = told["settings"]
    assert (settings["learning_rate"], settings["momentum"]) == (3.25, 0.4)
    assert (settings["epochs"], settings["tolerance"], settings["hidden_size"]) == (200, 0.5, 2)
    # black at the left and the right, light in the middle of the lower half
    image = matplotlib.image.imread(png)
    frame = mapping.picture(CLASSICS[3], runs).axes[0].bbox.extents.round().astype(int)
    inner = image[::-1][frame[1] : frame[3], frame[0] : frame[2], :3]
    assert inner.shape == (600, 600, 3)
    assert inner[100, 20].tolist() == inner[100, 580].tolist() == [0, 0, 0]
    assert inner[100, 300].sum() > 1.5


def solved_at(*options):
    """Of a map with these options."""
    assert run(*options) == 0
    with np.load(options[-1]) as file:
        return file["solved_at"], file["x"], file["y"]


def test_options_reach_training(tmp_path, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    W = "0.5,-1,2,0.25,3,-0.5,1,1,-2,-0.125,0.75,1.5,-1"  # 2-3-1
    found, x, y = solved_at(
        "--x", "learning-rate=0.5:8:log", "--y", "W2[2,0]=-3:5", "--weights", W,
        "--hidden-size", 3, "--epochs", 120, "--momentum", 0.5, "--tolerance", 0.4,
        "--batch-size", 2, "--shuffle", "--seed", 9, "--dtype", "float32", "--size", "7x5", png,
        "--save", file,
    )  # fmt: skip
    assert np.allclose(x, np.geomspace(0.5, 8, 7), rtol=1e-15, atol=0)
    assert y.tolist() == [-3, -1, 1, 3, 5]
    start = by_unit([float(w) for w in W.split(",")], (2, 3, 1))
    for row, column in np.ndindex(5, 7):
        start[2][2, 0] = y[row]
        expected = reference.train(
            *XOR, initial=start, epochs=120, learning_rate=x[column], momentum=0.5, tolerance=0.4,
            batch_size=2, shuffle=True, seed=9, dtype="float32", stop_when_solved=True,
        )  # fmt: skip
        assert found[row, column] == expected.solved_at
    assert 0.2 < (found >= 0).mean() < 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "2-3-1, 120 epochs, momentum 0.5, seed 9, batches of 2, shuffled, float32",
        "learning rate from 0.5 to 8 across, W2[2,0] from -3 to 5 up",
    ]


def test_seeds_ranges_and_other_data(tmp_path, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    found, x, y = solved_at(
        "--x", "seed=3:12", "--y", "init-range=0.5:4", "--problem", "parity", "--hidden-size", 3,
        "--epochs", 300, "--learning-rate", 2, "--momentum", 0.9, png, "--size", 4, "--save", file,
    )  # fmt: skip
    assert x.tolist() == list(range(3, 13))
    expected = train_many(
        *fastxor.parity(3), hidden_size=3, seed=x, init="uniform", init_range=y[:, None],
        epochs=300, learning_rate=2, momentum=0.9,
    )  # fmt: skip
    assert same_bits(found, expected.solved_at)
    assert 0.2 < (found >= 0).mean() < 0.9
    np.savez(tmp_path / "data.npz", X=np.eye(3), y=[0.0, 1.0, 0.0])
    found, _, _ = solved_at(
        "--x", "W1[2,1]=0:1", "--y", "momentum=0:0.9", "--data", tmp_path / "data.npz", "--seed",
        7, "--epochs", 50, "--size", 2, "--learning-rate", 1, png, "--save", file,
    )  # fmt: skip
    start = starting_network(7, Architecture.of((3, 2, 1)), np.float64)
    start.W1[2, 1] = 1
    run = fastxor.train(
        np.eye(3), [0.0, 1.0, 0.0], initial=start, learning_rate=1, momentum=0.9, epochs=50,
        tolerance=0.5,
    )  # fmt: skip
    assert found[1, 1] == run.solved_at > 0


def test_layers_of_other_functions(tmp_path, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    found, x, y = solved_at(
        "--x", "W3[1,0]=-2:2", "--y", "W1[0,1]=-3:3", "--hidden-size", "2,2", "--activation",
        "relu,tanh", "--output", "identity", "--no-bias", "--weights=1,-1,2,1,-1,1,0.5,1,-0.5,2",
        "--epochs", 40, "--learning-rate", 0.05, "--size", "4x3", png, "--save", file,
    )  # fmt: skip
    assert capsys.readouterr().out.splitlines()[:2] == [
        "2-2-2-1 relu-tanh-identity without biases, 40 epochs, learning rate 0.05",
        "W3[1,0] from -2 to 2 across, W1[0,1] from -3 to 3 up",
    ]
    weights = [1, -1, 2, 1, -1, 1, 0.5, 1, -0.5, 2]
    for row, column in np.ndindex(3, 4):
        start = by_unit(weights, (2, 2, 2, 1), bias=False)
        start[4][1, 0], start[0][0, 1] = x[column], y[row]
        expected = reference.train(
            *XOR, initial=start, activation=("relu", "tanh"), output="identity", epochs=40,
            learning_rate=0.05, tolerance=0.5, stop_when_solved=True,
        )  # fmt: skip
        assert found[row, column] == expected.solved_at
    assert 0 < (found >= 0).mean() < 1
    assert run(
        "--x", "b1[0]=0:1", "--y", "seed=0:2", "--init", "he", "--loss", "log_loss",
        "--hidden-size", "none", "--epochs", 5, "--size", 2, png,
    ) == 0  # fmt: skip
    about = capsys.readouterr().out.splitlines()[0]
    assert about == "2-1, log loss, 5 epochs, he starts, learning rate 0.1"


def test_figures_can_be_changed_and_zoomed(tmp_path):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    found, x, y = solved_at(
        "--figure", 11, "--zoom=-8:-6,-1:1", "--epochs", 90, "--momentum", 0.6, "--grey", "--size",
        "30x20", png, "--save", file,
    )  # fmt: skip
    chart = CLASSICS[11].zoomed((-8.0, -6.0), (-1.0, 1.0))
    assert same_bits(found, chart.train(30, 20, epochs=90, momentum=0.6).solved_at)
    assert (x[0], x[-1], y[0], y[-1]) == (-8, -6, -1, 1)
    image = matplotlib.image.imread(png)[..., :3]
    assert (image == image[..., :1]).all(), "all is grey"


BAD = {
    "nothing": ([], "--x and --y must be given, or --figure, or --fractal"),
    "one axis": (["--x", "momentum=0:1"], "--x and --y must be given, or --figure"),
    "figure": (["--figure", 4], "argument --figure: invalid choice: 4"),
    "both": (["--figure", 3, "--x", "momentum=0:1"], "--x must not go with --figure"),
    "figure's data": (["--figure", 3, "--problem", "xor"], "--problem must not go with --figure"),
    "figure's size": (["--figure", 3, "--hidden-size", 2], "--hidden-size must not go with"),
    "figure's biases": (["--figure", 3, "--no-bias"], "--no-bias must not go with --figure"),
    "figure's functions": (["--figure", 26, "--activation", "tanh"], "--activation must not go"),
    "layers": (["--x", "W3[0,0]=1:2", "--y", "b1[0]=0:1", "--hidden-size", "3,0"],
               "hidden_size[1] must be an integer of at least 1"),
    "layer": (["--x", "W3[0,0]=1:2", "--y", "seed=0:1"], "W3[0,0] must be a weight of a network 2"),
    "figure's axis": (["--figure", 26, "--momentum", 0], "momentum must not be a setting, as it"),
    "axis": (["--x", "momentum", "--y", "seed=0:1"],
             "--x must be NAME=LOW:HIGH or NAME=LOW:HIGH:log, got 'momentum'"),
    "log": (["--x", "momentum=1:2:lin", "--y", "seed=0:1"], "got 'momentum=1:2:lin'"),
    "number": (["--x", "momentum=1:b", "--y", "seed=0:1"], "--x must have numbers, got 'b'"),
    "integer": (["--x", "momentum=1:2", "--y", "seed=0:1.5"], "--y must have integers, got '1.5'"),
    "name": (["--x", "rate=1:2", "--y", "seed=0:1"], "an axis must be seed, learning_rate,"),
    "weight": (["--x", "b1[2]=1:2", "--y", "seed=0:1"], "b1[2] must be a weight of a network 2-2"),
    "range": (["--x", "momentum=2:1", "--y", "seed=0:1"], "momentum must go from a lower to a"),
    "steps": (["--x", "momentum=1:1.00000000000001", "--y", "seed=0:1"], "can tell apart"),
    "weights": (["--x", "momentum=0:1", "--y", "b1[0]=0:1", "--weights", "1,2"],
                "weights must be 9 numbers for a network 2-2-1, got 2"),
    "text": (["--x", "momentum=0:1", "--y", "b1[0]=0:1", "--weights", "1,x"], "numbers, got 'x'"),
    "range of given": (["--x", "init-range=0:1", "--y", "b1[0]=0:1", "--weights", "1,1,1,1,1,1,1,"
                        "1,1"], "init_range must not be an axis with weights that are given"),
    "zoom": (["--figure", 3, "--zoom", "0:1"], "--zoom must be X0:X1,Y0:Y1, got '0:1'"),
    "zoomed out": (["--figure", 3, "--zoom", "1:0,0:1"], "b2[0] must go from a lower to a higher"),
    "minus": (["--figure", 3, "--zoom", "-8:-6,-1:1"], "starts with a minus needs = before it"),
    "size": (["--figure", 3, "--size", "9x"], "--size must be N or WxH, got '9x'"),
    "small": (["--figure", 3, "--size", "1x9"], "--size must be an integer of at least 2, got 1"),
    "epochs": (["--figure", 3, "--epochs", -1], "epochs must be an integer of at least 0"),
    "tolerance": (["--figure", 3, "--tolerance", 0], "tolerance must be above 0"),
    "fractal": (["--fractal", "single", "--figure", 3], "--fractal must not go with --figure"),
    "fractal's size": (["--fractal", "single", "--hidden-size", 3], "must not go with --fractal"),
    "zoom to": (["--figure", 3, "--zoom-to", "1,2"], "--zoom-to must go with --movie"),
    "save": (["--figure", 3, "--save", "/nowhere/map.npz"], "--save: cannot write to /nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_errors_are_one_line_and_status_2(case, tmp_path, monkeypatch, capsys):
    arguments, message = BAD[case]
    monkeypatch.setattr(fastxor.sweeps.many, "progress_bar", None)  # before any work
    assert message in refused(capsys, "map", *arguments, tmp_path / "map.png")
    assert not list(tmp_path.iterdir())


def test_pictures_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fastxor.sweeps.many, "progress_bar", None)
    assert "PNG must name a file, got the folder /" in refused(capsys, "map", "--figure", 3, "/")
    assert "PNG: cannot write to /nowhere" in refused(
        capsys, "map", "--figure", 3, "/nowhere/a.png"
    )
    assert "PNG must be given, or --movie, not both" in refused(capsys, "map", "--figure", 3)


def test_without_matplotlib(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; from fastxor.__main__ import main; "
        f"sys.exit(main(['map', '--figure', '3', {str(tmp_path / 'map.png')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == ("fastxor: fastxor.plot needs matplotlib: the extra fastxor[plot]\n")
    assert not list(tmp_path.iterdir())


def test_failure_leaves_the_old_picture(tmp_path, monkeypatch, capsys):
    png = tmp_path / "map.png"
    png.write_text("old")

    def full(chart, runs, grey):
        class Figure:
            def savefig(self, file, format):
                file.write(b"half of it")
                raise OSError("disk full")

        return Figure()

    monkeypatch.setattr(mapping, "picture", full)
    assert "disk full" in refused(capsys, "map", "--figure", 3, "--size", 2, png)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


# --- Ctrl-C -----------------------------------------------------------------------------------
def test_ctrl_c_keeps_what_is_done(tmp_path, monkeypatch, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    whole = CLASSICS[3].train(20)

    def interrupted(**call):
        runs = train_many(**call | {"epochs": 200})
        runs.epochs_done[11:], runs.solved_at[11:], runs.final_loss[11:] = 0, -1, np.nan
        raise Interrupted(runs)

    monkeypatch.setattr(mapping, "train_many", interrupted)
    assert run("--figure", 3, "--size", 20, png, "--save", file) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"wrote what is done, the rest is black: {png} and {file}",
        "fastxor: interrupted after 220 of 400 networks",
    ]
    saved = npz.read(file)
    assert (saved["done"] == (np.arange(20)[:, None] < 11)).all()
    assert same_bits(saved["solved_at"][:11], whole.solved_at[:11])
    image = matplotlib.image.imread(png)
    frame = mapping.picture(CLASSICS[3], whole).axes[0].bbox.extents.round().astype(int)
    inner = image[::-1][frame[1] + 3 : frame[3] - 3, frame[0] + 3 : frame[2] - 3, :3]
    assert not inner[11 * 30 :].any()
    assert inner[: 11 * 30 - 3].any(axis=(1, 2)).all()


def test_ctrl_c_before_anything_is_done(tmp_path, monkeypatch, capsys):
    png = tmp_path / "map.png"
    png.write_text("old")

    def interrupted(**call):
        runs = train_many(**call)
        runs.epochs_done[:], runs.solved_at[:] = 0, -1
        raise Interrupted(runs)

    monkeypatch.setattr(mapping, "train_many", interrupted)
    assert run("--figure", 3, "--size", 5, png) == 130
    assert png.read_text() == "old"
    assert capsys.readouterr().err == "fastxor: interrupted after 0 of 25 networks\n"


def test_maps_say_what_they_are_of():
    x = "learning_rate1 from 0.001 to 1000000"
    y = "learning_rate2 from 10 to 12.5"
    found = repr(FRACTALS["relu"].zoomed((1e-3, 1e6), (10, 12.5)))
    assert found == f"<Map Sohl-Dickstein (2024), relu: {x}, {y}>"
    found = repr(Map(fastxor.xor(), Axis("seed", 0, 9), Axis("momentum", 0, 0.5)))
    assert found == "<Map seed from 0 to 9, momentum from 0 to 0.5>"


def test_a_real_ctrl_c(tmp_path):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    command = [
        sys.executable, "-m", "fastxor", "map", "--x", "learning-rate=0.01:0.02", "--y",
        "seed=0:3999", "--size", "50", "--epochs", "1000000", str(png), "--save", str(file),
    ]  # fmt: skip
    for seconds in (5, 15):  # a busy machine may need longer to get as far as training
        work = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(seconds)
        while work.poll() is None:  # Python may lose one that comes while it imports
            work.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, err = work.communicate(timeout=60)
        if file.exists():
            break
    assert work.returncode == 130
    assert "the rest is black" in err
    assert "of 200,000 networks" in err
    done = npz.read(file)["done"]
    assert done.any()
    assert not done.all()
    assert os.path.getsize(png) > 5_000
