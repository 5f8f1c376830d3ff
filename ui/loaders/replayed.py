"""Replays of stored stretches: computed once for each stretch and model, shared by all sessions."""

from __future__ import annotations

import streamlit as st

from core.config import Home
from core.features.bars import SECOND_NS
from core.ingestion import capture
from core.ingestion.store import Market, Reader
from core.live.agreement import Agreement, agreements
from core.live.replay import Piece, Replay, pieces, replay
from core.training import registry
from core.training.registry import Meta
from ui.charts.replayed import WINDOW_S
from ui.loaders.homes import home, settings
from ui.loaders.question import history_of
from ui.moment import NEXT_S
from ui.parts import stepping, working
from ui.text import plural

EVERY_BARS = 600
"""While a capture runs, the list of stretches grows by so many bars at a time: the whole history is read for it."""


def models_of(market: Market) -> list[Meta]:
    """The models that learned from `market`: the champion, then the newest, of one training the best on validation."""
    best = registry.champion(home())
    found = [m for m in registry.artifacts(home()) if (m.venue, m.product) == (market.venue, market.product)]
    return sorted(
        found, key=lambda m: (best is None or m.name != best.name, -m.trained_ns, -m.validation.pr_auc, m.name)
    )


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _stretches(root: str, venue: str, product: str, model: str, past: tuple[int, ...], so_many: int) -> list[Piece]:
    where = Home.resolve(root)
    bars = history_of(where, venue, product).bars(Reader(where), 0)
    return pieces(bars, registry.find(where, model))


def stretches(market: Market, meta: Meta) -> list[Piece]:
    """The sessions of `market`, oldest first, long ones by the hour. Shared: do not change it."""
    where = home()
    with stepping(f"Reading {plural(market.ticks + market.trades, 'event')}") as step:
        n = len(history_of(where, market.venue, market.product).bars(Reader(where), market.last_seq))
        step(0.4, f"Finding the spikes of {plural(n, 'second')}")
        so_many = n - n % EVERY_BARS if _captured(market) and n > EVERY_BARS else n
        return _stretches(str(where.root), market.venue, market.product, meta.name, _past(market), so_many)


def _captured(market: Market) -> bool:
    captures = capture.status(home())
    return any(one["venue"] == market.venue and market.product in one["products"] for one in captures)


def _past(market: Market) -> tuple[int, ...]:
    """What an import or a repair changes of a market: its sources, and its events, unless a capture adds to them."""
    return (market.sources, *([] if _captured(market) else (market.ticks, market.trades, market.last_seq)))


@st.cache_resource(max_entries=6, ttl=3600, show_spinner=False)
def _replayed(
    root: str, venue: str, product: str, model: str, from_ns: int, to_ns: int, past: tuple[int, ...], growing: int
) -> Replay:
    return replay(Home.resolve(root), venue, product, from_ns=from_ns, to_ns=to_ns, model=model)


def replayed(market: Market, meta: Meta, piece: Piece) -> Replay:
    """The stretch `piece` through the monitor's step, with what the figure draws before it and the minutes after it.

    It begins a cooldown earlier where that is longer, as far as the session goes: an alert of then keeps the first ones
    of the stretch down. Shared: do not change it. Raises NotThere.
    """
    to_ns = piece.last_ns + NEXT_S * SECOND_NS
    growing = market.last_seq if market.last_ns < to_ns + 2 * meta.horizon_s * SECOND_NS else 0
    alarm_ns = piece.first_ns - registry.rule_of(meta, settings()).cooldown_s * SECOND_NS
    from_ns = min(piece.first_ns - WINDOW_S * SECOND_NS, max(alarm_ns, piece.session_ns))
    with working(f"Asking {meta.title} at each of {plural(piece.bars, 'second')}"):
        return _replayed(
            str(home().root), market.venue, market.product, meta.name, from_ns, to_ns, _past(market), growing
        )


@st.cache_data(max_entries=16, ttl=60, show_spinner=False)
def _agreed(root: str, venue: str, product: str, model: str, first_ns: int, last_ns: int) -> list[Agreement]:
    where = Home.resolve(root)
    return agreements(where, replay(where, venue, product, from_ns=first_ns, to_ns=last_ns, model=model))


def agreed(market: Market, meta: Meta, piece: Piece) -> list[Agreement]:
    """What was said live of the stretch against the replay, a model each, at most a minute old."""
    return _agreed(str(home().root), market.venue, market.product, meta.name, piece.first_ns, piece.last_ns)


__all__ = ["agreed", "models_of", "replayed", "stretches"]
