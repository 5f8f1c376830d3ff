"""Whether a probability means what it says, and how to make it.

Sources: Brier score, G. W. Brier, Monthly Weather Review 78 (1950); skill against climatology, A. H. Murphy, ibid. 101
(1973); expected calibration error, Naeini, Cooper and Hauskrecht, AAAI (2015), with bins of equal count; interval of a
share, E. B. Wilson, JASA 22 (1927); sigmoid calibration, J. Platt, "Probabilistic outputs for support vector machines"
(1999), fitted as in Lin, Lin and Weng, Machine Learning 68 (2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, NotEnough
from core.evaluation.intervals import Blocks, estimate, wilson
from core.evaluation.record import Bin, Probability

BINS = 10
"""Points of a reliability plot at most."""
LEAST_HORIZONS = 5
"""Rows that share no second of their horizon, in a bin, before its share is said of a live forecast."""
CLIP = 1e-6
"""Log loss takes a probability as at least this and at most 1 less this: one row that was called impossible and
happened then costs 13.8 and not infinitely much."""

Floats = NDArray[np.float64]


def probability(y: NDArray[np.bool_], p: Floats, *, climatology: float, horizon_s: int, blocks: Blocks) -> Probability:
    """Brier score and skill, log loss, expected calibration error and reliability bins of one part.

    Parameters
    ----------
    y, p : (n,) spikes and probabilities
    climatology : base rate of the TRAINING part, the forecast of who knows nothing else
    horizon_s : rows of a bin are divided by it for the bin's interval (one row a second: rows share their horizon)
    blocks : draws over those n rows
    """
    wrong = np.stack([(p - y) ** 2, (climatology - y) ** 2], axis=1)
    drawn = np.concatenate([wrong.sum(axis=0)[None, :], blocks.sums(wrong)])
    with np.errstate(invalid="ignore", divide="ignore"):
        skill = np.where(drawn[:, 1] > 0, 1 - drawn[:, 0] / drawn[:, 1], np.nan)
    inside = np.clip(p, CLIP, 1 - CLIP)
    points = bins(y, p, horizon_s)
    return Probability(
        brier=float(wrong[:, 0].mean()),
        brier_skill=estimate(skill, blocks.holding(y), "plain"),
        log_loss=float(-np.where(y, np.log(inside), np.log1p(-inside)).mean()),
        ece=sum(b.rows * abs(b.p - b.share) for b in points) / y.size,
        bins=points,
    )


def bins(y: NDArray[np.bool_], p: Floats, horizon_s: int) -> tuple[Bin, ...]:
    """At most `BINS` bins of equally many rows; equal p stay together. The interval is Wilson's at rows / horizon."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)[1:-1], method="higher"))
    at = np.searchsorted(edges, p, side="right")
    found = []
    for k in np.unique(at):
        inside = at == k
        rows, share = int(inside.sum()), float(y[inside].mean())
        low, high = wilson(share, max(rows / horizon_s, 1.0))
        ends = {"least": float(p[inside].min()), "most": float(p[inside].max())}
        found.append(Bin(p=float(p[inside].mean()), share=share, rows=rows, low=low, high=high, **ends))
    return tuple(found)


def meant(points: Sequence[Bin], p: float, horizon_s: int) -> Bin | None:
    """The rows whose forecasts were of about the size of `p`: what such a P has meant.

    The bin that `p` lies in (of two that it lies between, the nearer one), with its nearest neighbours as long as fewer
    than `LEAST_HORIZONS` horizons stand behind it. None where `p` lies beyond all rows, where all of them are too few,
    or where the evaluation is older than the ends of its bins.
    """
    if not points or any(b.least is None for b in points) or not points[0].least <= p <= points[-1].most:  # type: ignore[operator]
        return None
    near = sorted(points, key=lambda b: (max(b.least - p, p - b.most, 0.0), abs(b.p - p)))  # type: ignore[operator]
    rows = np.cumsum([b.rows for b in near])
    enough = np.flatnonzero(rows >= LEAST_HORIZONS * horizon_s)
    if not enough.size:
        return None
    joined, n = near[: int(enough[0]) + 1], int(rows[enough[0]])
    share = sum(b.share * b.rows for b in joined) / n
    low, high = wilson(share, n / horizon_s)
    least, most = (end(getattr(b, name) for b in joined) for end, name in ((min, "least"), (max, "most")))
    mean = sum(b.p * b.rows for b in joined) / n
    return Bin(p=mean, share=share, rows=n, low=low, high=high, least=least, most=most)


