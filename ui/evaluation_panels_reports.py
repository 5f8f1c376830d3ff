"""The evaluation page's downloads: the report of this training, or the button that makes it."""

from __future__ import annotations

import streamlit as st

from core.evaluation.record import Evaluation
from ui import actions, loaders
from ui.evaluation_panels import progress
from ui.shell import block, box, code, note

FILES = {
    "pdf": ("Download PDF", "tremor_model_eval.pdf", "application/pdf"),
    "png": ("Download comparison", "tremor_model_comparison.png", "image/png"),
    "card": ("Download model card", "tremor_model_card.md", "text/markdown"),
}


def downloads(e: Evaluation) -> None:
    """PDF, comparison and model card of this training."""
    block("Report", "PDF, comparison and model card, all from this one evaluation")
    job, papers = loaders.job("report"), loaders.papers(e.training)
    if papers is not None:
        with st.container(horizontal=True, key="downloads"):
            for name, (label, file, mime) in FILES.items():
                st.download_button(
                    label, getattr(papers, name), file, mime, key=f"download_{name}", on_click="ignore"
                )  # fmt: skip
    elif not job.running:
        note("The report of this training is not made yet. Making it takes about a minute.")
        st.button("Make the report", key="make_report", on_click=actions.report)
    progress(job, "Stop the report")
    if job.state in ("failed", "died"):
        box(f"The last report failed: {job.message}", "bad", key="report_failed")
    note(f"Training {code(e.training)}, MLflow run {code(e.run_id or '–')}, data {code(e.fingerprint)}, seed {e.seed}.")


__all__ = ["downloads"]
