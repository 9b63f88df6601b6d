"""`Labels`: classes as targets of a network, and its outputs as classes.

As scikit-learn's `LabelBinarizer`, which takes longer than the training of a small network.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.multiclass import type_of_target, unique_labels

from fastxor.common.checks import Array

SEVERAL = "multilabel-indicator"


def kind_of(y: Any) -> str:
    """ "binary", "multiclass" or `SEVERAL`; raises ValueError where y is neither."""
    kind: str = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass", SEVERAL):
        expected = "classes (n,) or labels (n, k) of 0 and 1"
        raise ValueError(f"Unknown label type: {kind}. y must be {expected}")
    return kind


class Labels(NamedTuple):
    """Of two classes there is one output, of more one each, and likewise of any labels."""

    classes: Array  # in order; of labels 0 ... k - 1
    kind: str
    sparse: Any = None  # of labels that came as such a matrix, its type

    @classmethod
    def of(cls, y: Any) -> "Labels":
        """Those of y (n,), or (n, k) of 0 and 1."""
        kind = kind_of(y)
        if kind != SEVERAL:
            classes = np.unique(y)  # of strings that are objects an array of strings
            return cls(np.array(classes.tolist()) if classes.dtype == object else classes, kind)
        return cls(np.arange(y.shape[1]), kind, type(y) if hasattr(y, "toarray") else None)

    @classmethod
    def of_classes(cls, classes: Any, y: Any) -> "Labels":
        """Those of y, and of these classes, which others may have."""
        if type_of_target(y) == SEVERAL:
            return cls.of(y)
        found = unique_labels(classes)
        return cls(found, "multiclass" if len(found) > 2 else "binary")

    @property
    def outputs(self) -> int:
        """How many outputs a network has."""
        return 1 if self.kind == "binary" else len(self.classes)

    def check(self, y: Any, all_of_them: bool) -> None:
        """Raise ValueError unless y has but these classes, or ``all_of_them``."""
        if (kind_of(y) == SEVERAL) != (self.kind == SEVERAL):
            raise ValueError(f"y must be {self.kind} as in the fit before, got {kind_of(y)}")
        if self.kind == SEVERAL:
            if y.shape[1] != len(self.classes):
                raise ValueError(f"y must have {len(self.classes)} labels, got {y.shape[1]}")
            return
        classes = np.unique(y)
        if all_of_them and set(classes.tolist()) != set(self.classes.tolist()):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' "
                f"has {classes}."
            )

    def encode(self, y: Any) -> Array:
        """Targets (n, O), 0 or 1."""
        if self.kind == SEVERAL:
            dense = y.toarray() if hasattr(y, "toarray") else y
            return np.asarray(dense != 0, np.float32)
        places = np.searchsorted(self.classes, y)[:, None]
        if self.kind == "binary":
            return np.asarray(places, np.float32)
        return np.asarray(places == np.arange(len(self.classes)), np.float32)

    def numbers(self, outputs: Array) -> Array:
        """Of outputs, or targets, (n, O): each sample's class by number, (n,), or labels (n, k)."""
        if self.kind == "multiclass":
            return np.asarray(outputs.argmax(axis=1))
        found = (outputs > 0.5).astype(int)
        return found if self.kind == SEVERAL else found[:, 0]

    def decode(self, outputs: Array) -> Any:
        """The classes (n,) or labels (n, k) that outputs (n, O) stand for."""
        numbers = self.numbers(outputs)
        if self.kind == SEVERAL:
            return numbers if self.sparse is None else self.sparse(numbers)
        return self.classes.take(numbers, mode="clip")  # of one class, too
