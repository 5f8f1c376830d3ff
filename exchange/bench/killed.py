"""kill -9 at random moments: what was acknowledged is there, nothing is there twice."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core import jobs
from core.config import REPOSITORY, Home
from core.ingestion.capture import Asked, World, capture
from core.ingestion.store import Reader
from exchange.bench.stage import PRODUCT, VENUE, held_ids, new_home

WITHIN_S = 30.0
PAUSE = "no capture ran"


def victim(root: Path, url: str, rest_url: str) -> None:
    """A capture like the verb's, which says twenty times a second how much is acknowledged."""
    home = Home(root)
    with jobs.hold(home, "capture") as me:

        def beat(progress: float | None, message: str, **fields: Any) -> None:
            me.beat(progress, message, every_s=0, **fields)

        capture(home, Asked("coinbase_exchange", (PRODUCT,), url, rest_url), beat, World(beat_s=0.05))


def killed(root: Path, times: int, seed: int = 0) -> dict[str, Any]:
    """Kill a capture `times` times, then let one repair what the pauses left out."""
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "websockets.asyncio.client", "httpx"])
    lost = 0
    with new_home(root) as home, new_home(root) as other:
        command = [sys.executable, "-m", "core", "exchange", "--port", "0", "--rest-port", "0", "--speed", "100"]
        with subprocess.Popen(
            [*command, "--home", str(other.root)],
            cwd=REPOSITORY,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as market:
            try:
                assert market.stderr is not None
                words = market.stderr.readline().replace(",", " ").split()
                url, rest_url = (next(w for w in words if w.startswith(kind)) for kind in ("ws://", "http://"))
                held, lasts = 0, list[int]()
                for number in range(times + 1):
                    before = _seq(home)
                    process = context.Process(target=victim, args=(home.root, url, rest_url))
                    process.start()
                    try:
                        _wait(lambda before=before: _seq(home) > before)
                        if number < times:
                            time.sleep(chance.uniform(0.0, 0.6))
                        else:
                            _wait(lambda before=before: _seq(home) > before + 200)
                            _wait(lambda: jobs.read(home, "capture").fields.get("gaps_open") == 0)
                    finally:
                        process.kill()
                        process.join(10)
                    markets = Reader(home).markets()
                    rows = sum(market.ticks + market.trades for market in markets)
                    lasts.append(max(market.last_ns for market in markets))
                    said = jobs.read(home, "capture").fields.get("stored", 0)
                    lost += max(held + said - rows, 0)
                    held = rows
            finally:
                market.terminate()
                market.wait(10)
        ids = held_ids(home)
        pauses = [row for row in Reader(home).gaps(VENUE, PRODUCT).to_pylist() if row["detail"].startswith(PAUSE)]
    return {
        "kills": times,
        "acknowledged_lost": lost,
        "duplicates": len(ids) - len(set(ids)),
        "downtimes_in_ledger": len(pauses),
        "downtime_s_not_in_ledger": sum(
            max(row["from_ns"] - last_ns, 0) / 1e9 for row, last_ns in zip(pauses, lasts, strict=False)
        ),
        "trades": len(ids),
        "missing_after_repair": ids[-1] - ids[0] + 1 - len(set(ids)),
    }


def _seq(home: Home) -> int:
    return max((market.last_seq for market in Reader(home).markets() if market.venue == VENUE), default=0)


def _wait(true: Any) -> None:
    until = time.monotonic() + WITHIN_S
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"it did not happen within {WITHIN_S:g} s")
        time.sleep(0.01)
