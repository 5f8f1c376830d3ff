"""The champion on the live market: one forecast a second against θ."""

import streamlit as st

from ui import loaders, monitor_panels, shown, text
from ui.alert_panel import alert_panel
from ui.alert_rule import alert_rule
from ui.cells import monitor_cells, no_data
from ui.escrow_panel import escrow_panel
from ui.shell import box, empty, fragment, open_page, strip

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
    ticking, rule = job.running or capturing, loaders.rule(champion, settings)
    if stale := loaders.stale(champion, settings, market):
        about = text.tau(champion.tau_bps, champion.tau_relative)
        box(f"Model stale: {stale}. Its forecasts are about τ {about}.", "warn", key="stale")
    if other := loaders.watched_elsewhere(job, market):
        box(f"The monitor watches {other}. Stop it and start it again.", "warn", key="other_market")
    if job.state in ("failed", "died"):
        box(f"The monitor stopped: {job.message}", "bad", key="monitor_failed")

    top = st.container()
    left, right = st.columns([2, 1], gap="large")
    with left:
        monitor_panels.running(job, capturing, champion)
        shadows = monitor_panels.choose_shadows(champion)
    with right:
        alert_rule(champion, settings)

    @fragment(run_every=monitor_panels.EVERY_S if ticking else None)
    def watch() -> None:
        shown.follow(market)
        here, now, said = loaders.current_market() or market, loaders.counters(), loaders.job("monitor")
        best, elsewhere = loaders.champion(), loaders.watched_elsewhere(said, here)
        asked = loaders.settings()
        outdated = loaders.stale(champion, asked, here)
        if (said.running, now.running, elsewhere, outdated, best) != (
            job.running, capturing, other, stale, champion,
        ) or loaders.rule(champion, asked) != rule:  # fmt: skip
            st.rerun()  # what stands around is no longer so
        theta = loaders.theta(champion, asked)
        seen = monitor_panels.look(here, champion, shadows)
        why = no_data(now)
        strip(monitor_cells(now, said, seen, champion, theta, elsewhere, stale, loaders.alerts(here)[0]))
        if now.running and why is not None:
            told = f" The capture says: {now.message}." if now.message not in ("", "receiving", why) else ""
            box(f"No data: {why}.{told}", "warn", key="silent")
        if seen is None:
            box("Waiting for the first bars: one closes each second.", "idle", key="waiting")
            return
        monitor_panels.figure(seen, here, champion, theta, why is None, stale)
        monitor_panels.meaning(seen, champion, said, why is None, stale)

    with top:
        watch()
    alert_panel(market, ticking)
    escrow_panel(market, champion, ticking)
