"""No knowledge at all: the share of spikes in the training part, at every bar."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models._columns import TwoClass, both

NAME = "prevalence"
TITLE = "base rate"
BASELINE = True
DISTORTED = False
ABOUT = "Says the training part's share of spikes at every bar, whatever happens."


class Prevalence(TwoClass):
    """The training base rate. Attributes: rate_, the share of spikes."""

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Count the spikes of the training part; nothing else is used. Raises ValueError for one class."""
        _, spike = self._learn(X, y)
        self.rate_ = float(spike.mean())
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2): the same in each row."""
        return both(np.full(len(self._take(X)), self.rate_))


def build(seed: int, volatility: str) -> Prevalence:  # noqa: ARG001
    """An unfitted rule; neither argument is used."""
    return Prevalence()
