"""Sealed files: old rows of the log as Parquet, whole numbers only, each file under its checksum.

A file holds rows of one market and one UTC day in the order of their `seq`. Its sha256 stands in the log's table
`sealed`, and every reading checks it on the very bytes it decodes: a file that changed, at whatever time, is damaged,
never a wrong row. That costs about 0.6 ms a MB, a tenth of what decoding takes.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.disk import DISK, Disk
from core.errors import Damaged, TremorError
from core.ingestion.store.ledger import SPARSE_VENUES
from core.ingestion.store.schema import has_sealed
from core.ingestion.ticks import MISSING, Ints

COLUMNS = (
    "seq", "kind", "source", "exch_ts_ns", "local_ts_ns", "price", "bid", "ask", "bid_size", "ask_size", "size", "side",
    "trade_id",
)  # fmt: skip
"""Of a row, in the order of this module's matrices: int64, MISSING where the log has NULL."""
Rows: TypeAlias = Ints
"""Shape (n, len(COLUMNS)), ascending in seq."""
DAY_NS = 86_400_000_000_000
GROUP_ROWS = 65_536
"""At least so many rows a row group, where the file has them."""
_NARROW = {"kind": pa.int8(), "side": pa.int8(), "source": pa.int32()}
_SCHEMA = pa.schema([(name, _NARROW.get(name, pa.int64())) for name in COLUMNS])
_DELTA = {name: "DELTA_BINARY_PACKED" for name in COLUMNS if name not in _NARROW}
_LEVEL = 15
"""Of zstd. On recorded BTC-USD ticks 11.7 bytes a tick at 1 µs a tick, against 13.0 and 0.1 µs at the default of 3."""
OUT_OF_USE = "it was not what had been sealed, and was set aside as NAME.damaged"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class File:
    """One row of the table `sealed`, with the market's names."""

    id: int
    path: str
    market: int
    rows: int
    ticks: int
    trades: int
    first_seq: int
    last_seq: int
    first_ns: int
    last_ns: int
    bytes: int
    sha256: str
    damaged: str | None
    venue: str
    product: str


def column(rows: Rows, name: str) -> Ints:
    """One column of the matrix by its name."""
    return rows[:, COLUMNS.index(name)]


def times(rows: Rows, clocks: tuple[str, str] = ("exch_ts_ns", "local_ts_ns")) -> Ints:
    """The events' times by the first of the clocks, or where that has none, by the other. ns UTC."""
    first = column(rows, clocks[0])
    return np.where(first == MISSING, column(rows, clocks[1]), first)


