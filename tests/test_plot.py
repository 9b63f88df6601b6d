"""Pictures show what was trained: read back from the Axes."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color, to_hex, to_rgb
from matplotlib.figure import Figure

import fastxor
from fastxor import Network, plot, train, train_many
from fastxor.plot.common import COLOURS
from tests.conftest import samples, weights

X, Y = fastxor.xor()


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def current():
    """Pyplot's current Axes, with something in them."""
    figure, ax = pyplot.subplots()
    ax.plot([1, 2])
    yield ax
    pyplot.close(figure)


def drawn(ax):
    """The lines, each as epochs and losses."""
    return [tuple(np.asarray(data) for data in line.get_data()) for line in ax.lines]


EACH = pytest.mark.parametrize("function", [plot.losses, plot.decision_surface, plot.network])


def drawing(function):
    """A call that draws this way, and nothing else."""
    if function is plot.losses:
        return lambda **to: plot.losses(train(X, Y, epochs=30), **to)
    return lambda **to: function(weights(2, 2, 1), **to)


# --- axes ------------------------------------------------------------------------------
@EACH
def test_given_axes_are_returned_and_the_current_ones_are_left_alone(function, current, ax):
    before = current.get_children(), current.figure.axes
    assert drawing(function)(ax=ax) is ax
    assert (current.get_children(), current.figure.axes) == before
    assert pyplot.gca() is current
    assert pyplot.get_fignums() == [current.figure.number]
    assert ax.lines or ax.collections


@EACH
def test_without_axes_the_current_ones(function, current):
    assert drawing(function)() is current
    assert pyplot.get_fignums() == [current.figure.number]


def process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_matplotlib_and_pyplot_are_imported_only_where_needed():
    code = """
import sys, fastxor
assert "matplotlib" not in sys.modules
from fastxor import plot
from matplotlib.figure import Figure
ax = Figure().subplots()
run = fastxor.train([[0, 1], [1, 0]], [0, 1], epochs=3)
plot.losses(run, ax)
plot.decision_surface(run, ax)
plot.network(run, ax)
assert "matplotlib.pyplot" not in sys.modules
"""
    done = process(code)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_error_names_the_extra():
    done = process("import sys; sys.modules['matplotlib'] = None; from fastxor import plot")
    last = done.stderr.splitlines()[-1]
    assert last == "ImportError: fastxor.plot needs matplotlib: the extra fastxor[plot]"


# --- losses ----------------------------------------------------------------------------
def test_losses_of_a_run(ax):
    run = train(X, Y, epochs=400)
    plot.losses(run, ax, label="seed 42", linewidth=3)
    ((epochs, losses),) = drawn(ax)
    assert epochs.tolist() == list(range(400))
    assert losses.tolist() == run.losses.tolist()
    assert ax.get_xlabel() == "epoch"
    assert ax.get_ylabel() == "loss (mean squared error)"
    assert ax.get_yscale() == "linear", "from 0.256 to 0.250"
    assert ax.get_legend_handles_labels()[1] == ["seed 42"]
    assert ax.lines[0].get_linewidth() == 3


def test_a_second_run_has_another_colour_and_perhaps_a_log_axis(ax):
    plot.losses(train(X, Y, epochs=10), ax)
    plot.losses(train(X, Y, epochs=10), ax, c="k")
    plot.losses(train(X, Y, epochs=3000, learning_rate=3.0, seed=1), ax)
    assert ax.get_yscale() == "log"
    plot.losses(train(X, Y, epochs=10), ax)
    assert ax.get_yscale() == "log", "and stays so"
    colours = [to_hex(line.get_color()) for line in ax.lines]
    assert len(set(colours)) == 4
    assert colours[1] == "#000000"
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert "0.1" in labels
    assert "0.01" in labels


def test_losses_tell_their_name(ax):
    plot.losses(train(X, Y, epochs=10, loss="log_loss"), ax)
    assert ax.get_ylabel() == "log loss"


def test_losses_of_zero_fall_off_a_log_axis(ax):
    run = train(X, Y, epochs=3)
    run.losses[:] = 0.5, 0.01, 0
    plot.losses(run, ax)
    assert ax.get_yscale() == "log"
    assert drawn(ax)[0][1].tolist() == [0.5, 0.01, 0]
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    assert 0.005 < low < 0.01 < 0.5 < high < 1


def test_losses_of_zero_alone_make_no_log_axis(ax):
    run = train(X, Y, epochs=3)
    run.losses[:] = 0.5, 0.4, 0
    plot.losses(run, ax)
    assert ax.get_yscale() == "linear"


