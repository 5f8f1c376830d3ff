"""The last hour of volatility against τ."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.charts.base import Span, Times, bands, base, clock, corner, hatch, hidden, tag, utc_mark
from ui.theme import bps, palette


def hour(
    kind: str,
    t: Times,
    volatility_bps: NDArray[np.float64],
    tau_bps: float,
    spans: list[Span],
    purged: list[Span],
    *,
    height: int = 190,
) -> go.Figure:
    """Forward volatility (bps, log axis) with τ, bands where it reaches τ, and stretches without rows hatched."""
    c = palette(kind)
    f = base(kind, height)
    f.update_xaxes(**clock(t[0], t[-1], 1))
    f.update_layout(yaxis3=hidden("y"))
    f.update_yaxes(
        selector={"overlaying": None},
        type="log",
        nticks=5,
        tickvals=[0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
    )
    drawn = np.where(volatility_bps > 0, volatility_bps, np.nan)  # a second without any move has no place on a log axis
    f.add_scatter(
        x=t,
        y=drawn,
        mode="lines",
        line={"color": c.vol, "width": 1.2},
        name="volatility",
        connectgaps=False,
        hovertemplate="%{y:.2r} bps",
    )
    line = {
        "type": "line",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "yref": "y",
        "y0": tau_bps,
        "y1": tau_bps,
        "line": {"color": c.tau, "width": 1.6},
    }
    f.layout.shapes = [*bands(c, spans), line]
    notes = [each | {"y": 0, "yanchor": "bottom"} for each in hatch(f, c, purged, ("y3",), "no rows")]
    f.layout.annotations = [
        *notes,
        corner(c, "bps"),
        utc_mark(c),
        tag(c, c.tau, f"τ {bps(tau_bps)}", float(np.log10(tau_bps))),
    ]
    return f


__all__ = ["hour"]
