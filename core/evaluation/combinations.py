"""Cooldown and hysteresis chosen too: what an aim gives at each of some pairs of them, on the part it is chosen on.

The best of so many choices on a handful of episodes flatters: it is an offer, not a finding.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from core.evaluation.budget import tried
from core.evaluation.events import REARM
from core.evaluation.policy import Aim, choose
from core.evaluation.sweep import Part, sweep

COOLDOWNS = (0.5, 1.0, 2.0, 5.0)
"""In horizons."""
REARMS = (1.0, 0.5, 0.25)
THETAS = 250
"""Tried at each pair, evenly drawn from those that are worth trying: twelve whole sweeps would take over a second."""


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """What an aim gives at one cooldown and re-arming share."""

    cooldown_s: int
    rearm: float
    theta: float
    met: bool
    silent: bool
    alerts_per_h: float
    false_per_h: float
    caught: int
    episodes: int


def combinations(part: Part, aim: Aim) -> list[Combination]:
    """All pairs of `COOLDOWNS` and `REARMS`, best first; of equal ones the nearest to a horizon and `REARM`.

    Best is for a budget what catches most and then has the fewest false alerts, for a recall floor what reaches it with
    the fewest alerts, for a cost the cheapest. Raises as `policy.choose`.
    """
    thetas = tried(np.minimum(part.p[part.p > 0], np.nextafter(1.0, 0.0)))
    thetas = thetas[:: -(-thetas.size // THETAS)]
    found = []
    for horizons in COOLDOWNS:
        for rearm in REARMS:
            cooldown_s = round(horizons * part.horizon_s)
            s = sweep(part, cooldown_s, rearm, thetas)
            choice = choose(s, aim, part.name)
            at = np.flatnonzero(s.theta == choice.theta)
            alerts, false, caught = (int(c[at].sum()) for c in (s.alerts, s.false, s.caught))  # 0 where silent
            one = Combination(
                cooldown_s=cooldown_s, rearm=rearm, theta=choice.theta, met=choice.met, silent=choice.silent,
                alerts_per_h=alerts / s.hours, false_per_h=false / s.hours, caught=caught, episodes=s.episodes,
            )  # fmt: skip
            cost = aim.value * false + s.episodes - caught
            worth = {"budget": (-caught, false), "recall": (-caught * (not choice.met), alerts), "cost": (cost, 0)}
            far = abs(math.log(horizons)), abs(rearm - REARM)
            found.append(((choice.silent, not choice.met, *worth[aim.by], *far), one))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