SEEDS = {"learning_rate": 3.0, "epochs": 2000, "stop_when_solved": True}


def test_losses_of_a_few_runs_end_where_training_ended(ax):
    runs = train_many(X, Y, seed=np.arange(6).reshape(2, 3), record_every=7, **SEEDS)
    plot.losses(runs, ax, label="seeds")
    lines = drawn(ax)
    assert len(lines) == 6
    for seed, (epochs, losses) in enumerate(lines):
        alone = train(X, Y, seed=seed, tolerance=0.5, **SEEDS)
        assert losses.tolist() == alone.losses[::7].tolist()
        assert epochs.tolist() == list(range(0, len(alone.losses), 7))
    assert len({len(losses) for _, losses in lines}) > 3, "all ended together"
    assert len({line.get_color() for line in ax.lines}) == 6
    assert ax.get_legend_handles_labels()[1] == ["seeds"]


def test_a_run_of_runs_has_their_epochs(ax):
    plot.losses(train_many(X, Y, seed=[1, 2], epochs=20, record_every=6)[1], ax)
    ((epochs, losses),) = drawn(ax)
    assert epochs.tolist() == [0, 6, 12, 18]
    assert losses.tolist() == train(X, Y, seed=2, epochs=20).losses[::6].tolist()


def test_a_single_loss_is_seen(ax):
    plot.losses(train(X, Y, epochs=1), ax)
    plot.losses(train(X, Y, epochs=2), ax)
    assert [line.get_marker() for line in ax.lines] == [".", "None"]


def bands(ax):
    """By label: lower and upper edge by epoch, from the polygon's corners."""
    found = {}
    for band in ax.collections:
        (path,) = band.get_paths()
        edges = {}
        for epoch, loss in path.vertices:
            edges.setdefault(int(epoch), []).append(loss)
        found[band.get_label()] = {
            epoch: (min(losses), max(losses)) for epoch, losses in edges.items()
        }
    return found


@pytest.mark.parametrize("stop", [False, True])
def test_losses_of_many_runs_are_quantiles(stop, ax):
    settings = SEEDS | {"epochs": 500, "stop_when_solved": stop}
    runs = train_many(X, Y, seed=np.arange(60).reshape(3, 20), record_every=3, **settings)
    runs.losses[0, 0] = np.nan  # as if interrupted before it began
    plot.losses(runs, ax)
    ((epochs, median),) = drawn(ax)
    assert epochs.tolist() == list(range(0, 500, 3))
    found = bands(ax)
    assert list(found) == ["middle 50 %", "middle 90 %"]
    table = runs.losses.reshape(60, -1)
    assert np.isnan(table[1:]).any() == stop
    for k, epoch in enumerate(epochs):
        going = np.sort(table[:, k][~np.isnan(table[:, k])])
        assert median[k] == np.median(going)
        assert found["middle 50 %"][epoch] == tuple(np.quantile(going, [0.25, 0.75]))
        assert found["middle 90 %"][epoch] == tuple(np.quantile(going, [0.05, 0.95]))
    text = [each.get_text() for each in ax.get_legend().get_texts()]
    still = ", while they train" if stop else ""
    assert text == [f"median of 59 runs{still}", "middle 50 %", "middle 90 %"]
    assert all(same_color(band.get_facecolor()[0][:3], COLOURS[0]) for band in ax.collections)
    assert ax.get_yscale() == ("linear" if stop else "log")


def test_bands_of_many_epochs_are_thinned_to_both_ends(ax):
    runs = train_many(X, Y, seed=np.arange(21), epochs=5000, record_every=1)
    plot.losses(runs, ax, label="all", color="k")
    ((epochs, median),) = drawn(ax)
    assert len(epochs) == 1000
    assert (epochs[0], epochs[-1]) == (0, 4999)
    assert median.tolist() == np.median(runs.losses[:, epochs], axis=0).tolist()
    assert ax.get_legend().get_texts()[0].get_text() == "all"
    assert same_color(ax.collections[0].get_facecolor()[0][:3], "k")


def test_bands_end_where_all_have_ended(ax):
    runs = train_many(X, Y, seed=np.arange(60), record_every=1, **SEEDS)
    runs = runs[runs.solved_at >= 0]
    plot.losses(runs, ax)
    ((epochs, _),) = drawn(ax)
    last = runs.solved_at.max()
    assert last - 3 < epochs[-1] <= last < 1999


# one of four says something else: the loss falls and rises again
HELD_OUT = {"validation": (X, [[0], [1], [1], [1]]), "validate_every": 20, "learning_rate": 3.0}


