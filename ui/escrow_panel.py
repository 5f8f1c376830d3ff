"""What became of the live forecasts: the champion's record beside its shadows', and whether any was changed since."""

from __future__ import annotations

import streamlit as st

from core.ingestion.store import Market
from core.live.escrow import Record
from core.training.registry import Meta
from ui import actions, loaders, text
from ui.shell import block, fragment, note, table
from ui.tables import Rows
from ui.theme import MISSING, count, gain, percent


def escrow_panel(market: Market, champion: Meta, ticking: bool) -> None:
    """The record of the shown market, and a button that walks the chain of hashes."""
    block("Forecasts in escrow", "each was written under a hash before its outcome was known, and graded afterwards")

    @fragment(run_every=5.0 if ticking else None)
    def fared() -> None:
        records = loaders.fared(market)
        if not records:
            note("No forecast was graded yet: the first grade comes a horizon after the monitor's first forecast.")
            return
        titles = {meta.name: meta.title for run in loaders.runs() for meta in run.models}
        table(*record_rows(records, titles, champion.name), key="escrow")
        note(text.HELP["skill"])

    fared()

    checking = loaders.job("escrow").running

    @fragment(run_every=1.0 if checking else None)
    def chain() -> None:
        job = loaders.job("escrow")
        if checking and not job.running:
            st.rerun()
        note("Walking the chain of hashes." if job.running else job.message or "The hashes were not checked yet.")

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Check all forecasts", key="check_escrow", on_click=actions.check_escrow, disabled=checking)
        chain()


def record_rows(records: list[Record], titles: dict[str, str], champion: str) -> Rows:
    """One row a model, the champion first; scores only where both classes were seen."""
    ordered = sorted(records, key=lambda r: (r.model != champion, -(r.skill if r.skill is not None else -1e9)))
    rows = [
        [
            titles.get(r.model, r.model) + (" ★" if r.model == champion else ""),
            count(r.graded),
            count(r.spikes),
            percent(r.spikes / r.graded) if r.graded else MISSING,
            MISSING if r.brier is None else f"{r.brier:.4f}",
            gain(r.skill),
            count(r.open),
            count(r.ungraded),
            count(r.late),
        ]
        for r in ordered
    ]
    return ["model", "graded", "spikes", "share", "Brier", "skill", "open", "no outcome", "too late"], rows


__all__ = ["escrow_panel", "record_rows"]
