"""Queries of the gap ledger on an open connection; a log of version 1 has none, and none of these fails on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.ingestion.store.ledger import held_between
from core.ingestion.store.schema import has_ledger
from core.ingestion.ticks import TRADE


@dataclass(frozen=True)
class OpenGap:
    """A gap to repair: its number, its product, and the holes in the tape that are left of it, as (id before, id
    after), the newest first."""

    id: int
    product: str
    missing: int
    holes: tuple[tuple[int, int], ...]


def all_of(connection: sqlite3.Connection, venue: str | None, product: str | None) -> list[tuple[Any, ...]]:
    """Rows with the columns of `tables.GAP_COLUMNS`."""
    if not has_ledger(connection):
        return []
    return connection.execute(
        "SELECT venue, product, from_trade_id, to_trade_id, missing, from_ns, to_ns, seen, state, still_missing,"
        " opened_ns, closed_ns, detail FROM gaps JOIN markets ON markets.id = market"
        " WHERE venue = coalesce(?, venue) AND product = coalesce(?, product)"
        " ORDER BY venue, product, from_ns, gaps.id",
        (venue, product),
    ).fetchall()


def to_repair(connection: sqlite3.Connection, venue: str, products: Sequence[str]) -> list[OpenGap]:
    """Open gaps between two known trades."""
    if not has_ledger(connection):
        return []
    rows = connection.execute(
        "SELECT gaps.id, market, product, from_trade_id, to_trade_id, missing, still_missing FROM gaps"
        " JOIN markets ON markets.id = market WHERE venue = ? AND state = 'open' AND from_trade_id IS NOT NULL"
        " AND to_trade_id IS NOT NULL ORDER BY to_trade_id DESC",
        (venue,),
    ).fetchall()
    found = []
    for gap, market, product, before, after, missing, still in rows:
        if product not in products:
            continue
        # what a page of an earlier run brought is not asked for again
        held = [] if still == missing else held_between(connection, market, before, after)
        holes = [(low, high) for low, high in pairwise([before, *held, after]) if high > low + 1]
        found.append(OpenGap(gap, product, missing, tuple(reversed(holes))))
    return found


def stretches(connection: sqlite3.Connection, venue: str, product: str) -> list[tuple[int, int]]:
    """(from_ns, to_ns) of the gaps that are not repaired, in the order of time."""
    if not has_ledger(connection):
        return []
    return connection.execute(
        "SELECT from_ns, to_ns FROM gaps JOIN markets ON markets.id = market"
        " WHERE venue = ? AND product = ? AND state <> 'repaired' ORDER BY from_ns, to_ns",
        (venue, product),
    ).fetchall()


def breaks(connection: sqlite3.Connection, venue: str, product: str, after_seq: int) -> list[int]:
    """The seqs > `after_seq` before which a session ends: of every gap, whatever became of it."""
    if not has_ledger(connection):
        return []
    rows = connection.execute(
        "SELECT break_seq FROM gaps JOIN markets ON markets.id = market"
        " WHERE venue = ? AND product = ? AND break_seq > ?",
        (venue, product, after_seq),
    )
    return [int(row[0]) for row in rows]


def bounds(connection: sqlite3.Connection, venue: str) -> list[tuple[str, int, int]]:
    """(product, lowest trade id, highest trade id)."""
    if has_ledger(connection):
        query = "SELECT product, first_id, last_id FROM tapes JOIN markets ON markets.id = market WHERE venue = ?"
    else:
        query = (
            "SELECT product, min(trade_id), max(trade_id) FROM events JOIN markets ON markets.id = market"
            f" WHERE venue = ? AND kind = {TRADE} GROUP BY market"
        )
    return connection.execute(query, (venue,)).fetchall()


def last_captured(connection: sqlite3.Connection, venue: str) -> dict[str, int]:
    """Product -> time of the last event of any capture; one of a whole connection ('') counts for its products."""
    rows = connection.execute(
        "SELECT product, source, max(last_ns), sum(ticks + trades) FROM runs JOIN markets ON markets.id = market"
        " JOIN sources ON sources.id = source WHERE venue = ? AND sources.kind = 'capture' GROUP BY product, source",
        (venue,),
    ).fetchall()
    whole = {source: last_ns for product, source, last_ns, _ in rows if product == ""}
    last: dict[str, int] = {}
    for product, source, last_ns, _ in rows:
        if product:
            last[product] = max(last.get(product, last_ns), last_ns, whole.get(source, last_ns))
    return last
