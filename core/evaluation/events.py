"""Alerts and episodes: what a forecast is worth to a person, who gets alerts and not rows.

A spike EPISODE starts at the second s in which trailing volatility reaches tau after more than a horizon below it; the
runs above tau that follow within a horizon of the last one belong to it. A session's first row starts none: what was
before it is not known, and no alert could have come earlier. An ALERT at a catches the episode that starts at s when
a < s <= a + H and both lie in one session. Alerts raised while an episode is on, or in the horizon after it, catch
nothing as a rule: they come late, and count as false alerts, except in the `onset` figures, which leave them out.
An alert whose horizon runs beyond the last row of its session is neither right nor false, and is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.errors import BadInput
from core.evaluation.intervals import LEAST_BLOCKS, Blocks, wilson
from core.evaluation.record import Alerts, Estimate
from core.features.bars import SECOND_NS

REARM = 0.5
"""After an alert the odds p / (1 - p) must fall below this share of theta's before the next.

A share of the odds and not of p: it means the same near 0 and near 1, and a calibration that shifts log-odds leaves the
alerts as they are.
"""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Odds = TypeVar("Odds", float, Floats)


_START = np.array([0, 0, 0, 0])
"""Session; 0 before any session, 1 before its first alert, 2 after it; whether armed; time of the last alert, ns."""


class Alarm:
    """The alert rule, for one forecast after another or a whole history: both give the same alerts.

    It alerts when p has risen to theta: it is armed by a p below theta at first and, after an alert, by one below the
    re-arming probability; and when `cooldown_s` have passed since the last alert (a p that rose during them and is
    still at theta alerts at their end). A new session starts it afresh: one that opens with p at theta has seen no
    rise, so a feed that reconnects in a storm does not ring each time. A p that is NaN changes nothing.

    Parameters
    ----------
    theta : alert probability
    cooldown_s : seconds from an alert to the next at least; the horizon, as a rule
    rearm : share of theta's odds, see `REARM`
    """

    def __init__(self, theta: float, cooldown_s: int, rearm: float = REARM) -> None:
        if not 0 < rearm <= 1 or cooldown_s < 0:
            raise BadInput(f"a re-arming share of {rearm} (above 0, at most 1) and a cooldown of {cooldown_s} s (>= 0)")
        self.theta, self.low = theta, rearm_at(theta, rearm)
        self.cooldown_ns, self._state = cooldown_s * SECOND_NS, _START.copy()

    def resume(self, session: int, raised_ns: int | None, armed: bool) -> None:
        """Stand in the midst of `session`: when its last alert was, and whether p has since been below what arms it."""
        self._state[:] = (session, 1 if raised_ns is None else 2, armed, raised_ns or 0)

    def push(self, t_ns: int, session: int, p: float) -> bool:
        """Whether the forecast p made at t_ns, the next in time, raises an alert."""
        return bool(self.push_all(np.array([t_ns]), np.array([session]), np.array([p]))[0])

    def push_all(self, t_ns: Rows, session: Rows, p: Floats) -> NDArray[np.bool_]:
        """Which of the next n forecasts raise an alert, (n,)."""
        raised = np.empty(p.size, np.bool_)
        advance(t_ns, session, p, self.theta, self.low, self.cooldown_ns, self._state, raised)
        return raised


def rearm_at(theta: Odds, rearm: float = REARM) -> Odds:
    """The probability below which an alarm is armed again: the one with `rearm` times theta's odds.

    >>> rearm_at(0.5, 0.5), rearm_at(1.0, 0.5)
    (0.3333333333333333, 1.0)
    """
    return rearm * theta / (1 - theta + rearm * theta)


@njit(cache=True, nogil=True)
def advance(t_ns, session, p, theta, low, cooldown_ns, state, raised):  # type: ignore[no-untyped-def]
    """The step of `Alarm`: fill raised (n,) and carry the state on, which is (0, 0, 0, 0) at first."""
    for i in range(p.size):
        raised[i] = False
        if state[1] == 0 or session[i] != state[0]:
            state[0] = session[i]
            state[1] = 1
            state[2] = 0
        if p[i] < (theta if state[1] == 1 else low):
            state[2] = 1
        if p[i] >= theta and state[2] == 1 and (state[1] == 1 or t_ns[i] - state[3] >= cooldown_ns):
            raised[i] = True
            state[1] = 2
            state[2] = 0
            state[3] = t_ns[i]


@dataclass(frozen=True)
class Episodes:
    """Where episodes start, are first seen and are on, each (n,) bool.

    seen : a start, or the first second >= tau of a session that begins within an episode
    on : a second >= tau lies at most a horizon back in the session, the row itself included; known at the row.
    """

    start: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    on: NDArray[np.bool_]


def episodes(
    bar_end_ns: Rows, session: Rows, trailing_bps: Floats, *, tau_bps: float | Floats, horizon_s: int
) -> Episodes:
    """Episodes of trailing volatility (n,), NaN where it is not known (not above tau). Rows in the order of time.

    tau_bps : one for all rows, or where tau is relative that of each row (n,), `labels.held_against`
    """
    above = trailing_bps >= tau_bps
    row = np.arange(above.size)
    first = np.append(True, np.diff(session) != 0)
    begin = np.maximum.accumulate(np.where(first, row, 0))
    latest = np.maximum.accumulate(np.where(above, row, -1))  # the last row above tau, this one included
    before = np.append(-1, latest[:-1])
    horizon_ns = horizon_s * SECOND_NS

    def near(at: Rows) -> NDArray[np.bool_]:
        return (at >= begin) & (bar_end_ns - bar_end_ns[at] <= horizon_ns)

    seen = above & ~near(before)
    return Episodes(start=seen & ~first, seen=seen, on=near(latest))


def ends_of(bar_end_ns: Rows, session: Rows) -> Rows:
    """When the session of each row ends, ns, (n,)."""
    last = np.flatnonzero(np.append(np.diff(session) != 0, True))
    return bar_end_ns[last[np.searchsorted(last, np.arange(session.size))]]


@dataclass(frozen=True)
class Matched:
    """Which alerts were right and which episodes were caught: (n,) bool each, and the lead of each caught episode,
    s."""

    alert: NDArray[np.bool_]
    right: NDArray[np.bool_]
    episode: NDArray[np.bool_]
    caught: NDArray[np.bool_]
    leads_s: Floats


def match(
    bar_end_ns: Rows, session: Rows, raised: NDArray[np.bool_], start: NDArray[np.bool_], horizon_s: int
) -> Matched:
    """Pair alerts raised (n,) with episode starts (n,). The lead is counted from the earliest alert that catches."""
    horizon_ns = horizon_s * SECOND_NS
    n = raised.size
    a, s = np.flatnonzero(raised), np.flatnonzero(start)
    right, caught = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    following = np.searchsorted(s, a, side="right")
    hit = following < s.size
    pair = s[following[hit]]
    right[a[hit]] = (session[pair] == session[a[hit]]) & (bar_end_ns[pair] - bar_end_ns[a[hit]] <= horizon_ns)
    earliest = np.searchsorted(bar_end_ns[a], bar_end_ns[s] - horizon_ns, side="left")
    same = np.searchsorted(session[a], session[s], side="left")  # the session's first alert
    earliest = np.maximum(earliest, same)
    found = earliest < np.searchsorted(a, s, side="left")
    caught[s[found]] = True
    leads = (bar_end_ns[s[found]] - bar_end_ns[a[earliest[found]]]) / SECOND_NS
    judged = raised & (bar_end_ns + horizon_ns <= ends_of(bar_end_ns, session))
    return Matched(judged, right & judged, start, caught, leads)


def hours(p: Floats) -> float:
    """Observed hours: one second for each row with a forecast."""
    return float(np.isfinite(p).sum()) / 3600


def alerts_at(
    bar_end_ns: Rows,
    session: Rows,
    trailing_bps: Floats,
    p: Floats,
    *,
    theta: float,
    tau_bps: float | Floats,
    horizon_s: int,
    budget_per_h: float,
    onset: bool,
    blocks: Blocks,
    cooldown_s: int | None = None,
    rearm: float = REARM,
) -> Alerts:
    """Alerts of a test part against its episodes, at the theta that validation chose for the budget.

    Parameters
    ----------
    bar_end_ns, session : rows in the order of time, (n,), one a second
    trailing_bps, tau_bps : (n,) volatility of the last `horizon_s`, the estimator of the label; as for `episodes`
    p : (n,) forecast; NaN on rows that have none and only show what became of the alerts before them
    blocks : draws over the same n rows
    cooldown_s : the horizon, unless given
    """
    spans = episodes(bar_end_ns, session, trailing_bps, tau_bps=tau_bps, horizon_s=horizon_s)
    raised = Alarm(theta, horizon_s if cooldown_s is None else cooldown_s, rearm).push_all(bar_end_ns, session, p)
    if onset:
        raised &= ~spans.on
    m = match(bar_end_ns, session, raised, spans.start, horizon_s)
    counts = np.stack([m.alert, m.right, m.episode, m.caught], axis=1).astype(np.float64)
    alerts, right, starts, caught = (int(c) for c in counts.sum(axis=0))
    drawn = blocks.sums(counts)
    observed_h = hours(p)
    return Alerts(
        budget_per_h=budget_per_h,
        onset=onset,
        theta=theta,
        alerts=alerts,
        right=right,
        episodes=starts,
        caught=caught,
        hours=observed_h,
        recall=share(caught, starts, drawn[:, 3], drawn[:, 2], blocks.holding(m.episode)),
        precision=share(right, alerts, drawn[:, 1], drawn[:, 0], blocks.holding(m.alert)),
        false_per_h=(alerts - right) / observed_h if observed_h else 0.0,
        lead_s=float(np.median(m.leads_s)) if m.leads_s.size else None,
    )


def share(part: int, whole: int, parts: Floats, wholes: Floats, holding: int) -> Estimate:
    """part / whole with its interval from the sums of each replicate (ratio of sums); no value where whole is 0.

    Replicates of 7 of 7 are all 1, and no interval at all: it is the hull of the percentiles of the replicates and of
    Wilson's interval for as many independent cases. No ends where fewer than `LEAST_BLOCKS` blocks hold a case
    (`holding`).
    """
    if whole == 0:
        return Estimate(value=None)
    if holding < LEAST_BLOCKS:
        return Estimate(value=part / whole)
    known = wholes > 0
    drawn_low, drawn_high = np.quantile(parts[known] / wholes[known], (0.025, 0.975))
    low, high = wilson(part / whole, whole)
    return Estimate(value=part / whole, low=min(low, float(drawn_low)), high=max(high, float(drawn_high)))
