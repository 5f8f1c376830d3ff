"""A stored stretch through the monitor's own step: played, stepped, and never ahead of its moment."""

import streamlit as st

from ui import loaders, shown
from ui.replay_panels import ghosts, proof
from ui.scene import heading, market_asked, opened, scene
from ui.shell import empty, open_page
from ui.time_machine import choices, choose_market, controls, screen

with open_page("Time machine", "any stored stretch as the monitor saw it, with nothing known ahead", heading()):
    playback = opened()
    market = market_asked()
    if market == loaders.current_market():
        shown.explain(loaders.settings(), market)
    if market is None:
        empty(
            "No ticks yet. The time machine replays what was captured: start a capture, or import a recording.",
            "pages/1_Live_capture.py",
            "Open capture",
        )
        st.stop()
    models = loaders.models_of(market)
    if not models:
        choose_market(market)
        empty(
            f"No model of {market.product} yet. The time machine asks one at each second: train first.",
            "pages/3_Training.py",
            "Open training",
        )
        st.stop()
    shot = scene(market, models, playback)
    if shot is None:
        choose_market(market)
        empty("No second of this market has closed yet. Wait a moment, or import a recording.")
        st.stop()
    screen(shot)
    controls(shot)
    choices(shot, models)
    ghosts(shot)
    proof(shot)
