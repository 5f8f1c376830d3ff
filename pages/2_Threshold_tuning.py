"""Decide what counts as a spike: drag τ on the distribution of forward volatility."""

import streamlit as st

from core.config import LABELS
from core.features.windows import WINDOWS_S
from ui import actions, charts, loaders, shown, text
from ui.cells import question_cells
from ui.consequence import at_tau, distribution_of, last_hour
from ui.live_figure import live_figure
from ui.shell import block, box, caught, empty, fragment, kind, note, open_page, strip, table
from ui.state import Session
from ui.tables import evidence_rows
from ui.theme import bps, count, percent
from ui.threshold_dial import threshold_dial

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
    saved = loaders.threshold(rows, settings)
    basis = f"{market.venue} {market.product} {settings.label} {settings.horizon_s} {settings.tau_bps}"
    bins, start = distribution_of(rows), session.dialled(basis) or saved

    @fragment()
    def dial() -> None:
        left, right = st.columns([3.2, 1], gap="large")
        with left:
            # a key of its own for each distribution and saved τ: an old place of the handle says nothing there
            key = f"dial-{rows.digest[:12]}-{settings.label}-{settings.horizon_s}-{settings.tau_bps}"
            moved = threshold_dial(bins, start, key=key)
            if moved is not None:
                session.dial(basis, moved)
        tau = start if moved is None else moved
        now = at_tau(rows, tau)
        with right, st.container(key="at_tau"):
            block("At this τ")
            st.metric("Events in train", count(now.events), help=text.HELP["event"])
            st.metric("Base rate, train", percent(now.base_rate), help=text.HELP["base_rate"])
            box(now.sentence, "ok" if now.enough else "warn", key="smallest_split")
            same = settings.tau_bps is not None and bps(settings.tau_bps) == bps(tau)
            if st.button(
                "Use this τ", type="primary", width="stretch", key="use_tau", disabled=tau == settings.tau_bps
            ):
                actions.use_tau(tau)
                session.say(f"τ is {bps(tau)} bps now.")
                st.rerun()
            if champion is not None and not same:
                note("Makes the champion stale: it answers another question.")
            in_use = text.tau(None if settings.tau_relative else saved, settings.tau_relative)
            note(
                f"In use: <b>{in_use}</b>"
                + ("" if settings.tau else f", P{100 * settings.quantile:g} of train until you set one.")
            )
        with left, caught():
            block("Evidence at this τ", "seconds that share no part of their horizon, and runs of spikes")
            meter = loaders.meter(rows, tau)
            table(*evidence_rows(meter), text=(0, 1), key="evidence")
            note(meter.sentence)
            block(
                "What would have been a spike",
                f"last hour of the market, volatility of the next {settings.horizon_s} s",
            )
            figure = charts.hour(kind(), *last_hour(rows, tau))
            live_figure(figure, key="hour", label=text.FIGURES["hour"], zoom=False)

    dial()
