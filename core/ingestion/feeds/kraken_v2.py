"""Kraken: `wss://ws.kraken.com/v2`, channels trade and ticker of each symbol.

Source: https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/ticker and .../trade. Prices and sizes are JSON
numbers: their text is read as it stands, never through a float. A trade's `side` is the taker's, its `trade_id` rises
by one per symbol. A subscribe is followed by a snapshot of the last 50 trades, which closes the gap of a short
reconnect. A ticker is sent at every change of the best quotes (`event_trigger` bbo); where it has no `timestamp` its
only clock is the receipt's. Symbols are the products with a slash ("BTC/USD"; XBT is the name in the protocol before).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from core.errors import MalformedFrame
from core.ingestion.feeds import LONG_QUIET_S, Keys, decode, once
from core.ingestion.ticks import Event, Heartbeat, Refused, Subscribed, Tick, Trade
from core.ingestion.values import INT64_MAX, e8, iso_ns, product_name, shown, size_e8

VENUE = "kraken"
WS_URL = "wss://ws.kraken.com/v2"
REST_URL: str | None = None
CHANNELS: tuple[str, ...] = ("ticker", "trade")
TRADE_IDS = True
QUIET_S = LONG_QUIET_S

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
_NOTHING = msgspec.Raw(b"")
_NUMBER = re.compile(r"(-?[0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_OTHERS = frozenset({"status", "book", "ohlc", "level3", "instrument", "executions", "balances"})
"""Channels that are not asked for, and the exchange's word on its own state."""


class _Message(msgspec.Struct):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = _NOTHING
    method: str = ""
    success: bool | None = None
    result: msgspec.Raw = _NOTHING
    error: str = ""
    symbol: str | None = None


class _Result(msgspec.Struct):
    channel: str
    symbol: str | None = None


class _Trade(msgspec.Struct):
    symbol: str
    side: Literal["buy", "sell"]
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: Id
    timestamp: str


class _Ticker(msgspec.Struct):
    symbol: str
    bid: msgspec.Raw
    bid_qty: msgspec.Raw
    ask: msgspec.Raw
    ask_qty: msgspec.Raw
    last: msgspec.Raw
    timestamp: str | None = None


_ENVELOPE_KEYS = Keys("channel", "data")
_TRADE_KEYS = Keys("symbol", "side", "price", "qty", "trade_id", "timestamp")
_TICKER_KEYS = Keys("symbol", "bid", "bid_qty", "ask", "ask_qty", "last", "timestamp")
_message = msgspec.json.Decoder(_Message)
_result = msgspec.json.Decoder(_Result)
_trades = msgspec.json.Decoder(list[_Trade])
_tickers = msgspec.json.Decoder(list[_Ticker])


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message a channel, for all products ("BTC-USD")."""
    symbols = [product.replace("-", "/") for product in products]
    asked = [
        {"channel": "ticker", "symbol": symbols, "event_trigger": "bbo"},
        {"channel": "trade", "symbol": symbols, "snapshot": True},
    ]
    return [msgspec.json.encode({"method": "subscribe", "params": params}) for params in asked]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's trades or ticks, heartbeat or answer, or [] for other channels. Raises MalformedFrame only.

    Without `local_ts_ns` a ticker that has no time of its own is malformed.
    """
    message = decode(_message.decode, frame)
    once(frame, _ENVELOPE_KEYS)
    channel = message.channel
    if channel == "trade":
        found = sorted(decode(_trades.decode, bytes(message.data)), key=lambda one: one.trade_id)
        once(frame, _TRADE_KEYS, len(found))
        return [_as_trade(one, local_ts_ns) for one in found]
    if channel == "ticker":
        tickers = decode(_tickers.decode, bytes(message.data))
        once(frame, _TICKER_KEYS, len(tickers))
        return [_as_tick(one, local_ts_ns) for one in tickers]
    if channel == "heartbeat":
        return [] if local_ts_ns is None else [Heartbeat(venue=VENUE, product=None, local_ts_ns=local_ts_ns)]
    if channel in _OTHERS or message.method == "pong":
        return []
    if not channel and message.method == "subscribe" and message.success is not None:
        return [_answer(message)]
    raise MalformedFrame(f"channel {(channel or message.method)[:40]!a} is not one of this feed's")


def _answer(message: _Message) -> Event:
    if not message.success:
        named = _product(message.symbol) if message.symbol else None
        return Refused(message=f"Failed to subscribe: {message.error or 'no reason given'}", product=named)
    result = decode(_result.decode, bytes(message.result))
    return Subscribed(channels={result.channel: (_product(result.symbol),) if result.symbol else ()})


def _as_trade(trade: _Trade, local_ts_ns: int | None) -> Trade:
    return Trade(
        venue=VENUE,
        product=_product(trade.symbol),
        price=e8(_decimal(trade.price)),
        size=size_e8(_decimal(trade.qty)),
        trade_id=trade.trade_id,
        exch_ts_ns=iso_ns(trade.timestamp),
        local_ts_ns=local_ts_ns,
        side=1 if trade.side == "buy" else -1,
    )


def _as_tick(ticker: _Ticker, local_ts_ns: int | None) -> Tick:
    exch_ts_ns = None if ticker.timestamp is None else iso_ns(ticker.timestamp)
    if local_ts_ns is None and exch_ts_ns is None:
        raise MalformedFrame("a ticker has no time of its own, and none of its receipt is known")
    return Tick(
        venue=VENUE,
        product=_product(ticker.symbol),
        price=e8(_decimal(ticker.last)),
        exch_ts_ns=exch_ts_ns,
        local_ts_ns=local_ts_ns,
        bid=e8(_decimal(ticker.bid)),
        ask=e8(_decimal(ticker.ask)),
        bid_size=size_e8(_decimal(ticker.bid_qty)),
        ask_size=size_e8(_decimal(ticker.ask_qty)),
    )


def _decimal(raw: msgspec.Raw) -> str:
    """The text of a JSON number without an exponent: 1.5e-7 is "0.00000015". Exact, or MalformedFrame.

    >>> _decimal(msgspec.Raw(b"85000.1")), _decimal(msgspec.Raw(b"1.5e-7")), _decimal(msgspec.Raw(b"12E2"))
    ('85000.1', '0.00000015', '1200')
    """
    text = bytes(raw).decode("ascii", "backslashreplace")
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise MalformedFrame(f"{shown(text)} is not a decimal number")
    head, tail, exponent = found.group(1), found.group(2) or "", int(found.group(3) or 0)
    if exponent == 0:
        return text if found.group(3) is None else head + ("." + tail if tail else "")
    sign, digits = ("-", head[1:]) if head[0] == "-" else ("", head)
    if exponent > 0:
        tail = tail.ljust(exponent, "0")
        digits, tail = digits + tail[:exponent], tail[exponent:]
    else:
        digits = digits.rjust(1 - exponent, "0")
        digits, tail = digits[:exponent], digits[exponent:] + tail
    digits = digits.lstrip("0") or "0"
    tail = tail.rstrip("0")
    return sign + digits + ("." + tail if tail else "")


def _product(symbol: str | None) -> str:
    return product_name((symbol or "").replace("/", "-"))
