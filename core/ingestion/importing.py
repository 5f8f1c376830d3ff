"""Recordings into the store: every file a source of its own, every tick once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.config import Home
from core.errors import BadInput, MalformedFrame
from core.ingestion.recordings import read
from core.ingestion.store import Quarantined, Writer
from core.ingestion.ticks import SILENCE_NS, Heartbeat, Stored, Tick, Trade
from core.ingestion.values import refuse_future

Tell = Callable[[float, str], None]


class Sessions:
    """Counts sessions of ticks, each market for itself; a heartbeat vouches that a silence is the market's."""

    def __init__(self) -> None:
        self.count = 0
        self._last_ns: dict[tuple[str, str], int] = {}

    def push(self, events: Iterable[Stored]) -> None:
        """Take events in the order of arrival. A step of more than 10 s in either direction starts a new session."""
        for event in events:
            now_ns = event.local_ts_ns if event.exch_ts_ns is None else event.exch_ts_ns
            if now_ns is None or isinstance(event, Trade):
                continue
            if isinstance(event, Heartbeat):
                for market in self._last_ns:
                    if market[0] == event.venue and event.product in (None, market[1]) and self._near(market, now_ns):
                        self._last_ns[market] = now_ns
                continue
            market = (event.venue, event.product)
            self.count += not self._near(market, now_ns)
            self._last_ns[market] = now_ns

    def _near(self, market: tuple[str, str], now_ns: int) -> bool:
        last_ns = self._last_ns.get(market)
        return last_ns is not None and abs(now_ns - last_ns) <= SILENCE_NS


def import_files(
    home: Home, paths: Sequence[Path], venue: str | None = None, product: str | None = None, tell: Tell | None = None
) -> dict[str, Any]:
    """Bring the recordings in, in the order given; what is held already is counted and left as it is.

    Returns counts over the files: `ticks` and `trades` read, `new` and `duplicates` (of both together), `quarantined`
    lines, `sessions` (runs of ticks without a silence of more than 10 s, file by file and market by market), `markets`.
    `tell` hears the share that is done and the file at hand. Raises BadInput when a file cannot be read (those before
    it stay imported), Busy when another process writes to the store.
    """
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path} is not a file: give the path of a recording")
    whole, done = max(sum(path.stat().st_size for path in paths), 1), 0
    counts = dict.fromkeys(("ticks", "new", "duplicates", "quarantined", "sessions", "trades"), 0)
    markets: set[str] = set()
    with Writer(home, "import") as writer:
        for path in paths:
            size = path.stat().st_size

            def share(part: float, path: Path = path, size: int = size, before: int = done) -> None:
                if tell is not None:
                    tell((before + part * size) / whole, path.name)

            source, sessions = None, Sessions()
            for events, bad in read(path, venue, product, share):
                events, bad = _without_future(events, bad, time.time_ns())
                if source is None:
                    source = writer.source("import", path.name, bytes=size)
                appended = writer.append(source, events, bad)
                counts["ticks"] += sum(isinstance(event, Tick) for event in events)
                counts["trades"] += sum(isinstance(event, Trade) for event in events)
                counts["new"] += appended.stored
                counts["duplicates"] += appended.duplicates
                counts["quarantined"] += appended.quarantined
                markets.update(f"{event.venue} {event.product}" for event in events if event.product)
                sessions.push(events)
            counts["sessions"] += sessions.count
            done += size
    return {**counts, "markets": sorted(markets)}


def _without_future(
    events: Sequence[Stored], bad: Sequence[Quarantined], now_ns: int
) -> tuple[list[Stored], list[Quarantined]]:
    """Events that claim a time of more than a day from now go to quarantine, as the JSON of what was read."""
    kept, refused = [], list(bad)
    for event in events:
        try:
            refuse_future(event.exch_ts_ns, now_ns)
            refuse_future(event.local_ts_ns, now_ns)
            kept.append(event)
        except MalformedFrame as error:
            refused.append(Quarantined(None, str(error), msgspec.json.encode(event)))
    return kept, refused
