"""Coinbase Advanced Trade: `wss://advanced-trade-ws.coinbase.com`, channels ticker, market_trades and heartbeats.

Source of the message shapes: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels.

A ticker has no time and no trade id of its own: the envelope's `timestamp` is its exchange time. market_trades come
newest first, 250 ms at a time; they leave here oldest first. `side` of market_trades is the MAKER's, as on Coinbase
Exchange (its REST reference: "The side of a trade indicates the maker order side"): of the 79 trades of a recorded
session that can be compared with the last quotes, 77 were SELL above the mid or BUY below it. It comes out flipped, as
the taker's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from core.errors import MalformedFrame
from core.ingestion.feeds import LONG_QUIET_S, Keys, decode, once
from core.ingestion.feeds.coinbase_exchange import refusal
from core.ingestion.ticks import Event, Heartbeat, Refused, Subscribed, Tick, Trade
from core.ingestion.values import INT64_MAX, e8, iso_ns, product_name, size_e8, whole

VENUE = "coinbase"
WS_URL = "wss://advanced-trade-ws.coinbase.com"
REST_URL: str | None = None
CHANNELS = ("ticker", "market_trades")
TRADE_IDS = True
QUIET_S = LONG_QUIET_S


class Ticker(msgspec.Struct):
    """The ticker object of an envelope, also found alone in some recordings."""

    product_id: str
    price: str
    best_bid: str
    best_ask: str
    best_bid_quantity: str | None = None
    best_ask_quantity: str | None = None


class _Tickers(msgspec.Struct):
    tickers: list[Ticker]


class _Trade(msgspec.Struct):
    product_id: str
    trade_id: str
    price: str
    size: str
    time: str
    side: Literal["BUY", "SELL", "UNKNOWN_ORDER_SIDE"]


class _Trades(msgspec.Struct):
    trades: list[_Trade]


class _Beat(msgspec.Struct):
    heartbeat_counter: int | str


class _Subscriptions(msgspec.Struct):
    subscriptions: dict[str, list[str]]


class _Envelope(msgspec.Struct):
    channel: str
    timestamp: str
    events: msgspec.Raw


class _Numbered(msgspec.Struct):
    sequence_num: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]


class _Error(msgspec.Struct, tag_field="type", tag="error"):
    message: str
    reason: str = ""


_envelope = msgspec.json.Decoder(_Envelope)
_numbered = msgspec.json.Decoder(_Numbered)
_error = msgspec.json.Decoder(_Error)
_tickers = msgspec.json.Decoder(list[_Tickers])
_trades = msgspec.json.Decoder(list[_Trades])
_beats = msgspec.json.Decoder(list[_Beat])
_subscriptions = msgspec.json.Decoder(list[_Subscriptions])
_OTHERS = frozenset({"l2_data", "level2", "candles", "status", "user", "futures_balance_summary"})
"""Channels that are not asked for; a recording may hold them."""
_ENVELOPE_KEYS = Keys("channel", "timestamp", "events")
_TICKER_KEYS = Keys("product_id", "price", "best_bid", "best_ask", "best_bid_quantity", "best_ask_quantity")
_TRADE_KEYS = Keys("product_id", "trade_id", "price", "size", "time", "side")
_TAKER_OF_MAKER = {"BUY": -1, "SELL": 1, "UNKNOWN_ORDER_SIDE": 0}


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message a channel, as the exchange wants it; heartbeats keep silent channels from closing after 60-90 s."""
    asked = [{"type": "subscribe", "product_ids": list(products), "channel": channel} for channel in CHANNELS]
    return [msgspec.json.encode(message) for message in [*asked, {"type": "subscribe", "channel": "heartbeats"}]]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's ticks, trades (oldest first), heartbeats or answer, or [] for the messages of other channels.

    Prices and sizes come out in e8, times in ns UTC, sides as the taker's. Crossed, zero and negative quotes are kept
    as they are. Raises MalformedFrame when the frame is not one of this feed.
    """
    try:
        envelope = decode(_envelope.decode, frame)
    except MalformedFrame:
        if b'"error"' not in frame:
            raise
        return [_refused(frame)]
    once(frame, _ENVELOPE_KEYS)
    channel, events = envelope.channel, bytes(envelope.events)
    if channel in ("ticker", "ticker_batch"):
        exch_ts_ns = iso_ns(envelope.timestamp)
        found = [ticker for event in decode(_tickers.decode, events) for ticker in event.tickers]
        once(frame, _TICKER_KEYS, len(found))
        return [tick(ticker, exch_ts_ns, local_ts_ns) for ticker in found]
    if channel == "market_trades":
        trades = [one for event in decode(_trades.decode, events) for one in reversed(event.trades)]
        once(frame, _TRADE_KEYS, len(trades))
        return [_trade(one, local_ts_ns) for one in trades]
    if channel == "heartbeats":
        beat = Heartbeat(venue=VENUE, product=None, exch_ts_ns=iso_ns(envelope.timestamp), local_ts_ns=local_ts_ns)
        return [beat for _ in decode(_beats.decode, events)]
    if channel == "subscriptions":
        answers = decode(_subscriptions.decode, events)
        channels = {name: tuple(products) for answer in answers for name, products in answer.subscriptions.items()}
        return [Subscribed(channels=channels)]
    if channel in _OTHERS:
        return []
    raise MalformedFrame(f"channel {channel[:40]!a} is not one of this feed's")


def sequence(frame: bytes) -> int:
    """The envelope's `sequence_num`: it rises by one a message on a connection, across channels, so a jump is a lost
    frame. Raises MalformedFrame when it has none."""
    number: int = decode(_numbered.decode, frame).sequence_num
    return number


def tick(ticker: Ticker, exch_ts_ns: int | None, local_ts_ns: int | None) -> Tick:
    """A ticker object as a tick. Raises MalformedFrame when a value is not one."""
    return Tick(
        venue=VENUE,
        product=product_name(ticker.product_id),
        price=e8(ticker.price),
        exch_ts_ns=exch_ts_ns,
        local_ts_ns=local_ts_ns,
        bid=e8(ticker.best_bid),
        ask=e8(ticker.best_ask),
        bid_size=None if ticker.best_bid_quantity is None else size_e8(ticker.best_bid_quantity),
        ask_size=None if ticker.best_ask_quantity is None else size_e8(ticker.best_ask_quantity),
    )


def _trade(trade: _Trade, local_ts_ns: int | None) -> Trade:
    return Trade(
        venue=VENUE,
        product=product_name(trade.product_id),
        price=e8(trade.price),
        size=size_e8(trade.size),
        trade_id=whole(trade.trade_id),
        exch_ts_ns=iso_ns(trade.time),
        local_ts_ns=local_ts_ns,
        side=_TAKER_OF_MAKER[trade.side],
    )


def _refused(frame: bytes) -> Refused:
    error = decode(_error.decode, frame)
    return refusal(error.message, error.reason)
