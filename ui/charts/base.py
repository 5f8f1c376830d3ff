"""The figure that all figures start from, and the marks that mean the same in all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.theme import Palette, duration, palette, rgba

FONT = "'Plex Sans', 'Source Sans', sans-serif"
Times = NDArray[np.datetime64]
Span = tuple[np.datetime64, np.datetime64]
HATCH_AXES = ("y3", "y4")
"""Hidden overlay axes, 0 to 1, so that a hatch does not stretch the price axis."""


def base(kind: str, height: int, *, right: int = 66, left: int = 8, top: int = 8, bottom: int = 26) -> go.Figure:
    """An empty figure in the look of `kind` ("light" or "dark").

    Margins are fixed (`automargin` off), or the plot would jitter as labels grow; the right one holds the value tags.
    """
    c = palette(kind)
    axis: dict[str, Any] = {
        "showgrid": True,
        "gridcolor": c.grid,
        "gridwidth": 1,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "automargin": False,
        "tickfont": {"color": c.muted, "size": 12},
    }
    return go.Figure(
        layout=go.Layout(
            height=height,
            margin={"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
            paper_bgcolor=c.bg,
            plot_bgcolor=c.bg,
            font={"family": FONT, "size": 12, "color": c.text},
            showlegend=False,
            hovermode="x unified",
            hoversubplots="axis",
            hoverdistance=40,
            spikedistance=-1,
            dragmode="pan",
            hoverlabel={
                "bgcolor": c.surface,
                "bordercolor": c.border,
                "font": {"family": FONT, "size": 12, "color": c.text},
            },
            uirevision="keep",
            xaxis=axis | crosshair(c),
            yaxis=axis | {"side": "right"},
        )
    )


def crosshair(c: Palette) -> dict[str, Any]:
    """Axis properties of the dotted line that follows the pointer."""
    return {
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikecolor": c.muted,
        "spikedash": "dot",
    }


def clock(start: np.datetime64, end: np.datetime64, room_s: int) -> dict[str, Any]:
    """An x axis in UTC with `room_s` seconds free on the right. No explicit range: it would throw a zoom away."""
    until = end + np.timedelta64(room_s, "s")
    return {
        "type": "date",
        "tickformat": "%H:%M",
        "tickformatstops": [{"dtickrange": [None, 59_999], "value": "%H:%M:%S"}],
        "hoverformat": "%H:%M:%S UTC",
        "nticks": 9,
        "autorangeoptions": {"include": [iso(start), iso(until)]},
    }


def iso(t: np.datetime64) -> str:
    """A moment as plotly reads it, to the millisecond."""
    return str(t.astype("datetime64[ms]"))


def label(c: Palette, text: str, **place: Any) -> dict[str, Any]:
    """A muted label on the plot, on a veil of the background."""
    return {
        "showarrow": False,
        "font": {"size": 12, "color": c.muted},
        "bgcolor": rgba(c.bg, 0.75),
        "borderpad": 1,
        "text": text,
    } | place


def corner(c: Palette, text: str, y: float = 1.0) -> dict[str, Any]:
    """The unit of a row, in its upper left corner."""
    return label(c, text, xref="paper", x=0, xanchor="left", yref="paper", y=y, yanchor="top")


def utc_mark(c: Palette) -> dict[str, Any]:
    """The word UTC in the lower right corner, beyond the last time label."""
    return label(c, "UTC", xref="paper", x=1, xanchor="left", yref="paper", y=0, yanchor="top", yshift=-10, xshift=12)


def tag(c: Palette, colour: str, text: str, y: float, yref: str = "y") -> dict[str, Any]:
    """The last value, on the axis, in its role's colour."""
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "yref": yref,
        "y": y,
        "showarrow": False,
        "borderpad": 2,
        "text": text,
        "font": {"size": 12, "color": c.bg},
        "bgcolor": colour,
    }


def bands(c: Palette, spans: list[Span]) -> list[dict[str, Any]]:
    """Full-height bands of spikes."""
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": iso(a),
            "x1": iso(b),
            "y0": 0,
            "y1": 1,
            "fillcolor": rgba(c.spike, 0.17),
            "line": {"width": 0},
            "layer": "below",
        }
        for a, b in spans
    ]


def hatch(
    figure: go.Figure, c: Palette, gaps: list[Span], axes: tuple[str, ...], word: str = "gap"
) -> list[dict[str, Any]]:
    """Draw `gaps` as hatched stretches on hidden overlay axes, and give back their labels ("gap 48 s").

    Shapes cannot hatch: these are filled scatters with a pattern.
    """
    labels = []
    for a, b in gaps:
        for axis in axes:
            figure.add_scatter(
                x=[iso(a), iso(b), iso(b), iso(a)],
                y=[0, 0, 1, 1],
                fill="toself",
                mode="none",
                yaxis=axis,
                hoverinfo="skip",
                fillcolor=c.bg,
                name="gap",
                fillpattern={"shape": "/", "size": 7, "solidity": 0.16, "fgcolor": c.gap, "bgcolor": c.bg},
            )
        seconds = float((b - a) / np.timedelta64(1, "s"))
        labels.append(
            label(
                c,
                f"{word} {duration(round(seconds))}",
                xref="x",
                x=iso(a + (b - a) / 2),
                yref="paper",
                y=1,
                yanchor="top",
                font={"size": 12, "color": c.gap},
                bgcolor=c.bg,
            )
        )
    return labels


def hidden(over: str) -> dict[str, Any]:
    """The overlay axis that a hatch is drawn on."""
    return {"range": [0, 1], "fixedrange": True, "visible": False, "anchor": "x", "overlaying": over}


__all__ = [
    "FONT",
    "Span",
    "Times",
    "bands",
    "base",
    "clock",
    "corner",
    "crosshair",
    "hatch",
    "hidden",
    "iso",
    "label",
    "tag",
    "utc_mark",
]
