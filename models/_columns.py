"""What the models share: which columns they were trained on, which class is a spike, and what the clock said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]
CLOCK = "bar_end_ns"
"""Name of the index of a features table that says when: ends of the rows' bars, ns UTC. No column, so nothing learns
it."""


class TwoClass(ClassifierMixin, BaseEstimator):
    """Base of the models: two classes, NaN welcome, columns by name.

    Attributes
    ----------
    classes_ : the two classes in sorted order; the second one is the spike
    feature_names_in_ : the columns of the training table (a DataFrame), in order
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def _learn(self, X: Any, y: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Check a training part and remember its columns and classes: (X as float64 (n, k), spike (n,)).

        Raises ValueError with the counts when y holds one class only or more than two.
        """
        values, labels = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(labels)
        self.classes_, counts = np.unique(labels, return_counts=True)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {len(self.classes_)} classes: "
                f"{self.classes_.tolist()}"
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"Classifier can't train when only one class is present: all {int(counts[0]):,} rows are "
                f"{self.classes_[0]!s}. Choose another threshold or more ticks."
            )
        return values, labels == self.classes_[1]

    def _take(self, X: Any) -> Floats:
        """The trained columns of X as float64 (n, k), others passed over. Raises ValueError naming the missing ones."""
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        if names is not None and isinstance(X, pd.DataFrame):
            missing = [name for name in names if name not in X.columns]
            if missing:
                raise ValueError(f"{len(missing)} of {len(names)} columns are missing: {', '.join(missing)}")
            X = X[list(names)]
        taken: Floats = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return taken

    def _has(self, name: str) -> bool:
        """Whether a column of this name was trained on."""
        return name in getattr(self, "feature_names_in_", ())

    def _named(self, values: Floats, name: str | int) -> Floats:
        """One trained column (n,), by its name or position. Of an array, whose columns have no names, it is the first.

        Raises ValueError when there is none of that name.
        """
        names = list(getattr(self, "feature_names_in_", ()))
        if isinstance(name, int) or not names:
            column: Floats = np.ascontiguousarray(values[:, name if isinstance(name, int) else 0])
            return column
        if name not in names:
            raise ValueError(f"this model needs the column {name}, which is not among {len(names)} columns")
        return np.ascontiguousarray(values[:, names.index(name)])

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row of X at a probability of 0.5 (n,). An alert uses theta instead."""
        spike = self.predict_proba(X)[:, 1] >= 0.5
        return np.asarray(self.classes_[spike.astype(int)])


FLOOR = 0.01
"""Added to a volatility before its log, as a share of the training median: a minute in which nothing moved is 4.6 below
an ordinary one, not infinitely far."""


def both(spike: Floats) -> Floats:
    """Probability of a spike (n,) -> of (no spike, spike) (n, 2)."""
    return np.column_stack([1.0 - spike, spike])


def usable(validation: Any, classes: NDArray[Any]) -> bool:
    """Whether a validation part can steer a fit: it is given and holds both classes."""
    return validation is not None and len(validation[1]) > 0 and set(np.unique(validation[1])) == set(classes)


def clock(X: Any) -> NDArray[np.int64] | None:
    """When the rows of X are, ns UTC (n,), or None where its index does not say so (it is then not named `CLOCK`)."""
    index = getattr(X, "index", None)
    return np.asarray(index, dtype=np.int64) if getattr(index, "name", None) == CLOCK else None


def log_scale(column: Floats) -> tuple[float, float, float]:
    """(floor, mean, sd) of log(column + floor) in training; the floor is 1 % of the median of what is not zero."""
    known = column[np.isfinite(column)]
    moved = known[known > 0]
    floor = FLOOR * float(np.median(moved)) if moved.size else 1.0
    logs = np.log(np.maximum(known, 0.0) + floor)
    return floor, float(logs.mean()) if logs.size else 0.0, float(logs.std()) if logs.size else 0.0


def logs(column: Floats, scale: tuple[float, float, float]) -> Floats:
    """log(column + floor), (n,) -> (n,), with the training mean where the column is missing."""
    taken = np.log(np.maximum(column, 0.0) + scale[0])
    return np.where(np.isfinite(taken), taken, scale[1])
