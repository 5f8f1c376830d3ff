"""From a test part's seconds and one model's forecasts to what the time line of alerts draws. Pure.

The line's own axis is in seconds of observation: a gap between two stretches is drawn short, or the parts of a capture
that lie days apart would be two slivers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation import events
from core.evaluation.evaluate import Seconds
from core.evaluation.record import Alerts
from core.features.bars import SECOND_NS
from ui.theme import utc

Values = NDArray[np.float64]
Ns = NDArray[np.int64]

GAP_SHARE, GAPS_SHARE = 0.03, 0.25
"""Width of a long gap, and of all of them together, as a share of the observed seconds."""
COLUMNS = 480
"""Pixel columns of a line, two points each: price and forecast together stay below 2,000 points."""
STEPS_S = (10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Happened:
    """Episodes and alerts of one model at one budget, ns UTC: what `record.Alerts` counts.

    spans : (k, 2) when each episode starts and last is at tau or above, those that no alert could catch included
    start_ns, lead_s : (m,) of the episodes that count; lead of the alert that caught it, NaN where it was missed
    wrong_ns : alerts that no episode followed within the horizon
    open_ns : alerts whose horizon runs beyond their session, neither right nor wrong
    """

    spans: Ns
    start_ns: Ns
    lead_s: Values
    wrong_ns: Ns
    open_ns: Ns

    def agrees(self, counted: Alerts) -> bool:
        """Whether this is what an evaluation counted; not where the alert rule was another when it was made."""
        caught = int(np.isfinite(self.lead_s).sum())
        drawn = (self.start_ns.size, caught, self.wrong_ns.size)
        return drawn == (counted.episodes, counted.caught, counted.alerts - counted.right)


def happened(seconds: Seconds, p: Values, *, theta: float, tau_bps: float, horizon_s: int, onset: bool) -> Happened:
    """What an alarm at `theta` did on the forecasts p (n,) of `seconds`, as `events.alerts_at` counts it."""
    t, session = seconds.bar_end_ns, seconds.session
    above = seconds.trailing_bps >= tau_bps
    spans = events.episodes(t, session, seconds.trailing_bps, tau_bps=tau_bps, horizon_s=horizon_s)
    raised = events.Alarm(theta, horizon_s).push_all(t, session, p)
    if onset:
        raised &= ~spans.on
    m = events.match(t, session, raised, spans.start, horizon_s)
    starts = np.flatnonzero(m.episode)
    lead = np.full(starts.size, np.nan)
    lead[m.caught[starts]] = m.leads_s
    catching = t[starts] - np.nan_to_num(lead).astype(np.int64) * SECOND_NS
    undecided = raised & ~m.alert & ~np.isin(t, catching[m.caught[starts]])
    return Happened(_runs(t, session, above, spans), t[starts], lead, t[m.alert & ~m.right], t[undecided])


def _runs(t: Ns, session: NDArray[np.int64], above: NDArray[np.bool_], spans: events.Episodes) -> Ns:
    """First and last second at tau or above of each stretch in which an episode is on."""
    begins = spans.on & (spans.start | ~np.append(False, spans.on[:-1]) | np.append(True, np.diff(session) != 0))
    hot = np.flatnonzero(spans.on & above)
    first = np.flatnonzero(np.diff(np.cumsum(begins)[hot], prepend=-1))
    last = np.append(first[1:], hot.size) - 1 if hot.size else first
    return np.stack([t[hot[first]] - SECOND_NS, t[hot[last]]], axis=1)


@dataclass(frozen=True)
class Axis:
    """Observed seconds for moments: `at_ns` are the ends of the stretches, `at_s` their places; between stretches lies
    a gap, drawn short."""

    at_ns: Ns
    at_s: Values

    def place(self, ns: Ns) -> Values:
        """Where moments stand, s from the first."""
        return np.interp(ns, self.at_ns, self.at_s)

    @property
    def gaps(self) -> list[tuple[float, float, float]]:
        """Of each gap: from, to (places) and how long it was, s."""
        long_s = (self.at_ns[2::2] - self.at_ns[1:-1:2]) / SECOND_NS
        return [(float(a), float(b), float(s)) for a, b, s in zip(self.at_s[1:-1:2], self.at_s[2::2], long_s)]


def axis(bar_end_ns: Ns, shortest_s: float = 2.0) -> Axis:
    """The axis of seconds in the order of time; neighbours further apart than `shortest_s` have a gap between them."""
    cut = np.flatnonzero(np.diff(bar_end_ns) > shortest_s * SECOND_NS)
    first, last = bar_end_ns[np.append(0, cut + 1)], bar_end_ns[np.append(cut, bar_end_ns.size - 1)]
    observed = float((last - first).sum()) / SECOND_NS
    most = observed * min(GAP_SHARE, GAPS_SHARE / max(cut.size, 1))
    gap_s = np.minimum((first[1:] - last[:-1]) / SECOND_NS, most)
    steps = np.zeros(2 * first.size)
    steps[1::2] = (last - first) / SECOND_NS
    steps[2::2] = gap_s
    return Axis(np.stack([first, last], axis=1).ravel(), np.cumsum(steps))


def ticks(on: Axis, most: int = 7) -> tuple[list[float], list[str]]:
    """Places and texts of round moments, at most `most`; the first of each day has its date below."""
    end = float(on.at_s[-1])
    for step_s in STEPS_S:
        step = step_s * SECOND_NS
        found = [
            np.arange(-(-int(a) // step) * step, int(b) + 1, step) for a, b in on.at_ns.reshape(-1, 2)
        ]  # fmt: skip
        moments = np.concatenate(found)
        if moments.size <= most or step_s == STEPS_S[-1]:
            break
    places: list[float] = []
    texts: list[str] = []
    day = -1
    for ns, place in zip(moments[: 4 * most], on.place(moments)):
        if places and place - places[-1] < end / (most + 4):
            continue
        new = int(ns) // (86400 * SECOND_NS) != day
        day = int(ns) // (86400 * SECOND_NS)
        places.append(float(place))
        date = f"<br>{utc(int(ns), 1).rpartition(' ')[0].rpartition(' ')[0]}" if new else ""
        texts.append(utc(int(ns), zone=False)[:-3] + date)
    return places, texts


def drawn(on: Axis, bar_end_ns: Ns, values: Values, columns: int = COLUMNS) -> tuple[Values, Values, Ns]:
    """Places, values and moments of a line: lowest and highest of each pixel column, NaN between stretches."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return np.empty(0), np.empty(0), np.empty(0, np.int64)
    x, y = on.place(bar_end_ns[known]), values[known]
    if known.size > 2 * columns:
        column = np.minimum((x - x[0]) / max(x[-1] - x[0], 1e-9) * columns, columns - 1).astype(np.int64)
        order = np.lexsort((y, column))
        edge = np.append(True, np.diff(column[order]) != 0)
        kept = np.unique(np.concatenate([order[edge], order[np.append(edge[1:], True)]]))
        x, y, known = x[kept], y[kept], known[kept]
    ns = bar_end_ns[known]
    stretch = np.searchsorted(on.at_ns[::2], ns, side="right")
    cut = np.flatnonzero(np.diff(stretch) != 0) + 1
    return np.insert(x, cut, x[cut - 1]), np.insert(y, cut, np.nan), np.insert(ns, cut, ns[cut - 1])