def texts(ax):
    return [each.get_text() for each in ax.get_legend().get_texts()]


def test_validation_losses_are_dashed_and_the_best_epoch_has_a_star(ax):
    run = train(X, Y, epochs=2000, seed=1, **HELD_OUT)
    plot.losses(run, ax)
    (_, losses), (epochs, held_out) = drawn(ax)
    assert losses.tolist() == run.losses.tolist()
    assert epochs.tolist() == list(range(20, 2001, 20))
    assert held_out.tolist() == run.validation_losses.tolist()
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
    assert len({line.get_color() for line in ax.lines}) == 1
    (star,) = ax.collections
    best = run.best_epoch
    assert star.get_offsets().tolist() == [[best, run.validation_losses[best // 20 - 1]]]
    assert same_color(star.get_facecolor()[0], ax.lines[0].get_color())
    assert texts(ax) == ["training", "validation", f"best: epoch {best:,}"]
    assert ax.get_yscale() == "log"


def test_the_label_of_a_run_with_validation(ax):
    run = train(X, Y, epochs=400, **HELD_OUT)
    plot.losses(run, ax, label="seed 42", ls="-", c="k")
    best = f"seed 42, best: epoch {run.best_epoch:,}"
    assert texts(ax) == ["seed 42", "seed 42, validation", best]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
    assert same_color(ax.collections[0].get_facecolor()[0], "k")


def test_without_a_best_epoch_there_is_no_star(ax):
    run = train(X, Y, epochs=60, **HELD_OUT)
    run = replace(run, validation_losses=np.array([np.inf, np.nan, np.inf]), best_epoch=0)
    plot.losses(run, ax)
    ax.figure.canvas.draw()
    assert texts(ax) == ["training", "validation"]
    assert len(ax.collections) == 0


def test_a_run_too_short_for_validation_looks_as_without(ax):
    plot.losses(train(X, Y, epochs=19, **HELD_OUT), ax)
    assert len(ax.lines) == 1
    assert ax.get_legend() is None


@pytest.mark.parametrize("recorded", [True, False])
def test_validation_losses_of_a_few_runs(recorded, ax):
    settings = HELD_OUT | {"patience": 3, "record_every": 5 if recorded else None}
    runs = train_many(X, Y, seed=np.arange(6).reshape(2, 3), epochs=2000, **settings)
    plot.losses(runs, ax)
    assert len(set(runs.epochs_done.ravel().tolist())) > 1, "all ended together"
    lines = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert len(lines) == 6
    assert len(ax.lines) == (12 if recorded else 6)
    (stars,) = ax.collections
    for k, line in enumerate(lines):
        one = runs[divmod(k, 3)]
        assert line.get_xdata().tolist() == list(range(20, len(one.validation_losses) * 20 + 1, 20))
        assert line.get_ydata().tolist() == one.validation_losses.tolist()
        best = one.best_epoch
        assert stars.get_offsets()[k].tolist() == [best, one.validation_losses[best // 20 - 1]]
        assert same_color(stars.get_facecolor()[k], line.get_color())
        if recorded:
            solid = ax.lines[2 * k]
            assert solid.get_color() == line.get_color()
            assert solid.get_xdata()[-1] < line.get_xdata()[-1] <= solid.get_xdata()[-1] + 5
    first, last = runs.best_epoch.min(), runs.best_epoch.max()
    best = f"best: epochs {first:,} to {last:,}" if first < last else f"best: epoch {first:,}"
    assert texts(ax) == [*["training"] * recorded, "validation", best]


@pytest.mark.parametrize("label", [None, "xor"])
def test_validation_losses_of_many_runs_are_their_median(label, ax):
    settings = HELD_OUT | {"patience": 3, "record_every": 5}
    runs = train_many(X, Y, seed=np.arange(30), epochs=500, **settings)
    plot.losses(runs, ax, **{"label": label} if label else {})
    _, (epochs, median) = drawn(ax)
    there = ~np.isnan(runs.validation_losses).all(axis=0)
    assert epochs.tolist() == (np.arange(1, 26) * 20)[there].tolist()
    assert median.tolist() == np.nanmedian(runs.validation_losses[:, there], axis=0).tolist()
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
    assert len({line.get_color() for line in ax.lines}) == 1
    medians = ["median of 30 runs, while they train", "median of validation"]
    medians = [label, f"{label}, {medians[1]}"] if label else medians
    assert texts(ax) == [medians[0], "middle 50 %", "middle 90 %", medians[1]]


def test_infinite_losses_of_validation_among_many(ax):
    runs = train_many(X, Y, seed=np.arange(30), epochs=60, **HELD_OUT)
    runs.validation_losses[:20, 1] = np.inf
    plot.losses(runs, ax)
    ax.figure.canvas.draw()
    assert texts(ax) == ["median of 30 runs", "middle 50 %", "middle 90 %"]
    assert np.isfinite(ax.get_ylim()).all()


NONE = "run must have losses, got none: train_many needs record_every"


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (lambda: 3, TypeError, "run must be a Run or Runs, got int"),
        (lambda: train_many(X, Y, seed=[1, 2], epochs=3), ValueError, NONE),
        (lambda: train_many(X, Y, seed=[1, 2], epochs=3)[0], ValueError, NONE),
        (lambda: train_many(X, Y, seed=[1, 2], epochs=0, record_every=1), ValueError, NONE),
        (lambda: train(X, Y, epochs=0), ValueError, NONE),
        (lambda: not_begun(), ValueError, "run must have losses, got only NaN"),
    ],
)
def test_no_losses(run, error, text, current):
    with pytest.raises(error, match=text):
        plot.losses(run())
    assert len(current.lines) == 1


def not_begun():
    runs = train_many(X, Y, seed=[1, 2], epochs=3, record_every=1)
    runs.losses[:] = np.nan
    return runs


# --- surfaces --------------------------------------------------------------------------
def filled(ax):
    return ax.collections[0]


def value_at(ax, point):
    """The levels between which the colours at a point are, from the areas that hold it."""
    paths = filled(ax).get_paths()
    (k,) = (k for k, path in enumerate(paths) if path.contains_point(point))
    return filled(ax).levels[k : k + 2]


def test_the_surface_is_the_networks_output(ax):
    network = weights(2, 3, 1, scale=6)
    assert plot.decision_surface(network, ax, extent=(-2, 3, -1, 0.5)) is ax
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-2, 3, -1, 0.5)
    assert np.allclose(filled(ax).levels, np.arange(21) / 20)
    assert filled(ax).get_cmap().name == "cividis"
    for point in np.random.default_rng(0).random((50, 2)) * [4.8, 1.3] + [-1.9, -0.9]:
        low, high = value_at(ax, point)
        assert low - 0.01 < network.predict_proba(point[None]).item() < high + 0.01
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "output"
    assert bar.get_ylim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first input", "second input")


def test_the_line_is_where_the_output_is_a_half(ax):
    network = train(X, Y, seed=43).network
    plot.decision_surface(network, ax)
    line = ax.collections[1]
    assert line.levels.tolist() == [0.5]
    corners = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(corners) > 100
    assert np.allclose(network.predict_proba(corners), 0.5, atol=1e-3)


@pytest.mark.parametrize("bias", [0.0, 3.0, -3.0])
def test_without_a_half_there_is_no_line(bias, ax):
    network = Network([[0, 0]] * 2, [[0, 0]], [[0]] * 2, [[bias]])
    plot.decision_surface(network, ax, colorbar=False)
    assert len(ax.collections) == 1
    low, high = value_at(ax, (0.5, 0.5))
    assert low - 1e-9 <= 1 / (1 + np.exp(-bias)) <= high + 1e-9
    assert ax.figure.axes == [ax]


@pytest.mark.parametrize("bias", [-1000, 1000])
def test_outputs_of_exactly_0_and_1_are_filled(bias, ax):
    plot.decision_surface(Network([[0], [0]], [[0]], [[0]], [[bias]]), ax)
    assert value_at(ax, (0.5, 0.5)).round(2).tolist() == ([0, 0.05] if bias < 0 else [0.95, 1])


def test_a_run_and_the_unit_square(ax):
    plot.decision_surface(train(X, Y, epochs=10), ax)
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-0.25, 1.25, -0.25, 1.25)


@pytest.mark.parametrize("flat", [False, True])
def test_samples_are_marked_by_shape_and_colour(flat, ax):
    A, y = samples(30, 2, 1)
    plot.decision_surface(train(A, y, epochs=10), ax, X=A, y=y[:, 0] if flat else y)
    low, high = ax.collections[-2:]
    above = y[:, 0] > 0.5
    assert np.asarray(low.get_offsets()).tolist() == A[~above].tolist()
    assert np.asarray(high.get_offsets()).tolist() == A[above].tolist()
    assert len(low.get_paths()[0]) != len(high.get_paths()[0]), "the same shape"
    assert not same_color(low.get_facecolor()[0], high.get_facecolor()[0])
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["target at most 0.5", "target above 0.5"]
    margin = np.ptp(A, axis=0) / 4
    expected = np.stack([A.min(axis=0) - margin, A.max(axis=0) + margin], axis=1)
    assert np.allclose([ax.get_xlim(), ax.get_ylim()], expected)


def test_samples_without_targets_and_in_a_line(ax):
    plot.decision_surface(weights(2, 2, 1), ax, X=[[3, 1], [5, 1]])
    (points,) = ax.collections[-1:]
    assert np.asarray(points.get_offsets()).tolist() == [[3, 1], [5, 1]]
    assert (*ax.get_xlim(), *ax.get_ylim()) == (2.5, 5.5, 0.75, 1.25)


def test_one_of_several_outputs(ax):
    network, targets = weights(2, 4, 3), np.eye(4)[:, :3]
    plot.decision_surface(network, ax, X=X, y=targets, output=2)
    outputs = network.predict_proba([[0.5, 0.5]])[0]
    low, high = value_at(ax, (0.5, 0.5))
    assert [low < each < high for each in outputs] == [False, False, True]
    assert np.asarray(ax.collections[-1].get_offsets()).tolist() == X[2:3].tolist()
    assert ax.figure.axes[1].get_ylabel() == "output 2"


def deep(output, outputs=1, seed=0):
    """A network 2-3-4-``outputs``."""
    random = np.random.default_rng(seed)
    shapes = [(2, 3), (1, 3), (3, 4), (1, 4), (4, outputs), (1, outputs)]
    arrays = [random.random(shape) * 6 - 3 for shape in shapes]
    return Network(*arrays, activation=("relu", "tanh"), output=output)


def corners_of_line(ax):
    return np.concatenate([path.vertices for path in ax.collections[1].get_paths()])


def test_tanh_is_between_minus_1_and_1(ax):
    network, targets = deep("tanh", seed=3), [-1, 1, 0.25, -0.25]
    plot.decision_surface(network, ax, X=X, y=targets)
    assert np.allclose(filled(ax).levels, np.linspace(-1, 1, 21))
    assert ax.figure.axes[1].get_ylim() == (-1, 1)
    assert np.allclose(network.predict_proba(corners_of_line(ax)), 0, atol=2e-2)
    assert np.asarray(ax.collections[-1].get_offsets()).tolist() == X[1:3].tolist()
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["target at most 0", "target above 0"]


@pytest.mark.parametrize("output", [0, 1, 2])
def test_the_line_of_a_softmax_is_where_another_class_takes_over(output, ax):
    network = deep("softmax", 3, seed=1)
    plot.decision_surface(network, ax, output=output, extent=(-2, 2, -2, 2))
    for point in np.random.default_rng(0).random((50, 2)) * 3.8 - 1.9:
        low, high = value_at(ax, point)
        assert low - 0.02 < network.predict_proba(point[None])[0, output] < high + 0.02
    answers = network.predict_proba(corners_of_line(ax))
    others = np.delete(answers, output, axis=1).max(axis=1)
    assert np.abs(answers[:, output] - others).max() < 0.05


def at(ax, points):
    """The colours of the image at points (n, 2)."""
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    pixels = image.get_array()
    size = np.array([(right - left) / pixels.shape[1], (top - bottom) / pixels.shape[0]])
    columns, rows = ((points - [left, bottom]) / size).astype(int).T
    return pixels[rows, columns, :3]


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_all_classes_of_a_softmax(classes, ax):
    network = deep("softmax", classes, seed=1)
    plot.decision_surface(network, ax, extent=(-2, 2, -2, 2))
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-2, 2, -2, 2)
    grid = np.stack(np.meshgrid(*[np.linspace(-2, 2, 201)] * 2), axis=-1).reshape(-1, 2)
    points = np.random.default_rng(0).choice(grid, 200)
    answers = network.predict_proba(points)
    for colour, answer in zip(at(ax, points), answers, strict=True):
        full = np.array(to_rgb(COLOURS[answer.argmax() % len(COLOURS)]))
        part = 0.08 + 0.52 * (answer.max() * classes - 1) / (classes - 1)
        assert np.allclose(colour, 1 - part * (1 - full))
    assert texts(ax) == [f"class {k}" for k in range(classes)]
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "largest output"
    assert np.allclose(bar.get_ylim(), (1 / classes, 1))
    won = np.unique(network.predict_proba(grid).argmax(axis=1))
    assert len(won) > 1
    lines = [each for each in ax.collections if not each.filled]
    assert len(lines) == len(won)
    for k, line in zip(won, lines, strict=True):
        corners = np.concatenate([path.vertices for path in line.get_paths()])
        answers = network.predict_proba(corners)
        others = np.delete(answers, k, axis=1).max(axis=1)
        assert np.abs(answers[:, k] - others).max() < 0.05
    hatched = [each.hatches for each in ax.collections if each.filled]
    assert len(hatched) == np.count_nonzero(won >= len(COLOURS))
    assert all(hatches == ["//"] for hatches in hatched)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("output", [None, 2])
