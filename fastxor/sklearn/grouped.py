"""`GroupedMLPClassifier` and `GroupedMLPRegressor`: a network for each group of samples."""

from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.metrics import accuracy_score, r2_score

from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.sklearn.grouped_base import Grouped
from fastxor.sklearn.targets import Classes, Numbers


class GroupedMLPRegressor(Numbers, Grouped):
    """A network for each group, trained on its samples alone, all at once.

    That of a group is what ``MLPRegressor(...).fit(X_of_group, y_of_group)`` of `fastxor.sklearn`
    is with the same parameters, to the last bit: it starts from the weights of ``random_state``,
    the same in all groups, and stops by its own losses. It does not depend on the other groups.

    ``groups`` are the labels (n,) of samples, text, integers or times, or the name of a column of a
    frame X, which is then no feature. They are metadata of ``fit``, ``predict`` and ``score``, to
    be routed: ``GroupedMLPRegressor().set_fit_request(groups=True).set_score_request(groups=True)``
    in ``GridSearchCV`` or, with ``params={"groups": labels}``, ``cross_validate``. The ``predict``
    of a search, and scorers as by ``scoring="r2"``, pass none on: there, the name of a column is
    the way, as it is remembered. In folds, pipelines pass them on since scikit-learn 1.8. Without
    ``groups``, all samples are one.

    Attributes: ``groups_`` (g,), the labels, sorted, or None; ``networks_``, a `fastxor.Networks`
    of them; ``coefs_`` and ``intercepts_``, scikit-learn's with the groups in front; ``n_iter_``,
    ``loss_``, ``best_loss_`` (g,); ``n_layers_``, ``n_outputs_``, ``out_activation_``,
    ``n_features_in_``.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        threads: int | None = None,
    ) -> None:
        """The parameters are those of `MLPRegressor`, and their defaults.

        Those of learning rates that change, of early stopping and of a warm start are not there.

        solver: "adam" or "sgd".
        batch_size: "auto" is 200, or all samples of a smaller group. Groups that are one batch are
            trained side by side, which is fastest; larger ones each alone, in several threads.
        shuffle: has no meaning for groups that are one batch.
        random_state: whatever it is, all groups have the same starting weights.
        verbose: show a progress bar on standard error.
        threads: at most so many, by default as many as there are cores. They change no bit.
        """
        self._set(locals())

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None
    ) -> "GroupedMLPRegressor":
        """Train on X (n, I), dense or sparse, and targets y (n,) or (n, O).

        groups: the label of each sample, (n,), or the name of a column. sample_weight: (n,), at
        least 0, in each group with a sum above. Raises ValueError or TypeError for bad data or
        parameters, and where a network leaves the finite numbers, once all others are trained;
        warns of those that were still learning. Messages name the groups. After Ctrl-C, a
        KeyboardInterrupt, nothing is kept.
        """
        return self._fit_groups(X, y, groups, sample_weight)

    @ieee_arithmetic()
    def predict(self, X: Any, groups: Any = None) -> Array:
        """The targets (n,) or (n, O) for X (n, I), of each sample by the network of its group.

        Raises ValueError for a group that `fit` did not know.
        """
        return self._said(self._outputs_of(X, groups))

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """The coefficient of determination, R2, of all samples together."""
        return float(r2_score(y, self.predict(X, groups), sample_weight=sample_weight))


class GroupedMLPClassifier(Classes, Grouped):
    """A network for each group, trained on its samples alone, all at once.

    As `GroupedMLPRegressor`; each is the network of `MLPClassifier` for the classes of all groups,
    ``classes_``. One whose samples lack some learns that these do not occur; one whose samples are
    all of one class learns to say so.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        threads: int | None = None,
    ) -> None:
        """See `GroupedMLPRegressor`."""
        self._set(locals())

    @ieee_arithmetic()
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None
    ) -> "GroupedMLPClassifier":
        """Train on X (n, I), dense or sparse, and classes y (n,), or labels y (n, k) of 0 and 1.

        See `GroupedMLPRegressor.fit`.
        """
        return self._fit_groups(X, y, groups, sample_weight)

    @ieee_arithmetic()
    def predict(self, X: Any, groups: Any = None) -> Any:
        """The classes (n,) of X (n, I), or its labels (n, k), see `GroupedMLPRegressor.predict`."""
        return self._said(self._outputs_of(X, groups))

    @ieee_arithmetic()
    def predict_proba(self, X: Any, groups: Any = None) -> Array:
        """The probabilities (n, classes) for X (n, I), or those of labels (n, k)."""
        return self._probabilities(self._outputs_of(X, groups))

    @ieee_arithmetic()
    def predict_log_proba(self, X: Any, groups: Any = None) -> Array:
        """Their logarithms."""
        return np.asarray(np.log(self.predict_proba(X, groups)))

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """The accuracy, of all samples together."""
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))
