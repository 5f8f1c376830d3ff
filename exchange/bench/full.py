"""A disk that fills up, or fails, under a running capture, and has room again after a while."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from core import jobs
from core.config import Home
from core.disk import DISK
from core.ingestion.capture import Asked, Capture, World
from core.ingestion.store import Reader
from exchange.bench import vfs
from exchange.bench.stage import PRODUCT, new_home

How = Literal["full", "failing"]
LOOK_S = 0.02
LONGEST_S = 20.0
AFTER_S = 0.5
"""The disk refuses so long after the first tick was acknowledged."""


def full_disk(root: Path, url: str, how: How = "full", bad_s: float = 1.5, seconds: float = 4.0) -> dict[str, Any]:
    """Every write and sync below the home is refused for `bad_s`: how soon the status says so, whether the capture goes
    on by itself afterwards, and whether it ever claimed more than was stored."""
    n = int(400 * seconds)
    with new_home(root) as home:
        return asyncio.run(_refused(home, f"{url}/paced/400/{seconds:g}", n, how, bad_s))


async def _refused(home: Home, url: str, n: int, how: How, bad_s: float) -> dict[str, Any]:
    bad = False
    code, number = (vfs.FULL, errno.ENOSPC) if how == "full" else (0, errno.EIO)
    writes = DISK.write

    def judge(step: vfs.Step) -> int:
        refused = bad and step.name in ("write", "sync") and (how == "failing" or step.name == "write")
        return (code or vfs.FAILED[step.name]) if refused else 0

    def write(path: Path, content: bytes) -> None:
        if bad:
            raise OSError(number, "no")
        writes(path, content)

    untrue = 0
    banner_s = resumed_s = None
    with jobs.hold(home, "capture") as me, vfs.watching(judge), mock.patch.object(DISK, "write", write):
        asked = Asked("coinbase_exchange", (PRODUCT,), url, seconds=60.0, venue="coinbase")
        capture = Capture(home, asked, me.beat, World())

        def stored() -> int:
            return sum(market.ticks + market.trades for market in Reader(home).markets())

        async def look() -> None:
            nonlocal bad, untrue, banner_s, resumed_s
            while not jobs.read(home, "capture").fields.get("stored"):
                await asyncio.sleep(LOOK_S)
            await asyncio.sleep(AFTER_S)
            bad, began = True, time.monotonic()
            while (capture._counters.received < n or resumed_s is None) and time.monotonic() - began < LONGEST_S:
                said, now_s = jobs.read(home, "capture"), time.monotonic() - began
                untrue += said.fields["stored"] > stored()
                if said.message.startswith("cannot store"):
                    banner_s = banner_s or now_s
                elif banner_s is not None and not bad:
                    resumed_s = resumed_s or now_s - bad_s
                if now_s > bad_s:
                    bad = False
                await asyncio.sleep(LOOK_S)
            capture.stop()

        looking = asyncio.create_task(look())
        try:
            fields = await capture.run()
        finally:
            looking.cancel()
    return {
        "disk": how,
        "banner_s": None if banner_s is None else round(banner_s, 2),
        "resumed_s": None if resumed_s is None else round(resumed_s, 2),
        "false_acknowledgements": untrue + (fields["stored"] > stored()),
        "lost": n - fields["stored"],
    }
