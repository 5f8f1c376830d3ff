"""Events as rows of the table `events`, each with the digest that names what it says."""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias

from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Stored, Tick, Trade

Row: TypeAlias = tuple[Any, ...]
"""kind, source, market, exch_ts_ns, local_ts_ns, then the values as the table `events` has them, and the digest."""

_TICK = struct.Struct("<qqqqqqqq").pack
_TRADE = struct.Struct("<q").pack
_HEARTBEAT = struct.Struct("<qq").pack


def digest(event: Stored) -> bytes:
    """16 bytes that name what an event says: equal for the same event, whichever recording or connection brought it.

    A trade is its venue, product and trade id. A tick is its venue, product, time (the exchange's, else ours), trade
    id, price, quotes, sizes and side. A heartbeat is its venue, product, time and last trade id.
    """
    if isinstance(event, Trade):
        return blake2b(_name("Trade", event.venue, event.product) + _TRADE(event.trade_id), digest_size=16).digest()
    time_ns = event.local_ts_ns if event.exch_ts_ns is None else event.exch_ts_ns
    if isinstance(event, Tick):
        said = (
            time_ns, event.price, event.bid, event.ask, event.bid_size, event.ask_size, event.side, event.trade_id,
        )  # fmt: skip
        body = _TICK(*said) if None not in said else _TICK(*[MISSING if value is None else value for value in said])
        return blake2b(_name("Tick", event.venue, event.product) + body, digest_size=16).digest()
    body = _HEARTBEAT(
        MISSING if time_ns is None else time_ns, MISSING if event.last_trade_id is None else event.last_trade_id
    )
    return blake2b(_name("Heartbeat", event.venue, event.product) + body, digest_size=16).digest()


@lru_cache(maxsize=1024)
def _name(kind: str, venue: str, product: str | None) -> bytes:
    return f"{kind}\0{venue}\0{product or ''}\0".encode()


def row(event: Stored, source: int, market: int) -> Row:
    """The event as it is inserted."""
    if isinstance(event, Trade):
        return (
            TRADE, source, market, event.exch_ts_ns, event.local_ts_ns, event.price, None, None, None, None, event.size,
            event.side, event.trade_id, digest(event),
        )  # fmt: skip
    if isinstance(event, Tick):
        return (
            TICK, source, market, event.exch_ts_ns, event.local_ts_ns, event.price, event.bid, event.ask,
            event.bid_size, event.ask_size, None, event.side, event.trade_id, digest(event),
        )  # fmt: skip
    return (
        HEARTBEAT, source, market, event.exch_ts_ns, event.local_ts_ns, None, None, None, None, None, None, 0,
        event.last_trade_id, digest(event),
    )  # fmt: skip
