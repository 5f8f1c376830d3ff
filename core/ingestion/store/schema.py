"""The log's tables, and how it is opened.

One table holds ticks, trades and heartbeats, so that `seq` is their common order of arrival. `digest` names what an
event says (not how it came), so the same tick from two recordings is stored once. Frames that did not parse are kept
with their bytes. `runs` sums up each source's events of each market in the same commit as the events themselves:
what there is, and where to look for it, is known without a scan.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from core.errors import Damaged, TremorError

SCHEMA_VERSION = 3
"""1: without the gap ledger. 2: with it. 3: and with sealed files, which an older program would not miss."""
BUSY_TIMEOUT_MS = 5_000

TABLES = """
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('capture', 'import')),
    name TEXT NOT NULL,
    detail TEXT NOT NULL,
    opened_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE markets (
    id INTEGER PRIMARY KEY,
    venue TEXT NOT NULL,
    product TEXT NOT NULL,           -- '' stands for all products of a connection (heartbeats)
    UNIQUE (venue, product)
) STRICT;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,        -- the order of arrival; the newest row always stays, so none is used twice
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    source INTEGER NOT NULL REFERENCES sources (id),
    market INTEGER NOT NULL REFERENCES markets (id),
    exch_ts_ns INTEGER,
    local_ts_ns INTEGER,
    price INTEGER,
    bid INTEGER,
    ask INTEGER,
    bid_size INTEGER,
    ask_size INTEGER,
    size INTEGER,
    side INTEGER NOT NULL CHECK (side IN (-1, 0, 1)),
    trade_id INTEGER,
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    CHECK (exch_ts_ns IS NOT NULL OR local_ts_ns IS NOT NULL)
) STRICT;
-- A digest alone would scatter over the whole index, and each commit would rewrite most of its pages. Led by a number
-- it was made from (a trade's id, else the time), equal events still meet, and neighbours in time lie side by side.
CREATE UNIQUE INDEX events_digest ON events (
    CASE kind WHEN 1 THEN trade_id ELSE coalesce(exch_ts_ns, local_ts_ns) END, digest
);

CREATE TABLE runs (
    source INTEGER NOT NULL REFERENCES sources (id),
    market INTEGER NOT NULL REFERENCES markets (id),
    ticks INTEGER NOT NULL,
    trades INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    PRIMARY KEY (source, market)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id),
    local_ts_ns INTEGER,
    reason TEXT NOT NULL,
    frame BLOB NOT NULL
) STRICT;
"""

LEDGER = """
CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    market INTEGER NOT NULL REFERENCES markets (id),
    source INTEGER NOT NULL REFERENCES sources (id),
    seen TEXT NOT NULL CHECK (seen IN ('trade_id', 'heartbeat', 'sequence', 'silence', 'downtime')),
    from_ns INTEGER NOT NULL,
    to_ns INTEGER NOT NULL,
    from_trade_id INTEGER,          -- the last trade before it
    to_trade_id INTEGER,            -- the first trade after it; NULL: none has come yet
    missing INTEGER,                -- trades between the two when it was found; NULL: unknown
    still_missing INTEGER,          -- of these, not stored by now
    state TEXT NOT NULL CHECK (state IN ('open', 'repaired', 'unrepairable')),
    opened_ns INTEGER NOT NULL,
    closed_ns INTEGER,
    break_seq INTEGER,              -- a session ends before the market's first event with this seq or a later one
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX gaps_state ON gaps (market, state);

CREATE TABLE tapes (                -- how far the trade tape of a market reaches
    market INTEGER PRIMARY KEY REFERENCES markets (id),
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL
) STRICT;
"""

_FROM_1 = """
INSERT INTO tapes
    SELECT market, min(trade_id), max(trade_id), min(coalesce(exch_ts_ns, local_ts_ns)),
           max(coalesce(exch_ts_ns, local_ts_ns))
    FROM events WHERE kind = 1 GROUP BY market;
