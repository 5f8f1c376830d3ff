"""What a threshold would mean for the labelled rows: pure functions of rows and τ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features.dataset import ENOUGH_SPIKES, SPLITS, Labelled, shown
from core.features.labels import events
from ui.charts.base import Span, Times
from ui.frames import broken, gaps, spans
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
    spikes = {split: int((rows.volatility(split) >= tau_bps).sum()) for split in SPLITS}
    train = rows.rows[rows.rows["split"] == "train"]
    spike = train["forward_vol_bps"].to_numpy() >= tau_bps
    smallest = min(spikes, key=lambda split: spikes[split])
    enough = spikes[smallest] >= ENOUGH_SPIKES
    if enough:
        sentence = (
            f"Every split has spikes enough to be judged on; the fewest are {count(spikes[smallest])}, in {smallest}."
        )
    else:
        sentence = f"Too few spikes: {smallest} has {count(spikes[smallest])}. A score there would be noise. "
        sentence += _mend(rows, tau_bps)
    return Consequence(
        spikes,
        events(spike, train["bar_end_ns"].to_numpy(), rows.question.horizon_s),
        float(spike.mean()) if spike.size else 0.0,
        enough,
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
