"""What the figure of alerts draws of one stretch of a test part, placed on core's axis of observed seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.timeline import Axis, Happened, axis, line, round_moments
from core.features.bars import SECOND_NS
from ui.theme import utc

Values = NDArray[np.float64]
Ns = NDArray[np.int64]

COLUMNS = 480
"""Pixel columns of a line, two points each: price and forecast together stay below 2,000 points."""
DAY_NS = 86400 * SECOND_NS


@dataclass(frozen=True)
class Series:
    """One line: places, values, and the moments as text for the pointer."""

    x: Values
    y: Values
    said: list[str]


@dataclass(frozen=True)
class Timeline:
    """What one stretch of the test part looks like and what one model's alerts did in it; all places in s on its axis.

    gaps : from, to and their true length, s
    caught : of each: place of the alert, of the episode's start, and the lead, s
    """

    end: float
    ticks: tuple[list[float], list[str]]
    gaps: list[tuple[float, float, float]]
    bands: list[tuple[float, float]]
    price: Series
    p: Series
    caught: list[tuple[float, float, float]]
    missed: list[float]
    wrong: list[float]
    undecided: list[float]
    said: dict[float, str]
    """When, for each place of a mark."""


def timeline(
    bar_end_ns: Ns, mid: Values, p: Values, did: Happened, window_ns: tuple[int, int] | None = None
) -> Timeline | None:
    """Place everything between the two moments of `window_ns` (all where None); None where no price is known there."""
    first, last = window_ns or (int(bar_end_ns[0]), int(bar_end_ns[-1]))
    inside = (bar_end_ns >= first) & (bar_end_ns <= last) & np.isfinite(mid)
    if inside.sum() < 2:
        return None
    t, mid, p = bar_end_ns[inside], mid[inside], p[inside]
    on = axis(t)

    def within(ns: Ns) -> NDArray[np.bool_]:
        return (ns >= first) & (ns <= last)

    hits = within(did.start_ns[did.caught])
    alert_ns, caught_ns, lead_s = did.catching_ns[hits], did.start_ns[did.caught][hits], did.lead_s[did.caught][hits]
    missed, wrong, undecided = (ns[within(ns)] for ns in (did.start_ns[~did.caught], did.wrong_ns, did.open_ns))
    shown = did.spans[(did.spans[:, 1] >= first) & (did.spans[:, 0] <= last)]
    bands = [(float(a), float(max(b, a + 1))) for a, b in on.place(shown)]
    marks = np.concatenate([caught_ns, missed, wrong, undecided])
    return Timeline(
        end=float(on.at_s[-1]), ticks=ticks(on), gaps=on.gaps, bands=bands,
        price=series(on, t, mid), p=series(on, t, p),
        caught=list(zip(on.place(alert_ns).tolist(), on.place(caught_ns).tolist(), lead_s.tolist())),
        missed=on.place(missed).tolist(), wrong=on.place(wrong).tolist(), undecided=on.place(undecided).tolist(),
        said=dict(zip(on.place(marks).tolist(), _clock(marks))),
    )  # fmt: skip


def series(on: Axis, t: Ns, values: Values) -> Series:
    """A line of `values` at bar ends `t` (ns), thinned for a figure: lowest and highest of each pixel column."""
    x, y = line(on, t, values, COLUMNS)
    ns = np.interp(x, on.at_s, on.at_ns) / SECOND_NS
    return Series(x, y, _clock(np.rint(ns).astype(np.int64) * SECOND_NS))


def ticks(on: Axis) -> tuple[list[float], list[str]]:
    """Places and texts of round moments; the first of each day has its date below."""
    places, moments = round_moments(on)
    texts = []
    day = -1
    for ns in moments.tolist():
        date = f"<br>{' '.join(utc(ns, 1).split()[:2])}" if ns // DAY_NS != day else ""
        texts.append(utc(ns, zone=False)[:5] + date)
        day = ns // DAY_NS
    return places.tolist(), texts


def _clock(ns: Ns) -> list[str]:
    text = np.datetime_as_string(ns.astype("datetime64[ns]"), unit="s")
    return [f"{t[:10]} {t[11:]} UTC" for t in text]


__all__ = ["Series", "Timeline", "series", "ticks", "timeline"]
