"""The blocks of the threshold page beside the dial: the decision, what it makes of the market, estimators, journey."""

from __future__ import annotations

import streamlit as st

from core.config import Settings
from core.errors import NotEnough
from core.features import journey
from core.features.dataset import Labelled
from core.features.journey import Decision
from core.ingestion.store import Market
from ui import actions, charts, loaders
from ui.consequence import STRETCHES, Distribution, warned
from ui.evaluation_timeline import ticks
from ui.shell import block, box, kind, note, table
from ui.state import Session
from ui.tables import journey_rows, overlap_rows, overlap_sentence
from ui.theme import bps

QUIET = {"displayModeBar": False}


def decision_panel(
    rows: Labelled, of: Distribution, tau: float, settings: Settings, decisions: list[Decision], stale: bool
) -> None:
    """Use this τ, with a reason; below it what stands against it. `stale`: there is a champion that it makes so."""
    block("At this τ")
    saved = settings.tau_bps == tau
    with st.form("decide", border=False, clear_on_submit=True):
        st.text_input(
            "Why this τ",
            key="why",
            placeholder="optional; kept in the journey",
            max_chars=journey.LONGEST,
        )
        used = st.form_submit_button("Use this τ", type="primary", width="stretch", key="use_tau", disabled=saved)
    if used:
        actions.use_tau(rows, tau, str(Session().chosen("why") or ""))
        st.rerun()
    found = warned(of, tau)
    box(found.sentence, "ok" if found.enough else "warn", key="smallest_split")
    in_use = loaders.threshold(rows, settings)
    note(
        f"In use: <b>{bps(in_use)} bps</b>"
        + ("." if settings.tau_bps else f", P{100 * settings.quantile:g} of train until you set one.")
        + (" Another τ makes the champion stale: it answers another question." if stale and not saved else "")
    )
    then = journey.behind(decisions, rows, settings.tau_bps)
    advice = journey.advice(then, rows) if then else None
    if advice:
        box(advice.sentence, "warn" if advice.moved else "idle", key="advice")


def spikes_panel(rows: Labelled, tau: float) -> None:
    """The price with the spikes that `tau` makes."""
    with st.container(horizontal=True, vertical_alignment="center", key="spikes_head"):
        block("What would have been a spike", f"mid, and volatility of the next {rows.question.horizon_s} s")
        which = st.segmented_control(
            "Stretch", STRETCHES, default=STRETCHES[0], key="stretch", label_visibility="collapsed", width="content"
        )
    seen = loaders.stretch(rows, tau, which or STRETCHES[0])
    figure = charts.spikes(
        kind(), seen.price, seen.volatility, tau, seen.bands(tau),
        gaps=seen.on.gaps, ticks=ticks(seen.on), end=float(seen.on.at_s[-1]),
    )  # fmt: skip
    st.plotly_chart(figure, theme=None, config=QUIET, key="hour")
    note(loaders.meter(rows, tau).sentence)


def estimators_panel(rows: Labelled, market: Market, of: Distribution, tau: float) -> None:
    """Whose spikes are whose at the percentile of `tau`, and what the sampling interval does to volatility."""
    left, right = st.columns(2, gap="large")
    if not rows.question.leaky:
        with left:
            at = of.percentile(tau)
            block("Do the estimators agree?", f"each at its own P{at:.1f} of train, all splits")
            pairs = loaders.ranked(rows).pairs(at)
            table(*overlap_rows(pairs), key="overlap")
            note(overlap_sentence(pairs, rows.question.label))
    with right:
        block("Signature", "volatility against the interval of its returns, inside sessions")
        try:
            found = loaders.signature(rows, market)
        except NotEnough as why:
            box(str(why), "idle", key="no_signature")
            return
        figure = charts.signature(kind(), found.interval_s, found.volatility_bps, found.horizon_s)
        st.plotly_chart(figure, theme=None, config=QUIET, key="signature")
        note(found.sentence)


def journey_panel(rows: Labelled, decisions: list[Decision]) -> None:
    """How τ came to be: a small chart of this question's decisions, and the table of all on this market."""
    block("Journey", "every τ that was decided, on what, and why; the next training logs it")
    if not decisions:
        box("No τ decided yet. The first one that is used begins the journey.", "idle", key="no_journey")
        return
    asked = (rows.question.label, rows.question.horizon_s)
    same = [d for d in decisions if (d.label, d.horizon_s) == asked]
    columns, cells = journey_rows(decisions)
    if same:
        said = [" · ".join(filter(None, (f"τ {row[1]} bps = {row[2]}", row[0], d.why)))
                for row, d in zip(journey_rows(same, len(same))[1], reversed(same))]  # fmt: skip
        figure = charts.journey(kind(), [d.decided_ns for d in same], [d.tau_bps for d in same], said[::-1])
        st.plotly_chart(figure, theme=None, config=QUIET, key="journey_line")
    table(columns, cells, text=(0, 3, 7), key="journey")


__all__ = ["decision_panel", "estimators_panel", "journey_panel", "spikes_panel"]
