"""`plot.trainability`: what stands where, in which colour, under which name."""

from dataclasses import replace
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import fastxor
from fastxor import train_many
from fastxor.cli.map import picture
from fastxor.maps import CLASSICS, Axis, Map
from fastxor.plot import trainability

X, Y = fastxor.xor()
RATES, SEEDS = np.geomspace(0.1, 30, 7), np.arange(3, 8)


def axes():
    figure = Figure()
    return figure.add_subplot()


@pytest.fixture(scope="module")
def runs():
    return train_many(X, Y, seed=SEEDS[:, None], learning_rate=RATES, epochs=900)


def only(runs):
    """No more of it than a result on disk need have."""
    return SimpleNamespace(
        shape=runs.shape, settings=runs.settings, solved_at=runs.solved_at, done=runs.done
    )


def colours_of(ax):
    """(rows, columns, 4): the colour of each run, from below."""
    (drawn,) = [*ax.images, *ax.collections]
    values = drawn.get_array()
    return drawn.to_rgba(values.reshape(values.shape[0], -1))


def lightness(colours):
    return colours[..., :3] @ [0.2126, 0.7152, 0.0722]


def test_names_and_values_are_those_of_the_settings(runs):
    ax = axes()
    assert trainability(only(runs), ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "seed")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    step = (RATES[1] / RATES[0]) ** 0.5
    assert np.allclose(ax.get_xlim(), (0.1 / step, 30 * step), rtol=1e-12)
    assert ax.get_ylim() == (2.5, 7.5)
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "epochs until solved; black: not within 900"


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_black_is_not_solved_and_lighter_is_sooner(runs, grey, transposed):
    given = only(runs)
    if transposed:
        given = only(train_many(X, Y, seed=SEEDS, learning_rate=RATES[:, None], epochs=900))
    ax = trainability(given, axes(), grey=grey)
    if transposed:
        assert (ax.get_xlabel(), ax.get_yscale()) == ("seed", "log")
    colours, solved = colours_of(ax), given.solved_at >= 0
    assert 0.2 < solved.mean() < 0.9
    assert ((colours == (0, 0, 0, 1)).all(axis=-1) == ~solved).all()
    order = np.argsort(given.solved_at[solved])
    light = lightness(colours[solved])[order]
    assert (np.diff(light) <= 0).all()
    assert light[0] > 0.7
    assert 0.04 < light[-1] < 0.3, "dark, but not to be taken for black"
    assert (np.ptp(colours[..., :3], axis=-1) == 0).all() == grey


def test_what_is_not_done_is_black(runs):
    given = only(runs)
    given.done = given.done.copy()
    given.done[given.solved_at == given.solved_at.max()] = False
    colours = colours_of(trainability(given, axes()))
    black = (colours == (0, 0, 0, 1)).all(axis=-1)
    assert (black == ((given.solved_at < 0) | ~given.done)).all()


@pytest.mark.parametrize("solved_at", [-1, 0, 5])
def test_nothing_solved_or_all_at_once(runs, solved_at):
    given = only(runs)
    given.solved_at = np.full(runs.shape, solved_at)
    colours = colours_of(trainability(given, axes()))
    assert len(np.unique(colours.reshape(-1, 4), axis=0)) == 1
    assert (lightness(colours)[0, 0] > 0.7) == (solved_at >= 0)


def test_epochs_of_several_orders_have_logarithmic_colours(runs):
    given = only(runs)
    given.settings = replace(runs.settings, epochs=10_000)
    given.solved_at = np.geomspace(1, 10_000, runs.solved_at.size).astype(int).reshape(runs.shape)
    given.solved_at[0, 0] = 0
    ax = trainability(given, axes())
    (mesh,) = ax.collections
    assert isinstance(mesh.norm, LogNorm)
    assert (lightness(colours_of(ax)) > 0.01).all(), "0, too, is solved"


