"""The feed: whether it is heard, how fast, how far behind."""

from __future__ import annotations

import time

from core.ingestion.store import Market
from core.jobs import Job
from ui.loaders import Counters
from ui.shell import Cell, Level
from ui.theme import MISSING, age, count, duration, rate, short_count, utc

STALE_S = 10.0
"""A feed that has been silent this long is no feed: the same silence ends a session."""


def job_level(job: Job) -> Level:
    """How a background process is doing."""
    if job.running:
        return "ok"
    return "bad" if job.state in ("failed", "died") else "idle"


def feed_silent(now: Counters) -> bool:
    """Whether a running capture has heard nothing for too long to call the market watched."""
    return now.last_tick_age_s is not None and now.last_tick_age_s > STALE_S


def capture_cells(now: Counters, market: Market | None, quarantined: int) -> list[Cell]:
    """Feed health: state, pace, age of the last tick, how far the market is behind, reconnects, quarantine."""
    if now.running:
        state = Cell("ok", "Capture", "running", f"since {utc(now.since_ns, time.time_ns())}")
    else:
        state = Cell(
            "bad" if now.state in ("failed", "died") else "idle",
            "Capture",
            "stopped",
            now.state if now.state != "none" else "not started yet",
        )
    silent = feed_silent(now)
    last = Cell(
        "bad" if silent else "ok" if now.running else "idle",
        "Last tick",
        "no data" if silent else age(now.last_tick_age_s) if now.running else MISSING,
        f"silent for {duration(now.last_tick_age_s)}"
        if silent
        else utc(market.last_ns, time.time_ns())
        if market
        else "none stored",
    )
    return [
        state,
        Cell(
            "ok" if now.ticks_per_s else "idle",
            "Ticks a second",
            rate(now.ticks_per_s) if now.running else MISSING,
            f"{short_count(market.ticks)} stored" if market else "none stored",
        ),
        last,
        _behind(now, market),
        Cell(
            "warn" if now.reconnects else "ok" if now.running else "idle",
            "Reconnects",
            count(now.reconnects) if now.running else MISSING,
            "since the start",
        ),
        Cell("warn" if quarantined else "ok", "Quarantined", count(quarantined), "frames no parser accepted"),
    ]


def _behind(now: Counters, market: Market | None) -> Cell:
    """Lag of a real feed; for a simulated market that is catching up, how far its time is behind the clock."""
    if not now.running or market is None:
        return Cell("idle", "Lag", MISSING, "behind the exchange")
    if market.venue == "embedded" and now.behind_s is not None and now.behind_s > 60:
        return Cell("ok", "Market time", f"−{duration(now.behind_s)}", "simulated, catching up")
    lag = now.lag_s if now.lag_s is not None else now.behind_s
    return Cell("warn" if (lag or 0) > 5 else "ok", "Lag", duration(lag), "behind the exchange")


__all__ = ["STALE_S", "capture_cells", "feed_silent", "job_level"]
