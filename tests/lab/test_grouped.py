"""Estimators of a network for each group: that of a group is what one of its samples alone is."""

import inspect
import pickle
import signal
import subprocess
import sys
import warnings

import numpy as np
import pandas
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastxor.sklearn as ours
from fastxor import Networks
from fastxor.agreement import same_bits
from fastxor.sklearn import GroupedMLPClassifier, GroupedMLPRegressor, crowd, grouped_base
from tests.conftest import interrupting_bar

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
BOTH = [GroupedMLPClassifier, GroupedMLPRegressor]
SIZES = [20, 3, 9, 31, 12, 20, 2, 45, 8, 17, 26, 70]  # the last are more than a batch, see BATCHES
RANDOM = np.random.default_rng(1)
LABELS = RANDOM.permutation(np.repeat(np.arange(len(SIZES)) * 10, SIZES))
NAMES = np.array([f"shop {label}" for label in LABELS])
N = len(LABELS)
X = RANDOM.normal(size=(N, 3))
NUMBERS = np.stack([np.sin(X[:, 0]) + X[:, 1] * LABELS / 50, X[:, 2] - X[:, 0] ** 2], axis=1)
WEIGHTS = RANDOM.random(N) * 3 + 0.1
CLASSES = (3 * X[:, 0] + LABELS + np.arange(N)).astype(int) % 3
for label in np.unique(LABELS):  # both of the first two are in each group
    CLASSES[np.flatnonzero(label == LABELS)[:2]] = 0, 1
ODD = np.zeros(N, bool)  # some of each group
for label in np.unique(LABELS):
    ODD[np.flatnonzero(label == LABELS)[::2]] = True
HALVES = [(np.flatnonzero(ODD), np.flatnonzero(~ODD)), (np.flatnonzero(~ODD), np.flatnonzero(ODD))]
ENDS = {  # the estimator, and y
    "classes": ("MLPClassifier", np.array(["a", "b", "c"])[CLASSES]),
    "two classes": ("MLPClassifier", np.minimum(CLASSES, 1)),
    "labels": ("MLPClassifier", (NUMBERS > 0).astype(int)),
    "a number": ("MLPRegressor", NUMBERS[:, 0]),
    "numbers": ("MLPRegressor", NUMBERS),
}
SMALL = {"hidden_layer_sizes": (5,), "learning_rate_init": 0.02, "random_state": 3, "max_iter": 40}
SETTINGS = {
    "adam": {},
    "no penalty": {"alpha": 0.0},
    "sgd": {"solver": "sgd", "alpha": 0.3, "momentum": 0.8, "nesterovs_momentum": False},
    "batches": {"batch_size": 16, "alpha": 0.1, "beta_1": 0.8},
    "batches in order": {"batch_size": 16, "shuffle": False},
    "some stop": {"tol": 0.01, "n_iter_no_change": 2, "alpha": 0.5},
    "some stop, batches": {"tol": 0.02, "n_iter_no_change": 2, "batch_size": 16, "max_iter": 150},
    "still": {"solver": "sgd", "learning_rate_init": 1e-300, "tol": 0.0, "n_iter_no_change": 2},
    "none stops": {"tol": 10.0, "n_iter_no_change": np.inf},
    "no hidden layer": {"hidden_layer_sizes": (), "epsilon": 1e-3},
    "two hidden layers": {"hidden_layer_sizes": [5, 4], "activation": "tanh", "beta_2": 0.99},
}
# a pipeline's score in folds has had metadata since then
only_new = pytest.mark.skipif(VERSION < (1, 8), reason="scikit-learn is older than 1.8")


@parametrize_with_checks([estimator() for estimator in BOTH])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def grouped(end, **settings):
    name, y = ENDS[end]
    return getattr(ours, f"Grouped{name}")(**SMALL | settings), y


def assert_each_is_its_own(model, end, X, y, labels, weights=None):
    """That of each group is what an estimator of its samples alone is, to the last bit."""
    epochs = []
    for k, label in enumerate(model.groups_):
        own = labels == label
        alone = getattr(ours, ENDS[end][0])(**model.get_params())
        if end == "classes" and len(np.unique(y[own])) < 3:  # to the estimator alone there are two
            continue
        alone.fit(X[own], y[own], None if weights is None else weights[own])
        assert model.n_iter_[k] == alone.n_iter_
        assert model.loss_[k] == pytest.approx(alone.loss_, rel=1e-6)
        assert model.best_loss_[k] == pytest.approx(alone.best_loss_, rel=1e-6)
        for name in "coefs_", "intercepts_":
            for mine, expected in zip(getattr(model, name), getattr(alone, name), strict=True):
                assert same_bits(mine[k], expected)
        assert same_bits(model.networks_[k].W1, alone.coefs_[0])
        assert (model.predict(X[own], labels[own]) == alone.predict(X[own])).all()
        epochs.append(alone.n_iter_)
    return epochs


