"""Drag τ on the distribution of forward volatility: counts follow in the browser, Python hears the release only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from ui.state import Session
from ui.threshold_dial.bins import BINS, Bins, binned

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "tremor_threshold_dial",
    html=(_HERE / "threshold_dial.html").read_text(encoding="utf-8"),
    css=(_HERE / "threshold_dial.css").read_text(encoding="utf-8"),
    js=(_HERE / "threshold_dial.js").read_text(encoding="utf-8"),
)


def threshold_dial(
    bins: Bins,
    tau: float,
    counts: Mapping[str, tuple[int, int]],
    unit: str = "bps",
    *,
    key: str,
    on_release: Callable[[], None],
) -> None:
    """Draw the dial at `tau`; `on_release` runs when it was left elsewhere, and `released` then tells where.

    `counts` has spikes and episodes of each split at exactly `tau`, which may lie between two edges. `unit` is what τ
    is in: "bps", or "×" for multiples of slow volatility. A `key` belongs to one distribution: give another where the
    bins are others, or the browser's number would be read on the wrong scale.
    """
    heard = Session().chosen(key)
    stamp = heard["at"]["stamp"] if heard and heard["at"] else 0
    data = bins.message() | {"tau": tau, "counts": counts, "unit": unit, "heard": stamp}
    _mount(key=key, data=data, default={"at": None}, on_at_change=on_release)


def released(bins: Bins, key: str) -> float:
    """Where the dial `key` was left: the very number that was typed, else the edge under the handle."""
    at = Session().chosen(key)["at"]
    return float(at["typed"]) if at["typed"] else bins.edge(int(at["k"]))


__all__ = ["BINS", "Bins", "binned", "released", "threshold_dial"]
