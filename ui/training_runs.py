"""Past trainings: a row each, the models of a chosen one, and two of them side by side."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.training.registry import Meta, Training
from ui import loaders
from ui.shell import block, box, fragment, note, table
from ui.state import Session
from ui.text import market_name, tau_cell
from ui.theme import moment
from ui.training_rows import difference_rows, model_rows, pair_rows, run_rows


def called(training: Training) -> str:
    """A training in a few words, for a list to choose from."""
    led = loaders.summary(training).title or "no model"
    tau = tau_cell(training.tau_bps, training.tau_relative, " bps")
    return f"{moment(training.trained_ns)}, {led}, {training.label}, τ {tau}"


def runs(trainings: list[Training], champion: Meta | None) -> Training:
    """All of them in a table, and the one that is looked at closer."""
    block("Runs", "newest first, one row a training; ★ watches the market")
    summaries = [loaders.summary(t) for t in trainings[:30]]
    table(*run_rows(trainings[:30], summaries, champion), text=(0, 1, 2, 7, 10, 11), key="runs")
    known = {t.training: t for t in trainings}
    newest = Session().anew("training", trainings[0].training)  # one that has just ended is looked at
    name = st.selectbox(
        "Look closer at", list(known), format_func=lambda one: called(known[one]), key=newest, width=520
    )
    return known[name]


def models(training: Training, champion: Meta | None) -> None:
    """Each model of one training, and what was left out of it."""
    e = loaders.evaluation(training.training)
    block("Models of this training", f"{market_name(training.venue, training.product)}, 95 % intervals on test")
    table(*model_rows(training, e, champion), key="of_training")
    if e is not None:
        for one in e.left_out:
            note(f"Left out: {escape(one.why)}")
        note(escape(e.verdict.sentence))
    leakage = training.models[0].leakage.words
    note(escape(leakage[:1].upper() + leakage[1:]) + ". An AP near 1 is a bug until proven otherwise.")


@fragment()
def side_by_side(trainings: list[Training]) -> None:
    """Choose two trainings: what differs, and each shared model's score in both, paired where it can be."""
    block("Two trainings side by side", "what differs, and whether the scores may be held against each other")
    if len(trainings) < 2:
        note("There is one training in this home. Train again, with another τ, range or other models, to compare.")
        return
    known = {t.training: t for t in trainings}
    with st.container(horizontal=True, key="sides"):
        a = st.selectbox("A", list(known), format_func=lambda one: called(known[one]), key="side_a", width=420)
        b = st.selectbox("B", list(known), 1, format_func=lambda one: called(known[one]), key="side_b", width=420)
    made = loaders.compared(known[a], known[b])
    if made is None:
        box("One of them was made before evaluations existed: it has no rows to compare on.", "warn", key="no_rows")
        return
    box(made.why, "ok" if made.paired else "warn", key="paired")
    left, right = st.columns([3, 2], gap="large")
    with left:
        table(*pair_rows(made), key="pairs")
    with right:
        if made.differences:
            table(*difference_rows(made), text=(0, 1, 2), key="differences")
        else:
            note("They differ in nothing that is kept: question, rows, features, models, parameters, seed.")


__all__ = ["models", "runs", "side_by_side"]
