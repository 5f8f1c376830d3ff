"""The live monitor's figure: price, trailing volatility with τ, and the forecast with θ, on one clock, UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.charts.base import Span, Times, bands, base, clock, corner, crosshair, hatch, hidden, iso, label, tag, utc_mark
from ui.charts.market import ROOM_S
from ui.theme import Palette, bps, palette, price, rgba, score

Values = NDArray[np.float64]
TOPS = (0.1, 0.2, 0.5, 1.0)
"""Where the axis of the probability may end: calibrated probabilities of rare spikes are small."""
TWO = {"y": (0.40, 1.0), "y2": (0.0, 0.33)}
THREE = {"y": (0.47, 1.0), "y5": (0.245, 0.425), "y2": (0.0, 0.20)}
"""Domains of the rows, bottom and top; the free lane below the price carries the word "spike"."""
LETTER = 7.0
"""Pixels that a letter of a name takes, about."""


def monitor(
    kind: str,
    t: Times,
    mid: Values,
    p: Values,
    *,
    spans: list[Span],
    gaps: list[Span],
    theta: float | None,
    horizon_s: int,
    p_now: float | None,
    current: bool = True,
    vol_bps: Values | None = None,
    tau_bps: Values | None = None,
    shadows: Mapping[str, Values] | None = None,
    doubted: Sequence[Span] = (),
    asked: str = "",
    height: int | None = None,
) -> go.Figure:
    """Mid with spike bands and hatched gaps, trailing volatility with τ, the forecast with θ: rows with one hover box.

    Parameters
    ----------
    t, mid, p, vol_bps, tau_bps, shadows : of one length; NaN where there is none and at gaps, which no line bridges.
        Without `vol_bps` there is no row for it. `tau_bps` may change from bar to bar. shadows: other models' forecasts
        by their titles
    doubted : where the forecast should not be trusted: a bar at the foot of its row
    asked : what p is the probability of, where that is not the spike of the next `horizon_s`
    p_now : tagged; None where there is no present forecast
    current : whether the last bar is: the price of a silent feed has a gap's colour
    """
    c = palette(kind)
    rows = TWO if vol_bps is None else THREE
    f = base(kind, height or (470 if vol_bps is None else 560))
    side = f.layout.yaxis.to_plotly_json()
    others = dict(shadows or {})
    top = _top(theta, p, *others.values())
    lines: dict[str, Any] = {
        "yaxis": side | crosshair(c) | {"domain": rows["y"], "anchor": "x", "tickformat": ",.2f", "nticks": 6},
        "yaxis2": side
        | {
            "domain": rows["y2"],
            "anchor": "x",
            "range": [0, top],
            "tickvals": [0, top / 2, top] if vol_bps is not None else [0, top / 4, top / 2, 3 * top / 4, top],
            "tickformat": ".2f" if top > 0.2 else ".3f",
            "fixedrange": True,
        },
        "yaxis3": hidden("y"),
        "yaxis4": hidden("y2"),
    }
    notes = [
        corner(c, "mid, USD"),
        corner(c, asked or f"P(spike in the next {horizon_s} s)", rows["y2"][1]),
        utc_mark(c),
    ]
    notes += hatch(f, c, gaps, ("y3", "y4"))
    if vol_bps is not None:
        lines |= {
            "yaxis5": side
            | {"domain": rows["y5"], "anchor": "x", "rangemode": "tozero", "nticks": 3, "fixedrange": True},
            "yaxis6": hidden("y5"),
        }  # fmt: skip
        notes.append(corner(c, f"volatility of the last {horizon_s} s, bps", rows["y5"][1]))
        hatch(f, c, gaps, ("y6",))
    f.update_layout(**lines, uirevision="live")
    f.update_xaxes(anchor="y2", **clock(t[0], t[-1], ROOM_S))
    shapes = bands(c, spans)
    lane = (rows["y"][0] + rows["y5" if vol_bps is not None else "y2"][1]) / 2
    notes += _words(c, t, [a for a, _ in spans], "spike", c.spike, "paper", lane)
    _line(f, t, mid, "mid", c.price, 1.4, "y", "%{y:,.2f}", shape="hv")
    if vol_bps is not None:
        _line(f, t, vol_bps, "volatility", c.vol, 1.2, "y5", "%{y:.2r} bps")
        if np.isfinite(vol_bps[-1]) and current:
            notes.append(tag(c, c.vol, bps(float(vol_bps[-1])), float(vol_bps[-1]), "y5"))
        if tau_bps is not None:
            notes += _tau(f, c, t, tau_bps, float(np.fmax.reduce(np.r_[vol_bps, tau_bps, 0.0])))
    for name, values in others.items():
        _line(f, t, values, name, c.baseline, 1.2, "y2", "%{y:.3f}", dash="dot")
    _line(f, t, p, "P", c.forecast, 1.5, "y2", "%{y:.3f}", fill="tozeroy", fillcolor=rgba(c.forecast, 0.10))
    notes += _names(c, t, others)
    if theta is not None:
        shapes.append(
            {
                "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y2", "y0": theta, "y1": theta,
                "line": {"color": c.theta, "width": 1.4, "dash": "dash"},
            }
        )  # fmt: skip
        notes.append(
            label(
                c, f"θ {score(theta)}", xref="paper", x=0, xanchor="left", yref="y2", y=theta,
                yanchor="top" if theta >= 0.7 * top else "bottom", font={"size": 12, "color": c.theta},
            )
        )  # fmt: skip
    bars, words = untrusted(c, t, doubted, "y2")
    shapes += bars
    notes += words
    if np.isfinite(mid[-1]):
        notes.append(tag(c, c.price if current else c.gap, price(float(mid[-1])), float(mid[-1])))
    if p_now is not None:
        notes.append(tag(c, c.forecast, score(p_now), p_now, "y2"))
    f.layout.annotations = notes
    f.layout.shapes = shapes
    return f


def untrusted(
    c: Palette, t: Times, doubted: Sequence[Span], row: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Bars at the foot of a row where its forecast should not be trusted, and the words above them."""
    bars = [
        {
            "type": "rect", "xref": "x", "x0": iso(a), "x1": iso(b), "yref": f"{row} domain", "y0": 0, "y1": 0.07,
            "fillcolor": c.text, "line": {"width": 0},
        }
        for a, b in doubted
    ]  # fmt: skip
    return bars, _words(c, t, [a for a, _ in doubted], "not trusted", c.text, f"{row} domain", 0.16)


