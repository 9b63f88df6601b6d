"""What fit() of `fastxor.sklearn` costs beside scikit-learn's own, on five of its data sets.

Both have the same parameters: scikit-learn's defaults, and smaller networks in smaller batches, as
who has so few samples may want them. So that no speed is bought with quality, the accuracy, or R2,
of both is told, on a quarter of the samples that is left out, the mean of 20 seeds, each of another
split and other starts; they must be no further apart than a standard error. Features have unit
scale.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastxor.benchmarking import cases
from fastxor.benchmarking.case import Case
from fastxor.common.checks import Array

pytest.importorskip("sklearn", "1.6")

TABLE = "estimators"
SCORES = "accuracy or R2"
ENGINES = ("fastxor", "scikit-learn")
OUTPUTS = {"iris": 3, "wine": 3, "breast cancer": 1, "diabetes": 1, "digits": 10}
CHOICES = ({}, {"hidden_layer_sizes": (16,)}, {"hidden_layer_sizes": (16,), "batch_size": 32})


class Fit(NamedTuple):
    """Of an estimator: parameters by their place in `CHOICES`."""

    name: str
    choice: int
    share: int = 1  # each so many-th sample

    def data(self) -> tuple[Array, Array]:
        from sklearn import datasets, preprocessing

        load = getattr(datasets, f"load_{self.name.replace(' ', '_')}")
        X, y = load(return_X_y=True)
        return preprocessing.scale(X)[:: self.share], y[:: self.share]

    def model(self, engine: str, **settings: Any) -> Any:
        from sklearn import neural_network

        from fastxor import sklearn as ours

        kind = "MLPRegressor" if self.name == "diabetes" else "MLPClassifier"
        if self.name == "diabetes":  # or 200 epochs are too few for both
            settings = {"learning_rate_init": 0.01} | settings
        library = ours if engine == "fastxor" else neural_network
        return getattr(library, kind)(**CHOICES[self.choice] | settings)

    @property
    def case(self) -> Case:
        X, _ = self.data()
        estimator = self.model("fastxor")
        output, loss = "identity", "mse"
        if self.name != "diabetes":
            output, loss = "sigmoid" if OUTPUTS[self.name] == 1 else "softmax", "log_loss"
        sizes = X.shape[1], *estimator.hidden_layer_sizes, OUTPUTS[self.name]
        batch_size = 200 if estimator.batch_size == "auto" else estimator.batch_size
        return Case(
            len(X), sizes, "float64", None if batch_size >= len(X) else batch_size,
            activation="relu", output=output, loss=loss, optimizer="adam",
        )  # fmt: skip

    def __str__(self) -> str:
        units = self.model("fastxor").hidden_layer_sizes[0]
        return f"{self.name}, n={self.case.n}, {units} units, {self.model('fastxor').batch_size}"


FITS = [Fit("iris", 1, share=3), *(Fit(name, k) for name in OUTPUTS for k in range(len(CHOICES)))]


@cache
def scores(fit: Fit, seeds: int) -> str:
    """Of both, on samples left out; raises AssertionError where ours are worse."""
    from sklearn.model_selection import train_test_split

    (X, y), found = fit.data(), {}
    for engine in ENGINES:
        values = []
        for seed in range(seeds):
            parts = train_test_split(X, y, random_state=seed)
            model = fit.model(engine, random_state=seed).fit(parts[0], parts[2])
            values.append(model.score(parts[1], parts[3]))
        found[engine] = np.array(values)
    ours, theirs = found.values()
    error = theirs.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else 1.0
    if abs(ours.mean() - theirs.mean()) > error:
        raise AssertionError(f"{fit}: {ours.mean():.4f}, not {theirs.mean():.4f} +- {error:.4f}")
    return f"fastxor {ours.mean():.3f}, scikit-learn {theirs.mean():.3f} ± {error:.3f}"


@cache
def checked(fit: Fit) -> str:
    """From the same starts, and by batches of the same samples, both have the same losses."""
    (X, y), settings = fit.data(), {"shuffle": False, "random_state": 0, "max_iter": 5}
    ours, theirs = (fit.model(engine, **settings).fit(X, y).loss_curve_ for engine in ENGINES)
    difference = float(np.abs(np.array(ours) / theirs - 1).max())
    if not difference < 1e-9:
        raise AssertionError(f"{fit}: losses differ by {difference:.1e}")
    return "each other's losses, within 1e-9, without shuffling"


@pytest.mark.benchmark(group=TABLE)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "fit",
    [
        pytest.param(fit, id=str(fit), marks=[pytest.mark.large] * (fit.name != "iris"))
        for fit in FITS
    ],
)
def test_fit(benchmark: Any, fit: Fit, engine: str) -> None:
    (X, y), said = fit.data(), checked(fit)
    model = fit.model(engine, random_state=0, **({"max_iter": 2} if benchmark.disabled else {}))
    rounds = 3 if engine == "scikit-learn" and len(X) > 1_000 else 9
    benchmark.pedantic(lambda: model.fit(X, y), rounds=rounds, warmup_rounds=1)
    found = scores(fit, 1 if benchmark.disabled else 20)
    if not benchmark.disabled:
        stats = benchmark.stats.stats
        benchmark.extra_info |= cases.record(
            TABLE, engine, fit.case, model.n_iter_, (stats.min, stats.median), checked=said,
        ) | {
            "data": fit.name, SCORES: found, "per": "fit", "ns": stats.min * 1e9,
            "ns_median": stats.median * 1e9,
        }  # fmt: skip
