"""Old rows of the log into sealed files: what can move, the file, and the one commit that swaps the two.

The order of the steps is the promise: the file is written under a temporary name, synced, read back and compared,
renamed, and its folder synced, all before the commit that registers it and deletes its rows from the log. Cut off at
any point, the rows are in the log or in a registered file; a file that nothing registered is removed by the next run.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core.config import Home
from core.disk import DISK, Disk
from core.errors import TremorError
from core.ingestion.store import sealed
from core.ingestion.store.events import TS
from core.ingestion.store.held import Held
from core.ingestion.store.order import matrix
from core.ingestion.store.schema import open_for_reading
from core.ingestion.store.writer import Writer
from core.ingestion.ticks import MISSING, TICK, TRADE, Ints

HOUR_NS = 3_600_000_000_000
OLDER_THAN_H = 1.0
MOST_ROWS = 262_144
"""In one file."""
PIECE_ROWS = sealed.GROUP_ROWS
"""In one file while a capture runs: the swap keeps its commits waiting, for some 60 ms."""
_DAY = f"CASE WHEN {TS} >= 0 THEN {TS} / {sealed.DAY_NS} ELSE ({TS} + 1) / {sealed.DAY_NS} - 1 END"
_OLD = "coalesce(local_ts_ns, exch_ts_ns) < ? AND seq < (SELECT max(seq) FROM events)"
"""By the clock of receipt. The newest row of the log stays, so that its seq is never given again."""
Tell = Callable[[float, str], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Piece:
    """Rows that can move: those of one market and one UTC day received before `before_ns`, from `first_seq` on."""

    market: int
    venue: str
    product: str
    day: int
    first_seq: int
    rows: int
    before_ns: int


@dataclass(frozen=True)
class Made:
    """A file in its place, not yet registered: readers still take its rows from the log."""

    piece: Piece
    path: str
    rows: sealed.Rows
    bytes: int
    sha256: str


def pieces(home: Home, before_ns: int, whole: bool = True) -> list[Piece]:
    """What can move, oldest first: rows received before `before_ns` (ns UTC), by market and day.

    `whole` False: only what makes a row group of 64k rows, or is a market's rest of a day that is over. Reads all of
    the log in one read transaction of its own.
    """
    if not home.ticks_db.exists():
        return []
    with closing(open_for_reading(home.ticks_db)) as connection:
        found = connection.execute(
            f"SELECT market, venue, product, day, count(*), min(seq), day < max(day) OVER (PARTITION BY market)"
            f" FROM (SELECT market, seq, {_DAY} AS day FROM events WHERE {_OLD})"
            " JOIN markets ON markets.id = market GROUP BY market, day ORDER BY min(seq)",
            (before_ns,),
        ).fetchall()
    return [
        Piece(market, venue, product, day, first_seq, rows, before_ns)
        for market, venue, product, day, rows, first_seq, over in found
        if whole or rows >= sealed.GROUP_ROWS or over
    ]


def make(home: Home, piece: Piece, most_rows: int = MOST_ROWS, disk: Disk = DISK) -> Made | None:
    """Write and verify the file of the piece's first `most_rows` rows; None when nothing is left of the piece.

    From any thread, beside a writer: it reads in a transaction of its own. Raises TremorError when the disk refuses;
    the log is as it was then.
    """
    with closing(open_for_reading(home.ticks_db)) as connection:
        found = connection.execute(
            f"SELECT {','.join(sealed.COLUMNS)} FROM events WHERE market = ? AND seq >= ? AND {_DAY} = ? AND {_OLD}"
            " ORDER BY seq LIMIT ?",
            (piece.market, piece.first_seq, piece.day, piece.before_ns, most_rows),
        ).fetchall()
    if not found:
        return None
    rows = matrix(found, len(sealed.COLUMNS))
    content = sealed.encode(rows)
    named = (piece.venue, piece.product, piece.day, int(rows[0, 0]), int(rows[-1, 0]))
    name = next(name for n in count() if not (home.sealed / (name := sealed.name_of(*named, n))).exists())
    path = home.sealed / name
    temporary = path.with_name(f".{path.name}.new")
    try:
        disk.make_folders(path.parent, home.data)
        disk.write(temporary, content)
        disk.sync(temporary)
        if disk.read(temporary) != content or not np.array_equal(sealed.decode(content), rows):
            raise TremorError(f"{path} was not read back as it was written: the log keeps its rows; check the disk")
        disk.rename(temporary, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        for leftover in (temporary, path):
            with suppress(OSError):  # else the next run removes it
                disk.unlink(leftover)
        raise TremorError(
            f"{path} cannot be written ({error.strerror or error}): the log keeps its rows; check the disk's free space"
            " and health, and seal again"
        ) from error
    return Made(piece, name, rows, len(content), hashlib.sha256(content).hexdigest())


def swap(writer: Writer, made: Made) -> None:
    """Register the file and delete its rows from the log in ONE commit: a reader sees one of the two, never both.

    In the writer's thread. Raises what `Writer.transaction` raises: nothing has changed then.
    """
    rows, piece = made.rows, made.piece
    kind = sealed.column(rows, "kind")
    times = np.concatenate([sealed.times(rows), sealed.times(rows, ("local_ts_ns", "exch_ts_ns"))])
    first_seq, last_seq = int(rows[0, 0]), int(rows[-1, 0])
    with writer.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO sealed (path, market, rows, ticks, trades, first_seq, last_seq, first_ns, last_ns, bytes,"
            " sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                made.path,
                piece.market,
                len(rows),
                int((kind == TICK).sum()),
                int((kind == TRADE).sum()),
                first_seq,
                last_seq,
                int(times.min()),
                int(times.max()),
                made.bytes,
                made.sha256,
            ),
        )
        connection.executemany(
            "INSERT INTO sealed_trades VALUES (?, ?, ?, ?, ?, ?)",
            [(piece.market, *run, cursor.lastrowid) for run in id_runs(rows).tolist()],
        )
        connection.executemany(
            "INSERT INTO sealed_clocks VALUES (?, ?, ?, ?) ON CONFLICT (source, market) DO UPDATE"
            " SET seq = excluded.seq, ours = excluded.ours WHERE excluded.seq < seq",
            [(source, piece.market, seq, ours) for source, seq, ours in _first_ticks(rows)],
        )
        gone = connection.execute(
            f"DELETE FROM events WHERE market = ? AND seq BETWEEN ? AND ? AND {_DAY} = ? AND {_OLD}",
            (piece.market, first_seq, last_seq, piece.day, piece.before_ns),
        ).rowcount
        if gone != len(rows):
            raise TremorError(f"{made.path} has {len(rows):,} rows and the log {gone:,}: nothing was moved")
    writer.held = Held(writer.connection, writer.folder)


def id_runs(rows: sealed.Rows) -> Ints:
    """The trades' ids as runs without a hole: (first_id, last_id, first_ns, last_ns) of each, ascending.

    >>> rows = np.full((3, len(sealed.COLUMNS)), MISSING)
    >>> rows[:, 1], rows[:, 3], rows[:, -1] = 1, [70, 80, 90], [8, 7, 3]
    >>> id_runs(rows).tolist()
    [[3, 3, 90, 90], [7, 8, 80, 70]]
    """
    trades = rows[sealed.column(rows, "kind") == TRADE]
    trades = trades[np.argsort(sealed.column(trades, "trade_id"))]
    ids, times = sealed.column(trades, "trade_id"), sealed.times(trades)
    first = np.flatnonzero(np.diff(ids, prepend=MISSING) != 1) if len(ids) else np.empty(0, np.int64)
    last = np.append(first[1:], len(ids))[: len(first)] - 1
    return np.column_stack([ids[first], ids[last], times[first], times[last]])


def _first_ticks(rows: sealed.Rows) -> list[tuple[int, int, bool]]:
    """Of each source with ticks: (source, seq of its first tick, whether that has our clock only)."""
    ticks = rows[sealed.column(rows, "kind") == TICK]
    sources, first = np.unique(sealed.column(ticks, "source"), return_index=True)
    seqs, exch = sealed.column(ticks, "seq")[first], sealed.column(ticks, "exch_ts_ns")[first]
    return list(zip(sources.tolist(), seqs.tolist(), (exch == MISSING).tolist(), strict=True))


def clean(writer: Writer, disk: Disk = DISK) -> int:
    """Remove what a run that was cut off left below data/sealed. Returns how many files.

    That is a temporary file, or one that nothing registered and whose rows the log still holds, each as it is there.
    Another log's files stay (this one was lost, or began anew): they are named on standard error, and never read. So do
    the damaged ones that were set aside. Raises TremorError when the folder cannot be changed, Busy when another writer
    has begun since: the files may be its own.
    """
    removed = 0
    try:
        with writer.transaction() as connection:  # it holds off a successor, whose new files these would be
            known = {file.path for file in sealed.files(connection)}
            for path in sorted(writer.folder.glob("venue=*/product=*/date=*/*")):
                if path.suffix == ".new" or (
                    path.suffix == ".parquet"
                    and path.relative_to(writer.folder).as_posix() not in known
                    and _in_log(connection, path, disk)
                ):
                    disk.unlink(path)
                    removed += 1
    except OSError as error:
        raise TremorError(
            f"{writer.folder} cannot be changed ({error.strerror or error}): check the disk, and seal again"
        ) from error
    return removed


def _in_log(connection: sqlite3.Connection, path: Path, disk: Disk) -> bool:
    try:
        rows = sealed.decode(disk.read(path))
    except (pa.ArrowException, KeyError, ValueError):
        rows = np.empty((0, len(sealed.COLUMNS)), np.int64)
    if len(rows):
        found = connection.execute(
            f"SELECT {','.join(sealed.COLUMNS)} FROM events WHERE seq BETWEEN ? AND ?",
            (int(rows[0, 0]), int(rows[-1, 0])),
        ).fetchall()
        there = matrix(found, len(sealed.COLUMNS))
        if np.array_equal(there[np.isin(there[:, 0], rows[:, 0])], rows):
            return True
    _log.warning("%s is not of this log: it is not read; move it away if it is not wanted", path)
    return False


def check(writer: Writer, disk: Disk = DISK) -> None:
    """Read every sealed file against its checksum; set the damaged ones aside and write them down."""
    for file in sealed.files(writer.connection, where=" AND damaged IS NULL"):
        sealed.load_or_set_aside(file, writer.folder, disk)
    with writer.transaction() as connection:
        sealed.lose_set_aside(connection, writer.folder)
    writer.held = Held(writer.connection, writer.folder)


def seal(
    home: Home, now_ns: int, older_than_h: float = OLDER_THAN_H, tell: Tell | None = None, disk: Disk = DISK
) -> dict[str, Any]:
    """Move everything received more than `older_than_h` hours before `now_ns` (ns UTC) into sealed files, after a check
    of those that are there.

    Returns `sealed` (rows now moved), `orphans` (removed), the counts and damaged files of `Reader.sealed`, and
    `log_bytes`. The log gives its space back when more than half of it is free. Raises Busy while a capture or an
    import runs, TremorError when the disk refuses: what was moved stays moved, and the next run goes on from there.
    """
    moved = 0
    with Writer(home, "seal") as writer:
        orphans = clean(writer, disk)
        check(writer, disk)
        todo = pieces(home, now_ns - int(older_than_h * HOUR_NS))
        whole = max(sum(piece.rows for piece in todo), 1)
        for made in _all_of(home, todo, disk):
            swap(writer, made)
            moved += len(made.rows)
            if tell is not None:
                tell(moved / whole, made.path)
        _shrink(writer.connection)
        result = sealed.summary(sealed.files(writer.connection), writer.folder)
    return {"sealed": moved, "orphans": orphans, **result, "log_bytes": home.ticks_db.stat().st_size}


def _all_of(home: Home, todo: list[Piece], disk: Disk) -> Iterator[Made]:
    for piece in todo:
        while (made := make(home, piece, MOST_ROWS, disk)) is not None:
            yield made


def _shrink(connection: sqlite3.Connection) -> None:
    free, all_pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    if free * 2 > all_pages:
        with suppress(sqlite3.OperationalError):  # no room for the copy, or a reader: the free pages are used again
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
