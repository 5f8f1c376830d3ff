"""The evaluation page's last panel: another training beside this one."""

from __future__ import annotations

import streamlit as st

from core.evaluation.record import Evaluation
from ui import charts, loaders
from ui.evaluation_panels import figure
from ui.evaluation_rows import compared_rows
from ui.evidence import comparable, compared_lines
from ui.shell import block, box, fragment, kind, note, table
from ui.text import market_name, tau
from ui.theme import moment


@fragment()
def side_by_side(e: Evaluation) -> None:
    """Choose another evaluated training; see both verdicts, scores and champions' curves."""
    others = {t.training: t for t in loaders.evaluated(besides=e.training)}
    block("Two runs side by side", "this one and an earlier one")
    if not others:
        note("There is no other evaluated run in this home. Train again, with another τ or more data, to compare.")
        return
    chosen = st.selectbox(
        "Other run", list(others), key="other_run", width=520,
        format_func=lambda t: f"{moment(others[t].trained_ns)}, {market_name(others[t].venue, others[t].product)}, "
        f"{others[t].label} {others[t].horizon_s} s, τ {tau(others[t].tau_bps, others[t].tau_relative)}",
    )  # fmt: skip
    other = loaders.evaluation(chosen)
    if other is None:
        note("That run's evaluation is gone: choose another.")
        return
    box(comparable(e, other), "ok" if e.fingerprint == other.fingerprint else "warn", key="comparable")
    left, right = st.columns(2, gap="large")
    with left:
        table(*compared_rows(e, other), text=(0, 1, 2), key="compared")
    with right:
        figure(charts.pr_curves(kind(), compared_lines(e, other)), "pr_compared")
        note("Both champions, pooled, with a 95 % band where there is one; the base rate drawn is this run's.")


__all__ = ["side_by_side"]
