"""Many alert probabilities at once: what an alarm would do on one part at each of them.

Each is run by the step of `events.Alarm` itself, with its hysteresis and cooldown, and its alerts are paired with
episodes as `events.match` pairs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from core.errors import BadInput
from core.evaluation.budget import tried
from core.evaluation.evaluate import Seconds
from core.evaluation.events import Episodes, Floats, Rows, advance, ends_of, episodes, hours, rearm_at
from core.features.bars import SECOND_NS


@dataclass(frozen=True)
class Part:
    """One stretch of history with one model's forecasts, which an alarm can be run on.

    Parameters
    ----------
    name : in words, "validation"
    seconds : in the order of time, (n,)
    p, mid : (n,) forecasts, and mid prices in USD; NaN on seconds without a row
    horizon_s : H
    """

    name: str
    seconds: Seconds
    p: Floats
    mid: Floats
    horizon_s: int

    @cached_property
    def spans(self) -> Episodes:
        """Where episodes start and are on."""
        s = self.seconds
        return episodes(s.bar_end_ns, s.session, s.trailing_bps, tau_bps=s.tau_bps, horizon_s=self.horizon_s)

    @property
    def episodes(self) -> int:
        """How many start in it."""
        return int(self.spans.start.sum())

    @property
    def hours(self) -> float:
        """Observed, with a forecast."""
        return hours(self.p)


@dataclass(frozen=True)
class Sweep:
    """What an alarm does on one part at each theta, highest first; all of theta, alerts, right, false, caught are (k,).

    alerts : raised, those included that are neither right nor false because their session ends first
    caught : of `episodes`
    silent : the lowest theta above every forecast; 1 or more, which no setting can be, where one is 1
    """

    theta: Floats
    alerts: Rows
    right: Rows
    false: Rows
    caught: Rows
    episodes: int
    hours: float
    silent: float

    @property
    def alerts_per_h(self) -> Floats:
        return self.alerts / self.hours

    @property
    def false_per_h(self) -> Floats:
        return self.false / self.hours

    @property
    def recall(self) -> Floats:
        """Share of episodes caught; NaN where there is none."""
        return self.caught / self.episodes if self.episodes else np.full(self.theta.size, np.nan)


def sweep(part: Part, cooldown_s: int, rearm: float, thetas: Floats | None = None) -> Sweep:
    """Run the alarm over `part` at each of `thetas` (k,), by default at all that are worth trying above 0 and below 1.

    Raises BadInput where the part has no forecast above 0.
    """
    s = part.seconds
    if not (part.p > 0).any():
        raise BadInput(f"no forecast of {part.name} is above 0: there is no alert probability to choose")
    if thetas is None:
        thetas = tried(np.minimum(part.p[part.p > 0], np.nextafter(1.0, 0.0)))
    t, session, horizon_ns = s.bar_end_ns, s.session, part.horizon_s * SECOND_NS
    start = np.flatnonzero(part.spans.start)
    judged = t + horizon_ns <= ends_of(t, session)
    counts = np.zeros((thetas.size, 4), np.int64)
    _count(
        t, session, part.p, np.searchsorted(start, np.arange(t.size), side="right"), t[start], session[start],
        judged, horizon_ns, thetas, rearm_at(thetas, rearm), cooldown_s * SECOND_NS, counts,
    )  # fmt: skip
    alerts, right, false, caught = counts.T
    silent = float(np.nextafter(np.nanmax(part.p), np.inf))
    return Sweep(thetas, alerts, right, false, caught, part.episodes, part.hours, silent)


@njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def]
    t, session, p, following, start_ns, start_session, judged, horizon_ns, thetas, lows, cooldown_ns, counts
):
    """Fill counts (k, 4): alerts raised, right, false, and episodes caught, as `events.match` pairs them.

    following : (n,) where among the m episode starts the first after each second stands
    judged : (n,) whether the session lasts for a horizon more
    """
    raised = np.empty(p.size, np.bool_)
    caught_at = np.full(start_ns.size, -1)
    for k in range(thetas.size):
        advance(t, session, p, thetas[k], lows[k], cooldown_ns, np.array([0, 0, 0, 0]), raised)
        for i in range(p.size):
            if not raised[i]:
                continue
            j = following[i]
            hit = False
            while j < start_ns.size and start_session[j] == session[i] and start_ns[j] - t[i] <= horizon_ns:
                hit = True
                if caught_at[j] != k:
                    caught_at[j] = k
                    counts[k, 3] += 1
                j += 1
            counts[k, 0] += 1
            if judged[i]:
                counts[k, 1 if hit else 2] += 1
