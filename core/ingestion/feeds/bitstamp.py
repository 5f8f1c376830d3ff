"""Bitstamp: `wss://ws.bitstamp.net`, channels live_trades and order_book of each pair.

Source: https://www.bitstamp.net/websocket/v2/. Only the `*_str` fields are exact. A trade's `type` is the taker's side
(0 bought, 1 sold). order_book sends the best 100 levels: its tick's quotes are the first ones, its `price` their
middle.
`bts:request_reconnect` says that this server goes away: the connection is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from core.errors import MalformedFrame
from core.ingestion.feeds import LONG_QUIET_S, Keys, decode, once
from core.ingestion.feeds._symbols import product_of, symbol_of
from core.ingestion.ticks import Event, Heartbeat, Refused, Subscribed, Tick, Trade
from core.ingestion.values import INT64_MAX, e8, in_range, size_e8, whole

VENUE = "bitstamp"
WS_URL = "wss://ws.bitstamp.net"
REST_URL: str | None = None
CHANNELS: tuple[str, ...] = ()
"""Each pair of each channel is answered by itself."""
TRADE_IDS = False
"""They rise, but not by one."""
QUIET_S = LONG_QUIET_S

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
_NOTHING = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    event: str
    channel: str = ""
    data: msgspec.Raw = _NOTHING


class _Trade(msgspec.Struct):
    id: Id
    price_str: str
    amount_str: str
    microtimestamp: str
    type: Literal[0, 1]


class _Book(msgspec.Struct):
    microtimestamp: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class _Error(msgspec.Struct):
    message: str = "no reason given"


_KEYS = Keys("event", "channel", "data", "id", "price_str", "amount_str", "microtimestamp", "type", "bids", "asks")
_message = msgspec.json.Decoder(_Message)
_trade = msgspec.json.Decoder(_Trade)
_book = msgspec.json.Decoder(_Book)
_error = msgspec.json.Decoder(_Error)
_SILENT = frozenset({"order_created", "order_changed", "order_deleted", "bts:unsubscription_succeeded"})


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message a channel and product ("BTC-USD")."""
    names = [f"{channel}_{symbol_of(product)}" for product in products for channel in ("live_trades", "order_book")]
    return [msgspec.json.encode({"event": "bts:subscribe", "data": {"channel": name}}) for name in names]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's trade, tick, heartbeat or answer, or [] for other channels. Raises MalformedFrame only."""
    message = decode(_message.decode, frame)
    once(frame, _KEYS)
    channel, _, symbol = message.channel.rpartition("_")
    data = bytes(message.data)
    if message.event == "trade":
        return [_as_trade(decode(_trade.decode, data), product_of(symbol), local_ts_ns)]
    if message.event == "data":
        return _as_tick(decode(_book.decode, data), product_of(symbol), local_ts_ns) if channel == "order_book" else []
    if message.event == "bts:heartbeat":
        return [] if local_ts_ns is None else [Heartbeat(venue=VENUE, product=None, local_ts_ns=local_ts_ns)]
    if message.event == "bts:subscription_succeeded":
        return [Subscribed(channels={channel: (product_of(symbol),)})]
    if message.event == "bts:request_reconnect":
        return [Refused(message="the server asks to reconnect", permanent=False)]
    if message.event == "bts:error":
        reason = decode(_error.decode, data).message if data else "no reason given"
        return [Refused(message=f"Failed to subscribe: {reason}", product=product_of(symbol) if symbol else None)]
    if message.event in _SILENT:
        return []
    raise MalformedFrame(f"event {message.event[:40]!a} is not one of this feed's")


def _time_ns(microseconds: str) -> int:
    return in_range(whole(microseconds) * 1_000, microseconds)


def _as_trade(trade: _Trade, product: str, local_ts_ns: int | None) -> Trade:
    return Trade(
        venue=VENUE,
        product=product,
        price=e8(trade.price_str),
        size=size_e8(trade.amount_str),
        trade_id=trade.id,
        exch_ts_ns=_time_ns(trade.microtimestamp),
        local_ts_ns=local_ts_ns,
        side=1 if trade.type == 0 else -1,
    )


def _as_tick(book: _Book, product: str, local_ts_ns: int | None) -> list[Event]:
    if not book.bids or not book.asks:
        return []  # an empty side quotes nothing
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return [
        Tick(
            venue=VENUE,
            product=product,
            price=(e8(bid) + e8(ask)) // 2,
            exch_ts_ns=_time_ns(book.microtimestamp),
            local_ts_ns=local_ts_ns,
            bid=e8(bid),
            ask=e8(ask),
            bid_size=size_e8(bid_size),
            ask_size=size_e8(ask_size),
        )
    ]
