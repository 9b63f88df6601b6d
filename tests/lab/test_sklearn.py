"""The estimators are scikit-learn's networks, but for time: rules, starts, losses and errors."""

import inspect
import pickle
import signal
import subprocess
import sys
import warnings
from contextlib import nullcontext

import joblib
import numpy as np
import pytest
import sklearn
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingRegressor
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastxor.sklearn as ours
from fastxor import Diverged, Network
from fastxor.agreement import same_bits
from fastxor.sklearn import MLPClassifier, MLPRegressor, base, descent
from tests.conftest import interrupting_bar

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = [MLPClassifier, MLPRegressor]
NEW = "sample_weight" in inspect.signature(theirs.MLPClassifier.fit).parameters  # scikit-learn 1.7
only_new = pytest.mark.skipif(not NEW, reason="scikit-learn's networks have weights since 1.7")
N = 60
RANDOM = np.random.default_rng(0)
# of the same sizes, so that few kernels are to be compiled
X = RANDOM.normal(size=(N, 4))
NUMBERS = X @ RANDOM.normal(size=(4, 3)) / 2 + np.sin(2 * X[:, :1])
WEIGHTS = RANDOM.random(N) * 3
CLASSES = NUMBERS.argmax(axis=1)
ENDS = {  # the estimator, and y
    "classes": ("MLPClassifier", CLASSES),
    "two classes": ("MLPClassifier", NUMBERS[:, 0] > 0),
    "labels": ("MLPClassifier", (NUMBERS > 0).astype(int)),
    "a number": ("MLPRegressor", NUMBERS[:, 0]),
    "numbers": ("MLPRegressor", NUMBERS),
}
SMALL = {"hidden_layer_sizes": (5,), "shuffle": False, "random_state": 3, "max_iter": 60}
ADAM = {"learning_rate_init": 0.01}
SGD = {"solver": "sgd", "learning_rate_init": 0.05}
FITTED = (
    "n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_",
    "_no_improvement_count",
)  # fmt: skip


@parametrize_with_checks([estimator() for estimator in BOTH])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def pair(end, **settings):
    """Their estimator and ours, and y."""
    name, y = ENDS[end]
    settings = SMALL | settings
    return getattr(theirs, name)(**settings), getattr(ours, name)(**settings), y


