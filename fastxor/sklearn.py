"""Networks for scikit-learn: `SigmoidMLPClassifier` and `SigmoidMLPRegressor`.

Both are `fastxor.train` behind scikit-learn's interface, as the tutorial has it: one hidden layer,
logistic activations there and at the outputs, mean squared error, gradient descent. There are no
other layers, activations, losses (no log loss) or solvers, no penalty on large weights, early
stopping, `partial_fit` or `warm_start`, and neither sample weights nor sparse X.

Scale the features, by `sklearn.preprocessing.StandardScaler` in a pipeline: sigmoids of large
numbers hardly change, so that a network whose features are far from unit scale hardly learns.
"""

from numbers import Integral
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.training.single import train

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        'fastxor.sklearn needs scikit-learn 1.6 or later: pip install "fastxor[sklearn]"'
    ) from error

__all__ = ["SigmoidMLPClassifier", "SigmoidMLPRegressor"]
SPAN = 0.8  # a regressor's targets lie from 0.1 to 0.9: no sigmoid reaches 0 or 1


class _SigmoidMLP(BaseEstimator):
    def __init__(
        self,
        *,
        hidden_size: int = 16,
        epochs: int = 200,
        learning_rate: float = 0.05,
        momentum: float = 0.0,
        batch_size: int | None = 32,
        shuffle: bool = True,
        init_range: float | None = None,
        threads: int | None = None,
        dtype: Any = "float64",
        random_state: Any = None,
    ) -> None:
        """The parameters are those of `fastxor.train`, where nothing else is said.

        hidden_size: hidden units H.
        epochs: how often to go through all samples; it is always so many.
        learning_rate, momentum: an update is momentum * the last one + learning_rate * gradient.
            Gradients are sums over the samples of a batch: for batches ten times as large, take a
            tenth of the learning rate.
        batch_size: samples between two updates; None for all of them.
        shuffle: take the samples in another order in each epoch.
        init_range: weights and biases start uniformly from -init_range to init_range; by default
            2 / sqrt(I), with I features: sums over features of unit scale are then about 1.
        threads: at most so many, in predictions, too; training has one for batches of fewer than
            128 samples. With several fits at once, as by n_jobs=-1, take 1.
        dtype: "float64" or "float32", which is faster.
        random_state: an integer is the seed that `train` takes, so that the network has the bits
            of ``train(X, targets, seed=random_state, init="uniform", ...)``; of None or a
            `numpy.random.RandomState` the seed is the next number, another one for each fit.
        """
        self.hidden_size = hidden_size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.init_range = init_range
        self.threads = threads
        self.dtype = dtype
        self.random_state = random_state

    def _train(self, X: Array, targets: Array) -> None:
        """Fit a network to X (n, I) and targets (n, O) or (n,) from 0 to 1."""
        init_range = 2 / np.sqrt(X.shape[1]) if self.init_range is None else self.init_range
        run = train(
            X, targets, hidden_size=self.hidden_size, epochs=self.epochs,
            learning_rate=self.learning_rate, momentum=self.momentum, batch_size=self.batch_size,
            shuffle=self.shuffle, threads=self.threads, seed=_seed(self.random_state),
            init="uniform", init_range=init_range, dtype=self.dtype,
        )  # fmt: skip
        self.network_, self.loss_curve_, self.n_iter_ = run.network, run.losses, len(run.losses)

    def _outputs(self, X: Any) -> Array:
        """The outputs (n, O) of the fitted network, in float64."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=self.network_.dtype, reset=False)
        return self.network_.predict_proba(X, self.threads).astype(np.float64)


class SigmoidMLPClassifier(ClassifierMixin, _SigmoidMLP):
    """A classifier with one hidden layer of sigmoids, trained by the mean squared error.

    Two classes share one output, whose target is 0 or 1. Of more classes each has an output, and
    the largest tells the class. A sample may have any number of labels, too: y is then a matrix
    (n, labels) of 0 and 1, and each label has an output.

    Scale the features; `fastxor.sklearn` says what is missing, ``__init__`` tells the parameters.

    Fitted attributes: ``network_``, a `fastxor.Network`; ``classes_``, the classes in order;
    ``loss_curve_`` (epochs,), the loss of each epoch; ``n_iter_``, the epochs;
    ``n_features_in_`` and, if X had names, ``feature_names_in_``.
    """

    @ieee_arithmetic()
    def fit(self, X: Any, y: Any) -> "SigmoidMLPClassifier":
        """Train on X (n, I) and classes y (n,), or labels y (n, labels) of 0 and 1.

        Raises ValueError or TypeError for bad data or parameters, `fastxor.Diverged` (an
        ArithmeticError) when training leaves the finite numbers, `fastxor.Interrupted` on Ctrl-C.
        """
        dtype = checks.float_type("dtype", self.dtype)
        X, y = validate_data(self, X, y, dtype=dtype, multi_output=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self._binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._binarizer.classes_
        if y.ndim == 1 and len(self.classes_) == 1:
            raise ValueError(f"y must have at least two classes, got one class: {self.classes_}")
        self._train(X, self._binarizer.transform(y))
        return self

    @ieee_arithmetic()
    def predict(self, X: Any) -> Array:
        """The classes (n,) of X (n, I); or its labels (n, labels), each 1 if above 0.5."""
        outputs = self._outputs(X)
        return self._binarizer.inverse_transform(outputs, threshold=0.5)

    @ieee_arithmetic()
    def predict_proba(self, X: Any) -> Array:
        """The probabilities (n, classes) for X (n, I), in float64.

        Of two classes 1 - output and output; of more the outputs over their sum, which is never
        0 as no output is; of labels the outputs themselves (n, labels).
        """
        outputs = self._outputs(X)
        if self._binarizer.y_type_ == "multilabel-indicator":
            return outputs
        if len(self.classes_) == 2:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class SigmoidMLPRegressor(RegressorMixin, MultiOutputMixin, _SigmoidMLP):
    """A regressor with one hidden layer of sigmoids and a sigmoid output for each target.

    As outputs lie between 0 and 1, the network learns
    ``0.5 + 0.8 * (y - middle) / (target_max_ - target_min_)``, where ``middle`` is
    ``(target_min_ + target_max_) / 2``: values from 0.1 to 0.9, and 0.5 for a target that is
    constant. Predictions are scaled back, so they never lie further than an eighth of that range
    beyond the least and the largest target; those of a constant one are that constant.

    Scale the features; `fastxor.sklearn` says what is missing, ``__init__`` tells the parameters.

    Fitted attributes: ``network_``, a `fastxor.Network`; ``target_min_`` and ``target_max_``,
    (O,) or, if y was (n,), numbers; ``loss_curve_`` (epochs,), the loss of each epoch, of the
    scaled targets; ``n_iter_``, the epochs; ``n_features_in_`` and, if X had names,
    ``feature_names_in_``.
    """

    @ieee_arithmetic()
    def fit(self, X: Any, y: Any) -> "SigmoidMLPRegressor":
        """Train on X (n, I) and targets y (n,) or (n, O).

        Raises ValueError or TypeError for bad data or parameters, `fastxor.Diverged` (an
        ArithmeticError) when training leaves the finite numbers, `fastxor.Interrupted` on Ctrl-C.
        """
        dtype = checks.float_type("dtype", self.dtype)
        X, y = validate_data(self, X, y, dtype=dtype, multi_output=True, y_numeric=True)
        y = checks.numbers("y", y, ndim=(1, 2)).astype(np.float64)
        self.target_min_, self.target_max_ = y.min(axis=0), y.max(axis=0)
        middle, half = self._scale()
        self._train(X, 0.5 + SPAN / 2 * (y - middle) / np.where(half > 0, half, 1))
        return self

    @ieee_arithmetic()
    def predict(self, X: Any) -> Array:
        """The targets (n,) or (n, O) for X (n, I), in float64."""
        outputs = self._outputs(X)
        middle, half = self._scale()
        return middle + half * ((outputs if middle.ndim else outputs[:, 0]) - 0.5) / (SPAN / 2)

    def _scale(self) -> tuple[Array, Array]:
        """The middle of the targets' range, and half of it."""
        low, high = self.target_min_ / 2, self.target_max_ / 2  # their difference might overflow
        return low + high, high - low


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return checks.integer("random_state", random_state, low=0, high=2**32 - 1)
    return int(check_random_state(random_state).randint(2**32, dtype=np.uint32))
