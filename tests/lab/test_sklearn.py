"""The estimators keep scikit-learn's rules, and are `train` to the last bit."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_moons
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastxor import Diverged, Network, Run, train
from fastxor.agreement import same_bits
from fastxor.sklearn import SigmoidMLPClassifier, SigmoidMLPRegressor
from tests.conftest import FLOATS, samples

BOTH = [SigmoidMLPClassifier, SigmoidMLPRegressor]
IRIS = load_iris(return_X_y=True)
# mostly of the same sizes, so that few kernels are to be compiled
X, TARGETS = samples(40, 4, 3)
Y = TARGETS.argmax(axis=1)
SETTINGS = {  # none is a default, neither here nor of `train`
    "hidden_size": 5, "epochs": 7, "learning_rate": 0.3, "momentum": 0.5, "batch_size": 17,
    "shuffle": False, "init_range": 0.7, "dtype": "float32", "random_state": 11,
}  # fmt: skip


@parametrize_with_checks([estimator() for estimator in BOTH])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def trained(X, targets, random_state=0, init_range=None, **settings):
    """What `train` makes of an estimator's parameters, for targets from 0 to 1."""
    if init_range is None:
        init_range = 2 / np.sqrt(X.shape[1])
    return train(X, targets, seed=random_state, init="uniform", init_range=init_range, **settings)


def bits(fitted):
    """Of a `Run`'s or a fitted estimator's network and losses: to be compared."""
    if isinstance(fitted, Run):
        arrays = *fitted.network.arrays, fitted.losses
    else:
        arrays = *fitted.network_.arrays, fitted.loss_curve_
    return [(array.dtype, array.shape, array.tobytes()) for array in arrays]


@pytest.mark.parametrize(
    "changes",
    [{}, {"dtype": "float64"}, {"shuffle": True}, {"init_range": None}, {"batch_size": None}],
    ids=str,
)
def test_networks_are_those_of_train(changes):
    settings = SETTINGS | changes
    model = SigmoidMLPClassifier(**settings).fit(X, Y)
    assert bits(model) == bits(trained(X, np.eye(3)[Y], **settings))
    assert model.loss_curve_.dtype == settings["dtype"]
    assert model.n_iter_ == 7

    targets = 2.0 ** np.arange(3) * TARGETS  # of three scales
    targets[:2] = [[0.25] * 3, [-0.25] * 3]
    model = SigmoidMLPRegressor(**settings).fit(X, targets)
    low, high = targets.min(axis=0), targets.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    run = trained(X, 0.5 + 0.4 * (targets - middle) / half, **settings)
    assert bits(model) == bits(run)
    outputs = run.network.predict_proba(X).astype(float)
    assert same_bits(model.predict(X), middle + half * (outputs - 0.5) / 0.4)
    assert same_bits(model.target_min_, low)
    assert same_bits(model.target_max_, high)


def test_defaults():
    documented = {
        "hidden_size": 16, "epochs": 200, "learning_rate": 0.05, "momentum": 0.0, "batch_size": 32,
        "shuffle": True, "dtype": "float64",
    }  # fmt: skip
    run = trained(X, np.eye(3)[Y], **documented)
    assert bits(SigmoidMLPClassifier(random_state=0).fit(X, Y)) == bits(run)
    others = {"init_range": None, "threads": None, "random_state": None}
    for estimator in BOTH:
        assert estimator().get_params() == documented | others


@pytest.mark.parametrize("labels", [[0, 1], [5, -2], ["no", "yes"], [False, True]], ids=str)
def test_two_classes_share_one_output(labels):
    classes, second, settings = np.unique(labels), X[:, 0] > 0, SETTINGS | {"epochs": 100}
    model = SigmoidMLPClassifier(**settings).fit(X, classes[second * 1])
    run = trained(X, second, **settings)
    assert bits(model) == bits(run)
    assert model.classes_.tolist() == classes.tolist()
    outputs = run.network.predict_proba(X)[:, 0].astype(float)
    assert same_bits(model.predict_proba(X), np.stack([1 - outputs, outputs], axis=1))
    assert model.predict(X).tolist() == classes[(outputs > 0.5) * 1].tolist()
    assert model.score(X, classes[second * 1]) > 0.9


def test_of_more_classes_the_largest_output_counts():
    model = SigmoidMLPClassifier(random_state=0).fit(IRIS[0], np.array(["a", "c", "b"])[IRIS[1]])
    outputs = model.network_.predict_proba(IRIS[0])
    assert same_bits(model.predict_proba(IRIS[0]), outputs / outputs.sum(axis=1, keepdims=True))
    assert model.predict(IRIS[0]).tolist() == model.classes_[outputs.argmax(axis=1)].tolist()
    assert model.score(IRIS[0], np.array(["a", "c", "b"])[IRIS[1]]) > 0.9


