"""The gap ledger on a time line: a lane a state, each gap as long as it lasted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ui.charts.base import base, clock, label, utc_mark
from ui.theme import duration, palette, rgba

LANES: tuple[str, ...] = ("repaired", "unrepairable", "open")
"""From the bottom up: what needs an eye stands on top."""
PATTERNS = {"open": "/", "unrepairable": "x", "repaired": ""}
"""The hatch says the state, beside the word: none is left blank, since its trades are there again."""
THINNEST = 250
"""A gap is drawn at least so many times shorter than the line, or it would not be seen."""
MOST = 400


def gap_line(kind: str, gaps: Sequence[dict[str, Any]], from_ns: int, to_ns: int, *, height: int = 180) -> go.Figure:
    """Rows of the ledger (`export gaps`) between two times, ns UTC; the newest 400 of each state."""
    c = palette(kind)
    f = base(kind, height)
    t = np.array([from_ns, to_ns], "datetime64[ns]")
    f.update_xaxes(**clock(t[0], t[1], 0))
    if to_ns - from_ns > 2 * 86_400 * 10**9:
        f.update_xaxes(tickformat="%d %b", nticks=6)
    f.update_xaxes(tickangle=0)
    f.update_layout(
        yaxis={"range": [-0.4, len(LANES) - 0.2], "showticklabels": False, "showgrid": False, "fixedrange": True},
        barmode="overlay",
        hovermode="closest",
        uirevision="live",
    )
    thinnest_ns = max((to_ns - from_ns) // THINNEST, 1)
    words = [utc_mark(c)]
    for lane, state in enumerate(LANES):
        every = [gap for gap in gaps if gap["state"] == state]
        words.append(
            label(c, f"{state} {len(every):,}", xref="paper", x=0, xanchor="left", y=lane + 0.46, yanchor="middle")
        )
        drawn = every[-MOST:]
        if not drawn:
            continue
        colour = c.muted if state == "repaired" else c.gap
        f.add_bar(
            y=[lane] * len(drawn),
            base=np.array([gap["from_ns"] for gap in drawn], "datetime64[ns]"),
            x=[max(gap["to_ns"] - gap["from_ns"], thinnest_ns) / 1e6 for gap in drawn],
            orientation="h",
            width=0.42,
            marker={
                "color": c.bg if state == "repaired" else rgba(c.gap, 0.18),
                "line": {"width": 1, "color": colour},
                "pattern": {"shape": PATTERNS[state], "size": 6, "solidity": 0.3, "fgcolor": colour},
            },
            name=state,
            customdata=[_said(gap) for gap in drawn],
            hovertemplate="%{customdata}<extra></extra>",
        )
    f.layout.annotations = words
    return f


def _said(gap: dict[str, Any]) -> str:
    missing = "trades missing: unknown" if gap["missing"] is None else f"{gap['missing']:,} trades missing"
    return f"{gap['state']}, seen by {gap['seen']}, {duration((gap['to_ns'] - gap['from_ns']) / 1e9)}, {missing}"


__all__ = ["gap_line"]
