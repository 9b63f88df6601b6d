"""A check is worth something only if it can fail: what comparison and suite do reject."""

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


def test_compare_where_training_diverges():
    X, y = samples(4, 2, 1)
    result = compare(X, y, learning_rate=1.0, momentum=4.0, epochs=2000, dtype="float32")
    assert result.agree
    assert 10 < len(result.fast.losses) < 2000


WINGS = ("kernels", "training")  # in which the modules are that are changed
FOLD = ("sums.py", "i ^ distance", "i ^ (half // distance)")  # neighbours first, halves last
MUTANTS = {
    "none": ("lanes.py", "", ""),
    "none, many": ("lanes.py", "", ""),
    "none, many, solved, slices, batches": ("lanes.py", "", ""),
    "fold": FOLD,
    "fold of rows, tiled": ("sums.py", "range(2 * LANES) if", "range(2 * LANES)[::-1] if"),
    "order of samples, tiled": ("sums.py", "range(0, value.n, n)", "range(value.n - n, -1, -n)"),
    "order of hidden units": (
        "small.py",
        "for h in range(H):\n                    z = z",
        "for h in range(H - 1, -1, -1):\n                    z = z",
    ),
    "fastmath": ("compiling.py", '"nogil": True', '"nogil": True, "fastmath": True'),
    "no update of b1": ("small.py", "fold(delta, lanes), l", "fold(0 * delta, lanes), l"),
    "no update of b2": ("small.py", "= fold(delta, lanes)", "= fold(0 * delta, lanes)"),
    "no update of b1, tiled": ("tiled.py", "for i in range(I + 1):", "for i in range(I):"),
    "no update of b2, tiled": ("tiled.py", "kept + o, delta", "kept + o, 0 * delta"),
    "no momentum": ("small.py", "step = momentum * load", "step = 0 * load"),
    "momentum, tiled": ("tiled.py", "(velocity, j, change)", "(velocity, j, 0 * change)"),
    "index of W1": ("small.py", "load(w, (i * P + h) * lanes", "load(w, (h * I + i) * lanes"),
    "index of W2, tiled": ("tiled.py", "w[strip * R + weight]", "w[strip * R + k]"),
    "a sample lost": ("small.py", "lanes, lanes), count)", "lanes, lanes), count - 1)"),
    "a sample lost, tiled": ("tiled.py", "count - t)", "count - t - 1)"),
    "a sample too many": ("lanes.py", "if whole:", "if True:"),
    "block, tiled": ("sums.py", "BLOCK = 1024", "BLOCK = 2048"),
    "lanes, tiled": ("sums.py", "LANES = 8", "LANES = 16"),
    "sigmoid": ("sigmoid.py", "1 / 665280", "1 / 665281"),
    "mean of the loss": ("small.py", "dtype(batch_size * O)", "dtype(batch_size)"),
    "mean of the loss, tiled": ("tiled.py", "dtype(n * O)", "dtype(n)"),
    "starting weights": ("engine.py", "b1, W2.T]", "b1, W2.T[::-1]]"),
    "no shuffling, batches": ("order.py", "range(order.size - 1, 0, -1)", "range(0)"),
    "the same order in each epoch, batches": ("small.py", "order.size and left > 1", "False"),
    "the same order in each epoch, batches, tiled": (
        "tiled.py", "last == n and order.size and", "False and",
    ),
    "no losses but the last, batches": ("small.py", "squares += losses[epoch]", "squares += 0"),
    "no losses but the last, batches, tiled": ("tiled.py", "error += losses[epoch]", "error += 0"),
    "last batch, batches": ("small.py", "min(count, n - start)", "count"),
    "last batch, batches, tiled": ("tiled.py", "(first + batch_size, n)", "(first + 20, n - 1)"),
    "targets not shuffled, batches": ("small.py", "y[sample * O + o]", "y[start * O + o]"),
    "a block lost, threads, tiled": ("tiled.py", "- first + BLOCK - 1)", "- first)"),
    "blocks backwards, threads, tiled": (
        "tiled.py",
        "range(sums, (last - first + BLOCK - 1) // BLOCK * sums, sums)",
        "range((last - first - 1) // BLOCK * sums, 0, -sums)",
    ),
    "all solved, solved": ("small.py", "solved = False", "pass"),
    "all solved, solved, tiled": ("tiled.py", "solved = False", "pass"),
    "misses kept, solved, batches": ("small.py", "position[MISSED] = 0", "pass"),
    "misses kept, solved, batches, tiled": ("tiled.py", "position[MISSED] = 0", "pass"),
    "misses lost, solved, batches": ("small.py", "position[MISSED] = 1", "pass"),
    "misses lost, solved, batches, tiled": ("tiled.py", "release(position, MISSED, 1)", "pass"),
    "solved too early, solved": ("single.py", "chunks_until(solved_at):", "chunks_until(0):"),
    "fold, many": (
        "sums.py",
        "low, high = list(range(half)), list(range(half, 2 * half))",
        "low = [j for j in range(2 * half) if not j // lanes.n % 2]\n"
        "            high = [j + lanes.n for j in low]",
    ),
    "order of hidden units, many": (
        "stacked.py",
        "for h in range(H):\n                            weight",
        "for h in range(H - 1, -1, -1):\n                            weight",
    ),
    "no update of b1, many": (
        "stacked.py", "= fold_samples(delta, W)", "= fold_samples(0 * delta, W)",
    ),
    "no update of b2, many": ("stacked.py", "fold_samples(load(d", "fold_samples(0 * load(d"),
    "index of W1, many": (
        "stacked.py", "spread(load(w, (i * H + h) * W", "spread(load(w, (h * I + i) * W",
    ),
    "index of W2, many": (
        "stacked.py",
        "load(d, 0, wide) * spread(load(w, (W2 + h)",
        "load(d, 0, wide) * spread(load(w, (W2 + h // 2)",
    ),
    "a sample lost, many": (
        "stacked.py", "keep_first(error, count * W)", "keep_first(error, count * W - W)",
    ),
    "rate of another network, many": (
        "stacked.py", "load(rates, group, W)", "load(rates, group + 1, W)",
    ),
    "no momentum, many": (
        "stacked.py", "load(rates, row_size + group, W)", "0 * load(rates, row_size + group, W)",
    ),
    "velocity lost, many, slices": ("blocks.py", "self.velocity = _of_columns", "_of_columns"),
    "mean of the loss, many": ("stacked.py", "dtype(n * O)", "dtype(n)"),
    "no losses but the last, many, batches": (
        "stacked.py", "squares + batch_squares\n", "batch_squares\n",
    ),
    "last batch, many, batches": ("stacked.py", "min(batch_size, n - start)", "batch_size"),
    "all solved, many, solved, batches": (
        "stacked.py", "solved &= within(", "solved = unsolved & within(",
    ),
    "left too late, many, solved, batches": ("stacked.py", "kept if rewinds else w", "w"),
    "velocity left too late, many, solved, batches": (
        "stacked.py", "kept_v if rewinds else v", "v",
    ),
    "loss of the end, many, solved": ("stacked.py", "loss = choose(unsolved", "loss = choose(-1"),
    "trained on, many, solved": ("stacked.py", "unsolved if watch == STOP else -1, w", "-1, w"),
    "solved again, many, solved": ("stacked.py", "unsolved ^= solved", "pass"),
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

    def agrees(n: int, inputs: int, hidden: int, outputs: int) -> bool:
        settings = {"hidden_size": hidden, "epochs": 20, "momentum": 0.5, "learning_rate": 0.01}
        if "batches" in name:
            settings |= {"batch_size": 20 if "tiled" in name else 3, "shuffle": "many" not in name}
        if "threads" in name:
            settings["threads"] = 2
        X, y = samples(n, inputs, outputs)
        if "solved" in name:  # somewhere on the way
            network = fastxor.train(X, y, **settings | {"epochs": 10}).network
            tolerance = float(np.abs(network.predict_proba(X) - y).max())
            stop = "many" in name or "early" in name
            settings |= {"tolerance": tolerance, "stop_when_solved": stop}
        fast = in_the_middle if "many" in name else mutant.train
        return compare(X, y, fast=fast, show=False, **settings).agree

    def in_the_middle(X: Any, y: Any, learning_rate: float, **settings: Any) -> Run:
        """One of three networks, in slices of one epoch."""
        rates = learning_rate * np.array([[0.5, 1.0, 2.0]])
        if "slices" in name:
            crew = importlib.import_module(f"{package}.training.crew")
            monkeypatch.setattr(crew, "FIRST_SLICE", 0)
        settings = {"tolerance": None, "record_every": 1} | settings
        runs = mutant.train_many(X, y, learning_rate=rates, **settings)
        run = runs[0, 1]
        return dataclasses.replace(run, losses=np.append(run.losses[:-1], runs.final_loss[0, 1]))

    problems = [(3500, 3, 4, 2)] if "threads" in name else [(1500, 3, 4, 2)]
    if "batches" in name:
        problems = [(50, 3, 4, 2)] if "tiled" in name else [(10, 2, 2, 2)]
    elif "tiled" not in name:
        problems = [(3, 2, 2, 2)]
    if name == "none":
        problems = [(1500, 3, 4, 2), (3, 2, 2, 2)]
    assert all(agrees(*problem) for problem in problems) == name.startswith("none")


def test_the_command_line_exits_with_1(tmp_path, monkeypatch, capsys):
    folder = copy_of_package(tmp_path / "differing")
    for file in folder.rglob("*.py"):
        file.write_text(file.read_text().replace("from fastxor", "from differing"))
    change(folder, *FOLD)
    monkeypatch.syspath_prepend(tmp_path)
    main = importlib.import_module("differing.__main__").main
    assert main(["compare", "--epochs", "20"]) == 1
    assert "DIFFER" in capsys.readouterr().out
    assert main([]) == 1
    assert "DIFFER" in capsys.readouterr().out


def test_a_kernel_from_older_sources_is_never_loaded(tmp_path):
    """Change one line of a module that the kernel is compiled from, in turn: each change counts."""
    folder = copy_of_package(tmp_path / "fastxor")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    command = [sys.executable, "-m", "fastxor", "compare", "--epochs", "20"]

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
