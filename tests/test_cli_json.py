"""``--json``: one object on standard output, and its numbers are those of Python's results."""

import json

import numpy as np
import pytest

import fastxor
from fastxor import agreement, maps, train, train_many, xor
from fastxor.cli import map as mapping
from fastxor.cli import results, seeds
from fastxor.cli.main import main
from fastxor.cli.samples import Samples
from fastxor.runs.run import Interrupted

X, Y = xor()


def run(capsys, *arguments, status=0):
    """The object that a command prints, and nothing else."""
    assert main([*map(str, arguments), "--json"]) == status
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(out, parse_constant=refuse)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_train(dtype, tmp_path, capsys):
    path, held_out = tmp_path / "net.npz", tmp_path / "held_out.npz"
    np.savez(held_out, X=X + 0.5, y=Y)
    told = run(
        capsys, "train", "--seed", 3, "--epochs", 40, "--dtype", dtype, "--hidden-size", "3,2",
        "--activation", "tanh,relu", "--save", path, "--snapshots", "0,7",
        "--validation", held_out, "--validate-every", 3, "--layer-rates", "1,0.5,0.1",
    )  # fmt: skip
    expected = train(
        X, Y, seed=3, epochs=40, dtype=dtype, hidden_size=(3, 2), activation=("tanh", "relu"),
        validation=(X + 0.5, Y), validate_every=3, layer_rates=(1, 0.5, 0.1), snapshots=(0, 7),
    )  # fmt: skip
    assert (told["command"], told["version"]) == ("train", fastxor.__version__)
    for name in ("losses", "validation_losses"):
        array = np.array(told[name], dtype)
        assert agreement.same_bits(array, getattr(expected, name))
        assert array.astype(float).tolist() == told[name]
    assert told["digest"] == agreement.digest(expected)
    assert told["epochs_done"] == 40
    assert told["best_epoch"] == expected.best_epoch > 0
    assert told["solved_at"] is None
    assert told["network"] == {
        "sizes": [2, 3, 2, 1], "activations": ["tanh", "relu", "sigmoid"], "biases": [True] * 3,
    }  # fmt: skip
    assert told["samples"] == {
        "X": [4, 2], "y": [4, 1], "features": None, "targets": None, "classes": None,
    }  # fmt: skip
    assert told["settings"] == json.loads(json.dumps(vars(expected.settings)))
    outputs = expected.best.predict_proba(X)
    assert told["accuracy"] == ((outputs > 0.5) == Y).mean()
    assert told["max_error"] == np.abs(outputs - Y).max()
    assert told["saved"] == [str(path), str(tmp_path / "net-0.npz"), str(tmp_path / "net-7.npz")]


def test_epochs_done(capsys):
    options = ["train", "--seed", 43, "--tolerance", 0.5]
    solved = run(capsys, *options, "--stop-when-solved")
    assert len(solved["losses"]) == solved["epochs_done"] + 1
    assert solved["epochs_done"] == solved["solved_at"] == 2932
    assert run(capsys, *options)["epochs_done"] == 10_000
    stuck = run(capsys, "train", "--tolerance", 0.1, "--stop-when-solved", "--epochs", 9)
    assert (stuck["solved_at"], stuck["epochs_done"], len(stuck["losses"])) == (-1, 9, 9)
    none = run(capsys, "train", "--epochs", 0, "--output", "identity")
    assert (none["losses"], none["epochs_done"], none["accuracy"]) == ([], 0, None)


def test_compare(capsys, monkeypatch):
    told = run(capsys, "compare", "--epochs", 30, "--dtype", "float32")
    expected = fastxor.compare(X, Y, epochs=30, dtype="float32", show=False)
    assert told["digest"] == expected.digest
    assert told["agree"] is True
    assert (told["max_ulp"], told["first_epoch"], told["first_tensor"]) == (0, None, None)
    assert np.array(told["losses"], np.float32).tobytes() == expected.fast.losses.tobytes()
    told = run(capsys, "compare", "--learning-rate", 1, "--momentum", 9)
    assert told["diverged_at"] == told["epochs_done"] > 0

    def wrong(X, y, **settings):
        return train(X, y, **settings | {"seed": 1})

    def compare(X, y, **how):
        return fastxor.compare(X, y, fast=wrong, **how)

    monkeypatch.setattr("fastxor.cli.train.compare", compare)
    told = run(capsys, "compare", "--epochs", 3, status=1)
    assert (told["agree"], told["first_epoch"], told["first_tensor"]) == (False, 0, "losses")
    assert told["max_ulp"] > 0


