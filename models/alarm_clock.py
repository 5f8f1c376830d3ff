"""An alarm by the clock: on the full hour, on the half hour, every ten minutes, whatever the market does.

What a person would have who set a kitchen timer. Its probability is the training base rate at every bar, raised by a
thousandth of it where it rings on the ten minutes, by two on the half hour and by three on the hour: so that 1, 2 or 6
alerts an hour can be asked of it, and no probability says more than the base rate does.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models._columns import TwoClass, both, clock

NAME = "alarm_clock"
TITLE = "alarm clock"
BASELINE = True
DISTORTED = False
ABOUT = "Rings by the clock, every ten minutes, half hour or hour, and knows nothing of the market."

EVERY_S = (600, 1800, 3600)
STEP = 1e-3


class AlarmClock(TwoClass):
    """Rings at the bars whose end is a multiple of ten minutes UTC; without a clock in X's index it never does."""

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Count the spikes of the training part; nothing else is used. Raises ValueError for one class."""
        _, spike = self._learn(X, y)
        self.rate_ = float(spike.mean())
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2)."""
        n, ends = len(self._take(X)), clock(X)
        rings = np.zeros(n)
        if ends is not None:
            seconds = ends // 1_000_000_000
            for every in EVERY_S:
                rings += seconds % every == 0
        return both(np.minimum(self.rate_ * (1 + STEP * rings), 1.0))


def build(seed: int, volatility: str) -> AlarmClock:  # noqa: ARG001
    """An unfitted rule; neither argument is used."""
    return AlarmClock()
