"""Decide what counts as a spike: drag τ on the distribution of forward volatility."""

import streamlit as st

from ui import actions, loaders, shown, text
from ui.cells import question_cells
from ui.consequence import resting
from ui.shell import box, caught, empty, fragment, open_page, strip
from ui.state import Session
from ui.threshold_dial import threshold_dial
from ui.threshold_panels import (
    decision_panel,
    history_panel,
    overlap_panel,
    question_controls,
    spikes_panel,
    unit_of,
)

title, sentence = "Threshold tuning", "what counts as a spike: volatility of the next seconds at or above τ"
with open_page(title, sentence, loaders.shown()):
    settings, session, market = loaders.settings(), Session(), loaders.current_market()
    if market is None:
        sentence = "No ticks yet. The threshold is set on what the market did: capture some minutes first."
        empty(sentence, "pages/1_Live_capture.py", "Open capture")
        st.stop()
    shown.explain(settings, market)
    top = st.container()
    relative = question_controls(settings)
    if settings.label == "next_row":
        box(text.LEAKY, "warn", key="leaky")

    rows = loaders.labelled(market, loaders.market_question(settings), relative)
    champion = loaders.champion()
    with top:
        strip(question_cells(rows, settings, champion, champion and loaders.stale(champion, settings, market)))
    of, decisions = loaders.distribution(rows), loaders.journey(market)
    advice = loaders.advice(decisions, rows, settings)
    asked = f"{market.venue} {market.product} {settings.label} {settings.horizon_s} {unit_of(rows)}"
    basis = f"{asked} {settings.tau_bps} {settings.tau_relative}"
    key = f"dial {asked} {rows.digest}"  # an old place of the handle says nothing on another distribution

    @fragment()
    def dial() -> None:
        tau = session.dialled(basis) or resting(of, settings, relative)
        left, right = st.columns([3.2, 1], gap="large")
        with left:
            threshold_dial(
                of.bins,
                tau,
                of.at(tau),
                unit_of(rows),
                key=key,
                on_release=lambda: actions.dial(of.bins, key, basis),
            )
        with right, st.container(key="at_tau"):
            decision_panel(rows, of, tau, settings, advice, champion is not None)
        with caught():
            spikes_panel(rows, of, tau)
            overlap_panel(rows, of, tau)

    dial()
    history_panel(rows, market, decisions)
