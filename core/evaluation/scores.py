"""How good a forecast is: average precision, the alert probability theta, and what it catches.

All functions take y (n,) bool, true where the bar's horizon was a spike, and p (n,), the probability forecast at that
bar; a bar alerts when p >= theta. theta comes from the validation part, every score from the test part.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, NotEnough

CURVE_POINTS = 500
"""Points of a drawn curve at most."""

Floats = NDArray[np.float64]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Precision over recall, one point per alert probability `theta`, recall rising. At most `CURVE_POINTS` points."""

    recall: list[float]
    precision: list[float]
    theta: list[float]


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one part. precision, recall, f1 and the four counts are at `theta`.

    `precision` is None when nothing alerts (0 / 0); recall and f1 are then a true 0, every spike was missed. `lift` is
    pr_auc / base_rate, which is 1 for a forecast without skill.
    """

    name: str
    pr_auc: float
    base_rate: float
    lift: float
    f1: float
    precision: float | None
    recall: float
    theta: float
    n_rows: int
    n_spikes: int
    tp: int
    fp: int
    fn: int
    tn: int
    curve: Curve


class _Sweep:
    """Every alert probability of one part at once: for each distinct p, highest first, what lies at or above it."""

    def __init__(self, y: NDArray[Any], p: NDArray[Any]) -> None:
        order = np.argsort(-p, kind="stable")
        sorted_p, sorted_y = p[order], y[order]
        last = np.append(np.flatnonzero(np.diff(sorted_p)), p.size - 1)
        self.theta: Floats = sorted_p[last]
        self.tp = np.cumsum(sorted_y)[last]
        self.alerts = last + 1
        self.spikes = int(y.sum())
        self.precision: Floats = self.tp / self.alerts
        self.recall: Floats = self.tp / self.spikes


def choose_theta(y_val: NDArray[Any], p_val: NDArray[Any]) -> float:
    """The alert probability with the best F1 on validation; of equal ones the highest, which alerts least.

    Raises
    ------
    NotEnough
        If y_val holds one class only.
    BadInput
        If lengths differ or p_val holds a value that is no probability.
    """
    y, p = _checked(y_val, p_val, "validation")
    sweep = _Sweep(y, p)
    f1 = 2 * sweep.tp / (sweep.alerts + sweep.spikes)
    return float(sweep.theta[np.argmax(f1)])  # theta falls: argmax takes the first, the highest


def score(name: str, y_val: NDArray[Any], p_val: NDArray[Any], y_test: NDArray[Any], p_test: NDArray[Any]) -> Scores:
    """Scores on the test part at the theta that validation alone chose.

    Parameters
    ----------
    name : of the model
    y_val, p_val : validation part, (n,); only theta comes from it
    y_test, p_test : test part, (m,); everything else comes from it

    Raises
    ------
    NotEnough
        If either part holds one class only: no score exists.
    BadInput
        If lengths differ or a p is no probability.
    """
    return score_at(name, y_test, p_test, choose_theta(y_val, p_val), "test")


def score_at(name: str, y: NDArray[Any], p: NDArray[Any], theta: float, part: str) -> Scores:
    """Scores of one part at a given theta; `part` is its name in an error. Raises as `score` does."""
    y, p = _checked(y, p, part)
    sweep = _Sweep(y, p)
    alert = p >= theta
    tp, fp = int((alert & y).sum()), int((alert & ~y).sum())
    fn, tn = int((~alert & y).sum()), int((~alert & ~y).sum())
    base_rate = sweep.spikes / y.size
    area = _area(sweep)
    return Scores(
        name=name, pr_auc=area, base_rate=base_rate, lift=area / base_rate, theta=float(theta),
        precision=tp / (tp + fp) if tp + fp else None, recall=tp / (tp + fn),
        f1=2 * tp / (2 * tp + fp + fn),
        n_rows=int(y.size), n_spikes=sweep.spikes, tp=tp, fp=fp, fn=fn, tn=tn, curve=_curve(sweep, theta),
    )  # fmt: skip


def _area(sweep: _Sweep) -> float:
    """Average precision: the area under the curve as a step, the sum over theta of (recall rise) x precision.

    Rows of equal p are one step, so their order does not matter. Source: the definition of scikit-learn's
    `average_precision_score`, which it equals.
    """
    return float(np.sum(np.diff(sweep.recall, prepend=0.0) * sweep.precision))


def _curve(sweep: _Sweep, theta: float) -> Curve:
    """At most CURVE_POINTS points at even distances along the curve, its ends, and the operating point exactly.

    Along the curve and not along recall: precision falls in long steps at one recall, which even recalls would cut off.
    """
    n = sweep.theta.size
    operating = int(np.searchsorted(-sweep.theta, -theta, side="right")) - 1  # lowest p that still alerts
    keep = np.arange(n)
    if n > CURVE_POINTS:
        way = np.cumsum(np.abs(np.diff(sweep.recall, prepend=0.0)) + np.abs(np.diff(sweep.precision, prepend=1.0)))
        keep = np.searchsorted(way, np.linspace(way[0], way[-1], CURVE_POINTS - 1))
        keep = np.unique(np.append(np.minimum(keep, n - 1), max(operating, 0)))
    drawn = sweep.theta[keep]
    if operating >= 0:
        drawn[keep == operating] = theta
    return Curve(
        recall=sweep.recall[keep].tolist(), precision=sweep.precision[keep].tolist(), theta=drawn.tolist()
    )  # fmt: skip


def _checked(y: NDArray[Any], p: NDArray[Any], part: str) -> tuple[NDArray[np.bool_], Floats]:
    y, p = np.asarray(y), np.asarray(p, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        raise BadInput(f"{part}: {y.shape} rows but {p.shape} probabilities; give one probability a row")
    if y.dtype != np.bool_ and not np.isin(y, (0, 1)).all():
        raise BadInput(f"{part}: spikes are true or false (1 or 0), not {np.unique(y)[:5].tolist()}")
    y = y.astype(bool)
    spikes = int(y.sum())
    if spikes == 0 or spikes == y.size:
        raise NotEnough(f"the {part} part has {spikes:,} spikes in {y.size:,} rows: a score needs both classes")
    bad = int((~((p >= 0) & (p <= 1))).sum())
    if bad:
        raise BadInput(f"{part}: {bad:,} of {p.size:,} values are no probability (outside 0 to 1, or missing)")
    return y, p


def as_row(scores: Scores) -> dict[str, Any]:
    """The scores without their curve, for a table or a JSON line."""
    return {field: getattr(scores, field) for field in scores.__struct_fields__ if field != "curve"}
