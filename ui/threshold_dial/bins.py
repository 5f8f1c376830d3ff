"""Exact counts at bin edges, for the dial: no value leaves Python, only how many lie below each edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import NotEnough
from core.features.dataset import ENOUGH_EVENTS, ENOUGH_SPIKES
from core.features.labels import episodes_at

BINS = 2000
FEWEST = 2
"""Distinct positive values below which there is no distribution to draw."""


@dataclass(frozen=True)
class Bins:
    """`BINS` bins of equal width in the log of what τ is set on, from `lo` to `hi`.

    cum[split][k] is how many of the split's n values are below edge k; so n - cum[k] seconds are spikes there, in
    episodes[split][k] runs.
    """

    lo: float
    hi: float
    n: dict[str, int]
    cum: dict[str, list[int]]
    episodes: dict[str, list[int]]

    def edges(self) -> NDArray[np.float64]:
        """All edges, shape (BINS + 1,)."""
        return np.geomspace(self.lo, self.hi, BINS + 1)

    def edge(self, k: int) -> float:
        """Edge k (0 to BINS). The browser sends k, so that both sides hold the same float."""
        return float(self.edges()[min(max(k, 0), BINS)])

    def nearest(self, tau: float) -> int:
        """The edge nearest to `tau` in its log; the lowest for a tau of 0."""
        step = (np.log(self.hi) - np.log(self.lo)) / BINS
        return int(np.clip(round((np.log(max(tau, self.lo)) - np.log(self.lo)) / step), 0, BINS))

    def enough(self) -> NDArray[np.int64]:
        """The edges at which every split has 30 spikes and 5 episodes, rising."""
        good = np.ones(BINS + 1, dtype=bool)
        for split, n in self.n.items():
            good &= n - np.array(self.cum[split]) >= ENOUGH_SPIKES
            good &= np.array(self.episodes[split]) >= ENOUGH_EVENTS
        return np.flatnonzero(good)

    def message(self) -> dict[str, object]:
        """What the browser is sent."""
        return {
            "lo": self.lo,
            "hi": self.hi,
            "bins": BINS,
            "enough": {"spikes": ENOUGH_SPIKES, "episodes": ENOUGH_EVENTS},
            "splits": {
                name: {"n": self.n[name], "cum": self.cum[name], "episodes": self.episodes[name]} for name in self.n
            },
        }


def binned(splits: Mapping[str, tuple[NDArray[np.float64], NDArray[np.int64]]], horizon_s: int) -> Bins:
    """Bin what τ is set on, for each split: its values and their bar ends (ns), shape (n,), in the order of time.

    Raises NotEnough when there is no spread to draw.
    """
    positive = np.concatenate([v for v, _ in splits.values()]) if splits else np.empty(0)
    positive = positive[positive > 0]
    if positive.size < FEWEST or positive.min() == positive.max():
        raise NotEnough(
            f"Have {positive.size:,} seconds with a move of the price, need {FEWEST} different ones "
            "to draw their distribution. Capture a few more minutes."
        )
    lo, hi = float(np.quantile(positive, 0.002)), float(positive.max() * 1.0001)
    edges = np.geomspace(lo, hi, BINS + 1)
    return Bins(
        lo,
        hi,
        {name: int(v.size) for name, (v, _) in splits.items()},
        {name: np.searchsorted(np.sort(v), edges, "left").tolist() for name, (v, _) in splits.items()},
        {name: episodes_at(v, ns, horizon_s, edges).tolist() for name, (v, ns) in splits.items()},
    )


__all__ = ["BINS", "Bins", "binned"]
