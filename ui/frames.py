"""Small steps between core's arrays and a figure: runs, gaps, breaks, thinning. Pure; times are datetime64[ms], UTC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.features.bars import SECOND_NS
from ui.charts.base import Span, Times

Values = NDArray[np.float64]
NS = np.timedelta64(1, "ns")


def times(ns: NDArray[np.int64]) -> Times:
    """Nanoseconds since the epoch as datetime64[ms], shape kept."""
    return ns.astype("datetime64[ns]").astype("datetime64[ms]")


def spans(bar_end_ns: NDArray[np.int64], on: NDArray[np.bool_]) -> list[Span]:
    """Stretches where `on` holds, from the start of the first bar to the end of the last; a hole ends one."""
    if not on.any():
        return []
    joined = np.diff(bar_end_ns) == SECOND_NS
    starts = on & ~np.r_[False, on[:-1] & joined]
    ends = on & ~np.r_[on[1:] & joined, False]
    first, last = times(bar_end_ns[starts] - SECOND_NS), times(bar_end_ns[ends])
    return list(zip(first, last))


def gaps(bar_end_ns: NDArray[np.int64], shortest_s: float = 2.0) -> list[Span]:
    """Stretches between neighbouring bars that are further apart than `shortest_s`: no bar says what happened there."""
    at = np.flatnonzero(np.diff(bar_end_ns) > shortest_s * SECOND_NS)
    return list(zip(times(bar_end_ns[at]), times(bar_end_ns[at + 1] - SECOND_NS)))


def broken(bar_end_ns: NDArray[np.int64], *columns: Values) -> tuple[Times, list[Values]]:
    """Times and columns with one NaN row put into each gap, so that no line bridges it."""
    at = np.flatnonzero(np.diff(bar_end_ns) > SECOND_NS) + 1
    t = np.insert(bar_end_ns, at, bar_end_ns[at - 1] + SECOND_NS // 2)
    return times(t), [np.insert(np.asarray(c, dtype=np.float64), at, np.nan) for c in columns]


def aligned(bar_end_ns: NDArray[np.int64], other_ns: NDArray[np.int64], values: Sequence[float] | Values) -> Values:
    """`values` (at `other_ns`, rising) on `bar_end_ns`; NaN where there is none."""
    out = np.full(bar_end_ns.size, np.nan)
    if len(other_ns) == 0 or bar_end_ns.size == 0:
        return out
    at = np.searchsorted(other_ns, bar_end_ns).clip(max=len(other_ns) - 1)
    hit = other_ns[at] == bar_end_ns
    out[hit] = np.asarray(values, dtype=np.float64)[at[hit]]
    return out


__all__ = ["aligned", "broken", "gaps", "spans", "times"]
