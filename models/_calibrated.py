"""A fitted model whose probability is bent by a sigmoid, so that it says how often a spike follows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from models._columns import Floats, both


class Calibrated(ClassifierMixin, BaseEstimator):
    """P = logistic(slope x log-odds + shift) of `estimator`'s probability; slope > 0, so no two rows change places.

    Source: J. Platt, "Probabilistic outputs for support vector machines" (1999). Both numbers come from the validation
    part; `fit` does nothing but keep scikit-learn's contract.
    """

    def __init__(self, estimator: Any, slope: float = 1.0, shift: float = 0.0) -> None:
        self.estimator = estimator
        self.slope = slope
        self.shift = shift

    @property
    def classes_(self) -> NDArray[Any]:
        return np.asarray(self.estimator.classes_)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        return np.asarray(self.estimator.feature_names_in_)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Nothing to learn: the estimator is fitted and the sigmoid is given."""
        return self

    def predict_proba(self, X: Any) -> Floats:
        """P of (no spike, spike), (n, 2)."""
        return both(bent(self.estimator.predict_proba(X)[:, 1], self.slope, self.shift))

    @available_if(lambda self: hasattr(self.estimator, "contributions"))
    def contributions(self, X: Any) -> Floats:
        """Those of the estimator, (n, k + 1), bent as its log-odds are: times the slope, and the shift to the last."""
        parts: Floats = self.slope * self.estimator.contributions(X)
        parts[:, -1] += self.shift
        return parts

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row of X at a probability of 0.5 (n,). An alert uses theta instead."""
        spike = self.predict_proba(X)[:, 1] >= 0.5
        return np.asarray(self.classes_[spike.astype(int)])


def bent(p: Floats, slope: float, shift: float) -> Floats:
    """logistic(slope x log-odds(p) + shift), element by element: a row alone has the bits of the row in company.

    0 and 1 stay what they are: their log-odds are infinite, and slope > 0.
    """
    return np.asarray(expit(slope * logit(p) + shift), dtype=np.float64)
