"""What the capture counted, what the disk holds, and what is in quarantine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from core.ingestion import capture
from core.ingestion.store import Quarantined, Reader
from ui.loaders.homes import home, job, store_file
from ui.loaders.market import markets


def identity() -> dict[str, int] | None:
    """What the capture counted, of all its feeds: the present one, else the last one of this home; None before any."""
    fields = job("capture").fields
    names = ("received", "stored", "duplicates", "quarantined", "shed", "queued")
    return {name: int(fields[name]) for name in names} if all(name in fields for name in names) else None


@dataclass(frozen=True)
class Disk:
    """Bytes: used by the store, free beside it; days until they are full at the capture's present rate."""

    used: int
    free: int
    days_left: float | None


def disk() -> Disk:
    """How much of the disk the store takes, and how long the rest lasts; no days where nothing is captured."""
    frames = home().frames_db
    used = (store_file()[1] or 0) + int(Reader(home()).sealed()["bytes"])
    used += frames.stat().st_size if frames.exists() else 0
    place = next(path for path in (home().data, *home().data.parents) if path.exists())
    free = shutil.disk_usage(place).free
    held = sum(market.ticks + market.trades for market in markets())
    per_s = sum((one["ticks_per_s"] or 0) + (one["trades_per_s"] or 0) for one in capture.status(home()))
    a_day = used / held * per_s * 86_400 if held else 0.0
    return Disk(used, free, free / a_day if a_day > 0 else None)


def quarantine(n: int) -> list[Quarantined]:
    """The newest `n` frames that no parser accepted, newest first."""
    return Reader(home()).quarantine(n)


__all__ = ["Disk", "disk", "identity", "quarantine"]
