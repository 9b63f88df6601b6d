"""What notebooks show of runs and networks."""

from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pytest

import fastxor
from fastxor import StoredRuns, train_many
from fastxor.common.html import POINTS, WIDTH, sparkline, table

X, y = fastxor.xor()


def shown(thing):
    """The title, the rows, and the points of each line."""
    html = thing if isinstance(thing, str) else thing._repr_html_()
    assert "http" not in html, "nothing from elsewhere"
    tree = ElementTree.fromstring(html)
    rows = {row.find("th").text: row.find("td").text for row in tree.iter("tr")}
    return tree.find("strong").text, rows, points_of(tree)


def points_of(tree):
    return [
        np.array([[float(n) for n in pair.split(",")] for pair in line.get("points").split()])
        for image in tree.iter("img")
        for line in svg_of(image).iter("{http://www.w3.org/2000/svg}polyline")
    ]


def svg_of(image):
    kind, content = image.get("src").split(",")
    assert kind == "data:image/svg+xml;base64"
    return ElementTree.fromstring(b64decode(content))


def lines_of(*losses):
    text = sparkline([np.array(each) for each in losses])
    return points_of(ElementTree.fromstring(f"<p>{text}</p>"))


def test_a_run():
    run = fastxor.train(
        X, y, seed=43, tolerance=0.5, stop_when_solved=True, momentum=0.5, snapshots=(0, 1000),
        validation=(X, y), validate_every=100,
    )  # fmt: skip
    title, rows, (line,) = shown(run)
    first, last = run.losses[0], run.losses[-1]
    told = f"{len(run.losses):,} losses from {first:.5g} to {last:.5g}"
    assert repr(run) == f"<Run of <Network 2-2-1 sigmoid, float64>, {told}>"
    assert title == "Run"
    assert rows["layers"] == "2-2-1 sigmoid"
    assert (rows["dtype"], rows["parameters"], rows["carries"]) == ("float64", "9", "velocity")
    assert rows["epochs"] == f"{run.solved_at:,} of 10,000"
    assert rows["loss (mse)"] == f"{run.losses[0]:.5g}, in the end {run.losses[-1]:.5g}"
    assert rows["solved"] == f"at epoch {run.solved_at:,}"
    least = run.validation_losses.min()
    assert f"least {least:.5g} after {run.best_epoch:,} epochs" in rows["validation loss"]
    assert rows["snapshots"] == "0, 1,000"
    assert rows["trained"] == "sgd, learning rate 0.1, seed 43"
    assert len(line) == POINTS
    assert line[0, 0] < 3 < WIDTH - 3 < line[-1, 0], "from side to side"


def test_a_run_without_losses():
    none = fastxor.train(X, y, epochs=0, tolerance=0.1)
    assert repr(none) == "<Run of <Network 2-2-1 sigmoid, float64>>"
    title, rows, lines = shown(none)
    assert (title, rows["epochs"], rows["solved"], lines) == ("Run", "0", "never", [])
    assert "loss (mse)" not in rows
    one = train_many(X, y, seed=[1, 2], epochs=5, record_every=None)[0]
    assert shown(one)[1]["epochs"] == "5 at most"


def test_runs():
    runs = train_many(X, y, seed=range(100), epochs=5000, learning_rate=0.5, record_every=10)
    title, rows, lines = shown(runs)
    solved = runs.solved_at[runs.solved_at >= 0]
    assert (title, rows["shape"], rows["done"]) == (
        "Runs",
        "(100,)",
        "100 of 100, 5,000 epochs each",
    )
    assert rows["solved"].startswith(f"{len(solved)} ({len(solved)}.0%), half of them by epoch ")
    assert rows["final loss (mse)"].startswith(f"least {runs.final_loss.min():.5g}, median ")
    assert rows["drawn"] == "losses of 24"
    assert len(lines) == 24
    assert "diverged" not in rows
    _, rows, lines = shown(runs[:3])
    assert (rows["shape"], len(lines)) == ("(3,)", 3)
    assert "drawn" not in rows


def test_runs_of_any_kind():
    for seeds in (5, [1], [[1, 2], [3, 4]]):
        runs = train_many(X, y, seed=seeds, epochs=3)
        assert shown(runs)[1]["shape"] == str(np.shape(seeds))
        assert shown(runs)[2] == []
        assert shown(runs.networks)[0] == "Networks"
    recorded = train_many(X, y, seed=[1, 2], epochs=3, tolerance=0.5, record_every=1)
    assert shown(recorded[np.array([], int)])[1]["done"] == "0 of 0, 3 epochs each"
    solved_at_once = fastxor.train(X, y, epochs=9, tolerance=2, stop_when_solved=True)
    assert shown(solved_at_once)[1]["epochs"] == "0 of 9"
    t = np.arange(4.0)[:, None]
    wild = {"learning_rate": [0.001, 1e200], "output": "identity", "record_every": 1, "epochs": 9}
    _, rows, lines = shown(train_many(t, t, **wild, tolerance=0.5))
    assert rows["diverged"] == "1"
    assert len(lines) >= 1


def test_stored_runs_are_not_read(tmp_path, monkeypatch):
    train_many(X, y, seed=range(6), epochs=5, store=tmp_path / "store")
    stored = StoredRuns(tmp_path / "store")
    monkeypatch.setattr(StoredRuns, "_state", None)
    title, rows, lines = shown(stored)
    assert (title, rows["shape"], rows["done"], lines) == ("StoredRuns", "(6,)", "6 of 6", [])


def test_networks():
    network = fastxor.train(X, y, epochs=1, dtype="float32").network
    assert shown(network) == (
        "Network", {"layers": "2-2-1 sigmoid", "dtype": "float32", "parameters": "9"}, [],
    )  # fmt: skip


def test_text_is_escaped():
    title, rows, _ = shown(table("<b>&", {'<script>"': "a < b & c > d"}))
    assert (title, rows) == ("<b>&", {'<script>"': "a < b & c > d"})


def test_lines():
    (line,) = lines_of([4.0, 3.0, 2.0])
    assert line.tolist() == [[2, 2], [120, 24], [238, 46]], "linear"
    (line,) = lines_of([100.0, 10.0, 1.0])
    assert line.tolist() == [[2, 2], [120, 24], [238, 46]], "logarithmic"
    (line,) = lines_of([100.0, 50.0, 0.0])
    assert line.tolist() == [[2, 2], [120, 24], [238, 46]], "a logarithm of 0 is none"
    (line,) = lines_of([5.0, np.nan, 4.0, np.inf])
    assert line.tolist() == [[2, 2], [238, 46]]
    (line,) = lines_of([1.0, 1.0])
    assert line.tolist() == [[2, 2], [238, 2]]
    first, second = lines_of(np.ones(3, np.float32), np.array([0.0, 1.0], np.float32))
    assert (first[-1, 0], second[-1, 0]) == (238, 120), "of the same epochs"


@pytest.mark.parametrize("losses", [[], [[]], [[1.0]], [[np.nan] * 3], [[1.0, np.nan]]])
def test_no_lines(losses):
    assert lines_of(*losses) == []
