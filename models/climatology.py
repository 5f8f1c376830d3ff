"""The time of day: how common spikes were in this hour of the day (UTC), over the days of the training part.

Volatility has a daily course (Andersen and Bollerslev 1997, "Intraday periodicity and volatility persistence in
financial markets", doi:10.1016/S0927-5398(97)00004-2). A course needs days: with fewer than `days` of them, or in an
hour that fewer were seen in, the training base rate is said, and `note_` tells so.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models._columns import TwoClass, both, clock

NAME = "climatology"
TITLE = "time of day"
BASELINE = True
DISTORTED = False
ABOUT = "Says how common spikes were at this hour of the day, where at least three days were seen; else the base rate."

HOUR_NS = 3600 * 1_000_000_000


class Climatology(TwoClass):
    """Spike share by hour of the day.

    Parameters
    ----------
    days : on how many an hour must have been seen before its own share is said
    hours : of base rate that an hour's share is mixed with: one hour of a day counts as much as the base rate alone

    Attributes
    ----------
    share_ : (24,) probability of a spike in each hour UTC
    note_ : what the shares rest on, as a sentence
    """

    def __init__(self, days: int = 3, hours: float = 1.0) -> None:
        self.days = days
        self.hours = hours

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Count spikes by hour of the day on the training part; nothing else is used. ValueError for one class."""
        _, spike = self._learn(X, y)
        rate, ends = float(spike.mean()), clock(X)
        self.share_ = np.full(24, rate)
        if ends is None:
            self.note_ = "the rows do not say when they are: the base rate at every hour"
            return self
        hours = ends // HOUR_NS
        day, hour = hours // 24, hours % 24
        enough = 0
        for h in range(24):
            here = hour == h
            if np.unique(day[here]).size >= self.days:
                prior = 3600 * self.hours
                self.share_[h] = (spike[here].sum() + prior * rate) / (here.sum() + prior)
                enough += 1
        self.note_ = f"{enough} of 24 hours were seen on {self.days} days or more" + (
            "" if enough == 24 else "; the base rate at the others" if enough else ": the base rate at every hour"
        )
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2)."""
        n, ends = len(self._take(X)), clock(X)
        # without a clock, the mean over the day: the base rate where no hour has a share of its own
        return both(np.full(n, self.share_.mean()) if ends is None else self.share_[ends // HOUR_NS % 24])


def build(seed: int, volatility: str) -> Climatology:  # noqa: ARG001
    """An unfitted rule; neither argument is used."""
    return Climatology()
