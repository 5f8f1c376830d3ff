"""The evidence meter: from many rows to few episodes, and the hours that are missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.evidence import evidence, hours_needed, hours_to_width, independent_horizons, meter
from core.evaluation.record import Estimate, Evidence

SECOND = 1_000_000_000


def part(n: int, *spans: tuple[int, int], horizon_s: int = 60) -> Evidence:
    """One session of n seconds with spikes on the rows from..to of each span."""
    spike = np.zeros(n, bool)
    for first, last in spans:
        spike[first : last + 1] = True
    return evidence("test", np.arange(1, n + 1) * SECOND, np.zeros(n, int), spike, horizon_s=horizon_s)


def test_rows_horizons_episodes_by_hand() -> None:
    found = part(3600, (100, 109), (165, 169), (1000, 1019))
    assert (found.rows, found.horizons, found.spikes, found.episodes) == (3600, 60, 35, 2)
    assert (found.hours, found.sessions, found.enough) == (1.0, 1, False)
    many = part(3600, *((k, k + 9) for k in range(0, 3000, 500)))
    assert (many.spikes, many.episodes, many.enough) == (60, 6, True)


def test_an_empty_split_has_no_evidence() -> None:
    nothing = part(0)
    assert (nothing.rows, nothing.horizons, nothing.hours, nothing.enough) == (0, 0, 0.0, False)


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=60), st.integers(1, 60))
def test_horizons_are_the_most_rows_that_share_no_second(rows: list[tuple[int, bool]], horizon_s: int) -> None:
    t = np.cumsum([r[0] for r in rows])
    session = np.cumsum([r[1] for r in rows])
    best = {}  # most rows up to and with row i, each a horizon after the one before: by trying all
    for i in range(t.size):
        before = [best[j] for j in range(i) if session[j] == session[i] and t[i] - t[j] >= horizon_s]
        best[i] = 1 + max(before, default=0)
    expected = sum(max(best[i] for i in np.flatnonzero(session == s)) for s in np.unique(session))
    assert independent_horizons(t * SECOND, session, horizon_s) == expected


def test_the_hours_that_are_missing_follow_from_the_rate_of_the_rarer() -> None:
    test = part(3600, (100, 109), (1000, 1009))  # 20 spikes, 2 episodes in 1 h of test: 15 % of 6.7 h
    assert hours_needed(test) == pytest.approx((2.5 - 1) / 0.15)
    assert hours_needed(part(3600)) is None
    assert hours_needed(part(3600, *((k, k + 9) for k in range(0, 3000, 500)))) == 0.0


def test_an_interval_narrows_with_the_root_of_the_hours() -> None:
    test = part(3600)
    assert hours_to_width(test, Estimate(value=0.4, low=0.3, high=0.5), 0.1) == pytest.approx(3 / 0.15)
    assert hours_to_width(test, Estimate(value=0.4, low=0.38, high=0.43), 0.1) == 0.0
    assert hours_to_width(test, Estimate(value=0.4), 0.1) is None
    assert hours_to_width(test, None, 0.1) is None


def test_the_meter_says_in_words_what_holds_and_what_is_missing() -> None:
    train = part(9000, *((k, k + 9) for k in range(0, 8000, 500)))
    few = meter([train, train, part(3600, (100, 109), (1000, 1009))], Estimate(value=0.4, low=0.3, high=0.5))
    assert not few.enough
    assert few.sentence == (
        "No conclusion holds. The 3,600 rows of the test part are 60 independent horizons and 2 episodes, with 20 "
        "spikes; 30 spikes and 5 episodes are needed. At the present rate that takes 10.0 more hours of capture."
    )
    assert (few.width, few.hours_to_width) == (0.10, pytest.approx(20.0))
    none = meter([train, train, part(3600)])
    assert none.hours_needed is None and none.hours_to_width is None
    assert none.sentence.endswith("needed. No spike yet, so how long that takes cannot be told.")
    assert meter([train]).sentence == (
        "The 9,000 rows of the test part are 150 independent horizons and 16 episodes: enough for a conclusion, within "
        "the intervals given."
    )
