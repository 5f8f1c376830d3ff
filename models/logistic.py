"""Logistic regression on logs.

Volatility, counts and spreads are skewed by orders of magnitude: their logs are close to normal, and a linear model of
log volatility (HAR: Corsi 2009, doi:10.1093/jjfinec/nbp001) is hard to beat from one day to the next.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from models._columns import Floats, TwoClass, both

NAME = "logistic"
TITLE = "logistic"
BASELINE = False
DISTORTED = True
ABOUT = "Weighs the logs of all features and adds them up."

FLOOR = 0.01
"""A zero stands this share of the column's median away from minus infinity in logs."""
CLIP = 6.0
"""Bound on the scaled inputs, in training standard deviations: one wild live value must not decide alone."""


class Logs(TransformerMixin, BaseEstimator):
    """Columns that are never negative in training -> log(x / median + 1 %); signed -> asinh(x / median |x|)."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn each column's sign and scale from its values other than zero."""
        values = validate_data(self, X, dtype=np.float64)
        size = np.where(values == 0, np.nan, np.abs(values))
        known = ~np.all(np.isnan(size), axis=0)
        self.scale_ = np.ones(values.shape[1])
        self.scale_[known] = np.nanmedian(size[:, known], axis=0)
        self.positive_ = np.all(values >= 0, axis=0)
        return self

    def transform(self, X: Any) -> Floats:
        """X (n, k) -> (n, k), monotone in each column."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(
            np.where(
                self.positive_, np.log(np.maximum(values, 0.0) / self.scale_ + FLOOR), np.arcsinh(values / self.scale_)
            )
        )


class Clip(TransformerMixin, BaseEstimator):
    """Bound every value to [-CLIP, CLIP]."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Nothing to learn."""
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> Floats:
        """X (n, k) -> (n, k)."""
        return np.clip(X, -CLIP, CLIP)


class Logistic(TwoClass):
    """Median for what is missing -> logs -> mean 0, sd 1 -> logistic regression with balanced class weights.

    Parameters
    ----------
    C : inverse strength of the L2 penalty. Small, because neighbouring windows say nearly the same and neighbouring
        rows are the same minute: 10,000 one-second rows are about a hundred independent ones. (On blocks held out
        within a recorded day, 0.0001 beat 0.01 and 1.)
    """

    def __init__(self, C: float = 0.001, max_iter: int = 1000) -> None:
        self.C = C
        self.max_iter = max_iter

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Fit on X (n, k), y (n,); nothing else is used. Raises ValueError for one class."""
        values, spike = self._learn(X, y)
        self.pipeline_ = Pipeline(
            [
                ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
                ("logs", Logs()),
                ("scale", StandardScaler()),
                ("clip", Clip()),
                ("fit", LogisticRegression(C=self.C, class_weight="balanced", max_iter=self.max_iter)),
            ]
        ).fit(values, spike)
        self.n_iter_ = int(self.pipeline_["fit"].n_iter_[0])
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2), as if both classes were equally common (balanced weights).

        Added up column by column: a matrix product rounds a row differently in company than alone, and a live forecast
        must have the bits of the same row in history.
        """
        values = self._take(X)
        inputs = np.ascontiguousarray(self.pipeline_[:-1].transform(values))
        fit = self.pipeline_["fit"]
        log_odds = np.full(len(inputs), float(fit.intercept_[0]))
        for column, weight in zip(inputs.T, fit.coef_[0], strict=True):
            log_odds += weight * column
        return both(expit(log_odds))


def build(seed: int, volatility: str) -> Logistic:  # noqa: ARG001
    """An unfitted model; `seed` is not used, the solver is deterministic."""
    return Logistic()


SPACE = {"C": (1e-6, 1.0, True)}
"""What can be tuned: the penalty's strength, evenly in logs."""
