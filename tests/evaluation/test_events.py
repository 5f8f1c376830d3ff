"""Alerts and episodes, by hand: what a person would have been told, and when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.evaluation.budget import theta_for_budget
from core.evaluation.events import Alarm, alerts_at, episodes, match, rearm_at, share
from core.evaluation.intervals import Blocks, wilson
from core.evaluation.record import Alerts

SECOND = 1_000_000_000
H = 10


def clock(n: int, start_s: int = 0) -> np.ndarray:
    return np.arange(start_s + 1, start_s + n + 1) * SECOND


def one_session(n: int) -> np.ndarray:
    return np.zeros(n, np.int64)


def at(n: int, *spans: tuple[int, int]) -> np.ndarray:
    """Volatility 1 bps, and 5 bps on the rows from..to of each span."""
    trailing = np.ones(n)
    for first, last in spans:
        trailing[first : last + 1] = 5.0
    return trailing


def found(trailing: np.ndarray, t: np.ndarray | None = None, session: np.ndarray | None = None) -> list[int]:
    n = trailing.size
    t, session = clock(n) if t is None else t, one_session(n) if session is None else session
    return np.flatnonzero(episodes(t, session, trailing, tau_bps=5.0, horizon_s=H).start).tolist()


def test_runs_within_a_horizon_are_one_episode_and_beyond_it_two() -> None:
    assert found(at(60, (20, 24), (34, 36))) == [20]  # 10 s from the last second above to the next: one
    assert found(at(60, (20, 24), (35, 36))) == [20, 35]
    assert found(at(60)) == []


def test_a_session_starts_no_episode_and_carries_none_over() -> None:
    assert found(at(40, (0, 3))) == []  # it may have begun before
    session = np.repeat([0, 1], 20)
    assert found(at(40, (18, 25)), session=session) == [18]  # one run, cut: what begins at row 20 was there before
    assert found(at(40, (18, 19), (22, 23)), session=session) == [18, 22]  # close, and yet two


def test_a_hole_in_a_session_is_time() -> None:
    t = np.concatenate((clock(20), clock(20, 100)))
    assert found(at(40, (18, 19), (21, 22)), t) == [18, 21]


def test_an_episode_is_on_until_a_horizon_after_its_last_second_above() -> None:
    on = episodes(clock(40), one_session(40), at(40, (5, 6)), tau_bps=5.0, horizon_s=H).on
    assert np.flatnonzero(on).tolist() == list(range(5, 17))
    trailing = at(40, (5, 6))
    trailing[20:] = np.nan  # not known is not above
    assert not episodes(clock(40), one_session(40), trailing, tau_bps=5.0, horizon_s=H).on[17:].any()


def rings(p: list[float], session: list[int] | None = None, theta: float = 0.5, cooldown_s: int = 3) -> list[int]:
    ids = one_session(len(p)) if session is None else np.array(session)
    return np.flatnonzero(Alarm(theta, cooldown_s).push_all(clock(len(p)), ids, np.array(p))).tolist()


def test_an_alarm_rings_on_a_rise_and_again_only_after_a_fall_below_the_rearming_probability() -> None:
    assert rearm_at(0.5) == pytest.approx(1 / 3)  # half the odds of 1/2
    assert rings([0.1, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9]) == [1]
    assert rings([0.1, 0.6, 0.4, 0.4, 0.4, 0.6, 0.6]) == [1]  # 0.4 is not below 1/3
    assert rings([0.1, 0.6, 0.3, 0.4, 0.6, 0.6, 0.6]) == [1, 4]


def test_a_rise_in_the_cooldown_rings_at_its_end_if_it_lasts() -> None:
    assert rings([0.1, 0.6, 0.1, 0.6, 0.6, 0.6]) == [1, 4]
    assert rings([0.1, 0.6, 0.1, 0.6, 0.1, 0.1]) == [1]


def test_a_session_that_opens_high_rings_only_after_a_rise_and_knows_no_older_cooldown() -> None:
    assert rings([0.9, 0.9, 0.9]) == []
    assert rings([0.9, 0.45, 0.9]) == [2]  # before the first alert any p below theta arms
    assert rings([0.1, 0.9, 0.1, 0.9], session=[0, 0, 1, 1]) == [1, 3]
    assert rings([0.1, np.nan, 0.9, np.nan, 0.9]) == [2]


def test_an_alarm_refuses_what_cannot_be() -> None:
    with pytest.raises(BadInput, match="re-arming share"):
        Alarm(0.5, 60, rearm=0.0)
    with pytest.raises(BadInput, match="cooldown"):
        Alarm(0.5, -1)


forecasts = st.lists(
    st.tuples(st.integers(1, 30), st.booleans(), st.sampled_from([0.0, 0.2, 0.34, 0.45, 0.5, 0.7, 1.0, np.nan])),
    min_size=1,
    max_size=80,
)


@settings(deadline=None)
@given(forecasts, st.sampled_from([0.0, 0.34, 0.5, 1.0]), st.integers(0, 40), st.integers(0, 80))
def test_one_by_one_in_two_parts_and_at_once_are_the_same_alerts(
    given_rows: list[tuple[int, bool, float]], theta: float, cooldown_s: int, cut: int
) -> None:
    t = np.cumsum([r[0] for r in given_rows]) * SECOND
    session = np.cumsum([r[1] and r[0] > 10 for r in given_rows])
    p = np.array([r[2] for r in given_rows])
    whole = Alarm(theta, cooldown_s).push_all(t, session, p)
    alarm, parts = Alarm(theta, cooldown_s), Alarm(theta, cooldown_s)
    assert [alarm.push(*row) for row in zip(t.tolist(), session.tolist(), p.tolist())] == whole.tolist()
    halves = [parts.push_all(t[s], session[s], p[s]) for s in (slice(None, cut), slice(cut, None))]
    assert np.concatenate(halves).tolist() == whole.tolist()
    rung = np.flatnonzero(whole)
    same = np.diff(session[rung]) == 0
    assert (np.diff(t[rung])[same] >= cooldown_s * SECOND).all()
    assert (p[rung] >= theta).all()


def paired(alerts: list[int], starts: list[int], n: int = 100, session: np.ndarray | None = None) -> tuple[list, ...]:
    raised, start = np.zeros(n, bool), np.zeros(n, bool)
    raised[alerts], start[starts] = True, True
    m = match(clock(n), one_session(n) if session is None else session, raised, start, H)
    return tuple(np.flatnonzero(x).tolist() for x in (m.alert, m.right, m.caught)) + (m.leads_s.tolist(),)


def test_an_alert_catches_what_starts_after_it_and_within_the_horizon() -> None:
    assert paired([20], [20]) == ([20], [], [], [])  # at the start itself: too late
    assert paired([20], [21]) == ([20], [20], [21], [1.0])
    assert paired([20], [30]) == ([20], [20], [30], [10.0])
    assert paired([20], [31]) == ([20], [], [], [])


def test_the_lead_is_that_of_the_earliest_alert_and_each_alert_is_right_by_itself() -> None:
    assert paired([20, 26], [28]) == ([20, 26], [20, 26], [28], [8.0])
    assert paired([20], [22, 29]) == ([20], [20], [22, 29], [2.0, 9.0])


def test_nothing_is_caught_across_sessions_and_what_cannot_be_judged_is_not_counted() -> None:
    session = np.repeat([0, 1], 50)
    assert paired([45], [52], session=session) == ([], [], [], [])  # session 0 ends 4 s after the alert
    assert paired([39], [], session=session) == ([39], [], [], [])  # its last second is the horizon's
    assert paired([40], [], session=session) == ([], [], [], [])
    assert paired([95], [97]) == ([], [], [97], [2.0])  # the episode was caught, the alert is not judged


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_matching_is_the_definition(drawn: list[tuple[int, bool, bool, bool]]) -> None:
    t = np.cumsum([d[0] for d in drawn]) * SECOND
    session = np.cumsum([d[1] and d[0] > 10 for d in drawn])
    raised, start = (np.array([d[k] for d in drawn]) for k in (2, 3))
    m = match(t, session, raised, start, H)
    end = {s: t[session == s].max() for s in set(session.tolist())}

    def catches(a: int, s: int) -> bool:
        return bool(session[a] == session[s] and t[a] < t[s] <= t[a] + H * SECOND)

    rows, rung, begun = range(t.size), np.flatnonzero(raised), np.flatnonzero(start)
    judged = [bool(raised[a] and t[a] + H * SECOND <= end[session[a]]) for a in rows]
    assert m.alert.tolist() == judged
    assert m.right.tolist() == [judged[a] and any(catches(a, s) for s in begun) for a in rows]
    assert m.caught.tolist() == [bool(start[s]) and any(catches(a, s) for a in rung) for s in rows]
    leads = [min(a for a in rung if catches(a, s)) for s in begun if any(catches(a, s) for a in rung)]
    assert m.leads_s.size == len(leads)


def told(trailing: np.ndarray, p: np.ndarray, onset: bool, theta: float = 0.5) -> Alerts:
    n = p.size
    return alerts_at(
        clock(n), one_session(n), trailing, p, theta=theta, tau_bps=5.0, horizon_s=H, budget_per_h=6.0, onset=onset,
        blocks=Blocks(clock(n), 5 * H, 200, 0),
    )  # fmt: skip


def pulses(n: int, *rows: int) -> np.ndarray:
    p = np.full(n, 0.1)
    p[list(rows)] = 0.9
    return p


def test_three_episodes_four_alerts_by_hand() -> None:
    trailing = at(3600, (1000, 1020), (2000, 2004), (3000, 3004))
    p = pulses(3600, 995, 1010, 1996, 2500)
    every, onset = told(trailing, p, onset=False), told(trailing, p, onset=True)
    assert (every.alerts, every.right, every.episodes, every.caught) == (4, 2, 3, 2)
    assert (every.recall.value, every.precision.value) == (pytest.approx(2 / 3), 0.5)
    assert (every.false_per_h, every.hours, every.lead_s) == (2.0, 1.0, 4.5)
    assert (onset.alerts, onset.right, onset.episodes, onset.caught) == (3, 2, 3, 2)  # 1010 was within a spike
    assert every.recall.low is None  # three blocks hold an episode: no interval


def test_an_alert_in_the_wake_of_an_episode_may_catch_the_next_but_is_no_onset() -> None:
    trailing = at(200, (50, 54), (66, 68))
    p = pulses(200, 58)
    every, onset = told(trailing, p, onset=False), told(trailing, p, onset=True)
    assert (every.alerts, every.right, every.caught, every.episodes) == (1, 1, 1, 2)
    assert (onset.alerts, onset.right, onset.caught, onset.episodes) == (0, 0, 0, 2)
    assert onset.precision.value is None
    assert onset.lead_s is None


def test_rows_without_a_forecast_show_what_became_of_the_last_alert() -> None:
    trailing, p = at(30, (25, 29)), pulses(30, 17)
    p[20:] = np.nan
    known = told(trailing, p, onset=False)
    assert (known.alerts, known.right, known.caught) == (1, 1, 1)
    assert known.hours == pytest.approx(20 / 3600)
    assert told(trailing[:20], p[:20], onset=False).alerts == 0


def test_a_share_of_all_has_an_interval_and_counts_set_its_width() -> None:
    trailing = at(7200, *((k, k + 3) for k in range(300, 7000, 600)))
    every = told(trailing, pulses(7200, *range(295, 7000, 600)), onset=True)
    assert every.episodes == every.caught == every.alerts == every.right == 12
    assert (every.recall.value, every.recall.high) == (1.0, 1.0)
    assert every.recall.low is not None and every.recall.low <= wilson(1.0, 12)[0] < 0.8
    nothing = share(0, 0, np.zeros(9), np.zeros(9), 9)
    assert (nothing.value, nothing.low) == (None, None)


def test_the_theta_of_a_budget_is_the_lowest_that_keeps_it() -> None:
    p = np.full(3600, 0.01)
    p[[300, 900, 1500, 2100, 2700]] = [0.9, 0.8, 0.7, 0.6, 0.5]
    chosen = {
        b: theta_for_budget(clock(3600), one_session(3600), p, budget_per_h=b, cooldown_s=H) for b in (1, 2, 4, 9)
    }
    assert chosen == {1: 0.9, 2: 0.8, 4: 0.6, 9: 0.5}  # and not 0.01, to which p never rises
    counted = np.ones(3600, bool)
    counted[300] = False
    assert theta_for_budget(
        clock(3600), one_session(3600), p, budget_per_h=1, cooldown_s=H, counted=counted
    ) == pytest.approx(0.8)


def test_where_the_highest_p_breaks_the_budget_nothing_alerts() -> None:
    p = np.tile([0.1, 1.0], 1800)
    theta = theta_for_budget(clock(3600), one_session(3600), p, budget_per_h=2, cooldown_s=H)
    assert theta > 1
    assert not Alarm(theta, H).push_all(clock(3600), one_session(3600), p).any()
    with pytest.raises(BadInput, match="no forecast"):
        theta_for_budget(clock(2), one_session(2), np.full(2, np.nan), budget_per_h=2, cooldown_s=H)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 6, 30]))
def test_a_budget_is_kept_at_theta_and_at_all_above_it(seed: int, budget: int) -> None:
    draws = np.random.default_rng(seed)
    p = np.round(1 / (1 + np.exp(-np.cumsum(draws.normal(size=2000)) / 5)), 2)
    t, session = clock(2000), np.repeat([0, 1], 1000)
    theta = theta_for_budget(t, session, p, budget_per_h=budget, cooldown_s=H)
    for higher in np.unique(p[p >= theta]):
        assert Alarm(float(higher), H).push_all(t, session, p).sum() <= budget * 2000 / 3600
