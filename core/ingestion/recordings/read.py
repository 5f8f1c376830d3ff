"""A recording as lazy batches of events, with the lines that could not be read beside them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.errors import BadInput, MalformedFrame
from core.ingestion.recordings import lines as packing
from core.ingestion.recordings.frames import understand
from core.ingestion.recordings.lines import Line, lines
from core.ingestion.recordings.rows import Columns
from core.ingestion.store import Quarantined, parquet
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from core.ingestion.values import product_name, shown

BATCH = 5_000
PATIENCE = 1_000
"""Unreadable lines before the first readable one, after which the file counts as no recording."""
Tell = Callable[[float], None]


class Batch(NamedTuple):
    """Events in the file's order, and the lines (or rows) between them that could not be read."""

    events: list[Stored]
    bad: list[Quarantined]


def read(path: Path, venue: str | None = None, product: str | None = None, tell: Tell | None = None) -> Iterator[Batch]:
    """The recording's ticks, trades and heartbeats, at most 5,000 lines a batch, in the file's order.

    Parquet and CSV tables, NDJSON and the session formats, each plain, gzip or zstd, told apart by content. Frames
    carry their own venue; a table's is its `venue` column, else "coinbase" with quotes and "reference" without. `venue`
    overrides both; `product` names the rows that name none (BTC-USD). A line that cannot be read is quarantined with
    its bytes. `tell` hears the share that is read. Raises BadInput when nothing in the file is readable.
    """
    for name in (venue, product):
        if name is not None:
            _checked(name)
    first = packing.magic(path)
    if first == packing.PARQUET:
        attempts = _table_rows(path, venue, product, tell)
    elif first == packing.ZIP:
        raise BadInput(f"{path.name} is a zip archive: unpack it and import the files in it")
    else:
        attempts = _line_events(path, venue, product, tell)
    yield from _batched(attempts, path)


Attempt = tuple[list[Stored], Quarantined | None]


def _batched(attempts: Iterable[Attempt], path: Path) -> Iterator[Batch]:
    events: list[Stored] = []
    bad: list[Quarantined] = []
    readable, seen = False, 0
    for found, fault in attempts:
        seen += 1
        events += found
        if fault is None:
            readable = True
        else:
            bad.append(fault)
            if not readable and len(bad) >= PATIENCE:
                break
        if readable and len(events) + len(bad) >= BATCH:
            yield Batch(events, bad)
            events, bad = [], []
    if not readable:
        why = f"; the first says: {bad[0].reason}" if bad else ""
        raise BadInput(f"{path.name} holds no readable tick, trade or frame in {seen:,} lines{why}")
    if events or bad:
        yield Batch(events, bad)


def _line_events(path: Path, venue: str | None, product: str | None, tell: Tell | None) -> Iterator[Attempt]:
    table: tuple[list[str], str, Columns] | None = None
    fresh = True
    for line in lines(path, tell):
        text = line.text.removeprefix(b"\xef\xbb\xbf") if fresh else line.text
        if not text.strip() and line.fault is None:
            continue
        if fresh and line.fault is None:
            fresh = False
            table = _header(text)
            if table is not None:
                if not table[2].usable:
                    raise BadInput(_unusable(path, table[0]))
                continue
        fresh = False
        if line.fault is not None:
            yield [], Quarantined(None, line.fault, text)
            continue
        try:
            if table is None:
                yield _stored(understand(text.strip()), venue), None
            else:
                yield [table[2].event(_fields(text, table[0], table[1]), venue, product)], None
        except MalformedFrame as error:
            yield [], Quarantined(None, str(error), text)


def _stored(events: Iterable[Any], venue: str | None) -> list[Stored]:
    kept = [event for event in events if isinstance(event, Tick | Trade | Heartbeat)]
    for event in kept:
        if event.exch_ts_ns is None and event.local_ts_ns is None:
            raise MalformedFrame("the frame has no time, and neither has its line")
    return kept if venue is None else [msgspec.structs.replace(event, venue=venue) for event in kept]


def _header(text: bytes) -> tuple[list[str], str, Columns] | None:
    """Names, separator and columns when the line is a table's head."""
    if text[:1] in (b"{", b"[") or len(text) > 10_000:
        return None
    try:
        head = text.decode()
    except UnicodeDecodeError:
        return None
    for separator in (",", "\t", ";", "|"):
        try:
            names = [name.strip() for name in next(csv.reader([head], delimiter=separator))]
        except (csv.Error, StopIteration):
            return None
        if len(names) > 1 and not any(name[:1].isdigit() for name in names) and Columns(names).of:
            return names, separator, Columns(names)
    return None


def _fields(text: bytes, names: list[str], separator: str) -> Mapping[str, str]:
    try:
        values = next(csv.reader([text.decode()], delimiter=separator))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise MalformedFrame(f"not a row: {error}") from error
    if len(values) != len(names):
        raise MalformedFrame(f"the row has {len(values)} values, the head {len(names)}")
    return dict(zip(names, values, strict=True))


def _table_rows(path: Path, venue: str | None, product: str | None, tell: Tell | None) -> Iterator[Attempt]:
    names = parquet.names(path)
    columns = Columns(names)
    if not columns.usable:
        raise BadInput(_unusable(path, names))
    for batch, share in parquet.read(path, sorted(set(columns.of.values()))):
        for row in batch:
            try:
                yield [columns.event(row, venue, product)], None
            except MalformedFrame as error:
                yield [], Quarantined(None, str(error), repr(row).encode("utf-8", "backslashreplace")[:65_536])
        if tell is not None:
            tell(share)


def _unusable(path: Path, names: list[str]) -> str:
    listed = ", ".join(shown(name)[1:-1] for name in names[:12])
    return f"{path.name} has columns {listed}: a time (local_ts_ns, timestamp) and a price or bid and ask are needed"


def _checked(name: str) -> None:
    try:
        product_name(name)
    except MalformedFrame as error:
        raise BadInput(f"{shown(name)} cannot name a venue or a product") from error


__all__ = ["Batch", "Line", "read"]
