"""What the running capture says of itself, for `status` and the pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from core import jobs
from core.config import Home

NAMES = (
    "ticks_per_s", "received", "stored", "duplicates", "quarantined", "shed", "gaps_open", "trades_per_s", "lag_s",
    "queued", "heartbeats", "backfilled", "reconnects", "odd_quotes", "acknowledged_p50_ms", "acknowledged_p99_ms",
    "connected", "venue", "products", "url", "trouble",
)  # fmt: skip


def status(home: Home, wall_ns: Callable[[], int] = time.time_ns) -> list[dict[str, Any]]:
    """One entry for each feed of the capture that runs in this home, none when none does.

    `product` names its products, comma between; `last_tick_age_s` is None before the first tick; the counts are those
    of its last word, at most some seconds old, and count only what was acknowledged by then.
    """
    job = jobs.read(home, "capture")
    if not job.running or "feed" not in job.fields:
        return []
    entries = []
    for said in job.fields.get("captures") or [job.fields]:
        last_ns = said.get("last_tick_ns")
        age_s = None if last_ns is None else round(max((wall_ns() - last_ns) / 1e9, 0.0), 3)
        head = {"feed": said["feed"], "product": ",".join(said["products"]), "pid": job.pid, "last_tick_age_s": age_s}
        entries.append(
            {**head, **{name: said.get(name) for name in NAMES}, "message": said.get("message", job.message)}
        )
    return entries