def assert_same(expected, model):
    """Both have learned the same, within rounding."""
    for name in FITTED:
        assert getattr(model, name) == getattr(expected, name), name
    assert model.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-9, abs=0)
    assert model.loss_ == model.loss_curve_[-1]
    for name in "validation_scores_", "best_validation_score_", "best_loss_":
        mine, those = getattr(model, name), getattr(expected, name)
        assert mine is None if those is None else mine == pytest.approx(those, rel=1e-9), name
    for name in "coefs_", "intercepts_":
        mine, those = getattr(model, name), getattr(expected, name)
        assert len(mine) == len(those)
        for a, b in zip(mine, those, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            assert a == pytest.approx(b, rel=1e-8, abs=1e-10)
    for method in "predict", "predict_proba", "predict_log_proba":
        assert hasattr(model, method) == hasattr(expected, method)
        if hasattr(model, method):
            a, b = getattr(model, method)(X), getattr(expected, method)(X)
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            if method == "predict_log_proba":  # of 1 - p, which cancels
                a, b = np.exp(a), np.exp(b)
            assert a == pytest.approx(b, rel=1e-8, abs=1e-9)
    if hasattr(expected, "classes_"):
        assert model.classes_.tolist() == expected.classes_.tolist()


# --- a full batch: the same losses ----------------------------------------------------------------


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize(
    "solver", [ADAM, SGD, SGD | {"momentum": 0.5, "nesterovs_momentum": False}], ids=str
)
@pytest.mark.parametrize("end", ENDS)
def test_losses_are_theirs(end, solver, activation):
    expected, model, y = pair(end, activation=activation, alpha=0, **solver)
    assert_same(expected.fit(X, y), model.fit(X, y))
    assert model.loss_curve_[-1] < 0.96 * model.loss_curve_[0], "it learns"


SETTINGS = {
    "alpha": ADAM | {"alpha": 0.1},
    "alpha, sgd": SGD | {"alpha": 0.1},
    "alpha, batches": ADAM | {"alpha": 0.1, "batch_size": 20},
    "momentum 0": SGD | {"momentum": 0},
    "rates and decays": ADAM | {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3},
    "invscaling": SGD | {"learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": SGD | {"learning_rate": "adaptive", "tol": 0.02, "max_iter": 400},
    "tol": ADAM | {"tol": 0.01, "max_iter": 400},
    "still": SGD | {"learning_rate_init": 1e-300, "tol": 0.0, "n_iter_no_change": 2},
    "still, early stopping": SGD | {
        "learning_rate_init": 1e-300, "tol": 0.0, "n_iter_no_change": 2, "early_stopping": True,
    },
    "never": ADAM | {"tol": 10.0, "n_iter_no_change": np.inf},
    "once": ADAM | {"tol": 10.0, "n_iter_no_change": 1},
    "batches": ADAM | {"batch_size": 20},
    "batches that are not equal": SGD | {"batch_size": 25},
    "batches that are not equal, adam": ADAM | {"batch_size": 25, "epsilon": 1e-3},
    "an order": ADAM | {"shuffle": True},
    "early stopping": ADAM | {"early_stopping": True, "max_iter": 300},
    "early stopping, adaptive": SGD | {
        "early_stopping": True, "max_iter": 300, "learning_rate": "adaptive", "tol": 0.01,
        "validation_fraction": 0.3,
    },
    "no hidden layer": ADAM | {"hidden_layer_sizes": ()},
    "two hidden layers": ADAM | {"hidden_layer_sizes": [5, 4]},
    "no sequence": ADAM | {"hidden_layer_sizes": 5},
    "defaults": {},
}  # fmt: skip
WITHOUT = {"alpha": 0}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("end", ENDS)
def test_settings_are_theirs(end, name):
    expected, model, y = pair(end, **WITHOUT | SETTINGS[name])
    assert_same(expected.fit(X, y), model.fit(X, y))


def test_some_of_these_settings_stop():
    """Otherwise there would be little to compare."""
    stopped = {
        name: pair("classes", **WITHOUT | settings)[1].fit(X, CLASSES).n_iter_
        < (SMALL | settings)["max_iter"]
        for name, settings in SETTINGS.items()
    }
    names = {"adaptive", "tol", "once", "early stopping", "early stopping, adaptive"}
    assert {name for name, ended in stopped.items() if ended} == names


@only_new
@pytest.mark.parametrize("name", ["alpha", "alpha, sgd", "momentum 0", "early stopping"])
@pytest.mark.parametrize("end", ENDS)
def test_weights_are_theirs(end, name):
    expected, model, y = pair(end, **WITHOUT | SETTINGS[name])
    assert_same(expected.fit(X, y, sample_weight=WEIGHTS), model.fit(X, y, sample_weight=WEIGHTS))
    again = clone(model).fit(X, y, sample_weight=1000 * WEIGHTS)
    if not model.alpha:
        assert again.loss_curve_ == pytest.approx(model.loss_curve_, rel=1e-9)


@pytest.mark.parametrize("end", ["classes", "two classes", "labels", "numbers"])
@pytest.mark.parametrize("solver", [ADAM, SGD], ids=["adam", "sgd"])
def test_training_in_parts(end, solver):
    """An epoch each, of other samples, where not all classes need be there."""
    expected, model, y = pair(end, **WITHOUT | solver)
    classes = {"classes": np.unique(y)} if "class" in end or end == "labels" else {}
    if end == "labels":
        classes = {"classes": np.arange(3)}
    for part in slice(0, 20), slice(20, 40), slice(40, 60):
        expected.partial_fit(X[part], y[part], **classes)
        model.partial_fit(X[part], y[part], **classes)
        classes = {}
        assert_same(expected, model)
    assert model.n_iter_ == 1
    assert len(model.loss_curve_) == 3
    assert model.t_ == N
    assert_same(expected.fit(X, y), model.fit(X, y))
    assert_same(expected.partial_fit(X, y), model.partial_fit(X, y))


def test_a_first_part_without_some_classes():
    expected, model, y = pair("classes", **WITHOUT | ADAM)
    for each in expected, model:
        each.partial_fit(X[y != 1], y[y != 1], classes=[0, 1, 2]).partial_fit(X[:20], y[:20])
    assert_same(expected, model)


@pytest.mark.parametrize("rate", ["invscaling", "adaptive"])
def test_training_in_parts_with_rates(rate):
    settings = WITHOUT | SGD | {"learning_rate": rate, "tol": 0.05, "n_iter_no_change": 2}
    expected, model, y = pair("classes", **settings)
    for _ in range(40):
        expected.partial_fit(X, y, classes=[0, 1, 2])
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_same(expected, model)
    assert model._rate == pytest.approx(expected._optimizer.learning_rate, rel=1e-12)
    assert model._rate < SGD["learning_rate_init"] / 4


@pytest.mark.parametrize("name", ["invscaling", "adaptive", "tol", "alpha"])
@pytest.mark.parametrize("end", ["classes", "a number"])
def test_a_warm_start(end, name):
    expected, model, y = pair(end, **WITHOUT | SETTINGS[name] | {"warm_start": True})
    for _ in range(3):
        assert_same(expected.fit(X, y), model.fit(X, y))
    assert len(model.loss_curve_) > model.n_iter_


def test_a_warm_start_from_the_best():
    """A fit without a better score ends where it began."""
    _, model, y = pair("classes", **WITHOUT | SETTINGS["early stopping"], warm_start=True)
    before = model.fit(X, y).coefs_
    model.set_params(learning_rate_init=10.0, max_iter=5).fit(X, y)
    assert len(model.validation_scores_) > 5
    assert all(same_bits(*each) for each in zip(before, model.coefs_, strict=True))


def test_warm_and_in_parts():
    expected, model, y = pair("classes", **WITHOUT | ADAM | {"warm_start": True})
    for each in expected, model:
        each.partial_fit(X, y, classes=[0, 1, 2]).fit(X, y).partial_fit(X, y)
    assert_same(expected, model)


@pytest.mark.parametrize("end", ["classes", "numbers"])
def test_float32_is_trained_in_float32(end):
    expected, model, y = pair(end, **WITHOUT | ADAM)
    small = X.astype(np.float32)
    expected.fit(small, y), model.fit(small, y)
    assert {a.dtype for a in (*model.coefs_, *model.intercepts_)} == {np.dtype(np.float32)}
    assert model.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-4)
    assert model.predict(small).dtype == expected.predict(small).dtype
    for other in X.astype(int), X.astype(int).tolist(), X.astype(np.float16):
        assert clone(model).fit(other, y).coefs_[0].dtype == np.float64


# --- what is ours ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 1000])
@pytest.mark.parametrize("name", ["tol", "adaptive", "once", "defaults"])
def test_looking_ahead_changes_nothing(name, ahead, monkeypatch):
    settings = WITHOUT | SETTINGS[name] | {"shuffle": True, "batch_size": 20}
    _, model, y = pair("classes", **settings)
    expected = clone(model).fit(X, y)
    monkeypatch.setattr(descent, "AHEAD", ahead)
    model.fit(X, y)
    assert model.loss_curve_ == expected.loss_curve_
    assert model.n_iter_ == expected.n_iter_
    assert same_bits(model.coefs_[0], expected.coefs_[0])
    assert_same_generator(model, expected)


def assert_same_generator(model, expected):
    for each in model, expected:
        each.partial_fit(X, CLASSES)
    assert same_bits(model.coefs_[0], expected.coefs_[0])


def test_planning_in_parts_changes_nothing(monkeypatch):
    settings = WITHOUT | SETTINGS["invscaling"] | {"shuffle": True, "batch_size": 20}
    _, model, y = pair("classes", **settings)
    expected, told = clone(model).fit(X, y), []
    monkeypatch.setattr(descent, "LEG", 7)
    monkeypatch.setattr(descent, "progress_bar", lambda *_: nullcontext(told.append))
    model.fit(X, y)
    assert told == sorted(told)
    assert told[-1] == 60
    assert model.loss_curve_ == expected.loss_curve_
    assert same_bits(model.coefs_[0], expected.coefs_[0])


def test_what_comes_after_the_end_does_not_count(monkeypatch):
    """Losses that rise end training before they overflow, however far it looked ahead."""
    settings = WITHOUT | {"solver": "sgd", "learning_rate_init": 2.0, "momentum": 0.0,
                          "hidden_layer_sizes": (), "n_iter_no_change": 2}  # fmt: skip
    expected, model, y = pair("numbers", **settings | {"max_iter": 1000})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected.fit(X, y)
    monkeypatch.setattr(descent, "AHEAD", 1000)
    assert_same(expected, model.fit(X, y))
    assert model.n_iter_ < 10
    model.set_params(n_iter_no_change=np.inf)
    with pytest.raises(ValueError, match="non-finite parameter weights") as raised:
        model.fit(X, y)
    assert isinstance(raised.value.__cause__, Diverged)
    assert 100 < len(model.loss_curve_) == model.n_iter_ < 1000
    assert np.isfinite(model.predict(X)).all()
    epochs = model.n_iter_  # which all but the first made worse
    model.set_params(n_iter_no_change=epochs - 2).fit(X, y)
    assert model.n_iter_ == epochs, "the last that was finite"


def test_scores_of_what_overflows(monkeypatch):
    """They are NaN, which is neither better nor worse, as scikit-learn's are."""
    infinite = np.full((1, 6, 3), np.inf)
    monkeypatch.setattr(base, "outputs_of", lambda *_: (infinite, False))
    _, model, y = pair("numbers", early_stopping=True, n_iter_no_change=2)
    model.fit(X, y)
    assert np.isnan(model.validation_scores_).all()
    assert (model.n_iter_, model.best_validation_score_) == (60, -np.inf)


@pytest.mark.parametrize("estimator", BOTH)
def test_parameters_are_theirs(estimator):
    other = getattr(theirs, estimator.__name__)()
    expected = other.get_params() | {"threads": None}
    if estimator is MLPRegressor:
        expected |= {"loss": "squared_error"}  # new in 1.7
    assert estimator().get_params() == expected
    if NEW:
        names = list(inspect.signature(type(other)).parameters.values())
        mine = list(inspect.signature(estimator).parameters.values())[:-1]
        assert [(p.name, p.kind, p.default) for p in mine] == [
            (p.name, p.kind, p.default) for p in names
        ]


def test_the_network():
    model = MLPClassifier(**SMALL).fit(X, CLASSES)
    network = model.network_
    assert isinstance(network, Network)
    assert str(network.architecture) == "4-5-3 relu-softmax"
    assert same_bits(network.predict_proba(X), model.predict_proba(X))
    assert not hasattr(MLPClassifier(), "network_")
    model.coefs_ = [np.zeros_like(coef) for coef in model.coefs_]
    model.intercepts_ = [np.zeros_like(intercept) for intercept in model.intercepts_]
    assert (model.predict_proba(X) == 1 / 3).all(), "what was put there counts"
    model.fit(X, CLASSES > 0)
    model.coefs_ = [np.zeros_like(coef) for coef in model.coefs_]
    model.intercepts_ = [np.zeros_like(intercept) for intercept in model.intercepts_]
    assert (model.predict_proba(X) == 0.5).all()
    assert not model.predict(X).any(), "the first class, as scikit-learn has it"


def test_threads_change_no_bit():
    digits, y = load_digits(return_X_y=True)
    found = [
        MLPClassifier((20,), max_iter=2, random_state=0, threads=threads).fit(digits, y)
        for threads in (None, 1, 2)
    ]
    for other in found[1:]:
        assert other.loss_curve_ == found[0].loss_curve_
        assert same_bits(other.coefs_[0], found[0].coefs_[0])


@pytest.mark.parametrize("estimator", BOTH)
def test_random_states(estimator):
    def fitted(random_state):
        settings = SMALL | {"shuffle": True, "batch_size": 20, "max_iter": 3}
        return estimator(**settings | {"random_state": random_state}).fit(X, CLASSES).loss_curve_

    assert fitted(7) == fitted(7) == fitted(np.int64(7)) == fitted(np.random.RandomState(7))
    assert fitted(2**32 - 1) == fitted(2**32 - 1) != fitted(7)
    random = np.random.RandomState(7)
    assert fitted(random) != fitted(random)
    np.random.seed(7)
    assert fitted(None) == fitted(7) != fitted(None)


def test_shuffled_batches_learn_as_well():
    data, y = load_iris(return_X_y=True)
    data = StandardScaler().fit_transform(data)
    scores = []
    for library in theirs, ours:
        models = [
            library.MLPClassifier((5,), batch_size=20, random_state=seed, learning_rate_init=0.01)
            for seed in range(3)
        ]
        scores.append([cross_val_score(model, data, y).mean() for model in models])
    assert abs(np.mean(scores[0]) - np.mean(scores[1])) < 0.02
    assert np.mean(scores[1]) > 0.93


# --- kinds of data --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [[0, 1], [5, -2], ["no", "yes"], [False, True], ["c", "a", "b"], [2.0, 1.0, 7.0]],
    ids=str,
)
@pytest.mark.parametrize("dtype", [None, object])
def test_classes_of_any_kind(labels, dtype):
    names = np.array(labels)
    names = np.unique(names).astype(dtype) if dtype else np.unique(names)
    if dtype and not isinstance(names[0], str):
        pytest.skip("numbers in objects are no classes, to scikit-learn")
    y = names[CLASSES % len(names)]
    expected, model, _ = pair("classes", **WITHOUT | ADAM)
    assert_classes(expected.fit(X, y), model.fit(X, y))
    expected, model, _ = pair("classes", **WITHOUT | ADAM)
    for each in expected, model:
        each.partial_fit(X, y, classes=names.tolist())
    assert_classes(expected, model)


