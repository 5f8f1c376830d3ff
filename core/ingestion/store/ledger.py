"""The gap ledger: every stretch in which events are known or suspected to be missing, a row each.

A row is written in the same commit as the event that brings it to light, so it survives what that event survives. It is
seen by a jump of the trade id on the trade tape (`trade_id`), by heartbeats that tell of trades which the tape does not
bring (`heartbeat`: still ahead when the next one comes, since the two channels may cross), by a jump of a connection's
sequence number (`sequence`), by a connection that said nothing for 10 s (`silence`), or because nobody listened
(`downtime`: between two connections or two captures).

`repaired` means that no TRADE is missing: the ids across the gap are contiguous. The quotes of that stretch were not
seen and stay unknown; nothing is ever interpolated, and the session that ended at the gap stays ended.
`unrepairable` rows are asked for no more; if their trades do turn up (an import), they become repaired.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence

from core.ingestion.store.book import Book, Gap
from core.ingestion.store.schema import has_sealed
from core.ingestion.ticks import TRADE, Entry, GaveUp, Heartbeat, Lapse, Tick, Trade

SPARSE_VENUES = frozenset({"bitstamp"})
"""Their trade ids rise, but not by one (recorded: 216000477, 216000484), so a jump says nothing."""

Key = tuple[str, str]
_FIELDS = (
    "id", "seen", "from_ns", "to_ns", "from_trade_id", "to_trade_id", "missing", "still_missing", "state", "opened_ns",
    "closed_ns", "detail",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM gaps WHERE market = ? AND state <> 'repaired' ORDER BY id"
_INSERT = f"INSERT INTO gaps ({', '.join(_FIELDS)}, market, source, break_seq) VALUES (NULL{', ?' * 14})"
_UPDATE = (
    f"UPDATE gaps SET {', '.join(f'{name} = ?' for name in _FIELDS[1:])}, break_seq = coalesce(?, break_seq)"
    " WHERE id = ?"
)


class Ledger:
    """Reads what a batch brings to light, and writes it inside the batch's transaction. From one thread at a time.

    `market` numbers a venue's product in the log.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        market: Callable[[str, str], int],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._connection, self._market, self._wall_ns = connection, market, wall_ns
        self._books: dict[Key, Book] = {}
        self._touched: dict[Key, Book] = {}
        self._counts: dict[Key, int] = {}

    def open(self, venue: str, product: str) -> int:
        """Open gaps of a market, as of the last commit."""
        if (venue, product) not in self._counts:
            self._counts[venue, product] = self._book(venue, product).open
        return self._counts[venue, product]

    def read(self, entries: Sequence[Entry]) -> list[int]:
        """What the batch brings to light; gives the places in it (ascending) whose seq `write` wants to know."""
        now_ns, book, last = self._wall_ns(), None, None
        for place, entry in enumerate(entries):
            if isinstance(entry, Tick):
                continue
            if isinstance(entry, Trade):
                key = (entry.venue, entry.product)
                if key != last:
                    last, book = key, self._touch(*key)
                if book is not None:
                    book.trade(entry)
            elif isinstance(entry, Heartbeat):
                claiming = self._touch(entry.venue, entry.product) if entry.product and entry.last_trade_id else None
                if claiming is not None:
                    claiming.heartbeat(entry, place, now_ns)
            elif isinstance(entry, Lapse):
                self._touched[entry.venue, entry.product] = lapsed = self._book(entry.venue, entry.product)
                lapsed.lapse(entry, place, now_ns)
            elif isinstance(entry, GaveUp):
                self._give_up(entry, now_ns)
        for key, touched in self._touched.items():
            touched.settle(key, entries, now_ns)
        return sorted({gap.place for book in self._touched.values() for gap in book.gaps if gap.place is not None})

    def write(self, source: int, seq_at: dict[int, int]) -> None:
        """Put down what `read` found; `seq_at` says which seq the next event stored at a place got."""
        for book in self._touched.values():
            if book.tape_changed:
                self._connection.execute(
                    "INSERT OR REPLACE INTO tapes VALUES (?, ?, ?, ?, ?)",
                    (book.market, book.ids.lowest, book.ids.highest, book.first_ns, book.last_ns),
                )
            for gap in book.gaps:
                if gap.changed:
                    self._put(book, gap, source, None if gap.place is None else seq_at[gap.place])

    def committed(self) -> None:
        """The batch is acknowledged: what `open` says is now of it."""
        for key, book in self._touched.items():
            book.tidy()
            self._counts[key] = book.open
        self._touched = {}

    def forget(self) -> None:
        """The batch was rolled back: what is held in memory is read anew."""
        self._books, self._touched = {}, {}

    def _touch(self, venue: str, product: str) -> Book | None:
        if venue in SPARSE_VENUES:
            return None
        book = self._touched[venue, product] = self._book(venue, product)
        return book

    def _put(self, book: Book, gap: Gap, source: int, break_seq: int | None) -> None:
        values = (
            gap.seen, gap.from_ns, gap.to_ns, gap.before, gap.after, gap.missing, gap.still, gap.state, gap.opened_ns,
            gap.closed_ns, gap.detail,
        )  # fmt: skip
        if gap.id is None:
            cursor = self._connection.execute(_INSERT, (*values, book.market, source, break_seq))
            gap.id = int(cursor.lastrowid or 0)
        else:
            self._connection.execute(_UPDATE, (*values, break_seq, gap.id))

    def _give_up(self, word: GaveUp, now_ns: int) -> None:
        row = self._connection.execute(
            "SELECT venue, product FROM gaps JOIN markets ON markets.id = market WHERE gaps.id = ?", (word.gap,)
        ).fetchone()
        if row is None:
            return
        book = self._touched[row] = self._book(*row)
        for gap in book.gaps:
            if gap.id == word.gap and gap.state == "open":
                gap.close("unrepairable", word.detail, now_ns)

    def _book(self, venue: str, product: str) -> Book:
        known = self._books.get((venue, product))
        if known is None:
            known = self._books[venue, product] = self._load(self._market(venue, product))
        return known

    def _load(self, market: int) -> Book:
        """A market's book from the log: its tape, less what the gaps that are not repaired lack."""
        book = Book(market, gaps=[Gap(*row) for row in self._connection.execute(_SELECT, (market,))])
        tape = self._connection.execute(
            "SELECT first_id, last_id, first_ns, last_ns FROM tapes WHERE market = ?", (market,)
        ).fetchone()
        if tape is not None:
            at, last, book.first_ns, book.last_ns = tape
            for gap in sorted(book.gaps, key=lambda gap: gap.before or 0):
                if gap.before is None or gap.after is None:
                    continue
                if at <= gap.before:
                    book.ids.add(at, gap.before)
                for held in (
                    [] if gap.still == gap.missing else held_between(self._connection, market, gap.before, gap.after)
                ):
                    book.ids.add(held)
                at = max(at, gap.after)
            if at <= last:
                book.ids.add(at, last)
        return book


def held_between(connection: sqlite3.Connection, market: int, before: int, after: int) -> list[int]:
    """Trade ids of a market that the log or a sealed file holds strictly between two, ascending."""
    rows = connection.execute(
        "SELECT trade_id, trade_id FROM events"
        " WHERE CASE kind WHEN 1 THEN trade_id ELSE coalesce(exch_ts_ns, local_ts_ns) END"
        f" BETWEEN ? AND ? AND kind = {TRADE} AND market = ?",
        (before + 1, after - 1, market),
    ).fetchall()
    if has_sealed(connection):
        rows += connection.execute(
            "SELECT max(first_id, ?), min(last_id, ?) FROM sealed_trades"
            " WHERE market = ? AND first_id < ? AND last_id > ?",
            (before + 1, after - 1, market, after, before),
        ).fetchall()
    return sorted(number for first, last in rows for number in range(first, last + 1))
