"""Inside sessions: whether a model tells seconds apart, or only a busy day from a quiet one.

A stretch is a session cut at each full hour UTC. Inside it a forecast is replaced by its rank, so that knowing how busy
the stretch is earns nothing; see `record.Within`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.evaluation.intervals import Blocks, Resampled, resampled
from core.evaluation.record import Estimate, Group, Within
from core.evaluation.scores import score_at
from core.features.bars import SECOND_NS

HOUR_NS = 3600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
REGIMES = ("calm", "middle", "busy")
"""Terciles of the volatility of 300 s in the training part, lowest first."""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Stretches:
    """The stretches of a part and which of them hold both classes.

    Parameters
    ----------
    bar_end_ns, session : rows in the order of time, (n,)
    y : (n,) spikes
    """

    def __init__(self, bar_end_ns: Rows, session: Rows, y: NDArray[np.bool_]) -> None:
        self.of = stretch_of(bar_end_ns, session)
        """Number of each row's stretch, (n,), from 0."""
        spikes, rows = np.bincount(self.of, y), np.bincount(self.of)
        self.both = (spikes > 0) & (spikes < rows)
        """Which stretches hold both classes."""
        self.rows = np.flatnonzero(self.both[self.of])
        """The rows of those."""


def stretch_of(bar_end_ns: Rows, session: Rows) -> Rows:
    """Number of the stretch of each row, (n,), from 0 in the order of time."""
    hour = bar_end_ns // HOUR_NS
    return np.append(0, np.cumsum((np.diff(session) != 0) | (np.diff(hour) != 0)))


def ranks(p: Floats, stretch: Rows) -> Floats:
    """Share of each stretch that lies below each p (n,), half of its equals counted as below: inside (0, 1).

    A forecast that says the same throughout has 0.5 everywhere, however long the stretch is: a rank divided by their
    number would be a little higher in a short one, and short stretches are the ones that begin with a spike.

    >>> ranks(np.array([0.1, 0.9, 0.9, 5.0]), np.array([0, 0, 0, 1])).round(3).tolist()
    [0.167, 0.667, 0.667, 0.5]
    """
    import pandas as pd

    inside = pd.Series(p).groupby(stretch)
    return np.asarray((inside.rank(method="average") - 0.5) / inside.transform("size"), np.float64)


def resampled_ranks(y: NDArray[np.bool_], p: Floats, stretches: Stretches, blocks: Blocks) -> Resampled | None:
    """The ranks of one model as `intervals.resampled` scores them; None where no stretch holds both classes."""
    if stretches.rows.size == 0:
        return None
    return resampled(y, ranks(p, stretches.of), 2.0, blocks, stretches.rows)


def within(y: NDArray[np.bool_], stretches: Stretches, mine: Resampled | None, best: Resampled | None) -> Within:
    """How well a model tells seconds apart inside stretches.

    mine, best : `resampled_ranks` of the model and of the best baseline (None for that baseline itself)
    """
    spikes = int(y[stretches.rows].sum())
    none = Estimate(value=None)
    return Within(
        sessions=int(stretches.both.sum()),
        rows=stretches.rows.size,
        spikes=spikes,
        base_rate=spikes / stretches.rows.size if stretches.rows.size else None,
        ap=mine.ap if mine else none,
        lift=mine.lift if mine else none,
        over_base=mine.over_base if mine else none,
        over_best=mine.over(best) if mine and best else none,
    )


def regime_bounds(slow_bps: Floats) -> tuple[float, float]:
    """Terciles of the volatility of 300 s (n,) IN THE TRAINING PART, bps; NaN is left out."""
    low, high = np.nanquantile(slow_bps, (1 / 3, 2 / 3))
    return float(low), float(high)


def groups(
    y: NDArray[np.bool_],
    p: Floats,
    bar_end_ns: Rows,
    session: Rows,
    *,
    slow_bps: Floats,
    bounds: tuple[float, float],
) -> tuple[Group, ...]:
    """One model's AP in each stretch, each UTC day and each regime of the test part.

    slow_bps : (n,) volatility of the last 300 s, NaN where not known: such rows are in no regime
    bounds : `regime_bounds` of the training part
    """
    parts: list[tuple[Literal["session", "day", "regime"], str, NDArray[np.bool_]]] = []
    stretch = stretch_of(bar_end_ns, session)
    for k in range(int(stretch[-1]) + 1 if stretch.size else 0):
        at = stretch == k
        parts.append(("session", _when(int(bar_end_ns[at][0]), "%Y-%m-%d %H:%M:%S"), at))
    day = bar_end_ns // DAY_NS
    parts += [("day", _when(int(d) * DAY_NS, "%Y-%m-%d"), day == d) for d in np.unique(day)]
    regime = np.where(np.isnan(slow_bps), -1, np.searchsorted(np.array(bounds), slow_bps, side="right"))
    parts += [("regime", name, regime == k) for k, name in enumerate(REGIMES)]
    return tuple(_group(kind, name, y[at], p[at], bar_end_ns[at]) for kind, name, at in parts if at.any())


def _when(ns: int, pattern: str) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime(pattern)


def _group(
    kind: Literal["session", "day", "regime"], name: str, y: NDArray[np.bool_], p: Floats, bar_end_ns: Rows
) -> Group:
    spikes = int(y.sum())
    scored = score_at(name, y, p, 0.5, name) if 0 < spikes < y.size else None
    return Group(
        name=name,
        kind=kind,
        first_ns=int(bar_end_ns[0]),
        rows=y.size,
        spikes=spikes,
        base_rate=spikes / y.size,
        ap=scored.pr_auc if scored else None,
        lift=scored.lift if scored else None,
    )
