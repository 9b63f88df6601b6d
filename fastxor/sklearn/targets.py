"""`Classes` and `Numbers`: what there is to be learned, as targets, and outputs as that."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from fastxor.common.checks import Array
from fastxor.sklearn.labels import Labels


class Classes(ClassifierMixin):
    """Those of a classifier, beside `Checked`."""

    _loss = "log_loss"
    _labels: Labels

    def _targets(self, y: Any, begins: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if incremental or not begins:
            self._labels.check(y, all_of_them=self.warm_start)
        else:
            self._labels = Labels.of(y)
            self.classes_ = self._labels.classes
        return self._labels.encode(y)

    @property
    def _output(self) -> str:
        return "softmax" if self._labels.kind == "multiclass" else "sigmoid"

    def _score(self, y: Array, outputs: Array, weights: Any) -> float:
        """The accuracy: of labels, the share of samples of which all are right."""
        right = self._labels.numbers(outputs) == self._labels.numbers(y)
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=weights))

    def _said(self, outputs: Array) -> Any:
        """The classes or labels of outputs (n, O)."""
        return self._labels.decode(outputs)

    def _probabilities(self, outputs: Array) -> Array:
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.input_tags.sparse = True
        return tags


class Numbers(RegressorMixin, MultiOutputMixin):
    """Those of a regressor, beside `Checked`."""

    _loss, _output = "mse", "identity"

    def _targets(self, y: Any, begins: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return np.asarray(y if y.ndim == 2 else y[:, None])

    def _score(self, y: Array, outputs: Array, weights: Any) -> float:
        return float(r2_score(y, outputs, sample_weight=weights))

    def _said(self, outputs: Array) -> Array:
        """The targets of outputs (n, O)."""
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
