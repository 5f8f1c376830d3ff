"""A replay at one moment: what could be seen then, and nothing that came after. Pure."""

from __future__ import annotations

import numpy as np

from core.features.bars import SECOND_NS
from core.live.replay import Raised, Replay
from ui.charts.replayed import WINDOW_S, Lines, Mark, Moment
from ui.frames import broken, gaps, spans, times

NEXT_S = 300
"""Seconds of what came next, where the viewer asks for it."""


def moment(
    replayed: Replay,
    at_ns: int,
    first_ns: int,
    *,
    alerts: Raised,
    ghosts: Raised | None = None,
    show_next: bool = False,
    ahead_s: int = 0,
) -> Moment:
    """What could be seen of a replay at the bar that ends at `at_ns` (the last one before where there is none).

    first_ns : the first bar of the stretch that is shown as one; episodes are counted from it on, one that is on
        already too
    ahead_s : so many seconds of the lines are sent ahead, for a figure that plays: the browser shows each in its time
    """
    ends = replayed.bars.bar_end_ns
    i = max(int(np.searchsorted(ends, at_ns, side="right")) - 1, 0)
    now_ns = int(ends[i])
    a = int(np.searchsorted(ends, now_ns - WINDOW_S * SECOND_NS, side="right"))
    b = int(np.searchsorted(ends, now_ns + NEXT_S * SECOND_NS, side="right"))
    until_ns = now_ns + ahead_s * SECOND_NS
    return Moment(
        at_ns=now_ns,
        t=times(ends[i : i + 1])[0],
        seen=_lines(replayed, slice(a, int(np.searchsorted(ends, until_ns, side="right")))),
        next=_lines(replayed, slice(i, b)) if show_next and b - i > 1 else None,
        alerts=_marks(replayed, alerts, int(ends[a]), until_ns, now_ns),
        ghosts=[] if ghosts is None else _marks(replayed, ghosts, int(ends[a]), until_ns, now_ns),
        mid=float(replayed.bars.of("close")[i]),
        p=_known(replayed.p[i]),
        doubt=replayed.doubt[i],
        vol_bps=_known(replayed.vol_bps[i]),
        tau_bps=_known(replayed.standing_bps[i]),
        age=int(replayed.age[i]),
        need=replayed.meta.asked.warm_up_s,
        episodes=replayed.seen(first_ns, now_ns).size,
    )


def _lines(replayed: Replay, part: slice) -> Lines:
    ns = replayed.bars.bar_end_ns[part]
    t, (mid, vol, tau, p) = broken(
        ns, replayed.bars.of("close")[part], replayed.vol_bps[part], replayed.standing_bps[part], replayed.p[part]
    )
    doubted = np.array([doubt is not None for doubt in replayed.doubt[part]], np.bool_)
    return Lines(t, mid, vol, tau, p, spans(ns, replayed.hot[part]), gaps(ns), spans(ns, doubted))


def _marks(replayed: Replay, raised: Raised, first_ns: int, until_ns: int, now_ns: int) -> list[Mark]:
    ends, p = replayed.bars.bar_end_ns, replayed.p
    return [
        Mark(times(ends[row : row + 1])[0], float(p[row]), outcome if known_ns <= now_ns else None)
        for row, outcome, known_ns in zip(raised.at.tolist(), raised.outcome, raised.known_ns.tolist(), strict=True)
        if first_ns <= ends[row] <= until_ns
    ]


def _known(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


__all__ = ["NEXT_S", "WINDOW_S", "moment"]
