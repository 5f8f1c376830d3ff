"""Reruns the page when the viewer changes the theme.

Streamlit repaints its own elements but does not rerun, so static plotly figures would keep the old colours. A zero-size
element whose background is the theme's has a 1 ms transition; its end is the signal.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "tremor_theme_watch",
    html='<i class="watch"></i>',
    css=(_HERE / "theme_watch.css").read_text(encoding="utf-8"),
    js=(_HERE / "theme_watch.js").read_text(encoding="utf-8"),
)


def theme_watch() -> None:
    """Put the watcher on the page, once."""
    _mount(key="theme_watch", on_changed_change=lambda: None)


__all__ = ["theme_watch"]
