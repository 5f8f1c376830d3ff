"""95 % intervals by block bootstrap: how much of a score is the luck of these few hours.

Seconds next to each other share their market and most of their horizon, so they are drawn in blocks: a replicate is
made of runs of consecutive rows, `block_s` long, that start anywhere (the end runs on into the beginning), until it has
as many rows as the part. A replicate is held as a weight for each row, how often it was drawn. Models are sorted once
and scored with the same weights, so a difference of two models is paired.

The interval is the hull of the percentile and the basic one (the percentile one mirrored at the value), taken on the
log-odds of AP, the arcsine of the root of F1 and of precision (which may be 0), the log of lift, the root of a count an
hour, and differences as they are; both stretched by t(k - 2) / 1.96 x sqrt(k / (k - 1)), where k is how many of the
part's blocks hold a spike: blocks without one say next to nothing about a score of spikes. Plain percentile intervals
hold the truth in 0.71 to 0.88 of simulated cases where they promise 0.95, these in 0.90 to 1.00
(tests/evaluation/test_intervals.py), 0.88 where volatility remembers for twice a block: AP is skewed, a difference is
pulled to 0 where spikes are few, blocks are few.

Sources: moving blocks, H. R. Kuensch, Annals of Statistics 17 (1989); circular ones, D. N. Politis and J. P. Romano in
"Exploring the Limits of Bootstrap" (1992); percentile and basic intervals, transformed scales and t in place of the
normal for few, A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application" (1997), chapters 2, 5 and 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import BadInput
from core.evaluation.record import Band, Estimate
from core.features.bars import SECOND_NS

RECALLS = np.linspace(0.0, 1.0, 101)
"""Recalls at which the band of a precision-recall curve is taken."""
LEAST_BLOCKS = 5
"""Blocks that must hold a spike before an interval has ends: with 3 or 4, honest ones for AP are 0.9 wide in the
mean."""
LEAST_SHARE = 0.9
"""Share of replicates in which a score must exist before its interval has ends."""

Z95 = 1.959963984540054
TINY = 1e-4
"""An AP is kept this far from 1 when its interval is taken on log-odds."""

Floats = NDArray[np.float64]


class Blocks:
    """The draws of a block bootstrap over n rows, made once and used for every score of those rows.

    A block is a run of rows in order that covers `block_s` observed seconds: a hole between two sessions takes no part
    of it, so that every block holds equally many rows and no replicate is thin because it fell into the night.

    Parameters
    ----------
    bar_end_ns : (n,), ascending, with holes
    block_s : length of a block in seconds, at least 5 horizons
    replicates : how many
    seed : of the draws
    """

    def __init__(self, bar_end_ns: NDArray[np.int64], block_s: int, replicates: int = 500, seed: int = 0) -> None:
        if bar_end_ns.ndim != 1 or bar_end_ns.size == 0 or block_s < 1 or replicates < 1:
            raise BadInput(f"{bar_end_ns.shape} rows, blocks of {block_s} s, {replicates} replicates: nothing to draw")
        self.n = bar_end_ns.size
        self.block_s = block_s
        self.replicates = replicates
        step_s = float(np.median(np.diff(bar_end_ns))) / SECOND_NS if self.n > 1 else 1.0
        self.length = min(self.n, max(1, round(block_s / step_s)))
        """Rows of a block."""
        self.count = -(-self.n // self.length)
        """Blocks of a replicate; the last is cut so that a replicate has n rows."""
        self.starts = np.random.default_rng(seed).integers(0, self.n, (replicates, self.count))
        """First row of each block, shape (replicates, count)."""

    def weights(self, replicate: int) -> NDArray[np.int64]:
        """How often each row is in a replicate, (n,); they sum to n."""
        weight = np.empty(self.n, np.int64)
        _weights(self.starts[replicate], self.length, weight)
        return weight

    def sums(self, counts: NDArray[Any]) -> Floats:
        """Sum of each column of counts (n, k) over each replicate, shape (replicates, k)."""
        running = np.zeros((2 * self.n + 1, counts.shape[1]))
        np.cumsum(np.concatenate((counts, counts)), axis=0, out=running[1:])
        lengths = np.full(self.count, self.length)
        lengths[-1] = self.n - self.length * (self.count - 1)
        total: Floats = (running[self.starts + lengths] - running[self.starts]).sum(axis=1)
        return total

    def holding(self, marked: NDArray[np.bool_]) -> int:
        """How many of the blocks that lie end to end from the first row on hold a marked row (n,)."""
        return np.unique(np.flatnonzero(marked) // self.length).size


@njit(cache=True, nogil=True)
def _weights(starts, length, weight):  # type: ignore[no-untyped-def]
    n = weight.size
    weight[:] = 0
    left = n
    for start in starts:
        end = start + min(length, left)
        left -= length
        for i in range(start, min(end, n)):
            weight[i] += 1
        for i in range(end - n):
            weight[i] += 1


@njit(cache=True, nogil=True)
def _sweep(rows, last, y, weight, alerting, recalls, precision):  # type: ignore[no-untyped-def]
    """AP, base rate and F1 of weighted rows, in the order of falling p; `last` marks the last row of equal p.

    AP is scikit-learn's `average_precision_score` with `sample_weight` (a sum of steps, equal p being one step).
    `alerting` is how many of `rows` alert. precision at recalls[j] is that of the highest p which reaches the recall.
    """
    spikes = 0
    total = 0
    for row in rows:
        total += weight[row]
        if y[row]:
            spikes += weight[row]
    if spikes == 0:
        precision[:] = np.nan
        return np.nan, np.nan, np.nan
    tp = 0
    drawn = 0
    before = 0
    area = 0.0
    f1 = 0.0
    j = 0
    for k in range(rows.size):
        w = weight[rows[k]]
        drawn += w
        if y[rows[k]]:
            tp += w
        if k + 1 == alerting:
            f1 = 2.0 * tp / (drawn + spikes)
        if last[k] and drawn > 0:
            if tp > before:
                area += (tp - before) * (tp / drawn)
                before = tp
            while j < recalls.size and tp >= recalls[j] * spikes:
                precision[j] = tp / drawn
                j += 1
    precision[j:] = np.nan
    return area / spikes, spikes / total, f1


@njit(cache=True, nogil=True)
def _resample(rows, last, y, alerting, starts, length, recalls, ap, base, f1, precision):  # type: ignore[no-untyped-def]
    weight = np.ones(y.size, np.int64)
    ap[0], base[0], f1[0] = _sweep(rows, last, y, weight, alerting, recalls, precision[0])
    for r in range(starts.shape[0]):
        _weights(starts[r], length, weight)
        ap[r + 1], base[r + 1], f1[r + 1] = _sweep(rows, last, y, weight, alerting, recalls, precision[r + 1])


def _sorted(p: Floats, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    order = np.argsort(-p[rows], kind="stable")
    falling = p[rows][order]
    return rows[order], np.append(np.diff(falling) != 0, True)


@dataclass(frozen=True)
class Resampled:
    """One model's scores on the rows as they are (index 0) and in each replicate (1 and on).

    A replicate without a spike has no score: NaN, and it is left out (see `estimate`).

    aps, base_rates, f1s : (1 + replicates,)
    precisions : (1 + replicates, len(RECALLS)), at those recalls
    holding : blocks that hold a spike
    """

    aps: Floats
    base_rates: Floats
    f1s: Floats
    precisions: Floats
    holding: int

    @property
    def ap(self) -> Estimate:
        return estimate(self.aps, self.holding, "log-odds")

    @property
    def lift(self) -> Estimate:
        return estimate(self.aps / self.base_rates, self.holding, "log")

    @property
    def f1(self) -> Estimate:
        return estimate(self.f1s, self.holding, "arcsine")

    @property
    def over_base(self) -> Estimate:
        """AP less the base rate of the same replicate: what a forecast without skill would have."""
        return estimate(self.aps - self.base_rates, self.holding, "plain")

    def over(self, other: Resampled) -> Estimate:
        """AP less that of another model on the same rows and draws."""
        return estimate(self.aps - other.aps, self.holding, "plain")

    @property
    def band(self) -> Band:
        """Interval of precision at each recall, each by itself; empty where there are too few blocks."""
        if not _enough(self.aps, self.holding):
            return Band(recall=[], low=[], high=[])
        low, high = _ends(self.precisions, self.holding, "arcsine")
        return Band(recall=RECALLS.tolist(), low=low.tolist(), high=high.tolist())


def resampled(
    y: NDArray[np.bool_], p: Floats, theta: float, blocks: Blocks, rows: NDArray[np.int64] | None = None
) -> Resampled:
    """Scores of one model in each replicate.

    Parameters
    ----------
    y : (n,) spikes
    p : (n,) probabilities
    theta : alert probability, for F1
    blocks : the draws over those n rows; the same ones for all models
    rows : indices of the rows that are scored, the others are drawn but do not count; None for all
    """
    if y.shape != p.shape or y.size != blocks.n:
        raise BadInput(f"{y.size:,} labels, {p.size:,} probabilities, draws over {blocks.n:,} rows: they must match")
    chosen = np.arange(y.size) if rows is None else rows
    order, last = _sorted(p, chosen)
    size = blocks.replicates + 1
    ap, base, f1 = np.empty(size), np.empty(size), np.empty(size)
    precision = np.empty((size, RECALLS.size))
    alerting = int((p[chosen] >= theta).sum())
    _resample(order, last, y, alerting, blocks.starts, blocks.length, RECALLS, ap, base, f1, precision)
    return Resampled(ap, base, f1, precision, blocks.holding(y & np.isin(np.arange(y.size), chosen)))


Scale = Literal["plain", "log", "log-odds", "arcsine", "root"]


def estimate(values: Floats, holding: int, scale: Scale) -> Estimate:
    """Value and 95 % interval of a score: values[0] is the score, values[1:] that of each replicate, NaN where none is.

    The ends are None where fewer than `LEAST_BLOCKS` blocks hold what the score counts (`holding`), or fewer than
    `LEAST_SHARE` of the replicates have a score; replicates without one are left out otherwise. An interval that is one
    point says that all replicates agree.
    """
    if not np.isfinite(values[0]):
        return Estimate(value=None)
    if not _enough(values, holding):
        return Estimate(value=float(values[0]))
    low, high = _ends(values[:, None], holding, scale)
    return Estimate(value=float(values[0]), low=float(low[0]), high=float(high[0]))


def _enough(values: Floats, holding: int) -> bool:
    return holding >= LEAST_BLOCKS and bool(np.isfinite(values[1:]).mean() >= LEAST_SHARE)


def stretch(holding: int) -> float:
    """How much wider the interval of so many blocks is than that of very many; falls to 1."""
    from scipy.special import stdtrit  # loads in a tenth of a second

    return float(stdtrit(holding - 2, 0.975)) / Z95 * math.sqrt(holding / (holding - 1))


def _ends(values: Floats, holding: int, scale: Scale) -> tuple[Floats, Floats]:
    """Both ends of each column of values (1 + replicates, k)."""
    kept = values[np.append(True, np.isfinite(values[1:]).all(axis=1))]
    if scale == "log-odds":
        inside = np.clip(kept, TINY, 1 - TINY)
        kept = np.log(inside) - np.log1p(-inside)
    elif scale == "arcsine":
        kept = np.arcsin(np.sqrt(np.clip(kept, 0.0, 1.0)))
    elif scale in ("log", "root"):
        kept = np.log(kept) if scale == "log" else np.sqrt(kept)
    low, middle, high = np.quantile(kept[1:], (0.025, 0.5, 0.975), axis=0)
    low, high = (middle + (end - middle) * stretch(holding) for end in (low, high))
    low, high = np.minimum(low, 2 * kept[0] - high), np.maximum(high, 2 * kept[0] - low)
    if scale == "log-odds":
        low, high = 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high))
    elif scale == "arcsine":
        low, high = (np.sin(np.clip(end, 0.0, np.pi / 2)) ** 2 for end in (low, high))
    elif scale in ("log", "root"):
        low, high = (np.exp(end) if scale == "log" else np.maximum(end, 0.0) ** 2 for end in (low, high))
    return np.minimum(low, values[0]), np.maximum(high, values[0])  # no rounding, no TINY leaves it out


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share of n independent cases (n need not be whole). Source: E. B. Wilson, JASA 22 (1927).

    >>> [round(end, 3) for end in wilson(0.5, 10)]
    [0.237, 0.763]
    """
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
