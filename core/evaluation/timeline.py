"""When one model's alerts and the episodes of the test part happened, and an axis of time to draw them on. Pure.

The axis is in seconds of observation: a gap between two stretches is drawn short, or the parts of a capture that lie
days apart would be two slivers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import LabelName
from core.evaluation import events
from core.evaluation.evaluate import Seconds, seconds
from core.evaluation.record import Alerts, Evaluation
from core.features.bars import SECOND_NS
from core.features.dataset import Dataset
from core.features.labels import Question

Floats = NDArray[np.float64]
Ns = NDArray[np.int64]

GAP_SHARE, GAPS_SHARE = 0.03, 0.25
"""Width of a long gap, and of all of them together, as a share of the observed seconds."""
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
    lead_s: Floats
    wrong_ns: Ns
    open_ns: Ns

    @property
    def caught(self) -> NDArray[np.bool_]:
        """Which episodes were caught, (m,)."""
        return np.isfinite(self.lead_s)

    @property
    def catching_ns(self) -> Ns:
        """The alerts that caught one, in the order of the caught episodes."""
        found: Ns = self.start_ns[self.caught] - self.lead_s[self.caught].astype(np.int64) * SECOND_NS
        return found

    def agrees(self, counted: Alerts) -> bool:
        """Whether this is what an evaluation counted; not where the alert rule was another when it was made."""
        drawn = (self.start_ns.size, int(self.caught.sum()), self.wrong_ns.size)
        return drawn == (counted.episodes, counted.caught, counted.alerts - counted.right)


def tested(evaluation: Evaluation, rows: pd.DataFrame) -> Seconds:
    """The seconds of the test part from the rows that `archive.load_rows` gives."""
    label: LabelName = evaluation.label
    question = Question(label, evaluation.horizon_s)
    known = rows.rename(columns={"vol_bps": question.trailing})
    e = evaluation
    return seconds(
        Dataset(known, (), (), question, e.tau_bps, e.venue, e.product, e.fingerprint, e.tau_relative), "test"
    )


def happened(on: Seconds, p: Floats, *, theta: float, horizon_s: int, onset: bool) -> Happened:
    """What an alarm at `theta` did on the forecasts p (n,) of the seconds, as `events.alerts_at` counts it."""
    t, session = on.bar_end_ns, on.session
    spans = events.episodes(t, session, on.trailing_bps, tau_bps=on.tau_bps, horizon_s=horizon_s)
    raised = events.Alarm(theta, horizon_s).push_all(t, session, p)
    if onset:
        raised &= ~spans.on
    m = events.match(t, session, raised, spans.start, horizon_s)
    starts = np.flatnonzero(m.episode)
    lead = np.full(starts.size, np.nan)
    lead[m.caught[starts]] = m.leads_s
    catching = t[starts] - np.nan_to_num(lead).astype(np.int64) * SECOND_NS
    undecided = raised & ~m.alert & ~np.isin(t, catching[m.caught[starts]])
    above = on.trailing_bps >= on.tau_bps
    return Happened(_runs(t, session, above, spans), t[starts], lead, t[m.alert & ~m.right], t[undecided])


def _runs(t: Ns, session: Ns, above: NDArray[np.bool_], spans: events.Episodes) -> Ns:
    """First and last second at tau or above of each stretch in which an episode is on."""
    begins = spans.on & (spans.start | ~np.append(False, spans.on[:-1]) | np.append(True, np.diff(session) != 0))
    run = np.cumsum(begins)
    found = []
    for k in range(1, int(run[-1]) + 1 if run.size else 1):
        inside = t[(run == k) & spans.on & above]
        if inside.size:
            found.append((inside[0] - SECOND_NS, inside[-1]))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Axis:
    """Observed seconds for moments: `at_ns` are the ends of the stretches, `at_s` their places; between stretches lies
    a gap, drawn short."""

    at_ns: Ns
    at_s: Floats

    def place(self, ns: Ns) -> Floats:
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


def round_moments(on: Axis, most: int = 7) -> tuple[Floats, Ns]:
    """Places and ns of round moments for an axis, about `most` of them and none close to the last."""
    end = float(on.at_s[-1])
    moments = on.at_ns[:0]
    for step_s in STEPS_S:
        step = step_s * SECOND_NS
        moments = np.concatenate(
            [np.arange(-(-int(a) // step) * step, int(b) + 1, step) for a, b in on.at_ns.reshape(-1, 2)]
        )
        if moments.size <= most:
            break
    kept: list[int] = []
    for i, place in enumerate(on.place(moments)):
        if not kept or place - on.place(moments[kept[-1:]])[0] >= end / (most + 4):
            kept.append(i)
    return on.place(moments[kept]), moments[kept]


def line(on: Axis, bar_end_ns: Ns, values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Places and values of a line: lowest and highest of each of `columns` columns, NaN between stretches."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return np.empty(0), np.empty(0)
    x, y = on.place(bar_end_ns[known]), values[known]
    if known.size > 2 * columns:
        column = np.minimum((x - x[0]) / max(x[-1] - x[0], 1e-9) * columns, columns - 1).astype(np.int64)
        order = np.lexsort((y, column))
        edge = np.append(True, np.diff(column[order]) != 0)
        kept = np.unique(np.concatenate([order[edge], order[np.append(edge[1:], True)]]))
        x, y, known = x[kept], y[kept], known[kept]
    stretch = np.searchsorted(on.at_ns[::2], bar_end_ns[known], side="right")
    cut = np.flatnonzero(np.diff(stretch) != 0) + 1
    return np.insert(x, cut, x[cut - 1]), np.insert(y, cut, np.nan)
