"""How fast and how promptly: load, latency, memory, and the ratio to a loop that stores nothing."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import psutil

from core.config import Home
from core.ingestion.capture import Asked, Capture, World, run
from core.ingestion.store import Reader, Writer
from core.ingestion.store.quarantine import held_frames
from exchange.bench import vfs
from exchange.bench.stage import PRODUCT, new_home
from exchange.chaos import hostile

Row = dict[str, Any]
LONGEST_S = 900.0
VENUE = "coinbase"
"""The feed's own, as in earnest: no event is renamed."""


class Taken:
    """What one loaded capture did: frames a second from the first to the acknowledgement of the last, and the rest."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self.fields: dict[str, Any] = {}
        self.waits_ms: list[float] = []
        self.growth_mb = 0.0
        self.blocked_ms = 0.0
        """The longest time by which the loop that reads the socket came late to a 1 ms nap."""


async def take(home: Home, url: str, n: int, look_s: float = 0.002) -> Taken:
    """Capture `url` until `n` frames are acknowledged, or nothing more comes for 5 s."""
    taken = Taken()
    capture = Capture(
        home, Asked("coinbase_exchange", (PRODUCT,), url, seconds=LONGEST_S, venue=VENUE), _say_nothing, World()
    )
    acknowledged: deque[float] = deque()
    capture._counters.waits_s = acknowledged
    memory = psutil.Process().memory_info
    before = memory().rss
    peak = before

    async def look() -> None:
        nonlocal peak
        first = last = None
        received = -1
        while True:
            now = time.perf_counter()
            await asyncio.sleep(0.001 if look_s < 0.002 else look_s)
            if first is not None:
                taken.blocked_ms = max(taken.blocked_ms, (time.perf_counter() - now - look_s) * 1e3)
            counters = capture._counters
            if first is None and (counters.received or capture._sink.queued):
                first = time.perf_counter()
            if counters.received != received:
                received, last = counters.received, time.perf_counter()
                peak = max(peak, memory().rss)
            if first is not None and last is not None and (received >= n or time.perf_counter() - last > 5):
                taken.per_s = received / max(last - first, 1e-9)
                capture.stop()
                return

    async def begun() -> None:
        while not hasattr(capture, "_sink"):
            await asyncio.sleep(0.001)
        await look()

    looking = asyncio.create_task(begun())
    try:
        taken.fields = await capture.run()
    finally:
        looking.cancel()
    taken.waits_ms = sorted(wait * 1e3 for wait in acknowledged)
    taken.growth_mb = (peak - before) / 1e6
    return taken


async def bare(url: str, n: int) -> float:
    """Frames a second of a loop over websockets' client that stores nothing."""
    from websockets.asyncio.client import connect

    async with connect(url, compression=None, max_size=run.LONGEST_FRAME, close_timeout=1) as socket:
        await socket.send(b"{}")
        await socket.recv(decode=False)
        began = time.perf_counter()
        for _ in range(n - 1):
            await socket.recv(decode=False)
        return (n - 1) / (time.perf_counter() - began)


def as_fast_as_accepted(root: Path, url: str, n: int, rounds: int) -> list[Row]:
    """Capture and the bare loop in turns on one sender, which writes in large pieces or sends a frame at a time; the
    ratio is that of the medians. `cpu_us`: processor time a message, which says more where others use the machine."""
    rows = []
    for how, path in (("large writes", "flat"), ("a frame a time", "sent")):
        ours, theirs, lost, used_s = [], [], 0, [time.process_time()]
        for _ in range(rounds):
            theirs.append(asyncio.run(bare(f"{url}/{path}/{n}", n)))
            used_s.append(time.process_time())
            with new_home(root) as home:
                taken = asyncio.run(take(home, f"{url}/{path}/{n}", n))
                used_s.append(time.process_time())
                lost += n - taken.fields["stored"]
                ours.append(taken.per_s)
        spent_s = [after - before for before, after in pairwise(used_s)]
        ours_s, theirs_s = statistics.median(ours), statistics.median(theirs)
        rows.append(
            {
                "sender": how,
                "messages": n,
                "rounds": rounds,
                "messages_per_s": round(ours_s),
                "bare_messages_per_s": round(theirs_s),
                "ratio": round(ours_s / theirs_s, 3),
                "cpu_us": round(statistics.median(spent_s[1::2]) / n * 1e6, 1),
                "bare_cpu_us": round(statistics.median(spent_s[::2]) / n * 1e6, 1),
                "lost": lost,
            }
        )
    return rows


def paced(root: Path, url: str, rate: int, seconds: float) -> Row:
    """`rate` frames a second for `seconds`: what was lost, how long acknowledgement took, what memory grew by."""
    n = int(rate * seconds)
    with new_home(root) as home:
        taken = asyncio.run(take(home, f"{url}/paced/{rate}/{seconds:g}", n, 0.01))
    fields, waits = taken.fields, taken.waits_ms
    return {
        "rate": rate,
        "seconds": seconds,
        "lost": n - fields["stored"],
        "shed": fields["shed"],
        "p50_ms": round(waits[len(waits) // 2], 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)], 1),
        "growth_mb": round(taken.growth_mb, 1),
    }


def slow_fsync(root: Path, url: str, stall_s: float = 0.5, seconds: float = 4.0) -> Row:
    """Every fsync of SQLite takes `stall_s` longer: how late the reading loop ever was, and what was lost."""

    def stall(step: vfs.Step) -> int:
        if step.name == "sync":
            time.sleep(stall_s)  # in the store's thread, without the interpreter's lock, like an fsync
        return 0

    n = int(400 * seconds)
    with new_home(root) as home:
        with Writer(home, "bench"):
            pass  # made before the disk is slow
        with vfs.watching(stall):
            taken = asyncio.run(take(home, f"{url}/paced/400/{seconds:g}", n, 0.001))
    return {
        "fsync_ms": stall_s * 1e3,
        "reader_blocked_ms": round(taken.blocked_ms, 1),
        "lost": n - taken.fields["stored"],
        "p99_ms": round(taken.waits_ms[int(len(taken.waits_ms) * 0.99)], 1),
    }


def hostile_frames(root: Path, url: str, n: int, seed: int = 0) -> Row:
    """`n` hostile frames through a socket: what of them is in the clean table, what in quarantine, byte for byte."""
    with new_home(root) as home:
        taken = asyncio.run(take(home, f"{url}/hostile/{n}/{seed}", n, 0.01))
        clean = sum(market.ticks + market.trades for market in Reader(home).markets())
        expected, kept, count = hashlib.sha256(), hashlib.sha256(), 0
        for frame in islice(hostile.frames(seed), n):
            expected.update(frame)
        for frame in quarantined(home):
            count += 1
            kept.update(frame)
    return {
        "frames": n,
        "crashes": taken.fields["reconnects"],
        "in_clean_table": clean,
        "in_quarantine": count,
        "bytes_equal": kept.digest() == expected.digest(),
    }


def quarantined(home: Home) -> Iterator[bytes]:
    """The bytes of each frame in quarantine, oldest first."""
    with Writer(home, "bench") as writer:
        for page in held_frames(writer):
            yield from (one.frame for one in page)


def _say_nothing(*_: Any, **__: Any) -> None:
    return


__all__ = ["as_fast_as_accepted", "bare", "hostile_frames", "paced", "slow_fsync", "take"]