def test_samples_of_classes(output, flat, ax):
    A, classes = samples(30, 2, 1)[0], np.arange(30) % 3
    y = classes if flat else np.eye(3)[classes]
    plot.decision_surface(deep("softmax", 3, seed=1), ax, X=A, y=y, output=output)
    marks = [each for each in ax.collections if isinstance(each, PathCollection)]
    if output is not None:
        assert marks[1].get_offsets().tolist() == A[classes == 2].tolist()
        return
    assert [each.get_label() for each in marks] == ["class 0", "class 1", "class 2"]
    assert [each.get_offsets().tolist() for each in marks] == [
        A[classes == k].tolist() for k in range(3)
    ]
    shapes = {each.get_paths()[0].vertices.tobytes() for each in marks}
    assert len(shapes) == 3
    for colour, each in zip(COLOURS, marks, strict=False):
        assert same_color(each.get_facecolor()[0], colour)


def test_samples_without_classes_and_a_class_that_is_everywhere(ax):
    network = Network([[0, 0]] * 2, [[0, 3]], output="softmax")
    plot.decision_surface(network, ax, X=X, colorbar=False)
    (points,) = ax.collections
    assert points.get_offsets().tolist() == X.tolist()
    assert texts(ax) == ["class 0", "class 1", "sample"]
    assert ax.figure.axes == [ax]


