"""Training of the same size in scikit-learn."""

import warnings
from typing import Any

import numpy as np

from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """The nearest that scikit-learn has; its losses are of another network, not to be compared.

    A regressor has no sigmoid at its output and a classifier no squared error, and neither
    takes starting weights or leaves out biases. The work of an epoch is about the same.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, y = case.data()
    settings = {
        "hidden_layer_sizes": case.sizes[1:-1], "solver": "sgd",
        "activation": {"sigmoid": "logistic"}.get(str(case.activation), case.activation),
        "momentum": 0, "nesterovs_momentum": False, "shuffle": False, "alpha": 0, "tol": 0,
        "batch_size": min(case.batch_size or case.n, case.n), "max_iter": epochs,
        "n_iter_no_change": 10**9, "random_state": 0,
        "learning_rate_init": 1e-3,  # without a sigmoid at the output more may diverge
    }  # fmt: skip

    def fit(model: Any, targets: Array) -> Training:
        def training() -> Array:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                return np.array(model(**settings).fit(X, targets).loss_curve_)

        return training

    found = {"MLPRegressor": fit(MLPRegressor, y.ravel() if y.shape[1] == 1 else y)}
    classes = y.argmax(1) if y.shape[1] > 1 else (y[:, 0] > 0.5).astype(int)
    if len(set(classes)) > 1:
        found["MLPClassifier"] = fit(MLPClassifier, classes)
    return found