def _top(theta: float | None, *lines: Values) -> float:
    known = np.concatenate([line[np.isfinite(line)] for line in lines])
    most = max(float(known.max()) if known.size else 0.0, theta or 0.0)
    return next(step for step in TOPS if step >= min(1.15 * most, 1.0))


def _line(
    f: go.Figure, t: Times, y: Values, name: str, colour: str, width: float, axis: str, hover: str, *,
    shape: str = "linear", dash: str = "solid", **more: Any,
) -> None:  # fmt: skip
    f.add_scatter(
        x=t,
        y=y,
        mode="lines",
        yaxis=axis,
        line={"color": colour, "width": width, "shape": shape, "dash": dash},
        name=name,
        connectgaps=False,
        hovertemplate=hover,
        **more,
    )


def _tau(f: go.Figure, c: Palette, t: Times, tau_bps: Values, highest: float) -> list[dict[str, Any]]:
    """Draw τ in the row of volatility, and give back its label; `highest` is the most that the row shows."""
    known = np.flatnonzero(np.isfinite(tau_bps))
    if not known.size:
        return []
    first, last = float(tau_bps[known[0]]), float(tau_bps[known[-1]])
    one = bool((tau_bps[known] == first).all())
    f.add_scatter(
        x=[iso(t[0]), iso(t[-1])] if one else t,
        y=[first, first] if one else tau_bps,
        mode="lines",
        yaxis="y5",
        line={"color": c.tau, "width": 2},
        name="τ",
        connectgaps=False,
        hoverinfo="skip" if one else None,
        hovertemplate=None if one else "%{y:.2r} bps",
    )
    return [
        label(
            c, f"τ {bps(last)}", xref="paper", x=1, xanchor="right", yref="y5", y=last,
            yanchor="top" if last >= 0.8 * highest else "bottom", font={"size": 12, "color": c.tau},
        )
    ]  # fmt: skip


def _words(
    c: Palette, t: Times, at: Sequence[np.datetime64], word: str, colour: str, yref: str, y: float
) -> list[dict[str, Any]]:
    """The word at each start; those that lie close share one."""
    found: list[dict[str, Any]] = []
    previous: np.datetime64 | None = None
    for a in at:
        if previous is None or a - previous > (t[-1] - t[0]) / 10:
            found.append(
                label(
                    c, word, xref="x", x=iso(a), xanchor="left", yref=yref, y=y, yanchor="middle",
                    font={"size": 12, "color": colour}, bgcolor="rgba(0,0,0,0)",
                )
            )  # fmt: skip
            previous = a
    return found


def _names(c: Palette, t: Times, shadows: Mapping[str, Values]) -> list[dict[str, Any]]:
    """The name of each shadow above the end of its line, side by side where there are several."""
    found, shift = [], 0.0
    for name, values in shadows.items():
        known = np.flatnonzero(np.isfinite(values))
        if known.size:
            found.append(
                label(
                    c, name, xref="x", x=iso(t[known[-1]]), xanchor="right", xshift=-shift, yref="y2",
                    y=float(values[known[-1]]), yanchor="bottom", font={"size": 12, "color": c.baseline},
                )
            )  # fmt: skip
            shift += LETTER * len(name) + 12
    return found


__all__ = ["monitor", "untrusted"]
