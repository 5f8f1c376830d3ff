"""While it runs: how far a job is, and where each model of a training stands."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.jobs import Job
from core.training.standing import standings
from ui import actions, loaders
from ui.shell import block, fragment, note, table
from ui.training_rows import standing_rows


def watched(job: Job, stop: str) -> None:
    """A running job's bar with a button to stop it; the page is drawn anew when it ends. Nothing of one that is not."""
    if not job.running:
        return

    @fragment(run_every=1.0)
    def bar() -> None:
        now = loaders.job(job.name)
        if not now.running:
            st.rerun()
        st.progress(min(max(now.progress, 0.0), 1.0), text=now.message or "starting")

    bar()
    st.button(stop, key=f"stop_{job.name}", on_click=actions.stop, args=(job.name,))


def models(job: Job) -> None:
    """Each model of a running training, or of one that ended without models, with what is known of it so far."""
    if not (job.running or job.state in ("failed", "died", "stopped")):
        return

    @fragment(run_every=1.0 if job.running else None)
    def rows() -> None:
        now = standings(loaders.job(job.name))
        if not now:
            return  # it has not come to the models yet
        block(
            "This training" if job.running else "The training that did not end",
            "scores come as models are fitted; the test part is scored once, at the end",
        )
        table(*standing_rows(now), text=(0, 1), key="standings")
        for one in now:
            if one.state == "left out":
                note(f"Left out: {escape(one.why)}")
        note(
            "Validation stops the fits, bends the probabilities and chooses θ, so its AP flatters. The champion is "
            "chosen before the test part is looked at."
        )

    rows()


__all__ = ["models", "watched"]
