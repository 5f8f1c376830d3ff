"""The feed: whether it is heard, how fast, how far behind."""

from __future__ import annotations

import time

from core.ingestion.store import Market
from core.jobs import Job
from ui.loaders import Counters
from ui.parts import Cell, Level
from ui.text import market_name
from ui.theme import MISSING, age, count, duration, rate, short_count, utc

STALE_S = 10.0
"""A feed that has been silent this long is no feed: the same silence ends a session."""
BEHIND_S = 60.0
"""A simulated market whose time is further behind the clock is catching up."""


def job_level(job: Job) -> Level:
    """How a background process is doing."""
    if job.running:
        return "ok"
    return "bad" if job.state in ("failed", "died") else "idle"


def no_data(now: Counters) -> str | None:
    """Why nothing that the pages show is of now, in words; None while the shown market's ticks come in.

    Live is a tick of the shown venue and product within the last 10 s, and a store that takes it.
    """
    if not now.running:
        return "no capture runs"
    if now.trouble.startswith("cannot store"):
        return now.trouble
    if now.venue and not now.here:
        return f"the capture records {recorded(now)}"
    if now.last_tick_age_s is None:
        return "no tick yet"
    return f"silent for {duration(now.last_tick_age_s)}" if now.last_tick_age_s > STALE_S else None


def recorded(now: Counters) -> str:
    """What the capture records, in words."""
    return market_name(now.venue, ", ".join(now.products))


def capture_cells(now: Counters, market: Market | None, quarantined: int) -> list[Cell]:
    """Feed health: state, pace, age of the last tick, how far the market is behind, reconnects, quarantine.

    All but the stored ticks and the market's time are of whatever the capture records.
    """
    if now.running:
        since = f"since {utc(now.since_ns, time.time_ns())}"
        state = Cell("ok", "Capture", "running", since if now.here or not now.venue else f"{recorded(now)}, {since}")
    else:
        state = Cell(
            "bad" if now.state in ("failed", "died") else "idle",
            "Capture",
            "stopped",
            now.state if now.state != "none" else "not started yet",
        )
    return [
        state,
        Cell(
            "ok" if now.ticks_per_s else "idle",
            "Ticks a second",
            rate(now.ticks_per_s) if now.running else MISSING,
            f"{short_count(market.ticks)} of {market.product} stored" if market else "none stored",
        ),
        _last_tick(now, market),
        _behind(now, market),
        Cell(
            "warn" if now.reconnects else "ok" if now.running else "idle",
            "Reconnects",
            count(now.reconnects) if now.running else MISSING,
            "since the start",
        ),
        Cell(
            "warn" if quarantined or now.odd_quotes else "ok",
            "Quarantined",
            count(quarantined),
            f"{count(now.odd_quotes)} ticks of odd quotes kept" if now.odd_quotes else "frames no parser accepted",
        ),
    ]


def _last_tick(now: Counters, market: Market | None) -> Cell:
    stored = f"stored: {utc(market.last_ns, time.time_ns())}" if market else "none stored"
    if not now.running:
        return Cell("idle", "Last tick", MISSING, stored)
    heard_s = now.last_tick_age_s if now.here else now.heard_age_s
    if heard_s is None:
        return Cell("idle", "Last tick", "no data", "no tick yet")
    if heard_s > STALE_S:
        return Cell("bad", "Last tick", "no data", f"silent for {duration(heard_s)}")
    return Cell("ok", "Last tick", age(heard_s), stored if now.here else f"of {recorded(now)}")


def _behind(now: Counters, market: Market | None) -> Cell:
    """Lag of a real feed; for a simulated market that is catching up, how far its time is behind the clock."""
    if market is None or no_data(now) is not None:
        return Cell("idle", "Lag", MISSING, "behind the exchange")
    if catching_up(now):
        return Cell("ok", "Market time", f"−{duration(now.behind_s)}", "simulated, catching up")
    lag = lag_s(now)
    return Cell("warn" if (lag or 0) > 5 else "ok", "Lag", duration(lag), "behind the exchange")


def catching_up(now: Counters) -> bool:
    """Whether the shown market is a simulated one whose time is still behind the clock."""
    return now.venue == "embedded" and now.behind_s is not None and now.behind_s > BEHIND_S


def lag_s(now: Counters) -> float | None:
    """How far the feed is behind its exchange; of a simulated market that has caught up, how far behind the clock."""
    if now.lag_s is None and now.venue == "embedded":
        return now.behind_s
    return now.lag_s


__all__ = ["STALE_S", "capture_cells", "catching_up", "job_level", "lag_s", "no_data", "recorded"]
