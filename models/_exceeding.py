"""From a forecast of volatility to P(it reaches tau): through the forecast's own errors on the training part.

log(forward volatility) = forecast + error, so P(forward volatility >= tau) is the share of training errors at or above
log tau - forecast (the errors as they were, not as a normal law would have them: Barone-Adesi, Giannopoulos and Vosper
1999, "VaR without correlations"). The share is smoothed by a Gaussian kernel (Nadaraya 1964, "Some new estimates for
distribution functions", doi:10.1137/1109069; bandwidth: Silverman 1986, eq. 3.31), and one error more than there are is
taken as Gaussian with their mean and standard deviation: never 0 or 1, and falling in tau throughout.

Where tau is a multiple of slow volatility, the forecast is first brought on the line log(forward / slow) = a + b
log(forecast / slow) + error of the training part (Mincer and Zarnowitz 1969, "The evaluation of economic forecasts"): a
forecast that carries on the last minute is too high after a busy one, and such are the rows that a multiple asks about.
Where b is above 0, as it is for any forecast of worth, the order of the rows stays.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models import Multiple
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
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Learn to forecast log volatility on the training part, and how far off that is.

        Parameters
        ----------
        X, y : features (n, k) and spikes (n,) in the order of time
        target, tau : forward volatility of the rows (n,) in bps and the threshold on it, in bps or a `Multiple` of each
            row's slow volatility: y is target >= tau. Without them y itself is the target: 0 or 1, with the threshold
            between.
        validation : not used
        progress : told (done, of) by models that take rounds

        Raises
        ------
        ValueError
            If y has one class only, or the forecast cannot be learned; the message says why.
        """
        values, spike = self._learn(X, y)
        if (target is None) != (tau is None):
            raise ValueError("target and tau belong together: the threshold is one on the target")
        forward = spike.astype(np.float64) if target is None else np.asarray(target, dtype=np.float64)
        self.floor_of_target_ = log_scale(forward)[0]
        self.slow_ = self._slow_of(values, tau) if isinstance(tau, Multiple) else None
        self.tau_ = float(tau.k if isinstance(tau, Multiple) else 0.5 if tau is None else tau)
        if forward.shape != spike.shape or not ((forward >= self._taus(values)) == spike).all():
            said = (
                f"{self.tau_:g} bps" if self.slow_ is None else f"{self.tau_:g} x {self.slow_[1]:g} x {self.slow_[0]}"
            )
            raise ValueError(f"y is not target >= {said} in all of {spike.size:,} rows")
        self.log_tau_ = float(np.log(self.tau_ + self.floor_of_target_))
        wanted = np.log(forward + self.floor_of_target_)
        errors = self._learn_forecast(values, wanted, progress)
        if self.slow_ is not None:
            ahead, above = wanted - self._log_slow(values), wanted - errors - self._log_slow(values)
            design = np.column_stack([np.ones(above.size), above])
            self.line_ = [float(w) for w in np.linalg.lstsq(design, ahead, rcond=None)[0]]
            errors = ahead - (self.line_[0] + self.line_[1] * above)
        self.distance_, self.share_ = shares(errors)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2). Where tau is a multiple and a row has no slow volatility, it is held against
        the training median of it."""
        values = self._take(X)
        forecast = self._forecast(values)
        if getattr(self, "slow_", None) is None:  # models of earlier versions do not say
            return both(np.interp(self.log_tau_ - forecast, self.distance_, self.share_))
        slow = self._log_slow(values)
        expected = slow + self.line_[0] + self.line_[1] * (forecast - slow)
        log_tau = np.log(self._taus(values) + self.floor_of_target_)
        return both(np.interp(log_tau - expected, self.distance_, self.share_))

    def _slow_of(self, values: Floats, tau: Multiple) -> tuple[str, float, float]:
        """Column and scale of slow volatility, and the column's training median."""
        column = self._named(values, tau.column)
        return tau.column, float(tau.scale), float(np.median(column[column > 0])) if (column > 0).any() else 1.0

    def _slow(self, values: Floats) -> Floats:
        """Slow volatility of each row in bps, (n,)."""
        assert self.slow_ is not None
        name, scale, typical = self.slow_
        column = self._named(values, name)
        bps: Floats = scale * np.where(column > 0, column, typical)
        return bps

    def _log_slow(self, values: Floats) -> Floats:
        logs: Floats = np.log(self._slow(values) + self.floor_of_target_)
        return logs

    def _taus(self, values: Floats) -> Floats:
        """The threshold of each row in bps, (n,)."""
        return np.full(len(values), self.tau_) if self.slow_ is None else self.tau_ * self._slow(values)

    @abstractmethod
    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        """Learn from the trained columns (n, k) and the log of forward volatility (n,); the errors made there (n,)."""

    @abstractmethod
    def _forecast(self, values: Floats) -> Floats:
        """Forecast of log forward volatility, (n, k) -> (n,), each row from itself alone and finite."""
