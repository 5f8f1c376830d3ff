"""Train the models on the question that the settings ask, and see the runs."""

import streamlit as st

from ui import actions, loaders, shown, text, training_panels
from ui.cells import training_cells
from ui.shell import block, box, caught, code, empty, fragment, note, open_page, strip, table
from ui.tables import evidence_rows, run_rows, split_rows

title, sentence = "Training", "which models learn to answer the question, and what they learn from"
with open_page(title, sentence, loaders.shown()):
    settings, market, champion = loaders.settings(), loaders.current_market(), loaders.champion()
    job, tuning, runs = loaders.job("train"), loaders.job("tune"), loaders.runs()
    if market is None and not runs:
        empty(
            "No ticks yet. Models learn from captured minutes: start a capture, or import a recording.",
            "pages/1_Live_capture.py",
            "Open capture",
        )
        st.stop()
    if {job.state, tuning.state} & {"died", "failed", "stopped"}:
        actions.close_runs()
    shown.explain(settings, market)
    top = st.container()
    tau, meter, left_out = None, None, ""
    if market is not None:
        with caught():
            rows = loaders.labelled(market, loaders.market_question(settings), settings.tau_relative is not None)
            at = loaders.threshold(rows, settings)
            tau, meter = rows.bps(at), loaders.meter(rows, at)
            left_out = " ".join(filter(None, (text.left_out(rows.missing), text.warming(rows.warming))))
    with top:
        size = sum(e.rows for e in meter.splits) if meter else None
        stale = champion and loaders.stale(champion, settings, market)
        strip(training_cells(tau, size, settings, champion, stale, job))
    if settings.label == "next_row":
        box(text.LEAKY, "warn", key="leaky")
    if job.state in ("failed", "died"):
        box(f"The last training failed: {job.message}", "bad", key="train_failed")

    left, right = st.columns([3, 2], gap="large")
    with left:
        asked = f"τ {text.tau(tau, settings.tau_relative)} over the next {settings.horizon_s} s"
        block("What will be trained on", asked if tau else "")
        if meter:
            table(*split_rows(meter), key="splits")
            table(*evidence_rows(meter), text=(0, 1), key="evidence")
            note(meter.sentence)
        if left_out:
            note(left_out)
    with right:
        block("Models", "the baselines are there to be beaten")
        with st.container(horizontal=True, key="models"):
            offered = loaders.offered()
            chosen = [
                name
                for name, title in offered.items()
                if st.checkbox(title, value=True, key=f"model_{name}", disabled=job.running)
            ]
        label = f"Train {text.plural(len(chosen), 'model')}"
        if not job.running:
            st.button(
                label,
                type="primary",
                key="train",
                on_click=actions.train,
                args=(chosen,),
                disabled=not chosen or not meter or tuning.running,
            )
            note("A tuning runs: train when it has ended." if tuning.running else
                 "About a minute on this machine; the page may be left.")  # fmt: skip

        @fragment(run_every=1.0 if job.running else None)
        def progress() -> None:
            now = loaders.job("train")
            if now.running:
                st.progress(min(max(now.progress, 0.0), 1.0), text=now.message or "starting")
                if st.button("Stop training", key="stop_train"):
                    actions.stop("train")
                    st.rerun()
            elif job.running:
                st.rerun()

        progress()

    block("Runs", "newest first, scores of the test split, ★ is the champion")
    if runs:
        table(*run_rows(runs, champion), text=(0, 1, 2, 3), key="runs")
        note(text.sentence(runs[0].models[0].leakage.words) + " An AP near 1 is a bug until proven otherwise.")
    elif not job.running:
        first = f"the first {text.plural(len(offered), 'model')}"
        empty(f"No runs yet. Train {first}: under a minute on this machine.")
    if runs:
        training_panels.folds(runs[0])
    if market is not None:
        training_panels.tuning(tuning, ready=meter is not None, training=job.running)
    with st.expander("Log and MLflow"):
        note(f"Log of the last training: {code(loaders.log_file('train'))}")
        note(f"Log of the last tuning: {code(loaders.log_file('tune'))}")
        note(f"MLflow: {code(loaders.home().mlflow_uri)}")
        for training in runs[:1]:
            for m in training.models:
                note(f"{m.title}: run {code(m.run_id)}, artifact {code(m.name)}")
