"""Kept and quarantined frames through today's parsers: what a parser got wrong once is not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from core.config import Home
from core.errors import Damaged, MalformedFrame
from core.ingestion import feeds
from core.ingestion.store import Writer, kept_frames
from core.ingestion.store.quarantine import held_frames, release
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from core.ingestion.values import refuse_future


def reparse(home: Home, tell: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Read every kept frame, and every frame that a capture quarantined, and store what is not stored yet.

    An event that is held already is the same event again and adds nothing, so this may be done at any time and as often
    as one likes. A quarantined frame that parses now has its events stored first and then leaves the quarantine.

    Returns counts: `frames` kept, `quarantined` frames tried, `events` parsed, `new`, `duplicates`, `malformed` (kept
    frames that still do not parse), `released` from quarantine, and `damaged`: what of the kept frames cannot be read,
    None when all can. `tell` hears how many frames are done. Raises Busy when another process writes to the store.
    """
    counts = dict.fromkeys(("frames", "quarantined", "events", "new", "duplicates", "malformed", "released"), 0)
    damaged: str | None = None
    with Writer(home, "reparse") as writer:
        source: int | None = None

        def store(events: list[Stored]) -> None:
            nonlocal source
            if not events:
                return
            if source is None:
                source = writer.source("import", "reparse")
            appended = writer.append(source, events)
            counts["events"] += sum(not isinstance(event, Heartbeat) for event in events)
            counts["new"] += appended.stored
            counts["duplicates"] += appended.duplicates

        try:
            for batch in kept_frames(home):
                found = [_events(one.feed, one.venue, one.local_ts_ns, one.frame) for one in batch]
                store([event for events in found for event in events or ()])
                counts["frames"] += len(batch)
                counts["malformed"] += sum(events is None for events in found)
                if tell is not None:
                    tell(counts["frames"])
        except Damaged as error:
            damaged = str(error)
        for held in held_frames(writer):
            parsed = [(one, _events(one.feed, one.venue, one.local_ts_ns, one.frame)) for one in held]
            store([event for _, events in parsed for event in events or ()])
            mended = [one.row for one, events in parsed if events is not None]
            release(writer, mended)
            counts["quarantined"] += len(held)
            counts["released"] += len(mended)
    return {**counts, "damaged": damaged}


def _events(feed: str, venue: str | None, local_ts_ns: int | None, frame: bytes) -> list[Stored] | None:
    """The frame's events under `venue`; None when it does not parse, or its feed is none of ours any more."""
    if feed not in feeds.names():
        return None
    try:
        events: Iterable[Any] = feeds.get(feed).parse(frame, local_ts_ns)
        if local_ts_ns is not None:
            for event in events:
                refuse_future(getattr(event, "exch_ts_ns", None), local_ts_ns)
    except MalformedFrame:
        return None
    stored = [event for event in events if isinstance(event, Tick | Trade | Heartbeat)]
    return [event if venue in (None, event.venue) else msgspec.structs.replace(event, venue=venue) for event in stored]