def test_seeds(tmp_path, capsys):
    path = tmp_path / "runs.npz"
    told = run(
        capsys, "seeds", "--first", 5, "--count", 60, "--epochs", 3000, "--learning-rate", 0.1, 3,
        "--layer-rates", "1,0.5", "--save", path,
    )  # fmt: skip
    runs = fastxor.Runs.load(path)
    for rate, row in zip((0.1, 3), told["learning_rates"], strict=True):
        alone = [
            train(X, Y, seed=seed, epochs=3000, learning_rate=rate, tolerance=0.5,
                  layer_rates=(1, 0.5))
            for seed in range(5, 65)
        ]  # fmt: skip
        learned = [one for one in alone if (one.network.predict(X) == Y).all()]
        assert 0 < len(learned) < 60
        assert row == {
            "learning_rate": rate, "networks": 60, "learned": len(learned),
            "share": len(learned) / 60,
            "median_solved_at": np.median([one.solved_at for one in learned]), "diverged": 0,
            "seeds_that_learned": [one.settings.seed for one in learned],
        }  # fmt: skip
    assert (told["first_seed"], told["seeds"], told["saved"]) == (5, 60, [str(path)])
    assert told["epochs_done"] == 2 * 60 * 3000
    assert told["digest"] == maps.digest(runs)
    assert told["settings"]["layer_rates"] == [1, 0.5]
    assert not {"seed", "learning_rate"} & told["settings"].keys()
    assert told["seconds"] > 0
    told = run(capsys, "seeds", "--count", 3, "--momentum", 9, "--epochs", 1000)
    assert told["settings"]["learning_rate"] == 0.1
    assert told["learning_rates"][0]["diverged"] == 3
    assert told["learning_rates"][0]["median_solved_at"] is None


def test_map(tmp_path, capsys):
    png, file = tmp_path / "map.png", tmp_path / "map.npz"
    told = run(capsys, "map", "--figure", 26, "--size", "20x18", png, "--save", file)
    runs = maps.CLASSICS[26].train(20, 18)
    assert told["digest"] == maps.digest(runs)
    assert told["solved"] == (runs.solved_at >= 0).mean()
    assert told["median_solved_at"] == np.median(runs.solved_at[runs.solved_at >= 0])
    assert told["x"] == {"name": "learning_rate", "low": 0, "high": 4, "log": False}
    assert told["y"] == {"name": "momentum", "low": 0, "high": 1.25, "log": False}
    assert told["samples"]["X"] == [8, 3]
    assert told["networks"] == 360
    assert told["saved"] == [str(png), str(file)]
    assert told["title"] == "Kolen and Pollack (1990), figure 26"
    assert not {"momentum", "learning_rate"} & told["settings"].keys()


def test_map_of_what_converges(tmp_path, capsys):
    told = run(capsys, "map", "--fractal", "single", "--size", 16, tmp_path / "map.png")
    assert 0 < told["converged"] < 1
    assert 0 < told["box_counting_dimension"] < 2
    told = run(capsys, "map", "--fractal", "single", "--size", 15, tmp_path / "map.png")
    assert told["box_counting_dimension"] is None


def test_movie(tmp_path, capsys):
    gif = tmp_path / "zoom.gif"
    told = run(
        capsys, "map", "--x", "learning-rate=0:4", "--y", "momentum=0:1", "--epochs", 5,
        "--size", "4x3", "--movie", gif, "--zoom-to", "1,0.5", "--frames", 2, "--zoom-by", 0.5,
    )  # fmt: skip
    assert told["saved"] == [str(gif)]
    assert told["networks"] == 24
    assert told["frames"][1]["x"] == {
        "name": "learning_rate",
        "low": 0.5,
        "high": 2.5,
        "log": False,
    }
    assert told["x"] == told["frames"][0]["x"]


def test_what_is_not_finite(capsys):
    samples = Samples(X, Y)
    values = {"a": [np.nan, -np.inf], "b": np.array([np.inf, 1]), "c": np.float32(0.1), "d": None}
    results.print_json("some", samples, values)
    told = json.loads(capsys.readouterr().out)
    assert (told["a"], told["b"]) == (["NaN", "-Infinity"], ["Infinity", 1])
    assert [float(each) for each in told["a"] + told["b"]][1:] == [-np.inf, np.inf, 1]
    assert told["c"] == float(np.float32(0.1))
    assert told["d"] is None


@pytest.mark.parametrize(
    "arguments",
    [["train", "--learning-rate", "1", "--momentum", "9"], ["train", "--epochs", "-1"],
     ["seeds", "--count", "0"], ["map", "--figure", "3"], ["compare", "--data", "/nowhere"]],
)  # fmt: skip
def test_errors_print_no_object(arguments, capsys):
    assert main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("command", ["seeds", "map"])
def test_interruptions_print_no_object(command, tmp_path, monkeypatch, capsys):
    def interrupted(*samples, **call):
        raise Interrupted(train_many(*samples, **call))

    calls = []

    def second(*samples, **call):
        calls.append(call)
        return (interrupted if len(calls) == 2 else train_many)(*samples, **call)

    monkeypatch.setattr(seeds, "train_many", second)
    monkeypatch.setattr(mapping, "train_many", interrupted)
    options = {"seeds": ["--count", "5"], "map": ["--figure", "3", "--size", "5"]}[command]
    file = [] if command == "seeds" else [str(tmp_path / "map.png")]
    assert main([command, *options, "--json", *file]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert "interrupted after" in err
