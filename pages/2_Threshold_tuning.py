"""Decide what counts as a spike: drag τ on the distribution of forward volatility."""

import streamlit as st

from core.config import LABELS
from core.features.windows import WINDOWS_S
from ui import actions, loaders, shown, text
from ui.cells import question_cells
from ui.shell import box, caught, empty, fragment, open_page, strip
from ui.state import Session
from ui.threshold_dial import threshold_dial
from ui.threshold_panels import decision_panel, estimators_panel, journey_panel, spikes_panel

title, sentence = "Threshold tuning", "what counts as a spike: volatility of the next seconds at or above τ"
with open_page(title, sentence, loaders.shown()):
    settings, session, market = loaders.settings(), Session(), loaders.current_market()
    if market is None:
        sentence = "No ticks yet. The threshold is set on what the market did: capture some minutes first."
        empty(sentence, "pages/1_Live_capture.py", "Open capture")
        st.stop()
    shown.explain(settings, market)
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        st.selectbox(
            "Volatility estimator",
            LABELS,
            format_func=text.LABELS.get,
            key=session.show("label", settings.label),
            width=420,
            on_change=actions.ask,
            args=("label", "label"),
        )
        st.selectbox(
            "Horizon",
            WINDOWS_S,
            format_func=lambda s: f"next {s} s",
            key=session.show("horizon_s", settings.horizon_s),
            width=150,
            on_change=actions.ask,
            args=("horizon_s", "horizon_s"),
        )
    if settings.label == "next_row":
        box(text.LEAKY, "warn", key="leaky")

    rows = loaders.labelled(market, loaders.market_question(settings))
    champion = loaders.champion()
    with top:
        strip(question_cells(rows, settings, champion, champion and loaders.stale(champion, settings, market)))
    of, decisions = loaders.distribution(rows), loaders.journey(market)
    basis = f"{market.venue} {market.product} {settings.label} {settings.horizon_s} {settings.tau_bps}"
    saved = loaders.threshold(rows, settings)
    # a key of its own for each distribution: an old place of the handle says nothing on another one
    key = f"dial-{rows.digest[:12]}-{settings.label}-{settings.horizon_s}"

    @fragment()
    def dial() -> None:
        tau = session.dialled(basis) or saved
        left, right = st.columns([3.2, 1], gap="large")
        with left:
            threshold_dial(
                of.bins,
                tau,
                of.at(tau),
                key=key,
                on_release=lambda: actions.dial(of.bins, key, basis),
            )
        with right, st.container(key="at_tau"):
            decision_panel(rows, of, tau, settings, decisions, champion is not None)
        with caught():
            spikes_panel(rows, tau)
            estimators_panel(rows, market, of, tau)

    dial()
    journey_panel(rows, decisions)
