"""EWMA: an exponentially weighted mean of squared one-second returns, carried forward.

J.P. Morgan 1996, "RiskMetrics technical document", sections 5.2 and 5.3: variance ahead is the weighted mean of past
squared returns, and the decay is that with the least error of forecasting on the past, here of log volatility on the
training part (0.94 a bar is among those tried). P(it reaches tau) through the errors (`_exceeding`).
"""

from __future__ import annotations

from typing import Any

from models._columns import Floats, log_scale, logs
from models._exceeding import Exceeding

NAME = "ewma"
TITLE = "EWMA"
BASELINE = True
DISTORTED = False
ABOUT = "Carries forward a fading mean of squared returns (RiskMetrics), and says how often its errors reach τ."

COLUMNS = tuple(f"ewma_{s}" for s in (3, 6, 11, 22, 45, 90))
"""Half-lives in seconds; 11.2 s is RiskMetrics' decay of 0.94."""


class Ewma(Exceeding):
    """One of `COLUMNS`, the one whose log is nearest to log forward volatility up to a constant.

    Attributes
    ----------
    column_ : the one in use
    note_ : the same as a sentence
    """

    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        tried = [name for name in COLUMNS if self._has(name)] or [COLUMNS[2]]
        scales = {name: log_scale(self._named(values, name)) for name in tried}
        if not max(scale[2] for scale in scales.values()) > 1e-12:
            raise ValueError(
                f"{', '.join(tried)} does not vary in the training part ({wanted.size:,} rows): there is nothing to "
                "carry forward. Train on ticks in which the price moves."
            )
        errors = {name: wanted - logs(self._named(values, name), scales[name]) for name in tried}
        self.column_ = min(tried, key=lambda name: float(errors[name].std()))
        self.scale_ = scales[self.column_]
        self.note_ = f"half-life {self.column_.removeprefix('ewma_')} s, the least error in training"
        return errors[self.column_]

    def _forecast(self, values: Floats) -> Floats:
        return logs(self._named(values, self.column_), self.scale_)


def build(seed: int, volatility: str) -> Ewma:  # noqa: ARG001
    """An unfitted model; neither argument is used."""
    return Ewma()
