"""What foretells a spike in the simulated market: all that is known of real ones, nothing, or a herald alone."""

from __future__ import annotations

import math
from typing import NamedTuple

from core.errors import BadInput

NEVER_S = 1e12


class Mood(NamedTuple):
    """What the compiled market does differently from mood to mood.

    regime_log : how much higher log volatility lies in the volatile regime
    slow_sd, fast_sd : standard deviations of the two log-OU components of volatility
    haste : in the volatile regime the waiting times run so many times as fast
    sudden_s, herald_s : mean waiting times (s) of shocks from nowhere and of stretches that may herald one
    shape : of those waiting times, a gamma distribution's; 1 is memoryless
    herald_min_s : a herald lasts so long, and up to twice as long
    herald_true : the share of heralds that a shock follows, decoys aside
    decoys : the share of heralds that are decoys: no shock follows them, and the book does not lean
    lean : how far log sizes at bid and ask part while a true herald is on, per unit of its strength
    leaps : a shock is one leap of the price, nothing before and nothing after it; else a burst that decays
    shock_log : mean of log size: of a leap in bps, or of the one-second standard deviation (bps) a burst begins with
    shock_log_sd : its standard deviation
    herald_tells : how much log size rises with the herald's tension, which is uniform on 0.5 to 1.5
    """

    regime_log: float = 1.05
    slow_sd: float = 0.10
    fast_sd: float = 0.15
    haste: int = 3
    sudden_s: float = 1_000.0
    herald_s: float = 350.0
    shape: int = 3
    herald_min_s: int = 30
    herald_true: float = 0.8
    decoys: float = 0.0
    lean: float = 0.0
    leaps: bool = False
    shock_log: float = 0.05
    shock_log_sd: float = 0.15
    herald_tells: float = 0.6


STEADY = Mood(regime_log=0.0, slow_sd=0.0, fast_sd=0.0, haste=1, shape=1, leaps=True, shock_log=math.log(6.0))
"""Volatility and activity that never change, and leaps of 6 bps in the median, against 1.4 bps a minute without."""

MOODS: dict[str, Mood] = {
    "market": Mood(),
    "unpredictable": STEADY._replace(sudden_s=600.0, herald_s=NEVER_S),
    "precursors": STEADY._replace(
        sudden_s=20_000.0, herald_s=380.0, herald_min_s=50, herald_true=0.95, decoys=0.5, lean=2.0
    ),
}
"""`market` is calibrated to a recording; the other two are known answers, which an evaluation is tested with."""


def mood(name: str) -> Mood:
    """The mood `name`. Raises BadInput, which lists the ones there are."""
    try:
        return MOODS[name]
    except KeyError:
        raise BadInput(f"the simulator has no mood {name}: choose among {', '.join(MOODS)}") from None
