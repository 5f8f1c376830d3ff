"""Texts of feeds and recordings as exact whole numbers: prices and sizes in e8, times in ns UTC.

Every pattern is ASCII and complete: what `float()` and `int()` would let through (`nan`, `1_000`, full-width digits,
`1e999`) is refused before a number is made of it. Only MalformedFrame is raised.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NoReturn

from core.errors import MalformedFrame
from core.ingestion.ticks import E8

INT64_MAX = 2**63 - 1
MOST = 9.2e10
"""USD or units, just below what int64 holds in e8."""
SECOND_NS = 1_000_000_000
LATEST_NS = 2_208_988_800 * 4 * SECOND_NS
"""2249-12-31: past it int64 nanoseconds leave no room for a horizon."""

_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:", re.ASCII)
_SECONDS = re.compile(r"[0-5][0-9](?:\.[0-9]{1,9})?Z", re.ASCII)
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,39}", re.ASCII)


def shown(text: str) -> str:
    """`text` as an error sentence quotes it: short, and with nothing unprintable."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")


@lru_cache(maxsize=8192)
def e8(text: str) -> int:
    """A decimal number as whole 1e-8: exact, or MalformedFrame.

    >>> e8("85747.97"), e8("0.00000001"), e8("-1.5"), e8("2.5000000000")
    (8574797000000, 1, -150000000, 250000000)
    """
    head, _, tail = text.partition(".")
    if _NUMBER.fullmatch(text) is None:
        raise MalformedFrame(f"{shown(text)} is not a decimal number")
    if len(tail) > 8:
        if tail[8:].strip("0"):
            raise MalformedFrame(f"{shown(text)} has more than 8 decimals")
        tail = tail[:8]
    value = int(head + tail) * _SCALES[len(tail)]
    if not -INT64_MAX <= value <= INT64_MAX:
        raise MalformedFrame(f"{shown(text)} is beyond what fits (92 thousand million)")
    return value


_SCALES = tuple(10 ** (8 - decimals) for decimals in range(9))


def e8_of_float(value: float) -> int:
    """A float64 as whole 1e-8: exact for numbers written with up to 8 decimals below 22 million, else the nearest.

    Raises MalformedFrame when it is not finite or does not fit.
    """
    if not -MOST < value < MOST:
        raise MalformedFrame(f"{value!r} is not a price or size that fits")
    return round(value * E8)


def size_e8(text: str) -> int:
    """As `e8`, for what cannot be negative.

    >>> size_e8("0.01343890"), size_e8("2")
    (1343890, 200000000)
    """
    head, _, tail = text.partition(".")
    if len(tail) == 8 and len(head) < 10 and head.isdigit() and tail.isdigit() and text.isascii():
        return int(head + tail)  # as nearly all come; they hardly ever repeat, as prices do, so none is remembered
    value = e8(text)
    if value < 0:
        raise MalformedFrame(f"size {shown(text)} is negative")
    return value


def whole(text: str) -> int:
    """An unsigned whole number that fits int64, written in ASCII digits."""
    if _WHOLE.fullmatch(text) is None or (value := int(text)) > INT64_MAX:
        raise MalformedFrame(f"{shown(text)} is not a whole number that fits")
    return value


@lru_cache(maxsize=1024)
def iso_ns(text: str) -> int:
    """`2022-12-01T00:00:00.122581Z` (0 to 9 decimals, UTC) as ns since 1970; MalformedFrame outside 1970 to 2249.

    >>> iso_ns("1970-01-01T00:00:01.5Z"), iso_ns("2025-12-31T06:00:12.516946132Z")
    (1500000000, 1767160812516946132)
    """
    if len(text) == 27 and text[26] == "Z" and (micros := text[20:26]).isdigit() and text.isascii():
        return _second_ns(text[:20]) + int(micros) * 1_000  # as Coinbase writes it, at half the time
    return _any_iso_ns(text)


@lru_cache(maxsize=256)
def _second_ns(head: str) -> int:
    return _any_iso_ns(head + "0Z")


def _any_iso_ns(text: str) -> int:
    seconds = text[17:]
    if _SECONDS.fullmatch(seconds) is None:
        _bad_time(text)
    fraction = seconds[3:-1]
    return _minute_ns(text[:17]) + int(seconds[:2]) * SECOND_NS + (int(fraction.ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=256)
def _minute_ns(text: str) -> int:
    if _MINUTE.fullmatch(text) is None:
        _bad_time(text)
    try:
        minute = datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%z")
    except ValueError:
        _bad_time(text)
    return in_range(round((minute - _EPOCH).total_seconds()) * SECOND_NS, text)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_range(time_ns: int, text: str) -> int:
    """`time_ns`, or MalformedFrame when it lies outside 1970 to 2249."""
    if not 0 <= time_ns <= LATEST_NS:
        raise MalformedFrame(f"time {shown(text)} lies outside 1970 to 2249")
    return time_ns


FUTURE_NS = 24 * 3600 * SECOND_NS
"""How far ahead of receipt an exchange's time may be; our own clock may be wrong by hours, a day is a broken frame."""


def refuse_future(exch_ts_ns: int | None, received_ns: int) -> None:
    """Raise MalformedFrame for a time of more than a day after `received_ns`: every later event would count as late."""
    if exch_ts_ns is not None and exch_ts_ns - received_ns > FUTURE_NS:
        days = (exch_ts_ns - received_ns) / FUTURE_NS
        raise MalformedFrame(f"its time lies {days:,.0f} days ahead")


def _bad_time(text: str) -> NoReturn:
    raise MalformedFrame(f"{shown(text)} is not a time like 2022-12-01T00:00:00.122581Z")


@lru_cache(maxsize=1024)
def product_name(text: str) -> str:
    """`text` when it can be a product's name (BTC-USD, SKL-BTC, 1INCH-USD), else MalformedFrame."""
    if _PRODUCT.fullmatch(text) is None:
        raise MalformedFrame(f"{shown(text)} is not a product's name")
    return text
