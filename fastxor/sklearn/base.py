"""`Perceptron`: what classifier and regressor have in common."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from fastxor.networks.predictions import outputs_of
from fastxor.networks.starting import random_state as seeded
from fastxor.runs.problem import Problem
from fastxor.sklearn.checked import Checked, dense
from fastxor.sklearn.descent import Descent
from fastxor.sklearn.translation import (
    hidden_sizes,
    network_of,
    problem_of,
    starting_arrays,
)


class Perceptron(Checked):
    """Starts, and what `train` is to make of them."""

    coefs_: list[Array]
    intercepts_: list[Array]
    loss_curve_: list[float]
    best_loss_: Any  # float or None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    _rate: float | None  # of the next epoch; None for that to begin with
    _carried: tuple[str, Array] | None  # what the optimizer carries: its kind, and the numbers

    @property
    def network_(self) -> Network:
        """The fitted network, a copy: what ``coefs_`` and ``intercepts_`` make."""
        return network_of(self.coefs_, self.intercepts_, self.activation, self._output)

    def _outputs(self, X: Any) -> Array:
        """The outputs (n, O) of the fitted network."""
        check_is_fitted(self)
        network = self.network_
        X = validate_data(
            self, X, accept_sparse=["csr", "csc"], dtype=network.dtype, reset=False
        )  # fmt: skip
        return network.predict_proba(dense(X), self.threads)

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool = False) -> Any:
        """Train from the start or, where that is wanted, go on."""
        if self.solver == "lbfgs":
            raise ValueError(
                "solver must be 'adam' or 'sgd': for 'lbfgs' take scikit-learn's own "
                f"sklearn.neural_network.{type(self).__name__}"
            )
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        begins = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._validated(X, y, begins, incremental)
        random: Any = self.random_state
        # to seed this thread's own takes 2 us, to make one 130 us
        random = seeded(int(random)) if isinstance(random, Integral) else check_random_state(random)
        sizes = (X.shape[1], *hidden_sizes(self), y.shape[1])
        if begins:
            self._begin(sizes, X.dtype, random)
        else:
            self._go_on(sizes, incremental)
        weights, score = self._weights(sample_weight, X), None
        if self.early_stopping:
            X, y, weights, score = self._split(X, y, weights, random)
        problem = self._problem(X, y, weights, random)
        descent = Descent(self, problem, score)
        if not descent.train(1 if incremental else self.max_iter) and not incremental:
            self._warn("")
        return self

    def _begin(self, sizes: tuple[int, ...], dtype: Any, random: Any) -> None:
        """Start as scikit-learn does, with the same numbers from ``random``."""
        self.coefs_, self.intercepts_ = starting_arrays(self.activation, sizes, dtype, random)
        self._carried = self._rate = None
        self._tell(sizes)
        self.t_, self.loss_curve_, self._no_improvement_count = 0, [], 0
        early = self.early_stopping
        self.best_loss_ = None if early else np.inf
        self.validation_scores_, self.best_validation_score_ = (
            ([], -np.inf) if early else (None,) * 2
        )

    def _go_on(self, sizes: tuple[int, ...], incremental: bool) -> None:
        """From where training ended, an optimizer begins anew except with `partial_fit`."""
        before = (*(len(coef) for coef in self.coefs_), self.n_outputs_)
        if before != sizes:
            raise ValueError(
                f"hidden_layer_sizes and y must give the sizes of before, {before} (features, "
                f"hidden units, outputs), got {sizes}"
            )
        if self.early_stopping == (self.validation_scores_ is None):
            raise ValueError(
                f"early_stopping must be {not self.early_stopping}, as before, to go on, got "
                f"{self.early_stopping}"
            )
        if not incremental:
            self._carried = self._rate = None

    def _split(self, X: Array, y: Array, weights: Any, random: Any) -> tuple[Any, ...]:
        """X, y and weights to train with, and the score by the others."""
        given = [X, y] if weights is None else [X, y, weights]
        stratify = y[:, 0] if self._loss == "log_loss" and self.n_outputs_ == 1 else None
        parts = train_test_split(
            *given, test_size=self.validation_fraction, random_state=random, stratify=stratify
        )
        X_left, y_left, *weights_left = parts[1::2]
        if len(X_left) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        architecture, weights_of = self.network_.architecture, [*weights_left, None][0]

        def score(parameters: Array) -> float:
            (outputs,), _ = outputs_of(parameters[None], architecture, X_left, self.threads)
            finite = np.isfinite(outputs).all()
            return float(self._score(y_left, outputs, weights_of)) if finite else np.nan

        return (*parts[:4:2], parts[4] if weights_left else None, score)

    def _problem(self, X: Array, y: Array, weights: Any, random: Any) -> Problem:
        """What is to be trained from where the model is."""
        if self._rate is None:
            self._rate = float(self.learning_rate_init)
        start = self.network_
        problem = problem_of(self, start, self._loss, self._rate, X, y, weights, random)
        if self._carried and self._carried[0] == problem.settings.carries:
            carried: dict[str, Any] = dict([self._carried])
            problem = problem._replace(start=problem.start._replace(**carried))
        return problem

    def _take(self, architecture: Architecture, parameters: Array) -> None:
        """Be the network with these ``parameters`` (size,)."""
        arrays = architecture.cut(parameters)
        self.coefs_, self.intercepts_ = arrays[::2], [b[0] for b in arrays[1::2]]
