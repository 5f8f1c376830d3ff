"""Price, spread and tick counts on one clock, UTC."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.charts.base import Span, Times, bands, base, clock, corner, crosshair, hatch, hidden, tag, utc_mark
from ui.theme import bps, count, palette, price, rgba

Values = NDArray[np.float64]
ROOM_S = 40
"""Empty time on the right of a live figure."""


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


__all__ = ["market_now", "mid_and_spread", "ticks_per_minute"]
