"""Two panels of the capture page: what is captured, and how a recording is imported."""

from __future__ import annotations

import streamlit as st

from core.config import Settings
from ui import actions, loaders, text
from ui.shell import box, fragment, note
from ui.state import Session


def controls(settings: Settings, running: bool) -> None:
    """Feed, product, and for the simulated market speed and seed, with the one button that starts or stops."""
    known = [name for name in text.FEEDS if name in loaders.feed_names()]
    feeds = ["embedded", *known, *(name for name in loaders.feed_names() if name not in known)]
    if settings.feed == "reference" or any(m.venue == "reference" for m in loaders.markets()):
        feeds.append("reference")
    simulated, session = settings.feed == "embedded", Session()
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        st.selectbox(
            "Feed",
            feeds,
            format_func=text.feed,
            key=session.show("feed", settings.feed),
            width=300,
            disabled=running,
            help=text.HELP["embedded"],
            on_change=actions.choose_market,
            args=("feed", "feed"),
        )
        products = list(dict.fromkeys([settings.product, *text.PRODUCTS]))
        st.selectbox(
            "Product",
            products,
            key=session.show("product", settings.product),
            width=150,
            accept_new_options=True,
            disabled=running,
            on_change=actions.choose_market,
            args=("product", "product"),
        )
        if simulated:
            speeds = sorted({*text.SPEEDS, settings.speed})
            st.selectbox(
                "Speed",
                speeds,
                format_func=lambda x: f"{x:g}x",
                key=session.show("speed", settings.speed),
                width=110,
                disabled=running,
                help=text.HELP["speed"],
                on_change=actions.choose,
                args=("speed", "speed"),
            )
            st.number_input(
                "Seed",
                0,
                max(2**31 - 1, settings.seed),
                key=session.show("seed", settings.seed),
                width=130,
                disabled=running,
                help=text.HELP["seed"],
                on_change=actions.choose,
                args=("seed", "seed"),
            )
        if running:
            st.button("Stop capture", type="primary", key="stop_capture", on_click=actions.stop_capture)
        else:
            st.button(
                "Start capture",
                type="primary",
                key="start_capture",
                on_click=actions.start_capture,
                disabled=settings.feed == "reference",
            )


def import_panel() -> None:
    """Import a recording from a path of this machine or from an upload, as a job."""
    with st.expander("Import a recording"):
        done = loaders.job("import")
        note("Frames as NDJSON (also .gz, .zst), CSV or Parquet. Ticks stored already are counted as duplicates.")
        names = ("import_venue", "import_product")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Venue, optional", key=names[0], width=250, placeholder="as in the file")
            st.text_input("Product, optional", key=names[1], width=250, placeholder="as in the file")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Path on this machine", key="import_path", width=520, placeholder="/home/me/ticks.parquet")
            st.button(
                "Import file",
                key="import_file",
                on_click=actions.import_path,
                args=("import_path", *names),
                disabled=done.running,
            )
        st.file_uploader(
            "Or drop a file, 50 MB at most",
            key="upload",
            type=["gz", "zst", "ndjson", "jsonl", "csv", "parquet", "txt"],
        )
        st.button(
            "Import upload",
            key="import_upload",
            on_click=actions.import_upload,
            args=("upload", *names),
            disabled=done.running,
        )

        @fragment(run_every=1.0 if done.running else None)
        def imported() -> None:
            said = loaders.job("import")
            if said.state != "none":
                failed = said.state in ("failed", "died")
                box(f"Last import: {said.state}. {said.message}", "bad" if failed else "idle", key="import_state")
            if done.running and not said.running:
                st.rerun()

        imported()


__all__ = ["controls", "import_panel"]
