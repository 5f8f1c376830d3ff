"""The estimators of volatility held against each other: what the sampling interval does, and whose spikes agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.config import LABELS, LEAKY_LABELS, LabelName
from core.errors import NotEnough
from core.features.bars import SECOND_NS, Bars
from core.features.dataset import Labelled
from core.features.formulas import BPS
from core.features.labels import Question, shifted

Floats = NDArray[np.float64]

HONEST: tuple[LabelName, ...] = tuple(name for name in LABELS if name not in LEAKY_LABELS)
INTERVALS_S: tuple[int, ...] = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300)
SLOW_S = 60
"""The interval that one second is tested against: bounces of the quotes are over by then."""
CLEAR = 1.96
"""The z beyond which chance alone is left aside, two-sided 5 %."""
PLAIN = 0.05
"""And the share by which the two must differ to matter."""


@dataclass(frozen=True)
class Signature:
    """Volatility of `horizon_s` seconds as it is measured with returns of each interval.

    volatility_bps : (m,), NaN where no session is longer than the interval
    ratio : squared volatility at 1 s over that at `SLOW_S`; 1 without noise
    z : how far from 1 that is, in standard errors; above 0 where one second reads high
    """

    interval_s: tuple[int, ...]
    volatility_bps: Floats
    horizon_s: int
    ratio: float
    z: float

    @property
    def sentence(self) -> str:
        """Whether noise of the market's structure is visible."""
        held = f"Returns of 1 s measure {self.ratio:.2f} times the variance that returns of {SLOW_S} s do"
        if abs(self.z) < CLEAR or abs(self.ratio - 1) < PLAIN:
            held += ", which is chance or too little to matter"
            return f"{held} (z {_minus(self.z)}): no microstructure noise is visible."
        if self.ratio > 1:
            return f"{held} (z {_minus(self.z)}): microstructure noise is visible, estimators on 1 s returns read high."
        return (
            f"{held} (z {_minus(self.z)}): no microstructure noise is visible; the price moves on in one direction for "
            "seconds instead, so estimators on 1 s returns read low."
        )


def signature(history: Bars, horizon_s: int = 60) -> Signature:
    """The volatility signature of a market's bars (Andersen, Bollerslev, Diebold and Labys 2000, "Great realizations").

    At each interval the mean over all overlapping returns inside sessions is taken, which is the average over the
    grids that start at each second (Zhang, Mykland and Ait-Sahalia 2005); backwards in time, no session crossed. The
    test is the variance ratio's under changing volatility (Lo and MacKinlay 1988), turned around: z above 0 means that
    one second reads high. Raises NotEnough where no session is longer than `SLOW_S`.
    """
    log_mid = np.log(history.of("close"))
    runs = _runs(history)
    apart = _parted(log_mid, runs, np.nan, INTERVALS_S[-1])
    lengths = np.bincount(runs) if len(history) else np.empty(0, np.int64)
    variance = np.full(len(INTERVALS_S), np.nan)
    for i, s in enumerate(INTERVALS_S):
        n = int(np.maximum(lengths - s, 0).sum())
        if n:
            gone = np.nan_to_num(apart[s:] - apart[:-s])
            variance[i] = np.dot(gone, gone) / n / s
    slow = variance[INTERVALS_S.index(SLOW_S)]
    if not slow > 0:
        raise NotEnough(f"have no session longer than {SLOW_S} s in which the price moved: capture a few more minutes")
    r = np.diff(log_mid, prepend=np.nan)
    r[np.diff(runs, prepend=-1) != 0] = np.nan
    return Signature(
        INTERVALS_S, BPS * np.sqrt(variance * horizon_s), horizon_s, float(variance[0] / slow),
        _z(_parted(np.nan_to_num(r - np.nanmean(r)), runs, 0.0, SLOW_S)),
    )  # fmt: skip


def _runs(history: Bars) -> NDArray[np.int64]:
    """Which run of seconds of one session each bar is in, (n,): 0, 1, ..."""
    cut = (np.diff(history.session) != 0) | (np.diff(history.bar_end_ns) != SECOND_NS)
    return np.concatenate(([0], np.cumsum(cut))) if len(history) else np.empty(0, np.int64)


def _parted(values: Floats, runs: NDArray[np.int64], between: float, by: int) -> Floats:
    """The runs with `by` values `between` them, so that no product or difference up to `by` apart joins two."""
    parted = np.full(values.size + by * (int(runs[-1]) if runs.size else 0), between)
    parted[np.arange(values.size) + by * runs] = values
    return parted


def _z(r: Floats) -> float:
    """Lo and MacKinlay's heteroskedasticity-robust z of the variance ratio at `SLOW_S`, with its sign turned.

    r : one-second log returns without their mean, 0 between runs
    """
    squares, ratio, variance = r * r, 0.0, 0.0
    total = squares.sum()
    for j in range(1, SLOW_S):
        weight = 2 * (1 - j / SLOW_S)
        ratio += weight * np.dot(r[j:], r[:-j]) / total
        variance += weight * weight * np.dot(squares[j:], squares[:-j]) / total**2
    return float(-ratio / np.sqrt(variance)) if variance > 0 else 0.0


def _minus(z: float) -> str:
    return f"{z:.1f}".replace("-", "−")


@dataclass(frozen=True)
class Pair:
    """The spikes of two estimators at the same percentile: how many each has, and how many are of both."""

    one: str
    other: str
    n_one: int
    n_other: int
    both: int

    @property
    def jaccard(self) -> float | None:
        """Shared over all, None where neither has any."""
        union = self.n_one + self.n_other - self.both
        return self.both / union if union else None


@dataclass(frozen=True)
class Ranked:
    """Forward volatility of the three estimators on the rows where all of them exist, in the order of time."""

    train: NDArray[np.bool_]
    forward: dict[str, Floats]

    def pairs(self, percentile: float) -> list[Pair]:
        """The overlap where each estimator calls what is at or above its own `percentile` (0 to 100) of the training
        part a spike; every split is counted."""
        spikes = {name: v >= np.quantile(v[self.train], percentile / 100) for name, v in self.forward.items() if v.size}
        return [
            Pair(one, other, int(a.sum()), int(b.sum()), int((a & b).sum()))
            for (one, a), (other, b) in combinations(spikes.items(), 2)
        ]


def ranked(rows: Labelled) -> Ranked:
    """The estimators' forward volatility on the labelled rows of one question, in what the rows have tau in.

    Each one is the trailing estimator of the row one horizon later, so that rows within a horizon of a session's end or
    of a purge drop out; in multiples, over the slow volatility of its own scale.
    """
    h = rows.question.horizon_s
    ends, session = rows.rows["bar_end_ns"].to_numpy(), rows.rows["session"].to_numpy()
    forward = {}
    for name in HONEST:
        asked = Question(name, h)
        forward[name] = shifted(rows.rows[asked.trailing].to_numpy(), h, ends, session)
        if rows.relative:
            slow = asked.slow_scale * rows.rows[asked.slow].to_numpy()
            forward[name] = np.divide(forward[name], slow, out=np.full(slow.shape, np.nan), where=slow > 0)
    there = np.all([np.isfinite(v) for v in forward.values()], axis=0)
    train = (rows.rows["split"] == "train").to_numpy()
    return Ranked(train[there], {name: v[there] for name, v in forward.items()})
