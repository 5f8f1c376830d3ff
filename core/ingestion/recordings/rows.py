"""Rows of named values (a table's, or a flat JSON object's) as ticks and trades.

Liberal in layout: any order of columns, extra ones, several names for one thing, times in ISO or in s, ms, us or ns.
Strict in values: what is not a number, a time or a side is MalformedFrame.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import MalformedFrame
from core.ingestion.ticks import E8, Tick, Trade
from core.ingestion.values import INT64_MAX, SECOND_NS, e8, e8_of_float, in_range, iso_ns, product_name, shown, whole

NAMES: dict[str, tuple[str, ...]] = {
    "exch_ts_ns": (
        "exch_ts_ns", "exch_ts", "exchange_ts", "exchange_ts_ns", "exchange_timestamp", "exchange_time", "exch_time",
        "event_time", "event_ts", "time",
    ),
    "local_ts_ns": (
        "local_ts_ns", "local_ts", "local_timestamp", "local_time", "receipt_ts", "receipt_ts_ns", "receipt_timestamp",
        "receipt_time", "received_at", "received_ts", "receive_ts", "recv_ts", "recv_ts_ns", "recv_time", "ingest_ts",
        "ingested_at", "ingest_time", "captured_at", "capture_ts",
    ),
    "ts": (
        "timestamp", "ts", "timestamp_ns", "ts_ns", "timestamp_ms", "ts_ms", "timestamp_us", "ts_us", "datetime",
        "date",
    ),
    "price": ("price", "last", "last_price", "last_trade_price", "mid", "mid_price", "midprice"),
    "bid": ("bid", "best_bid", "bid_price", "best_bid_price", "bidprice"),
    "ask": ("ask", "best_ask", "ask_price", "best_ask_price", "askprice"),
    "bid_size": ("bid_size", "best_bid_size", "best_bid_quantity", "bid_quantity", "bid_qty", "best_bid_qty"),
    "ask_size": ("ask_size", "best_ask_size", "best_ask_quantity", "ask_quantity", "ask_qty", "best_ask_qty"),
    "side": ("side", "taker_side"),
    "trade_id": ("trade_id", "tradeid"),
    "size": ("size", "qty", "quantity", "amount"),
    "venue": ("venue", "exchange"),
    "product": ("product", "product_id", "symbol", "pair"),
}  # fmt: skip
"""What each column of ours may be called, the first that is there counts. `ts` is a clock of which the name does not
say whose: the exchange's beside a receipt clock, else ours."""

_SIDES: dict[object, int] = {
    "buy": 1, "b": 1, "bid": 1, "sell": -1, "s": -1, "ask": -1, "": 0, "unknown": 0, None: 0, 1: 1, -1: -1, 0: 0,
    "1": 1, "-1": -1, "0": 0,
}  # fmt: skip
_UNITS = {"_ns": 1, "_us": 1_000, "_ms": 1_000_000}
_EXPONENT = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?) ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)


class Columns:
    """Which of a table's columns is which of ours. `usable` when there are a clock and a price or both quotes."""

    def __init__(self, names: Iterable[str]) -> None:
        given = {name.strip().strip('"').strip().lower(): name for name in reversed(list(names))}
        self.of: dict[str, str] = {}
        for ours, known in NAMES.items():
            if (found := next((given[name] for name in known if name in given), None)) is not None:
                self.of[ours] = found
        if "ts" in self.of:
            clock = "exch_ts_ns" if "local_ts_ns" in self.of else "local_ts_ns"
            self.of.setdefault(clock, self.of["ts"])
        self.usable = ("exch_ts_ns" in self.of or "local_ts_ns" in self.of) and (
            "price" in self.of or ("bid" in self.of and "ask" in self.of)
        )
        self.trades = "size" in self.of and "trade_id" in self.of and "bid" not in self.of
        self.quoted = "bid" in self.of and "ask" in self.of
        self._exch_unit, self._local_unit = _unit(self.of.get("exch_ts_ns")), _unit(self.of.get("local_ts_ns"))

    def event(self, row: Mapping[str, Any], venue: str | None, product: str | None) -> Tick | Trade:
        """One row as a tick, or as a trade when the table has sizes, trade ids and no quotes.

        `venue` overrides the row's, which is else "coinbase" with quotes and "reference" without; `product` names the
        rows that name none (BTC-USD). Raises MalformedFrame when a value is not one.
        """
        get: Callable[[str], Any] = lambda ours: row.get(self.of[ours]) if ours in self.of else None  # noqa: E731
        exch, local = get("exch_ts_ns"), get("local_ts_ns")
        exch_ts_ns = None if _missing(exch) else time_ns(exch, self._exch_unit)
        local_ts_ns = None if _missing(local) else time_ns(local, self._local_unit)
        if exch_ts_ns is None and local_ts_ns is None:
            raise MalformedFrame("the row has no time")
        price, bid, ask = (
            None if _missing(value) else amount(value) for value in (get("price"), get("bid"), get("ask"))
        )
        if price is None:
            if bid is None or ask is None:
                raise MalformedFrame("the row has no price")
            price = (bid + ask) // 2
        given = get("trade_id")
        trade_id = None if _missing(given) else whole(_digits(given))
        named_venue, named_product = get("venue"), get("product")
        where = {
            "venue": venue or _name(named_venue) or ("coinbase" if self.quoted or self.trades else "reference"),
            "product": product_name(_name(named_product) or product or "BTC-USD"),
        }
        size = get("size")
        if self.trades and trade_id is not None and not _missing(size):
            return Trade(
                price=price, size=_not_negative(amount(size)), trade_id=trade_id, exch_ts_ns=exch_ts_ns,
                local_ts_ns=local_ts_ns, side=_side(get("side")), **where,
            )  # fmt: skip
        sizes = (
            None if _missing(value) else _not_negative(amount(value)) for value in (get("bid_size"), get("ask_size"))
        )
        bid_size, ask_size = sizes
        return Tick(
            price=price, exch_ts_ns=exch_ts_ns, local_ts_ns=local_ts_ns, bid=bid, ask=ask, bid_size=bid_size,
            ask_size=ask_size, side=_side(get("side")), trade_id=trade_id, **where,
        )  # fmt: skip


