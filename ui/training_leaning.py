"""What a model of a training leans on, and one of its forecasts taken apart; and MLflow's own pages."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.evaluation.importance import Explained, Importance
from core.jobs import Job
from core.training.registry import Meta, Training
from ui import actions, charts, loaders
from ui.shell import block, box, code, kind, note
from ui.text import plural
from ui.theme import count, duration, gain, moment, percent, score
from ui.training_progress import watched
from ui.training_rows import cost_lines, part_lines


def leaning(training: Training, champion: Meta | None) -> None:
    """Choose a model of the training; see what it leans on, or ask for it."""
    job = loaders.job("importance")
    block("What a model leans on", "features of the validation part shuffled, and one forecast taken apart")
    if job.state in ("failed", "died"):
        box(f"It could not be told: {job.message}", "bad", key="importance_failed")
    names = {m.name: m for m in training.models}
    ranked = sorted(names, key=lambda name: (champion is None or name != champion.name, -names[name].validation.pr_auc))
    known = [name for name in ranked if loaders.leaning(name) is not None]
    first = ranked.index((known or ranked)[0])
    with st.container(horizontal=True, vertical_alignment="bottom", key="leaning"):
        name = st.selectbox(
            "Model", ranked, first, format_func=lambda one: names[one].title, key="leaning_model", width=220
        )  # fmt: skip
        made = loaders.leaning(name)
        if made is None and not job.running:
            st.button(
                f"Shuffle the features of {names[name].title}", key="explain", on_click=actions.explain, args=(name,)
            )
    watched(job, "Stop shuffling")
    if made is None:
        if not job.running:
            note("Not measured for this model yet: it takes some seconds, and nothing is trained.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        _shuffled(made)
    with right:
        _apart(made, names[name], job)


def _shuffled(made: Importance) -> None:
    st.plotly_chart(charts.costs(kind(), cost_lines(made)), theme=None, config={"displayModeBar": False}, key="costs")
    note(
        f"AP {score(made.ap)} on validation, base rate {percent(made.base_rate)}, {count(made.rows)} rows. Shuffled "
        f"{made.repeats} times in {made.blocks} blocks of {duration(made.block_s)}, which keep a feature's memory and "
        "cut its tie to what follows; the line is the lowest to the highest of the shuffles. Features whose ranks "
        "correlate by 0.7 or more on train are shuffled together: alone, each would be replaced by its twin. At 0 the "
        "model does without them."
    )


def _apart(made: Importance, meta: Meta, job: Job) -> None:
    if not made.explained:
        note(
            f"{escape(meta.title)} does not add features up, so its forecasts cannot be taken apart. Logistic "
            "regression and gradient boosting can."
        )
        return
    rows = {row.bar_end_ns: row for row in made.explained}
    at = st.selectbox(
        "Forecast of", list(rows), format_func=lambda ns: f"{moment(ns)}, {rows[ns].why}", key="explained", width=420
    )  # fmt: skip
    row = rows[at]
    st.plotly_chart(charts.parts(kind(), part_lines(row)), theme=None, config={"displayModeBar": False}, key="parts")
    note(_sum(row))
    with st.container(horizontal=True, vertical_alignment="bottom", key="explain_other"):
        when = st.text_input("Another second, UTC", placeholder="2026-04-06T15:02:00", key="explain_at", width=220)
        st.button(
            "Take this forecast apart", key="explain_row", disabled=job.running or not when,
            on_click=actions.explain, args=(meta.name, when),
        )  # fmt: skip


def _sum(row: Explained) -> str:
    came = {None: "", True: " A spike came.", False: " No spike came."}[row.spike]
    return (
        f"P {score(row.p)}: log-odds {gain(row.base)} before any feature, {gain(sum(row.adds))} by "
        f"{plural(len(row.adds), 'feature')}.{came} Exact: Shapley values of the trees, or weight times centred value; "
        "after calibration."
    )


def mlflow(training: Training | None) -> None:
    """Start MLflow's own pages, open them, stop them."""
    job = loaders.job("mlflow")
    if job.state in ("failed", "died"):
        box(f"MLflow's pages ended: {job.message}", "bad", key="mlflow_failed")
    url, number = job.fields.get("url"), job.fields.get("experiment")
    with st.container(horizontal=True, vertical_alignment="center", key="mlflow"):
        if not job.running:
            st.button("Start MLflow's pages", key="start_mlflow", on_click=actions.start_mlflow)
        elif url:
            st.link_button("Open MLflow", f"{url}/#/experiments/{number}", icon=":material/open_in_new:")
            e = None if training is None else loaders.evaluation(training.training)
            if e is not None and e.run_id:
                st.link_button("Open this training", f"{url}/#/experiments/{number}/runs/{e.run_id}")
    if job.running and url:
        st.button("Stop MLflow's pages", key="stop_mlflow", on_click=actions.stop, args=("mlflow",))
        note(f"They answer at {code(url)} on the machine that runs Tremor, to nobody else.")
    else:
        watched(job, "Stop MLflow's pages")
        note("They come from a process of their own on 127.0.0.1, about 20 s after the click, without a word outside.")


__all__ = ["leaning", "mlflow"]
