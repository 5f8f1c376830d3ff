"""Decide when to alert: θ, cooldown and hysteresis by what they cost."""

import streamlit as st

from ui import loaders, shown, text
from ui.alert_cockpit import cockpit, logging
from ui.cells import tuning_cells
from ui.shell import box, empty, open_page, strip

title, sentence = (
    "Alert tuning",
    "at what probability θ to alert, by the alerts it raises and the episodes it catches",
)
with open_page(title, sentence, loaders.shown()):
    settings, market, champion = loaders.settings(), loaders.current_market(), loaders.champion()
    if champion is None:
        sentence = "No champion yet. θ is chosen on what a trained model said of rows it had not seen: train first."
        empty(sentence, "pages/3_Training.py", "Open training")
        st.stop()
    shown.explain(settings, market)
    found = loaders.evaluation(champion.training)
    if found is None:
        sentence = (
            "The champion was trained before evaluations existed, so no forecasts were kept yet that θ could be chosen "
            "on: train again."
        )
        empty(sentence, "pages/3_Training.py", "Open training")
        st.stop()
    if found.leakage.verdict == "leaky":
        box(f"No θ is worth choosing on this training. {found.verdict.sentence}", "bad", key="leaky")
        st.stop()
    stale = loaders.stale(champion, settings, market)
    strip(tuning_cells(champion, stale, loaders.in_use(champion, settings), found.leakage))
    if stale:
        box(
            f"The champion answers another question: {stale}. What is counted here is about τ "
            f"{text.tau(champion.tau_bps, champion.tau_relative)}.",
            "warn",
            key="stale",
        )
    cockpit(found, champion, settings)
    logging(loaders.job("theta"))
