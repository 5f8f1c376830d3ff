"""One recorded line as events: whichever feed it came from, and however its recorder wrapped it.

Understood are verbatim frames; `{"timestamp": .., "raw": {..}}` and its like; flat rows as JSON; `receipt_ns frame`;
the two session formats of cryptofeed: `time: frame` (with `url <- time: frame` for what was sent) and objects with `t`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from core.errors import MalformedFrame
from core.ingestion import feeds
from core.ingestion.feeds import coinbase_advanced
from core.ingestion.recordings.rows import Columns, time_ns
from core.ingestion.ticks import Event

_STAMPED = re.compile(rb"([0-9]{1,19}(?:\.[0-9]{1,9})?):? +(?=[{\[])", re.ASCII)
_SENT = re.compile(rb"wss?://\S+ <(?:-|->) [0-9.]+(?:: .*)?", re.ASCII | re.DOTALL)
_WRAPPED = ("raw", "frame", "message", "msg", "payload", "data", "value")
_CLOCKS = (
    "local_ts_ns", "local_ts", "receipt_ns", "receipt_ts", "receipt_ts_ns", "receipt_timestamp", "received_at",
    "recv_ts", "recv_ts_ns", "recv_time", "received_ts", "ingest_ts", "captured_at", "local_timestamp", "timestamp",
    "ts", "time",
)  # fmt: skip
_value = msgspec.json.Decoder()
_Parse = Callable[[bytes, int | None], list[Event]]


_ABSENT = msgspec.Raw(b"")


class _Shape(msgspec.Struct):
    """What tells the kinds of line apart, undecoded."""

    t: msgspec.Raw = _ABSENT
    type: msgspec.Raw = _ABSENT
    channel: msgspec.Raw = _ABSENT
    events: msgspec.Raw = _ABSENT
    stream: msgspec.Raw = _ABSENT
    event: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT
    e: msgspec.Raw = _ABSENT
    raw: msgspec.Raw = _ABSENT
    lastUpdateId: msgspec.Raw = _ABSENT


_shape = msgspec.json.Decoder(_Shape)


def understand(line: bytes) -> list[Event]:
    """The events of one line, [] for a line that is known and says nothing of a market.

    Raises MalformedFrame for everything else.
    """
    if _SENT.fullmatch(line) is not None:
        return []
    stamped = _STAMPED.match(line)
    if stamped is not None:
        return _frame(line[stamped.end() :], time_ns(stamped.group(1).decode()))
    return _frame(line, None)


def _frame(frame: bytes, local_ts_ns: int | None) -> list[Event]:
    if frame.startswith(b"["):
        return _of("kraken_v1")(frame, local_ts_ns)
    shape = feeds.decode(_shape.decode, frame)
    there = {name for name in _Shape.__struct_fields__ if getattr(shape, name) is not _ABSENT}
    if "raw" in there:
        return _object(frame, local_ts_ns)
    if "t" in there and "type" not in there and "e" not in there:
        return _cryptofeed(frame)
    if "channel" in there and "event" not in there:
        return coinbase_advanced.parse(frame, local_ts_ns)
    if "type" in there:
        flat = local_ts_ns is None and _is_flat(frame)
        return _object(frame, None) if flat else _of("coinbase_exchange")(frame, local_ts_ns)
    if there & {"stream", "e", "lastUpdateId"}:
        return _of("binance_spot")(frame, local_ts_ns)
    if "event" in there:
        return _of("bitstamp" if "channel" in there else "kraken_v1")(frame, local_ts_ns)
    return _object(frame, local_ts_ns)


def _is_flat(frame: bytes) -> bool:
    """A ticker object that carries its recorder's own clock instead of the exchange's `time`."""
    return b'"timestamp"' in frame[:4096] and b'"time"' not in frame


def _of(name: str) -> _Parse:
    if name not in feeds.names():
        raise MalformedFrame(f"a frame of {name}, which is not known here")
    return feeds.get(name).parse


class _Session(msgspec.Struct):
    t: str
    ts: float | None = None
    data: str | None = None


_session = msgspec.json.Decoder(_Session)


def _cryptofeed(line: bytes) -> list[Event]:
    session = feeds.decode(_session.decode, line)
    if session.t in ("header", "http", "connect", "send", "close", "disconnect", "end"):
        return []
    if session.t != "recv" or session.data is None:
        raise MalformedFrame(f"a session's line of kind {session.t[:20]!a} is not known")
    return _frame(session.data.encode(), None if session.ts is None else time_ns(session.ts))


def _object(line: bytes, local_ts_ns: int | None) -> list[Event]:
    row = feeds.decode(_value.decode, line)
    if not isinstance(row, dict):
        raise MalformedFrame("neither a frame nor a row")
    inner = next((row[name] for name in _WRAPPED if isinstance(row.get(name), dict | str)), None)
    if inner is not None:
        clock = next((row[name] for name in _CLOCKS if row.get(name) is not None), None)
        return _inner(inner, local_ts_ns if clock is None else time_ns(clock))
    columns = Columns(row)
    if not columns.usable:
        raise MalformedFrame("neither a frame of a known feed nor a row with a time and a price")
    return [columns.event(row, None, None)]


def _inner(inner: dict[str, Any] | str, local_ts_ns: int | None) -> list[Event]:
    if isinstance(inner, str):
        return _frame(inner.encode(), local_ts_ns)
    if "channel" not in inner and "time" not in inner and inner.get("type", "ticker") == "ticker":
        try:
            ticker = msgspec.convert(inner, coinbase_advanced.Ticker)
        except msgspec.ValidationError as error:
            raise MalformedFrame(f"not a ticker: {error}") from error
        if local_ts_ns is None:
            raise MalformedFrame("a ticker without any time")
        return [coinbase_advanced.tick(ticker, None, local_ts_ns)]
    return _frame(msgspec.json.encode(inner), local_ts_ns)
