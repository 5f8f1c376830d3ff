"""The test part as a line of time: price, forecast, episodes, and what became of each alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.evaluation import timeline
from core.evaluation.evaluate import Seconds
from core.evaluation.record import Alerts, Evaluation
from core.evaluation.reports.plots import quiet, theta_tag
from core.evaluation.reports.sheet import FORECAST, INK, MUTED, PAPER, PRICE, SMALL, SPIKE, THETA
from core.evaluation.reports.words import duration, lead, plural, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

COLUMNS = 700
"""Pixel columns of a line, two points each."""


@dataclass(frozen=True)
class Story:
    """The test part's seconds, the shown model's forecasts on them, and what its alerts at one budget did."""

    seconds: Seconds
    mid: NDArray[np.float64]
    forecast: NDArray[np.float64]
    happened: timeline.Happened
    axis: timeline.Axis


def story(e: Evaluation, rows: pd.DataFrame, at: Alerts) -> Story | None:
    """What there is to draw from the kept rows; None where it is not what the evaluation counted."""
    name = lead(e).name
    test = rows[rows["split"] == "test"]
    if name not in test or test.empty:
        return None
    on = timeline.tested(e, rows)
    forecast = on.spread(test[name].to_numpy())
    did = timeline.happened(on, forecast, theta=at.theta, horizon_s=e.horizon_s, onset=at.onset)
    mid = on.spread(test["mid"].to_numpy())
    return Story(on, mid, forecast, did, timeline.axis(on.bar_end_ns)) if did.agrees(at) else None


def draw(price: Axes, marks: Axes, p: Axes, e: Evaluation, s: Story, at: Alerts) -> None:
    """Three rows on one clock: the price; in the lane between a mark for each alert or missed episode; the forecast."""
    t, end = s.seconds.bar_end_ns, float(s.axis.at_s[-1])
    for axes in (price, marks, p):
        quiet(axes)
        axes.set_xlim(0, end)
        axes.set_xticks([])
        for first, last in s.axis.place(s.happened.spans):
            axes.axvspan(first, max(last, first + end / 1500), color=SPIKE, alpha=0.17, lw=0)
        for first, last, _ in s.axis.gaps:
            axes.axvspan(first, last, facecolor="none", edgecolor=MUTED, alpha=0.35, hatch="////", lw=0)
    for axes, values, colour, title in (
        (price, s.mid, PRICE, "price (mid), USD"),
        (p, s.forecast, FORECAST, f"P(spike in the next {e.horizon_s} s), {lead(e).title}"),
    ):
        axes.plot(*timeline.line(s.axis, t, values, COLUMNS), color=colour, lw=0.8)
        axes.set_title(title, fontsize=SMALL, color=MUTED, loc="left", pad=4)
    price.yaxis.set_major_formatter(lambda value, _: f"{value:,.2f}")
    top = 1.1 * max(float(np.nanmax(s.forecast)), min(at.theta, 1.0))
    p.set_ylim(0, top)
    if at.theta <= top:
        theta_tag(p, at.theta)
    _clock(p, s.axis)
    _marks(marks, s.axis, s.happened)


def told(s: Story, at: Alerts) -> str:
    """The picture in a sentence."""
    t, gaps, undecided = s.seconds.bar_end_ns, s.axis.gaps, s.happened.open_ns.size
    parts = [f"{utc(int(t[0]))} to {utc(int(t[-1]))}"]
    if gaps:
        longest = duration(max(seconds for *_, seconds in gaps))
        parts.append(f"{plural(len(gaps), 'gap')} hatched and drawn short, the longest {longest}")
    sentence = (
        f"{', '.join(parts)}. {plural(at.alerts, 'alert')} in {at.hours:.1f} h: {at.caught} of "
        f"{plural(at.episodes, 'episode')} caught, {plural(at.alerts - at.right, 'false alert')}"
    )
    return sentence + (f"; {undecided} not decided, the session ended before." if undecided else ".")


def _marks(axes: Axes, axis: timeline.Axis, did: timeline.Happened) -> None:
    axes.grid(False)
    axes.set(ylim=(0, 3), yticks=[2.5, 1.5, 0.5])
    axes.set_yticklabels(["caught", "missed", "false"])
    for label, colour in zip(axes.get_yticklabels(), (FORECAST, SPIKE, INK)):
        label.set_color(colour)
    caught = did.caught
    for alert, start in zip(axis.place(did.catching_ns), axis.place(did.start_ns[caught])):
        axes.plot([alert, start], [2.5, 2.5], color=FORECAST, lw=1)
    many = did.start_ns.size + did.wrong_ns.size > 150
    style: dict[str, Any] = {"ls": "none", "ms": 2.5 if many else 4, "clip_on": False}
    forms: list[tuple[NDArray[np.int64], float, dict[str, Any]]] = [
        (did.catching_ns, 2.5, {"marker": "D", "color": FORECAST}),
        (did.start_ns[~caught], 1.5, {"marker": "o", "mfc": PAPER, "mec": SPIKE}),
        (did.wrong_ns, 0.5, {"marker": "x", "color": INK}),
        (did.open_ns, 0.5, {"marker": "D", "mfc": PAPER, "mec": THETA}),
    ]
    for ns, row, form in forms:
        axes.plot(axis.place(ns), np.full(ns.size, row), **style, **form)


def _clock(axes: Axes, axis: timeline.Axis) -> None:
    places, moments = timeline.round_moments(axis)
    texts, day = [], ""
    for ns in moments:
        date, clock = utc(int(ns)).split(" ")[:2]
        texts.append(clock[:5] if date == day else f"{clock[:5]}\n{date}")
        day = date
    axes.set_xticks(places, texts)
    axes.text(1.005, -0.03, "UTC", color=MUTED, fontsize=SMALL, va="top", transform=axes.transAxes)
