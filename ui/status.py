"""The common status line: feed, gaps, model, τ, θ and the job that runs, under the title of every page."""

from __future__ import annotations

import time

import streamlit as st

from core.errors import TremorError
from core.jobs import Job
from ui import loaders
from ui.cells.common import common_cells
from ui.parts import Cell, fragment, line


def status_line() -> None:
    """Draw the line and keep it current: each second while a job runs, else every 2 s while something live does.

    The page is drawn anew once when a job ends: what it has made belongs on the page. Where the home cannot be read
    nothing is drawn: the page's body reads it again and says why.
    """
    try:
        drawn = loaders.busy()
        live = any(loaders.job(name).running for name in ("capture", "monitor"))
    except TremorError:
        return

    @fragment(run_every=1.0 if drawn.running else 2.0 if live else None)
    def common() -> None:
        try:
            job, cells = _now()
        except TremorError:
            return
        line(cells)
        if drawn.running and (job.name, job.started_ns, job.running) != (drawn.name, drawn.started_ns, True):
            st.rerun()

    common()


def _now() -> tuple[Job, list[Cell]]:
    settings, market, champion, job = loaders.settings(), loaders.current_market(), loaders.champion(), loaders.busy()
    return job, common_cells(
        loaders.counters(),
        market,
        [] if market is None else loaders.missing(market),
        settings,
        champion,
        loaders.stale(champion, settings, market) if champion else None,
        loaders.theta(champion, settings) if champion else None,
        job,
        time.time_ns(),
    )


__all__ = ["status_line"]
