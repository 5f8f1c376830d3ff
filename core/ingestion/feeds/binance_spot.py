"""Binance spot: `wss://stream.binance.com:9443/stream`, streams trade and bookTicker of each symbol.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams. A trade's `m` says that the buyer
was the maker: the taker sold. A bookTicker has quotes alone, no last price and (but on the futures market, whose
recordings look the same) no time: its tick's `price` is the middle of the quotes, its only clock the receipt's. Trade
ids are contiguous per symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec

from core.errors import MalformedFrame
from core.ingestion.feeds import Keys, decode, once
from core.ingestion.feeds._symbols import product_of, symbol_of
from core.ingestion.ticks import Event, Refused, Subscribed, Tick, Trade
from core.ingestion.values import INT64_MAX, e8, in_range, size_e8

VENUE = "binance"
WS_URL = "wss://stream.binance.com:9443/stream"
REST_URL: str | None = None
CHANNELS: tuple[str, ...] = ()
"""Its answer to a subscribe names no product."""
TRADE_IDS = True

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
_NOTHING = msgspec.Raw(b"")
_SILENT = frozenset({"depthUpdate", "aggTrade", "kline", "24hrTicker", "24hrMiniTicker", "avgPrice", "serverShutdown"})
MICROSECONDS_FROM = 10**14
"""Times are ms, or us for a connection that asked for them: this many ms would be the year 5138."""


class _Combined(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = _NOTHING
    e: str = ""
    result: None = None
    id: int | str | None = None
    error: msgspec.Raw = _NOTHING
    lastUpdateId: int | None = None


class _Kind(msgspec.Struct):
    e: str = ""


class _Trade(msgspec.Struct):
    s: str
    t: Id
    p: str
    q: str
    T: Id
    m: bool


class _Book(msgspec.Struct):
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Id | None = None


class _Error(msgspec.Struct):
    msg: str = "no reason given"
    code: int = 0


_KEYS = Keys("stream", "data", "e", "s", "t", "p", "q", "T", "m", "b", "B", "a", "A")
_combined = msgspec.json.Decoder(_Combined)
_kind = msgspec.json.Decoder(_Kind)
_trade = msgspec.json.Decoder(_Trade)
_book = msgspec.json.Decoder(_Book)
_error = msgspec.json.Decoder(_Error)


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message with both streams of every product ("BTC-USDT")."""
    streams = [f"{symbol_of(product)}@{stream}" for product in products for stream in ("trade", "bookTicker")]
    return [msgspec.json.encode({"method": "SUBSCRIBE", "params": streams, "id": 1})]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's trade or tick, the answer to a subscribe, or [] for other streams. Raises MalformedFrame only.

    Without `local_ts_ns` a bookTicker has no time at all and is malformed.
    """
    outer = decode(_combined.decode, frame)
    once(frame, _KEYS)
    if outer.error is not _NOTHING:
        return [Refused(message=f"Failed to subscribe: {decode(_error.decode, bytes(outer.error)).msg}")]
    inner = frame if outer.data is _NOTHING else bytes(outer.data)
    kind = outer.e if outer.data is _NOTHING else decode(_kind.decode, inner).e
    if kind == "trade":
        return [_as_trade(decode(_trade.decode, inner), local_ts_ns)]
    stream = outer.stream.partition("@")[2]
    if kind == "bookTicker" or (not kind and stream == "bookTicker"):
        return [_as_tick(decode(_book.decode, inner), local_ts_ns)]
    if kind in _SILENT or (not kind and (stream.startswith("depth") or outer.lastUpdateId is not None)):
        return []
    if outer.id is not None and not kind:
        return [Subscribed(channels={})]
    raise MalformedFrame(f"event {(kind or stream)[:40]!a} is not one of this feed's")


def _time_ns(time: int) -> int:
    return in_range(time * (1_000 if time >= MICROSECONDS_FROM else 1_000_000), str(time))


def _as_trade(trade: _Trade, local_ts_ns: int | None) -> Trade:
    return Trade(
        venue=VENUE,
        product=product_of(trade.s),
        price=e8(trade.p),
        size=size_e8(trade.q),
        trade_id=trade.t,
        exch_ts_ns=_time_ns(trade.T),
        local_ts_ns=local_ts_ns,
        side=-1 if trade.m else 1,
    )


def _as_tick(book: _Book, local_ts_ns: int | None) -> Tick:
    exch_ts_ns = None if book.T is None else _time_ns(book.T)
    if local_ts_ns is None and exch_ts_ns is None:
        raise MalformedFrame("a bookTicker has no time of its own, and none of its receipt is known")
    bid, ask = e8(book.b), e8(book.a)
    return Tick(
        venue=VENUE,
        product=product_of(book.s),
        price=(bid + ask) // 2,
        exch_ts_ns=exch_ts_ns,
        local_ts_ns=local_ts_ns,
        bid=bid,
        ask=ask,
        bid_size=size_e8(book.B),
        ask_size=size_e8(book.A),
    )
