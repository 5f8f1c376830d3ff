"""A rule for alerts, chosen on rows that are not test, and what it then does on test.

A rule is theta, cooldown and re-arming share, the three numbers of `events.Alarm`, which the monitor runs. It is chosen
by one of three aims: a budget of alerts an hour, a share of episodes to catch at least, or what a false alert costs
against a missed episode. All alerts count, also those raised while an episode is on: they come late, and are false.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import BadInput, NotEnough
from core.evaluation.events import Alarm, Floats, Matched, match, share
from core.evaluation.intervals import Blocks, estimate
from core.evaluation.record import Estimate
from core.evaluation.sweep import Part, Sweep
from core.features.bars import SECOND_NS

By = Literal["budget", "recall", "cost"]
MOST_BUDGET, MOST_COST = 3600.0, 1000.0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When to alert: see `events.Alarm`."""

    theta: float
    cooldown_s: int
    rearm: float


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What theta is chosen for.

    budget : `value` alerts an hour at most. recall : catch a share of `value` of the episodes at least. cost : the
    cheapest, where a false alert costs `value` times what a missed episode costs.
    """

    by: By
    value: float

    def check(self) -> None:
        """Raise BadInput for a number that is no such aim."""
        low, high, unit = {
            "budget": (0.0, MOST_BUDGET, "alerts an hour"),
            "recall": (0.0, 1.0, "as a share of the episodes"),
            "cost": (0.0, MOST_COST, "as the cost of a false alert in missed episodes"),
        }[self.by]
        if not low < self.value <= high:
            raise BadInput(f"the {self.by} is {self.value:g}: give a number above 0, at most {high:g}, {unit}")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The theta of an aim. `met` is whether the aim is reached, `silent` whether it is best not to alert at all (theta
    is then above every forecast); `sentence` says what theta does where it was chosen."""

    theta: float
    met: bool
    sentence: str
    silent: bool = False


def given(theta: float) -> Choice:
    """No choice: this theta. Raises BadInput where it is none."""
    if not 0 < theta < 1:
        raise BadInput(f"θ is {theta:g}: give a probability above 0 and below 1")
    return Choice(theta=theta, met=True, sentence=f"θ {theta:.3g} was given.")


def choose(s: Sweep, aim: Aim, part: str) -> Choice:
    """The theta that `aim` asks for, on the sweep of the part named `part`, which must not be test.

    budget : of the thetas before the first that breaks it, from the highest down, the one that alerts most, of equal
        ones the lowest (`budget.theta_for_budget`). recall : the highest that reaches the floor; where none does, the
        highest of those that catch most. cost : the highest of the cheapest. Where silence is best, or nothing else
        is possible, theta is above every forecast.

    Raises
    ------
    NotEnough
        If the aim is about episodes and the part has none.
    """
    aim.check()
    if aim.by != "budget" and not s.episodes:
        raise NotEnough(f"{part} has no episode in {s.hours:.1f} h: set a budget instead, or capture more and train")
    at, met, said = {"budget": _for_budget, "recall": _for_recall, "cost": _for_cost}[aim.by](s, aim.value)
    if at is None:
        return Choice(theta=s.silent, met=met, sentence=f"{said} on {part}.", silent=True)
    did = f"{_plural(int(s.alerts[at]), 'alert')} in {s.hours:.1f} h"
    caught = f"{int(s.caught[at])} of {_plural(s.episodes, 'episode')} caught"
    return Choice(
        theta=float(s.theta[at]), met=met, sentence=f"{said} on {part}: {did}, {caught}, {int(s.false[at])} false."
    )


def _for_budget(s: Sweep, most_per_h: float) -> tuple[int | None, bool, str]:
    over = np.flatnonzero(s.alerts > most_per_h * s.hours)
    kept = s.alerts[: over[0]] if over.size else s.alerts
    if not kept.size:
        return None, True, "Nothing alerts: even the highest P breaks the budget"
    if not kept.any():
        return None, True, "Nothing alerts: no θ that keeps to the budget raises an alert"
    at = kept.size - 1 - int(np.argmax(kept[::-1]))
    return at, True, f"θ {s.theta[at]:.3g} keeps to {most_per_h:g} alerts an hour"


def _for_recall(s: Sweep, floor: float) -> tuple[int | None, bool, str]:
    need = math.ceil(floor * s.episodes - 1e-9)
    reached = np.flatnonzero(s.caught >= need)
    if reached.size:
        at = int(reached[0])
        return at, True, f"θ {s.theta[at]:.3g} is the highest that catches {100 * floor:.0f} % of the episodes"
    at = int(np.argmax(s.caught))
    if not s.caught[at]:
        return None, False, "Nothing is worth an alert: no θ catches an episode"
    best = 100 * s.caught[at] / s.episodes
    return at, False, f"No θ catches {100 * floor:.0f} %: the best possible is {best:.0f} %, at θ {s.theta[at]:.3g}"


def _for_cost(s: Sweep, ratio: float) -> tuple[int | None, bool, str]:
    cost = ratio * s.false + (s.episodes - s.caught)
    at, price = int(np.argmin(cost)), _plural(1 / ratio, "false alert")
    if cost[at] >= s.episodes:  # what no alert at all costs
        return None, True, f"Nothing alerts: where a missed episode costs {price}, silence is cheapest"
    return at, True, f"θ {s.theta[at]:.3g} is the cheapest where a missed episode costs {price}"