def assert_classes(expected, model):
    assert model.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-9)
    assert model.classes_.dtype == expected.classes_.dtype
    assert model.classes_.tolist() == expected.classes_.tolist()
    assert model.predict(X).tolist() == expected.predict(X).tolist()


def test_one_class_alone():
    expected, model, _ = pair("classes", **WITHOUT | ADAM)
    y = np.full(N, "a")
    assert_classes(expected.fit(X, y), model.fit(X, y))
    assert model.predict_proba(X).shape == (N, 2) == expected.predict_proba(X).shape


def test_a_column_of_targets():
    for end in "classes", "a number":
        _, model, y = pair(end, **WITHOUT | ADAM)
        model.fit(X, y)
        with pytest.warns(sklearn.exceptions.DataConversionWarning):
            again = clone(model).fit(X, y[:, None])
        assert again.loss_curve_ == model.loss_curve_
        assert again.predict(X).shape == (N,)


@pytest.mark.parametrize("kind", [csr_array, csc_array, csr_matrix])
def test_sparse_samples_become_dense(kind):
    sparse = X * (X > 0)
    for end in ENDS:
        _, model, y = pair(end)
        model.fit(sparse, y)
        other = clone(model).fit(kind(sparse), y)
        assert other.loss_curve_ == model.loss_curve_
        assert same_bits(other.predict(kind(sparse)), model.predict(sparse))
        assert get_tags(model).input_tags.sparse


