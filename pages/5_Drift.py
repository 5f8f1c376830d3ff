"""Have the features moved since the models were trained?"""

import streamlit as st

from ui import actions, loaders, shown
from ui.cells import compared_here, drift_cells
from ui.shell import block, box, empty, fragment, note, open_page, strip, table
from ui.tables import drift_rows
from ui.text import market_name
from ui.theme import count, moment

REFERENCES = {"train": "train split", "validation": "validation split"}
CURRENTS = {"test": "test split", "last": "last hour", "validation": "validation split"}

title, sentence = "Drift", "whether the market still looks as it did when the models were trained"
with open_page(title, sentence, loaders.shown()):
    market, last, job = loaders.current_market(), loaders.comparison(), loaders.job("drift")
    if market is None:
        empty(
            "No ticks yet. Drift compares what was captured lately with what the models learned from.",
            "pages/1_Live_capture.py",
            "Open capture",
        )
        st.stop()
    shown.explain(loaders.settings(), market)
    made = compared_here(last, market)
    strip(drift_cells(made, job))
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        reference = st.selectbox(
            "Reference", REFERENCES, format_func=REFERENCES.get, key="reference", width=220, disabled=job.running
        )
        current = st.selectbox(
            "Current", CURRENTS, format_func=CURRENTS.get, key="current", width=220, disabled=job.running
        )
        if not job.running:
            st.button(
                "Compare",
                type="primary",
                key="compare",
                on_click=actions.compare,
                args=(reference, current),
            )

    @fragment(run_every=1.0 if job.running else None)
    def progress() -> None:
        now = loaders.job("drift")
        if now.running:
            st.progress(min(max(now.progress, 0.0), 1.0), text=now.message or "starting")
            if st.button("Stop comparison", key="stop_drift"):
                actions.stop("drift")
                st.rerun()
        elif job.running:
            st.rerun()

    progress()
    if job.state in ("failed", "died"):
        box(f"The last comparison failed: {job.message}", "bad", key="drift_failed")
    if made is None:
        if not job.running:
            other = f" The last comparison is of {market_name(last.venue, last.product)}." if last else ""
            empty(f"Nothing compared yet.{other} Compare the training split with the newest rows: under a minute.")
        st.stop()

    a, b, of = made.reference, made.current, market_name(made.venue, made.product)
    block(
        "Feature by feature",
        f"{of}, {a.name} from {moment(a.first_ns)} against {b.name} to {moment(b.last_ns)}",
    )
    note(made.note)
    moved, others = drift_rows(made, moved=True), drift_rows(made, moved=False)
    if moved[1]:
        table(*moved, text=(0, 1, 2), key="drift_table")
    with st.expander(f"{len(others[1])} features as before", expanded=not moved[1]):
        table(*others, text=(0, 1, 2), key="drift_others")
    note(
        f"Compared: {count(a.compared)} of {count(a.rows)} rows with {count(b.compared)} of {count(b.rows)}."
        + (f" Left out, because one part has none: {', '.join(made.left_out)}." if made.left_out else "")
    )
    sheet = loaders.sheet(made)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        block("Evidently's report", "its own page, with its own scroll")
        st.download_button("Download HTML", sheet, "tremor_drift.html", "text/html", key="download", on_click="ignore")
    with st.container(key="sheet"):
        st.iframe(sheet, height=900)
