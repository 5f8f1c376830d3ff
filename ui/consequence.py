"""What a threshold would mean for the labelled rows: pure functions of rows and τ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features.dataset import ENOUGH_EVENTS, ENOUGH_SPIKES, SPLITS, Labelled, shown
from core.features.labels import events
from ui.charts.base import Span, Times
from ui.frames import broken, gaps, spans
from ui.text import plural
from ui.theme import count
from ui.threshold_dial.bins import Bins, binned

HOUR_S = 3600


@dataclass(frozen=True)
class Consequence:
    """At one τ: spikes a split, events and base rate of the training part, and a sentence on the smallest split."""

    spikes: dict[str, int]
    events: int
    base_rate: float
    enough: bool
    sentence: str


def distribution_of(rows: Labelled) -> Bins:
    """Forward volatility of each split, binned for the dial. Raises NotEnough where nothing has moved."""
    return binned({split: rows.volatility(split) for split in SPLITS})


def at_tau(rows: Labelled, tau_bps: float) -> Consequence:
    """Count what is at or above `tau_bps`."""
    spikes, happened = {}, {}
    for split in SPLITS:
        part = rows.rows[rows.rows["split"] == split]
        spike = part["forward_vol_bps"].to_numpy() >= tau_bps
        spikes[split] = int(spike.sum())
        happened[split] = events(spike, part["bar_end_ns"].to_numpy(), rows.question.horizon_s)
    fewest = min(SPLITS, key=lambda split: spikes[split])
    rarest = min(SPLITS, key=lambda split: happened[split])
    if spikes[fewest] < ENOUGH_SPIKES:
        sentence = f"Too few spikes: {fewest} has {count(spikes[fewest])}. A score there would be noise. "
        sentence += _mend(rows, tau_bps)
    elif happened[rarest] < ENOUGH_EVENTS:
        sentence = (
            f"Spikes enough, but {rarest} has them in {plural(happened[rarest], 'event')}: a score there rests on "
            "what happened then. Capture more before trusting it."
        )
    else:
        least = plural(happened[rarest], "event")
        sentence = f"Every split has spikes and events enough; the fewest are {least}, in {rarest}."
    return Consequence(
        spikes,
        happened["train"],
        spikes["train"] / max(len(rows.volatility("train")), 1),
        spikes[fewest] >= ENOUGH_SPIKES and happened[rarest] >= ENOUGH_EVENTS,
        sentence,
    )


def _mend(rows: Labelled, tau_bps: float) -> str:
    tau = rows.mending_tau()
    if tau is None or tau >= tau_bps:
        return "Capture more, until the market has moved in each split."
    return f"Lower τ to {shown(tau)} or below."


def last_hour(rows: Labelled, tau_bps: float) -> tuple[Times, NDArray[np.float64], float, list[Span], list[Span]]:
    """The newest hour: times, forward volatility in bps (NaN at holes), τ, stretches at or above it, those without."""
    every = rows.rows["bar_end_ns"].to_numpy()
    at = every > every[-1] - HOUR_S * 1_000_000_000
    ns, volatility = every[at], rows.rows["forward_vol_bps"].to_numpy()[at]
    t, (line,) = broken(ns, volatility)
    return t, line, tau_bps, spans(ns, volatility >= tau_bps), gaps(ns)


__all__ = ["Consequence", "at_tau", "distribution_of", "last_hour"]