def amount(value: Any) -> int:
    """A price or size of a recording in e8: exact as text, whole number or up to 8 decimals, else the nearest."""
    if isinstance(value, float):
        return e8_of_float(value)
    if isinstance(value, bool):
        raise MalformedFrame(f"{value} is not a number")
    if isinstance(value, int):
        if abs(value) > INT64_MAX // E8:
            raise MalformedFrame(f"{shown(str(value)[:50])} is beyond what fits")
        return value * E8
    text = str(value).strip() if isinstance(value, str | Decimal) else ""
    try:
        return e8(text)
    except MalformedFrame:
        if _EXPONENT.fullmatch(text) is None:
            raise
        return e8_of_float(float(text))


def time_ns(value: Any, unit: int | None = None) -> int:
    """A recording's time as ns UTC: a number in `unit` ns (None: s, ms, us or ns by size) or ISO text (naive = UTC).

    Exact for whole numbers and for the digits written. Raises MalformedFrame outside 1970 to 2249.
    """
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, bool):
        raise MalformedFrame(f"{value} is not a time")
    text = repr(value) if isinstance(value, int | float) else str(value).strip()
    if (iso := _ISO.fullmatch(text)) is not None:
        day, clock, zone = iso.groups()
        return in_range(iso_ns(f"{day}T{clock}Z") - _offset_ns(zone), text)
    if len(text) > 40 or _EXPONENT.fullmatch(text) is None:
        raise MalformedFrame(f"{shown(text)} is not a time")
    number = Decimal(text)
    if abs(number) > INT64_MAX:
        raise MalformedFrame(f"{shown(text)} is not a time")
    if unit is None:
        unit = next((size for limit, size in _MAGNITUDES if abs(number) < limit), 1)
    return in_range(round(number * unit), text)


_MAGNITUDES = ((10**11, SECOND_NS), (10**14, 1_000_000), (10**17, 1_000))


def _unit(name: str | None) -> int | None:
    return None if name is None else next((size for end, size in _UNITS.items() if name.lower().endswith(end)), None)


def _offset_ns(zone: str | None) -> int:
    if zone in (None, "Z", "UTC"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 14 or minutes > 59:
        raise MalformedFrame(f"{zone} is not an offset from UTC")
    return (hours * 60 + minutes) * 60 * SECOND_NS * (-1 if zone[0] == "-" else 1)


def _missing(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (
        isinstance(value, str) and value.strip().lower() in ("", "nan", "null", "none", "na", "n/a")
    )


def _digits(value: Any) -> str:
    text = str(value).strip()
    return text.removesuffix(".0")  # a whole number that went through a float column


def _name(value: Any) -> str | None:
    return None if _missing(value) else product_name(str(value).strip())


def _side(value: Any) -> int:
    if isinstance(value, float) and not math.isnan(value):
        value = int(value) if value.is_integer() else value
    key = value.strip().lower() if isinstance(value, str) else None if _missing(value) else value
    try:
        return _SIDES[key]
    except (KeyError, TypeError):
        raise MalformedFrame(f"{shown(str(value))} is not a side (buy or sell)") from None


def _not_negative(value: int) -> int:
    if value < 0:
        raise MalformedFrame(f"size {value / E8} is negative")
    return value
