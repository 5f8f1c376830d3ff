"""The blocks of the threshold page beside the dial: the decision, what it makes of the market, estimators, journey."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.config import LABELS, Settings
from core.errors import NotEnough
from core.features import journey
from core.features.dataset import Labelled
from core.features.formulas import FEATURES, NAMES
from core.features.journey import Advice, Decision
from core.features.windows import WINDOWS_S
from core.ingestion.store import Market
from ui import actions, charts, loaders, text
from ui.consequence import STRETCHES, Distribution, resting, warned
from ui.evaluation_timeline import ticks
from ui.live_figure import live_figure
from ui.shell import block, box, kind, note, table
from ui.state import Session
from ui.theme import bps
from ui.threshold_rows import journey_rows, overlap_rows, overlap_sentence

SCALES = ("bps", "× the trailing hour")
"""What τ is in: absolute, or relative to slow volatility."""
SLOW = "× slow volatility"


def question_controls(settings: Settings) -> bool:
    """What is asked: estimator, horizon, and what τ is in; whether that is a multiple of slow volatility."""
    session, scale = Session(), f"{settings.tau_bps} {settings.tau_relative}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        st.selectbox(
            "Volatility estimator",
            LABELS,
            format_func=text.LABELS.get,
            key=session.show("label", settings.label),
            width=400,
            on_change=actions.ask,
            args=("label", "label"),
        )
        st.selectbox(
            "Horizon",
            WINDOWS_S,
            format_func=lambda s: f"next {s} s",
            key=session.show("horizon_s", settings.horizon_s),
            width=130,
            on_change=actions.ask,
            args=("horizon_s", "horizon_s"),
        )
        chosen = st.segmented_control(
            "τ is",
            SCALES,
            default=SCALES[settings.tau_relative is not None],
            key=session.anew("scale", scale),
            help=text.HELP["relative"],
            required=True,
        )
    return chosen == SCALES[1]


def decision_panel(
    rows: Labelled, of: Distribution, tau: float, settings: Settings, advice: Advice | None, champion: bool
) -> None:
    """Use this τ, with a reason; below it what stands against it, what has become of the one in use, and what becomes
    of the `champion`."""
    block("At this τ")
    in_use = settings.tau_relative or settings.tau_bps
    relative = settings.tau_relative is not None
    same = rows.relative == relative and tau == in_use
    with st.form("decide", border=False, clear_on_submit=True):
        st.text_input(
            "Why this τ",
            key="why",
            placeholder="optional; kept in the journey",
            max_chars=journey.LONGEST,
        )
        used = st.form_submit_button("Use this τ", type="primary", width="stretch", key="use_tau", disabled=same)
    if used:
        actions.use_tau(rows, tau, str(Session().chosen("why") or ""))
        st.rerun()
    found = warned(of, tau, rows.relative)
    box(found.sentence, "ok" if found.enough else "warn", key="smallest_split")
    if advice:
        box(advice.sentence, "warn" if advice.moved else "idle", key="advice")
    said = (
        f"In use: <b>{text.tau(settings.tau_bps, settings.tau_relative)}</b>."
        if in_use
        else f"In use: {_until(of, rows, settings)}."
    )
    if champion and not same:
        said += " Another τ makes the champion stale: it answers another question."
    note(said + _warm_up(rows))


def _until(of: Distribution, rows: Labelled, settings: Settings) -> str:
    at = f"P{100 * settings.quantile:g} of train, in bps, until you set one"
    return at if rows.relative else f"<b>{bps(resting(of, settings, False))} bps</b>, {at}"


def _warm_up(rows: Labelled) -> str:
    """That a multiple needs an hour of its session, and how many rows are without."""
    if not rows.relative:
        return ""
    from_s = FEATURES[NAMES.index(rows.question.slow)].from_s
    return (
        f" Slow volatility, the trailing hour's, warms up: a session has it from its {from_s:,}th second on. "
        + text.warming(rows.warming)
    )


def spikes_panel(rows: Labelled, of: Distribution, tau: float) -> None:
    """The price with the spikes that `tau` makes."""
    with st.container(horizontal=True, vertical_alignment="center", key="spikes_head"):
        block("What would have been a spike", f"mid, and volatility of the next {rows.question.horizon_s} s")
        which = st.segmented_control(
            "Stretch", STRETCHES, default=STRETCHES[0], key="stretch", label_visibility="collapsed", width="content"
        )
    seen = loaders.stretch(rows, tau, which or STRETCHES[0])
    figure = charts.spikes(
        kind(), seen.price, seen.volatility, tau, seen.bands(tau),
        unit=SLOW if rows.relative else "bps", gaps=seen.on.gaps, ticks=ticks(seen.on), end=float(seen.on.at_s[-1]),
    )  # fmt: skip
    live_figure(figure, key="hour", label=text.FIGURES["hour"], zoom=False)
    note(of.meter(tau).sentence)


def overlap_panel(rows: Labelled, of: Distribution, tau: float) -> None:
    """Whose spikes are whose at the percentile of `tau`."""
    if rows.question.leaky:
        return
    at = of.percentile(tau)
    block("Do the estimators agree?", f"each at its own P{at:.1f} of train, all splits")
    pairs = loaders.ranked(rows).pairs(at)
    table(*overlap_rows(pairs), key="overlap")
    note(overlap_sentence(pairs, rows.question.label))


def signature_panel(rows: Labelled, market: Market) -> None:
    """What the sampling interval does to volatility."""
    block("Signature", "volatility against the interval of its returns, inside sessions")
    try:
        found = loaders.signature(rows, market)
    except NotEnough as why:
        box(str(why), "idle", key="no_signature")
        return
    figure = charts.signature(kind(), found.interval_s, found.volatility_bps, found.horizon_s)
    live_figure(figure, key="signature", label=text.FIGURES["signature"], zoom=False)
    note(found.sentence)


def journey_panel(rows: Labelled, decisions: list[Decision]) -> None:
    """How τ came to be: a small chart of the decisions on this question."""
    block("Journey", "every τ that was decided; the next training logs it")
    if not decisions:
        box("No τ decided yet. The first one that is used begins the journey.", "idle", key="no_journey")
    asked = (rows.question.label, rows.question.horizon_s, rows.relative)
    same = [d for d in decisions if (d.label, d.horizon_s, d.relative) == asked]
    if same:
        said = [
            " · ".join(filter(None, (f"τ {row[1]} = {row[2]}", row[0], escape(d.why))))
            for row, d in zip(reversed(journey_rows(same, len(same))[1]), same)
        ]
        figure = charts.journey(kind(), [d.decided_ns for d in same], [d.tau for d in same], said, unit_of(rows))
        live_figure(figure, key="journey_line", label=text.FIGURES["journey"], zoom=False)
    elif decisions:
        note("None on this question yet; those on others are in the table.")


def history_panel(rows: Labelled, market: Market, decisions: list[Decision]) -> None:
    """What does not change while the dial is turned: the signature, and the journey with all its decisions."""
    left, right = st.columns(2, gap="large")
    with left:
        signature_panel(rows, market)
    with right:
        journey_panel(rows, decisions)
    if decisions:
        table(*journey_rows(decisions), text=(0, 3, 7), key="journey")


def unit_of(rows: Labelled) -> str:
    """What τ is in, for an axis."""
    return "×" if rows.relative else "bps"


__all__ = ["decision_panel", "history_panel", "overlap_panel", "question_controls", "spikes_panel", "unit_of"]
