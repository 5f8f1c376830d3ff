"""What the models share: which columns they were trained on, and which class is a spike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]


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

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row of X at a probability of 0.5 (n,). An alert uses theta instead."""
        spike = self.predict_proba(X)[:, 1] >= 0.5
        return np.asarray(self.classes_[spike.astype(int)])


def both(spike: Floats) -> Floats:
    """Probability of a spike (n,) -> of (no spike, spike) (n, 2)."""
    return np.column_stack([1.0 - spike, spike])


def usable(validation: Any, classes: NDArray[Any]) -> bool:
    """Whether a validation part can steer a fit: it is given and holds both classes."""
    return validation is not None and len(validation[1]) > 0 and set(np.unique(validation[1])) == set(classes)
