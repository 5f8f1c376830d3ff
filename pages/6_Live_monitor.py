"""The champion on the live market: one forecast a second against θ."""

import streamlit as st

from ui import actions, charts, loaders, shown, text
from ui.alert_panel import alert_panel
from ui.alert_rule import alert_rule
from ui.cells import monitor_cells, no_data
from ui.escrow_panel import escrow_panel
from ui.live_figure import live_figure
from ui.shell import block, box, empty, fragment, kind, note, open_page, strip
from ui.theme import percent, prob, score
from ui.view import view

with open_page("Live monitor", "the champion on the market, one forecast a second", loaders.shown()):
    settings, market, champion = loaders.settings(), loaders.current_market(), loaders.champion()
    if champion is None:
        offered = text.plural(len(loaders.offered()), "model")
        empty(
            f"No champion yet. The monitor needs one: train {offered}, the best on validation becomes champion.",
            "pages/3_Training.py",
            "Open training",
        )
        st.stop()
    if market is None:
        empty(
            "No ticks yet. The monitor watches what is captured: start a capture.",
            "pages/1_Live_capture.py",
            "Open capture",
        )
        st.stop()
    shown.explain(settings, market)
    job, capturing = loaders.job("monitor"), loaders.job("capture").running
    ticking = job.running or capturing
    if stale := loaders.stale(champion, settings, market):
        box(
            f"The champion answers another question: {stale}. Its forecasts are about τ "
            f"{text.tau(champion.tau_bps, champion.tau_relative)}.",
            "warn",
            key="stale",
        )
    if other := loaders.watched_elsewhere(job, market):
        box(f"The monitor watches {other}. Stop it and start it again.", "warn", key="other_market")
    if job.state in ("failed", "died"):
        box(f"The monitor stopped: {job.message}", "bad", key="monitor_failed")

    @fragment(run_every=1.0 if ticking else None)
    def watch() -> None:
        shown.follow(market)
        here, now, said = loaders.current_market() or market, loaders.counters(), loaders.job("monitor")
        best, elsewhere = loaders.champion(), loaders.watched_elsewhere(said, here)
        if (said.running, now.running, elsewhere) != (job.running, capturing, other) or best != champion:
            st.rerun()  # what stands around is no longer so
        theta = loaders.theta(champion, loaders.settings())
        stretch = loaders.live(here)
        since = int(stretch.bars.bar_end_ns[0]) if len(stretch) else 0
        seen = view(
            stretch,
            rule=champion.asked,
            forecast=loaders.said(here, champion.name, since),
        )
        strip(monitor_cells(now, said, seen, champion, theta, elsewhere))
        why = no_data(now)
        live = why is None
        if now.running and why is not None:
            told = f" The capture says: {now.message}." if now.message not in ("", "receiving", why) else ""
            box(f"No data: {why}.{told}", "warn", key="silent")
        if seen is None:
            box("Waiting for the first bars: one closes each second.", "idle", key="waiting")
            return
        bands = text.bands(champion.horizon_s, text.tau(seen.last_tau_bps, champion.tau_relative, "now"))
        block(f"{champion.title} ★ on {here.product}", f"{text.venue(here.venue)}, {bands}")
        figure = charts.monitor(
            kind(),
            seen.t,
            seen.mid,
            seen.p,
            spans=seen.spikes,
            gaps=seen.gaps,
            theta=theta,
            horizon_s=champion.horizon_s,
            p_now=seen.last_p if live else None,
            current=live,
        )
        live_figure(
            figure, key="monitor", label="Mid price with spikes, and the probability of a spike with its threshold"
        )

    watch()

    left, right = st.columns([2, 1], gap="large")
    with left:
        block("Monitor", "one forecast for every bar that closes, kept in the home")
        with st.container(horizontal=True, vertical_alignment="center"):
            if job.running:
                st.button("Stop monitor", type="primary", key="stop_monitor", on_click=actions.stop, args=("monitor",))
            else:
                st.button("Start monitor", type="primary", key="start_monitor", on_click=actions.start_monitor)
            if not capturing:
                st.page_link(
                    "pages/1_Live_capture.py",
                    label="No capture runs: start one",
                    icon=":material/arrow_forward:",
                    icon_position="right",
                )
        s = champion.scores
        note(
            f"On the test split at θ {score(s.theta)}: precision {prob(s.precision)}, recall {prob(s.recall)}, "
            f"base rate {percent(s.base_rate)}, "
            f"from {s.n_spikes:,} spikes in {s.n_rows:,} rows. {text.sentence(champion.leakage.words)}"
        )
    with right:
        alert_rule(champion, settings)
    alert_panel(market, ticking)
    escrow_panel(market, champion, ticking)
