"""What the evidence says: precision over recall, and average precision beside its base rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from ui.charts.base import base, label
from ui.theme import palette, percent, rgba, score

Role = Literal["forecast", "challenger", "baseline"]


@dataclass(frozen=True)
class Line:
    """One model's curve on the test split and its operating point (recall, precision; None where nothing alerts).

    low, high : 95 % interval of the average precision, None where it has none
    band : recall, and the lowest and highest precision there, of the curve's 95 % band; () where it has none
    """

    title: str
    role: Role
    pr_auc: float
    base_rate: float
    recall: Sequence[float]
    precision: Sequence[float]
    point: tuple[float, float] | None
    theta: float
    champion: bool = False
    low: float | None = None
    high: float | None = None
    band: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None


def _name(line: Line) -> str:
    return f"{line.title} ★" if line.champion else line.title


def pr_curves(kind: str, lines: Sequence[Line], *, height: int = 460) -> go.Figure:
    """Precision over recall, both 0 to 1: champion solid, baselines dotted, base rate a line, operating points exact.

    Names stand at the curves, at different recalls, so that no legend is needed. A band lies below all curves.
    """
    c = palette(kind)
    f = base(kind, height, left=44, right=16, bottom=42, top=22)
    f.update_layout(hovermode="closest", dragmode=False)
    square = {
        "range": [0, 1.02],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "tickformat": ".2f",
        "showspikes": False,
        "fixedrange": True,
    }
    f.update_xaxes(
        **square,
        title={"text": "recall: share of spikes caught", "font": {"size": 12, "color": c.muted}, "standoff": 6},
    )
    f.update_yaxes(
        **square | {"range": [0, 1.08]},  # room for a name above a curve that begins at 1
        side="left",
        title={
            "text": "precision: share of alerts that are right",
            "font": {"size": 12, "color": c.muted},
            "standoff": 6,
        },
    )
    notes = []
    order = {"baseline": 0, "challenger": 1, "forecast": 2}
    drawn = sorted(lines, key=lambda line: order[line.role])  # the champion on top
    for line in drawn:
        if line.band is not None:
            recall, low, high = line.band
            f.add_scatter(
                x=[*recall, *reversed(recall)],
                y=[*high, *reversed(low)],
                fill="toself",
                mode="none",
                fillcolor=rgba(getattr(c, line.role), 0.16),
                hoverinfo="skip",
                name=f"{_name(line)}, 95 % band",
            )
    for line in drawn:
        colour = getattr(c, line.role)
        f.add_scatter(
            x=[0.0, *line.recall],
            y=[*line.precision[:1], *line.precision],
            mode="lines",
            name=_name(line),
            # the steps that average precision sums: between two alert probabilities nothing is interpolated
            line={"color": colour, "width": 1.5, "shape": "vh", "dash": "dot" if line.role == "baseline" else "solid"},
            hovertemplate="recall %{x:.2f}, precision %{y:.2f}<extra>" + _name(line) + "</extra>",
        )
        if line.point is not None:
            f.add_scatter(
                x=[line.point[0]],
                y=[line.point[1]],
                mode="markers",
                name=f"{_name(line)} at θ",
                marker={"color": colour, "size": 9, "line": {"color": c.bg, "width": 1.5}},
                hovertemplate=f"{_name(line)} at θ {score(line.theta)}<br>"
                "recall %{x:.2f}, precision %{y:.2f}<extra></extra>",
            )
    for line, (x, y) in zip(drawn, _free_places(drawn)):
        notes.append(
            label(
                c,
                f"{_name(line)} {score(line.pr_auc)}",
                x=x,
                y=y,
                xanchor="left",
                yanchor="bottom",
                yshift=4,
                font={"size": 12, "color": getattr(c, line.role)},
            )
        )
    if lines:
        rate = lines[0].base_rate
        f.add_hline(y=rate, line={"color": c.muted, "dash": "dot", "width": 1})
        notes.append(
            label(
                c,
                f"base rate {percent(rate)}: an alert at random",
                x=1,
                xanchor="right",
                y=rate,
                yanchor="top",
                yshift=-2,
            )
        )
    f.layout.annotations = notes
    return f


def _free_places(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Where each curve's name stands: on its curve, far from the others and from the names set before."""
    at = np.linspace(0.04, 0.56, 34)  # a long name must end inside the plot on a phone
    heights = [np.interp(at, line.recall, line.precision) if line.recall else np.zeros(at.size) for line in lines]
    places: list[tuple[float, float]] = []
    for n, own in enumerate(heights):
        room = np.min([np.abs(own - h) for m, h in enumerate(heights) if m != n] or [np.ones(at.size)], axis=0)
        for x, y in places:
            taken = np.maximum(np.abs(at - x) / 0.42, np.abs(own - y) / 0.09)  # in widths and heights of a name
            room = np.where(taken < 1, taken - 1, room)
        best = int(np.argmax(room + 0.02 * at))
        places.append((float(at[best]), float(own[best])))
    return places


def ap_dots(
    kind: str, lines: Sequence[Line], *, what: str = "average precision on the test split", height: int | None = None
) -> go.Figure:
    """Average precision of each model as a dot with its interval beside the base rate as a line; never a bar from zero.

    Name and numbers stand above each dot, so that they have the whole width on a phone too.
    """
    c = palette(kind)
    f = base(kind, height or 76 + 42 * max(len(lines), 1), right=20, left=20, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False)
    best = max([line.high if line.high is not None else line.pr_auc for line in lines], default=0.1)
    rate = lines[0].base_rate if lines else 0.0
    top = min(1.02, max(0.02, 1.12 * max(best, rate)))
    notes = []
    for n, line in enumerate(lines):
        colour = getattr(c, line.role)
        known = line.low is not None and line.high is not None
        ends = f" ({score(line.low)} to {score(line.high)})" if known else ""
        f.add_scatter(
            x=[line.pr_auc],
            y=[n],
            mode="markers",
            marker={"color": colour, "size": 9},
            error_x={
                "type": "data", "symmetric": False, "array": [line.high - line.pr_auc],
                "arrayminus": [line.pr_auc - line.low], "color": colour, "thickness": 1.5, "width": 4,
            } if line.low is not None and line.high is not None else None,
            cliponaxis=False,
            hovertemplate=f"{_name(line)}<br>AP {line.pr_auc:.3f}{ends}<extra></extra>",
        )  # fmt: skip
        notes.append(
            label(
                c,
                f"{_name(line)}{', baseline' if line.role == 'baseline' else ''}  <b>{score(line.pr_auc)}</b>{ends}",
                xref="paper",
                x=0,
                xanchor="left",
                y=n,
                yanchor="bottom",
                yshift=5,
                font={"size": 12, "color": c.text},
            )
        )
    f.update_xaxes(
        range=[0, top],
        tickformat=".2f",
        nticks=5,
        showspikes=False,
        fixedrange=True,
        title={"text": what, "font": {"size": 12, "color": c.muted}, "standoff": 6},
    )
    f.update_yaxes(showgrid=False, showticklabels=False, fixedrange=True, range=[-0.5, len(lines) + 0.25])
    if lines:
        f.add_vline(x=rate, line={"color": c.muted, "dash": "dot", "width": 1})
        notes.append(
            label(
                c,
                f"base rate {score(rate)}",
                x=rate,
                yref="paper",
                y=1,
                yanchor="top",
                xanchor="left" if rate < 0.6 * top else "right",
            )
        )
    f.layout.annotations = notes
    return f


__all__ = ["Line", "Role", "ap_dots", "pr_curves"]
