"""What a figure says to who cannot see it: its lines and marks with their main numbers, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ui.theme import bps, price

LISTED = 24
"""Up to so many named points are read out one by one."""
SILENT = {"UTC", ""}


def spoken(figure: go.Figure) -> str:
    """One sentence a line: its name, last value and range; named points one by one; then the labels on the plot.

    >>> shown = go.Figure(go.Scatter(name="mid", x=[1, 2, 3], y=[10.0, 30.0, 20.0]))
    >>> spoken(shown)
    'mid: last 20, from 10 to 30.'
    """
    said = [sentence for trace in figure.data if (sentence := _of(trace))]
    labels = Counter(_plain(a.text) for a in figure.layout.annotations)
    named = [label if n == 1 else f"{n} times {label}" for label, n in labels.items() if label not in SILENT]
    return " ".join([*said, *([f"Labels: {', '.join(named)}."] if named else [])])


def _of(trace: go.Scatter | go.Bar) -> str:
    name, x, y = _plain(trace.name), _list(trace.x), _list(trace.y)
    if not y or trace.hoverinfo == "skip":
        return ""
    if all(isinstance(v, str) for v in y):  # names down the side, values along
        at = [f"{_plain(v)} {_number(u)}" for u, v in zip(x, y) if isinstance(u, float | int)]
        return f"{', '.join(at[:LISTED])}." if at else ""
    values = np.array([v for v in y if isinstance(v, float | int)], np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0 or not name:
        return ""
    lane = trace.mode == "markers" if isinstance(trace, go.Scatter) else trace.orientation == "h"
    if lane and values.min() == values.max() and (values.size > 1 or isinstance(trace, go.Bar)):
        return f"{name}: {values.size}."  # marks or bars in a lane: their height says nothing
    if values.size == 1:
        return f"{name}: {_number(values[0])}."
    return f"{name}: last {_number(values[-1])}, from {_number(values.min())} to {_number(values.max())}."


def _list(values: Sequence[object] | None) -> list[object]:
    return [] if values is None else np.asarray(values).tolist() if not isinstance(values, tuple) else list(values)


def _plain(text: str | None) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text or "")).strip()


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e4:
        return f"{int(value)}"
    return price(value) if abs(value) >= 1000 else bps(value)


__all__ = ["spoken"]
