"""The evaluation page's leakage panel: the doctor's checks, and a leak to plant and watch."""

from __future__ import annotations

import streamlit as st

from core.evaluation.record import Evaluation
from ui import actions, charts, loaders
from ui.evaluation_panels import figure, progress
from ui.evaluation_rows import check_rows, planted_rows
from ui.evidence import planted_lines
from ui.shell import block, box, kind, note, table
from ui.text import PLANTS, plural, sentence, tau
from ui.theme import moment

LEVEL = {"clean": "ok", "leaky": "bad", "undecided": "warn"}


def checks(e: Evaluation) -> None:
    """What the doctor asked of this training's pipeline, and what it saw."""
    block("Leakage", "does the future, or the test part, reach what a model learns from")
    box(sentence(e.leakage.words), LEVEL[e.leakage.verdict], key="leakage")  # type: ignore[arg-type]
    if e.leakage.checks:
        table(*check_rows(e.leakage), text=(0, 1, 2), key="checks")


def plant() -> None:
    """Plant a leak into the pipeline, and see what it earns beside the honest score, and whether it is caught."""
    block(
        "Plant a leak and watch",
        "a well-known mistake is put into a copy of the pipeline; nothing of this home changes",
    )
    job = loaders.job("leakage")
    with st.container(horizontal=True, vertical_alignment="bottom", key="plant_controls"):
        name = st.selectbox(
            "Leak", list(PLANTS), format_func=PLANTS.__getitem__, key="plant_name", width=420, disabled=job.running
        )
        if not job.running:
            st.button("Plant this leak", key="plant", disabled=name is None, on_click=actions.plant, args=(name,))

    progress(job, "Stop planting")
    if job.state in ("failed", "died"):
        box(f"The last planting failed: {job.message}", "bad", key="plant_failed")
    planted = loaders.planted(name)
    if planted is None:
        if not job.running:
            note("Not planted in this home yet. Planting takes about a minute and leaves the trained models alone.")
        return
    caught = f"The doctor caught it: {', '.join(c.replace('_', ' ') for c in planted.by)} failed."
    box(caught if planted.caught else "The doctor did not catch this leak here.", "ok" if planted.caught else "bad",
        key="caught")  # fmt: skip
    note(f"Planted {moment(planted.made_ns)}: {planted.title}.")
    if planted.note:
        note(sentence(planted.note.rstrip(".")))
    if not (planted.illusion and planted.honest):
        return
    leaking, honest = planted_lines(planted)
    left, right = st.columns(2, gap="large")
    with left:
        block("With the leak", f"an illusion, at τ {tau(planted.illusion_tau_bps, planted.illusion_tau_relative)}")
        figure(charts.pr_curves(kind(), leaking, height=400), "illusion")
    with right:
        block("Honest", f"the same models without it, at τ {tau(planted.honest_tau_bps, planted.honest_tau_relative)}")
        figure(charts.pr_curves(kind(), honest, height=400), "honest")
    table(*planted_rows(planted), key="planted")
    asked = f"{planted.label} of the next {planted.horizon_s} s"
    note(
        f"Scored once, without intervals: it shows what a mistake looks like. {plural(len(leaking), 'model')}, {asked}."
    )


__all__ = ["checks", "plant"]
