"""What a τ makes of the market, what the sampling interval does to volatility, and how τ came to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.charts.base import base, corner, hidden, iso, label, tag, utc_mark
from ui.evaluation_timeline import Series
from ui.theme import Palette, bps, count, duration, palette, rgba

Values = NDArray[np.float64]
LOG_TICKS = [m * 10**e for e in range(-3, 4) for m in (1, 2, 5)]


def spikes(
    kind: str,
    price: Series,
    volatility: Series,
    tau: float,
    bands: Sequence[tuple[float, float]],
    *,
    gaps: Sequence[tuple[float, float, float]],
    ticks: tuple[list[float], list[str]],
    end: float,
    unit: str = "bps",
    height: int = 300,
) -> go.Figure:
    """Mid above, what τ is set on (log axis) with τ below; bands where it reaches τ, gaps hatched.

    Places are observed seconds; `gaps` has from, to and the true length of each.
    """
    c = palette(kind)
    f = base(kind, height, left=20, bottom=40)
    side = f.layout.yaxis.to_plotly_json() | {"showspikes": False, "fixedrange": True}
    f.update_layout(
        hovermode="closest",
        dragmode=False,
        yaxis=side | {"domain": [0.45, 1], "anchor": "x", "tickformat": ",.2f", "nticks": 4},
        yaxis2=side
        | {
            "domain": [0, 0.39],
            "anchor": "x",
            "type": "log",
            "tickvals": LOG_TICKS,
            "autorangeoptions": {"include": [tau * 1.2]},
        },
        yaxis3=hidden("y"),
        yaxis4=hidden("y2"),
    )
    places, texts = ticks
    f.update_xaxes(anchor="y2", range=[0, end], tickvals=places, ticktext=texts, showspikes=False, fixedrange=True)
    wide = [(a, max(b, a + end / 500)) for a, b in bands]  # never narrower than a pixel or two
    for y in ("y3", "y4"):
        _filled(f, wide, y, fillcolor=rgba(c.spike, 0.17), name="spike")
        _filled(
            f, [(a, b) for a, b, _ in gaps], y, fillcolor=c.bg, name="gap",
            fillpattern={"shape": "/", "size": 7, "solidity": 0.16, "fgcolor": c.gap, "bgcolor": c.bg},
        )  # fmt: skip
    for s, name, colour, y, value in (
        (price, "mid", c.price, "y", "%{y:,.2f}"),
        (volatility, "volatility", c.vol, "y2", f"%{{y:.2r}} {unit}"),
    ):
        f.add_scatter(
            x=s.x, y=s.y, customdata=s.said, mode="lines", name=name, yaxis=y, connectgaps=False,
            line={"color": colour, "width": 1.3}, hovertemplate=f"{value}<br>%{{customdata}}<extra></extra>",
        )  # fmt: skip
    f.layout.shapes = [_across(tau, c)]
    f.layout.annotations = [
        corner(c, "mid, USD"), corner(c, unit, 0.39), utc_mark(c), *_gap_words(c, gaps, end),
        tag(c, c.tau, f"τ {bps(tau)}", float(np.log10(tau)), "y2"),
    ]  # fmt: skip
    return f


def _filled(f: go.Figure, spans: Sequence[tuple[float, float]], yaxis: str, **look: object) -> None:
    """All spans as one trace: a shape or a trace each would make a figure of a month too slow."""
    if spans:
        f.add_scatter(
            x=[x for a, b in spans for x in (a, b, b, a, None)], y=[0, 0, 1, 1, None] * len(spans), yaxis=yaxis,
            fill="toself", mode="none", hoverinfo="skip", **look,
        )  # fmt: skip


def _gap_words(c: Palette, gaps: Sequence[tuple[float, float, float]], end: float) -> list[dict[str, object]]:
    words: list[dict[str, object]] = []
    previous = -np.inf
    for a, b, seconds in gaps:
        if (a + b) / 2 - previous > 0.16 * end:
            previous = (a + b) / 2
            side = "left" if previous < 0.1 * end else "right" if previous > 0.9 * end else "center"
            words.append(
                label(c, f"gap {duration(seconds)}", x=previous, xanchor=side, yref="paper", y=1, yanchor="top",
                      font={"size": 12, "color": c.gap}, bgcolor=c.bg)
            )  # fmt: skip
    return words


def _across(tau: float, c: Palette) -> dict[str, object]:
    return {
        "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y2", "y0": tau, "y1": tau,
        "line": {"color": c.tau, "width": 1.6},
    }  # fmt: skip


def signature(
    kind: str, interval_s: Sequence[int], volatility_bps: Values, horizon_s: int, *, height: int = 210
) -> go.Figure:
    """Volatility of the horizon (bps) as returns of each sampling interval measure it: flat without noise."""
    c = palette(kind)
    f = base(kind, height, left=20, bottom=44)
    side = f.layout.yaxis.to_plotly_json()
    most = float(np.nanmax(volatility_bps, initial=0.0)) or 1.0  # the corner's label stands above the line
    f.update_layout(hovermode="closest", dragmode=False, yaxis=side | {"range": [0, 1.25 * most], "nticks": 5})
    f.update_xaxes(
        type="log", tickvals=[1, 2, 5, 10, 30, 60, 120, 300], fixedrange=True, showspikes=False,
        title={"text": "sampling interval, s", "standoff": 4, "font": {"color": c.muted}},
    )  # fmt: skip
    f.add_scatter(
        x=list(interval_s), y=volatility_bps, mode="lines+markers", line={"color": c.vol, "width": 1.2},
        marker={"size": 6, "color": c.vol}, name="volatility",
        hovertemplate="%{y:.3r} bps with returns of %{x} s<extra></extra>",
    )  # fmt: skip
    f.layout.annotations = [corner(c, f"bps a {horizon_s} s")]
    return f


def journey(
    kind: str, decided_ns: Sequence[int], taus: Sequence[float], said: Sequence[str], unit: str = "bps",
    *, height: int = 210,
) -> go.Figure:  # fmt: skip
    """The thresholds in the order they were decided: a step line, a dot a decision, the newest tagged."""
    c = palette(kind)
    f = base(kind, height, left=20, bottom=40)
    side = f.layout.yaxis.to_plotly_json()
    low, high = min(taus), max(taus)
    times = np.array(decided_ns, dtype="datetime64[ns]").astype("datetime64[ms]")
    pad = max((times[-1] - times[0]) // 20, np.timedelta64(5, "m"))
    f.update_layout(
        hovermode="closest",
        dragmode=False,
        yaxis=side
        | {"type": "log", "tickvals": LOG_TICKS, "range": [float(np.log10(low / 1.5)), float(np.log10(high * 1.5))]},
    )
    f.update_xaxes(
        type="date",
        nticks=5,
        range=[iso(times[0] - pad), iso(times[-1] + pad)],
        tickformat="%H:%M\n%-d %b",
        showspikes=False,
        fixedrange=True,
    )
    f.add_scatter(
        x=times, y=list(taus),
        mode="lines+markers", line={"color": c.tau, "width": 1.6, "shape": "hv"}, marker={"size": 8, "color": c.tau},
        customdata=list(said), name="τ", hovertemplate="%{customdata}<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    f.layout.annotations = [
        corner(c, f"τ, {unit}; {count(len(taus))} decided; UTC"),
        tag(c, c.tau, f"τ {bps(taus[-1])}", float(np.log10(taus[-1]))),
    ]  # fmt: skip
    return f


__all__ = ["journey", "signature", "spikes"]
