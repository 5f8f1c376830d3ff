"""Whether a probability means what it says, and whether a score holds in each session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.evaluation.record import Bin
from ui.charts.base import base, label
from ui.charts.evaluation import Role
from ui.theme import count, palette, prob


def reliability(kind: str, bins: Sequence[Bin], role: Role, *, height: int = 380) -> go.Figure:
    """Share of spikes over forecast probability, each bin with its 95 % interval, and the diagonal of a forecast that
    means what it says."""
    c = palette(kind)
    f = base(kind, height, left=44, right=16, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False)
    top = min(1.0, max(0.02, 1.06 * max([max(b.p, b.high) for b in bins], default=1.0)))
    axis = {"range": [0, top], "nticks": 6, "showspikes": False, "fixedrange": True, "tickformat": ".2~f"}
    muted = {"size": 12, "color": c.muted}
    f.update_xaxes(**axis, title={"text": "forecast: mean P of the bin", "font": muted, "standoff": 6})
    f.update_yaxes(
        **axis, side="left", title={"text": "what came: share of spikes", "font": muted, "standoff": 6}
    )  # fmt: skip
    f.add_scatter(
        x=[0, top], y=[0, top], mode="lines", line={"color": c.muted, "width": 1, "dash": "dot"}, hoverinfo="skip",
        name="diagonal",
    )  # fmt: skip
    colour = getattr(c, role)
    f.add_scatter(
        x=[b.p for b in bins],
        y=[b.share for b in bins],
        mode="markers+lines",
        name="bins",
        line={"color": colour, "width": 1},
        marker={"color": colour, "size": 8},
        error_y={
            "type": "data", "symmetric": False, "array": [b.high - b.share for b in bins],
            "arrayminus": [b.share - b.low for b in bins], "color": colour, "thickness": 1.2, "width": 3,
        },
        customdata=[f"{count(b.rows)} rows, {prob(b.low)} to {prob(b.high)}" for b in bins],
        hovertemplate="P %{x:.3f}, spikes %{y:.3f}<br>%{customdata}<extra></extra>",
    )  # fmt: skip
    f.layout.annotations = [
        label(c, "means what it says", x=0.97 * top, y=0.97 * top, xanchor="right", yanchor="bottom", textangle=0),
        label(c, "above: too low a forecast", xref="paper", x=0.02, xanchor="left", yref="paper", y=1, yanchor="top"),
        label(c, "below: too high", xref="paper", x=1, xanchor="right", yref="paper", y=0.02, yanchor="bottom"),
    ]
    return f


@dataclass(frozen=True)
class Lifts:
    """One model's lift in each session, None where a session has one class only."""

    title: str
    role: Role
    lifts: Sequence[float | None]


def lift_dots(
    kind: str, names: Sequence[str], about: Sequence[str], lines: Sequence[Lifts], *, height: int = 250
) -> go.Figure:
    """Lift of each model in each session, in the order of time, with the line of no skill at 1.

    names : short, below the axis; about : what the pointer says of each session
    """
    c = palette(kind)
    f = base(kind, height, left=36, right=16, bottom=30, top=26)
    f.update_layout(hovermode="closest", dragmode=False)
    form = {"forecast": "circle", "challenger": "diamond", "baseline": "circle-open"}
    highest = max([v for line in lines for v in line.lifts if v is not None], default=1.0)
    for line in lines:
        colour = getattr(c, line.role)
        f.add_scatter(
            x=list(range(len(names))), y=list(line.lifts), mode="markers", name=line.title, cliponaxis=False,
            marker={"color": colour, "size": 9, "symbol": form[line.role], "line": {"color": colour, "width": 1.6}},
            customdata=list(about), hovertemplate=f"{line.title}: lift %{{y:.2f}}<br>%{{customdata}}<extra></extra>",
        )  # fmt: skip
    step = max(1, -(-len(names) // 7))
    f.update_xaxes(
        range=[-0.6, len(names) - 0.4], tickvals=list(range(0, len(names), step)), ticktext=list(names[::step]),
        showspikes=False, showgrid=False, fixedrange=True,
    )  # fmt: skip
    f.update_yaxes(side="left", range=[0, 1.15 * max(highest, 1.2)], nticks=5, fixedrange=True, showspikes=False)
    f.add_hline(y=1, line={"color": c.muted, "dash": "dot", "width": 1})
    sign = {"forecast": "●", "challenger": "◆", "baseline": "○"}
    keys = "   ".join(f"<span style='color:{getattr(c, n.role)}'>{sign[n.role]} {n.title}</span>" for n in lines)
    f.layout.annotations = [
        label(
            c, f"lift   {keys}", xref="paper", x=0, xanchor="left", yref="paper", y=1, yanchor="bottom", bgcolor=c.bg
        ),
        label(c, "1: no skill", xref="paper", x=1, xanchor="right", y=1, yanchor="bottom"),
    ]
    return f


__all__ = ["Lifts", "lift_dots", "reliability"]
