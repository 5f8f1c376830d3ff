"""Coinbase Exchange: `wss://ws-feed.exchange.coinbase.com`, channels ticker, matches and heartbeat (no login).

Source of the message shapes: https://docs.cdp.coinbase.com/exchange/websocket-feed/channels.

`match.side` is the maker's ("If the side is sell this indicates the maker was a sell order and the match is
considered an up-tick"), `ticker.side` is the taker's; both come out as the taker's. `last_match`, one a product after
each subscribe, is a trade like any other: after a reconnect it repeats one that is held, or shows how many were missed.
A ticker joins cascading matches into one message, so it is not the trade tape. `last_trade_id` 0 in a heartbeat means
unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias, Union

import msgspec

from core.ingestion.feeds import HEX, Keys, decode, once
from core.ingestion.ticks import Event, Heartbeat, Refused, Subscribed, Tick, Trade
from core.ingestion.values import INT64_MAX, e8, iso_ns, product_name, size_e8

VENUE = "coinbase"
WS_URL = "wss://ws-feed.exchange.coinbase.com"
REST_URL: str | None = "https://api.exchange.coinbase.com"
CHANNELS = ("ticker", "matches")
TRADE_IDS = True

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
Side: TypeAlias = Literal["buy", "sell"]


class _Ticker(msgspec.Struct, tag_field="type", tag="ticker", gc=False):
    product_id: str
    price: str
    best_bid: str
    best_ask: str
    time: str
    best_bid_size: str | None = None
    best_ask_size: str | None = None
    side: Side | None = None
    trade_id: Id | None = None


class _Match(msgspec.Struct, tag_field="type", tag="match", gc=False):
    product_id: str
    trade_id: Id
    price: str
    size: str
    side: Side
    time: str


class _LastMatch(_Match, tag_field="type", tag="last_match", gc=False):
    pass


class _Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", gc=False):
    product_id: str
    time: str
    last_trade_id: Id = 0


class _Channel(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class _Subscriptions(msgspec.Struct, tag_field="type", tag="subscriptions"):
    channels: list[_Channel]


class _Error(msgspec.Struct, tag_field="type", tag="error"):
    message: str
    reason: str = ""


_OTHERS = (
    "snapshot", "l2update", "received", "open", "done", "change", "activate", "status", "auction", "level2", "full",
    "ticker_batch", "rfq_match", "balance", "feed_status",
)  # fmt: skip
"""Message types of channels that are not asked for; a recording may hold them."""
_ignored = [msgspec.defstruct(f"_Other{i}", [], tag_field="type", tag=name) for i, name in enumerate(_OTHERS)]
_decoder = msgspec.json.Decoder(Union[(_Ticker, _Match, _LastMatch, _Heartbeat, _Subscriptions, _Error, *_ignored)])


_TICKER_KEYS = Keys(
    "type", "product_id", "price", "best_bid", "best_ask", "time", "best_bid_size", "best_ask_size", "side", "trade_id"
)
_MATCH_KEYS = Keys("type", "product_id", "trade_id", "price", "size", "side", "time", values=HEX)
_TYPE = Keys("type")
_BEAT_KEYS = Keys("type", "product_id", "time", "last_trade_id")


class _Past(msgspec.Struct):
    trade_id: Id
    price: str
    size: str
    side: Side
    time: str


_past = msgspec.json.Decoder(list[_Past])
_TAKER = {"buy": 1, "sell": -1, None: 0}
_TAKER_OF_MAKER = {"buy": -1, "sell": 1}
_PASSING = re.compile(r"rate limit|too many|internal|unavailable|try again|time[d]? ?out|overload|busy", re.IGNORECASE)
_NAMED = re.compile(r"\b([A-Z0-9]+(?:-[A-Z0-9]+)+)\b", re.ASCII)


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message for all products and channels; the exchange wants it within 5 s of connecting."""
    channels = ["ticker", "matches", "heartbeat"]
    return [msgspec.json.encode({"type": "subscribe", "product_ids": list(products), "channels": channels})]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's tick, trade, heartbeat or answer, or [] for the messages of other channels.

    Prices and sizes come out in e8, times in ns UTC, sides as the taker's. Crossed, zero and negative quotes are kept
    as they are. Raises MalformedFrame when the frame is not one of this feed.
    """
    message = decode(_decoder.decode, frame)
    if isinstance(message, _Ticker):
        once(frame, _TICKER_KEYS)
        return [
            Tick(
                venue=VENUE,
                product=product_name(message.product_id),
                price=e8(message.price),
                exch_ts_ns=iso_ns(message.time),
                local_ts_ns=local_ts_ns,
                bid=e8(message.best_bid),
                ask=e8(message.best_ask),
                bid_size=None if message.best_bid_size is None else size_e8(message.best_bid_size),
                ask_size=None if message.best_ask_size is None else size_e8(message.best_ask_size),
                side=_TAKER[message.side],
                trade_id=message.trade_id,
            )
        ]
    if isinstance(message, _Match):
        once(frame, _MATCH_KEYS)
        return [
            Trade(
                venue=VENUE,
                product=product_name(message.product_id),
                price=e8(message.price),
                size=size_e8(message.size),
                trade_id=message.trade_id,
                exch_ts_ns=iso_ns(message.time),
                local_ts_ns=local_ts_ns,
                side=_TAKER_OF_MAKER[message.side],
            )
        ]
    if isinstance(message, _Heartbeat):
        once(frame, _BEAT_KEYS)
        return [
            Heartbeat(
                venue=VENUE,
                product=product_name(message.product_id),
                exch_ts_ns=iso_ns(message.time),
                local_ts_ns=local_ts_ns,
                last_trade_id=message.last_trade_id or None,
            )
        ]
    once(frame, _TYPE)
    if isinstance(message, _Subscriptions):
        return [Subscribed(channels={channel.name: tuple(channel.product_ids) for channel in message.channels})]
    if isinstance(message, _Error):
        return [refusal(message.message, message.reason)]
    return []


def trades_path(product: str, before_id: int) -> str:
    """`GET /products/{product}/trades`: the 1,000 trades before `before_id`, newest first (10 requests/s allowed).

    Source: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-trades.
    """
    return f"/products/{product_name(product)}/trades?limit=1000&after={before_id}"


def parse_trades(body: bytes, product: str, local_ts_ns: int | None = None) -> list[Trade]:
    """The REST answer's trades, oldest first; `side` there is the maker's too. Raises MalformedFrame only."""
    return [
        Trade(
            venue=VENUE,
            product=product_name(product),
            price=e8(past.price),
            size=size_e8(past.size),
            trade_id=past.trade_id,
            exch_ts_ns=iso_ns(past.time),
            local_ts_ns=local_ts_ns,
            side=_TAKER_OF_MAKER[past.side],
        )
        for past in reversed(decode(_past.decode, body))
    ]


def refusal(message: str, reason: str) -> Refused:
    """Coinbase's error message as a Refused: the product it names, and whether asking again could help."""
    text = f"{message}: {reason}" if reason else message
    named = _NAMED.search(reason or message)
    return Refused(message=text, product=named.group(1) if named else None, permanent=_PASSING.search(text) is None)
