"""What became of the forecasts and alerts of a market, and where alerts are sent."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config import Home
from core.features.bars import SECOND_NS
from core.ingestion.store import Market
from core.live import alerts as kept
from core.live import escrow
from core.live import sinks as named
from core.live.alerts import Alert
from ui.loaders.homes import home

HOUR_S = 3_600

Sent = dict[int, list[tuple[str, int, bool]]]


@st.cache_data(max_entries=8, ttl=5, show_spinner=False)
def _fared(root: str, venue: str, product: str) -> list[escrow.Record]:
    return escrow.records(Home.resolve(root), venue, product)


def fared(market: Market) -> list[escrow.Record]:
    """How each model's forecasts of `market` have turned out so far, at most 5 s old."""
    return _fared(str(home().root), market.venue, market.product)


def alerts(market: Market) -> tuple[list[Alert], Sent]:
    """The newest alerts of `market`, all those of its last hour among them, newest first; and by their bar (service,
    attempts, delivered)."""
    found = kept.recent(home(), market.venue, market.product, since_ns=market.last_ns - HOUR_S * SECOND_NS)
    sent: Sent = {}
    if found:
        for bar, *rest in kept.deliveries(home(), market.venue, market.product, found[-1].bar_end_ns):
            sent.setdefault(bar, []).append((rest[0], rest[1], rest[2]))
    return found, sent


@st.cache_data(max_entries=4, ttl=60, show_spinner=False)
def _named(root: str, changed_ns: int) -> tuple[list[str], int]:
    where = Home.resolve(root)
    return [service.name for service in named.services(where)], named.unread(where)


def sinks() -> tuple[list[str], int, Path]:
    """Names of the services that alerts are sent to, how many lines of their file cannot be read, and the file."""
    path = named.file(home())
    changed_ns = path.stat().st_mtime_ns if path.exists() else 0
    names, unread = _named(str(home().root), changed_ns)
    return names, unread, path


__all__ = ["alerts", "fared", "sinks"]
