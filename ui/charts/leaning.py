"""What a model leans on, and one forecast taken apart: one row a feature, its words above its mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ui.charts.base import base, label
from ui.theme import Palette, gain, palette


@dataclass(frozen=True)
class Cost:
    """Features that were shuffled together: mean cost in average precision, the lowest and highest, and more words."""

    features: str
    mean: float
    low: float
    high: float
    about: str = ""


@dataclass(frozen=True)
class Part:
    """What one feature adds to the log-odds of a forecast: its name with its value, and how much."""

    feature: str
    adds: float


def costs(kind: str, lines: Sequence[Cost]) -> go.Figure:
    """Fall of average precision when features are shuffled: a dot with the spread of the shuffles, best on top.

    At 0 the model does without them.
    """
    c = palette(kind)
    f = base(kind, 64 + 40 * max(len(lines), 1), right=20, left=20, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False)
    notes = []
    for n, line in enumerate(reversed(lines)):
        f.add_scatter(
            x=[line.mean], y=[n], mode="markers", marker={"color": c.forecast, "size": 9}, cliponaxis=False,
            error_x={
                "type": "data", "symmetric": False, "array": [line.high - line.mean],
                "arrayminus": [line.mean - line.low], "color": c.forecast, "thickness": 1.5, "width": 4,
            },
            hovertemplate=f"{line.about}<extra></extra>",
        )  # fmt: skip
        said = f"{line.features}  <b>{gain(line.mean, 3)}</b> ({gain(line.low, 3)} to {gain(line.high, 3)})"
        notes.append(_above(c.text, said, n, c))
    ends = [x for line in lines for x in (line.low, line.high)] or [0.0]
    room = max(max(ends), -min(ends), 0.01)
    _axes(f, c.muted, min(-0.06 * room, 1.1 * min(ends)), 1.12 * max(max(ends), 0.1 * room), len(lines))
    f.update_xaxes(title={"text": "fall of average precision, validation", "font": _font(c.muted), "standoff": 6})
    f.layout.annotations = notes
    return f


def parts(kind: str, lines: Sequence[Part]) -> go.Figure:
    """What each feature adds to the log-odds of one forecast: to the right towards a spike, to the left away from it.

    The sign is in the words as well: colour does not speak alone.
    """
    c = palette(kind)
    f = base(kind, 60 + 38 * max(len(lines), 1), right=20, left=20, bottom=42)
    f.update_layout(hovermode="closest", dragmode=False, bargap=0.72)
    shown = list(reversed(lines))
    f.add_bar(
        x=[line.adds for line in shown], y=list(range(len(shown))), orientation="h",
        marker={"color": [c.spike if line.adds > 0 else c.vol for line in shown], "line": {"width": 0}}, width=0.22,
        customdata=[line.feature for line in shown], hovertemplate="%{customdata}: %{x:+.3f}<extra></extra>",
    )  # fmt: skip
    notes = [_above(c.text, f"{line.feature}  <b>{gain(line.adds)}</b>", n, c) for n, line in enumerate(shown)]
    ends = [line.adds for line in lines] or [0.0]
    room = max(max(ends), -min(ends), 0.1)
    _axes(f, c.muted, min(1.12 * min(ends), -0.2 * room), max(1.12 * max(ends), 0.2 * room), len(lines))
    f.update_xaxes(title={"text": "added to the log-odds of a spike", "font": _font(c.muted), "standoff": 6})
    f.layout.annotations = notes
    return f


def _above(colour: str, text: str, y: float, c: Palette) -> dict[str, object]:
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": y, "yanchor": "bottom", "yshift": 5}
    return label(c, text, **place, font={"size": 12, "color": colour})


def _font(colour: str) -> dict[str, object]:
    return {"size": 12, "color": colour}


def _axes(f: go.Figure, muted: str, low: float, high: float, rows: int) -> None:
    f.update_xaxes(range=[low, high], nticks=5, showspikes=False, fixedrange=True)
    f.update_yaxes(showgrid=False, showticklabels=False, fixedrange=True, range=[-0.5, rows + 0.1])
    f.add_vline(x=0, line={"color": muted, "dash": "dot", "width": 1})


__all__ = ["Cost", "Part", "costs", "parts"]
