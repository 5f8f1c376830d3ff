"""What the time machine replays: its market, model and stretch, as the address or the viewer says."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import BadInput, TremorError
from core.features.bars import SECOND_NS
from core.features.windows import CORE_S
from core.ingestion.store import Market
from core.live.replay import Piece, Raised, Replay, raised
from core.training.registry import Meta
from ui import loaders, text
from ui.playback import Playback
from ui.shell import box
from ui.state import Session

BEFORE_S = 120
"""A stretch with a spike opens so long before its first one."""


@dataclass(frozen=True)
class Scene:
    """All that stands still while a replay plays: market, model, the stretch and its replay, and the alerts of the θ
    in use and of the ghost's."""

    market: Market
    meta: Meta
    pieces: list[Piece]
    piece: Piece
    replayed: Replay
    alerts: Raised
    ghosts: Raised | None

    @property
    def starts(self) -> NDArray[np.int64]:
        """When the stretch's spikes start, ns; of one that was on already, the first second that shows it."""
        return self.replayed.seen(self.piece.first_ns, self.piece.last_ns)


def now_ns() -> int:
    """Our clock."""
    return time.time_ns()


def opened() -> Playback:
    """Where this viewer's replay stands: where the address says, if it has come from elsewhere, else where it was.

    An address that cannot be read, or names a market that is not here, is said in one sentence.
    """
    session, given = Session(), st.query_params.to_dict()
    if not given:  # from another page, where nothing plays on
        session.keep(replace(session.playback(), since_ns=None))
    elif given != session.linked():
        try:
            session.keep(Playback.of_link(given))
        except BadInput as error:
            box(str(error), "bad", key="bad_link")
        named, market = given.get("market", ""), market_asked()
        if named and market is not None and named != market_name(market):
            venue, _, product = named.partition(":")
            box(
                f"There are no ticks of {text.market_name(venue, product)} in this home, so this page shows "
                f"{text.market_name(market.venue, market.product)}, and not what the link shows.",
                "warn",
                key="market_of_link",
            )
    return session.playback()


def heading() -> str:
    """The replayed market in words, for the head of the page; "" where there is none, or where reading it fails."""
    try:
        market = market_asked()
    except TremorError:
        return ""  # the page's body reads it again and says why
    return "" if market is None else text.market_name(market.venue, market.product)


def market_asked() -> Market | None:
    """The market of the address, or the one chosen here before, where the store holds it; else the one that all pages
    show."""
    shown = loaders.current_market()
    if shown is None:
        return None
    session, basis = Session(), market_name(shown)
    held = {market_name(m): m for m in loaders.markets()}
    asked = st.query_params.get("market", "")
    if asked in held:
        session.replay(basis, asked)
    return held.get(session.replayed(basis), shown)


def market_name(market: Market) -> str:
    """A market as an address names it: "coinbase:BTC-USD"."""
    return f"{market.venue}:{market.product}"


def scene(market: Market, models: list[Meta], playback: Playback) -> Scene | None:
    """What the playback shows, chosen where it leaves something open; the choice is kept, and stands in the address.
    None where no bar of the market has closed."""
    meta = next((m for m in models if m.name == playback.model), models[0])
    pieces = loaders.stretches(market, meta)
    if not pieces:
        return None
    new = not playback.at_ns or playback.market not in ("", market_name(market))
    at = _piece_at(pieces, playback.at_ns) if not new else _first_choice(pieces)
    piece = pieces[at]
    replayed = loaders.replayed(market, meta, piece)
    at_ns = opening(replayed, piece) if new else min(max(playback.at_ns, piece.first_ns), piece.last_ns)
    rule = loaders.rule(meta, loaders.settings())

    def alerts(theta: float) -> Raised:
        return raised(replayed, theta, cooldown_s=rule.cooldown_s, rearm=rule.rearm)

    kept = Playback(
        market_name(market), meta.name, at_ns, playback.speed, playback.theta, None if new else playback.since_ns
    )
    session = Session()
    session.keep(kept)
    if not kept.playing and kept.link() != st.query_params.to_dict():
        st.query_params.from_dict(kept.link())
    session.link(st.query_params.to_dict())
    ghosts = None if kept.theta is None else alerts(kept.theta)
    return Scene(market, meta, pieces, piece, replayed, alerts(rule.theta), ghosts)


def _piece_at(pieces: list[Piece], at_ns: int) -> int:
    """The piece that holds a moment, or the last one that begins before it, or the first."""
    return max(int(np.searchsorted([p.first_ns for p in pieces], at_ns, side="right")) - 1, 0)


def _first_choice(pieces: list[Piece]) -> int:
    """The newest stretch with a spike, or the newest."""
    return next((i for i in range(len(pieces) - 1, -1, -1) if pieces[i].episodes), len(pieces) - 1)


def opening(replayed: Replay, piece: Piece) -> int:
    """Where a stretch opens: shortly before its first spike, where it has one, and with a forecast to show."""
    starts = replayed.seen(piece.first_ns, piece.last_ns)
    warm_ns = piece.first_ns + CORE_S * SECOND_NS
    ahead = starts[starts > warm_ns]
    if not ahead.size:  # it has none, or one that was on when its windows were full
        return int(starts[0]) if starts.size else piece.first_ns
    return max(int(ahead[0]) - BEFORE_S * SECOND_NS, warm_ns)


__all__ = ["Scene", "heading", "market_asked", "market_name", "now_ns", "opened", "opening", "scene"]
