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

from models._columns import Floats, TwoClass, both, log_scale

POINTS = 2000
"""Of the table that holds the share of errors above each distance; probabilities between two are interpolated."""
SPAN = 6.0
"""How far the table reaches beyond the mean error, in standard deviations; farther off its last value holds."""


def shares(errors: Floats) -> tuple[Floats, Floats]:
    """(distance, share of errors at or above it), both (POINTS,), the share falling from below 1 to above 0.

    `errors` (n,): log forward volatility less its forecast in the rows of the training part, at least one.
    """
    mean, sd = float(errors.mean()), max(float(errors.std()), 1e-3)
    low, high = np.quantile(errors, (0.25, 0.75))
    width = 0.9 * min(sd, max(float(high - low) / 1.34, 0.1 * sd)) * errors.size**-0.2
    # a few hundred quantiles stand for the errors, whose neighbours are the same minute anyway
    few = min(errors.size, 400)
    distance = np.linspace(mean - SPAN * sd, mean + SPAN * sd, POINTS)
    share = np.zeros(POINTS)
    for error in np.quantile(errors, (np.arange(few) + 0.5) / few):
        share += ndtr((error - distance) / width)
    gaussian = ndtr((mean - distance) / sd)
    return distance, (share / few * errors.size + gaussian) / (errors.size + 1)


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
        validation : not used
        progress : told (done, of) by models that take rounds

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
        floor = log_scale(forward)[0]
        self.log_tau_ = float(np.log(tau + floor))
        self.distance_, self.share_ = shares(self._learn_forecast(values, np.log(forward + floor), progress))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2)."""
        forecast = self._forecast(self._take(X))
        return both(np.interp(self.log_tau_ - forecast, self.distance_, self.share_))

    @abstractmethod
    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        """Learn from the trained columns (n, k) and the log of forward volatility (n,); the errors made there (n,)."""

    @abstractmethod
    def _forecast(self, values: Floats) -> Floats:
        """Forecast of log forward volatility, (n, k) -> (n,), each row from itself alone and finite."""
