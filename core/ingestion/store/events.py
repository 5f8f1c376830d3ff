"""The events of one market, wherever they are: the log's rows and the sealed files' as one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.ingestion.store import sealed
from core.ingestion.store.order import matrix
from core.ingestion.store.schema import has_sealed
from core.ingestion.ticks import MISSING, TICK, Ints

TS = "coalesce(exch_ts_ns, local_ts_ns)"
TAPE = ("seq", "kind", "source", "ts_ns", "price", "bid", "ask", "bid_size", "ask_size", "size", "side")
FULL = ("exch_ts_ns", "local_ts_ns", "price", "bid", "ask", "bid_size", "ask_size", "side", "trade_id", "size")
LAST = 2**63 - 1
KEPT_FILES = 8
"""Sealed files held in memory between two sources of one reading: at most 8 times 27 MB."""


@dataclass(frozen=True)
class Run:
    """Where one source's events stand: seq range, and the markets whose events belong to the asked one."""

    source: int
    first_seq: int
    last_seq: int
    first_ns: int
    last_ns: int


def runs(
    connection: sqlite3.Connection, venue: str, product: str, after_seq: int = 0, from_ns: int | None = None
) -> list[Run]:
    """The sources that hold the market, in the order of their first event of it, each with all of its seq range."""
    rows = connection.execute(
        "SELECT own.source, min(whole.first_seq), max(whole.last_seq), own.first_ns, max(whole.last_ns)"
        " FROM runs AS own JOIN runs AS whole ON whole.source = own.source"
        " JOIN markets ON markets.id = own.market WHERE venue = ? AND product = ?"
        " GROUP BY own.source HAVING max(whole.last_seq) > ? AND max(whole.last_ns) >= ?"
        " ORDER BY own.first_ns, own.source",
        (venue, product, after_seq, MISSING if from_ns is None else from_ns),
    )
    return [Run(*row) for row in rows]


