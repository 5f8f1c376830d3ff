"""Reading the log: tapes for the features, tables for pages and exports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from core.config import Home
from core.ingestion.store import ledger_rows, sealed, tables
from core.ingestion.store.events import TAPE, Events, runs
from core.ingestion.store.ledger_rows import OpenGap
from core.ingestion.store.order import as_tape, in_time
from core.ingestion.store.schema import explain, open_for_reading, version_of
from core.ingestion.store.tables import EXPORT_COLUMNS
from core.ingestion.store.writer import Quarantined
from core.ingestion.ticks import MISSING, TICK, TRADE, Ints, Tape

MINUTE_NS = 60_000_000_000


@dataclass(frozen=True)
class Market:
    """What `sources` captures and files brought of one product of one venue: ns UTC, and the newest event's seq."""

    venue: str
    product: str
    ticks: int
    trades: int
    first_ns: int
    last_ns: int
    last_seq: int
    sources: int = 1


class Reader:
    """A view of the log that changes nothing: from any thread, while a writer writes, and before there is a file.

    Each call opens and closes its own read-only connection and sees one consistent state, old rows from their sealed
    files included. A damaged one of those is named on standard error, set aside (NAME.damaged) and left out; `sealed`
    lists them. Raises Damaged when the log itself is none of this version.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.ticks_db
        self._folder = home.sealed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing stays open between calls; here so that a Reader can stand in a with block."""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """A connection inside one read transaction, or None when there is no log yet."""
        if not self._path.exists():
            yield None
            return
        connection = open_for_reading(self._path)
        try:
            connection.execute("BEGIN")
            yield connection if version_of(connection) else None
        except sqlite3.DatabaseError as error:
            explain(self._path, error)
            raise
        finally:
            connection.close()

    @property
    def identity(self) -> int | None:
        """Tells this log from another in its place: when its first source was opened, ns; None while it has none."""
        with self._open() as connection:
            first = None if connection is None else connection.execute("SELECT min(opened_ns) FROM sources").fetchone()
        return None if first is None else first[0]

    def markets(self) -> list[Market]:
        """Every market with ticks or trades, ordered by venue and product. Counts cover all sources, and leave out the
        rows of damaged files."""
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT venue, product, sum(ticks), sum(trades), min(first_ns), max(last_ns), max(last_seq),"
                " count(*) FROM runs JOIN markets ON markets.id = runs.market"
                " GROUP BY market HAVING sum(ticks) + sum(trades) > 0 ORDER BY venue, product"
            ).fetchall()
            lost = [file for file in sealed.files(connection) if sealed.why_damaged(file, self._folder)]
        found = [Market(*row) for row in rows]
        for file in lost:
            found = [
                replace(market, ticks=market.ticks - file.ticks, trades=market.trades - file.trades)
                if (market.venue, market.product) == (file.venue, file.product)
                else market
                for market in found
            ]
        return [market for market in found if market.ticks + market.trades]

    def sealed(self) -> dict[str, Any]:
        """Sealed `files`, their `rows` and `bytes`, and the `damaged` ones (path, venue, product, rows, first_ns,
        last_ns, why). Reads none of them: a damage is known once a reader or `seal` has met it."""
        with self._open() as connection:
            found = [] if connection is None else sealed.files(connection)
        return sealed.summary(found, self._folder)

    def tape(
        self,
        venue: str,
        product: str,
        after_seq: int = 0,
        from_ns: int | None = None,
        limit: int | None = None,
        to_ns: int | None = None,
    ) -> Tape:
        """The market's ticks, trades and heartbeats (those of its whole connection too), in the order of arrival.

        Within a source events come by `seq`; its stretches without a silence of more than 10 s, and those of other
        sources, come in the order of their first event: a recording of the days between two others stands between them.
        Only events with seq > `after_seq` and with time from `from_ns` on and before `to_ns`; at most `limit` of them,
        those of the sources that began first. Empty when there are none.
        """
        parts: list[Ints] = []
        breaks: list[int] = []
        left = limit
        with self._open() as connection:
            if connection is not None:
                events = Events(connection, self._folder, venue, product)
                for run in runs(connection, venue, product, after_seq, from_ns):
                    if to_ns is not None and run.first_ns >= to_ns:
                        break
                    parts.append(events.tape(run, after_seq, from_ns, left, to_ns))
                    if left is not None:
                        left -= len(parts[-1])
                        if left <= 0:
                            break
                breaks = ledger_rows.breaks(connection, venue, product, after_seq)
        return as_tape(in_time(np.concatenate(parts)) if parts else np.empty((0, len(TAPE)), np.int64), breaks)

    def last_ticks(self, venue: str, product: str, n: int) -> pa.Table:
        """The newest `n` ticks by time, oldest first, with the export's columns."""
        parts: list[Ints] = []
        with self._open() as connection:
            if connection is not None:
                events = Events(connection, self._folder, venue, product)
                parts = [events.newest_ticks(run, n)[::-1] for run in runs(connection, venue, product)]
        rows = tables.joined(parts)
        times = np.where(rows[:, 0] == MISSING, rows[:, 1], rows[:, 0])
        return tables.ticks([(venue, product, rows[np.argsort(times, kind="stable")][-n:])])

    def tick_table(self, venue: str | None = None, product: str | None = None) -> pa.Table:
        """All ticks, market by market, source by source in the order of arrival, with the columns of the design's
        export."""
        return tables.ticks(self._rows(TICK, venue, product))

    def trade_table(self, venue: str | None = None, product: str | None = None) -> pa.Table:
        """All trades, market by market, source by source in the order of arrival: clocks, price, size, the taker's
        side, trade_id, market."""
        return tables.trades(self._rows(TRADE, venue, product))

    def _rows(self, kind: int, venue: str | None, product: str | None) -> list[tables.MarketRows]:
        found: list[tables.MarketRows] = []
        for market in self.markets():
            if venue not in (None, market.venue) or product not in (None, market.product):
                continue
            parts: list[Ints] = []
            with self._open() as connection:
                if connection is not None:
                    events = Events(connection, self._folder, market.venue, market.product)
                    parts = [events.of_kind(run, kind) for run in runs(connection, market.venue, market.product)]
            found.append((market.venue, market.product, tables.joined(parts)))
        return found

    def gaps(self, venue: str | None = None, product: str | None = None) -> pa.Table:
        """The gap ledger, oldest first: where events are known or suspected to be missing, and what became of it."""
        with self._open() as connection:
            return tables.gaps([] if connection is None else ledger_rows.all_of(connection, venue, product))

    def open_gaps(self, venue: str, products: Sequence[str]) -> list[OpenGap]:
        """Gaps between two known trades that are still to be repaired, the newest first."""
        with self._open() as connection:
            return [] if connection is None else ledger_rows.to_repair(connection, venue, products)

    def unmended(self, venue: str, product: str) -> Ints:
        """Where trades or quotes are missing for all that is known: (from_ns, to_ns) of each gap that is not repaired,
        shape (n, 2)."""
        with self._open() as connection:
            rows = [] if connection is None else ledger_rows.stretches(connection, venue, product)
        return np.array(rows, np.int64).reshape(-1, 2)

    def trade_bounds(self, venue: str) -> list[tuple[str, int, int]]:
        """(product, lowest trade id, highest trade id) of each of the venue's products that has trades."""
        with self._open() as connection:
            return [] if connection is None else ledger_rows.bounds(connection, venue)

    def last_captured(self, venue: str) -> dict[str, int]:
        """Product -> time, ns UTC, of the last event that any capture stored of it (or of its whole connection)."""
        with self._open() as connection:
            return {} if connection is None else ledger_rows.last_captured(connection, venue)

    def quarantine(self, n: int) -> list[Quarantined]:
        """The newest `n` quarantined frames, newest first."""
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT local_ts_ns, reason, frame FROM quarantine ORDER BY id DESC LIMIT ?", (n,)
            )
            return [Quarantined(*row) for row in rows]

    def quarantined(self) -> int:
        """How many frames the quarantine holds."""
        with self._open() as connection:
            return 0 if connection is None else int(connection.execute("SELECT count(*) FROM quarantine").fetchone()[0])

    def per_minute(self, venue: str, product: str, minutes: int, until_ns: int | None = None) -> tuple[Ints, Ints]:
        """Ticks in each of the last `minutes` UTC minutes, backwards from `until_ns` (None: the market's last event).

        Returns (minute_start_ns, ticks), both of length `minutes`, oldest first; empty when the market is not there.
        """
        nothing = np.empty(0, np.int64)
        with self._open() as connection:
            found = [] if connection is None else runs(connection, venue, product)
            if connection is None or not found:
                return nothing, nothing
            last = max(run.last_ns for run in found) if until_ns is None else until_ns
            starts = last // MINUTE_NS * MINUTE_NS + np.arange(1 - minutes, 1, dtype=np.int64) * MINUTE_NS
            counts = np.zeros(minutes, np.int64)
            events = Events(connection, self._folder, venue, product)
            for run in runs(connection, venue, product, from_ns=int(starts[0])):
                minute = (events.tick_times(run, int(starts[0]), last) - starts[0]) // MINUTE_NS
                counts += np.bincount(minute, minlength=minutes)
        return starts, counts


__all__ = ["EXPORT_COLUMNS", "Market", "Reader"]
