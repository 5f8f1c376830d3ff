"""Panels of the training page: the folds of a training, and better hyper-parameters by trial."""

from __future__ import annotations

import functools
from html import escape

import streamlit as st

import models
from core.features.span import Span
from core.jobs import Job
from core.training import tuned
from core.training.registry import Training
from ui import actions, loaders
from ui.shell import block, box, note, table
from ui.tables import fold_lift_rows, fold_rows, tuning_rows
from ui.training_progress import watched

TRIALS = (10, 20, 50)


def folds(training: Training) -> None:
    """Each model on each fold of a training, and what the champion was chosen on."""
    found = loaders.evaluation(training.training)
    if found is None or not found.folds_note:
        return
    block("Folds of this training", "walk-forward: trained on all before, scored on the stretch; test is not seen")
    if found.folds:
        titles = {m.model: m.title for m in training.models}
        champion = (found.champion or "").rpartition("-")[0]
        table(*fold_lift_rows(found.folds, titles, champion), text=(0,), key="fold_lifts")
        table(*fold_rows(found.folds), text=(0, 1), key="folds")
    note(escape(found.folds_note))
    whys = {f"{f.model}: {f.note}" for f in found.folds if f.note and f.base_rate not in (0.0, 1.0)}
    for said in [*sorted(whys), *(f"{m.title}: {m.note}" for m in training.models if "Tuned by" in m.note)]:
        note(escape(said))


def tuning(job: Job, span: Span, *, ready: bool, training: bool) -> None:
    """The control of a tuning, its progress, and what the last ones found on the question that is asked now.

    span : the range to tune on; ready : there are rows to tune on; training : a training runs, beside which no tuning
    starts
    """
    block("Tuning", "hyper-parameters by trial on folds of train and validation; test is not seen")
    if job.state in ("failed", "died"):
        box(f"The last tuning failed: {job.message}", "bad", key="tune_failed")
    offered = tunable()
    with st.container(horizontal=True, vertical_alignment="bottom", key="tuning"):
        name = st.selectbox(
            "Model to tune", list(offered), format_func=offered.__getitem__, key="tune_model", disabled=job.running,
            width=220,
        )  # fmt: skip
        trials = st.selectbox("Trials", TRIALS, index=1, key="tune_trials", disabled=job.running, width=100)
        if not job.running:
            st.button(
                f"Tune {offered[name]}", key="tune", on_click=actions.tune, args=(name, trials, span),
                disabled=not ready or training,
            )  # fmt: skip
    watched(job, "Stop tuning")
    market = loaders.current_market()
    found = tuned.tunings(loaders.home(), loaders.settings(), market.venue, market.product) if market else []
    if found:
        table(*tuning_rows(found), text=(0, 1, 2), key="tunings")
        for one in found:
            if not one.used:
                note(escape(f"{one.title}: {one.sentence}"))
    if job.state == "stopped":
        note("Stopped; the trials that were finished are kept, and the same tuning goes on from them.")
    elif not found and not job.running:
        note("Nothing tuned on this question yet. What is found is used by the next training, where its gain is above "
             "its standard error.")  # fmt: skip


@functools.cache
def tunable() -> dict[str, str]:
    """Models that can be tuned: name -> title."""
    return {name: module.TITLE for name, module in models.discover().items() if hasattr(module, "SPACE")}


__all__ = ["folds", "tunable", "tuning"]
