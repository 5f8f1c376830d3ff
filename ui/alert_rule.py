"""The panel that sets θ, the probability at which the champion alerts."""

from __future__ import annotations

import streamlit as st

from core.config import Settings
from core.training.registry import Meta
from ui import actions, loaders, text
from ui.shell import block, note
from ui.state import Session
from ui.theme import score


def alert_rule(champion: Meta, settings: Settings) -> None:
    """θ of `champion`: a slider that saves it, and the way back to the one chosen on validation."""
    block("Alert rule", "changing θ does not make the champion stale")
    shown = round(min(max(loaders.theta(champion, settings), 0.001), 0.999), 3)
    key = Session().anew("theta", champion.name)
    st.slider(
        "θ, alert when P reaches",
        0.001,
        0.999,
        shown,
        0.001,
        format="%.3f",
        key=key,
        help=text.HELP["theta"],
        on_change=actions.choose_theta,
        args=(champion.name, key),
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        note(f"Chosen on validation: θ {score(champion.theta)}.")
        st.button("Reset θ", key="reset_theta", on_click=actions.reset_theta, disabled=settings.theta is None)


__all__ = ["alert_rule"]
