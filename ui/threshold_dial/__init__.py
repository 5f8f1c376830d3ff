"""Drag τ on the distribution of forward volatility: counts follow in the browser, Python hears the release only."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.threshold_dial.bins import BINS, Bins, binned

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "tremor_threshold_dial",
    html=(_HERE / "threshold_dial.html").read_text(encoding="utf-8"),
    css=(_HERE / "threshold_dial.css").read_text(encoding="utf-8"),
    js=(_HERE / "threshold_dial.js").read_text(encoding="utf-8"),
)


def threshold_dial(bins: Bins, tau_bps: float, *, key: str) -> float | None:
    """Draw the dial at `tau_bps` and give back where it was last released, in bps; None until it was moved.

    A `key` belongs to one distribution: give another where the bins are others, or the browser's number would be read
    on the wrong scale.
    """
    result = _mount(key=key, data=bins.message() | {"tau": tau_bps}, default={"k": None}, on_k_change=lambda: None)
    return None if result.k is None else bins.edge(min(max(int(result.k), 0), BINS))


__all__ = ["BINS", "Bins", "binned", "threshold_dial"]
