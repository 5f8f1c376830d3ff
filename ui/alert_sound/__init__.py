"""Rings in the browser when a new alert comes: a zero-size component that remembers the last one it has heard of."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "tremor_alert_sound",
    html="<i></i>",
    js=(Path(__file__).parent / "alert_sound.js").read_text(encoding="utf-8"),
)


def alert_sound(newest_ns: int, on: bool) -> None:
    """Ring where `newest_ns`, the bar of the newest alert, is newer than at the last run; the first run is silent."""
    # seconds: a browser's numbers do not hold nanoseconds
    _mount(key="alert_sound", data={"newest": newest_ns // 1_000_000_000, "on": on})


__all__ = ["alert_sound"]
