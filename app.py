"""Home: the pipeline at a glance, what is ready, what to do next."""

import streamlit as st

from ui import actions, charts, loaders
from ui.cells import home_cells
from ui.evidence import lines_of
from ui.live_figure import live_figure
from ui.pipeline import Facts, steps
from ui.shell import block, caught, fragment, kind, note, open_page, step, strip
from ui.text import UNCHECKED, venue
from ui.theme import moment, price
from ui.view import view

with open_page(loaders.headline(), "one spike threshold, one champion, one live forecast"):
    settings, champion, runs = loaders.settings(), loaders.champion(), loaders.runs()
    stale = champion and loaders.stale(champion, settings, loaders.current_market())
    capturing = loaders.job("capture").running

    def facts() -> Facts:
        return Facts(
            loaders.current_market(),
            settings,
            loaders.job("capture"),
            loaders.job("monitor"),
            loaders.job("train"),
            champion,
            stale,
            loaders.comparison(),
        )

    @fragment(run_every=2.0 if capturing else None)
    def status() -> None:
        strip(home_cells(facts(), loaders.counters()))

    status()

    with st.container(key="path", gap=None):
        for one in steps(facts()):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                step(one.number, one.state, one.title, one.sentence)
                if one.state == "next":
                    if st.button(one.button, type="primary", key=f"next_{one.number}"):
                        actions.take(one.number)
                        st.switch_page(one.page)
                else:
                    st.page_link(one.page, label=one.link, icon=":material/arrow_forward:", icon_position="right")

    left, right = st.columns([3, 2], gap="large")
    with left:

        @fragment(run_every=1.0 if capturing else None)
        def now() -> None:
            market = loaders.current_market()
            seen = None
            if market is not None:
                tau = champion.tau_bps if champion else settings.tau_bps
                seen = view(loaders.live(market), volatility=loaders.market_question(settings).trailing, tau_bps=tau)
            if market is None or seen is None:
                block("Market now", "nothing captured yet")
                return
            spikes = "bands are spikes" if tau else "no τ yet, so no spikes"
            title = "Market now" if capturing else "Market, last seen"
            block(title, f"{venue(market.venue)}, mid {price(seen.last_mid)} USD, {moment(seen.last_ns)}, {spikes}")
            figure = charts.market_now(kind(), seen.t, seen.mid, spans=seen.spikes, gaps=seen.gaps)
            live_figure(figure, key="now", label="Mid price of the last 15 minutes with spikes and gaps")

        now()
    with right, caught():
        block("What the evidence says", "average precision on the test split")
        if runs:
            figure = charts.ap_dots(kind(), lines_of(runs[0], champion))
            st.plotly_chart(figure, theme=None, config={"displayModeBar": False}, key="ap")
            note(UNCHECKED)
        else:
            note("No scores yet: nothing was trained.")
