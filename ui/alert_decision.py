"""A decision about alerts as rows, words and curves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.evaluation.combinations import Combination
from core.evaluation.decision import Decision
from core.evaluation.policy import Aim, Outcome
from core.evaluation.record import Estimate
from core.evaluation.sweep import Sweep
from ui.charts.alerting import Curve
from ui.evidence import NO_INTERVAL
from ui.tables import Rows
from ui.text import plural
from ui.theme import MISSING, score

COLUMNS = 220
"""Columns of the curve, in each of which at most four points are drawn."""
SHOWN = 1e-3
"""Thetas below this share of the highest are not drawn: P lies above them nearly always."""


def per_hour(x: float | None) -> str:
    """A rate of alerts.

    >>> per_hour(1.976), per_hour(-0.31), per_hour(12.4)
    ('2.0', '−0.3', '12.4')
    """
    return MISSING if x is None else f"{x:.1f}".replace("-", "−").replace("−0.0", "0.0")


def share(x: float | None) -> str:
    """A share in whole per cent."""
    return MISSING if x is None else f"{100 * x:.0f} %".replace("-", "−").replace("−0 %", "0 %")


def points(x: float | None) -> str:
    """A difference of two shares, in points of per cent."""
    return share(x).replace(" %", " pt")


def ends(x: Estimate, written: Callable[[float | None], str]) -> str:
    """The interval of a number; the words that there is none also where all draws agree: that is a lack of cases."""
    if x.value is None:
        return ""
    known = x.low is not None and x.high is not None and x.low < x.high
    return f"({written(x.low)} to {written(x.high)})" if known else NO_INTERVAL


def lead(o: Outcome) -> str:
    """Median lead and range of the episodes caught."""
    if o.lead_s is None or o.lead_least_s is None or o.lead_most_s is None:
        return f"{MISSING}\nnone caught"
    return f"{o.lead_s:.0f} s\n{o.lead_least_s:.0f} to {o.lead_most_s:.0f} s"


def signed(written: Callable[[float | None], str]) -> Callable[[float | None], str]:
    """The writer of a difference, with its sign."""

    def said(x: float | None) -> str:
        text = written(x)
        return "+" + text if x is not None and x > 0 and text.strip("0. pt") else text

    return said


def compared_rows(made: Decision) -> Rows:
    """The rule that is tried where it was chosen and on test; where another is in use, that one on test, and their
    paired difference."""
    u, d = (None, None) if same(made) else (made.used, made.difference)
    columns = ["", f"tried, {made.chosen_on}\n(chosen here)", "tried, test"]
    outcomes = [made.there, made.test]
    rules = [made.rule, made.rule]
    if u is not None:
        columns += [f"in use, test\n{u.title}", "tried less in use,\ntest, paired"]
        outcomes.append(u.test)
        rules.append(u.rule)
    rows = [
        ["θ", *(score(r.theta) for r in rules)],
        ["cooldown", *(f"{r.cooldown_s} s" for r in rules)],
        ["re-arms below", *(f"{r.rearm:g} × odds of θ" for r in rules)],
        ["alerts an hour", *(f"{per_hour(o.alerts_per_h.value)}\n{ends(o.alerts_per_h, per_hour)}" for o in outcomes)],
        ["alerts", *(f"{o.alerts} in {o.hours:.1f} h" for o in outcomes)],
        ["episodes caught", *(f"{o.caught} of {o.episodes}\n{ends(o.recall, share)}" for o in outcomes)],
        ["false an hour", *(f"{per_hour(o.false_per_h.value)}\n{ends(o.false_per_h, per_hour)}" for o in outcomes)],
        ["alerts right", *(_right(o) for o in outcomes)],
        ["lead, median", *(lead(o) for o in outcomes)],
    ]
    if u is not None and d is not None:
        differences: dict[str, tuple[Estimate, Callable[[float | None], str]]] = {
            "alerts an hour": (d.alerts_per_h, signed(per_hour)), "episodes caught": (d.recall, signed(points)),
            "false an hour": (d.false_per_h, signed(per_hour)),
        }  # fmt: skip
        for row in rows:
            estimate, written = differences.get(row[0], (Estimate(value=None), score))
            row.append("" if estimate.value is None else f"{written(estimate.value)}\n{ends(estimate, written)}")
    return columns, rows


def pair_rows(pairs: Sequence[Combination]) -> Rows:
    """What other cooldowns and re-arming shares give where the rule is chosen, best first."""
    rows = [
        [
            f"{c.cooldown_s} s", f"{c.rearm:g} × odds of θ", MISSING if c.silent else score(c.theta),
            per_hour(c.alerts_per_h), f"{c.caught} of {c.episodes}", per_hour(c.false_per_h),
        ]
        for c in pairs
    ]  # fmt: skip
    return ["cooldown", "re-arms below", "θ", "alerts an hour", "episodes caught", "false an hour"], rows


def same(made: Decision) -> bool:
    """Whether what is tried is in use."""
    return made.used is not None and (made.used.model, made.used.rule) == (made.model, made.rule)


def _right(o: Outcome) -> str:
    judged = o.right + o.false
    open_ = f", {o.undecided} undecided" if o.undecided else ""
    return f"{o.right} of {judged}{open_}\n{ends(o.precision, share)}" if judged else f"no alert{open_}"


def few(made: Decision) -> str:
    """Why numbers have no interval, where some have none; "" else."""
    shown = [made.test, *([made.used.test] if made.used else [])]
    if all(x.value is None or x.low is not None for o in shown for x in (o.alerts_per_h, o.false_per_h, o.recall)):
        return ""
    return (
        "No interval: fewer than 5 stretches of five horizons hold such an alert or an episode. Such a number is one "
        "reading, not a rate."
    )


def cost(o: Outcome) -> str:
    """What a rule does, in one sentence.

    Counts, since a rate of three hours reads as more than it is.
    """
    alerts = f"{plural(o.alerts, 'alert')} in {o.hours:.1f} h ({per_hour(o.alerts_per_h.value)} an hour)"
    return f"{alerts}, {o.caught} of {plural(o.episodes, 'episode')} caught, {o.false} false"


def curve_of(s: Sweep, aim: Aim) -> Curve:
    """The sweep as a curve of at most four points a column, its highest and lowest, θ rising."""
    drawn = np.flatnonzero(s.theta >= SHOWN * s.theta[0])
    kept = drawn[::-1]
    if kept.size > 4 * COLUMNS:
        kept = _extremes(s, kept)
    return Curve(
        theta=s.theta[kept], alerts_per_h=s.alerts_per_h[kept], recall=s.recall[kept],
        budget=aim.value if aim.by == "budget" else None, floor=aim.value if aim.by == "recall" else None,
    )  # fmt: skip


def _extremes(s: Sweep, rising: NDArray[np.intp]) -> NDArray[np.intp]:
    theta = s.theta[rising]
    x = np.log(theta / (1 - theta))
    column = np.minimum((x - x[0]) / max(x[-1] - x[0], 1e-9) * COLUMNS, COLUMNS - 1).astype(np.int64)
    kept = []
    for values in (s.alerts, s.caught):
        order = np.lexsort((values[rising], column))
        edge = np.append(True, np.diff(column[order]) != 0)
        kept += [order[edge], order[np.append(edge[1:], True)]]
    return rising[np.unique(np.concatenate(kept))]


__all__ = [
    "compared_rows", "cost", "curve_of", "ends", "few", "lead", "pair_rows", "per_hour", "points", "same",
    "share", "signed",
]  # fmt: skip
