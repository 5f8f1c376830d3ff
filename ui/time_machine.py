"""The time machine on the page: the replay at its moment, and what its buttons do."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from core.features.bars import SECOND_NS
from core.ingestion.store import Market
from core.live.replay import Piece
from core.training.registry import Meta
from ui import charts, loaders, text
from ui.cells.machine import machine_cells, sentence
from ui.charts.replayed import ROOM_S
from ui.live_figure import live_figure
from ui.moment import NEXT_S, moment
from ui.playback import SPEEDS, Playback
from ui.scene import Scene, market_name, now_ns, opening
from ui.shell import block, box, fragment, kind, note, strip
from ui.state import Session
from ui.theme import bps, score, utc
from ui.theme import moment as when
from ui.time_line import time_line

TICK_S = 1.0
"""How often Python redraws a playing replay; between two of its ticks the browser goes on by itself."""
AHEAD = 2.5
"""How many ticks of market are sent ahead for that."""


def screen(s: Scene) -> None:
    """The strip, the figure and the line of time, redrawn while the replay plays."""
    playing = Session().playback().playing
    theta, ghost = s.alerts.theta, None if s.ghosts is None else s.ghosts.theta

    @fragment(run_every=TICK_S if playing else None)
    def watch() -> None:
        session, clock = Session(), now_ns()
        playback = session.playback()
        at_ns = playback.position(clock, s.piece.last_ns)
        if playback.playing != playing or (playing and at_ns >= s.piece.last_ns):
            session.keep(playback.paused(clock, s.piece.last_ns))
            st.rerun()
        show_next = bool(session.chosen("show_next"))
        left_s = (s.piece.last_ns - at_ns) // SECOND_NS
        m = moment(
            s.replayed,
            at_ns,
            s.piece.first_ns,
            alerts=s.alerts,
            ghosts=s.ghosts,
            show_next=show_next and not playing,
            ahead_s=min(math.ceil(AHEAD * TICK_S * playback.speed), left_s) if playing else 0,
        )
        room_s = NEXT_S if show_next else ROOM_S
        strip(machine_cells(m, s, playback))
        block(
            f"{s.meta.title} on {s.market.product}",
            f"{text.venue(s.market.venue)}, {text.bands(s.meta.horizon_s, bps(m.tau_bps))}; "
            f"those within {s.meta.horizon_s} s of each other are one spike",
        )
        live_figure(
            charts.replayed(kind(), m, theta=theta, ghost=ghost, horizon_s=s.meta.horizon_s, room_s=room_s),
            key="replay",
            label=sentence(m, s),
            play=charts.reveal(m, play=playback.play, speed=playback.speed, room_s=room_s) if playing else None,
        )
        moved = time_line(
            s.piece.first_ns,
            s.piece.last_ns,
            m.at_ns,
            speed=playback.speed,
            play=playback.play,
            marks=_known_marks(s, m.at_ns),
            key="time_line",
        )
        note(sentence(m, s))
        if moved is not None:
            session.keep(playback.moved(moved, clock))
            st.rerun()

    watch()


def _known_marks(s: Scene, at_ns: int) -> list[tuple[int, str]]:
    ends = s.replayed.bars.bar_end_ns
    kinds = [(s.starts, "spike"), (ends[s.alerts.at], "alert")]
    kinds += [] if s.ghosts is None else [(ends[s.ghosts.at], "ghost")]
    return [(int(ns), word) for when, word in kinds for ns in when if s.piece.first_ns <= ns <= at_ns]


def controls(s: Scene) -> None:
    """Play, pause, step and jump, with the keys that do the same; speed, and what came next."""
    playing = Session().playback().playing
    first_ns, last_ns = s.piece.first_ns, s.piece.last_ns

    def press(label: str, key: str, shortcut: str, act: object, *args: object) -> None:
        st.button(label, key=key, shortcut=shortcut, on_click=act, args=args)  # type: ignore[arg-type]

    with st.container(horizontal=True, vertical_alignment="center", key="transport"):
        st.button("Pause" if playing else "Play", type="primary", key="play", shortcut="K", on_click=_toggle,
                  args=(first_ns, last_ns))  # fmt: skip
        press("−10", "back_10", "Shift+Left", _step, -10, first_ns, last_ns)
        press("−1", "back_1", "Left", _step, -1, first_ns, last_ns)
        press("+1", "on_1", "Right", _step, 1, first_ns, last_ns)
        press("+10", "on_10", "Shift+Right", _step, 10, first_ns, last_ns)
        press("Previous spike", "spike_back", "Shift+S", _jump, s, "spike", -1)
        press("Next spike", "spike_on", "S", _jump, s, "spike", 1)
        press("Previous alert", "alert_back", "Shift+A", _jump, s, "alert", -1)
        press("Next alert", "alert_on", "A", _jump, s, "alert", 1)
    if answer := Session().answered():
        box(answer, "idle", key="jumped")
    with st.container(horizontal=True, vertical_alignment="bottom", key="pace"):
        session = Session()
        st.segmented_control(
            "Speed", SPEEDS, key=session.show("speed", session.playback().speed), format_func=lambda x: f"{x}x",
            on_change=_pace, args=(last_ns,), required=True,
        )  # fmt: skip
        st.toggle("Show what came next", key="show_next", help="Muted, behind the cursor. Off while it plays.")


def choose_market(market: Market) -> None:
    """Which market is replayed, where the home holds several; the other pages go on showing theirs."""
    names = {market_name(m): text.market_name(m.venue, m.product) for m in loaders.markets()}
    if len(names) > 1:
        key = Session().show("market", market_name(market))
        st.selectbox(
            "Market", list(names), key=key, format_func=lambda name: names.get(name, name), on_change=_replay,
            help="Of the time machine alone, and part of its link. What the other pages show is chosen with the feed "
            "and the product of the capture.",
        )  # fmt: skip


def choices(s: Scene, models: list[Meta]) -> None:
    """Which market, stretch and model, and the ghost's θ."""
    session = Session()
    *market, stretch, model, ghost = st.columns([*[1.3] * (len(loaders.markets()) > 1), 2, 1, 1], gap="medium")
    for column in market:
        with column:
            choose_market(s.market)
    with stretch:
        order = list(range(len(s.pieces) - 1, -1, -1))
        key = session.show("stretch", s.pieces.index(s.piece))
        st.selectbox("Stretch", order, key=key, format_func=lambda i: _named(s.pieces[i]), on_change=_choose, args=(s,))
    with model:
        names = {m.name: m.title + (" ★" if m == loaders.champion() else "") for m in models}
        key = session.show("model", s.meta.name)
        st.selectbox("Model", list(names), key=key, format_func=names.__getitem__, on_change=_model)
    with ghost:
        theta = s.alerts.theta if s.ghosts is None else s.ghosts.theta
        key = session.show("ghost", round(min(max(theta, 0.001), 0.999), 3))
        st.slider(
            "Ghost θ", 0.001, 0.999, step=0.001, format="%.3f", key=key, on_change=_haunt,
            help=f"Alerts that another θ would have raised, drawn as ◇ beside those of θ {score(s.alerts.theta)}, "
            "which is in use. It changes nothing else.",
        )  # fmt: skip


