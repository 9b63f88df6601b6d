"""The boundary of trainability: its measure, its dimension, its maps, pictures and movies."""

import json

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import fastxor
from fastxor import Interrupted, StoredRuns, reference, train_many
from fastxor.__main__ import main
from fastxor.agreement import same_bits
from fastxor.cli import map as mapping
from fastxor.cli import movie
from fastxor.maps import (
    FRACTALS,
    Axis,
    Map,
    box_counting_dimension,
    convergence,
    digest,
)
from fastxor.plot.boundary import boundary, shades_of
from tests import golden_maps

GOLDEN = json.loads(golden_maps.FILE.read_text())["fractals"]
XOR = fastxor.xor()


def run(*arguments):
    return main(["map", *map(str, arguments)])


# --- the measure --------------------------------------------------------------------------
def measured(losses):
    """Of one network, as its docstring says."""
    v = [min(loss / losses[0], 1e6) if loss == loss else 1e6 for loss in losses]
    if sum(v[-20:]) / len(v[-20:]) < 1:
        return -sum(v)
    return sum(1 / each for each in v)


def test_convergence():
    random = np.random.default_rng(0)
    losses = np.exp(random.normal(size=(50, 30)).cumsum(axis=1))
    losses[3, 7:], losses[4, 9], losses[5, 25:] = np.nan, np.inf, 0.0
    expected = np.array([measured(row.tolist()) for row in losses])
    assert np.allclose(convergence(losses), expected, rtol=1e-14, atol=0)
    assert 10 < (expected < 0).sum() < 40, "some converge"
    short = losses[:, :5]
    assert np.allclose(convergence(short), [measured(row) for row in short.tolist()])
    assert (convergence(losses.astype(np.float32)) < 0).tolist() == (expected < 0).tolist()


def test_box_counting_dimension():
    rows, columns = np.mgrid[:256, :256]
    assert box_counting_dimension(rows > 99) == pytest.approx(1, abs=0.02)
    assert box_counting_dimension(rows > columns) == pytest.approx(1, abs=0.05)
    noise = np.random.default_rng(0).random((256, 300)) < 0.5
    assert box_counting_dimension(noise) == pytest.approx(2, abs=0.12)
    # Sierpinski's triangle: log(3) / log(2), and its edges have the same
    assert box_counting_dimension((rows & columns) == 0) == pytest.approx(1.585, abs=0.06)
    assert np.isnan(box_counting_dimension(rows > 999))
    with pytest.raises(ValueError, match="at least 16 each, got \\(8, 256\\)"):
        box_counting_dimension(rows[:8] > 3)


# --- maps ---------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FRACTALS)
def test_fractals(name):
    """Their digests, and the reference at some points, with the paper's own parametrisation."""
    runs = golden_maps.fractal(name)
    assert digest(runs) == GOLDEN[name]
    chart = FRACTALS[name]
    across, up = chart.values(15, 12)
    scale = {"identity": 1 / 4}.get(name, np.sqrt(2) / 4)
    for row, column in ((0, 0), (5, 7), (8, 3), (11, 14)):
        settings = dict(chart.settings)
        W1, W2 = chart.weights[0], chart.weights[2]
        if name == "offset":
            W1 = W1 + across[column]
            settings["learning_rate"] = float(up[row])
        else:
            factors = settings["layer_rates"]
            assert factors == (2 * scale**2, 2 / 256) or np.allclose(factors[0], 2 * scale**2)
            settings["layer_rates"] = factors[0] * across[column], factors[1] * up[row]
        settings["epochs"] = 60
        expected = reference.train(
            *chart.samples, initial=(W1, None, W2, None), stop_when_diverged=False, **settings
        )
        assert same_bits(convergence(expected.losses[None])[0], runs.reduced[row, column])
    assert 0 < (runs.reduced < 0).mean() < 1


def test_scales_are_in_weights_and_rates():
    """The first epochs of the paper's own formulas, to rounding."""
    chart = FRACTALS["tanh"]
    X, y = chart.samples
    W1, W2 = chart.weights[0] * 4 / np.sqrt(2), chart.weights[2] * 16
    rates, losses = (0.7, 20.0), []
    for _ in range(5):
        hidden = np.tanh(np.sqrt(2) * (X @ W1 / 4))
        error = hidden @ W2 / 16 - y
        losses.append((error**2).mean())
        back = 2 * error / len(X)
        of_W2 = hidden.T @ back / 16
        of_W1 = X.T @ ((back @ W2.T / 16) * (1 - hidden**2) * np.sqrt(2)) / 4
        W1, W2 = W1 - rates[0] * of_W1, W2 - rates[1] * of_W2
    settings = dict(chart.settings) | {"epochs": 5}
    settings["layer_rates"] = tuple(np.multiply(settings["layer_rates"], rates).tolist())
    run = fastxor.train(X, y, initial=chart.weights, **settings)
    assert np.allclose(run.losses, losses, rtol=1e-12)