@pytest.mark.parametrize("dtype", FLOATS)
def test_probabilities_where_no_class_is_likely(dtype):
    """Outputs end above 0, so their sum can be divided by."""
    model = SigmoidMLPClassifier(**SETTINGS).fit(X, Y)
    arrays = [np.zeros_like(array, dtype) for array in model.network_.arrays]
    model.network_ = Network(*arrays[:3], np.full_like(arrays[3], -1e30))
    assert 0 < model.network_.predict_proba(X).max() < 1e-37
    assert (model.predict_proba(X) == 1 / 3).all()
    assert (model.predict(X) == 0).all()


def test_several_labels_for_each_sample():
    labels = (X[:, :3] > 0).astype(int)
    assert {0, 2, 3} <= set(labels.sum(axis=1))
    assert get_tags(SigmoidMLPClassifier()).classifier_tags.multi_label
    model = SigmoidMLPClassifier(hidden_size=5, epochs=500, random_state=0).fit(X, labels)
    run = trained(
        X, labels, hidden_size=5, epochs=500, learning_rate=0.05, batch_size=32, shuffle=True
    )
    assert bits(model) == bits(run)
    assert same_bits(model.predict_proba(X), run.network.predict_proba(X))
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict(X).tolist() == (run.network.predict_proba(X) > 0.5).tolist()
    assert (model.predict(X) == labels).mean() > 0.9
    sparse = clone(model).fit(X, csr_array(labels))
    assert bits(sparse) == bits(run)
    assert (sparse.predict(X) != csr_array(model.predict(X))).nnz == 0


def test_predictions_of_a_regressor_have_the_shape_of_its_targets():
    model = SigmoidMLPRegressor(**SETTINGS)
    flat = model.fit(X, TARGETS[:, 0]).predict(X)
    assert flat.shape == (40,)
    assert same_bits(flat[:, None], model.fit(X, TARGETS[:, :1]).predict(X))
    assert model.fit(X, TARGETS).predict(X[:7]).shape == (7, 3)


def test_predictions_are_scaled_from_outputs():
    """From 0.1 to 0.9, the targets' range; from 0 to 1, an eighth more on both sides."""
    model = SigmoidMLPRegressor(**SETTINGS).fit(X, np.where(X > 0, 11, 3)[:, :3])
    zeros = [np.zeros_like(array) for array in model.network_.arrays]
    outputs = {-1e30: 2, -np.log(9): 3, 0: 7, np.log(9): 11, 1e30: 12}
    for bias, prediction in outputs.items():
        model.network_ = Network(*zeros[:3], np.full_like(zeros[3], bias))
        assert model.predict(X) == pytest.approx(np.full((40, 3), prediction), rel=1e-6)


@pytest.mark.parametrize("constant", [0, 1e-300, -7.3, 1e300])
def test_a_constant_target_is_predicted_as_it_is(constant):
    model = SigmoidMLPRegressor(**SETTINGS)
    assert (model.fit(X, np.full(40, constant)).predict(X) == constant).all()
    both = np.stack([np.full(40, constant), TARGETS[:, 0], TARGETS[:, 1]], axis=1)
    predictions = model.fit(X, both).predict(X)
    assert (predictions[:, 0] == constant).all()
    assert (predictions[:, 1:].std(axis=0) > 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**1000], ids=["tiny", "huge"])
def test_targets_of_any_scale(scale, dtype):
    """A power of two changes no bit, also where numbers of float32 end."""
    settings = SETTINGS | {"dtype": dtype}
    model = SigmoidMLPRegressor(**settings).fit(X, TARGETS)
    scaled = clone(model).fit(X, TARGETS * scale)
    assert same_bits(scaled.predict(X), model.predict(X) * scale)


def test_a_range_that_overflows():
    y = np.zeros(40)
    y[:2] = 1e308, -1e308
    assert np.isfinite(SigmoidMLPRegressor(**SETTINGS).fit(X, y).predict(X)).all()


@pytest.mark.parametrize("estimator", BOTH)
def test_random_state(estimator):
    def fitted(random_state):
        return estimator(**SETTINGS | {"random_state": random_state}).fit(X, Y)

    random = np.random.RandomState(0)
    seeds = np.random.RandomState(0).randint(2**32, size=2, dtype=np.uint32).tolist()
    for seed in seeds:  # other ones from fit to fit
        assert bits(fitted(random)) == bits(fitted(seed))
    np.random.seed(0)  # what None stands for
    assert bits(fitted(None)) == bits(fitted(seeds[0]))
    assert bits(fitted(None)) != bits(fitted(seeds[0]))
    assert bits(fitted(np.int64(7))) == bits(fitted(7))


def test_the_largest_seed():
    settings = SETTINGS | {"random_state": 2**32 - 1}
    run = trained(X, np.eye(3)[Y], **settings)
    assert bits(SigmoidMLPClassifier(**settings).fit(X, Y)) == bits(run)


@pytest.mark.parametrize("estimator", BOTH)
def test_copies(estimator, tmp_path):
    model = estimator(**SETTINGS).fit(X, Y)
    joblib.dump(model, tmp_path / "model")
    copies = [
        pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model"), clone(model).fit(X, Y),
    ]  # fmt: skip
    for copy in copies:
        assert bits(copy) == bits(model)
        assert same_bits(copy.predict(X), model.predict(X))
    assert not hasattr(clone(model), "network_")


