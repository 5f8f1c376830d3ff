"""What a threshold would mean for the labelled rows: pure functions of rows and τ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import Settings
from core.evaluation.evidence import evidence, meter
from core.evaluation.record import Meter
from core.evaluation.timeline import Axis, axis
from core.features.bars import SECOND_NS
from core.features.dataset import ENOUGH_EVENTS, ENOUGH_SPIKES, SPLITS, Labelled, shown
from core.features.labelled import quantity, worded
from core.features.labels import events
from ui.evaluation_timeline import Series, series
from ui.text import plural
from ui.theme import count
from ui.threshold_dial.bins import Bins, binned

HOUR_S = 3600
ENOUGH = f"{ENOUGH_SPIKES} spikes and {ENOUGH_EVENTS} episodes"
MOST_TRIED = 40
"""Edges whose rounded value is tried before a mending τ is said to be none."""
PIXELS = 900
"""Of a figure's width: bands that are closer than one are drawn as one."""
STRETCHES = ("last hour", "busiest hour", "everything")


@dataclass(frozen=True)
class Part:
    """One split's rows in the order of time: what τ is set on, bar ends (ns) and sessions, shape (n,)."""

    asked: NDArray[np.float64]
    bar_end_ns: NDArray[np.int64]
    session: NDArray[np.int64]
    horizon_s: int

    def at(self, tau: float) -> tuple[int, int]:
        """Spikes and episodes at `tau`."""
        spike = self.asked >= tau
        return int(spike.sum()), events(spike, self.bar_end_ns, self.horizon_s)


@dataclass(frozen=True)
class Distribution:
    """What τ is set on, split by split, and its exact counts at the dial's edges."""

    parts: dict[str, Part]
    bins: Bins

    def at(self, tau: float) -> dict[str, tuple[int, int]]:
        """Spikes and episodes of each split at `tau`."""
        return {split: part.at(tau) for split, part in self.parts.items()}

    def meter(self, tau: float) -> Meter:
        """What stands behind each split at `tau`, also where training would refuse it, and whether that is enough."""
        return meter(
            [
                evidence(split, p.bar_end_ns, p.session, p.asked >= tau, horizon_s=p.horizon_s)
                for split, p in self.parts.items()
            ]
        )

    def quantile(self, q: float) -> float:
        """The `q` quantile of the training part."""
        return float(np.quantile(self.parts["train"].asked, q))

    def percentile(self, tau: float) -> float:
        """The share of the training part below `tau`, in per cent."""
        train = self.parts["train"].asked
        return 100 * float((train < tau).mean()) if train.size else 0.0


def distribution_of(rows: Labelled) -> Distribution:
    """What τ is set on, of each split, binned for the dial. Raises NotEnough where nothing has moved."""
    split, times = rows.rows["split"].to_numpy(), rows.rows["bar_end_ns"].to_numpy()
    asked, h = quantity(rows.rows, rows.relative), rows.question.horizon_s
    session = rows.rows["session"].to_numpy()
    parts = {name: Part(asked[at], times[at], session[at], h) for name in SPLITS for at in (split == name,)}
    return Distribution(parts, binned({name: (p.asked, p.bar_end_ns) for name, p in parts.items()}, h))


def resting(of: Distribution, settings: Settings, relative: bool) -> float:
    """Where the dial rests: the saved τ where it is in bps or `relative` as asked, else the settings' quantile, or the
    lowest value above 0 where most seconds did not move at all."""
    return (settings.tau_relative if relative else settings.tau_bps) or max(of.quantile(settings.quantile), of.bins.lo)


@dataclass(frozen=True)
class Warned:
    """Whether each split holds enough at one τ, and a sentence: what is short, and the nearest τ that mends it."""

    enough: bool
    sentence: str