@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # of the one alone
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("end", ENDS)
def test_each_is_trained_as_if_alone(end, name, dtype, weights):
    model, y = grouped(end, **SETTINGS[name])
    samples = X.astype(dtype)
    model.fit(samples, y, NAMES, weights)
    assert model.coefs_[0].dtype == dtype
    epochs = assert_each_is_its_own(model, end, samples, y, NAMES, weights)
    if "some" in name and end != "labels":
        assert 2 < min(epochs) < max(epochs), "they stop at different times"


@pytest.mark.parametrize("few", [0, 20])
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", ["some stop", "some stop, batches"])
def test_the_division_of_work_changes_nothing(name, threads, few, monkeypatch):
    """Into blocks, which make room or do not, or each alone, and among threads."""
    expected, y = grouped("numbers", **SETTINGS[name])
    expected.fit(X, y, NAMES)
    monkeypatch.setattr(crowd, "BLOCK_BYTES", 0)
    monkeypatch.setattr(crowd, "WORTH", 1e-9)
    monkeypatch.setattr(crowd, "FEW", few)
    for ended in (1, 0):
        monkeypatch.setattr(crowd, "ENDED", ended)
        model = clone(expected).set_params(threads=threads).fit(X, y, NAMES)
        assert (model.n_iter_ == expected.n_iter_).all()
        assert all(map(same_bits, model.coefs_, expected.coefs_))


def test_large_groups_are_batches(monkeypatch):
    """One of more than 200 samples is trained alone, the others side by side."""
    blocks = []
    monkeypatch.setattr(
        crowd, "Block", lambda *given, kind=crowd.Block: blocks.append(given) or kind(*given)
    )
    sizes = [30] * 5 + [201]
    labels = np.repeat(np.arange(6), sizes)
    samples = np.random.default_rng(0).normal(size=(len(labels), 3))
    y = samples.sum(axis=1) ** 2
    model = GroupedMLPRegressor(**SMALL, threads=1).fit(samples, y, labels)
    assert_each_is_its_own(model, "a number", samples, y, labels)
    ((_, data, *_),) = blocks
    assert data.ranges.n.tolist() == [30] * 5


def test_attributes_and_files():
    model, y = grouped("classes")
    model.fit(X, y, NAMES)
    k = len(SIZES)
    assert model.groups_.tolist() == sorted(set(NAMES))
    assert [array.shape for array in model.coefs_] == [(k, 3, 5), (k, 5, 3)]
    assert [array.shape for array in model.intercepts_] == [(k, 5), (k, 3)]
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert (model.n_layers_, model.n_outputs_, model.out_activation_) == (3, 3, "softmax")
    assert model.n_iter_.tolist() == [40] * k
    assert isinstance(model.networks_, Networks)
    assert not hasattr(model, "network_")
    assert not hasattr(model, "partial_fit")
    loaded = pickle.loads(pickle.dumps(model))
    assert same_bits(loaded.predict_proba(X, NAMES), model.predict_proba(X, NAMES))
    assert np.log(model.predict_proba(X, NAMES)) == pytest.approx(model.predict_log_proba(X, NAMES))


def test_parameters_are_those_of_the_others():
    for estimator in BOTH:
        mine = inspect.signature(estimator).parameters
        other = inspect.signature(getattr(ours, estimator.__name__.removeprefix("Grouped")))
        assert mine == {n: p for n, p in other.parameters.items() if n in mine}
        missing = {
            "learning_rate", "power_t", "warm_start", "early_stopping", "validation_fraction",
            "max_fun", "loss",
        }  # fmt: skip
        assert other.parameters.keys() - mine.keys() <= missing


def test_without_groups_all_are_one():
    for end in ENDS:
        model, y = grouped(end)
        model.fit(X, y)
        alone = getattr(ours, ENDS[end][0])(**model.get_params()).fit(X, y)
        assert same_bits(model.coefs_[0][0], alone.coefs_[0])
        assert (model.predict(X) == alone.predict(X)).all()
        assert model.score(X, y) == alone.score(X, y)
        assert model.groups_ is None


def test_the_other_groups_do_not_matter():
    model, y = grouped("numbers")
    some = LABELS > 50
    expected = clone(model).fit(X[some], y[some], LABELS[some])
    model.fit(X, y, LABELS)
    places = np.searchsorted(model.groups_, expected.groups_)
    assert same_bits(model.coefs_[0][places], expected.coefs_[0])


