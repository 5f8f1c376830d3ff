"""The live monitor's parts: the figure that follows the market, what its number has meant, and what runs it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from core.evaluation.record import Bin
from core.ingestion.store import Market
from core.jobs import Job
from core.training.registry import Meta
from ui import actions, charts, loaders, text
from ui.live_figure import Drawn, drawn, live_figure
from ui.shell import block, kind, note
from ui.state import Session
from ui.theme import count, percent, score
from ui.training_rows import between
from ui.view import View, view

EVERY_S = 0.5
"""How often the market is looked at: a bar closes each second, and is on the screen half a second sooner than with a
look a second. The figure is built and drawn once a bar all the same."""
SHADOWS = 2
"""Baselines that are drawn beside the champion at most."""
LABEL = "Mid price with spikes, trailing volatility with τ, and the probability of a spike with its threshold"


def choose_shadows(champion: Meta) -> list[Meta]:
    """Which baselines are drawn beside the champion: the best one as long as nothing was chosen."""
    offered = loaders.shadows(champion)
    if not offered:
        return []
    titles = {m.name: m.title for m in offered}
    chosen = st.multiselect(
        "Baselines beside the champion",
        list(titles),
        default=[offered[0].name],
        max_selections=SHADOWS,
        format_func=lambda name: titles[name],
        key=Session().anew("shadows", champion.name),
        placeholder="None",
    )
    return [m for m in offered if m.name in chosen]


def look(market: Market, champion: Meta, shadows: Sequence[Meta]) -> View | None:
    """The last minutes of `market` with what the champion and the `shadows` have said of them."""
    stretch = loaders.live(market)
    since = int(stretch.bars.bar_end_ns[0]) if len(stretch) else 0
    return view(
        stretch,
        rule=champion.asked,
        forecast=loaders.said(market, champion.name, since),
        shadows=[(m.title, loaders.said(market, m.name, since)) for m in shadows],
    )


def figure(seen: View, market: Market, champion: Meta, theta: float, live: bool, stale: str | None) -> None:
    """Price, volatility and forecast; without a present number where the feed is silent or the champion is stale."""
    tau = text.tau(seen.last_tau_bps, champion.tau_relative, "now")
    block(
        f"{champion.title} ★ on {market.product}",
        f"{text.venue(market.venue)}, {text.bands(champion.horizon_s, tau)}",
    )
    p_now = seen.last_p if live and stale is None and not seen.doubt else None
    asked = f"P(next {champion.horizon_s} s reach τ {tau}), which is not asked now" if stale else ""
    key = (
        kind(), str(loaders.home().root), market.venue, market.product, champion.name, *seen.shadows, *seen.said_ns,
        int(seen.t[0].astype(np.int64)), seen.last_ns, theta, p_now, live, asked,
    )  # fmt: skip

    def build() -> Drawn:
        return drawn(
            charts.monitor(
                kind(),
                seen.t,
                seen.mid,
                seen.p,
                spans=seen.spikes,
                gaps=seen.gaps,
                theta=theta,
                horizon_s=champion.horizon_s,
                p_now=p_now,
                current=live,
                vol_bps=seen.vol_bps,
                tau_bps=seen.tau_bps,
                shadows=seen.shadows,
                doubted=seen.doubted,
                asked=asked,
            )
        )

    live_figure(loaders.once(key, build), key="monitor", label=LABEL)


def meaning(seen: View, champion: Meta, job: Job, live: bool, stale: str | None) -> None:
    """One line under the figure: what a probability of this size has meant on test, or why not to trust it."""
    left_out = job.fields.get("left_out") or [] if job.running else []
    if stale is not None:
        said = f"The figure shows what the champion answers: {escape(stale)}. It is no answer to the present question."
    elif not (live and job.running) or seen.last_p is None:
        said = "No present forecast."
    elif seen.doubt:
        said = (
            f"<b>▲ Do not trust this row:</b> {escape(seen.doubt)}. A forecast outside of what training saw is a guess."
        )
    else:
        said = reliability(loaders.meant(champion, seen.last_p), seen.last_p)
    if not champion.seen:
        said += " This champion was trained before ranges were kept: its rows are not checked. Train again."
    note(said + "".join(f" Left out beside it: {escape(str(why))}." for why in left_out))


def reliability(of: Bin | None, p: float) -> str:
    """What the probability has meant: the share of spikes among test rows of about that P, with its interval."""
    if of is None or of.least is None or of.most is None:
        return f"Too few test rows had a P near {score(p)} to say what it has meant."
    return (
        f"Of {count(of.rows)} test rows with P {score(of.least)} to {score(of.most)}, {score(of.share)} were spikes "
        f"({score(of.low)} to {score(of.high)})."
    )


def running(job: Job, capturing: bool, champion: Meta) -> None:
    """Start and stop, and what the champion scored."""
    block("Monitor", "one forecast for every bar that closes, kept in the home")
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.running:
            st.button("Stop monitor", type="primary", key="stop_monitor", on_click=actions.stop, args=("monitor",))
        else:
            st.button("Start monitor", type="primary", key="start_monitor", on_click=actions.start_monitor)
        if not capturing:
            st.page_link(
                "pages/1_Live_capture.py",
                label="No capture runs: start one",
                icon=":material/arrow_forward:",
                icon_position="right",
            )
    s = champion.scores
    note(
        f"Average precision on the test split {between(loaders.scored(champion))}, base rate {percent(s.base_rate)}, "
        f"from {s.n_spikes:,} spikes in {s.n_rows:,} rows. {text.sentence(champion.leakage.words)}"
    )


__all__ = ["choose_shadows", "figure", "look", "meaning", "reliability", "running"]
