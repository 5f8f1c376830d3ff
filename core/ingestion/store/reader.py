"""Reading the log: tapes for the features, tables for pages and exports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from core.config import Home
from core.ingestion.store import tables
from core.ingestion.store.order import as_tape, in_time, matrix
from core.ingestion.store.schema import open_for_reading, version_of
from core.ingestion.store.tables import EXPORT_COLUMNS
from core.ingestion.store.writer import Quarantined
from core.ingestion.ticks import MISSING, TICK, TRADE, Ints, Tape

MINUTE_NS = 60_000_000_000
_TS = "coalesce(exch_ts_ns, local_ts_ns)"
_TAPE = "seq, kind, source, {}, price, bid, ask, bid_size, ask_size, size, side"
_FULL = "exch_ts_ns, local_ts_ns, price, bid, ask, bid_size, ask_size, side, trade_id, size"


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


@dataclass(frozen=True)
class _Run:
    """Where one source's events stand in the log: seq range, and the markets whose events belong to the asked one."""

    source: int
    first_seq: int
    last_seq: int
    first_ns: int
    last_ns: int


class Reader:
    """A view of the log that changes nothing: from any thread, while a writer writes, and before there is a file.

    Each call opens and closes its own read-only connection and sees one consistent state. Raises Damaged when the
    file is no log of this version.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.ticks_db

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
        finally:
            connection.close()

    @property
    def identity(self) -> int | None:
        """Tells this log from another in its place: when its first source was opened, ns; None while it has none."""
        with self._open() as connection:
            first = None if connection is None else connection.execute("SELECT min(opened_ns) FROM sources").fetchone()
        return None if first is None else first[0]

    def markets(self) -> list[Market]:
        """Every market with ticks or trades, ordered by venue and product. Counts cover all sources."""
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT venue, product, sum(ticks), sum(trades), min(first_ns), max(last_ns), max(last_seq),"
                " count(*) FROM runs JOIN markets ON markets.id = runs.market"
                " GROUP BY market HAVING sum(ticks) + sum(trades) > 0 ORDER BY venue, product"
            )
            return [Market(*row) for row in rows]

    def tape(
        self, venue: str, product: str, after_seq: int = 0, from_ns: int | None = None, limit: int | None = None
    ) -> Tape:
        """The market's ticks, trades and heartbeats (those of its whole connection too), in the order of arrival.

        Within a source events come by `seq`; its stretches without a silence of more than 10 s, and those of other
        sources, come in the order of their first event: a recording of the days between two others stands between them.
        Only events with seq > `after_seq` and with time >= `from_ns`; at most `limit` of them, those of the sources
        that began first. Empty when there are none.
        """
        parts: list[Ints] = []
        left = limit
        with self._open() as connection:
            if connection is not None:
                ids = _market_ids(connection, venue, product)
                for run in _runs(connection, venue, product, after_seq, from_ns):
                    clock = _clock(connection, run, ids)
                    rows = connection.execute(
                        f"SELECT {_TAPE.format(clock)} FROM events WHERE seq > ? AND seq >= ? AND seq <= ?"
                        f" AND source = ? AND market IN ({ids}) AND {clock} >= ? ORDER BY seq LIMIT ?",
                        (
                            after_seq,
                            run.first_seq,
                            run.last_seq,
                            run.source,
                            MISSING if from_ns is None else from_ns,
                            -1 if left is None else left,
                        ),
                    ).fetchall()
                    parts.append(matrix(rows, 11))
                    if left is not None:
                        left -= len(rows)
                        if left <= 0:
                            break
        return as_tape(in_time(np.concatenate(parts)) if parts else np.empty((0, 11), np.int64))

    def last_ticks(self, venue: str, product: str, n: int) -> pa.Table:
        """The newest `n` ticks by time, oldest first, with the export's columns."""
        rows: list[tuple[int | None, ...]] = []
        with self._open() as connection:
            if connection is not None:
                ids = _market_ids(connection, venue, product)
                for run in _runs(connection, venue, product):
                    rows += connection.execute(
                        f"SELECT {_FULL} FROM events WHERE seq >= ? AND seq <= ? AND source = ? AND market IN ({ids})"
                        f" AND kind = {TICK} ORDER BY seq DESC LIMIT ?",
                        (run.first_seq, run.last_seq, run.source, n),
                    ).fetchall()[::-1]
        rows.sort(key=lambda row: row[0] if row[0] is not None else row[1] or 0)
        return tables.ticks([(venue, product, rows[-n:])])

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
            rows: list[tuple[int | None, ...]] = []
            with self._open() as connection:
                if connection is not None:
                    ids = _market_ids(connection, market.venue, market.product)
                    for run in _runs(connection, market.venue, market.product):
                        rows += connection.execute(
                            f"SELECT {_FULL} FROM events WHERE seq >= ? AND seq <= ? AND source = ?"
                            f" AND market IN ({ids}) AND kind = ? ORDER BY seq",
                            (run.first_seq, run.last_seq, run.source, kind),
                        ).fetchall()
            found.append((market.venue, market.product, rows))
        return found

    def gaps(self, venue: str | None = None, product: str | None = None) -> pa.Table:
        """The jumps of trade_id on the trade tape: stretches in which trades are known to be missing.

        One row a jump: venue, product, the trade ids on both sides, how many are missing between, both trades' times.
        """
        rows: list[tuple[int | str, ...]] = []
        with self._open() as connection:
            if connection is not None:
                rows = connection.execute(
                    "SELECT venue, product, before_id, trade_id, trade_id - before_id - 1, before_ns, ts_ns FROM ("
                    f" SELECT market, trade_id, {_TS} AS ts_ns,"
                    f" lag(trade_id) OVER ids AS before_id, lag({_TS}) OVER ids AS before_ns"
                    f" FROM events WHERE kind = {TRADE} WINDOW ids AS (PARTITION BY market ORDER BY trade_id))"
                    " JOIN markets ON markets.id = market WHERE trade_id > before_id + 1"
                    " AND venue = coalesce(?, venue) AND product = coalesce(?, product)"
                    " ORDER BY venue, product, trade_id",
                    (venue, product),
                ).fetchall()
        return tables.gaps(rows)

    def trade_bounds(self, venue: str) -> list[tuple[str, int, int]]:
        """(product, lowest trade id, highest trade id) of each of the venue's products that has trades."""
        with self._open() as connection:
            if connection is None:
                return []
            return connection.execute(
                "SELECT product, min(trade_id), max(trade_id) FROM events JOIN markets ON markets.id = market"
                f" WHERE venue = ? AND kind = {TRADE} GROUP BY market",
                (venue,),
            ).fetchall()

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
            runs = [] if connection is None else _runs(connection, venue, product)
            if connection is None or not runs:
                return nothing, nothing
            last = max(run.last_ns for run in runs) if until_ns is None else until_ns
            starts = last // MINUTE_NS * MINUTE_NS + np.arange(1 - minutes, 1, dtype=np.int64) * MINUTE_NS
            counts = np.zeros(minutes, np.int64)
            ids = _market_ids(connection, venue, product)
            for run in _runs(connection, venue, product, from_ns=int(starts[0])):
                for minute, ticks in connection.execute(
                    f"SELECT {_TS} / {MINUTE_NS} AS minute, count(*) FROM events"
                    f" WHERE seq >= ? AND seq <= ? AND source = ? AND market IN ({ids})"
                    f" AND kind = {TICK} AND {_TS} BETWEEN ? AND ? GROUP BY minute",
                    (run.first_seq, run.last_seq, run.source, int(starts[0]), last),
                ):
                    counts[minute - int(starts[0]) // MINUTE_NS] += ticks
        return starts, counts


def _market_ids(connection: sqlite3.Connection, venue: str, product: str) -> str:
    found = connection.execute("SELECT id FROM markets WHERE venue = ? AND product IN (?, '')", (venue, product))
    return ",".join(str(int(row[0])) for row in found)


def _clock(connection: sqlite3.Connection, run: _Run, ids: str) -> str:
    """The time of a source's events: the exchange's, but ours where its ticks have only ours.

    Two clocks in one tape are a second and more apart, and the events of the slower one would all be late.
    """
    first = connection.execute(
        f"SELECT exch_ts_ns FROM events WHERE seq >= ? AND seq <= ? AND source = ? AND market IN ({ids})"
        f" AND kind = {TICK} ORDER BY seq LIMIT 1",
        (run.first_seq, run.last_seq, run.source),
    ).fetchone()
    return _TS if first is None or first[0] is not None else "coalesce(local_ts_ns, exch_ts_ns)"


def _runs(
    connection: sqlite3.Connection, venue: str, product: str, after_seq: int = 0, from_ns: int | None = None
) -> list[_Run]:
    """The sources that hold the market, in the order of their first event of it, each with all of its seq range."""
    rows = connection.execute(
        "SELECT own.source, min(whole.first_seq), max(whole.last_seq), own.first_ns, max(whole.last_ns)"
        " FROM runs AS own JOIN runs AS whole ON whole.source = own.source"
        " JOIN markets ON markets.id = own.market WHERE venue = ? AND product = ?"
        " GROUP BY own.source HAVING max(whole.last_seq) > ? AND max(whole.last_ns) >= ?"
        " ORDER BY own.first_ns, own.source",
        (venue, product, after_seq, MISSING if from_ns is None else from_ns),
    )
    return [_Run(*row) for row in rows]


__all__ = ["EXPORT_COLUMNS", "Market", "Reader"]