def encode(rows: Rows) -> bytes:
    """The rows as the bytes of a Parquet file: int64 in DELTA_BINARY_PACKED, zstd, row groups of 64k rows or more."""
    columns = []
    for name, values in zip(COLUMNS, rows.T, strict=True):
        plain = np.ascontiguousarray(values)
        columns.append(pa.array(plain, pa.int64(), mask=plain == MISSING).cast(_SCHEMA.field(name).type))
    sink = pa.BufferOutputStream()
    groups = max(len(rows) // GROUP_ROWS, 1)
    pq.write_table(
        pa.table(columns, schema=_SCHEMA),
        sink,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=list(_NARROW),
        column_encoding=_DELTA,
        row_group_size=max(-(-len(rows) // groups), 1),
    )
    return sink.getvalue().to_pybytes()


def decode(content: bytes) -> Rows:
    """The rows that `encode` was given. Raises ArrowException or ValueError when the bytes are no such file."""
    table = pq.read_table(pa.BufferReader(content), columns=list(COLUMNS), use_threads=False)
    rows = np.empty((table.num_rows, len(COLUMNS)), np.int64, order="F")
    for i, name in enumerate(COLUMNS):
        rows[:, i] = table.column(name).cast(pa.int64()).fill_null(MISSING).to_numpy()
    return rows


def name_of(venue: str, product: str, day: int, first_seq: int, last_seq: int, n: int = 0) -> str:
    """Where a file stands below data/sealed; `day` counts from 1970. A connection's own heartbeats have no product. `n`
    > 0 is for a name that another log's file has taken."""
    date = np.datetime64(day, "D")
    names = (f"venue={quote(venue, safe=' ')}", f"product={quote(product, safe=' ') or '__all__'}", f"date={date}")
    return "/".join((*names, f"{first_seq:012d}-{last_seq:012d}{f'.{n}' if n else ''}.parquet"))


def files(connection: sqlite3.Connection, markets: str | None = None, where: str = "") -> list[File]:
    """The registered files in the order of their first seq: of the `markets` (ids, comma between) or all of them."""
    if not has_sealed(connection):
        return []
    among = "" if markets is None else f" AND sealed.market IN ({markets})"
    rows = connection.execute(
        "SELECT sealed.*, venue, product FROM sealed JOIN markets ON markets.id = sealed.market"
        f" WHERE 1{among}{where} ORDER BY first_seq"
    )
    return [File(*row) for row in rows]


def summary(found: Sequence[File], folder: Path) -> dict[str, Any]:
    """Counts of the sound files, and the damaged ones by name: what `status` and `seal` say of them."""
    why = {file.id: why_damaged(file, folder) for file in found}
    sound = [file for file in found if why[file.id] is None]
    return {
        "files": len(sound),
        "rows": sum(file.rows for file in sound),
        "bytes": sum(file.bytes for file in sound),
        "damaged": [
            {
                "path": file.path,
                "venue": file.venue,
                "product": file.product,
                "rows": file.rows,
                "first_ns": file.first_ns,
                "last_ns": file.last_ns,
                "why": why[file.id],
            }
            for file in found
            if why[file.id] is not None
        ],
    }


def why_damaged(file: File, folder: Path) -> str | None:
    """Why the file is out of use, None when it is not known to be: what can be told without reading it."""
    path = folder / file.path
    if file.damaged is not None or path.exists():
        return file.damaged
    return OUT_OF_USE if _aside(path).exists() else "it is missing"


def load(file: File, folder: Path, disk: Disk = DISK) -> Rows:
    """The file's rows, after its sha256 was found to be the one that was registered.

    Raises Damaged, one sentence that names the file, when it is not there or not what was written; TremorError when the
    system refuses to open it, which says nothing of the file.
    """
    path = folder / file.path
    why = why_damaged(file, folder)
    if why is None:
        try:
            content = disk.read(path) if path.stat().st_size == file.bytes else b""
        except OSError as error:
            sentence = f"{path} cannot be read ({error.strerror or error})"
            if error.errno == errno.EIO:
                raise Damaged(f"{sentence}: its {file.rows:,} rows are left out; check the disk") from error
            if error.errno != errno.ENOENT:
                raise TremorError(f"{sentence}: mend that, and try again") from error
            content, why = b"", "it is missing"
        if hashlib.sha256(content).hexdigest() == file.sha256:
            return decode(content)
        why = why or "its sha256 is not the one it was sealed with"
    raise Damaged(
        f"{path} is damaged ({why}): its {file.rows:,} rows of {file.venue} {file.product or '(all products)'} are left"
        " out; put back a copy of the file, or import their recording again"
    )


def load_or_set_aside(file: File, folder: Path, disk: Disk = DISK) -> Rows | None:
    """The file's rows; None when it is damaged, which is said on standard error. What is not what was written is
    renamed to NAME.damaged; what the disk only could not read (EIO) stays, it may be readable again.

    Raises TremorError as `load` does.
    """
    try:
        return load(file, folder, disk)
    except Damaged as error:
        _log.warning("%s", error)
        path = folder / file.path
        with suppress(OSError):  # it is missing, the folder cannot be changed, or another reader was first
            if file.damaged is None and why_damaged(file, folder) is None and error.__cause__ is None:
                disk.rename(path, _aside(path))
        return None


def lose(connection: sqlite3.Connection, file: File) -> None:
    """Write down, in the transaction at hand, that the file is out of use for good: its rows count as not held and can
    be stored anew, so a copy that is put back later is not read beside them. The gap ledger gains what is missing now:
    a row for each run of its trades' ids, to be repaired as any other, or one for its time where no id tells."""
    lost = connection.execute(
        "SELECT first_id, last_id, first_ns, last_ns FROM sealed_trades WHERE file = ? ORDER BY first_id", (file.id,)
    ).fetchall()
    connection.execute("UPDATE sealed SET damaged = ? WHERE id = ?", (OUT_OF_USE, file.id))
    connection.execute("DELETE FROM sealed_trades WHERE file = ?", (file.id,))
    if not file.product:
        return  # heartbeats of a whole connection: nothing is missing for want of them
    (source,) = connection.execute(
        "SELECT coalesce(max(source), 1) FROM runs WHERE market = ? AND first_seq <= ?", (file.market, file.last_seq)
    ).fetchone()
    now_ns, detail = time.time_ns(), f"the sealed file {file.path} was damaged"
    gaps: list[tuple[int | str | None, ...]]
    if not lost or file.venue in SPARSE_VENUES:
        gaps = [(file.first_ns, file.last_ns, None, None, None, "unrepairable", now_ns)]
    else:
        gaps = [(since, max(since, to), a - 1, b + 1, b - a + 1, "open", None) for a, b, since, to in lost]
        gaps[0] = (file.first_ns, *gaps[0][1:])
        gaps[-1] = (gaps[-1][0], file.last_ns, *gaps[-1][2:])
    connection.executemany(
        "INSERT INTO gaps (market, source, seen, from_ns, to_ns, from_trade_id, to_trade_id, missing, state, closed_ns,"
        " opened_ns, break_seq, detail) VALUES (?, ?, 'trade_id', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(file.market, source, *gap, now_ns, file.first_seq, detail) for gap in gaps],
    )


def lose_set_aside(connection: sqlite3.Connection, folder: Path) -> None:
    """`lose`, in the transaction at hand, the files that were set aside. One that is only missing may come back."""
    for file in files(connection, where=" AND damaged IS NULL"):
        if why_damaged(file, folder) == OUT_OF_USE:
            lose(connection, file)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