INSERT INTO gaps
    SELECT NULL, market, source, 'trade_id', before_ns, max(before_ns, ts_ns), before_id, trade_id,
           trade_id - before_id - 1, trade_id - before_id - 1, 'open', ts_ns, NULL, seq,
           'a jump of the trade id, found when the ledger was made'
    FROM (
        SELECT seq, market, source, trade_id, coalesce(exch_ts_ns, local_ts_ns) AS ts_ns,
               lag(trade_id) OVER ids AS before_id, lag(coalesce(exch_ts_ns, local_ts_ns)) OVER ids AS before_ns
        FROM events WHERE kind = 1 WINDOW ids AS (PARTITION BY market ORDER BY trade_id)
    ) JOIN markets ON markets.id = market
    WHERE trade_id > before_id + 1 AND venue <> 'bitstamp' ORDER BY seq;
"""
"""A log of version 1 gains the ledger: its jumps of the trade id are open gaps. Bitstamp's ids rise, but not by one."""

SEALED = """
CREATE TABLE sealed (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,      -- below data/sealed, with forward slashes
    market INTEGER NOT NULL REFERENCES markets (id),
    rows INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    trades INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    damaged TEXT                    -- why its rows are out of use for good; NULL for a sound file
) STRICT;
-- The sealed trades' ids, as runs without a hole: what is held and where the gaps are is known without opening a file.
CREATE TABLE sealed_trades (
    market INTEGER NOT NULL REFERENCES markets (id),
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    file INTEGER NOT NULL REFERENCES sealed (id),
    PRIMARY KEY (market, first_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sealed_trades_file ON sealed_trades (file);
-- By which clock a source is read: that of its first tick, which may be sealed.
CREATE TABLE sealed_clocks (
    source INTEGER NOT NULL REFERENCES sources (id),
    market INTEGER NOT NULL REFERENCES markets (id),
    seq INTEGER NOT NULL,
    ours INTEGER NOT NULL,          -- 1: the first tick has the clock of receipt only
    PRIMARY KEY (source, market)
) STRICT, WITHOUT ROWID;
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The log as its one writer opens it; made when it is not there.

    Raises Damaged when the file is no log of this version.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        version = version_of(connection)
        if version == 0:
            _run(connection, TABLES + LEDGER + SEALED)
        elif version == 1:
            _run(connection, LEDGER + _FROM_1 + SEALED)
        elif version == 2:
            _run(connection, SEALED)
        if version < SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        check(connection, path)
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise Damaged(f"{path} is not a tick store ({error}): move it away and start again") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Statement by statement: `executescript` would commit what is open, and half a migration could stay."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The log as a reader opens it: never made, never changed. Raises Damaged when it is no log of this version."""
    if not path.is_file():
        raise Damaged(f"{path} is not a file: move it away and start again")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only = ON")
        if version_of(connection) not in (0, 1, 2):  # 0: just made; 1, 2: the next writer migrates it
            check(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise Damaged(f"{path} is not a tick store ({error}): move it away and start again") from error
    except BaseException:
        connection.close()
        raise
    return connection


def explain(path: Path, error: sqlite3.DatabaseError) -> None:
    """Raise Damaged or TremorError with a sentence when the file is damaged or the disk fails; nothing for the rest."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # not there where Python itself refused
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise Damaged(f"{path} is damaged ({error}): move it away, and import or capture its markets again") from error
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL):
        raise TremorError(f"{path} cannot be read ({error}): check the disk, and try again") from error


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of the open file, 0 when nothing is in it yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def has_sealed(connection: sqlite3.Connection) -> bool:
    """Whether the open log knows of sealed files: an older one gains that from its next writer."""
    return version_of(connection) > 2


def has_ledger(connection: sqlite3.Connection) -> bool:
    """Whether the open log has the gap ledger: one of version 1 gains it from its next writer."""
    return version_of(connection) > 1


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise Damaged unless the file has this program's schema version."""
    version = version_of(connection)
    if version != SCHEMA_VERSION:
        raise Damaged(
            f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}: use the program that wrote it,"
            " or another home"
        )
