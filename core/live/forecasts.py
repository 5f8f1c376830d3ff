"""The forecasts that were made: one row a bar and model, written as the bar closes, sealed by a hash, never changed.

Each row's hash covers its fields and the hash before it: a row that is changed, added or taken away later breaks the
chain there (S. Haber and W. S. Stornetta, "How to time-stamp a digital document", 1991). `seen_ns` is the newest bar
that was known when the row was written: a forecast is in escrow when that bar ends before its horizon does, whatever
the clock on the wall says of a recording that is replayed. SQLite in WAL mode beside the ticks: the monitor writes,
pages and exports read.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import msgspec
import pyarrow as pa

from core.config import Home
from core.errors import Damaged

_TABLE = """CREATE TABLE IF NOT EXISTS forecasts (
    venue TEXT NOT NULL, product TEXT NOT NULL, bar_end_ns INTEGER NOT NULL, model TEXT NOT NULL,
    p REAL, vol_bps REAL, mid REAL NOT NULL, tau_bps REAL, theta REAL NOT NULL, made_ns INTEGER NOT NULL,
    horizon_s INTEGER, seen_ns INTEGER, doubt TEXT, seq INTEGER, hash TEXT,
    PRIMARY KEY (venue, product, model, bar_end_ns)
) STRICT, WITHOUT ROWID"""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said at the end of one bar of the horizon that follows it.

    p: probability of a spike (None while the windows warm up); vol_bps: trailing volatility (None likewise); tau_bps:
    the threshold on what follows (None while a relative one has no slow volatility to be a multiple of); mid in quote
    currency; made_ns: our clock when it was made; seen_ns: end of the newest bar known then. horizon_s and seen_ns are
    None in rows that are older than the escrow. doubt: why the row should not be trusted (`training.seen.doubts`), None
    where nothing speaks against it.
    """

    venue: str
    product: str
    bar_end_ns: int
    model: str
    p: float | None
    vol_bps: float | None
    mid: float
    tau_bps: float | None
    theta: float
    made_ns: int
    horizon_s: int | None = None
    seen_ns: int | None = None
    doubt: str | None = None


FIELDS: tuple[str, ...] = Forecast.__struct_fields__


_ADDED = {"horizon_s": "INTEGER", "seen_ns": "INTEGER", "doubt": "TEXT", "seq": "INTEGER", "hash": "TEXT"}
"""Columns that files of earlier versions do not have."""


def digest(before: str, forecast: Forecast) -> str:
    """The hash that seals a forecast: sha256 of the hash before it ("" for the first) and of all its fields.

    A doubt of None is left out: rows sealed before there were doubts had no such field.
    """
    fields = msgspec.structs.asdict(forecast)
    if forecast.doubt is None:
        del fields["doubt"]
    return hashlib.sha256(before.encode() + msgspec.json.encode(fields)).hexdigest()


class Log:
    """The writer's side: one connection, kept open."""

    def __init__(self, home: Home) -> None:
        home.data.mkdir(parents=True, exist_ok=True)
        with readable(home):
            self._connection = sqlite3.connect(home.forecasts_db, timeout=10)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(_TABLE)
            for name, kind in _ADDED.items():
                if name not in _columns(self._connection):
                    self._connection.execute(f"ALTER TABLE forecasts ADD COLUMN {name} {kind}")
            self._let_tau_be_missing()
            self._connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS chain ON forecasts (seq)")
            self._connection.commit()

    def _let_tau_be_missing(self) -> None:
        """Files of earlier versions want a tau in each row: their rows are moved, as they are, to a table that does
        not."""
        wanted = {row[1]: row[3] for row in self._connection.execute("PRAGMA table_info(forecasts)")}
        if not wanted["tau_bps"]:
            return
        columns = ", ".join((*FIELDS, "seq", "hash"))
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ALTER TABLE forecasts RENAME TO with_tau")
            self._connection.execute(_TABLE)
            self._connection.execute(f"INSERT INTO forecasts ({columns}) SELECT {columns} FROM with_tau")
            self._connection.execute("DROP TABLE with_tau")

    def append(self, forecasts: Sequence[Forecast]) -> int:
        """Write those not yet there, in one commit; returns how many were new."""
        marks = ", ".join("?" * (len(FIELDS) + 2))
        statement = f"INSERT OR IGNORE INTO forecasts ({', '.join(FIELDS)}, seq, hash) VALUES ({marks})"
        new = 0
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute("SELECT seq, hash FROM forecasts ORDER BY seq DESC LIMIT 1").fetchone()
            seq, before = last if last is not None and last[0] is not None else (0, "")
            for f in forecasts:
                sealed = digest(before, f)
                row = (*(getattr(f, name) for name in FIELDS), seq + 1, sealed)
                if self._connection.execute(statement, row).rowcount:
                    seq, before, new = seq + 1, sealed, new + 1
        return new

    def close(self) -> None:
        self._connection.close()


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(forecasts)")}


def selected(connection: sqlite3.Connection) -> str:
    """The fields of a `Forecast` as a SELECT asks for them; NULL for a column that an older file does not have."""
    there = _columns(connection)
    return ", ".join(name if name in there else f"NULL AS {name}" for name in FIELDS)


@contextmanager
def readable(home: Home) -> Iterator[None]:
    """What SQLite cannot read is Damaged, with the file's name and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{home.forecasts_db} cannot be used ({error}): move it away and start again") from error


def table(
    home: Home, venue: str | None = None, product: str | None = None, model: str | None = None, from_ns: int = 0
) -> pa.Table:
    """Forecasts with bar_end_ns >= `from_ns`, oldest first, a column a field of `Forecast`; empty when none were
    made."""
    types = [pa.string(), pa.string(), pa.int64(), pa.string(), *[pa.float64()] * 5, *[pa.int64()] * 3, pa.string()]
    schema = pa.schema(list(zip(FIELDS, types, strict=True)))
    rows: list[tuple[object, ...]] = []
    if home.forecasts_db.exists():
        with (
            readable(home),
            closing(sqlite3.connect(f"file:{home.forecasts_db}?mode=ro", uri=True, timeout=10)) as connection,
        ):
            # only what is asked for stands in the condition: with all three the primary key leads straight there
            asked = {"venue": venue, "product": product, "model": model}
            given = {name: value for name, value in asked.items() if value is not None}
            where = " AND ".join([*(f"{name} = ?" for name in given), "bar_end_ns >= ?"])
            rows = connection.execute(
                f"SELECT {selected(connection)} FROM forecasts WHERE {where}"
                " ORDER BY bar_end_ns, venue, product, model",
                (*given.values(), from_ns),
            ).fetchall()
    return pa.table([[row[i] for row in rows] for i in range(len(FIELDS))], schema=schema)