@pytest.mark.parametrize("kind", [csr_array, csr_matrix])
def test_sparse_labels(kind):
    expected, model, labels = pair("labels", **WITHOUT)
    expected.fit(X, kind(labels))
    model.fit(X, kind(labels))
    assert model.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-9)
    assert (model.predict(X) != expected.predict(X)).nnz == 0
    assert type(model.predict(X)) is type(expected.predict(X)) or kind is csr_array


def test_names_of_features():
    table = pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))
    model = MLPClassifier(**SMALL).fit(table, CLASSES)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.loss_curve_ == clone(model).fit(X, CLASSES).loss_curve_
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[list("abdc")])
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(table[list("abdc")], CLASSES)


@pytest.mark.parametrize("estimator", BOTH)
def test_copies(estimator, tmp_path):
    model = estimator(**SMALL | {"shuffle": True, "batch_size": 20}).fit(X, CLASSES)
    joblib.dump(model, tmp_path / "model")
    for copy in pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model"):
        assert same_bits(copy.predict(X), model.predict(X))
        assert copy.loss_curve_ == model.loss_curve_
        copy.partial_fit(X, CLASSES)
        again = pickle.loads(pickle.dumps(model)).partial_fit(X, CLASSES)
        assert same_bits(copy.coefs_[0], again.coefs_[0])
    assert not hasattr(clone(model), "coefs_")


