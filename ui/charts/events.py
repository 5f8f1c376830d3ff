"""Price and forecast of a test part on one line, with what one model's alerts did between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from ui.charts.base import base, corner, hidden, label
from ui.charts.evaluation import Role
from ui.evaluation_timeline import Series, Timeline
from ui.theme import Palette, duration, palette, rgba, score

LANES = ("false alert", "missed", "caught")
"""From below; a fourth, "undecided", lies under them where there is any."""
LEAD_ROOM = 0.11
"""Share of the width that the words of a lead need on a phone."""
SIGN = {"caught": "triangle-right", "missed": "circle-open", "false alert": "x-thin-open", "undecided": "square-open"}


def event_line(kind: str, line: Timeline, *, theta: float, role: Role, horizon_s: int, height: int = 500) -> go.Figure:
    """Mid with episodes as bands and gaps hatched; below it a lane each for caught, missed and false; below those P and
    θ.

    A mark's form and its lane's word say what it is; the lead stands beside a caught episode where there is room.
    """
    c = palette(kind)
    colour = getattr(c, role)
    lanes = (("undecided",) if line.undecided else ()) + LANES
    f = base(kind, height, left=20, right=88, bottom=40)
    side = f.layout.yaxis.to_plotly_json() | {"showspikes": False, "fixedrange": True}
    top = 1.1 * max(float(np.nanmax(line.p.y, initial=0.0)), theta if theta <= 1 else 0.0, 0.01)
    f.update_layout(
        hovermode="closest",
        dragmode=False,
        yaxis=side | {"domain": [0.46, 1], "anchor": "x", "tickformat": ",.2f", "nticks": 5},
        yaxis2=side | {"domain": [0, 0.20], "anchor": "x", "range": [0, top], "nticks": 3, "tickformat": ".2f"},
        yaxis3=side
        | {
            "domain": [0.25, 0.42],
            "anchor": "x",
            "range": [-0.6, len(lanes) - 0.4],
            "tickvals": list(range(len(lanes))),
            "ticktext": [f"{lane} {_number(line, lane)}" for lane in lanes],
            "tickfont": {"color": c.text, "size": 12},
        },
        yaxis4=hidden("y"),
        yaxis5=hidden("y2"),
    )
    places, texts = line.ticks
    f.update_xaxes(
        anchor="y2", range=[0, 1.015 * line.end], tickvals=places, ticktext=texts, showspikes=False, fixedrange=True
    )
    _line(f, line.price, "mid", c.price, 1.4, "y", "%{y:,.2f}")
    _line(f, line.p, "P", colour, 1.2, "y2", "P %{y:.3f}", fill=rgba(colour, 0.10))
    notes = [corner(c, "mid, USD"), corner(c, f"P(spike in the next {horizon_s} s)", 0.205), _utc(c)]
    notes += _hatch(f, c, line)
    notes += _marks(f, c, colour, line, lanes)
    shapes = [_band(c, a, b, line.end) for a, b in line.bands]
    if theta <= top:
        shapes.append(
            {
                "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y2", "y0": theta, "y1": theta,
                "line": {"color": c.theta, "width": 1.4, "dash": "dash"},
            }
        )  # fmt: skip
        notes.append(
            label(c, f"θ {score(theta)}", xref="paper", x=1, xanchor="right", yref="y2", y=theta,
                  yanchor="bottom" if theta < 0.6 * top else "top", font={"size": 12, "color": c.theta})
        )  # fmt: skip
    f.layout.shapes = shapes
    f.layout.annotations = notes
    return f


def _number(line: Timeline, lane: str) -> int:
    numbers = {
        "caught": len(line.caught), "missed": len(line.missed), "false alert": len(line.wrong),
        "undecided": len(line.undecided),
    }  # fmt: skip
    return numbers[lane]


def _line(
    f: go.Figure, s: Series, name: str, colour: str, width: float, axis: str, value: str, fill: str | None = None
) -> None:
    f.add_scatter(
        x=s.x, y=s.y, customdata=s.said, mode="lines", name=name, yaxis=axis, connectgaps=False,
        line={"color": colour, "width": width, "shape": "hv"}, fill="tozeroy" if fill else None, fillcolor=fill,
        hovertemplate=f"{value}<br>%{{customdata}}<extra></extra>",
    )  # fmt: skip


def _marks(
    f: go.Figure, c: Palette, colour: str, line: Timeline, lanes: tuple[str, ...]
) -> list[dict[str, Any]]:  # fmt: skip
    """One form a lane; of a caught episode the way from the alert to its start, and its lead where there is room."""
    notes = []
    at = lanes.index("caught")
    if line.caught:
        f.add_scatter(
            x=[x for a, s, _ in line.caught for x in (a, s, None)], y=[at, at, None] * len(line.caught), mode="lines",
            yaxis="y3", line={"color": colour, "width": 2}, hoverinfo="skip", name="lead",
        )  # fmt: skip
    starts = [start for _, start, _ in line.caught]
    for (_, start, lead), after in zip(line.caught, [*starts[1:], np.inf]):
        if after - start > LEAD_ROOM * line.end:
            last = start > (1 - LEAD_ROOM) * line.end
            notes.append(
                label(c, f"{lead:.0f} s", x=start, y=at, yref="y3", bgcolor="rgba(0,0,0,0)", xshift=-6 if last else 6,
                      xanchor="right" if last else "left", font={"size": 12, "color": colour})
            )  # fmt: skip
    drawn = {
        "caught": (
            [s for _, s, _ in line.caught],
            colour,
            [f"caught, {lead:.0f} s ahead" for _, _, lead in line.caught],
        ),
        "missed": (line.missed, c.spike, ["missed: no alert in the horizon before it"] * len(line.missed)),
        "false alert": (line.wrong, c.text, ["false: no episode starts in its horizon"] * len(line.wrong)),
        "undecided": (line.undecided, c.muted, ["undecided: its session ends first"] * len(line.undecided)),
    }
    for lane, (x, ink, said) in drawn.items():
        if x:
            f.add_scatter(
                x=x, y=[lanes.index(lane)] * len(x), mode="markers", yaxis="y3", name=lane, cliponaxis=False,
                marker={"symbol": SIGN[lane], "size": 9, "color": ink, "line": {"width": 1.8, "color": ink}},
                customdata=[f"{word}<br>{line.said[place]}" for word, place in zip(said, x)],
                hovertemplate="%{customdata}<extra></extra>",
            )  # fmt: skip
    return notes


def _hatch(f: go.Figure, c: Palette, line: Timeline) -> list[dict[str, Any]]:
    """Gaps, on all rows, with their true length; a label where its neighbour leaves room."""
    notes: list[dict[str, Any]] = []
    previous = -np.inf
    for a, b, seconds in line.gaps:
        for axis in ("y4", "y5"):
            f.add_scatter(
                x=[a, b, b, a], y=[0, 0, 1, 1], fill="toself", mode="none", yaxis=axis, hoverinfo="skip", name="gap",
                fillcolor=c.bg,
                fillpattern={"shape": "/", "size": 7, "solidity": 0.16, "fgcolor": c.gap, "bgcolor": c.bg},
            )  # fmt: skip
        middle = (a + b) / 2
        if middle - previous > 0.16 * line.end:
            notes.append(
                label(c, f"gap {duration(seconds)}", x=middle, yref="paper", y=1, yanchor="top",
                      xanchor="left" if middle < 0.1 * line.end else "right" if middle > 0.9 * line.end else "center",
                      font={"size": 12, "color": c.gap}, bgcolor=c.bg)
            )  # fmt: skip
            previous = middle
    return notes


def _band(c: Palette, a: float, b: float, end: float) -> dict[str, Any]:
    """An episode; never narrower than a pixel or two."""
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": a, "x1": max(b, a + end / 500), "y0": 0, "y1": 1,
        "fillcolor": rgba(c.spike, 0.17), "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _utc(c: Palette) -> dict[str, Any]:
    return label(c, "UTC", xref="paper", x=1, xanchor="left", yref="paper", y=0, yanchor="top", yshift=-4, xshift=12)


__all__ = ["event_line"]
