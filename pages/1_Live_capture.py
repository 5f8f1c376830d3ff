"""Start and stop the capture, and see whether the feed is healthy."""

import streamlit as st

from ui import charts, loaders, shown, text
from ui.capture_panels import controls, import_panel
from ui.cells import capture_cells, no_data
from ui.frames import times
from ui.ledger_panels import files_panel, identity_panel, ledger_panel, quarantine_panel
from ui.live_figure import live_figure
from ui.shell import block, box, empty, fragment, kind, open_page, strip, table
from ui.tables import tick_rows
from ui.theme import count, moment
from ui.view import view

with open_page("Live capture", "which market is recorded, and whether its feed is healthy", loaders.shown()):
    settings, drawn = loaders.settings(), loaders.current_market()
    running = loaders.job("capture").running
    every = 1.0 if running else None

    @fragment(run_every=every)
    def health() -> None:
        shown.follow(drawn)
        now = loaders.counters()
        strip(capture_cells(now, loaders.current_market(), loaders.quarantined()))
        if running and not now.running:
            st.rerun()  # it ended by itself: the controls must say so
        if now.state in ("failed", "died"):
            box(f"The capture stopped: {now.message}", "bad", key="capture_failed")
        if now.trouble:
            box(f"The capture {now.trouble}", "bad", key="capture_trouble")
        identity_panel()

    health()

    controls(settings, running)
    shown.explain(settings, drawn, link=False)

    @fragment(run_every=every)
    def figures() -> None:
        market = loaders.current_market()
        if market is None:
            sentence = "No ticks yet. Start capture: the simulated market gives an hour of history in a minute at 60x."
            empty("Waiting for the first tick." if running else sentence)
            return
        start, ticks = loaders.minutes(market)
        block(
            "Ticks a minute",
            f"{text.market_name(market.venue, market.product)}, 6 h of market time to {moment(market.last_ns)}",
        )
        live_figure(
            charts.ticks_per_minute(kind(), times(start), ticks), key="minutes", label="Ticks stored in each minute"
        )
        seen = view(loaders.live(market))
        if seen is not None:
            current = no_data(loaders.counters()) is None
            until = f"15 min to {moment(seen.last_ns)}, 1 s"
            block("Mid and spread", until if current else f"last seen, {until}")
            figure = charts.mid_and_spread(kind(), seen.t, seen.mid, seen.spread_bps, gaps=seen.gaps, current=current)
            live_figure(figure, key="mid", label="Mid price and spread of the last 15 minutes")

    figures()

    @fragment(run_every=every)
    def evidence() -> None:
        market = loaders.current_market()
        if market is None:
            return
        ledger_panel(market)
        block("Last 20 ticks", "newest first")
        table(*tick_rows(loaders.last_ticks(market)), key="last_ticks")

    evidence()

    import_panel()
    with st.expander(f"Quarantine: {count(loaders.quarantined())} frames"):
        quarantine_panel()
    with st.expander("Where the files are"):
        files_panel()
