"""A rule of thumb of the order book: when the spread is wide and the ticks come fast, something is up.

Score = the mean of z(log spread) and z(log ticks a second) over the last minute, z in training standard deviations;
P(spike) = logistic(score - 2). Market makers widen the spread before they are hit (Glosten and Milgrom 1985,
doi:10.1016/0304-405X(85)90044-3), and volatility goes with the number of trades (Jones, Kaul and Lipson 1994,
doi:10.1093/rfs/7.4.631). A source without quotes has no spread: then the activity alone decides.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models._columns import Floats, TwoClass, both, log_scale, logs

NAME = "spread_activity"
TITLE = "spread and activity"
BASELINE = True
DISTORTED = True
ABOUT = "Alarms when the spread is wide and the ticks come fast, compared with the training part."

COLUMNS = ("spread_60", "intensity_60")
SIGMAS = 2.0
"""Where P = 0.5 lies, as in the z-score rule."""


class SpreadActivity(TwoClass):
    """Mean z-score of log spread and log activity; a missing value reads as the training mean."""

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Take means and standard deviations of the training part; nothing else is used.

        Raises
        ------
        ValueError
            If y has one class, or neither column is there and varies.
        """
        values, _ = self._learn(X, y)
        there = [name for name in COLUMNS if self._has(name) or not hasattr(self, "feature_names_in_")]
        scales = {name: log_scale(self._named(values, name)) for name in there}
        self.columns_ = [name for name in there if scales[name][2] > 1e-12]
        if not self.columns_:
            raise ValueError(
                f"neither {COLUMNS[0]} nor {COLUMNS[1]} is there and varies in the training part ({len(values):,} "
                "rows): the rule has nothing to read. Train on ticks with quotes, or leave this rule out."
            )
        self.scales_ = [scales[name] for name in self.columns_]
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """logistic(score - 2) of each row, (n, 2)."""
        values = self._take(X)
        score: Floats = np.zeros(len(values))
        for name, scale in zip(self.columns_, self.scales_, strict=True):
            score += (logs(self._named(values, name), scale) - scale[1]) / scale[2]
        return both(expit(score / len(self.columns_) - SIGMAS))


def build(seed: int, volatility: str) -> SpreadActivity:  # noqa: ARG001
    """An unfitted rule; neither argument is used."""
    return SpreadActivity()
