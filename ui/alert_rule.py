"""The short form of the alert rule: θ in use, what it costs, the slider that moves it, and the way to the cockpit."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.config import ALERTS_PER_H, Settings
from core.errors import TremorError
from core.training.registry import Meta
from ui import actions, loaders, text
from ui.alert_decision import cost
from ui.shell import block, note
from ui.state import Session
from ui.theme import score


def alert_rule(champion: Meta, settings: Settings) -> None:
    """θ of `champion`: a slider that saves it, what it did on test, and the way back to the one of validation."""
    now = loaders.rule(champion, settings)
    block("Alert rule", f"cooldown {now.cooldown_s} s, re-arms below {now.rearm:g} × the odds of θ")
    shown = round(min(max(now.theta, 0.001), 0.999), 3)
    key = Session().anew("theta", champion.name)
    st.slider(
        "θ, alert when P reaches",
        0.001,
        0.999,
        step=0.001,
        format="%.3f",
        key=Session().show(key, shown),
        help=text.HELP["theta"],
        on_change=actions.choose_theta,
        args=(champion.name, key),
    )
    note(_cost(champion, settings))
    untouched = settings.theta is None and settings.cooldown_s is None and settings.rearm == Settings().rearm
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.page_link(
            "pages/7_Alert_tuning.py", label="Tune the rule", icon=":material/arrow_forward:", icon_position="right"
        )
        st.button("Reset rule", key="reset_theta", on_click=actions.reset_theta, disabled=untouched)
    best_f1 = champion.theta == champion.scores.theta
    of = "the best F1 on validation" if best_f1 else f"at most {ALERTS_PER_H:g} alerts an hour on validation"
    note(f"The training left θ {score(champion.theta)}: {of}. Changing θ does not make the champion stale.")


def _cost(champion: Meta, settings: Settings) -> str:
    """What θ in use did on test; why that is not known, where it is not."""
    try:
        if loaders.evaluation(champion.training) is None:
            return "What it costs is not known: the champion was trained before evaluations existed."
        return f"On test: {cost(loaders.in_use(champion, settings).test)}."
    except TremorError as why:
        return f"What it costs is not known: {escape(str(why))}."


__all__ = ["alert_rule"]