def _named(p: Piece) -> str:
    spikes = text.plural(p.episodes, "spike") if p.episodes else "no spike"
    return f"{when(p.first_ns).removesuffix(' UTC')} to {utc(p.last_ns)}, {p.bars:,} s, {spikes}"


def _toggle(first_ns: int, last_ns: int) -> None:
    session, clock = Session(), now_ns()
    playback = session.playback()
    if playback.playing:
        session.keep(playback.paused(clock, last_ns))
    else:
        session.keep((playback.moved(first_ns, clock) if playback.at_ns >= last_ns else playback).played(clock))


def _step(bars: int, first_ns: int, last_ns: int) -> None:
    session, clock = Session(), now_ns()
    here = session.playback().paused(clock, last_ns)
    session.keep(here.moved(min(max(here.at_ns + bars * SECOND_NS, first_ns), last_ns), clock))


def _jump(s: Scene, what: str, way: int) -> None:
    """To the next (`way` 1) or previous (-1) spike or alert; for a spike also into another stretch.

    Where there is none a sentence says so, below the buttons: one that is off beforehand would tell what is to come.
    """
    session, clock = Session(), now_ns()
    here = session.playback().paused(clock, s.piece.last_ns)
    ends = s.replayed.bars.bar_end_ns[s.alerts.at]
    inside = s.starts if what == "spike" else ends[(ends >= s.piece.first_ns) & (ends <= s.piece.last_ns)]
    found = inside[inside > here.at_ns][:1] if way > 0 else inside[inside < here.at_ns][-1:]
    if not found.size and what == "spike":
        at = s.pieces.index(s.piece)
        others = s.pieces[at + 1 :] if way > 0 else s.pieces[:at][::-1]
        other = next((p for p in others if p.episodes), None)
        if other is not None:
            starts = loaders.replayed(s.market, s.meta, other).seen(other.first_ns, other.last_ns)
            found = starts[:1] if way > 0 else starts[-1:]
    session.keep(here.moved(int(found[0]), clock) if found.size else here)
    if not found.size:
        where = "further on" if way > 0 else "before this"
        session.answer(f"No {what} {where} in this {'market' if what == 'spike' else 'stretch'}.")


def _pace(last_ns: int) -> None:
    session = Session()
    session.keep(session.playback().at_speed(int(session.chosen("speed")), now_ns(), last_ns))


def _choose(s: Scene) -> None:
    session = Session()
    piece = s.pieces[session.chosen("stretch")]
    at_ns = opening(loaders.replayed(s.market, s.meta, piece), piece)
    session.keep(replace(session.playback(), at_ns=at_ns, since_ns=None))


def _replay() -> None:
    """Another market, from its own opening on: neither the moment nor the model is of that one."""
    session = Session()
    fresh = Playback(str(session.chosen("market")), speed=session.playback().speed)
    session.keep(fresh)
    session.link(fresh.link())
    st.query_params.from_dict(fresh.link())


def _model() -> None:
    session = Session()
    session.keep(replace(session.playback(), model=str(session.chosen("model"))))


def _haunt() -> None:
    session = Session()
    session.keep(replace(session.playback(), theta=float(session.chosen("ghost"))))


__all__ = ["TICK_S", "choices", "choose_market", "controls", "screen"]
