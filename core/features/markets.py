"""Which market is meant: the one place that answers, for pages and verbs alike."""

from __future__ import annotations

from collections.abc import Sequence

from core.config import Settings
from core.errors import NotThere
from core.ingestion import feeds
from core.ingestion.store import Market, Reader

EMBEDDED = "embedded"
"""Feed and venue of the simulated market; its ticks never mix with real ones."""
REFERENCE = "reference"
"""Venue of imported prices without quotes; there is no feed of it."""


def venue_of(feed: str) -> str:
    """The venue under which ticks of `feed` are stored. Raises BadInput for a feed that does not exist."""
    return feed if feed in (EMBEDDED, REFERENCE) else feeds.get(feed).VENUE


def market_of(markets: Sequence[Market], settings: Settings) -> Market | None:
    """The market that the settings name; where the store holds none of it, the one with the most events; else None."""
    venue = venue_of(settings.feed)
    own = [m for m in markets if (m.venue, m.product) == (venue, settings.product)]
    return own[0] if own else max(markets, key=lambda m: m.ticks + m.trades, default=None)


def chosen(reader: Reader, settings: Settings, venue: str | None = None, product: str | None = None) -> Market:
    """The market asked for (of several the one with the most ticks); where nothing was asked, `market_of`.

    Raises NotThere when the store holds no such market.
    """
    markets = [m for m in reader.markets() if venue in (None, m.venue) and product in (None, m.product)]
    found = (
        market_of(markets, settings)
        if venue is None and product is None
        else max(markets, key=lambda m: m.ticks, default=None)
    )
    if found is None:
        asked = " ".join(x for x in (venue, product) if x) or "any market"
        raise NotThere(f"no ticks of {asked} in this home: capture some, or import a recording")
    return found
