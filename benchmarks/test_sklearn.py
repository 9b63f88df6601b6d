"""What fit() of an estimator costs, against scikit-learn's own, on iris and breast cancer.

The same settings: 8 logistic hidden units, epochs, batches, shuffling, learning rate (that of
scikit-learn is for the mean over a batch, ours for the sum); no momentum, penalty, early stopping.
Not the same: scikit-learn has a log loss, a softmax for three classes and other starting weights.
So that no speed is bought with quality, the accuracy of both is told. Features have unit scale.
"""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from fastxor import reference
from fastxor.agreement import same_bits
from fastxor.benchmarking import cases
from fastxor.benchmarking.cases import Case
from fastxor.common.checks import Array

pytest.importorskip("sklearn", "1.6")

TABLE = "iris and breast cancer"
ACCURACY = "accuracy: training / left out"
CASES = [
    Case(n, sizes, dtype, batch_size)
    for n, sizes in ((150, (4, 8, 3)), (569, (30, 8, 1)))
    for batch_size in (None, 32)
    for dtype in cases.DTYPES
]


def data(case: Case) -> tuple[Array, Array]:
    from sklearn import datasets, preprocessing

    load = datasets.load_iris if case.n == 150 else datasets.load_breast_cancer
    X, y = load(return_X_y=True)
    return preprocessing.scale(X).astype(case.dtype), y


def model(case: Case, engine: str, epochs: int, seed: int = 0, share: float = 1) -> Any:
    """An estimator for a `share` of the samples."""
    from sklearn.neural_network import MLPClassifier

    from fastxor.sklearn import SigmoidMLPClassifier

    hidden_size, batch_size = case.sizes[1], case.batch_size or math.ceil(share * case.n)
    rate = 1.6  # for the mean over a batch; with 32 samples our default
    if engine == "fastxor":
        return SigmoidMLPClassifier(
            hidden_size=hidden_size, epochs=epochs, learning_rate=rate / batch_size,
            batch_size=batch_size, dtype=case.dtype, random_state=seed,
        )  # fmt: skip
    return MLPClassifier(
        (hidden_size,), activation="logistic", solver="sgd", max_iter=epochs, tol=0,
        n_iter_no_change=epochs, learning_rate_init=rate, momentum=0,
        nesterovs_momentum=False, alpha=0, batch_size=batch_size, random_state=seed,
    )  # fmt: skip


@cache
def accuracies(case: Case, epochs: int, seeds: int) -> str:
    """Of both, on the samples of a training and on those left out; means of folds and seeds."""
    from sklearn.model_selection import StratifiedKFold, cross_validate

    X, y = data(case)
    said = []
    for engine in ("scikit-learn", "fastxor"):
        scores: dict[str, list[float]] = {"train_score": [], "test_score": []}
        for seed in range(seeds):
            found = cross_validate(
                model(case, engine, epochs, seed, 0.8), X, y, return_train_score=True,
                cv=StratifiedKFold(5, shuffle=True, random_state=seed), error_score="raise",
            )  # fmt: skip
            for name, values in scores.items():
                values.extend(found[name])
        said.append(
            f"{engine} {' / '.join(f'{np.mean(values):.3f}' for values in scores.values())}"
        )
    return ", ".join(said)


@cache
def checked(case: Case, engine: str) -> str:
    if engine != "fastxor":
        return "trains another loss, so not compared"
    (X, y), epochs = data(case), 2
    found = model(case, engine, epochs).fit(X, y)
    expected = reference.train(
        X, np.eye(3)[y] if case.sizes[2] == 3 else y, hidden_size=case.sizes[1], epochs=epochs,
        learning_rate=found.learning_rate, batch_size=found.batch_size, shuffle=True, seed=0,
        init="uniform", init_range=2 / np.sqrt(case.sizes[0]), dtype=case.dtype,
    )  # fmt: skip
    for pair in zip(found.network_.arrays, expected.network.arrays, strict=True):
        if not same_bits(*pair):
            raise AssertionError(f"{case}: the network differs from the reference's")
    return "bits"


@pytest.mark.benchmark(group=TABLE)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # folds may have one sample less
@pytest.mark.parametrize("engine", ["fastxor", "scikit-learn"])
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=[pytest.mark.large] * (case.sizes[0] > 4))
        for case in CASES
    ],
)
def test_fit(benchmark: Any, case: Case, engine: str) -> None:
    # a batch of all samples is but one update in an epoch
    epochs = 2 if benchmark.disabled else 200 if case.batch_size else 1_000
    X, y = data(case)
    said = checked(case, engine)
    estimator = model(case, engine, epochs)
    benchmark.pedantic(lambda: estimator.fit(X, y), rounds=9, warmup_rounds=1)
    assert estimator.n_iter_ == epochs
    accuracy = accuracies(case, epochs, 1 if benchmark.disabled else 3)
    if not benchmark.disabled:
        stats = benchmark.stats.stats
        benchmark.extra_info |= cases.record(
            TABLE, engine, case, epochs, (stats.min, stats.median), checked=said,
            **{ACCURACY: accuracy},
        )  # fmt: skip
