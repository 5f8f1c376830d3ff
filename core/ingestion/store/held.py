"""What the sealed files hold already: a duplicate stays one after its first copy has left the log.

A live event is newer than every sealed one, and that is told by two comparisons. An older trade is looked up in the
log's runs of sealed ids, without opening a file. An older tick or heartbeat is compared with the rows of the
files around its time: a file is decoded once, and at most four are kept (at most 262,144 rows, 21 MB, each).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import TremorError
from core.ingestion.store import sealed
from core.ingestion.store.rows import Row
from core.ingestion.ticks import MISSING, TRADE, Ints

KEPT_FILES = 4
_SAID = ("price", "bid", "ask", "bid_size", "ask_size", "side", "trade_id")
"""With kind, market and time: what the digest of a tick or a heartbeat is made of."""
_KIND, _MARKET, _EXCH, _LOCAL, _TRADE_ID = 0, 2, 3, 4, 12
_PLACES = (5, 6, 7, 8, 9, 11, 12)
"""Of _SAID in a Row."""


@dataclass
class _Market:
    """A market's files that can hold ticks or heartbeats, and the newest of what is sealed of it."""

    files: list[sealed.File]
    last_ns: int = MISSING
    last_id: int = MISSING


class Held:
    """The sealed rows as the writer asks after them. To be made anew when the table `sealed` changed."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._markets: dict[int, _Market] = {}
        self._open: dict[int, tuple[Ints, Ints]] = {}
        self.lost = False
        """Whether a file was found damaged, and the ledger has gained gaps, since this was last set to False."""
        self._missing: dict[int, sealed.File] = {}
        for file in sealed.files(connection, where=" AND damaged IS NULL"):
            if sealed.why_damaged(file, folder):
                self._missing[file.id] = file
            market = self._markets.setdefault(file.market, _Market([]))
            if file.rows > file.trades:
                market.files.append(file)
                market.last_ns = max(market.last_ns, file.last_ns)
        for number, last_id in connection.execute("SELECT market, max(last_id) FROM sealed_trades GROUP BY market"):
            if number in self._markets:
                self._markets[number].last_id = last_id

    def absent(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that no sealed file holds, in their order."""
        if not self._markets:
            return list(rows)
        old: dict[int, list[int]] = {}
        held: set[int] = set()
        for i, row in enumerate(rows):
            market = self._markets.get(row[_MARKET])
            if market is None:
                continue
            if row[_KIND] == TRADE:
                if row[_TRADE_ID] <= market.last_id and self._has_trade(row[_MARKET], row[_TRADE_ID]):
                    held.add(i)
            elif _time(row) <= market.last_ns:
                old.setdefault(row[_MARKET], []).append(i)
        for number, wanted in old.items():
            for file in self._markets[number].files:
                inside = [i for i in wanted if file.first_ns <= _time(rows[i]) <= file.last_ns and i not in held]
                if inside:
                    held.update(self._among(file, rows, inside))
        return [row for i, row in enumerate(rows) if i not in held]

    def forget(self) -> None:
        """Read files anew: what was written down of them may have been rolled back."""
        self._open.clear()

    def _lose(self, file: sealed.File) -> None:
        sealed.lose(self._connection, file)
        self.lost = True

    def _has_trade(self, market: int, trade_id: int) -> bool:
        found = self._connection.execute(
            "SELECT last_id, file FROM sealed_trades WHERE market = ? AND first_id <= ? ORDER BY first_id DESC LIMIT 1",
            (market, trade_id),
        ).fetchone()
        if found is None or found[0] < trade_id:
            return False
        if found[1] in self._missing:
            self._lose(self._missing.pop(found[1]))
            return False
        return True

    def _among(self, file: sealed.File, rows: Sequence[Row], wanted: list[int]) -> list[int]:
        """Those of the `wanted` rows that the file holds; none when it is damaged, so that an import mends the loss."""
        if file.id not in self._open:
            while len(self._open) >= KEPT_FILES:
                del self._open[next(iter(self._open))]
            found = sealed.load_or_set_aside(file, self._folder)
            if found is None:
                if (self._folder / file.path).exists():
                    raise TremorError(f"{file.path} cannot be read: what it holds cannot be told from what is new")
                self._lose(file)
                found = np.empty((0, len(sealed.COLUMNS)), np.int64)
            found = found[sealed.column(found, "kind") != TRADE]
            said = np.column_stack(
                [sealed.column(found, "kind"), sealed.times(found), *(sealed.column(found, name) for name in _SAID)]
            )
            marks = _marks(said)
            order = np.argsort(marks, kind="stable")
            self._open[file.id] = (marks[order], said[order])
        marks, said = self._open[file.id]
        asked = np.array([_said(rows[i]) for i in wanted], np.int64)
        mine = _marks(asked)
        at, ends = np.searchsorted(marks, mine), np.searchsorted(marks, mine, side="right")
        there = np.zeros(len(wanted), bool)
        while (left := at < ends).any():  # once, but for different rows with one mark
            there[left] |= (said[at[left]] == asked[left]).all(axis=1)
            at += 1
        return [i for i, is_there in zip(wanted, there, strict=True) if is_there]


def _time(row: Row) -> int:
    return int(row[_LOCAL] if row[_EXCH] is None else row[_EXCH])


def _said(row: Row) -> tuple[int, ...]:
    return (row[_KIND], _time(row), *(MISSING if row[at] is None else row[at] for at in _PLACES))


def _marks(said: Ints) -> Ints:
    """One number a row, equal for equal rows and hardly ever for others (64 bits, mixed as in splitmix64)."""
    mark = np.zeros(len(said), np.uint64)
    for values in said.T:
        mark = (mark ^ values.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        mark ^= mark >> np.uint64(31)
    return mark.astype(np.int64)
