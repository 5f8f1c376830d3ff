"""The alert probability that keeps to a budget of alerts an hour."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.config import ALERTS_PER_H
from core.errors import BadInput
from core.evaluation.events import REARM, Floats, Rows, advance, hours, rearm_at
from core.evaluation.record import Judged
from core.features.bars import SECOND_NS

TRIED = 1000
"""Alert probabilities tried for a budget: so many of the highest, and so many spread over the others."""


def tried(p: Floats) -> Floats:
    """Alert probabilities worth trying on forecasts p (n,): each p is one, highest first.

    Where there are more than 2 x `TRIED`, all of the highest, where few alerts are decided, and every so many below.
    """
    found = np.unique(p[np.isfinite(p)])[::-1]
    if found.size > 2 * TRIED:
        below = np.linspace(TRIED, found.size - 1, TRIED).astype(np.int64)
        found = np.append(found[:TRIED], found[below])
    return found


@njit(cache=True, nogil=True)
def _budget(t_ns, session, p, counted, candidates, lows, cooldown_ns, most, raised):  # type: ignore[no-untyped-def]
    """Of the candidates (falling) before the first that raises more than `most` counted alerts, the last that raises
    the most; -1 where the first breaks the budget already."""
    best = -1
    best_alerts = 0
    for k in range(candidates.size):
        state = np.array([0, 0, 0, 0])
        advance(t_ns, session, p, candidates[k], lows[k], cooldown_ns, state, raised)
        alerts = 0
        for i in range(raised.size):
            if raised[i] and counted[i]:
                alerts += 1
        if alerts > most:
            break
        if alerts >= best_alerts and (alerts > 0 or best < 0):
            best = k
            best_alerts = alerts
    return best


def theta_for_budget(
    bar_end_ns: Rows,
    session: Rows,
    p: Floats,
    *,
    budget_per_h: float,
    cooldown_s: int,
    rearm: float = REARM,
    counted: NDArray[np.bool_] | None = None,
) -> float:
    """The lowest alert probability that keeps to a budget on validation, as do all higher ones.

    The number of alerts does not only rise as theta falls: a low theta is seldom risen to, since p is mostly above it.
    So it is sought from the highest p down to the first that breaks the budget, and where none breaks it, it is that
    which alerts most (of equal ones the lowest). Just above the highest p where that one breaks it already.

    Parameters
    ----------
    bar_end_ns, session, p : validation rows, (n,)
    budget_per_h : alerts per observed hour at most
    counted : (n,) rows whose alerts count (`~episodes(...).on` for onset); None for all
    """
    known = np.isfinite(p)
    if not known.any():
        raise BadInput("no forecast on validation: there is no alert probability to choose")
    most = budget_per_h * hours(p)
    candidates = tried(p)
    lows = rearm_at(candidates, rearm)
    mask = np.ones(p.size, np.bool_) if counted is None else counted
    raised = np.empty(p.size, np.bool_)
    best = _budget(bar_end_ns, session, p, mask, candidates, lows, cooldown_s * SECOND_NS, most, raised)
    return float(candidates[best]) if best >= 0 else float(np.nextafter(candidates[0], np.inf))


def theta_to_begin_with(judged: Judged, p_validation: Floats) -> float:
    """The alert probability of a model for which none was decided yet: it keeps to `ALERTS_PER_H` on validation.

    That of the best F1 alerts as often as that takes, or never: where it lies below nearly every p, p does not rise to
    it. It stands in only where validation is too short for a single alert within the budget.
    """
    kept = next(a.theta for a in judged.alerts if a.budget_per_h == ALERTS_PER_H and not a.onset)
    return kept if kept <= np.nanmax(p_validation) else judged.theta