# --- among other estimators -----------------------------------------------------------------------


def test_a_grid_search():
    """With two processes as with one; what diverges is a failed fit, of score NaN."""
    model = make_pipeline(StandardScaler(), MLPRegressor(**SMALL | SGD | {"momentum": 0.0}))
    grid = {"mlpregressor__learning_rate_init": [0.05, 1e5], "mlpregressor__max_fun": [15000]}
    found = []
    for n_jobs in 1, 2:
        search = GridSearchCV(model, grid, cv=3, n_jobs=n_jobs)
        with (
            pytest.warns(FitFailedWarning, match="non-finite parameter weights"),
            pytest.warns(UserWarning, match="test scores are non-finite"),
        ):
            found.append(search.fit(X, NUMBERS))
    scores = found[0].cv_results_["mean_test_score"]
    assert np.isnan(scores).tolist() == [False, True]
    assert same_bits(scores, found[1].cv_results_["mean_test_score"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ensembles():
    small = MLPClassifier(**SMALL | ADAM | {"max_iter": 100})
    makers = [
        BaggingClassifier(small, n_estimators=3, random_state=0),
        AdaBoostClassifier(small, n_estimators=3, random_state=0),
        CalibratedClassifierCV(small, cv=3),
        make_pipeline(StandardScaler().set_output(transform="default"), small),
    ]
    for model in makers:
        assert model.fit(X, CLASSES).score(X, CLASSES) > 0.8, model
    number = MLPRegressor(**SMALL | ADAM | {"max_iter": 200})
    stacked = StackingRegressor([("a", number), ("b", clone(number))], final_estimator=number)
    assert stacked.fit(X, NUMBERS[:, 0]).score(X, NUMBERS[:, 0]) > 0.5


def test_frames_in_a_pipeline():
    pandas = pytest.importorskip("pandas")
    scaler = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, MLPClassifier(**SMALL))
    model.fit(pandas.DataFrame(X, columns=list("abcd")), pandas.Series(CLASSES).astype(str))
    assert model[-1].feature_names_in_.tolist() == list("abcd")
    assert set(model.predict(pandas.DataFrame(X, columns=list("abcd")))) <= {"0", "1", "2"}


def test_routed_weights():
    with sklearn.config_context(enable_metadata_routing=True):
        small = MLPClassifier(**SMALL).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = make_pipeline(scaler, small)
        model.fit(X, CLASSES, sample_weight=WEIGHTS)
    alone = MLPClassifier(**SMALL)
    alone.fit(StandardScaler().fit_transform(X), CLASSES, sample_weight=WEIGHTS)
    assert model[-1].loss_curve_ == alone.loss_curve_


# --- warnings, errors, Ctrl-C ---------------------------------------------------------------------


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", -1), ("learning_rate_init", 0), ("learning_rate_init", "fast"), ("momentum", 2),
        ("batch_size", 0), ("shuffle", "no"), ("threads", 0), ("max_iter", 2.5), ("epsilon", 0),
        ("random_state", -1), ("random_state", 2**32), ("solver", "rmsprop"), ("beta_1", 1),
        ("activation", "sigmoid"), ("learning_rate", "falling"), ("validation_fraction", 1),
        ("tol", -1), ("n_iter_no_change", 0), ("verbose", "yes"), ("power_t", -1), ("max_fun", 0),
        ("hidden_layer_sizes", 0),
    ],
)  # fmt: skip
def test_bad_parameters(estimator, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {estimator.__name__} must be"):
        estimator(**{name: value}).fit(X, CLASSES)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"solver": "lbfgs"}, ValueError, "solver must be 'adam' or 'sgd'.*sklearn.neural_network"),
        ({"hidden_layer_sizes": (5, 0)}, ValueError, r"hidden_layer_sizes\[1\] must be an integer"),
        ({"hidden_layer_sizes": (2.5,)}, TypeError, r"hidden_layer_sizes\[0\] must be an integer"),
        ({"early_stopping": True, "validation_fraction": 0.0}, ValueError, "test_size"),
    ],
)
def test_bad_settings(estimator, settings, error, message):
    with pytest.raises(error, match=message):
        estimator(**settings).fit(X, CLASSES)


