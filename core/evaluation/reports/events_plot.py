"""The test part as a line of time: price, forecast, episodes, and what became of each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.evaluation import timeline
from core.evaluation.record import Alerts, Evaluation
from core.evaluation.reports.plots import quiet, theta_tag
from core.evaluation.reports.sheet import FORECAST, INK, MUTED, PAPER, PRICE, SMALL, SPIKE, THETA
from core.evaluation.reports.words import duration, lead, plural, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

COLUMNS = 700
"""Pixel columns of a line, two points each."""


def events(price: Axes, marks: Axes, p: Axes, e: Evaluation, rows: pd.DataFrame, at: Alerts) -> str:
    """Draw three rows on one clock, the shown model's alerts at one budget; a sentence that says what is drawn.

    price : its axes; marks : those of the lane between, which has one mark an alert or missed episode; p : the
        forecast's
    rows : as `archive.load_rows` gives them
    """
    model = lead(e)
    on = timeline.tested(e, rows)
    test = rows[rows["split"] == "test"]
    forecast = on.spread(test[model.name].to_numpy())
    did = timeline.happened(
        on, forecast, theta=at.theta, tau_bps=e.tau_bps, horizon_s=e.horizon_s, onset=at.onset
    )  # fmt: skip
    axis = timeline.axis(on.bar_end_ns)
    end = float(axis.at_s[-1])
    for axes in (price, marks, p):
        quiet(axes)
        axes.set_xlim(0, end)
        axes.set_xticks([])
        for first, last in axis.place(did.spans):
            axes.axvspan(first, max(last, first + end / 1500), color=SPIKE, alpha=0.17, lw=0)
        for first, last, _ in axis.gaps:
            axes.axvspan(first, last, facecolor="none", edgecolor=MUTED, alpha=0.35, hatch="////", lw=0)
    _line(price, axis, on.bar_end_ns, on.spread(test["mid"].to_numpy()), PRICE)
    price.yaxis.set_major_formatter(lambda value, _: f"{value:,.2f}")
    price.set_title("price (mid), USD", fontsize=SMALL, color=MUTED, loc="left", pad=4)
    _line(p, axis, on.bar_end_ns, forecast, FORECAST)
    known = forecast[np.isfinite(forecast)]
    top = 1.1 * max(float(known.max()), min(at.theta, 1.0))
    p.set_ylim(0, top)
    if at.theta <= top:
        theta_tag(p, at.theta)
    p.set_title(f"P(spike in the next {e.horizon_s} s), {model.title}", fontsize=SMALL, color=MUTED, loc="left", pad=4)
    _clock(p, axis)
    _marks(marks, axis, did)
    if not did.agrees(at):
        return "The alert rule was another when this was evaluated: marks and counts differ; evaluate again."
    gaps = len(axis.gaps)
    longest = f", {plural(gaps, 'gap')} hatched and drawn short, the longest {duration(max(s for *_, s in axis.gaps))}"
    return (
        f"{utc(int(on.bar_end_ns[0]))} to {utc(int(on.bar_end_ns[-1]))}{longest if gaps else ''}. At θ "
        f"{plural(at.alerts, 'alert')} in {at.hours:.1f} h: {at.caught} of {plural(at.episodes, 'episode')} caught, "
        f"{plural(at.alerts - at.right, 'false alert')}"
        f"{f', {did.open_ns.size} not decided (the session ended within the horizon)' if did.open_ns.size else ''}."
    )


def _line(axes: Axes, axis: timeline.Axis, t: NDArray[np.int64], values: NDArray[np.float64], colour: str) -> None:
    x, y = timeline.line(axis, t, values, COLUMNS)
    axes.plot(x, y, color=colour, lw=0.8)


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
    style = {"ls": "none", "ms": 2.5 if many else 4, "clip_on": False}
    axes.plot(axis.place(did.catching_ns), np.full(int(caught.sum()), 2.5), "D", color=FORECAST, **style)
    axes.plot(axis.place(did.start_ns[~caught]), np.full(int((~caught).sum()), 1.5), "o", mfc=PAPER, mec=SPIKE, **style)
    axes.plot(axis.place(did.wrong_ns), np.full(did.wrong_ns.size, 0.5), "x", color=INK, **style)
    axes.plot(axis.place(did.open_ns), np.full(did.open_ns.size, 0.5), "D", mfc=PAPER, mec=THETA, **style)


def _clock(axes: Axes, axis: timeline.Axis) -> None:
    places, moments = timeline.round_moments(axis)
    texts, day = [], ""
    for ns in moments:
        date, clock = utc(int(ns)).split(" ")[:2]
        texts.append(clock[:5] if date == day else f"{clock[:5]}\n{date}")
        day = date
    axes.set_xticks(places, texts)
    axes.text(1.005, -0.03, "UTC", color=MUTED, fontsize=SMALL, va="top", transform=axes.transAxes)