def test_the_first_output_of_others(ax):
    plot.decision_surface(weights(2, 4, 3), ax)
    assert ax.figure.axes[1].get_ylabel() == "output 0"
    assert not ax.images


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([0, 1, 2, 3], "y must be the numbers of classes, 0 to 2, got 3"),
        ([0, 1, 2, 0.5], "y must be the numbers of classes, 0 to 2, got 0.5"),
        ([0, 1, 2], r"y must have shape \(4, 3\), got \(3,\)"),
        (np.eye(4), r"y must have shape \(4, 3\), got \(4, 4\)"),
    ],
)
def test_bad_classes(y, text, ax):
    with pytest.raises(ValueError, match=text):
        plot.decision_surface(deep("softmax", 3), ax, X=X, y=y)
    assert not ax.images


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_outputs_without_an_activation_have_colours_for_what_is_there(dtype, ax):
    network, targets = deep("identity"), [-5.0, 0.0, 20.0, 1.0]
    network = Network.of([a.astype(dtype) for a in network.arrays], network.architecture)
    plot.decision_surface(network, ax, X=X, y=targets)
    points = np.random.default_rng(0).random((50, 2)) * 1.4 - 0.2
    answers = network.predict_proba(points)[:, 0]
    levels = filled(ax).levels
    assert levels[0] <= answers.min()
    assert levels[-1] == 20, "the largest target"
    for point, answer in zip(points, answers, strict=True):
        low, high = value_at(ax, point)
        assert low - 0.1 < answer < high + 0.1
    assert len(ax.collections) == 2, "no line"
    marks = ax.collections[1]
    assert marks.get_array().tolist() == targets
    assert (marks.norm.vmin, marks.norm.vmax) == (levels[0], levels[-1])
    assert ax.figure.axes[1].get_ylim() == (levels[0], levels[-1])