@dataclass(frozen=True)
class Sigmoid:
    """A calibration of log-odds: odds' = exp(b) * odds^a, a > 0.

    It keeps the order of forecasts, and so their AP, as long as they differ by more than a float can tell: those whose
    calibrated odds are beyond 1e15 all become 1.
    """

    a: float
    b: float

    def apply(self, p: Floats) -> Floats:
        """Calibrated probabilities (n,), each from its own p alone: 0 stays 0, 1 stays 1."""
        from models._calibrated import bent

        return bent(p, self.a, self.b)

    @property
    def sentence(self) -> str:
        if self.a == 1:
            return f"Calibrated on validation: the odds are multiplied by {math.exp(self.b):.3g}."
        return (
            f"Calibrated on validation: the odds are raised to the power {self.a:.3g} and multiplied by "
            f"{math.exp(self.b):.3g}."
        )


def fit_sigmoid(y: NDArray[np.bool_], p: Floats) -> Sigmoid:
    """Sigmoid calibration fitted on VALIDATION rows (n,); only the shift is fitted where the slope would not be > 0.

    Raises
    ------
    NotEnough
        If y holds one class only.
    """
    spikes, others = int(y.sum()), int((~y).sum())
    if spikes == 0 or others == 0:
        raise NotEnough(f"validation has {spikes:,} spikes in {y.size:,} rows: a calibration needs both classes")
    if not ((p >= 0) & (p <= 1)).all():
        raise BadInput("a calibration takes probabilities from 0 to 1")
    inside = np.clip(p, CLIP, 1 - CLIP)
    x = np.log(inside) - np.log1p(-inside)
    target = np.where(y, (spikes + 1) / (spikes + 2), 1 / (others + 2))  # Platt's, against overfit at few spikes
    a, b = _newton(x, target, slope=True)
    if a <= 0 or x.min() == x.max():
        a, b = _newton(x, target, slope=False)
    return Sigmoid(a, b)


def _newton(x: Floats, target: Floats, slope: bool) -> tuple[float, float]:
    """Minimum of the cross-entropy of sigmoid(a x + b) by Newton with halved steps (Lin, Lin and Weng, Algorithm 1)."""

    def loss(a: float, b: float) -> float:
        z = a * x + b
        return float((np.logaddexp(0, z) - target * z).sum())

    a, b, now = 1.0, 0.0, loss(1.0, 0.0)
    for _ in range(100):
        f = 1 / (1 + np.exp(-np.clip(a * x + b, -500, 500)))
        w, r = f * (1 - f), f - target
        gradient = np.array([(r * x).sum() if slope else 0.0, r.sum()])
        if np.abs(gradient).max() < 1e-7 * x.size:
            break
        cross = (w * x).sum() if slope else 0.0
        hessian = np.array([[(w * x * x).sum() if slope else 1.0, cross], [cross, w.sum()]]) + 1e-12 * np.eye(2)
        da, db = np.linalg.solve(hessian, -gradient)
        step = 1.0
        while step > 1e-10 and loss(a + step * da, b + step * db) > now + 1e-4 * step * float(gradient @ (da, db)):
            step /= 2
        if step <= 1e-10:
            break
        a, b = float(a + step * da), float(b + step * db)
        now = loss(a, b)
    return a, b