def test_random_states():
    def fitted(random_state):
        model, y = grouped("a number", batch_size=16, max_iter=2)
        return model.set_params(random_state=random_state).fit(X, y, LABELS).coefs_[0]

    assert same_bits(fitted(7), fitted(np.int64(7)))
    assert same_bits(fitted(np.random.RandomState(7)), fitted(np.random.RandomState(7)))
    random = np.random.RandomState(7)
    assert not same_bits(fitted(random), fitted(random))
    assert not same_bits(fitted(None), fitted(None))


# --- classes ------------------------------------------------------------------------------
def test_groups_that_lack_classes():
    y = np.where(LABELS == 10, "a", np.where(LABELS == 20, "b", ENDS["classes"][1]))
    model = GroupedMLPClassifier(**SMALL | {"max_iter": 300}).fit(X, y, LABELS)
    for label, name in ((10, "a"), (20, "b")):
        own = label == LABELS
        assert (model.predict(X[own], LABELS[own]) == name).all(), "one class is what it learns"
        assert model.predict_proba(X[own], LABELS[own]).shape == (own.sum(), 3)
    two = GroupedMLPClassifier(**SMALL).fit(X, np.where(LABELS == 10, 1, CLASSES % 2), LABELS)
    assert (two.predict(X[LABELS == 10], LABELS[LABELS == 10]) == 1).all()


# --- rules of scikit-learn ------------------------------------------------------------------
@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_metadata_is_routed(routing):
    model = GroupedMLPRegressor(**SMALL).set_fit_request(groups=True, sample_weight=True)
    model.set_score_request(groups=True, sample_weight=True).set_predict_request(groups=True)
    pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), model)
    y = NUMBERS[:, 0]
    pipe.fit(X, y, groups=NAMES, sample_weight=WEIGHTS)
    scaled = StandardScaler().fit(X, sample_weight=WEIGHTS).transform(X)
    expected = clone(model).fit(scaled, y, NAMES, WEIGHTS)
    assert same_bits(pipe.predict(X, groups=NAMES), expected.predict(scaled, NAMES))
    assert pipe.score(X, y, groups=NAMES) == r2_score(y, expected.predict(scaled, NAMES))
    search = GridSearchCV(model, {"alpha": [1e-4, 10.0]}, cv=HALVES).fit(X, y, groups=NAMES)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert search.score(X, y, groups=NAMES) > 0
    assert search.best_estimator_.predict(X, groups=NAMES).shape == (N,)


@pytest.mark.parametrize("in_a_pipeline", [False, pytest.param(True, marks=only_new)])
def test_metadata_is_routed_through_folds(in_a_pipeline, routing):
    model = GroupedMLPRegressor(**SMALL).set_fit_request(groups=True)
    model.set_score_request(groups=True)
    model = make_pipeline(StandardScaler(), model) if in_a_pipeline else model
    params, y = {"groups": NAMES}, NUMBERS[:, 0]
    found = cross_validate(model, X, y, cv=HALVES, params=params, error_score="raise")
    train, test = HALVES[0]
    model.fit(X[train], y[train], groups=NAMES[train])
    assert found["test_score"][0] == model.score(X[test], y[test], groups=NAMES[test])


def test_metadata_of_classifiers_is_routed(routing):
    model = GroupedMLPClassifier(**SMALL).set_fit_request(groups=True)
    model.set_score_request(groups=True, sample_weight=True)
    model.set_predict_proba_request(groups=True).set_predict_log_proba_request(groups=True)
    pipe = make_pipeline(StandardScaler(), model).fit(X, CLASSES, groups=LABELS)
    assert pipe.predict_proba(X, groups=LABELS).shape == (N, 3)
    said = model.fit(X, CLASSES, LABELS).predict(X, LABELS)
    assert model.score(X, CLASSES, groups=LABELS, sample_weight=WEIGHTS) == accuracy_score(
        CLASSES, said, sample_weight=WEIGHTS
    )


def test_a_column_of_a_frame_is_remembered(routing):
    """So scorers that know of no groups have them, too."""
    y = NUMBERS[:, 0]
    frame = pandas.DataFrame(X, columns=["x", "y", "z"])
    frame.insert(1, "shop", NAMES)
    expected = GroupedMLPRegressor(**SMALL).fit(X, y, NAMES)
    model = GroupedMLPRegressor(**SMALL).set_fit_request(groups=True).fit(frame, y, "shop")
    assert model.feature_names_in_.tolist() == ["x", "y", "z"]
    assert model.n_features_in_ == 3
    others = frame.drop(columns="shop")
    shops = frame["shop"]
    for samples, *given in (
        [frame], [frame, "shop"], [others, shops], [others, shops.astype("category")],
    ):  # fmt: skip
        assert same_bits(model.predict(samples, *given), expected.predict(X, NAMES))
    found = cross_validate(
        model, frame, y, scoring="r2", cv=HALVES, params={"groups": "shop"}, error_score="raise"
    )
    assert len(found["test_score"]) == 2


