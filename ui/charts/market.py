"""Price, spread, tick counts and forecasts on one clock, UTC."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.charts.base import Span, Times, bands, base, clock, corner, crosshair, hatch, hidden, iso, label, tag, utc_mark
from ui.theme import bps, count, palette, price, rgba, score

Values = NDArray[np.float64]
ROOM_S = 40
"""Empty time on the right of a live figure."""


TOPS = (0.1, 0.2, 0.5, 1.0)
"""Where the axis of the probability may end: calibrated probabilities of rare spikes are small."""


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
    height: int = 470,
) -> go.Figure:
    """Mid with spike bands and hatched gaps; below it the forecast and θ. Two rows on one clock, one hover box.

    `p` has NaN where there is no forecast; both lines have NaN at gaps and are not bridged. `p_now` is tagged,
    None where there is no present forecast. Where the last bar is not `current` (a silent feed), its price has a gap's
    colour.
    """
    c = palette(kind)
    f = base(kind, height)
    side = f.layout.yaxis.to_plotly_json()
    known = p[np.isfinite(p)]
    most = max(float(known.max()) if known.size else 0.0, theta or 0.0)
    top = next(step for step in TOPS if step >= min(1.15 * most, 1.0))
    f.update_layout(
        yaxis=side | crosshair(c) | {"domain": [0.40, 1], "anchor": "x", "tickformat": ",.2f", "nticks": 6},
        yaxis2=side
        | {
            "domain": [0, 0.33],
            "anchor": "x",
            "range": [0, top],
            "tickvals": [0, top / 4, top / 2, 3 * top / 4, top],
            "tickformat": ".2f" if top > 0.2 else ".3f",
            "fixedrange": True,
        },
        yaxis3=hidden("y"),
        yaxis4=hidden("y2"),
        uirevision="live",
    )
    f.update_xaxes(anchor="y2", **clock(t[0], t[-1], ROOM_S))
    notes = [corner(c, "mid, USD"), corner(c, f"P(spike in the next {horizon_s} s)", 0.33), utc_mark(c)]
    shapes = bands(c, spans)
    # the free lane between the rows carries the word; bands that lie close share one
    previous: np.datetime64 | None = None
    for a, _ in spans:
        if previous is None or a - previous > (t[-1] - t[0]) / 10:
            notes.append(
                label(
                    c,
                    "spike",
                    xref="x",
                    x=iso(a),
                    xanchor="left",
                    yref="paper",
                    y=0.365,
                    yanchor="middle",
                    font={"size": 12, "color": c.spike},
                    bgcolor="rgba(0,0,0,0)",
                )
            )
            previous = a
    if theta is not None:
        shapes.append(
            {
                "type": "line",
                "xref": "x domain",
                "x0": 0,
                "x1": 1,
                "yref": "y2",
                "y0": theta,
                "y1": theta,
                "line": {"color": c.theta, "width": 1.4, "dash": "dash"},
            }
        )
        notes.append(
            label(
                c,
                f"θ {score(theta)}",
                xref="paper",
                x=0,
                xanchor="left",
                yref="y2",
                y=theta,
                yanchor="bottom" if theta < 0.7 * top else "top",
                font={"size": 12, "color": c.theta},
            )
        )
    notes += hatch(f, c, gaps, ("y3", "y4"))
    f.add_scatter(
        x=t,
        y=mid,
        mode="lines",
        line={"color": c.price, "width": 1.4, "shape": "hv"},
        name="mid",
        connectgaps=False,
        hovertemplate="%{y:,.2f}",
    )
    f.add_scatter(
        x=t,
        y=p,
        mode="lines",
        yaxis="y2",
        line={"color": c.forecast, "width": 1.5},
        name="P",
        connectgaps=False,
        hovertemplate="%{y:.3f}",
        fill="tozeroy",
        fillcolor=rgba(c.forecast, 0.10),
    )
    if np.isfinite(mid[-1]):
        notes.append(tag(c, c.price if current else c.gap, price(float(mid[-1])), float(mid[-1])))
    if p_now is not None:
        notes.append(tag(c, c.forecast, score(p_now), p_now, "y2"))
    f.layout.annotations = notes
    f.layout.shapes = shapes
    return f


def market_now(
    kind: str,
    t: Times,
    mid: Values,
    *,
    spans: list[Span],
    gaps: list[Span],
    current: bool = True,
    height: int = 230,
) -> go.Figure:
    """The last minutes of mid with spike bands and gaps; `current` as for `monitor`."""
    c = palette(kind)
    f = base(kind, height)
    f.update_layout(yaxis=crosshair(c) | {"tickformat": ",.2f", "nticks": 5}, yaxis3=hidden("y"), uirevision="live")
    f.update_xaxes(**clock(t[0], t[-1], ROOM_S))
    notes = [corner(c, "mid, USD"), utc_mark(c), *hatch(f, c, gaps, ("y3",))]
    f.add_scatter(
        x=t,
        y=mid,
        mode="lines",
        line={"color": c.price, "width": 1.4, "shape": "hv"},
        name="mid",
        connectgaps=False,
        hovertemplate="%{y:,.2f}",
    )
    if np.isfinite(mid[-1]):
        notes.append(tag(c, c.price if current else c.gap, price(float(mid[-1])), float(mid[-1])))
    f.layout.annotations = notes
    f.layout.shapes = bands(c, spans)
    return f


def mid_and_spread(
    kind: str,
    t: Times,
    mid: Values,
    spread_bps: Values,
    *,
    gaps: list[Span],
    current: bool = True,
    height: int = 320,
) -> go.Figure:
    """Mid above, spread in bps below, on one clock; `current` as for `monitor`."""
    c = palette(kind)
    f = base(kind, height)
    side = f.layout.yaxis.to_plotly_json()
    f.update_layout(
        yaxis=side | crosshair(c) | {"domain": [0.36, 1], "anchor": "x", "tickformat": ",.2f", "nticks": 5},
        yaxis2=side | {"domain": [0, 0.28], "anchor": "x", "rangemode": "tozero", "nticks": 4},
        yaxis3=hidden("y"),
        yaxis4=hidden("y2"),
        uirevision="live",
    )
    f.update_xaxes(anchor="y2", **clock(t[0], t[-1], ROOM_S))
    notes = [corner(c, "mid, USD"), corner(c, "spread, bps", 0.28), utc_mark(c), *hatch(f, c, gaps, ("y3", "y4"))]
    f.add_scatter(
        x=t,
        y=mid,
        mode="lines",
        line={"color": c.price, "width": 1.4, "shape": "hv"},
        name="mid",
        connectgaps=False,
        hovertemplate="%{y:,.2f}",
    )
    f.add_scatter(
        x=t,
        y=spread_bps,
        mode="lines",
        yaxis="y2",
        line={"color": c.muted, "width": 1.2},
        name="spread",
        connectgaps=False,
        hovertemplate="%{y:.2r} bps",
    )
    if np.isfinite(mid[-1]):
        notes.append(tag(c, c.price if current else c.gap, price(float(mid[-1])), float(mid[-1])))
    if np.isfinite(spread_bps[-1]):
        notes.append(tag(c, c.muted, bps(float(spread_bps[-1])), float(spread_bps[-1]), "y2"))
    f.layout.annotations = notes
    return f


def ticks_per_minute(kind: str, t: Times, ticks: NDArray[np.int64], *, height: int = 170) -> go.Figure:
    """Stored ticks of each minute; a minute without any is an empty place, not a low bar."""
    c = palette(kind)
    f = base(kind, height)
    f.update_layout(yaxis={"rangemode": "tozero", "nticks": 4, "tickformat": ",d"}, bargap=0.15, uirevision="live")
    f.update_xaxes(**clock(t[0], t[-1], 60))
    f.add_bar(
        x=t,
        y=ticks,
        marker={"color": rgba(c.vol, 0.5), "line": {"width": 0}},
        name="ticks",
        hovertemplate="%{y:,d} ticks<extra></extra>",
    )
    # the newest minute is not over: the tag is of the one before
    whole = [tag(c, c.vol, count(int(ticks[-2])), float(ticks[-2]))] if ticks.size > 1 else []
    f.layout.annotations = [corner(c, "ticks a minute"), utc_mark(c), *whole]
    return f


__all__ = ["market_now", "mid_and_spread", "monitor", "ticks_per_minute"]
