"""What runs in the processes that the kill tests end: importable, so that a fork server can start them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import jobs
from core.config import Home
from core.ingestion.capture import Asked, World, capture
from core.ingestion.store import Reader, Writer, sealing
from core.ingestion.ticks import Tick


def append_and_tell(root: Path, first: int, told: Any, size: int) -> None:
    """Append batches for ever, and tell where each ends as soon as it is acknowledged."""
    with Writer(Home(root)) as writer:
        source = writer.source("capture", "kill")
        while True:
            batch = [Tick(venue="v", product="p", price=i, local_ts_ns=i) for i in range(first, first + size)]
            writer.append(source, batch)
            first += size
            told.put(first)


def seal_for_ever(root: Path, told: Any) -> None:
    """Append and seal, in small files, for ever; tell how many ticks are acknowledged."""
    home = Home(root)
    with Writer(home) as writer:
        source = writer.source("capture", "kill")
        first = told_of(home)
        while True:
            batch = [Tick(venue="v", product="p", price=i, local_ts_ns=i) for i in range(first, first + 200)]
            writer.append(source, batch)
            first += 200
            told.put(first)
            sealing.clean(writer)
            for piece in sealing.pieces(home, 1 << 62):
                made = sealing.make(home, piece, 150)
                if made is not None:
                    sealing.swap(writer, made)


def told_of(home: Home) -> int:
    """How many ticks there are, one a price."""
    return max((market.ticks for market in Reader(home).markets()), default=0)


def run_capture(root: Path, url: str, rest_url: str) -> None:
    """A capture like the verb's, which says twenty times a second how much is stored."""
    home = Home(root)
    with jobs.hold(home, "capture") as me:

        def beat(progress: float | None, message: str, **fields: Any) -> None:
            me.beat(progress, message, every_s=0, **fields)

        capture(home, Asked("coinbase_exchange", ("BTC-USD",), url, rest_url), beat, World(beat_s=0.05))