@pytest.mark.parametrize("output", [0.0, 3.0, -1e9])
def test_a_constant_without_an_activation(output, ax):
    network = Network([[0.0], [0.0]], [[output]], output="identity")
    plot.decision_surface(network, ax)
    low, high = value_at(ax, (0.5, 0.5))
    assert low <= output <= high


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"network": weights(3, 2, 1)}, ValueError, "network must have 2 inputs, got 3"),
        ({"network": train_many(X, Y, seed=[1, 2], epochs=1)}, TypeError,
         "network must be a Network or a Run, got Runs"),
        ({"network": Network([[1e308], [1e308]], None, output="identity"), "extent": (0, 9, 0, 9)},
         ValueError, "network must have finite outputs there, got 0.0 to inf"),
        ({"ax": 3}, TypeError, "ax must be matplotlib Axes, got int"),
        ({"output": 1}, ValueError, "output must be an integer of at least 0"),
        ({"output": -1}, ValueError, "output must be an integer of at least 0"),
        ({"colorbar": 1}, TypeError, "colorbar must be True or False, got 1"),
        ({"X": [[1, 2, 3]]}, ValueError, r"X must have 2 columns, got shape \(1, 3\)"),
        ({"X": [[1, np.nan]]}, ValueError, "X must be finite in float64, got nan"),
        ({"y": [1]}, ValueError, "y must come with X, got y alone"),
        ({"X": X, "y": Y[:3]}, ValueError, r"y must have shape \(4, 1\), got \(3, 1\)"),
        ({"X": X, "y": [[1, 0, 0, 1]]}, ValueError, r"y must have shape \(4, 1\), got \(1, 4\)"),
        ({"X": X, "y": [0, 1, 1, np.nan]}, ValueError, "y must be finite"),
        ({"extent": (0, 1)}, ValueError, r"extent must be four numbers: .*, got \[0, 1\]"),
        ({"extent": (1, 0, 0, 1)}, ValueError, "extent must be four numbers: left < right"),
        ({"extent": (0, 1, 1, 1)}, ValueError, "extent must be four numbers: left < right"),
        ({"extent": (0, np.inf, 0, 1)}, ValueError, "extent must be finite"),
    ],
)  # fmt: skip
def test_bad_input(arguments, error, text, current):
    before = current.get_children()
    with pytest.raises(error, match=text):
        plot.decision_surface(**{"network": weights(2, 2, 1)} | arguments)
    assert current.get_children() == before


