"""Alerts an hour and episodes caught over θ, with the θ that was chosen and what came of it on test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.evaluation.record import Estimate
from ui.charts.base import base, label
from ui.charts.evaluation import Role
from ui.theme import palette, score

Values = NDArray[np.float64]
MARKS = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99,
    0.995, 0.999, 0.9999,
)  # fmt: skip
"""Where the axis of θ, in log-odds, may have a number."""


@dataclass(frozen=True)
class Curve:
    """What an alarm does at each θ (k,), rising, on the part that a rule is chosen on.

    recall : NaN where that part has no episode
    budget, floor : the line that the aim draws, None where it draws none
    """

    theta: Values
    alerts_per_h: Values
    recall: Values
    budget: float | None = None
    floor: float | None = None


def odds(theta: float | Values) -> Values:
    """Log-odds, the scale of the axis: 0.001 is as far from 0.01 as 0.99 from 0.999."""
    inside = np.clip(theta, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)))


def alert_curve(
    kind: str,
    curve: Curve,
    *,
    theta: float,
    used: float | None,
    test: tuple[Estimate, Estimate],
    role: Role,
    height: int = 430,
) -> go.Figure:
    """Two rows over one axis of θ: alerts an hour, and the share of episodes caught.

    Parameters
    ----------
    theta : chosen; used : in use, None where it is the same or unknown
    test : alerts an hour and recall on test at `theta`, drawn as open diamonds with their intervals
    """
    c = palette(kind)
    colour = getattr(c, role)
    f = base(kind, height, left=8, right=58, bottom=42)
    side = f.layout.yaxis.to_plotly_json() | {"showspikes": False, "fixedrange": True, "anchor": "x"}
    most = max(float(curve.alerts_per_h.max(initial=0)), curve.budget or 0, test[0].high or test[0].value or 0, 1.0)
    f.update_layout(
        hovermode="x unified", dragmode=False,
        yaxis=side | {"domain": [0.53, 1], "range": [0, 1.12 * most], "nticks": 5},
        yaxis2=side | {"domain": [0, 0.43], "range": [-0.04, 1.12], "tickvals": [0, 0.5, 1],
                       "ticktext": ["0", "50 %", "100 %"]},
    )  # fmt: skip
    x = odds(curve.theta)
    for name, values, axis in (("alerts an hour", curve.alerts_per_h, "y"), ("caught", curve.recall, "y2")):
        f.add_scatter(
            x=x, y=values, mode="lines", name=name, yaxis=axis, customdata=[score(t) for t in curve.theta],
            line={"color": colour, "width": 1.6, "shape": "vh"},
            hovertemplate="θ %{customdata}: %{y:.1f} an hour<extra></extra>" if axis == "y" else
            "%{y:.0%} of the episodes<extra></extra>",
        )  # fmt: skip
    at = float(odds(theta))
    ends = [float(v) for v in (*x[[0, -1]], at, *([] if used is None else [float(odds(used))]))]
    low, high = min(ends), max(ends)
    room = 0.03 * max(high - low, 1.0)
    for estimate, axis, said in zip(test, ("y", "y2"), ("%{y:.1f} an hour on test", "%{y:.0%} on test"), strict=True):
        if estimate.value is not None:
            known = estimate.low is not None and estimate.high is not None
            f.add_scatter(
                x=[at], y=[estimate.value], mode="markers", yaxis=axis, name="on test", cliponaxis=False,
                marker={"symbol": "diamond-open", "size": 11, "color": c.text, "line": {"width": 1.8}},
                error_y={
                    "type": "data", "symmetric": False, "array": [(estimate.high or 0) - estimate.value],
                    "arrayminus": [estimate.value - (estimate.low or 0)], "color": c.text, "thickness": 1.2, "width": 5,
                } if known else None,
                hovertemplate=said + "<extra></extra>",
            )  # fmt: skip
    places = _ticks(low - room, high + room)
    f.update_xaxes(
        range=[low - room, high + room], anchor="y2", tickvals=odds(np.array(places)),
        ticktext=[f"{t:g}" for t in places], showspikes=False, fixedrange=True,
        title={"text": "θ, alert when P reaches (log-odds)", "font": {"size": 12, "color": c.muted}, "standoff": 6},
    )  # fmt: skip
    shapes = [_upright(at, c.theta, "dash", 1.6)]
    right = at > low + 0.75 * (high - low)
    notes = [
        label(c, "alerts an hour", xref="paper", x=0, xanchor="left", yref="paper", y=1, yanchor="top"),
        label(c, "episodes caught", xref="paper", x=0, xanchor="left", yref="paper", y=0.43, yanchor="bottom"),
        label(c, f"θ {score(theta)}", x=at, yref="paper", y=1, yanchor="top", xanchor="right" if right else "left",
              font={"size": 12, "color": c.theta}),
    ]  # fmt: skip
    if used is not None:
        there = float(odds(used))
        shapes.append(_upright(there, c.muted, "dot", 1.2))
        notes.append(
            label(c, f"in use {score(used)}", x=there, yref="paper", y=0.93, yanchor="top",
                  xanchor="right" if there > low + 0.75 * (high - low) else "left")
        )  # fmt: skip
    for value, axis, word in ((curve.budget, "y", "budget"), (curve.floor, "y2", "floor")):
        if value is not None:
            shapes.append(
                {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": axis, "y0": value, "y1": value,
                 "line": {"color": c.muted, "width": 1, "dash": "dot"}}
            )  # fmt: skip
            notes.append(label(c, word, xref="paper", x=0, xanchor="left", yref=axis, y=value, yanchor="bottom"))
    f.layout.shapes = shapes
    f.layout.annotations = notes
    return f


def _upright(x: float, colour: str, dash: str, width: float) -> dict[str, object]:
    return {
        "type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": colour, "width": width, "dash": dash},
    }  # fmt: skip


def _ticks(low: float, high: float) -> Sequence[float]:
    """Of `MARKS`, those on the axis that leave each other room."""
    kept: list[float] = []
    for mark in MARKS:
        at = float(odds(mark))
        if low <= at <= high and (not kept or at - float(odds(kept[-1])) >= (high - low) / 11):
            kept.append(mark)
    return kept


__all__ = ["Curve", "alert_curve"]