def test_axes_of_layers_and_offsets():
    start = (np.ones((2, 2)), np.zeros((1, 2)), np.ones((2, 1)), None)
    chart = Map(XOR, Axis("learning_rate2", 0.5, 2), Axis("W1", -1, 1), start,
                {"layer_rates": (3.0, 2.0), "epochs": 7, "bias": None})  # fmt: skip
    chart.settings.pop("bias")
    runs = chart.train(4, 3)
    across, up = chart.values(4, 3)
    for row, column in ((0, 3), (2, 1)):
        own = (start[0] + up[row], *start[1:])
        expected = reference.train(
            *XOR, initial=own, epochs=7, layer_rates=(3.0, 2.0 * across[column]), tolerance=0.5
        )
        assert all(map(same_bits, runs[row, column].network.arrays, expected.network.arrays))


# --- pictures -----------------------------------------------------------------------------
def test_shades():
    measure = np.array([[-30.0, -20.0, -20.0], [5.0, 1.0, 9.0]])
    shades = shades_of(measure)
    assert (shades[0] < 0).all()
    assert (shades[1] > 0).all()
    assert shades[0, 1] == shades[0, 2] < shades[0, 0]
    assert shades[1].argsort().tolist() == [2, 0, 1]
    assert abs(shades).max() < 1


def test_picture():
    chart = FRACTALS["single"]
    runs = chart.train(20, 16, epochs=50)
    ax = chart.plot(runs, Figure().add_subplot())
    assert ax.get_xlabel() == "learning rate of layer 1"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    values = ax.collections[0].get_array()
    assert (np.ravel(values < 0) == np.ravel(runs.reduced < 0)).all()
    other = train_many(*XOR, seed=[[1, 2]], epochs=3)
    with pytest.raises(TypeError, match="reduce=convergence"):
        boundary(other, Figure().add_subplot())


# --- on the command line ----------------------------------------------------------------------
def test_a_fractal(tmp_path, capsys):
    png, file, folder = tmp_path / "a.png", tmp_path / "a.npz", tmp_path / "store"
    options = "--fractal", "single", "--size", "24x20", "--epochs", 60, png
    assert run(*options, "--save", file, "--store", folder) == 0
    out = capsys.readouterr().out
    runs = FRACTALS["single"].train(24, 20, epochs=60)
    assert f"{(runs.reduced < 0).mean():.1%} converge, box-counting dimension" in out
    assert "learning rate of layer 1 from 0.001 to 1000000 across" in out
    assert digest(runs) in out
    with np.load(file) as saved:
        assert same_bits(saved["reduced"], runs.reduced)
        told = json.loads(str(saved["settings"]))
        assert told["settings"]["layer_rates"] == [0.25, 2 / 256]
    assert same_bits(StoredRuns(folder).reduced, runs.reduced)
    assert matplotlib.image.imread(png).ndim == 3


def test_ctrl_c_and_again_with_a_store(tmp_path, capsys, monkeypatch):
    options = "--fractal", "single", "--size", "16", "--epochs", 30, "--store", tmp_path / "store"

    def interrupted(**call):
        raise Interrupted(train_many(**call))

    monkeypatch.setattr(mapping, "train_many", interrupted)
    assert run(*options, tmp_path / "a.png") == 130
    monkeypatch.undo()
    assert run(*options, tmp_path / "b.png") == 0


def test_a_movie(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.gif"
    options = ("--fractal", "single", "--size", 16, "--epochs", 30, "--movie", path, "--zoom-to",
               "10,80", "--frames", 4, "--zoom-by", 0.5)  # fmt: skip
    drawn = []

    def stopping(window, runs, grey):
        if len(drawn) == 2:
            drawn.append(None)
            raise KeyboardInterrupt
        drawn.append(window)
        return mapping.picture(window, runs, grey)

    monkeypatch.setattr(movie, "picture", stopping)
    assert run(*options) == 130
    assert sorted(p.name for p in (tmp_path / "a.gif.frames").iterdir()) == [
        "frame-0000.png", "frame-0001.png", "movie.json",
    ]  # fmt: skip
    capsys.readouterr()
    assert run(*options, "--grey") == 2
    assert "holds frames of another movie" in capsys.readouterr().err
    assert run(*options) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif"]
    assert len(drawn) == 5, "two before, two after"
    with Image.open(path) as image:
        assert image.n_frames == 4
    last = drawn[-1]
    assert np.allclose([last.x.low, last.x.high], 10 * np.array([1e-4, 1e5]) ** (1 / 8))
    assert last.y.low < 80 < last.y.high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--movie", "a.gif"], "--movie must go with --zoom-to X,Y"),
        (["--movie", "a.avi", "--zoom-to", "1,1"], "--movie must end in .gif or .mp4"),
        (["--movie", "a.gif", "--zoom-to", "1"], "--zoom-to must be X,Y, got '1'"),
        (["--movie", "a.gif", "--zoom-to", "1e9,1"], "--zoom-to must lie in the map"),
        (["--movie", "a.gif", "--zoom-to", "1,1", "--frames", "1"], "--frames must be an integer"),
        (["--movie", "a.gif", "--zoom-to", "1,1", "--zoom-by", "2"], "--zoom-by must be between"),
        (["--movie", "a.gif", "--zoom-to", "1,1", "--save", "a.npz"], "must not go with --save"),
        (["--movie", "a.gif", "--zoom-to", "1,1", "--frames", "160"], "can tell apart"),
        (["--movie", "a.gif", "--zoom-to", "1,1", "a.png"], "PNG must be given, or --movie, not"),
    ],
)
def test_bad_movies(options, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("--fractal", "single", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
