"""Start and stop the capture, and see whether the feed is healthy."""

import streamlit as st

from ui import actions, charts, loaders, text
from ui.cells import capture_cells
from ui.frames import times
from ui.live_figure import live_figure
from ui.shell import block, box, empty, fragment, kind, note, open_page, strip, table
from ui.tables import gap_rows, tick_rows
from ui.theme import count, size
from ui.view import view

with open_page("Live capture", "which market is recorded, and whether its feed is healthy"):
    settings = loaders.settings()
    running = loaders.job("capture").running
    every = 1.0 if running else None

    @fragment(run_every=2.0 if running else None)
    def health() -> None:
        now = loaders.counters()
        strip(capture_cells(now, loaders.current_market(), loaders.quarantined()))
        if running and not now.running:
            st.rerun()  # it ended by itself: the controls must say so
        if now.state in ("failed", "died"):
            box(f"The capture stopped: {now.message}", "bad", key="capture_failed")

    health()

    feeds = ["embedded", *loaders.feed_names()]
    if settings.feed == "reference" or any(m.venue == "reference" for m in loaders.markets()):
        feeds.append("reference")
    simulated = settings.feed == "embedded"
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        st.selectbox("Feed", feeds, index=feeds.index(settings.feed), format_func=text.feed, key="feed", width=300,
                     disabled=running, help=text.HELP["embedded"], on_change=actions.choose, args=("feed", "feed"))  # fmt: skip
        products = list(dict.fromkeys([settings.product, *text.PRODUCTS]))
        st.selectbox("Product", products, index=0, key="product", width=150, accept_new_options=True, disabled=running,
                     on_change=actions.choose, args=("product", "product"))  # fmt: skip
        if simulated:
            speeds = sorted({*text.SPEEDS, settings.speed})
            st.selectbox("Speed", speeds, index=speeds.index(settings.speed), format_func=lambda x: f"{x:g}x", key="speed",
                         width=110, disabled=running, help=text.HELP["speed"], on_change=actions.choose, args=("speed", "speed"))  # fmt: skip
            st.number_input("Seed", 0, 2**31 - 1, settings.seed, key="seed", width=130, disabled=running, help=text.HELP["seed"],
                            on_change=actions.choose, args=("seed", "seed"))  # fmt: skip
        if running:
            st.button("Stop capture", type="primary", key="stop_capture", on_click=actions.stop_capture)
        else:
            st.button("Start capture", type="primary", key="start_capture", on_click=actions.start_capture,
                      disabled=settings.feed == "reference")  # fmt: skip

    @fragment(run_every=every)
    def figures() -> None:
        market = loaders.current_market()
        if market is None:
            sentence = "No ticks yet. Start capture: the simulated market gives an hour of history in a minute at 60x."
            empty("Waiting for the first tick." if running else sentence)
            return
        start, ticks = loaders.minutes(market)
        block("Ticks a minute", f"{text.venue(market.venue)}, {market.product}, last 6 h of market time")
        live_figure(charts.ticks_per_minute(kind(), times(start), ticks), key="minutes", label="Ticks stored in each minute")
        seen = view(loaders.live(market))
        if seen is not None:
            block("Mid and spread", "last 15 min, 1 s")
            figure = charts.mid_and_spread(kind(), seen.t, seen.mid, seen.spread_bps, gaps=seen.gaps)
            live_figure(figure, key="mid", label="Mid price and spread of the last 15 minutes")

    figures()

    @fragment(run_every=every)
    def evidence() -> None:
        market = loaders.current_market()
        if market is None:
            return
        left, right = st.columns([3, 2], gap="large")
        with left:
            block("Last 20 ticks", "newest first")
            table(*tick_rows(loaders.last_ticks(market)), key="last_ticks")
        with right:
            holes = loaders.gaps(market)
            block("Gaps", "jumps of the trade id, newest first")
            if not holes:
                note("No trade is known to be missing.")
            else:
                table(*gap_rows(holes), key="gaps")

    evidence()

    with st.expander("Import a recording"):
        done = loaders.job("import")
        note("Frames as NDJSON (also .gz, .zst), CSV or Parquet. Ticks that are stored already are counted as duplicates.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Path on this machine", key="import_path", width=520, placeholder="/home/me/ticks.parquet")
            st.button("Import file", key="import_file", on_click=actions.import_path, args=("import_path",), disabled=done.running)
        st.file_uploader("Or drop a file, 50 MB at most", key="upload", type=["gz", "zst", "ndjson", "jsonl", "csv", "parquet", "txt"])
        st.button("Import upload", key="import_upload", on_click=actions.import_upload, args=("upload",), disabled=done.running)

        @fragment(run_every=1.0 if done.running else None)
        def imported() -> None:
            said = loaders.job("import")
            if said.state != "none":
                failed = said.state in ("failed", "died")
                box(f"Last import: {said.state}. {said.message}", "bad" if failed else "idle", key="import_state")
            if done.running and not said.running:
                st.rerun()

        imported()
    with st.expander(f"Quarantine: {count(loaders.quarantined())} frames"):
        note(text.HELP["quarantine"])
    with st.expander("Where the files are"):
        path, taken = loaders.store_file()
        note(f"Tick store: <code>{path}</code>, {size(taken)}. The capture's log: <code>{loaders.home().jobs / 'capture.log'}</code>.")
