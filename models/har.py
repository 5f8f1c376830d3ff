"""HAR: log volatility ahead as a linear function of log volatilities of several lengths, an hour at most.

Corsi 2009, "A simple approximate long-memory model of realized volatility", doi:10.1093/jjfinec/nbp001; in logs as in
Andersen, Bollerslev and Diebold 2007, doi:10.1162/rest.89.4.701. There the lengths are a day, a week and a month; here
10, 60 and 300 s and the last hour. P(it reaches tau) through the errors of the training part (`_exceeding`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models._columns import Floats, log_scale, logs
from models._exceeding import Exceeding

NAME = "har"
TITLE = "HAR"
BASELINE = True
DISTORTED = False
ABOUT = "Forecasts volatility from that of the last seconds, minutes and hour, and says how often its errors reach τ."

LENGTHS_S = (10, 30, 60, 300)


class Har(Exceeding):
    """Least squares of log forward volatility on its own trailing log volatility, and how the other lengths differ.

    Parameters
    ----------
    volatility : name (or position, for arrays) of the label's own trailing volatility

    A length that is still filling counts as differing from `volatility` as it does on average in training.
    """

    def __init__(self, volatility: str | int = 0) -> None:
        self.volatility = volatility

    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        own = str(self.volatility)
        hour = "tick_rms_3600" if own.startswith("tick_std") else "rms_3600"
        lengths = [f"{own.rsplit('_', 1)[0]}_{s}" for s in LENGTHS_S] + [hour]
        self.columns_ = [self.volatility, *(name for name in lengths if name != own and self._has(name))]
        self.scales_ = [log_scale(self._named(values, name)) for name in self.columns_]
        if not self.scales_[0][2] > 1e-12:
            raise ValueError(
                f"{own} does not vary in the training part ({wanted.size:,} rows): nothing can be regressed on it. "
                "Train on ticks in which the price moves."
            )
        terms = self._terms(values)
        design = np.column_stack([np.ones(wanted.size), *terms])
        self.weights_ = [float(w) for w in np.linalg.lstsq(design, wanted, rcond=None)[0]]
        return wanted - self._forecast(values)

    def _terms(self, values: Floats) -> list[Floats]:
        """The regressors: log volatility, and the other lengths' logs less it; 0 where one is missing."""
        columns = [self._named(values, name) for name in self.columns_]
        level = logs(columns[0], self.scales_[0])
        terms = [level - self.scales_[0][1]]
        for column, scale in zip(columns[1:], self.scales_[1:], strict=True):
            differs = (logs(column, scale) - scale[1]) - terms[0]
            terms.append(np.where(np.isnan(column), 0.0, differs))
        return terms

    def _forecast(self, values: Floats) -> Floats:
        forecast = np.full(len(values), self.weights_[0])
        for weight, term in zip(self.weights_[1:], self._terms(values), strict=True):
            forecast += weight * term
        return forecast


def build(seed: int, volatility: str) -> Har:  # noqa: ARG001
    """An unfitted model; `seed` is not used, nothing in it is random."""
    return Har(volatility=volatility)
