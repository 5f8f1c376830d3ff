"""The rule to beat: trailing volatility, far above its training mean.

z = (v - mean) / sd over the training part, v the label's own trailing volatility in bps; P(spike) = logistic(z - 2).
The rule's two-sigma line is thus P = 0.5. The order of the rows is that of v itself, so its average precision is the
one of trailing volatility alone; the probabilities are a scale, not frequencies.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models._columns import TwoClass, both

NAME = "zscore"
TITLE = "z-score rule"
BASELINE = True
DISTORTED = True
ABOUT = "Alarms when volatility is far above its training mean: what is, goes on."

SIGMAS = 2.0
"""Where P = 0.5 lies, in training standard deviations above the training mean: the usual two-sigma alarm."""


class ZScore(TwoClass):
    """z-score rule on one column.

    Parameters
    ----------
    volatility : name (or position, for arrays) of the trailing volatility column. A row where it is missing reads as
        the training mean: the rule knows nothing of it.
    """

    def __init__(self, volatility: str | int = 0) -> None:
        self.volatility = volatility

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Take mean and standard deviation of the training part. Nothing else is used.

        Raises
        ------
        ValueError
            If y has one class, the column is not there, or the column does not vary.
        """
        values, _ = self._learn(X, y)
        column = self._named(values, self.volatility)
        known = column[np.isfinite(column)]
        self.mean_ = float(known.mean()) if known.size else float("nan")
        self.sd_ = float(known.std()) if known.size else float("nan")
        # rounding alone gives a constant column a standard deviation of some 1e-16 of its mean
        if not self.sd_ > 1e-12 * max(abs(self.mean_), 1e-300):
            raise ValueError(
                f"{self.volatility} does not vary in the training part ({known.size:,} known values of "
                f"{column.size:,}): a z-score does not exist. Train on ticks in which the price moves."
            )
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """logistic(z - 2) of each row, (n, 2)."""
        column = self._named(self._take(X), self.volatility)
        return both(expit((np.where(np.isnan(column), self.mean_, column) - self.mean_) / self.sd_ - SIGMAS))


def build(seed: int, volatility: str) -> ZScore:  # noqa: ARG001
    """An unfitted rule; `seed` is not used, nothing in it is random."""
    return ZScore(volatility=volatility)
