"""Train the models on the question that the settings ask, and see the runs."""

import streamlit as st

from core.features.span import ALL
from ui import actions, loaders, shown, text, training_panels
from ui import training_leaning as leaning
from ui import training_plan as plan
from ui import training_progress as progress
from ui import training_runs as past
from ui.cells import training_cells
from ui.shell import block, box, caught, code, empty, note, open_page, strip, table
from ui.training_rows import plan_rows

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
    if settings.label == "next_row":
        box(text.LEAKY, "warn", key="leaky")
    if job.state in ("failed", "died"):
        box(f"The last training failed: {job.message}", "bad", key="train_failed")

    tau, meter, left_out, span = None, None, "", ALL
    left, right = st.columns([5, 3], gap="large")
    with left:
        question = st.container()
        if market is not None:
            with caught():
                span = plan.span_control(loaders.stored(market), job.running)
                relative = settings.tau_relative is not None
                rows = loaders.labelled(market, loaders.market_question(settings), relative, span)
                at = loaders.threshold(rows, settings)
                tau, meter = rows.bps(at), loaders.meter(rows, at)
                left_out = " ".join(filter(None, (text.left_out(rows.missing), text.warming(rows.warming))))
        if meter:
            table(*plan_rows(meter), text=(0, 1, 7), key="plan")
            note(meter.sentence)
        if left_out:
            note(left_out)
        with question:
            asked = f"{settings.label} of the next {settings.horizon_s} s"
            block("What will be trained on", f"{asked}, τ {text.tau(tau, settings.tau_relative)}" if tau else asked)
        st.page_link("pages/2_Threshold_tuning.py", label="Change label, horizon or τ", icon=":material/straighten:")
    with right:
        block("Models", "the baselines are there to be beaten")
        chosen, folds = plan.models_control(job)
        if not job.running:
            with caught():
                plan.train_button(chosen, folds, span, meter, tuning)
        progress.watched(job, "Stop training")
    with top:
        size = sum(e.rows for e in meter.splits) if meter else None
        stale = champion and loaders.stale(champion, settings, market)
        strip(training_cells(tau, size, settings, champion, stale, job))
    progress.models(job)

    training = None
    if runs:
        with caught():
            training = past.runs(runs, champion)
            past.models(training, champion)
            training_panels.folds(training)
            leaning.leaning(training, champion)
        with caught():
            past.side_by_side(runs)
    elif not job.running:
        empty(f"No runs yet. Train the first {text.plural(len(loaders.offered()), 'model')}: the button is above.")
    if market is not None:
        with caught():
            training_panels.tuning(tuning, span, ready=meter is not None, training=job.running)
    block("MLflow", "every training as it was logged: parameters, metrics, curves, models")
    leaning.mlflow(training)
    with st.expander("Logs and ids"):
        note(f"Log of the last training: {code(loaders.log_file('train'))}")
        note(f"Log of the last tuning: {code(loaders.log_file('tune'))}")
        note(f"MLflow: {code(loaders.home().mlflow_uri)}")
        for m in training.models if training else ():
            note(f"{m.title}: run {code(m.run_id)}, artifact {code(m.name)}")
