"""Inside sessions: ranks by hand, and that knowing a busy day from a quiet one earns nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from core.evaluation.intervals import Blocks, resampled
from core.evaluation.within import HOUR_NS, Stretches, groups, ranks, regime_bounds, resampled_ranks, stretch_of, within

SECOND = 1_000_000_000
MIDNIGHT = 1_700_006_400 * SECOND  # 2023-11-15 00:00 UTC


def test_a_session_is_cut_at_each_full_hour() -> None:
    t = MIDNIGHT + np.array([3598, 3599, 3600, 3601, 7300]) * SECOND
    assert stretch_of(t, np.array([0, 0, 0, 1, 1])).tolist() == [0, 0, 1, 2, 3]
    assert MIDNIGHT % HOUR_NS == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.5, 0.9])), min_size=1, max_size=40))
def test_ranks_are_scipys_inside_each_stretch(rows: list[tuple[int, float]]) -> None:
    stretch, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    for k in set(stretch.tolist()):
        mine = p[stretch == k]
        assert ranks(p, stretch)[stretch == k] == pytest.approx((rankdata(mine) - 0.5) / mine.size)


def days(skill_inside: bool) -> tuple[np.ndarray, ...]:
    """Ten sessions of 600 s, every second one busy; p knows busy from quiet, and the seconds only with skill inside."""
    draws = np.random.default_rng(3)
    session = np.repeat(np.arange(10), 600)
    t = MIDNIGHT + (np.arange(6000) + session * 3000) * SECOND
    busy = session % 2
    y = draws.random(6000) < np.where(busy, 0.5, 0.02)
    p = busy * 0.5 + 0.4 * (np.clip(y * 0.5 + draws.random(6000) * 0.5, 0, 1) if skill_inside else draws.random(6000))
    return t, session, y, p


def test_knowing_the_day_alone_earns_nothing_inside_it() -> None:
    t, session, y, p = days(skill_inside=False)
    blocks, stretches = Blocks(t, 100, 300, 0), Stretches(t, session, y)
    pooled = resampled(y, p, 0.5, blocks)
    inside = within(y, stretches, resampled_ranks(y, p, stretches, blocks), None)
    assert (pooled.over_base.low or 0) > 0.1
    assert inside.over_base.low is not None and inside.over_base.high is not None
    assert inside.over_base.low < 0 < inside.over_base.high
    assert inside.over_best.value is None
    assert inside.rows == sum(600 for k in range(10) if stretches.both[stretches.of[600 * k]])


def test_skill_inside_is_seen_and_paired_with_the_best_baseline() -> None:
    t, session, y, p = days(skill_inside=True)
    _, _, _, none = days(skill_inside=False)
    blocks, stretches = Blocks(t, 100, 300, 0), Stretches(t, session, y)
    mine, best = (resampled_ranks(y, q, stretches, blocks) for q in (p, none))
    inside = within(y, stretches, mine, best)
    assert (inside.over_best.low or 0) > 0.3
    assert inside.ap.value is not None and inside.base_rate is not None
    assert inside.over_base.value == pytest.approx(inside.ap.value - inside.base_rate)


def test_stretches_of_one_class_are_left_out_and_with_none_left_there_is_no_score() -> None:
    t, session = MIDNIGHT + np.arange(40) * SECOND, np.repeat([0, 1], 20)
    y = np.zeros(40, bool)
    y[5] = True
    stretches = Stretches(t, session, y)
    assert stretches.rows.tolist() == list(range(20))
    y[:] = session == 1  # each session has one class
    stretches, blocks = Stretches(t, session, y), Blocks(t, 10, 20, 0)
    nothing = within(y, stretches, resampled_ranks(y, session * 0.5, stretches, blocks), None)
    assert (nothing.sessions, nothing.rows, nothing.base_rate, nothing.ap.value) == (0, 0, None, None)


def test_groups_by_hand() -> None:
    t = MIDNIGHT + (np.arange(8) - 4) * SECOND  # four rows before midnight, four from it on
    y = np.array([0, 1, 0, 0, 0, 0, 0, 0], bool)
    p = np.array([0.1, 0.8, 0.9, 0.2, 0.1, 0.1, 0.1, 0.1])
    slow = np.array([1.0, 1.0, 2.0, 3.0, 3.0, np.nan, 9.0, 9.0])
    low, high = regime_bounds(np.array([1.0, 2.0, 3.0, 4.0, np.nan]))
    assert (low, high) == (2.0, 3.0)
    found = {(g.kind, g.name): g for g in groups(y, p, t, np.zeros(8, int), slow_bps=slow, bounds=(low, high))}
    assert [g.rows for g in found.values()] == [4, 4, 4, 4, 2, 1, 4]  # the row of unknown volatility is in no regime
    first = found["session", "2023-11-14 23:59:56"]
    assert (first.ap, first.lift, first.base_rate, first.spikes) == (0.5, 2.0, 0.25, 1)
    assert found["day", "2023-11-14"].ap == 0.5
    assert found["day", "2023-11-15"].ap is None and found["day", "2023-11-15"].lift is None
    assert (found["regime", "calm"].ap, found["regime", "busy"].ap) == (1.0, None)


def test_a_forecast_that_says_the_same_throughout_has_no_skill_inside_stretches_of_any_length() -> None:
    session = np.repeat([0, 1, 2], [700, 60, 900])
    times = (np.arange(session.size) + 100 * session + 1_767_225_600) * 10**9
    y = np.zeros(session.size, bool)
    y[[5, 400, 1000]] = True
    y[700:740] = True  # the short one is the busy one
    stretches, blocks = Stretches(times, session, y), Blocks(times, 300, 100)
    scored = resampled_ranks(y, np.full(session.size, 0.05), stretches, blocks)
    assert scored is not None and scored.aps[0] == y[stretches.rows].mean()