def test_bad_calls():
    with pytest.raises(ValueError, match=r"loss must be 'squared_error'.*MLPRegressor"):
        MLPRegressor("poisson").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="loss"):
        MLPRegressor("log_loss").fit(X, NUMBERS)
    for estimator in BOTH:
        with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
            estimator(early_stopping=True).partial_fit(X, CLASSES, **(
                {"classes": [0, 1, 2]} if estimator is MLPClassifier else {}
            ))  # fmt: skip
        with pytest.raises(NotFittedError):
            estimator().predict(X)
        with pytest.raises(ValueError, match=r"Negative values in data passed to .sample_weight"):
            estimator().fit(X, CLASSES, sample_weight=-WEIGHTS)
        with pytest.raises(ValueError, match=r"sum above 0|at least one non-zero"):
            estimator().fit(X, CLASSES, sample_weight=0 * WEIGHTS)
        with pytest.raises(ValueError, match="sample_weight must have a finite sum above 0, got"):
            estimator().fit(X, CLASSES, sample_weight=np.full(N, 1e308))
        with pytest.raises(ValueError, match="sample_weight"):
            estimator().fit(X, CLASSES, sample_weight=WEIGHTS[:-1])
        model = estimator(**SMALL, early_stopping=True, validation_fraction=0.01)
        with pytest.raises(ValueError, match=r"validation set is too small|test_size = 1"):
            model.fit(X, CLASSES)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        MLPClassifier().fit(X, NUMBERS[:, 0])
    with pytest.raises(ValueError, match="Unknown label type: multiclass-multioutput"):
        MLPClassifier().fit(X, np.array([[0, 1, 2]] * N))
    with pytest.raises(ValueError, match="y contains infinity"):
        MLPRegressor().fit(X, np.full(N, np.inf))
    for name, value in {"alpha": 1e39, "learning_rate_init": 1e39, "beta_2": 1 - 1e-12}.items():
        with pytest.raises(ValueError, match=f"^{name} must be "):
            MLPRegressor(**{name: value}).fit(X.astype(np.float32), NUMBERS)
    with pytest.raises(ValueError, match="y must be finite in float32"):
        MLPRegressor().fit(X.astype(np.float32), np.full(N, 1e39))


