"""Panels of the home page: the path from the first tick to a watched market, and the words that a newcomer needs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs import Job
from ui import actions, loaders, text
from ui.parts import block, box, fragment, note, step
from ui.pipeline import Step

WORDS = ("tau", "theta", "base_rate", "ap", "champion")
"""What every page speaks of."""


def path(steps: Sequence[Step]) -> None:
    """One line a step, ticked where it is done; the next one has the page's primary button."""
    with st.container(key="path", gap=None):
        for one in steps:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                step(one.number, one.state, one.title, one.sentence)
                if one.state == "next" and one.button:
                    if st.button(one.button, type="primary", key=f"next_{one.number}"):
                        actions.take(one.act)
                        if one.act == "sample":
                            st.rerun()
                        st.switch_page(one.page)
                else:
                    st.page_link(one.page, label=one.link, icon=":material/arrow_forward:", icon_position="right")


def sample(job: Job) -> None:
    """How far the sample day is, with a way to stop it; and why the last one failed."""
    if job.state in ("failed", "died"):
        box(f"The sample day was not loaded: {job.message}", "bad", key="sample_failed")
    if not job.running:
        return

    @fragment(run_every=1.0)
    def progress() -> None:
        now = loaders.job("sample")
        if now.running:
            st.progress(min(max(now.progress, 0.0), 1.0), text=now.message or "starting")
            if st.button("Stop loading", key="stop_sample"):
                actions.stop("sample")
                st.rerun()

    progress()


def newcomer() -> None:
    """What an empty home says instead of figures: the other ways in, and the words that the pages speak."""
    with st.container(horizontal=True, key="ways", vertical_alignment="center"):
        note("Ticks of a real exchange, or a recording of yours:")
        for label, page in (
            ("Start a capture", "pages/1_Live_capture.py"),
            ("Import a recording", "pages/1_Live_capture.py"),
        ):
            st.page_link(page, label=label, icon=":material/arrow_forward:", icon_position="right")
    block("Five words", "they mean the same on every page")
    for name in WORDS:
        term, _, meaning = text.HELP[name].partition(":")
        note(f"<b>{term}</b>:{meaning}")


__all__ = ["newcomer", "path", "sample"]
