"""Exact counts at bin edges, for the dial: no value leaves Python, only how many lie below each edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import NotEnough

BINS = 2000
FEWEST = 2
"""Distinct positive values below which there is no distribution to draw."""


@dataclass(frozen=True)
class Bins:
    """`BINS` bins of equal width in log volatility, from `lo` to `hi` bps.

    cum[split][k] is how many of the split's n values are below edge k; so n - cum[k] seconds are spikes there.
    """

    lo: float
    hi: float
    n: dict[str, int]
    cum: dict[str, list[int]]

    def edge(self, k: int) -> float:
        """The volatility at edge k (0 to BINS), bps. The browser sends k, so that both sides hold the same float."""
        return float(np.geomspace(self.lo, self.hi, BINS + 1)[k])

    def nearest(self, tau_bps: float) -> int:
        """The edge nearest to `tau_bps` in log volatility."""
        step = (np.log(self.hi) - np.log(self.lo)) / BINS
        return int(np.clip(round((np.log(tau_bps) - np.log(self.lo)) / step), 0, BINS))

    def message(self) -> dict[str, object]:
        """What the browser is sent."""
        return {
            "lo": self.lo,
            "hi": self.hi,
            "bins": BINS,
            "splits": {name: {"n": self.n[name], "cum": self.cum[name]} for name in self.n},
        }


def binned(splits: Mapping[str, NDArray[np.float64]]) -> Bins:
    """Bin forward volatilities (bps) of each split. Raises NotEnough when there is no spread to draw."""
    every = np.concatenate([np.asarray(v, dtype=np.float64) for v in splits.values()]) if splits else np.empty(0)
    positive = every[every > 0]
    if np.unique(positive).size < FEWEST:
        raise NotEnough(
            f"Have {positive.size:,} seconds with a move of the price, need {FEWEST} different ones "
            "to draw their distribution. Capture a few more minutes."
        )
    lo, hi = float(np.quantile(positive, 0.002)), float(positive.max() * 1.0001)
    edges = np.geomspace(lo, hi, BINS + 1)
    return Bins(
        lo,
        hi,
        {name: int(v.size) for name, v in splits.items()},
        {name: np.searchsorted(np.sort(v), edges, "left").tolist() for name, v in splits.items()},
    )


__all__ = ["BINS", "Bins", "binned"]
