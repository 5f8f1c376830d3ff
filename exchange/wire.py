"""Coinbase Exchange's JSON: events as the bytes it would send (as documented, and as in recorded sessions)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

from core.ingestion.ticks import E8
from exchange.tape import Beat, Match, Ticker

_CENT = E8 // 100
_SIDES = {1: "buy", -1: "sell"}


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso(ts_ns: int) -> str:
    """`ts_ns` as Coinbase writes times: UTC, microseconds, Z; the nanoseconds as well where there are any.

    >>> iso(1_767_571_200_000_001_000)
    '2026-01-05T00:00:00.000001Z'
    """
    second, ns = divmod(ts_ns, 1_000_000_000)
    return f"{_second(second)}.{ns // 1000:06d}Z" if ns % 1000 == 0 else f"{_second(second)}.{ns:09d}Z"


def price(e8: int) -> str:
    """A price in 1e-8 with its cents, and with more decimals only where it has them.

    >>> price(9_100_050_000_000), price(87_654_321)
    ('91000.50', '0.87654321')
    """
    whole, part = divmod(e8, E8)
    if part % _CENT == 0:
        return f"{whole}.{part // _CENT:02d}"
    return f"{whole}.{part:08d}".rstrip("0")


def size(e8: int) -> str:
    """A size in 1e-8 with all eight decimals.

    >>> size(61_540_890)
    '0.61540890'
    """
    whole, part = divmod(e8, E8)
    return f"{whole}.{part:08d}"


def _mix(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF  # splitmix64
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return number ^ (number >> 31)


def _order_id(number: int) -> str:
    digits = f"{_mix(number):016x}{_mix(~number & 0xFFFFFFFFFFFFFFFF):016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def match(event: Match, kind: Literal["match", "last_match"] = "match") -> bytes:
    """A match frame; its side is the maker's. Order ids are made from the trade id and the time: equal on every run."""
    return (
        f'{{"type":"{kind}","trade_id":{event.trade_id},'
        f'"maker_order_id":"{_order_id(event.trade_id * 2)}","taker_order_id":"{_order_id(event.ts_ns * 2 + 1)}",'
        f'"side":"{_SIDES[event.maker_side]}","size":"{size(event.size)}","price":"{price(event.price)}",'
        f'"product_id":"{event.product}","sequence":{event.sequence},"time":"{iso(event.ts_ns)}"}}'
    ).encode()


def ticker(event: Ticker) -> bytes:
    """A ticker frame; its side is the taker's. Fields whose value the source does not know are left out."""
    day = ""
    if event.volume_24h is not None and event.open_24h and event.low_24h and event.high_24h and event.volume_30d:
        day = (
            f'"open_24h":"{price(event.open_24h)}","volume_24h":"{size(event.volume_24h)}",'
            f'"low_24h":"{price(event.low_24h)}","high_24h":"{price(event.high_24h)}",'
            f'"volume_30d":"{size(event.volume_30d)}",'
        )
    bid = "" if event.bid is None else f'"best_bid":"{price(event.bid)}",'
    bid_size = "" if event.bid_size is None else f'"best_bid_size":"{size(event.bid_size)}",'
    ask = "" if event.ask is None else f'"best_ask":"{price(event.ask)}",'
    ask_size = "" if event.ask_size is None else f'"best_ask_size":"{size(event.ask_size)}",'
    return (
        f'{{"type":"ticker","sequence":{event.sequence},"product_id":"{event.product}","price":"{price(event.price)}",'
        f"{day}{bid}{bid_size}{ask}{ask_size}"
        f'"side":"{_SIDES[event.taker_side]}","time":"{iso(event.ts_ns)}","trade_id":{event.trade_id},'
        f'"last_size":"{size(event.last_size)}"}}'
    ).encode()


def heartbeat(event: Beat) -> bytes:
    """A heartbeat frame; `last_trade_id` 0 stands for unknown."""
    return (
        f'{{"type":"heartbeat","last_trade_id":{event.last_trade_id},"product_id":"{event.product}",'
        f'"sequence":{event.sequence},"time":"{iso(event.ts_ns)}"}}'
    ).encode()


def error(message: str, reason: str) -> bytes:
    """The frame with which the exchange refuses a client's message or a part of it."""
    return msgspec.json.encode({"type": "error", "message": message, "reason": reason})


def subscriptions(channels: dict[str, tuple[str, ...]]) -> bytes:
    """The frame that says what this connection is sent: channel -> products."""
    listed = [{"name": name, "product_ids": list(products)} for name, products in channels.items()]
    return msgspec.json.encode({"type": "subscriptions", "channels": listed})


def rest_trades(trades: list[Match]) -> bytes:
    """The body of `GET /products/{p}/trades`: in the order given; the side is the maker's."""
    return b"[%s]" % b",".join(
        (
            f'{{"trade_id":{t.trade_id},"side":"{_SIDES[t.maker_side]}","size":"{size(t.size)}",'
            f'"price":"{price(t.price)}","time":"{iso(t.ts_ns)}"}}'
        ).encode()
        for t in trades
    )
