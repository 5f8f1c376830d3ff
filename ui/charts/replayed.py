"""A replay at one moment: mid, trailing volatility with τ, and the forecast with its alerts, on one clock, UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.live.alerts import Outcome
from ui.charts.base import Span, Times, bands, base, clock, corner, crosshair, hatch, hidden, iso, label, tag, utc_mark
from ui.charts.monitor import TOPS, untrusted
from ui.theme import MISSING, Palette, bps, palette, price, rgba, score

Values = NDArray[np.float64]
WINDOW_S = 900
"""Seconds of market behind the cursor that are drawn."""
ROOM_S = 40
WORDS = {"right": "caught", "false": "false", "unknown": "unknown", None: "open"}
"""What had become of an alert by the moment shown."""


@dataclass(frozen=True)
class Mark:
    """One alert on the figure: when, at which P, and what had become of it by the moment shown (None: still open)."""

    t: np.datetime64
    p: float
    outcome: Outcome | None


@dataclass(frozen=True)
class Lines:
    """Lines of one length with NaN at gaps: times, mid, trailing volatility, τ and P; and where P is not trusted."""

    t: Times
    mid: Values
    vol_bps: Values
    tau_bps: Values
    p: Values
    spikes: list[Span]
    gaps: list[Span]
    doubted: list[Span]


@dataclass(frozen=True)
class Moment:
    """The window behind the cursor (and what is sent ahead of a figure that plays), what came next where it was asked
    for, and the numbers of the cursor's bar, at_ns or t.

    p, vol_bps and tau_bps are None while they warm up; `doubt` says why p should not be trusted, None where it may be;
    `age` counts the session's bars behind it, of `need`; episodes are those in sight from the stretch's first bar up to
    this one.
    """

    at_ns: int
    t: np.datetime64
    seen: Lines
    next: Lines | None
    alerts: list[Mark]
    ghosts: list[Mark]
    mid: float
    p: float | None
    doubt: str | None
    vol_bps: float | None
    tau_bps: float | None
    age: int
    need: int
    episodes: int

    @property
    def start(self) -> np.datetime64:
        return self.t - np.timedelta64(WINDOW_S, "s")

    @property
    def warming(self) -> str | None:
        """How far the windows are, as the live monitor says it; None where they are full."""
        return f"warming up: {self.age} of {self.need} bars" if self.age < self.need else None


def replayed(
    kind: str, m: Moment, *, theta: float, ghost: float | None, horizon_s: int, room_s: int = ROOM_S, height: int = 480
) -> go.Figure:
    """Three rows on one clock. Alerts of θ are ◆, those of a `ghost` θ ◇, with a word once their outcome is known; what
    came next is drawn muted behind a line at the cursor. `room_s` is left free on the right."""
    c = palette(kind)
    f = base(kind, height)
    side = f.layout.yaxis.to_plotly_json()
    top, most_vol = _top(m, theta, ghost), _most_volatility(m)
    f.update_layout(
        yaxis=side | crosshair(c) | {"domain": [0.55, 1], "anchor": "x", "tickformat": ",.2f", "nticks": 6},
        yaxis2=side | {"domain": [0.30, 0.49], "anchor": "x", "range": [0, most_vol], "nticks": 4, "fixedrange": True},
        yaxis3=side
        | {
            "domain": [0, 0.24],
            "anchor": "x",
            "range": [0, top],
            "tickvals": [0, top / 2, top],  # few: the row is low
            "tickformat": ".2f" if top > 0.2 else ".3f",
            "fixedrange": True,
        },
        yaxis4=hidden("y"),
        yaxis5=hidden("y2"),
        yaxis6=hidden("y3"),
        uirevision="live",
    )
    f.update_xaxes(anchor="y3", **clock(m.start, m.t, room_s))
    notes = [
        corner(c, "mid, USD"),
        corner(c, f"volatility of the last {horizon_s} s, bps", 0.49),
        corner(c, f"P(spike in the next {horizon_s} s)", 0.24),
        utc_mark(c),
        *_words(c, m, horizon_s),
    ]
    bars, words = untrusted(c, np.array([m.start, m.t]), m.seen.doubted, "y3")
    notes += words
    shapes = bands(c, m.seen.spikes) + bars
    if m.next is not None:
        _next(f, c, m)
        shapes.append(_vertical(c, m))
        notes.append(label(c, "what came next", xref="x", x=iso(m.t), xanchor="left", yref="paper", y=1))
    notes += hatch(f, c, m.seen.gaps, ("y4", "y5", "y6"))
    _line(f, m.seen.t, m.seen.mid, "mid", c.price, hover="%{y:,.2f}", shape="hv", width=1.4)
    _line(f, m.seen.t, m.seen.tau_bps, "τ", c.tau, axis="y2", hover="%{y:.2r} bps", width=2)
    _line(f, m.seen.t, m.seen.vol_bps, "volatility", c.vol, axis="y2", hover="%{y:.2r} bps", width=1.2)
    _line(f, m.seen.t, m.seen.p, "P", c.forecast, axis="y3", hover="%{y:.3f}", width=1.5, fill=rgba(c.forecast, 0.10))
    if m.tau_bps is not None:
        place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "y2", "y": m.tau_bps, "yanchor": "top"}
        notes.append(label(c, f"τ {bps(m.tau_bps)}", font={"size": 12, "color": c.tau}, **place))
    for level, name in ((theta, "θ"), *([(ghost, "ghost θ")] if ghost is not None else [])):
        shapes.append(_level(c, level, "dash" if name == "θ" else "dot"))
        notes.append(
            label(
                c, f"{name} {score(level)}", xref="paper", x=0 if name == "θ" else 0.08, xanchor="left", yref="y3",
                y=level, yanchor="bottom" if level < 0.7 * top else "top", font={"size": 12, "color": c.theta},
            )
        )  # fmt: skip
    _marks(f, m.ghosts, "ghost alert", "diamond-open", c.theta)
    _marks(f, m.alerts, "alert", "diamond", c.spike)
    notes.append(tag(c, c.price, price(m.mid), m.mid) | {"name": "mid"})
    if m.vol_bps is not None:
        notes.append(tag(c, c.vol, bps(m.vol_bps), m.vol_bps, "y2") | {"name": "volatility"})
    if m.p is not None and m.doubt is None:
        notes.append(tag(c, c.forecast, score(m.p), m.p, "y3") | {"name": "p"})
    f.layout.annotations = notes
    f.layout.shapes = shapes
    return f


def reveal(m: Moment, *, play: str, speed: int, room_s: int = ROOM_S) -> dict[str, Any]:
    """What the browser needs to play `replayed(m)` on by itself: the moment, the pace, and the tags of each bar sent
    ahead. `play` names the anchor that it goes on from."""
    ahead = (m.seen.t >= m.t) & np.isfinite(m.seen.mid)

    def tagged(values: Values, written: Callable[[float | None], str]) -> dict[str, list[Any]]:
        y = [float(v) if np.isfinite(v) else None for v in values[ahead]]
        return {"y": y, "text": [None if v is None else written(v) for v in y]}

    p = tagged(m.seen.p, score)
    for a, b in m.seen.doubted:
        for i in np.flatnonzero((m.seen.t[ahead] > a) & (m.seen.t[ahead] <= b)):
            p["text"][i] = MISSING
    return {
        "id": play,
        "now": _ms(m.t),
        "speed": speed,
        "window": 1000 * WINDOW_S,
        "room": 1000 * room_s,
        "t": [_ms(t) for t in m.seen.t[ahead]],
        "tags": {
            "mid": tagged(m.seen.mid, price),
            "volatility": tagged(m.seen.vol_bps, bps),
            "p": p,
        },
    }


def _ms(t: np.datetime64) -> int:
    return int(t.astype("datetime64[ms]").astype(np.int64))


def _top(m: Moment, theta: float, ghost: float | None) -> float:
    known = m.seen.p[np.isfinite(m.seen.p) & (m.seen.t <= m.t)]
    most = max(float(known.max()) if known.size else 0.0, theta, ghost or 0.0)
    return next(step for step in TOPS if step >= min(1.15 * most, 1.0))


def _most_volatility(m: Moment) -> float:
    now = m.seen.t <= m.t  # what is sent ahead must not show by the scale
    values = np.concatenate([m.seen.vol_bps[now], m.seen.tau_bps[now]])
    known = values[np.isfinite(values)]
    return 1.4 * float(known.max()) if known.size else 1.0


def _line(f: go.Figure, x: Any, y: Any, name: str, colour: str, *, axis: str = "y", hover: str, width: float,
          shape: str = "linear", fill: str | None = None) -> None:  # fmt: skip
    filled = {} if fill is None else {"fill": "tozeroy", "fillcolor": fill}
    f.add_scatter(
        x=x,
        y=y,
        mode="lines",
        yaxis=axis,
        name=name,
        connectgaps=False,
        line={"color": colour, "width": width, "shape": shape},
        hovertemplate=hover,
        **filled,
    )


def _next(f: go.Figure, c: Palette, m: Moment) -> None:
    """The future, muted: it was not known at the cursor."""
    assert m.next is not None
    for axis, y in (("y", m.next.mid), ("y2", m.next.vol_bps), ("y3", m.next.p)):
        f.add_scatter(
            x=m.next.t,
            y=y,
            mode="lines",
            yaxis=axis,
            name="next",
            connectgaps=False,
            hoverinfo="skip",
            line={"color": c.baseline, "width": 1.1, "dash": "dot", "shape": "hv" if axis == "y" else "linear"},
        )
    f.add_scatter(
        x=m.next.t, y=m.next.tau_bps, mode="lines", yaxis="y2", name="τ next", hoverinfo="skip",
        line={"color": c.tau, "width": 1, "dash": "dot"},
    )  # fmt: skip


def _marks(f: go.Figure, marks: list[Mark], name: str, symbol: str, colour: str) -> None:
    if not marks:
        return
    f.add_scatter(
        x=[k.t for k in marks],
        y=[k.p for k in marks],
        mode="markers+text",
        yaxis="y3",
        name=name,
        marker={"symbol": symbol, "size": 10 if symbol == "diamond" else 13, "color": colour, "line": {"width": 1.4}},
        text=[WORDS[k.outcome] for k in marks],
        textposition="top center" if symbol == "diamond" else "bottom center",
        textfont={"size": 11, "color": colour},
        cliponaxis=False,
        hovertemplate="%{text}",
    )


def _words(c: Palette, m: Moment, horizon_s: int) -> list[dict[str, Any]]:
    """ "spike" in the free lane under the price, once for each: bands within the horizon of each other are one. Where
    another word stands within a minute there is no room for it."""
    found: list[dict[str, Any]] = []
    previous: np.datetime64 | None = None
    until: np.datetime64 | None = None
    for a, b in m.seen.spikes:
        apart = until is None or a - until >= np.timedelta64(horizon_s, "s")
        until = b
        if apart and (previous is None or a - previous >= np.timedelta64(60, "s")):
            found.append(
                label(
                    c, "spike", xref="x", x=iso(a), xanchor="left", yref="paper", y=0.52, yanchor="middle",
                    font={"size": 12, "color": c.spike}, bgcolor="rgba(0,0,0,0)",
                )
            )  # fmt: skip
            previous = a
    return found


def _level(c: Palette, level: float, dash: str) -> dict[str, Any]:
    line = {"color": c.theta, "width": 1.4, "dash": dash}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y3", "y0": level, "y1": level, "line": line}


def _vertical(c: Palette, m: Moment) -> dict[str, Any]:
    x, line = iso(m.t), {"color": c.muted, "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


__all__ = ["WINDOW_S", "WORDS", "Lines", "Mark", "Moment", "replayed", "reveal"]