def warned(of: Distribution, tau: float, relative: bool = False) -> Warned:
    """What stands against `tau`: fewer than 30 spikes or 5 episodes in a split."""
    held = of.at(tau)
    spikes, runs = ({split: n[i] for split, n in held.items()} for i in (0, 1))
    short = [split for split in held if spikes[split] < ENOUGH_SPIKES]
    rare = [split for split in held if runs[split] < ENOUGH_EVENTS and split not in short]
    if not short and not rare:
        rarest = min(held, key=lambda split: runs[split])
        return Warned(
            True,
            f"Every split has {ENOUGH} or more; the fewest episodes are {runs[rarest]:,}, in {rarest}.",
        )
    total, holding = sum(spikes.values()), [split for split in held if spikes[split]]
    if total == 0:
        said = "No second reaches this τ."
    elif len(holding) == 1:
        what = plural(total, "spike")
        said = f"The only spike falls into {holding[0]}." if total == 1 else f"All {what} fall into {holding[0]}."
    elif short:
        said = f"Too few spikes for a score: {', '.join(f'{count(spikes[s])} in {s}' for s in short)}."
    else:
        said = f"Spikes enough, but in few episodes: {', '.join(f'{count(runs[s])} in {s}' for s in rare)}."
    return Warned(False, f"{said} {_mend(of, tau, relative)}")


def _mend(of: Distribution, tau: float, relative: bool) -> str:
    """The nearest τ that gives every split enough; its three digits must work when they are typed in."""
    good = of.bins.enough()
    for k in good[np.argsort(np.abs(good - of.bins.nearest(tau)), kind="stable")][:MOST_TRIED]:
        text = shown(of.bins.edge(int(k)))
        if all(n >= ENOUGH_SPIKES and runs >= ENOUGH_EVENTS for n, runs in of.at(float(text)).values()):
            return f"The nearest τ that gives each split {ENOUGH}: {worded(of.bins.edge(int(k)), relative)}."
    return f"No τ gives each split {ENOUGH}: capture more, until the market has moved in each."


@dataclass(frozen=True)
class Backdrop:
    """One stretch of the rows on core's axis of observed seconds: what does not change with τ. Places are in s."""

    on: Axis
    bar_end_ns: NDArray[np.int64]
    asked: NDArray[np.float64]
    price: Series
    volatility: Series

    def bands(self, tau: float) -> list[tuple[float, float]]:
        """From and to of each run of spikes; runs that no pixel parts are drawn as one."""
        spike = self.asked >= tau
        if not spike.any():
            return []
        whole = np.diff(self.bar_end_ns) == SECOND_NS
        first = spike & ~np.r_[False, spike[:-1] & whole]
        last = spike & ~np.r_[spike[1:] & whole, False]
        begin = self.on.place(self.bar_end_ns[first]) - 1
        end = self.on.place(self.bar_end_ns[last])
        apart = begin[1:] - end[:-1] > self.on.at_s[-1] / PIXELS
        return list(zip(begin[np.r_[True, apart]].tolist(), end[np.r_[apart, True]].tolist()))


def backdrop(rows: Labelled, first_ns: int, last_ns: int) -> Backdrop:
    """The rows from one moment to another."""
    every = rows.rows["bar_end_ns"].to_numpy()
    at = slice(int(np.searchsorted(every, first_ns)), int(np.searchsorted(every, last_ns, "right")))
    ns, asked = every[at], quantity(rows.rows.iloc[at], rows.relative)
    on = axis(ns)
    moving = np.where(asked > 0, asked, np.nan)  # a second without any move has no place on a log axis
    return Backdrop(on, ns, asked, series(on, ns, rows.rows["mid"].to_numpy()[at]), series(on, ns, moving))


def stretch_of(rows: Labelled, tau: float, which: str) -> tuple[int, int]:
    """First and last moment, ns, of one of `STRETCHES`: the newest hour of rows, the one with most spikes, or all."""
    every = rows.rows["bar_end_ns"].to_numpy()
    ends, hour = int(every[-1]), HOUR_S * SECOND_NS
    if which == "everything":
        return int(every[0]), ends
    if which == "busiest hour":
        spikes = np.cumsum(rows.spikes(tau))
        before = np.searchsorted(every, every - hour, "right")
        held = spikes - np.r_[0, spikes][before]
        ends = int(every[np.argmax(held)])
    return ends - hour + 1, ends


__all__ = [
    "STRETCHES", "Backdrop", "Distribution", "Part", "Warned", "backdrop", "distribution_of", "resting", "stretch_of",
    "warned",
]  # fmt: skip
