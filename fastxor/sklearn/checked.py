"""`Checked`: parameters and data of all estimators, and their checks."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastxor.common.checks import Array
from fastxor.sklearn.translation import OURS


class Checked(BaseEstimator):
    """A class below has `targets.Classes` or `Numbers` beside it."""

    _parameter_constraints = {  # noqa: RUF012
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(OURS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "threads": [None, Interval(Integral, 1, None, closed="left")],
    }

    def _set(self, given: dict[str, Any]) -> None:
        """Take over what ``__init__`` was given, its local variables."""
        self.__dict__.update((name, value) for name, value in given.items() if name != "self")

    def _validated(self, X: Any, y: Any, begins: bool, incremental: bool) -> tuple[Array, Array]:
        """X (n, I) of float64 or float32, and targets (n, O)."""
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, reset=begins,
            dtype=(np.float64, np.float32), y_numeric=self._loss == "mse",
        )  # fmt: skip
        return dense(X), self._targets(y, begins, incremental)

    def _weights(self, sample_weight: Any, X: Array) -> Array | None:
        """Those of samples, (n,), if any are given."""
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _tell(self, sizes: tuple[int, ...]) -> None:
        """What layers there are."""
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "logistic" if self._output == "sigmoid" else self._output

    def _warn(self, where: str) -> None:
        """That training might have gone on."""
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
            f"optimization hasn't converged yet{where}.", ConvergenceWarning, stacklevel=6,
        )  # fmt: skip


def dense(X: Any) -> Array:
    """X as an array, be it sparse or not."""
    return X if isinstance(X, np.ndarray) else X.toarray()
