"""The one writer of the log."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import filelock
import msgspec

from core.config import Home, write_atomically
from core.disk import DISK
from core.errors import BadInput, Busy, TremorError
from core.ingestion.store import fence, sealed
from core.ingestion.store.held import Held
from core.ingestion.store.insert import insert
from core.ingestion.store.ledger import Ledger
from core.ingestion.store.rows import rows
from core.ingestion.store.schema import open_for_writing
from core.ingestion.ticks import HEARTBEAT, TICK, TRADE, Entry

_KIND = itemgetter(0)
"""Of a row."""
_SUM_UP = """
INSERT INTO runs
    SELECT source, market, sum(kind = 0), sum(kind = 1), min(seq), max(seq),
           min(coalesce(exch_ts_ns, local_ts_ns)), max(coalesce(exch_ts_ns, local_ts_ns))
    FROM events WHERE seq > ? GROUP BY source, market
ON CONFLICT (source, market) DO UPDATE SET
    ticks = ticks + excluded.ticks, trades = trades + excluded.trades, last_seq = excluded.last_seq,
    first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)
"""


class Quarantined(msgspec.Struct, frozen=True):
    """A frame that did not parse: when it came (ns UTC, None where unknown), why it did not, and its bytes."""

    local_ts_ns: int | None
    reason: str
    frame: bytes


@dataclass(frozen=True)
class Appended:
    """What one acknowledged `append` did.

    `stored` = ticks + trades newly stored; `duplicates` counts the ticks and trades held already. Heartbeats newly
    stored are counted apart. `last_seq` is the log's newest seq.
    """

    stored: int
    ticks: int
    trades: int
    duplicates: int
    quarantined: int
    heartbeats: int
    last_seq: int


class Writer:
    """The only process that changes the log, for as long as the block runs.

    Use as a context manager, from one thread at a time. Raises Busy with the holder's pid when another process (or
    another Writer) has the log; `who` is what that message calls this one. Raises Damaged when the file is no log of
    this version.
    """

    def __init__(self, home: Home, who: str = "a process", wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_ns = wall_ns
        self._path = home.ticks_db
        self.folder = home.sealed
        self._who = who
        self._lock = filelock.FileLock(home.data / "writer.lock", thread_local=False)
        self._holder = home.data / "writer.pid"
        self._connection: sqlite3.Connection | None = None
        self._ledger: Ledger | None = None
        self._markets: dict[tuple[str, str], int] = {}
        self._number = 0

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            pid, who = _holder_in(self._holder)
            raise Busy(f"{who} (process {pid}) is writing to this home's tick store: stop it first", pid) from None
        try:
            write_atomically(self._holder, f"{os.getpid()} {self._who}".encode())
            self._connection = open_for_writing(self._path)
            DISK.sync_folder(self._path.parent)
            self._number = fence.take(self._connection, self._who)
            with self.transaction() as connection:
                sealed.lose_set_aside(connection, self.folder)
            self.held = Held(self._connection, self.folder)
            self._ledger = Ledger(self._connection, self._market, self._wall_ns)
        except sqlite3.DatabaseError as error:
            self._close()
            raise unwritable(self._path, error) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = self._ledger = None
            if _holder_in(self._holder)[0] == os.getpid():  # not one who has taken over
                self._holder.unlink(missing_ok=True)
            self._lock.release()

    @property
    def path(self) -> Path:
        return self._path

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises BadInput outside the block."""
        if self._connection is None:
            raise BadInput("the store's writer is not open: use it in a with block")
        return self._connection

    @property
    def ledger(self) -> Ledger:
        """The gap ledger. Raises BadInput outside the block."""
        if self._ledger is None:
            raise BadInput("the store's writer is not open: use it in a with block")
        return self._ledger

    def source(self, kind: str, name: str, **detail: Any) -> int:
        """Number a new source: kind "capture" or "import", its name (feed or file), and what else is known of it."""
        values = (kind, name, msgspec.json.encode(detail).decode(), self._wall_ns())
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO sources (kind, name, detail, opened_ns) VALUES (?, ?, ?, ?)", values
            )
        return int(cursor.lastrowid or 0)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block does to the log in ONE commit, which is durable when the block has ended, or none of it.

        Raises Busy when another writer has begun since this one did: nothing more of this one is taken. Raises
        TremorError when the log cannot be written (a full disk, a failing one); the same may be tried again.
        """
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                fence.check(connection, self._number)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake of this program, not of the disk
        except sqlite3.DatabaseError as error:
            raise unwritable(self._path, error) from error

    def append(self, source: int, events: Sequence[Entry], bad: Sequence[Quarantined] = ()) -> Appended:
        """Store events in their order, bad frames with their bytes, and the gaps that the events bring to light or
        close, in ONE commit; returns after its fsync.

        What returns is acknowledged: it survives kill -9 and a power cut. On an error nothing of the batch is stored
        and TremorError says why (a full disk, a failing one); the same batch can be given again. An event that the
        log holds already is counted as a duplicate and not stored again. Raises Busy as `transaction` does.
        """
        try:
            with self.transaction() as connection:
                before, start, seq_at = self._last_seq(), 0, {}
                offered: Counter[int] = Counter()
                for place in (*self.ledger.read(events), len(events)):
                    given = rows(events[start:place], source, self._market)
                    offered.update(map(_KIND, given))
                    insert(connection, self.held.absent(given))
                    seq_at[place], start = self._last_seq() + 1, place
                after = seq_at[len(events)] - 1
                stored = offered
                if after - before < offered.total():  # some were there already
                    found = "SELECT kind, count(*) FROM events WHERE seq > ? GROUP BY kind"
                    stored = Counter(dict(connection.execute(found, (before,)).fetchall()))
                self.ledger.write(source, seq_at)
                if after > before:
                    connection.execute(_SUM_UP, (before,))
                connection.executemany(
                    "INSERT INTO quarantine (source, local_ts_ns, reason, frame) VALUES (?, ?, ?, ?)",
                    [(source, frame.local_ts_ns, frame.reason, frame.frame) for frame in bad],
                )
        except BaseException:
            self.ledger.forget()
            self._markets.clear()  # those numbered in this transaction are gone with it
            self.held.forget()
            raise
        self.ledger.committed()
        if self.held.lost:
            self.held.lost = False
            self.ledger.forget()
        ticks, trades, beats = stored[TICK], stored[TRADE], stored[HEARTBEAT]
        duplicates = offered[TICK] + offered[TRADE] - ticks - trades
        return Appended(ticks + trades, ticks, trades, duplicates, len(bad), beats, after)

    def _last_seq(self) -> int:
        return int(self.connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])

    def _market(self, venue: str, product: str) -> int:
        known = self._markets.get((venue, product))
        if known is None:
            self.connection.execute("INSERT OR IGNORE INTO markets (venue, product) VALUES (?, ?)", (venue, product))
            found = self.connection.execute("SELECT id FROM markets WHERE venue = ? AND product = ?", (venue, product))
            known = self._markets[venue, product] = int(found.fetchone()[0])
        return known


def unwritable(path: Path, error: Exception) -> TremorError:
    """What a refused write to the log says."""
    return TremorError(
        f"the tick store {path} cannot be written ({error}): nothing of this batch was stored;"
        " check the disk's free space and health"
    )


def _holder_in(path: Path) -> tuple[int | None, str]:
    try:
        pid, who = path.read_text().split(" ", 1)
        return int(pid), who
    except (FileNotFoundError, ValueError):
        return None, "a process"  # it has the lock and has not yet said who it is
