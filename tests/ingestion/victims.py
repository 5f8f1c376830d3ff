"""What runs in the processes that the kill tests end: importable, so that a fork server can start them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import jobs
from core.config import Home
from core.ingestion.capture import Asked, World, capture
from core.ingestion.store import Writer
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


def run_capture(root: Path, url: str, rest_url: str) -> None:
    """A capture like the verb's, which says twenty times a second how much is stored."""
    home = Home(root)
    with jobs.hold(home, "capture") as me:

        def beat(progress: float | None, message: str, **fields: Any) -> None:
            me.beat(progress, message, every_s=0, **fields)

        capture(home, Asked("coinbase_exchange", ("BTC-USD",), url, rest_url), beat, World(beat_s=0.05))