DATA = {  # and the least mean accuracy, or R2, of samples left out
    "iris": (SigmoidMLPClassifier, IRIS, 0.95),
    "breast cancer": (SigmoidMLPClassifier, load_breast_cancer(return_X_y=True), 0.96),
    "digits": (SigmoidMLPClassifier, load_digits(return_X_y=True), 0.95),
    "moons": (SigmoidMLPClassifier, make_moons(400, noise=0.15, random_state=0), 0.95),
    "diabetes": (SigmoidMLPRegressor, load_diabetes(return_X_y=True), 0.47),
}


@pytest.mark.parametrize("name", DATA)
def test_the_defaults_learn(name):
    estimator, data, least = DATA[name]
    folds = KFold if estimator is SigmoidMLPRegressor else StratifiedKFold
    cv = folds(5, shuffle=True, random_state=0)
    scores = [
        cross_val_score(make_pipeline(StandardScaler(), estimator(random_state=seed)), *data, cv=cv)
        for seed in (0, 1, 0)
    ]
    print(name, *(f"{each.mean():.3f} +- {each.std():.3f}" for each in scores[:2]), sep=", ")
    assert min(each.mean() for each in scores) > least
    assert same_bits(scores[0], scores[2])


def test_a_grid_search():
    """With two processes as with one; a divergence is a failed fit, of score NaN."""
    model = make_pipeline(StandardScaler(), SigmoidMLPClassifier(**SETTINGS))
    grid = {
        "sigmoidmlpclassifier__learning_rate": [1e-9, 0.3],
        "sigmoidmlpclassifier__momentum": [0.5, 1e6],
    }
    found = []
    for n_jobs in 1, 2:
        search = GridSearchCV(model, grid, cv=3, n_jobs=n_jobs)
        with (
            pytest.warns(FitFailedWarning, match="training overflowed to infinity or NaN"),
            pytest.warns(UserWarning, match="test scores are non-finite"),
        ):
            found.append(search.fit(*IRIS))
    one, two = found
    scores = one.cv_results_["mean_test_score"]
    assert np.isnan(scores).tolist() == [False, True, False, True]
    assert one.best_index_ == 2
    assert same_bits(scores, two.cv_results_["mean_test_score"])
    assert bits(one.best_estimator_[-1]) == bits(two.best_estimator_[-1])


def test_names_of_features():
    table = pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))
    model = SigmoidMLPClassifier(**SETTINGS).fit(table, Y)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert bits(model) == bits(clone(model).fit(X, Y))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[list("abdc")])


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 0), ("epochs", 2.5), ("learning_rate", "fast"), ("momentum", np.nan),
        ("batch_size", 0), ("shuffle", 1), ("init_range", -1), ("threads", 0), ("dtype", "int"),
        ("random_state", -1), ("random_state", True), ("random_state", 2**32),
    ],
)  # fmt: skip
def test_bad_parameters(estimator, name, value):
    with pytest.raises((TypeError, ValueError)) as raised:
        estimator(**{name: value}).fit(X, Y)
    said = str(raised.value)
    assert (said.startswith(f"{name} must be "), said.endswith(f", got {value!r}")) == (True, True)


@pytest.mark.parametrize(
    ("estimator", "y", "error", "message"),
    [
        (SigmoidMLPClassifier, np.full(40, 3), ValueError, "y must have at least two classes"),
        (SigmoidMLPClassifier, TARGETS[:, 0], ValueError, "Unknown label type: continuous"),
        (SigmoidMLPClassifier, np.array([[0, 1, 2]] * 40), ValueError, "Multioutput target data"),
        (SigmoidMLPRegressor, csr_array(TARGETS), TypeError, "y must hold real numbers"),
        (SigmoidMLPRegressor, np.full(40, np.inf), ValueError, "y contains infinity"),
    ],
)
def test_bad_targets(estimator, y, error, message):
    with pytest.raises(error, match=message):
        estimator().fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_samples_too_large_for_the_dtype():
    huge = np.where(X > 0, 1e39, 0)
    SigmoidMLPClassifier(**SETTINGS | {"dtype": "float64"}).fit(huge, Y)
    with pytest.raises(ValueError, match=r"X contains .*too large for dtype\('float32'\)"):
        SigmoidMLPClassifier(**SETTINGS | {"dtype": "float32"}).fit(huge, Y)
    model = SigmoidMLPClassifier(**SETTINGS | {"dtype": "float32"}).fit(X, Y)
    with pytest.raises(ValueError, match=r"X contains .*too large for dtype\('float32'\)"):
        model.predict(huge)


@pytest.mark.parametrize("estimator", BOTH)
def test_divergence(estimator):
    with pytest.raises(Diverged, match=r"nearer to zero than 0\.3, a momentum") as raised:
        estimator(**SETTINGS | {"momentum": 1e9}).fit(X, Y)
    assert len(raised.value.run.losses) == raised.value.epoch > 0


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
