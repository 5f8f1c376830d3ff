"""Frames as they were received, kept beside the log so that a parser's mistake can be replayed away.

`data/frames.sqlite`, opened like the log (WAL, `synchronous=FULL`). Each capture writes streams: a stream is one zstd
stream cut into parts, one part a commit, so that even a commit of one frame compresses against all that came before it,
and what a kill leaves behind reads to its last commit. A part holds `local_ts_ns` (8 bytes), length (4 bytes) and bytes
of each frame, little-endian, and carries a checksum; past 64 MB of frames a new stream begins, so that a damaged part
costs no more than the rest of its own.
"""

from __future__ import annotations

import sqlite3
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.config import Home
from core.errors import Damaged, TremorError
from core.ingestion.store.schema import BUSY_TIMEOUT_MS

LEVEL = 3
STREAM_BYTES = 64 * 1024 * 1024
_HEAD = struct.Struct("<qI")
_TABLES = """
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, feed TEXT NOT NULL, venue TEXT NOT NULL, opened_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams (id), frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS parts_stream ON parts (stream, id);
"""


@dataclass(frozen=True)
class Kept:
    """One frame as it came: the feed that parses it, the venue it was stored under, its receipt (ns UTC), its bytes."""

    feed: str
    venue: str
    local_ts_ns: int
    frame: bytes


class FrameLog:
    """Appends frames, each batch in one commit; to be used by the capture that holds the home's writer lock.

    Raises TremorError when the file cannot be written; the batch can be given again then.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.frames_db
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _open(self._path)
        except sqlite3.DatabaseError as error:
            raise _unwritable(self._path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def append(self, feed: str, venue: str, frames: Iterable[tuple[int, bytes]]) -> None:
        """Keep (receipt in ns UTC, bytes) of each frame; returns after the fsync."""
        assert self._connection is not None, "use it in a with block"
        plain = bytearray()
        count = 0
        for local_ts_ns, frame in frames:
            plain += _HEAD.pack(local_ts_ns, len(frame))
            plain += frame
            count += 1
        if not count:
            return
        stream = self._streams.get((feed, venue))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if stream is None:
                stream = _Stream(_number(self._connection, feed, venue))
            body = stream.part(plain)
            self._connection.execute(
                "INSERT INTO parts (stream, frames, bytes, checksum, body) VALUES (?, ?, ?, ?, ?)",
                (stream.number, count, len(plain), zlib.crc32(body), body),
            )
            self._connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._streams.pop((feed, venue), None)  # its compressor has gone on, past what is stored
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise _unwritable(self._path, error) from error
        self._streams[feed, venue] = stream
        if stream.plain_bytes > STREAM_BYTES:
            del self._streams[feed, venue]


class _Stream:
    def __init__(self, number: int) -> None:
        import zstandard

        self.number = number
        self.plain_bytes = 0
        self._compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def part(self, plain: bytearray) -> bytes:
        self.plain_bytes += len(plain)
        return self._compressor.compress(bytes(plain)) + self._compressor.flush(self._flush)


def kept_frames(home: Home) -> Iterator[list[Kept]]:
    """Every kept frame, stream by stream in the order of receipt, as many at a time as were kept in one commit.

    Raises Damaged for a part that is not what was written, once all streams that are whole have been given.
    """
    import zstandard

    if not home.frames_db.exists():
        return
    damaged: list[str] = []
    path, connection = home.frames_db, _reading(home.frames_db)
    try:
        for number, feed, venue in connection.execute("SELECT id, feed, venue FROM streams ORDER BY id").fetchall():
            expand = zstandard.ZstdDecompressor().decompressobj()
            rows = connection.execute(
                "SELECT id, bytes, checksum, body FROM parts WHERE stream = ? ORDER BY id", (number,)
            )
            for part, size, checksum, body in rows:
                plain = expand.decompress(body) if zlib.crc32(body) == checksum else b""
                if len(plain) != size:
                    damaged.append(f"part {part} of stream {number} ({feed})")
                    break
                yield [Kept(feed, venue, local_ts_ns, frame) for local_ts_ns, frame in _frames(plain)]
    except (sqlite3.DatabaseError, zstandard.ZstdError) as error:
        raise Damaged(f"{path} cannot be read on ({error}): what was read so far is whole") from error
    finally:
        connection.close()
    if damaged:
        raise Damaged(f"{path}: {', '.join(damaged)} is not what was written; the rest of its stream is left out")


def kept_sizes(home: Home) -> dict[str, int]:
    """`frames`, their `bytes` as received (with 12 bytes a frame around them) and `stored_bytes` of what is kept."""
    sizes: tuple[Any, ...] = (0, 0, 0)
    if home.frames_db.exists():
        with closing(_reading(home.frames_db)) as connection:
            sizes = connection.execute("SELECT sum(frames), sum(bytes), sum(length(body)) FROM parts").fetchone()
    return dict(zip(("frames", "bytes", "stored_bytes"), (size or 0 for size in sizes), strict=True))


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _frames(plain: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(plain):
        local_ts_ns, length = _HEAD.unpack_from(plain, at)
        at += _HEAD.size + length
        yield local_ts_ns, plain[at - length : at]


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_TABLES)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _number(connection: sqlite3.Connection, feed: str, venue: str) -> int:
    cursor = connection.execute(
        "INSERT INTO streams (feed, venue, opened_ns) VALUES (?, ?, ?)", (feed, venue, time.time_ns())
    )
    return int(cursor.lastrowid or 0)


def _unwritable(path: Path, error: Exception) -> TremorError:
    return TremorError(f"the frames kept in {path} cannot be written ({error}): check the disk's free space and health")
