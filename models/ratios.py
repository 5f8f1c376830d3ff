"""Gradient-boosted trees that see ratios only, and correct a HAR forecast.

Trees cut at absolute values: trained on a day at one level of volatility, they know nothing about a day at another.
Here every input is a ratio to the session's own slow volatility (or has no unit to begin with), and so is what is
learned: by how much log forward volatility differs from its HAR forecast (`har`). tau comes in at the end only, through
the errors. Boosting what a linear forecast leaves: Friedman 2001, "Greedy function approximation",
doi:10.1214/aos/1013203451; started from HAR, and held back hard, it has little to lose to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models._columns import Floats
from models.har import Har

NAME = "ratios"
TITLE = "boosting on ratios"
BASELINE = False
DISTORTED = False
ABOUT = "Corrects the HAR forecast by small decision trees that see how the market differs from its own last hour."

VOLATILITIES = ("rv_", "tick_std_", "bipower_", "range_", "ewma_", "rms_")
WITHOUT_UNIT = ("imbalance_", "flow_", "log_", "jump_")
SLOW = {"rms_3600": 1, "ewma_90": 1, "rv_300": 300}
"""Slow volatilities, the first that a row has; each with how many one-second variances it sums."""
BLOCKS = 5
APART = 300
"""Rows left out beside a held-out block: no horizon and no common window reaches across."""


class Ratios(Har):
    """HAR, and XGBoost on what it leaves.

    Parameters
    ----------
    volatility : name (or position, for arrays) of the label's own trailing volatility
    rounds : trees at most; how many is decided by the error on blocks of the training part held out in turn, and the
        errors on those blocks are the ones that probabilities are made of
    depth, rate, rows, columns, penalty, least : as for `gradient_boosting`. (On folds
        within the training and validation parts, depth 2 put the seconds of an hour in an order at least as good as
        depth 3 and 4 did on two recordings, its log loss lower on one of them only; boosting HAR's log odds of a spike
        instead of its error gave a worse order on a recording and two simulated days.)
    seed : of the row and column samples

    Attributes
    ----------
    rounds_ : trees in use, 0 where none helped
    note_ : the same as a sentence
    """

    def __init__(
        self,
        volatility: str | int = 0,
        rounds: int = 150,
        depth: int = 2,
        rate: float = 0.05,
        rows: float = 0.5,
        columns: float = 0.3,
        penalty: float = 100.0,
        least: float = 100.0,
        seed: int = 0,
    ) -> None:
        super().__init__(volatility)
        self.rounds = rounds
        self.depth = depth
        self.rate = rate
        self.rows = rows
        self.columns = columns
        self.penalty = penalty
        self.least = least
        self.seed = seed

    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        self.rounds_ = 0  # of an earlier fit: what is left is left by HAR alone
        left = super()._learn_forecast(values, wanted, progress)
        inputs = self._ratios(values)
        blocks = np.arange(left.size) * BLOCKS // left.size
        held_out = np.empty((self.rounds + 1, left.size))
        for block in range(BLOCKS):
            at = blocks == block
            first, last = np.flatnonzero(at)[[0, -1]]
            apart = min(APART, left.size // 50)
            near = np.zeros(left.size, dtype=bool)
            near[max(0, first - apart) : last + 1 + apart] = True
            held_out[:, at] = self._grown(inputs[~near], left[~near], inputs[at])
            if progress is not None:
                progress(block + 1, BLOCKS + 1)
        squares = ((left - held_out) ** 2).mean(axis=1)
        self.rounds_ = int(squares.argmin())
        self.note_ = (
            f"{self.rounds_} trees take {1 - squares[self.rounds_] / squares[0]:.1%} off HAR's squared error "
            "on held-out blocks of the training part"
        )
        booster = self._booster(inputs, left, max(self.rounds_, 1))
        self.trees_ = bytes(booster.save_raw("ubj"))
        self._open()
        if progress is not None:
            progress(BLOCKS + 1, BLOCKS + 1)
        return left - held_out[self.rounds_]

    def _forecast(self, values: Floats) -> Floats:
        forecast = super()._forecast(values)
        if getattr(self, "rounds_", 0) == 0 or not len(values):
            return forecast
        return forecast + self._opened.inplace_predict(self._ratios(values)).astype(np.float64)

    def _ratios(self, values: Floats) -> Floats:
        """The inputs (n, m): logs of volatilities over slow volatility, returns over it, and what has no unit."""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        slow = np.full(len(values), np.nan)
        for name, bars in SLOW.items() if names else {self.volatility: 1}.items():
            if name in names or not names:
                slow = np.where(slow > 0, slow, self._named(values, name) / np.sqrt(bars))
        log_slow = np.where(slow > 0, np.log(np.where(slow > 0, slow, 1.0)), np.nan)
        inputs = []
        for name in names or [str(self.volatility)]:
            column = self._named(values, name)
            if name.startswith(VOLATILITIES) or not names:
                inputs.append(np.log(np.maximum(column, 1e-6)) - log_slow)
            elif name.startswith("ret_"):
                inputs.append(np.arcsinh(column * np.exp(-log_slow)))
            elif name.startswith(WITHOUT_UNIT):
                inputs.append(column)
        return np.ascontiguousarray(np.column_stack(inputs), dtype=np.float32)

    def _grown(self, inputs: Floats, left: Floats, asked: Floats) -> Floats:
        """Forecasts of the rows `asked` after 0, 1, ... `rounds` trees: (rounds + 1, n)."""
        booster = self._booster(inputs, left, self.rounds)
        out = np.zeros((self.rounds + 1, len(asked)))
        for tree in range(self.rounds):
            step = booster.inplace_predict(asked, iteration_range=(tree, tree + 1))
            out[tree + 1] = out[tree] + step
        return out

    def _booster(self, inputs: Floats, left: Floats, rounds: int) -> Any:
        import xgboost

        import models.gradient_boosting  # noqa: F401  # sets how waiting threads wait, before xgboost is imported

        return xgboost.train(
            {
                "max_depth": self.depth, "learning_rate": self.rate, "subsample": self.rows,
                "colsample_bytree": self.columns, "reg_lambda": self.penalty, "base_score": 0.0,
                "min_child_weight": min(self.least, left.size / 50), "tree_method": "hist", "nthread": 1,
                "seed": self.seed,
            },
            xgboost.DMatrix(inputs, left, nthread=1),
            rounds,
        )  # fmt: skip

    def _open(self) -> None:
        import xgboost

        self._opened = xgboost.Booster({"nthread": 1}, model_file=bytearray(self.trees_))

    def __getstate__(self) -> dict[str, Any]:
        """Without the open trees: `trees_` holds them as ubj, XGBoost's format for keeping."""
        return {name: value for name, value in super().__getstate__().items() if name != "_opened"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "trees_"):
            self._open()


def build(seed: int, volatility: str) -> Ratios:
    """An unfitted model."""
    return Ratios(volatility=volatility, seed=seed)


SPACE = {
    "depth": (1, 5, False),
    "rate": (0.01, 0.2, True),
    "rows": (0.3, 1.0, False),
    "columns": (0.1, 1.0, False),
    "penalty": (1.0, 300.0, True),
    "least": (5.0, 500.0, True),
}
"""What can be tuned: (lowest, highest, evenly in logs) of each."""