class Events:
    """A market's events, and those of its whole connection, within one read transaction.

    A row is in the log or in one sealed file, never in both: they change places in one commit, so the transaction sees
    one of the two states. A sealed file is read when it can hold what is asked.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path, venue: str, product: str) -> None:
        self._connection = connection
        self._folder = folder
        found = connection.execute("SELECT id FROM markets WHERE venue = ? AND product IN (?, '')", (venue, product))
        self._ids = ",".join(str(int(row[0])) for row in found)
        self._files = sealed.files(connection, self._ids)
        self._read: dict[int, sealed.Rows | None] = {}

    def tape(self, run: Run, after_seq: int, from_ns: int | None, limit: int | None, to_ns: int | None = None) -> Ints:
        """The run's events by seq, shape (n, len(TAPE)): seq > `after_seq`, `from_ns` <= time < `to_ns`, the first
        `limit`."""
        since, until = MISSING if from_ns is None else from_ns, LAST if to_ns is None else to_ns
        clocks = ("local_ts_ns", "exch_ts_ns") if self._ours(run) else ("exch_ts_ns", "local_ts_ns")
        timed = f"(SELECT *, coalesce({','.join(clocks)}) AS ts_ns FROM events)"
        rows = self._log(
            f"{','.join(TAPE)} FROM {timed} WHERE seq > {after_seq:d} AND ts_ns >= ? AND ts_ns < ?",
            run,
            "ORDER BY seq LIMIT ?",
            since,
            until,
            -1 if limit is None else limit,
        )
        parts = [matrix(rows, len(TAPE))]
        for file in self._files:
            if file.last_seq > after_seq and file.last_ns >= since and file.first_ns < until:
                part = self._sealed(file, run)
                times = sealed.times(part, clocks)
                kept = (sealed.column(part, "seq") > after_seq) & (times >= since) & (times < until)
                parts.append(_as_tape(part[kept], times[kept]))
        return _by_seq(parts)[:limit]

    def newest_ticks(self, run: Run, n: int) -> Ints:
        """The run's newest `n` ticks, newest first, shape (n, len(FULL))."""
        rows = self._log(f"seq, {','.join(FULL)} FROM events WHERE kind = {TICK}", run, "ORDER BY seq DESC LIMIT ?", n)
        found = matrix(rows, 1 + len(FULL))
        for file in sorted(self._files, key=lambda file: -file.last_seq):
            if len(found) == n and found[-1, 0] > file.last_seq:
                break
            if file.ticks:
                part = self._sealed(file, run, TICK)
                found = _by_seq([found, _pick(part, ("seq", *FULL))])[::-1][:n]
        return found[:, 1:]

    def of_kind(self, run: Run, kind: int) -> Ints:
        """The run's events of a kind by seq, shape (n, len(FULL))."""
        rows = self._log(f"seq, {','.join(FULL)} FROM events WHERE kind = ?", run, "ORDER BY seq", kind)
        parts = [matrix(rows, 1 + len(FULL))]
        for file in self._files:
            part = self._sealed(file, run, kind)
            parts.append(_pick(part, ("seq", *FULL)))
        return _by_seq(parts)[:, 1:]

    def tick_times(self, run: Run, from_ns: int, to_ns: int) -> Ints:
        """The times of the run's ticks from `from_ns` to `to_ns`, both included, in no order."""
        rows = self._log(f"{TS} FROM events WHERE kind = {TICK} AND {TS} BETWEEN ? AND ?", run, "", from_ns, to_ns)
        parts = [matrix(rows, 1)[:, 0]]
        for file in self._files:
            if file.last_ns >= from_ns and file.first_ns <= to_ns:
                part = sealed.times(self._sealed(file, run, TICK))
                parts.append(part[(part >= from_ns) & (part <= to_ns)])
        return np.concatenate(parts)

    def _ours(self, run: Run) -> bool:
        """Whether the run's time is the clock of receipt: its first tick has no other.

        Two clocks in one tape are a second and more apart, and the events of the slower one would all be late.
        """
        first = None
        if has_sealed(self._connection):
            first = self._connection.execute(
                f"SELECT seq, ours FROM sealed_clocks WHERE source = ? AND market IN ({self._ids})", (run.source,)
            ).fetchone()
        before = run if first is None else replace(run, last_seq=first[0] - 1)
        found = self._log(f"exch_ts_ns IS NULL FROM events WHERE kind = {TICK}", before, "ORDER BY seq LIMIT 1")
        return bool(found[0][0] if found else first is not None and first[1])

    def _log(self, what: str, run: Run, tail: str, *given: int) -> list[tuple[int | None, ...]]:
        where = f"AND seq >= {run.first_seq} AND seq <= {run.last_seq} AND source = {run.source}"
        return self._connection.execute(f"SELECT {what} {where} AND market IN ({self._ids}) {tail}", given).fetchall()

    def _sealed(self, file: sealed.File, run: Run, kind: int | None = None) -> sealed.Rows:
        """The run's rows of the file (of one kind, or all); none when the file is damaged."""
        nothing = np.empty((0, len(sealed.COLUMNS)), np.int64)
        if file.last_seq < run.first_seq or file.first_seq > run.last_seq:
            return nothing
        if file.id not in self._read:
            while len(self._read) >= KEPT_FILES:
                del self._read[next(iter(self._read))]
            self._read[file.id] = sealed.load_or_set_aside(file, self._folder)
        rows = self._read[file.id]
        if rows is None:
            return nothing
        mine = sealed.column(rows, "source") == run.source
        return rows[mine if kind is None else mine & (sealed.column(rows, "kind") == kind)]


def _pick(rows: sealed.Rows, names: Sequence[str]) -> Ints:
    return np.column_stack([sealed.column(rows, name) for name in names])


def _as_tape(rows: sealed.Rows, times: Ints) -> Ints:
    return np.column_stack([times if name == "ts_ns" else sealed.column(rows, name) for name in TAPE])


def _by_seq(parts: list[Ints]) -> Ints:
    """The parts' rows in the order of their first column."""
    whole = np.concatenate(parts)
    return whole[np.argsort(whole[:, 0], kind="stable")] if len(parts) > 1 else whole
