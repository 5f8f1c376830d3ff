"""What the evidence says: precision over recall, and average precision beside its base rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from ui.charts.base import base, label
from ui.theme import palette, percent, prob

Role = Literal["forecast", "challenger", "baseline"]


@dataclass(frozen=True)
class Line:
    """One model's curve on the test split and its operating point (recall, precision; None where nothing alerts)."""

    title: str
    role: Role
    pr_auc: float
    base_rate: float
    recall: Sequence[float]
    precision: Sequence[float]
    point: tuple[float, float] | None
    theta: float
    champion: bool = False


def _name(line: Line) -> str:
    return f"{line.title} ★" if line.champion else line.title


def pr_curves(kind: str, lines: Sequence[Line], *, height: int = 460) -> go.Figure:
    """Precision (0 to 1) over recall (0 to 1): champion solid, baselines dotted, base rate a line, operating points exact.

    Names stand at the curves, at different recalls, so that no legend is needed.
    """
    c = palette(kind)
    f = base(kind, height, left=44, right=16, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False)
    square = {"range": [0, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1], "tickformat": ".2f", "showspikes": False, "fixedrange": True}
    f.update_xaxes(**square, title={"text": "recall: share of spikes caught", "font": {"size": 12, "color": c.muted}, "standoff": 6})
    f.update_yaxes(**square, side="left", title={"text": "precision: share of alerts that are right", "font": {"size": 12, "color": c.muted}, "standoff": 6})
    notes = []
    order = {"baseline": 0, "challenger": 1, "forecast": 2}
    drawn = sorted(lines, key=lambda line: order[line.role])  # the champion on top
    for n, line in enumerate(drawn):
        colour = getattr(c, line.role)
        f.add_scatter(
            x=list(line.recall), y=list(line.precision), mode="lines", name=_name(line),
            line={"color": colour, "width": 1.5, "dash": "dot" if line.role == "baseline" else "solid"},
            hovertemplate="recall %{x:.2f}, precision %{y:.2f}<extra>" + _name(line) + "</extra>",
        )  # fmt: skip
        if line.point is not None:
            f.add_scatter(
                x=[line.point[0]], y=[line.point[1]], mode="markers", name=f"{_name(line)} at θ",
                marker={"color": colour, "size": 9, "line": {"color": c.bg, "width": 1.5}},
                hovertemplate=f"{_name(line)} at θ {prob(line.theta)}<br>recall %{{x:.2f}}, precision %{{y:.2f}}<extra></extra>",
            )  # fmt: skip
        if line.recall:
            at = int((0.12 + 0.24 * n) * (len(line.recall) - 1)) if len(line.recall) > 2 else 0
            target = min(0.25 + 0.22 * n, 0.9)
            at = min(range(len(line.recall)), key=lambda i: abs(line.recall[i] - target)) if len(line.recall) > 2 else at
            notes.append(
                label(c, f"{_name(line)} {prob(line.pr_auc)}", x=line.recall[at], y=line.precision[at], xanchor="left", yanchor="bottom",
                      yshift=4, font={"size": 12, "color": colour})
            )  # fmt: skip
    if lines:
        rate = lines[0].base_rate
        f.add_hline(y=rate, line={"color": c.muted, "dash": "dot", "width": 1})
        notes.append(
            label(c, f"base rate {percent(rate)}: an alert at random", x=1, xanchor="right", y=rate, yanchor="bottom", bgcolor="rgba(0,0,0,0)")
        )
    f.layout.annotations = notes
    return f


def ap_dots(kind: str, lines: Sequence[Line], *, height: int | None = None) -> go.Figure:
    """Average precision of each model as a dot beside the base rate as a line; never a bar from zero."""
    c = palette(kind)
    f = base(kind, height or 72 + 36 * max(len(lines), 1), right=48, left=150, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False)
    best = max([line.pr_auc for line in lines], default=0.1)
    top = min(1.0, max(0.1, best * 1.25))
    for line in lines:
        f.add_scatter(
            x=[line.pr_auc], y=[_name(line)], mode="markers+text", marker={"color": getattr(c, line.role), "size": 9},
            text=[f"   {prob(line.pr_auc)}"], textposition="middle right", textfont={"color": c.text}, cliponaxis=False,
            hovertemplate=f"{_name(line)}<br>AP {line.pr_auc:.3f}<extra></extra>",
        )  # fmt: skip
    f.update_xaxes(
        range=[0, top], tickformat=".2f", nticks=5, showspikes=False, fixedrange=True,
        title={"text": "average precision on the test split", "font": {"size": 12, "color": c.muted}, "standoff": 6},
    )  # fmt: skip
    f.update_yaxes(side="left", showgrid=False, tickfont={"color": c.text}, fixedrange=True, range=[-0.6, len(lines) - 0.1])
    notes = []
    if lines:
        rate = lines[0].base_rate
        f.add_vline(x=rate, line={"color": c.muted, "dash": "dot", "width": 1})
        notes.append(
            label(c, f"base rate {prob(rate)}", x=rate, yref="paper", y=1, yanchor="top", xanchor="left" if rate < 0.6 * top else "right")
        )
    f.layout.annotations = notes
    return f


__all__ = ["Line", "Role", "ap_dots", "pr_curves"]
