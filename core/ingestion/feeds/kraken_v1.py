"""Kraken's first protocol: `wss://ws.kraken.com`, channel ticker of each pair.

Source: https://docs.kraken.com/api/docs/guides/spot-ws-v1. A ticker has quotes, sizes and the last price, and no time:
its only clock is the receipt's. Trades carry no id in this protocol, so they cannot be told apart and are left out. XBT
is Kraken's name for BTC, XDG for DOGE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from core.errors import MalformedFrame
from core.ingestion.feeds import LONG_QUIET_S, Keys, decode, once
from core.ingestion.ticks import Event, Heartbeat, Refused, Subscribed, Tick
from core.ingestion.values import e8, product_name, size_e8

VENUE = "kraken"
WS_URL = "wss://ws.kraken.com"
REST_URL: str | None = None
CHANNELS: tuple[str, ...] = ("ticker",)
TRADE_IDS = False
"""Its trades carry none."""
QUIET_S = LONG_QUIET_S

_THEIRS = {"BTC": "XBT", "DOGE": "XDG"}
_OURS = {theirs: ours for ours, theirs in _THEIRS.items()}


class _Ticker(msgspec.Struct):
    a: tuple[str, Any, str]
    b: tuple[str, Any, str]
    c: tuple[str, str]


class _Event(msgspec.Struct):
    event: str
    status: str = ""
    pair: str = ""
    channelName: str = ""
    errorMessage: str = ""


_KEYS = Keys("a", "b", "c")
_array = msgspec.json.Decoder(list[msgspec.Raw])
_ticker = msgspec.json.Decoder(_Ticker)
_event = msgspec.json.Decoder(_Event)
_text = msgspec.json.Decoder(str)


def subscribe(products: Sequence[str]) -> list[bytes]:
    """One message for all products ("BTC-USD")."""
    pairs = ["/".join(_THEIRS.get(part, part) for part in product.split("-")) for product in products]
    return [msgspec.json.encode({"event": "subscribe", "pair": pairs, "subscription": {"name": "ticker"}})]


def parse(frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
    """The frame's tick, heartbeat or answer, or [] for other channels. Raises MalformedFrame only.

    Without `local_ts_ns` a ticker has no time at all and is malformed.
    """
    if frame.lstrip()[:1] != b"[":
        return _said(decode(_event.decode, frame), local_ts_ns)
    parts = decode(_array.decode, frame)
    if len(parts) < 4:
        raise MalformedFrame(f"a message of {len(parts)} parts is not one of this feed's")
    channel, pair = (decode(_text.decode, bytes(part)) for part in parts[-2:])
    if channel.partition("-")[0] in ("book", "trade", "ohlc", "spread"):
        return []
    if channel != "ticker":
        raise MalformedFrame(f"channel {channel[:40]!a} is not one of this feed's")
    if local_ts_ns is None:
        raise MalformedFrame("a ticker has no time of its own, and none of its receipt is known")
    once(frame, _KEYS)
    ticker = decode(_ticker.decode, bytes(parts[1]))
    return [
        Tick(
            venue=VENUE,
            product=_product(pair),
            price=e8(ticker.c[0]),
            local_ts_ns=local_ts_ns,
            bid=e8(ticker.b[0]),
            ask=e8(ticker.a[0]),
            bid_size=size_e8(ticker.b[2]),
            ask_size=size_e8(ticker.a[2]),
        )
    ]


def _said(said: _Event, local_ts_ns: int | None) -> list[Event]:
    if said.event == "heartbeat":
        return [] if local_ts_ns is None else [Heartbeat(venue=VENUE, product=None, local_ts_ns=local_ts_ns)]
    if said.event == "subscriptionStatus":
        if said.status == "error":
            return [
                Refused(message=f"Failed to subscribe: {said.errorMessage}", product=_product(said.pair or "unknown"))
            ]
        return [Subscribed(channels={said.channelName: (_product(said.pair),)})]
    if said.event in ("systemStatus", "pong", "addOrderStatus"):
        return []
    raise MalformedFrame(f"event {said.event[:40]!a} is not one of this feed's")


def _product(pair: str) -> str:
    return product_name("-".join(_OURS.get(part, part) for part in pair.split("/")))
