"""Events as rows of the table `events`, each with the digest that names what it says."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias

from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Entry, GaveUp, Lapse, Stored, Tick, Trade

Row: TypeAlias = tuple[Any, ...]
"""kind, source, market, exch_ts_ns, local_ts_ns, then the values as the table `events` has them, and the digest."""

_WORDS = (Lapse, GaveUp)
"""What is told to the ledger alone."""
_TICK = struct.Struct("<qqqqqqqq").pack
_TRADE = struct.Struct("<q").pack
_HEARTBEAT = struct.Struct("<qq").pack


def digest(event: Stored) -> bytes:
    """16 bytes that name what an event says: equal for the same event, whichever recording or connection brought it.

    A trade is its venue, product and trade id. A tick is its venue, product, time (the exchange's, else ours), trade
    id, price, quotes, sizes and side. A heartbeat is its venue, product, time and last trade id.
    """
    name: bytes = rows([event], 0, lambda venue, product: 0)[0][-1]
    return name


@lru_cache(maxsize=1024)
def _begun(kind: str, venue: str, product: str | None) -> blake2b:
    """The digest of what a market's events of a kind have in common: to be copied, and gone on with."""
    return blake2b(f"{kind}\0{venue}\0{product or ''}\0".encode(), digest_size=16)


def rows(events: Iterable[Entry], source: int, market: Callable[[str, str], int]) -> list[Row]:
    """Ticks, trades and heartbeats as they are inserted, in their order; what is told to the ledger alone is left out.

    `market` numbers a venue's product; it is asked when an event is not of the market of the one before.
    """
    found: list[Row] = []
    put = found.append
    venue = product = None
    for event in events:
        if isinstance(event, _WORDS):
            continue
        if event.product is not product or event.venue is not venue:  # equal ones may be two: then it is asked again
            venue, product = event.venue, event.product
            number = market(venue, product or "")
            trade, tick = _begun("Trade", venue, product), _begun("Tick", venue, product)
        exch_ts_ns, local_ts_ns = event.exch_ts_ns, event.local_ts_ns
        if isinstance(event, Trade):
            name = trade.copy()
            name.update(_TRADE(event.trade_id))
            put((
                TRADE, source, number, exch_ts_ns, local_ts_ns, event.price, None, None, None, None, event.size,
                event.side, event.trade_id, name.digest(),
            ))  # fmt: skip
            continue
        time_ns = local_ts_ns if exch_ts_ns is None else exch_ts_ns
        if isinstance(event, Tick):
            price, bid, ask, bid_size, ask_size = event.price, event.bid, event.ask, event.bid_size, event.ask_size
            said = (time_ns, price, bid, ask, bid_size, ask_size, event.side, event.trade_id)
            name = tick.copy()
            name.update(_TICK(*said) if None not in said else _TICK(*map(_as_number, said)))
            put((
                TICK, source, number, exch_ts_ns, local_ts_ns, price, bid, ask, bid_size, ask_size, None, event.side,
                event.trade_id, name.digest(),
            ))  # fmt: skip
            continue
        name = _begun("Heartbeat", venue, product).copy()
        name.update(_HEARTBEAT(_as_number(time_ns), _as_number(event.last_trade_id)))
        put((
            HEARTBEAT, source, number, exch_ts_ns, local_ts_ns, None, None, None, None, None, None, 0,
            event.last_trade_id, name.digest(),
        ))  # fmt: skip
    return found


def _as_number(value: int | None) -> int:
    return MISSING if value is None else value
