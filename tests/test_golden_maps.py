"""The classic maps: digests that must never change, and the reference where it is close."""

import functools
import json
from hashlib import sha256

import numpy as np
import pytest

from fastxor import Run, reference
from fastxor.agreement import same_bits
from fastxor.maps import digest
from tests import golden_maps
from tests.conftest import assert_same_bits

DIGESTS = json.loads(golden_maps.FILE.read_text())["digests"]
POINTS = 40  # of each map, compared with the reference

# --- as the paper has them, written out once more ---------------------------------------
XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
PARITY = [[i >> 2, i >> 1 & 1, i & 1] for i in range(8)], [i.bit_count() % 2 for i in range(8)]


def figure_3(x, y):
    W1, b1 = [[-0.5, 0.6], [-0.3, y]], [[0.3, -0.1]]
    return *XOR, (W1, b1, [[-0.6], [0.7]], [[x]]), 200, 3.25, 0.4


def figure_11(x, y):
    W1, b1 = [[0.7, -0.9], [0.4, -0.5]], [[-0.9, y]]
    return *XOR, (W1, b1, [[-0.3], [0.9]], [[x]]), 200, 3.0, 0.7


def figure_26(x, y):
    W1 = [
        [-0.34959000, 0.47040862, 0.62821201],
        [0.00560000, -0.18438011, -0.90039973],
        [-0.26338813, 0.46700363, 0.48940201],
    ]
    b1 = [[0.75501968, -0.48619500, -0.70239312]]
    W2, b2 = [[-0.95838741], [0.46940394], [-0.73719884]], [[0.96140103]]
    return *PARITY, (W1, b1, W2, b2), 250, x, y


POINT = {  # a network of the map, and the bounds of x and y
    "figure 3": (figure_3, (-10.0, 10.0), (-10.0, 10.0)),
    "figure 11": (figure_11, (-10.0, 10.0), (-10.0, 10.0)),
    "figure 26": (figure_26, (0.0, 4.0), (0.0, 1.25)),
    "figure 26, zoomed": (figure_26, (3.456, 3.504), (0.835, 0.840)),
}


def check(runs, row, column, point, across, up):
    """Is this network what the reference makes of it?"""
    (x0, x1), (y0, y1) = across, up
    rows, columns = runs.shape
    x, y = x0 + (x1 - x0) * (column / (columns - 1)), y0 + (y1 - y0) * (row / (rows - 1))
    X, targets, initial, epochs, learning_rate, momentum = point(x, y)
    expected = reference.train(
        X, targets, initial=initial, epochs=epochs, learning_rate=learning_rate,
        momentum=momentum, tolerance=0.5, stop_when_solved=True,
    )  # fmt: skip
    run = runs[row, column]
    assert_same_bits(
        run, Run(expected.network, expected.losses[:0], run.settings, expected.solved_at)
    )
    assert same_bits(runs.final_loss[row, column], expected.losses[-1])


@functools.cache
def trained(name, threads=None):
    return golden_maps.MAPS[name].train(golden_maps.SIZE, threads=threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", golden_maps.MAPS)
def test_digest(name, threads):
    runs = trained(name, threads)
    assert runs.settings.dtype == "float64"
    assert digest(runs) == DIGESTS[name]


def test_every_digest_is_looked_at():
    assert len(DIGESTS) == len(set(DIGESTS.values())) == len(golden_maps.MAPS)
    assert list(DIGESTS) == list(POINT)


@pytest.mark.parametrize("name", golden_maps.MAPS)
def test_the_reference_agrees_along_the_edge(name):
    """At points where the next network is solved and this is not, or the other way round."""
    runs = trained(name, 2)
    solved = runs.solved_at >= 0
    edge = np.argwhere(
        (solved[:-1, :-1] != solved[1:, :-1]) | (solved[:-1, :-1] != solved[:-1, 1:])
    )
    chosen = edge[np.arange(POINTS) * len(edge) // POINTS]
    for row, column in chosen.tolist():
        check(runs, row, column, *POINT[name])
    assert 0.1 < solved[tuple(chosen.T)].mean() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", golden_maps.MAPS)
def test_the_reference_agrees_everywhere(name):
    runs = golden_maps.MAPS[name].train(16)
    for row, column in np.ndindex(runs.shape):
        check(runs, row, column, *POINT[name])


def test_steps_of_1e_12():
    """Each a network of its own, with the reference's bits, where figure 26 has an edge."""
    bounds = (3.472144934, 3.4721449342), (0.8379658317, 0.8379658319)
    chart = golden_maps.MAPS["figure 26"].zoomed(*bounds)
    runs = chart.train(200)
    for values in chart.values(200, 200):
        assert np.allclose(np.diff(values), 1.005e-12, rtol=0.001, atol=0)
    assert len(np.unique(runs.final_loss)) > 30_000, "almost all of them differ"
    edge = (runs.solved_at < 0).sum(axis=0)  # the first row that is solved, in each column
    assert ((runs.solved_at >= 0) == (np.arange(200)[:, None] >= edge)).all()
    for column in range(0, 200, 20):
        for row in (edge[column] - 1, edge[column]):
            check(runs, int(row), column, figure_26, *bounds)


def test_digests_tell_what_differs():
    runs = golden_maps.MAPS["figure 3"].train(8)
    expected = b"solved_at (8, 8) int64\n" + runs.solved_at.astype("<i8").tobytes()
    expected += b"final_loss (8, 8) float64\n" + runs.final_loss.astype("<f8").tobytes()
    before = [digest(runs)]
    assert before[0] == sha256(expected).hexdigest()
    for name in ("solved_at", "final_loss"):
        getattr(runs, name)[3, 4] += 1
        before.append(digest(runs))
    assert len(set(before)) == 3
