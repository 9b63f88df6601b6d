"""`MLPClassifier` and `MLPRegressor`: their parameters and methods."""

from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import unique_labels

from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.sklearn.base import Perceptron
from fastxor.sklearn.labels import Labels
from fastxor.sklearn.targets import Classes, Numbers


class MLPClassifier(Classes, Perceptron):
    """scikit-learn's `sklearn.neural_network.MLPClassifier`, faster; see `fastxor.sklearn`.

    Two classes share one sigmoid output, of more each has an output of a softmax; a sample may
    also have any number of labels, y (n, labels) of 0 and 1, with a sigmoid each.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        threads: int | None = None,
    ) -> None:
        """The parameters are scikit-learn's, where nothing else is said.

        solver: "adam" or "sgd"; "lbfgs" is refused.
        verbose: show a progress bar on standard error.
        max_fun: unused, as scikit-learn's is by these solvers.
        threads: at most so many, by default as many as there are cores; a batch is shared where
            that pays, from 128 samples on. With several fits at once, as by n_jobs=-1, take 1.
        """
        self._set(locals())

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPClassifier":
        """Train on X (n, I), dense or sparse, and classes y (n,), or labels y (n, k) of 0 and 1.

        In float32 where X is, else in float64. sample_weight: (n,), at least 0. Raises ValueError
        or TypeError for bad data or parameters and, from `fastxor.Diverged`, where training leaves
        the finite numbers; Ctrl-C warns, and ends training.
        """
        return self._fit(X, y, sample_weight)

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Train one epoch from where training ended, see `fit`.

        classes: (k,), all there are; needed at first, and may be left out afterwards.
        """
        known = getattr(self, "classes_", None)
        if known is None:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._labels = Labels.of_classes(classes, y)
            self.classes_ = unique_labels(classes)
        elif classes is not None and not np.array_equal(known, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{known!r}"
            )
        return self._fit(X, y, sample_weight, incremental=True)

    @ieee_arithmetic()
    def predict(self, X: Any) -> Any:
        """The classes (n,) of X (n, I); or its labels (n, k), each 1 if above 0.5."""
        return self._said(self._outputs(X))

    @ieee_arithmetic()
    def predict_proba(self, X: Any) -> Array:
        """The probabilities (n, classes) for X (n, I), or those of labels (n, k)."""
        return self._probabilities(self._outputs(X))

    @ieee_arithmetic()
    def predict_log_proba(self, X: Any) -> Array:
        """Their logarithms."""
        return np.asarray(np.log(self.predict_proba(X)))


class MLPRegressor(Numbers, Perceptron):
    """scikit-learn's `sklearn.neural_network.MLPRegressor`, faster; see `fastxor.sklearn`."""

    _parameter_constraints = {  # noqa: RUF012
        **Perceptron._parameter_constraints, "loss": [StrOptions({"squared_error", "poisson"})]
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        threads: int | None = None,
    ) -> None:
        """See `MLPClassifier`.

        loss: "squared_error", half of it; "poisson" is refused.
        """
        self._set(locals())

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Train on X (n, I), dense or sparse, and targets y (n,) or (n, O).

        See `MLPClassifier.fit`.
        """
        return self._fit(X, y, sample_weight)

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Train one epoch from where training ended, see `fit`."""
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, y: Any, begins: bool, incremental: bool) -> Array:
        if self.loss == "poisson":
            raise ValueError(
                "loss must be 'squared_error': for 'poisson' take scikit-learn's own "
                "sklearn.neural_network.MLPRegressor"
            )
        return super()._targets(y, begins, incremental)

    @ieee_arithmetic()
    def predict(self, X: Any) -> Array:
        """The targets (n,) or (n, O) for X (n, I)."""
        return self._said(self._outputs(X))
