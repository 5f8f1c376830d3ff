"""From a forecast of volatility to P(it reaches tau): through the forecast's own errors on the training part.

log(forward volatility) = forecast + error, so P(forward volatility >= tau) is the share of training errors at or above
log tau - forecast (the errors as they were, not as a normal law would have them: Barone-Adesi, Giannopoulos and Vosper
1999, "VaR without correlations"). The share is smoothed by a Gaussian kernel (Nadaraya 1964, "Some new estimates for
distribution functions", doi:10.1137/1109069; bandwidth: Silverman 1986, eq. 3.31), and one error more than there are is
taken as Gaussian with their mean and standard deviation: never 0 or 1, and falling in tau throughout.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models._columns import Floats, TwoClass, both

FLOOR = 0.01
"""Added to a volatility before its log, as a share of the training median: a minute in which nothing moved is 4.6 below
an ordinary one, not infinitely far."""
POINTS = 2000
"""Of the table that holds the share of errors above each distance; probabilities between two are interpolated."""
SPAN = 6.0
"""How far the table reaches beyond the mean error, in standard deviations; farther off its last value holds."""


class Errors:
    """Distribution of a forecast's errors on the training part.

    Parameters
    ----------
    errors : (n,) log forward volatility less its forecast, in the rows of the training part; at least one
    """

    def __init__(self, errors: Floats) -> None:
        mean, sd = float(errors.mean()), max(float(errors.std()), 1e-3)
        low, high = np.quantile(errors, (0.25, 0.75))
        width = 0.9 * min(sd, max(float(high - low) / 1.34, 0.1 * sd)) * errors.size**-0.2
        # a few hundred quantiles stand for the errors, whose neighbours are the same minute anyway
        sample = np.quantile(errors, (np.arange(min(errors.size, 400)) + 0.5) / min(errors.size, 400))
        self.distance = np.linspace(min(low, mean - SPAN * sd), max(high, mean + SPAN * sd), POINTS)
        share = np.zeros(POINTS)
        for error in sample:
            share += ndtr((error - self.distance) / width)
        gaussian = ndtr((mean - self.distance) / sd)
        self.share = (share / sample.size * errors.size + gaussian) / (errors.size + 1)

    def above(self, distance: Floats) -> Floats:
        """P(error >= distance), (n,) -> (n,), above 0 and below 1, never rising."""
        return np.interp(distance, self.distance, self.share)


class Exceeding(TwoClass):
    """Base of the models that forecast volatility itself. A subclass has `_learn_forecast` and `_forecast`."""

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau_bps: Any = None
    ) -> Self:
        """Learn to forecast log volatility on the training part, and how far off that is.

        Parameters
        ----------
        X, y : features (n, k) and spikes (n,) in the order of time
        target, tau_bps : forward volatility of the rows (n,) and the threshold on it, both in bps: y is target >= tau.
            Without them y itself is the target: 0 or 1, with the threshold between.
        validation, progress : not used

        Raises
        ------
        ValueError
            If y has one class only, or the forecast cannot be learned; the message says why.
        """
        values, spike = self._learn(X, y)
        if (target is None) != (tau_bps is None):
            raise ValueError("target and tau_bps belong together: the threshold is one on the target")
        forward = spike.astype(np.float64) if target is None else np.asarray(target, dtype=np.float64)
        tau = 0.5 if tau_bps is None else float(tau_bps)
        if forward.shape != spike.shape or not ((forward >= tau) == spike).all():
            raise ValueError(f"y is not target >= {tau:g} bps in all of {spike.size:,} rows")
        self.floor_ = FLOOR * float(np.median(forward[forward > 0]))
        wanted = np.log(forward + self.floor_)
        self._learn_forecast(values, wanted)
        self.log_tau_ = float(np.log(tau + self.floor_))
        errors = Errors(wanted - self._forecast(values))
        self.distance_, self.share_ = errors.distance, errors.share
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2)."""
        forecast = self._forecast(self._take(X))
        return both(np.interp(self.log_tau_ - forecast, self.distance_, self.share_))

    @abstractmethod
    def _learn_forecast(self, values: Floats, wanted: Floats) -> None:
        """Learn from the trained columns (n, k) and the log of forward volatility (n,)."""

    @abstractmethod
    def _forecast(self, values: Floats) -> Floats:
        """Forecast of log forward volatility, (n, k) -> (n,), each row from itself alone and finite."""
