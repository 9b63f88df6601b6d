"""scikit-learn's `MLPClassifier` and `MLPRegressor`, trained by fastxor's kernels; and for groups.

``from fastxor.sklearn import MLPClassifier`` in place of ``from sklearn.neural_network import
MLPClassifier`` is all there is to do: parameters, their defaults, methods and fitted attributes are
scikit-learn's. From the same ``random_state`` training starts from the same weights and, with full
batches or without shuffling, has the same losses but for rounding.

What differs: batches are shuffled by another generator; ``solver="lbfgs"`` and ``loss="poisson"``
are refused; weights of samples are scaled to a mean of 1, so that a batch of some of them counts as
its weights say, where scikit-learn divides by each batch's own sum; log losses are not cut off at
36; sparse X becomes dense; ``verbose`` shows a bar; training that leaves the finite numbers ends
there. ``threads`` is the one more parameter, ``network_``, a `fastxor.Network`, the one more
attribute.

`GroupedMLPClassifier` and `GroupedMLPRegressor` are for samples in groups, as of shops, patients or
stations: they train such a network for each, on its samples alone, thousands of them at once.

They stand on scikit-learn's base classes and checks, not on its networks, of which only private
methods could be overridden: those change from release to release.
"""

try:
    import sklearn.base as _base
    from sklearn.utils.validation import validate_data as _new_in_1_6
except ImportError as error:
    raise ImportError(
        'fastxor.sklearn needs scikit-learn 1.6 or later: pip install "fastxor[sklearn]"'
    ) from error

from fastxor.sklearn.estimators import MLPClassifier, MLPRegressor
from fastxor.sklearn.grouped import GroupedMLPClassifier, GroupedMLPRegressor

del _base, _new_in_1_6

__all__ = ["GroupedMLPClassifier", "GroupedMLPRegressor", "MLPClassifier", "MLPRegressor"]