def test_other_axes():
    """Weights by name, momenta and ranges; one row; values that go down or jump."""
    rates = [3.0, 2.0, 0.5]
    result = train_many(X, Y, momentum=np.array([[0.5]]), learning_rate=rates, epochs=9)
    ax = trainability(result, axes(), y=("W1[0,0]", [4.0]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "W1[0,0]")
    assert (ax.get_xlim(), ax.get_ylim()) == ((3.5, -0.25), (3.5, 4.5))
    result = train_many(
        X, Y, momentum=np.array([[0.5], [0.6]]), init="uniform", init_range=[1.0, 2.0, 3.0],
        epochs=9,
    )  # fmt: skip
    ax = trainability(result, axes())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("range of starting weights", "momentum")
    (image,) = ax.images
    assert np.allclose(image.get_extent(), (0.5, 3.5, 0.45, 0.65))


def test_steps_of_1e_12_are_even():
    chart = CLASSICS[26].zoomed((3.48, 3.48 + 5e-12), (0.8375, 0.8375 + 5e-12))
    ax = chart.plot(chart.train(6), axes())
    (image,) = ax.images
    left, right = image.get_extent()[:2]
    assert np.isclose(right - left, 6e-12, rtol=1e-3, atol=0)
    assert ax.get_xlim() == (left, right)


def test_the_current_axes_by_default(runs):
    with matplotlib.rc_context({"backend": "agg"}):
        from matplotlib import pyplot

        try:
            figure, mine = pyplot.subplots()
            assert trainability(runs) is mine
            pyplot.close(figure)
            trainability(runs, axes())
            assert pyplot.get_fignums() == [], "with an Axes, pyplot is left alone"
            assert trainability(runs).figure.number == 1
        finally:
            pyplot.close("all")


BOTH = np.arange(6).reshape(2, 3)
BAD = {
    "no result": (TypeError, "result must be what train_many returns, got int", 3, {}),
    "one axis": (ValueError, "result must have shape (rows, columns), got (3,)",
                 {"seed": [1, 2, 3]}, {}),
    "three": (ValueError, "must have shape (rows, columns), got (1, 1, 2)",
              {"seed": [[[1, 2]]]}, {}),
    "not watched": (ValueError, "train them with a tolerance",
                    {"seed": [[1, 2]], "tolerance": None}, {}),
    "weights": (ValueError, "y must be given as (name, values): no setting varies along it",
                {"seed": [[1, 2]]}, {}),
    "both": (ValueError, "x must be given as (name, values): seed varies along both axes",
             {"seed": BOTH}, {}),
    "two": (ValueError, "x must be given as (name, values): both seed and momentum vary along it",
            {"seed": [[1, 2]], "momentum": [[0.1, 0.2], [0.1, 0.2]]}, {}),
    "count": (ValueError, "x must have 2 values, got shape (3,)",
              {"seed": [[1, 2]]}, {"x": ("seed", [1, 2, 3]), "y": ("momentum", [0.0])}),
    "order": (ValueError, "x, learning rate, must have finite values that increase or decrease",
              {"learning_rate": [[1, 3, 2]]}, {"y": ("W1[0,0]", [1.0])}),
    "NaN": (ValueError, "y, b, must have finite values", {"seed": BOTH[:, :1]},
            {"x": ("a", [1.0]), "y": ("b", [1, np.nan])}),
    "no pair": (TypeError, "x must be (name, values), got 'momentum'", {"seed": [[1, 2]]},
                {"x": "momentum"}),
    "text": (TypeError, "x must hold real numbers", {"seed": [[1, 2]]},
             {"x": ("seed", ["a", "b"])}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    error, message, call, options = BAD[case]
    result = train_many(X, Y, epochs=1, **call) if isinstance(call, dict) else call
    ax = axes()
    with pytest.raises(error) as raised:
        trainability(result, ax, **options)
    assert message in str(raised.value)
    assert not ax.has_data()


# --- pixels -------------------------------------------------------------------------------
def pixels(figure, tmp_path):
    """(rows, columns, 3) of the map alone, from below, as they are in the file."""
    figure.savefig(tmp_path / "map.png")
    image = matplotlib.image.imread(tmp_path / "map.png")[::-1, :, :3]
    x0, y0, x1, y1 = figure.axes[0].bbox.extents
    for edge in (x0, y0, x1, y1):
        assert abs(edge - round(edge)) < 0.02, "between pixels"
    return image[round(y0) : round(y1), round(x0) : round(x1)]


@pytest.mark.parametrize(("columns", "rows"), [(24, 17), (601, 800), (299, 2), (1000, 350)])
@pytest.mark.parametrize("log", [False, True])
def test_each_run_is_a_rectangle_of_whole_pixels(columns, rows, log, tmp_path):
    across = Axis("learning_rate", 0.01, 10, log) if log else Axis("momentum", 0.0, 0.7)
    chart = Map((X, Y), across, Axis("b2[0]", -1, 1), settings={"epochs": 300})
    one = train_many(X, Y, epochs=0)
    random = np.random.default_rng(0)
    result = SimpleNamespace(
        shape=(rows, columns),
        settings=replace(one.settings, epochs=300, learning_rate=np.array(0.1)),
        solved_at=random.integers(-30, 300, (rows, columns)), done=np.ones((rows, columns), bool),
        architecture=one.architecture,
    )  # fmt: skip
    figure = picture(chart, result)
    shown = pixels(figure, tmp_path)
    k, m = shown.shape[0] // rows, shown.shape[1] // columns
    assert shown.shape[:2] == (k * rows, m * columns)
    assert min(shown.shape[:2]) >= 600
    expected = colours_of(figure.axes[0])[..., :3].repeat(k, axis=0).repeat(m, axis=1)
    inner = np.s_[2:-2, 2:-2]  # the frame is drawn over the outermost pixels
    wrong = np.abs(shown[inner] - expected[inner]).max(axis=-1) > 1 / 255
    # the positions of its edges are rounded; those of images too, before matplotlib 3.11
    if log or matplotlib.__version_info__ < (3, 11):
        assert wrong.mean() < 0.01
    else:
        assert not wrong.any()


def test_a_stored_result(tmp_path):
    """Drawn from disk as from memory; what is missing is black."""
    call = {"seed": np.arange(4)[:, None], "learning_rate": [0.5, 5.0, 30.0], "epochs": 300}
    X, y = fastxor.xor()
    pictures = []
    for store in (None, tmp_path):
        ax = Figure().add_subplot()
        trainability(train_many(X, y, store=store, **call), ax)
        (mesh,) = ax.collections or ax.images
        pictures.append((mesh.get_array().filled(-1).tolist(), ax.get_xlabel(), ax.get_ylabel()))
    assert pictures[0] == pictures[1]
    assert len({epochs for row in pictures[0][0] for epochs in row}) > 3
    (part,) = tmp_path.glob("part-*")
    part.unlink()
    ax = Figure().add_subplot()
    trainability(fastxor.StoredRuns(tmp_path), ax)
    (mesh,) = ax.collections or ax.images
    assert mesh.get_array().mask.all()