def test_classes_of_before():
    model = MLPClassifier(**SMALL)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, CLASSES)
    model.partial_fit(X, CLASSES, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        model.partial_fit(X, CLASSES, classes=[0, 1])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        model.partial_fit(X, CLASSES + 1)
    with pytest.raises(ValueError, match="y must be multiclass as in the fit before"):
        model.partial_fit(X, (NUMBERS > 0).astype(int))
    model.set_params(warm_start=True)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        model.fit(X, CLASSES % 2)
    model = MLPClassifier(**SMALL, warm_start=True).fit(X, (NUMBERS > 0).astype(int))
    with pytest.raises(ValueError, match="y must have 3 labels, got 2"):
        model.fit(X, (NUMBERS > 0).astype(int)[:, :2])


def test_what_does_not_go_on():
    model = MLPRegressor(**SMALL, warm_start=True).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="give the sizes of before"):
        model.fit(X, NUMBERS[:, :2])
    with pytest.raises(ValueError, match="4 features"):
        model.fit(X[:, :3], NUMBERS)
    model.set_params(hidden_layer_sizes=(6,))
    with pytest.raises(ValueError, match="hidden_layer_sizes and y must give the sizes of before"):
        model.fit(X, NUMBERS)
    model.set_params(hidden_layer_sizes=(5,), early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping must be False, as before"):
        model.fit(X, NUMBERS)
    model.set_params(early_stopping=False, solver="sgd", momentum=0.5)
    model.fit(X, NUMBERS).set_params(solver="adam").partial_fit(X, NUMBERS)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("estimator", BOTH)
def test_warnings_are_of_this_line(estimator):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(60\) reached") as found:
        estimator(**SMALL).fit(X, CLASSES)
    with pytest.warns(UserWarning, match="It is going to be clipped") as clipped:
        estimator(**SMALL | {"batch_size": 61}).fit(X, CLASSES)
    for each in found, clipped:
        assert {warning.filename for warning in each} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator(**SMALL, tol=0.5).fit(X, CLASSES)
        if estimator is MLPRegressor:
            estimator(**SMALL).partial_fit(X, CLASSES)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("estimator", BOTH)
def test_ctrl_c_ends_training(estimator, early, monkeypatch):
    model = estimator(**SMALL, early_stopping=early)
    expected = clone(model).fit(X, CLASSES)
    monkeypatch.setattr(descent, "progress_bar", interrupting_bar)
    with pytest.warns(UserWarning, match=r"Training interrupted by user\.") as found:
        model.fit(X, CLASSES)
    assert {warning.filename for warning in found} == {__file__}
    assert 1 <= model.n_iter_ < 60
    assert model.loss_curve_ == expected.loss_curve_[: model.n_iter_]
    assert model.t_ == model.n_iter_ * len(X) * (0.9 if early else 1)
    assert model.predict(X).shape == (N,)


def test_a_real_ctrl_c():
    """That of a shell comes while a kernel runs."""
    child = subprocess.Popen(
        [sys.executable, "-c",
         "import numpy as np; from fastxor.sklearn import MLPClassifier; X = np.eye(400);"
         "m = MLPClassifier((50,), max_iter=10**8, n_iter_no_change=10**8, verbose=True);"
         "y = np.arange(400) % 2; m.partial_fit(X, y, classes=[0, 1]); print('ready', flush=True);"
         "m.fit(X, y); print(m.n_iter_ == len(m.loss_curve_), m.score(X[:9], y[:9]))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.communicate(timeout=3)
    child.send_signal(signal.SIGINT)
    # its end waits for what compiles, at a low priority, which a busy machine leaves waiting
    said, errors = child.communicate(timeout=300)
    assert "Training interrupted by user." in errors
    assert said.startswith("True ")


def test_a_bar(capsys):
    MLPRegressor(**SMALL, verbose=True).fit(X, NUMBERS)
    said = capsys.readouterr()
    assert "60/60" in said.err
    assert said.out == ""
    MLPRegressor(**SMALL).fit(X, NUMBERS)
    assert capsys.readouterr().err == ""


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_package_alone_imports_neither_scikit_learn_nor_scipy():
    done = python(
        "import sys, fastxor; print({name.split('.')[0] for name in sys.modules}"
        " & {'fastxor', 'sklearn', 'scipy'})"
    )
    assert (done.stdout, done.stderr) == ("{'fastxor'}\n", "")


@pytest.mark.parametrize("missing", ["sklearn", "sklearn.base"])
def test_without_scikit_learn(missing):
    done = python(f"import sys; sys.modules[{missing!r}] = None; import fastxor.sklearn")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: fastxor.sklearn needs scikit-learn 1.6 or later: "
        'pip install "fastxor[sklearn]"'
    )