@dataclass(frozen=True)
class Series:
    """One line: places, values, and the moments as text for the pointer."""

    x: Values
    y: Values
    said: list[str]


@dataclass(frozen=True)
class Timeline:
    """What one stretch of the test part looks like and what one model's alerts did in it; all places in s on its axis.

    gaps : from, to and their true length, s
    caught : of each: place of the alert, of the episode's start, and the lead, s
    """

    end: float
    ticks: tuple[list[float], list[str]]
    gaps: list[tuple[float, float, float]]
    bands: list[tuple[float, float]]
    price: Series
    p: Series
    caught: list[tuple[float, float, float]]
    missed: list[float]
    wrong: list[float]
    undecided: list[float]
    said: dict[float, str]
    """When, for each place of a mark."""


def timeline(
    bar_end_ns: Ns, mid: Values, p: Values, did: Happened, window_ns: tuple[int, int] | None = None
) -> Timeline | None:
    """Place everything between the two moments of `window_ns` (all where None); None where no price is known there."""
    first, last = window_ns or (int(bar_end_ns[0]), int(bar_end_ns[-1]))
    inside = (bar_end_ns >= first) & (bar_end_ns <= last) & np.isfinite(mid)
    if inside.sum() < 2:
        return None
    t, mid, p = bar_end_ns[inside], mid[inside], p[inside]
    on = axis(t)

    def within(ns: Ns) -> NDArray[np.bool_]:
        return (ns >= first) & (ns <= last)

    caught = np.isfinite(did.lead_s)
    alert_ns = did.start_ns - np.nan_to_num(did.lead_s).astype(np.int64) * SECOND_NS
    hits = caught & within(did.start_ns)
    missed, wrong, undecided = (
        ns[within(ns)] for ns in (did.start_ns[~caught], did.wrong_ns, did.open_ns)
    )  # fmt: skip
    shown = did.spans[(did.spans[:, 1] >= first) & (did.spans[:, 0] <= last)]
    bands = [(float(a), float(max(b, a + 1))) for a, b in on.place(shown)]
    marks = np.concatenate([did.start_ns[hits], missed, wrong, undecided])
    return Timeline(
        end=float(on.at_s[-1]), ticks=ticks(on), gaps=on.gaps, bands=bands,
        price=_series(on, t, mid), p=_series(on, t, p),
        caught=list(zip(on.place(alert_ns[hits]).tolist(), on.place(did.start_ns[hits]).tolist(),
                        did.lead_s[hits].tolist())),
        missed=on.place(missed).tolist(), wrong=on.place(wrong).tolist(), undecided=on.place(undecided).tolist(),
        said=dict(zip(on.place(marks).tolist(), _clock(marks))),
    )  # fmt: skip


def _series(on: Axis, t: Ns, values: Values) -> Series:
    x, y, ns = drawn(on, t, values)
    return Series(x, y, _clock(ns))


def _clock(ns: Ns) -> list[str]:
    text = np.datetime_as_string(ns.astype("datetime64[ns]"), unit="s")
    return [f"{t[:10]} {t[11:]} UTC" for t in text]


__all__ = ["Axis", "Happened", "Series", "Timeline", "axis", "drawn", "happened", "ticks", "timeline"]
