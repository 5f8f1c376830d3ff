"""The evidence meter: rows are many, what happened is little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.evaluation.record import Estimate, Evidence, Meter
from core.features.bars import SECOND_NS
from core.features.dataset import ENOUGH_EVENTS, ENOUGH_SPIKES
from core.features.labels import events
from core.features.steps import SHARES

WIDTH = 0.10
"""Width of an AP's interval that hours are named for."""


@njit(cache=True, nogil=True)
def _apart(bar_end_ns, session, horizon_ns):  # type: ignore[no-untyped-def]
    count = 0
    last = 0
    for i in range(bar_end_ns.size):
        if count == 0 or session[i] != session[last] or bar_end_ns[i] - bar_end_ns[last] >= horizon_ns:
            count += 1
            last = i
    return count


def independent_horizons(bar_end_ns: NDArray[np.int64], session: NDArray[np.int64], horizon_s: int) -> int:
    """The most rows (n,) that share no second of their horizons: taken greedily, each at least a horizon after the last
    one of its session."""
    return int(_apart(bar_end_ns, session, horizon_s * SECOND_NS))


def evidence(
    split: str,
    bar_end_ns: NDArray[np.int64],
    session: NDArray[np.int64],
    spike: NDArray[np.bool_],
    *,
    horizon_s: int,
) -> Evidence:
    """How much stands behind one split; rows (n,) in the order of time, one a second."""
    spikes, runs = int(spike.sum()), events(spike, bar_end_ns, horizon_s)
    return Evidence(
        split=split,
        rows=spike.size,
        spikes=spikes,
        horizons=independent_horizons(bar_end_ns, session, horizon_s),
        episodes=runs,
        sessions=np.unique(session).size,
        first_ns=int(bar_end_ns[0]) if spike.size else 0,
        last_ns=int(bar_end_ns[-1]) if spike.size else 0,
        hours=spike.size / 3600,
        enough=spikes >= ENOUGH_SPIKES and runs >= ENOUGH_EVENTS,
    )


def meter(splits: Sequence[Evidence], ap: Estimate | None = None, width: float = WIDTH) -> Meter:
    """Whether a conclusion may be drawn, and how many more hours of capture until it may.

    Parameters
    ----------
    splits : train, validation and test; the test part (the last) decides
    ap : the AP of the model of interest with its interval, None where none is trained yet
    width : of the interval that `hours_to_width` is about
    """
    test = splits[-1]
    return Meter(
        splits=tuple(splits),
        enough=test.enough,
        sentence=_sentence(test, hours := hours_needed(test)),
        hours_needed=hours,
        width=width,
        hours_to_width=hours_to_width(test, ap, width),
    )


def hours_needed(test: Evidence, share: float = SHARES[2]) -> float | None:
    """Hours of further capture until the test part, `share` of all, has 30 spikes and 5 episodes at its present rate of
    both; 0 where it has, None where it has no spike to tell a rate from."""
    if test.enough:
        return 0.0
    if test.spikes == 0:
        return None
    times = max(ENOUGH_SPIKES / test.spikes, ENOUGH_EVENTS / test.episodes)
    return test.hours * (times - 1) / share


def hours_to_width(test: Evidence, ap: Estimate | None, width: float, share: float = SHARES[2]) -> float | None:
    """Hours of further capture until the AP's interval is `width` wide: its width falls with 1 / sqrt(horizons).

    0 where it is narrow enough, None where there is no interval.
    """
    if ap is None or ap.low is None or ap.high is None:
        return None
    times = ((ap.high - ap.low) / width) ** 2
    return max(0.0, test.hours * (times - 1) / share)


def _sentence(test: Evidence, hours: float | None) -> str:
    have = (
        f"{test.rows:,} rows of the test part are {test.horizons:,} independent horizons and "
        f"{test.episodes:,} {'episode' if test.episodes == 1 else 'episodes'}"
    )
    if test.enough:
        return f"The {have}: enough for a conclusion, within the intervals given."
    need = f"The {have}, with {test.spikes:,} spikes; {ENOUGH_SPIKES} spikes and {ENOUGH_EVENTS} episodes are needed."
    more = (
        "No spike yet, so how long that takes cannot be told."
        if hours is None
        else f"At the present rate that takes {hours:,.1f} more hours of capture."
    )
    return f"No conclusion holds. {need} {more}"