# --- diagrams --------------------------------------------------------------------------
def diagram(ax, network, **settings):
    """Of each layer a dict from (i, j) to the line's width and colour; its units; all texts."""
    plot.network(network, ax, **settings)
    lines = [each for each in ax.collections if isinstance(each, LineCollection)]
    units = [each for each in ax.collections if isinstance(each, PathCollection)]
    heights = [each.get_offsets()[:, 1].tolist() for each in units]
    for k, each in enumerate(units):
        assert (each.get_offsets()[:, 0] == k).all()
        assert heights[k] == sorted(heights[k], reverse=True)
    found = []
    for k, each in enumerate(lines):
        found.append({})
        for segment, width, colour in zip(
            each.get_segments(), each.get_linewidths(), each.get_colors(), strict=True
        ):
            (x, start), (next_x, end) = segment
            assert (x, next_x) == (k, k + 1)
            found[k][heights[k].index(start), heights[k + 1].index(end)] = width, colour
    return found, units, [each.get_text() for each in ax.texts]


def sign_colour(number):
    return COLOURS[0] if number > 0 else COLOURS[1]


def test_lines_tell_weights_and_units_biases(ax):
    network = deep("softmax", 3)
    found, units, written = diagram(ax, network)
    largest = max(np.abs(W).max() for W in network.arrays[::2])
    for lines, W in zip(found, network.arrays[::2], strict=True):
        assert len(lines) == W.size
        for at, (width, colour) in lines.items():
            assert width / found_width(ax) == pytest.approx(abs(W[at]) / largest)
            assert same_color(colour, sign_colour(W[at]))
    largest_bias = max(np.abs(b).max() for b in network.arrays[1::2])
    assert all(same_color(colour, "white") for colour in units[0].get_facecolor())
    for own, b in zip(units[1:], network.arrays[1::2], strict=True):
        for colour, bias in zip(own.get_facecolor(), b[0], strict=True):
            part = 0.6 * abs(bias) / largest_bias
            full = np.array(to_rgb(sign_colour(bias)))
            assert np.allclose(colour[:3], 1 - part * (1 - full))
    assert written == [
        "x1", "x2", "y1", "y2", "y3",
        "2 inputs", "3 units\nrelu", "4 units\ntanh", "3 outputs\nsoftmax",
    ]  # fmt: skip
    assert sorted(texts(ax)) == sorted([
        "weight > 0", "weight < 0", f"|weight| = {largest:.3g}",
        "bias > 0", "bias < 0", f"|bias| = {largest_bias:.3g}",
    ])  # fmt: skip


def found_width(ax):
    """Of the line in the legend that is as wide as the largest weight's."""
    handles = dict(zip(texts(ax), ax.get_legend().legend_handles, strict=True))
    (text,) = (text for text in handles if text.startswith("|weight|"))
    return handles[text].get_linewidth()


