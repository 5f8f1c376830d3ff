"""The forecasts that were made: one row a bar and model, written as the bar closes, and never changed.

`made_ns` is our clock when the row was written: after a stall, or where a recording is replayed faster than it was
recorded, that can be after the market itself had shown the outcome. SQLite in WAL mode beside the ticks: the monitor
writes, pages and exports read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import msgspec
import pyarrow as pa

from core.config import Home
from core.errors import Damaged

_TABLE = """CREATE TABLE IF NOT EXISTS forecasts (
    venue TEXT NOT NULL, product TEXT NOT NULL, bar_end_ns INTEGER NOT NULL, model TEXT NOT NULL,
    p REAL, vol_bps REAL, mid REAL NOT NULL, tau_bps REAL NOT NULL, theta REAL NOT NULL, made_ns INTEGER NOT NULL,
    PRIMARY KEY (venue, product, model, bar_end_ns)
) STRICT, WITHOUT ROWID"""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said at the end of one bar of the horizon that follows it.

    p: probability of a spike (None while the windows warm up); vol_bps: trailing volatility (None likewise); mid in
    quote
    currency; made_ns: our clock when it was made.
    """

    venue: str
    product: str
    bar_end_ns: int
    model: str
    p: float | None
    vol_bps: float | None
    mid: float
    tau_bps: float
    theta: float
    made_ns: int


FIELDS: tuple[str, ...] = Forecast.__struct_fields__


class Log:
    """The writer's side: one connection, kept open."""

    def __init__(self, home: Home) -> None:
        home.data.mkdir(parents=True, exist_ok=True)
        with _readable(home):
            self._connection = sqlite3.connect(home.forecasts_db, timeout=10)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(_TABLE)
            self._connection.commit()

    def append(self, forecasts: Sequence[Forecast]) -> int:
        """Write those not yet there, in one commit; returns how many were new."""
        rows = [tuple(getattr(f, name) for name in FIELDS) for f in forecasts]
        with self._connection:
            marks = ", ".join("?" * len(FIELDS))
            cursor = self._connection.executemany(
                f"INSERT OR IGNORE INTO forecasts ({', '.join(FIELDS)}) VALUES ({marks})", rows
            )
        return cursor.rowcount

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _readable(home: Home) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{home.forecasts_db} cannot be used ({error}): move it away and start again") from error


def table(
    home: Home, venue: str | None = None, product: str | None = None, model: str | None = None, from_ns: int = 0
) -> pa.Table:
    """Forecasts with bar_end_ns >= `from_ns`, oldest first, a column a field of `Forecast`; empty when none were
    made."""
    types = [pa.string(), pa.string(), pa.int64(), pa.string(), *[pa.float64()] * 5, pa.int64()]
    schema = pa.schema(list(zip(FIELDS, types, strict=True)))
    rows: list[tuple[object, ...]] = []
    if home.forecasts_db.exists():
        with (
            _readable(home),
            closing(sqlite3.connect(f"file:{home.forecasts_db}?mode=ro", uri=True, timeout=10)) as connection,
        ):
            rows = connection.execute(
                f"SELECT {', '.join(FIELDS)} FROM forecasts WHERE bar_end_ns >= ? AND (? IS NULL OR venue = ?)"
                " AND (? IS NULL OR product = ?) AND (? IS NULL OR model = ?)"
                " ORDER BY bar_end_ns, venue, product, model",
                (from_ns, venue, venue, product, product, model, model),
            ).fetchall()
    return pa.table([[row[i] for row in rows] for i in range(len(FIELDS))], schema=schema)
