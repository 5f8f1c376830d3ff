"""The quarantine as work to do: the frames that captures could not parse, and their way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from core.ingestion.store.writer import Writer

PAGE = 200


class Waiting(NamedTuple):
    """One frame in quarantine: its row, the feed that received it, the venue stored under, receipt, reason, bytes."""

    row: int
    feed: str
    venue: str | None
    local_ts_ns: int | None
    reason: str
    frame: bytes


def held_frames(writer: Writer) -> Iterator[list[Waiting]]:
    """What captures put into quarantine, oldest first, 200 at a time; rows may be released meanwhile.

    Lines of imported files are not among them: their files can be imported again.
    """
    after = 0
    while True:
        rows = writer.connection.execute(
            "SELECT quarantine.id, name, detail, local_ts_ns, reason, frame FROM quarantine"
            " JOIN sources ON sources.id = quarantine.source WHERE kind = 'capture' AND quarantine.id > ?"
            " ORDER BY quarantine.id LIMIT ?",
            (after, PAGE),
        ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [
            Waiting(row, feed, msgspec.json.decode(detail).get("venue"), local_ts_ns, reason, frame)
            for row, feed, detail, local_ts_ns, reason, frame in rows
        ]


def release(writer: Writer, rows: Sequence[int]) -> None:
    """Take `rows` out of the quarantine, in one commit: what they say is stored by now."""
    with writer.transaction() as connection:
        connection.executemany("DELETE FROM quarantine WHERE id = ?", [(row,) for row in rows])
