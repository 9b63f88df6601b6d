"""`Grouped`: what the estimators of a network for each group have in common."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.progress import progress_bar
from fastxor.forks import not_forking
from fastxor.networks.stack import Networks
from fastxor.networks.starting import random_state as seeded
from fastxor.runs.groups import numbered, outputs_of_each, places_among, split_column
from fastxor.runs.problem import Problem
from fastxor.runs.samples import Data, Ranges, plain
from fastxor.sklearn.checked import Checked, dense
from fastxor.sklearn.descent import NOT_FINITE
from fastxor.sklearn.translation import OURS, hidden_sizes, network_of, problem_of, starting_arrays

NAMES = (
    "hidden_layer_sizes", "activation", "alpha", "batch_size", "learning_rate_init", "max_iter",
    "shuffle", "random_state", "tol", "verbose", "momentum", "nesterovs_momentum", "beta_1",
    "beta_2", "epsilon", "n_iter_no_change", "threads",
)  # fmt: skip


class Grouped(Checked):
    """Samples by their groups, and what becomes of a network for each."""

    groups_: Array | None
    n_iter_: Array
    loss_: Array
    best_loss_: Array

    _parameter_constraints = {  # noqa: RUF012
        **{name: Checked._parameter_constraints[name] for name in NAMES},
        "solver": [StrOptions({"sgd", "adam"})],
    }

    @property
    def networks_(self) -> Networks:
        """The fitted networks (groups,), in the order of ``groups_``."""
        arrays = []
        for coef, intercept in zip(self.coefs_, self.intercepts_, strict=True):
            arrays += [coef, intercept[:, None]]
        return Networks(*arrays, activation=OURS[self.activation], output=self._output)

    def _fit_groups(self, X: Any, y: Any, groups: Any, sample_weight: Any) -> Any:
        self._column = groups if isinstance(groups, str) else None
        X, groups = split_column(X, groups)
        X, y = self._validated(X, y, True, False)
        self.groups_, which = _numbered(groups, len(X))
        weights = self._weights(sample_weight, X)
        order, n = np.argsort(which, kind="stable"), np.bincount(which)
        if (order[1:] < order[:-1]).any():
            X, y = X[order], y[order]
            weights = None if weights is None else weights[order]
        first = np.cumsum(n) - n
        means = np.ones(len(n)) if weights is None else self._means(weights, first, n)
        rows = slice(first[k := int(n.argmax())], first[k] + n[k])
        problem = self._problem(X[rows], y[rows], None if weights is None else weights[rows])
        checks.finite("y", y, X.dtype.type)
        if weights is not None:
            y = np.concatenate([y, (weights / np.repeat(means, n))[:, None]], axis=1)
        data = Data(*plain(X, y, X.dtype), None, Ranges(first, first, n))
        diverged, converged = self._train(problem, data, self.alpha / means)
        self._refuse(diverged, NOT_FINITE)
        if not converged.all():
            self._warn(self._named(~converged))
        return self

    def _means(self, weights: Array, first: Array, n: Array) -> Array:
        """Those of the weights of each group's samples."""
        rows = zip(first.tolist(), (first + n).tolist(), strict=True)
        means = np.array([weights[start:end].mean() for start, end in rows])
        good = (means > 0) & (means < np.inf)
        self._refuse(~good, "sample_weight must have a finite sum above 0, but has none")
        return means

    def _refuse(self, wrong: Array, what: str) -> None:
        """Raise ValueError for groups that are ``wrong``, if any are."""
        if wrong.any():
            raise ValueError(f"{what}{self._named(wrong)}.")

    def _named(self, chosen: Array) -> str:
        """Some of the groups, in words."""
        return "" if self.groups_ is None else f" in {named(self.groups_[chosen])}"

    def _problem(self, X: Array, y: Array, weights: Any) -> Problem:
        """That of one group; all start from the same weights, those of ``random_state``."""
        seed: Any = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**32, dtype=np.uint32)
        random = seeded(int(seed))
        sizes = (X.shape[1], *hidden_sizes(self), y.shape[1])
        start = network_of(
            *starting_arrays(self.activation, sizes, X.dtype, random), self.activation, self._output
        )
        rate = float(self.learning_rate_init)
        problem = problem_of(self, start, self._loss, rate, X, y, weights, random)
        return problem._replace(settings=problem.settings.changed(epochs=int(self.max_iter)))

    def _train(self, problem: Problem, data: Data, l2: Array) -> tuple[Array, Array]:
        """Which of the networks (groups,) have left the finite numbers, and which have learned?"""
        with not_forking:
            from fastxor.sklearn.crowd import Crowd  # Numba takes half a second to import

        crowd = Crowd(problem, data, l2, self.tol, self.n_iter_no_change)
        with progress_bar(len(l2), bool(self.verbose), "networks") as report:
            crowd.train(self.threads or cores(), report)
        self._parameters, self._architecture = crowd.parameters, problem.architecture
        self.n_iter_, self.loss_, self.best_loss_ = crowd.n_iter, crowd.loss, crowd.best_loss
        self._tell(problem.architecture.sizes)
        return crowd.diverged, crowd.converged

    @property
    def coefs_(self) -> list[Array]:
        """The weights (groups, inputs, units) of each layer."""
        return self._architecture.cut(self._parameters)[::2]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases (groups, units) of each layer."""
        return [b[:, 0] for b in self._architecture.cut(self._parameters)[1::2]]

    def _outputs_of(self, X: Any, groups: Any) -> Array:
        """The outputs (n, O) of the fitted networks."""
        check_is_fitted(self)
        X, groups = split_column(X, self._column if groups is None else groups)
        X = dense(validate_data(
            self, X, accept_sparse=["csr", "csc"], dtype=self._parameters.dtype, reset=False
        ))  # fmt: skip
        if (groups is None) != (self.groups_ is None):
            expected = "given" if groups is None else "left out"
            raise ValueError(f"groups must be {expected}, as they were in fit")
        labels, which = _numbered(groups, len(X))
        places = np.zeros(1, np.int64)
        if labels is not None and self.groups_ is not None:
            places, new = places_among(self.groups_, labels)
            if new.size:
                raise ValueError(f"groups must be of those in fit, which had no {named(new)}")
        return outputs_of_each(self._parameters[places], self._architecture, X, which)


def _numbered(groups: Any, n: int) -> tuple[Array | None, Array]:
    """The labels that there are, if any, and the number of each sample's."""
    return (None, np.zeros(n, np.int64)) if groups is None else numbered(groups, n)


def named(labels: Array) -> str:
    """The first of these groups, and how many there are."""
    more = f" and {len(labels) - 1:,} more" if len(labels) > 1 else ""
    return f"group {labels[0].item()!r}{more}"