def test_a_few_weights_and_biases_are_written(ax):
    run = train(X, Y, epochs=2000, learning_rate=3.0, seed=43)
    ax.figure.set_size_inches(8, 6)
    _, _, written = diagram(ax, run, inputs=["A", "B"], outputs=("A xor B",))
    network = run.network
    numbers = [f"{w:.3g}" for W in (network.W1, network.W2) for w in W.ravel()]
    biases = [f"{b:.2g}" for own in (network.b1, network.b2) for b in own.ravel()]
    names = ["A", "B", "A xor B", "2 inputs", "2 units\nsigmoid", "1 output\nsigmoid"]
    assert written == names + numbers + biases
    ax.figure.canvas.draw()
    boxes = [each.get_window_extent() for each in ax.texts if each.get_rotation() == 0]
    inside = ax.figure.bbox
    for k, box in enumerate(boxes):
        assert inside.x0 < box.x0 < box.x1 < inside.x1
        assert not any(box.overlaps(other) for other in boxes[:k])


def test_numbers_that_would_not_be_read_are_left_out(ax):
    ax.figure.set_size_inches(3, 2)
    _, _, written = diagram(ax, weights(2, 4, 1))
    assert written == ["x1", "x2", "y1", "2 inputs", "4 units\nsigmoid", "1 output\nsigmoid"]


@pytest.mark.parametrize("size", [(3, 2), (12, 4), (4, 12)])
def test_of_wide_layers_the_ends(size, ax):
    ax.figure.set_size_inches(*size)
    network = weights(64, 17, 16)
    found, units, written = diagram(ax, network)
    assert [len(own.get_offsets()) for own in units] == [14, 14, 16]
    assert [len(lines) for lines in found] == [14 * 14, 14 * 16]
    ends = [*range(7), *range(57, 64)], [*range(7), *range(10, 17)]
    largest = max(np.abs(network.W1).max(), np.abs(network.W2).max())
    for (i, j), (width, colour) in found[0].items():
        w = network.W1[ends[0][i], ends[1][j]]
        assert width / found_width(ax) == pytest.approx(abs(w) / largest)
        assert same_color(colour, sign_colour(w))
    names = [f"x{i + 1}" for i in ends[0]] + [f"y{k + 1}" for k in range(16)]
    layers = ["… 50 more", "64 inputs", "… 3 more", "17 units\nsigmoid", "16 outputs\nsigmoid"]
    assert written == names + layers
    heights = units[0].get_offsets()[:, 1]
    gaps = -np.diff(heights)
    assert gaps[6] == pytest.approx(3 * gaps[0])
    assert np.allclose(np.delete(gaps, 6), gaps[0])


def test_a_layer_without_biases(ax):
    network = Network([[1.0, 2.0]], None, [[0.0], [-1.0]], [[0.0]], output="identity")
    found, units, written = diagram(ax, network)
    assert written[2:5] == ["1 input", "2 units\nsigmoid\nno bias", "1 output\nidentity"]
    assert all(same_color(colour, "white") for own in units for colour in own.get_facecolor())
    assert found[1][0, 0][0] == 0
    assert "|bias| = 0" in texts(ax)


def test_no_biases_and_no_weight_but_zero(ax):
    found, _, _ = diagram(ax, Network([[0.0], [0.0]], None))
    assert [width for width, _ in found[0].values()] == [0, 0]
    assert texts(ax) == ["weight > 0", "weight < 0", "|weight| = 0"]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"network": 3}, TypeError, "network must be a Network or a Run, got int"),
        ({"network": train_many(X, Y, seed=[1, 2], epochs=1)}, TypeError,
         "network must be a Network or a Run, got Runs"),
        ({"ax": 3}, TypeError, "ax must be matplotlib Axes, got int"),
        ({"inputs": "ab"}, TypeError, "inputs must be a sequence of 2 names, got 'ab'"),
        ({"inputs": [1, 2]}, TypeError, r"inputs must be a sequence of 2 names, got \[1, 2\]"),
        ({"inputs": 2}, TypeError, "inputs must be a sequence of 2 names, got 2"),
        ({"outputs": ["a", "b"]}, ValueError, "outputs must be a sequence of 1 names, got 2"),
    ],
)  # fmt: skip
def test_bad_diagrams(arguments, error, text, current):
    before = current.get_children()
    with pytest.raises(error, match=text):
        plot.network(**{"network": weights(2, 2, 1)} | arguments)
    assert current.get_children() == before


def test_narrow_logarithmic_axes_have_room_for_their_numbers():
    rates = np.geomspace(4.5, 5.6, 20)
    runs = train_many(*fastxor.xor(), learning_rate=rates, seed=np.arange(3)[:, None], epochs=5)
    ax = plot.trainability(runs, Figure().add_subplot())
    ax.figure.canvas.draw()
    assert ax.get_xscale() == "log"
    shown = [float(text.get_text()) for text in ax.get_xticklabels(which="both")]
    assert 3 <= sum(4.5 <= number <= 5.6 for number in shown) <= 6
