"""Random forest (Breiman 2001, doi:10.1023/A:1010933404324), of bounded size."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models._columns import TwoClass, both

NAME = "forest"
TITLE = "random forest"
BASELINE = False
DISTORTED = True
ABOUT = "Averages many decision trees, each grown on other rows and columns."


class Forest(TwoClass):
    """RandomForestClassifier with balanced class weights.

    Parameters
    ----------
    trees : how many
    depth : of each at most
    rows : share of the training rows that a tree is grown on
    least : rows in a leaf at least, 1 % of them in a small training part: neighbouring rows are the same minute
    seed : of the row and column samples; one thread, so that the trees are added up in one order
    """

    def __init__(self, trees: int = 100, depth: int = 6, rows: float = 0.3, least: int = 100, seed: int = 0) -> None:
        self.trees = trees
        self.depth = depth
        self.rows = rows
        self.least = least
        self.seed = seed

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Grow trees on X (n, k), y (n,); nothing else is used. Raises ValueError for one class."""
        values, spike = self._learn(X, y)
        self.model_ = RandomForestClassifier(
            n_estimators=self.trees, max_depth=self.depth, max_features="sqrt",
            max_samples=max(1, round(self.rows * spike.size)), n_jobs=1,
            min_samples_leaf=max(1, min(self.least, spike.size // 100)), class_weight="balanced",
            random_state=self.seed,
        ).fit(_narrow(values), spike)  # fmt: skip
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2), as if both classes were equally common (balanced weights)."""
        inputs = _narrow(self._take(X))
        return both(np.clip(self.model_.predict_proba(inputs)[:, 1], 0.0, 1.0))


def _narrow(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """What trees compare in: values beyond float32 are its largest."""
    top = np.finfo(np.float32).max
    return np.clip(values, -top, top).astype(np.float32)


def build(seed: int, volatility: str) -> Forest:  # noqa: ARG001
    """An unfitted model; `volatility` is not used, all columns are."""
    return Forest(seed=seed)


SPACE = {"depth": (2, 12, False), "rows": (0.05, 1.0, True), "least": (10, 500, True)}
"""What can be tuned: (lowest, highest, evenly in logs) of each."""