def test_sparse():
    model = GroupedMLPRegressor(**SMALL).fit(csr_array(X), NUMBERS, LABELS)
    expected = GroupedMLPRegressor(**SMALL).fit(X, NUMBERS, LABELS)
    assert same_bits(model.predict(csr_array(X), LABELS), expected.predict(X, LABELS))


# --- what goes wrong ------------------------------------------------------------------------
def test_warnings_and_networks_that_overflow():
    y = NUMBERS[:, 0]
    model, _ = grouped("a number", tol=0.01)
    with pytest.warns(ConvergenceWarning, match="converged yet in group 0 and 11 more") as found:
        model.set_params(max_iter=2).fit(X, y, LABELS)
    assert {warning.filename for warning in found} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(model).set_params(tol=1e9, max_iter=20).fit(X, y, LABELS)
    with pytest.warns(UserWarning, match="It is going to be clipped") as found:
        clone(model).set_params(batch_size=71).fit(X, y, LABELS)
    assert {w.filename for w in found if "clipped" in str(w.message)} == {__file__}
    far = X.copy()
    far[LABELS == 30] *= 1e200
    far[LABELS == 70] *= 1e200
    model.set_params(solver="sgd", max_iter=40, tol=0.0, n_iter_no_change=np.inf)
    for batch_size in ("auto", 16):
        model.set_params(batch_size=batch_size)
        with pytest.raises(ValueError, match=r"non-finite .* in group 30 and 1 more\."):
            model.fit(far, y, LABELS)
        expected = clone(model).fit(X, y, LABELS)
        others = np.flatnonzero(~np.isin(model.groups_, [30, 70]))
        assert same_bits(model.coefs_[0][others], expected.coefs_[0][others])
        assert np.isfinite(model.coefs_[0]).all()


def test_bad_calls():
    y = NUMBERS[:, 0]
    model = GroupedMLPRegressor(**SMALL)
    for groups, error, message in (
        (LABELS[:-1], ValueError, "groups must have shape"),
        (LABELS + 0.5, TypeError, "groups must be text, integers or times"),
        ("shop", TypeError, "groups may name a column of a frame X"),
    ):
        with pytest.raises(error, match=message):
            model.fit(X, y, groups)
    with pytest.raises(ValueError, match="sum above 0, but has none in group 'shop 10'"):
        model.fit(X, y, NAMES, WEIGHTS * (LABELS != 10))
    with pytest.raises(ValueError, match="'solver' parameter"):
        GroupedMLPRegressor(solver="lbfgs").fit(X, y)
    with pytest.raises(ValueError, match="y must be finite in float32"):
        model.fit(X.astype(np.float32), np.where(LABELS == 10, 1e39, y), LABELS)
    model.fit(X, y, NAMES)
    with pytest.raises(ValueError, match="groups must be given, as they were in fit"):
        model.predict(X)
    unknown = np.where(LABELS == 20, "shop 21", NAMES)
    with pytest.raises(ValueError, match="in fit, which had no group 'shop 21'"):
        model.predict(X, unknown)
    with pytest.raises(ValueError, match="which had no group 'zoo'"):
        model.predict(X[:1], ["zoo"])
    with pytest.raises(ValueError, match="which had no group 0 and 11 more"):
        model.predict(X, LABELS)
    with pytest.raises(ValueError, match="groups must be left out, as they were in fit"):
        model.fit(X, y).predict(X, NAMES)


@pytest.mark.parametrize("batch_size", ["auto", 2])
def test_ctrl_c_ends_training(batch_size, monkeypatch):
    monkeypatch.setattr(grouped_base, "progress_bar", interrupting_bar)
    model, y = grouped("a number", batch_size=batch_size, threads=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, LABELS)
    assert not hasattr(model, "n_iter_")


def test_a_real_ctrl_c():
    child = subprocess.Popen(
        [sys.executable, "-c",
         "import numpy as np; from fastxor.sklearn import GroupedMLPRegressor; "
         "X = np.random.default_rng(0).normal(size=(6000, 9)); groups = np.arange(6000) % 300;"
         "m = GroupedMLPRegressor((50,), max_iter=10**6, n_iter_no_change=10**6, tol=0);"
         "m.set_params(max_iter=1).fit(X, X[:, 0], groups); print('ready', flush=True);"
         "m.set_params(max_iter=10**6).fit(X, X[:, 0], groups)"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.communicate(timeout=2)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_a_bar(capsys):
    model, y = grouped("a number", verbose=True)
    model.fit(X, y, LABELS)
    said = capsys.readouterr()
    assert "12/12" in said.err
    assert said.out == ""