def _plural(n: float, one: str) -> str:
    return f"{n:,.6g} {one if n == 1 else one + 's'}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule does on one part: counts, and 95 % intervals by block bootstrap.

    alerts = right + false + undecided, those whose session ends before their horizon. lead_s is the median lead of the
    episodes caught, lead_least_s and lead_most_s its range; None where none was caught. An estimate without ends has
    fewer than 5 blocks that hold an alert, or an episode, and is one reading.
    """

    part: str
    hours: float
    alerts: int
    right: int
    false: int
    undecided: int
    episodes: int
    caught: int
    alerts_per_h: Estimate
    false_per_h: Estimate
    recall: Estimate
    precision: Estimate
    lead_s: float | None
    lead_least_s: float | None
    lead_most_s: float | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One rule less another on the same part, paired: both are drawn on the same blocks."""

    alerts_per_h: Estimate
    false_per_h: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Ran:
    """A rule run over a part."""

    part: Part
    rule: Rule

    @cached_property
    def raised(self) -> NDArray[np.bool_]:
        """Seconds that alert, (n,)."""
        s, r = self.part.seconds, self.rule
        return Alarm(r.theta, r.cooldown_s, r.rearm).push_all(s.bar_end_ns, s.session, self.part.p)

    @cached_property
    def matched(self) -> Matched:
        s = self.part.seconds
        return match(s.bar_end_ns, s.session, self.raised, self.part.spans.start, self.part.horizon_s)

    @cached_property
    def counts(self) -> Floats:
        """Of each second: alert, right, false, episode, caught, forecast, (n, 6); they add up."""
        m = self.matched
        kinds = (self.raised, m.right, m.alert & ~m.right, m.episode, m.caught, np.isfinite(self.part.p))
        return np.stack(kinds, axis=1).astype(np.float64)

    def outcome(self, blocks: Blocks) -> Outcome:
        """What it did; `blocks` are draws over the same n seconds."""
        m, c = self.matched, self.counts
        whole, drawn = c.sum(axis=0), blocks.sums(c)
        alerts, right, false, starts, caught = (int(n) for n in whole[:5])
        leads = m.leads_s
        return Outcome(
            part=self.part.name, hours=self.part.hours, alerts=alerts, right=right, false=false,
            undecided=alerts - right - false, episodes=starts, caught=caught,
            alerts_per_h=_rate(c, whole, drawn, 0, blocks), false_per_h=_rate(c, whole, drawn, 2, blocks),
            recall=share(caught, starts, drawn[:, 4], drawn[:, 3], blocks.holding(m.episode)),
            precision=share(right, right + false, drawn[:, 1], drawn[:, 1] + drawn[:, 2], blocks.holding(m.alert)),
            lead_s=float(np.median(leads)) if leads.size else None,
            lead_least_s=float(leads.min()) if leads.size else None,
            lead_most_s=float(leads.max()) if leads.size else None,
        )  # fmt: skip

    def less(self, other: Ran, blocks: Blocks) -> Difference:
        """This one's figures less the other's, which ran on the same seconds. Raises BadInput where it did not."""
        if not np.array_equal(self.part.seconds.bar_end_ns, other.part.seconds.bar_end_ns):
            raise BadInput("two rules can be compared on the same seconds only")
        mine, its = ((r.counts, np.vstack([r.counts.sum(axis=0), blocks.sums(r.counts)])) for r in (self, other))

        def differ(of: Callable[[Floats], Floats], column: int, most: float = np.inf) -> Estimate:
            held = blocks.holding((mine[0][:, column] + its[0][:, column]) > 0)
            with np.errstate(invalid="ignore", divide="ignore"):
                found = estimate(of(mine[1]) - of(its[1]), held, "plain")
            if found.low is None or found.high is None:
                return found
            return Estimate(value=found.value, low=max(found.low, -most), high=min(found.high, most))

        return Difference(
            alerts_per_h=differ(lambda c: _hourly(c, 0), 0), false_per_h=differ(lambda c: _hourly(c, 2), 2),
            recall=differ(lambda c: c[:, 4] / c[:, 3], 3, 1.0),
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """One row an alert, in the order of time: bar_end_ns, utc, p, mid, outcome (right, false, undecided), lead_s to
        the next episode (NaN where it caught none)."""
        m, s = self.matched, self.part.seconds
        at = np.flatnonzero(self.raised)
        start = np.append(s.bar_end_ns[m.episode], np.iinfo(np.int64).max)
        lead = (start[np.searchsorted(start, s.bar_end_ns[at], side="right")] - s.bar_end_ns[at]) / SECOND_NS
        outcome = np.where(m.right[at], "right", np.where(m.alert[at], "false", "undecided"))
        ns = s.bar_end_ns[at]
        return pd.DataFrame(
            {
                "bar_end_ns": ns, "utc": np.datetime_as_string(ns.astype("datetime64[ns]"), unit="s"),
                "p": self.part.p[at], "mid": self.part.mid[at], "outcome": outcome,
                "lead_s": np.where(m.right[at], lead, np.nan),
            }
        )  # fmt: skip


def _hourly(sums: Floats, column: int) -> Floats:
    rate: Floats = 3600 * sums[..., column] / sums[..., 5]
    return rate


def _rate(counts: Floats, whole: Floats, drawn: Floats, column: int, blocks: Blocks) -> Estimate:
    with np.errstate(invalid="ignore", divide="ignore"):
        values = _hourly(np.vstack([whole, drawn]), column)
    return estimate(values, blocks.holding(counts[:, column] > 0), "root")
