"""Sealing beside a capture: kill -9 at any moment, and commits that do not wait long."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.config import Home
from core.disk import Disk
from core.errors import TremorError
from core.ingestion.capture.counters import Counters
from core.ingestion.capture.run import World
from core.ingestion.capture.sealing import Sealing
from core.ingestion.capture.sink import Parcel, Sink
from core.ingestion.store import Reader, Writer, sealing
from core.ingestion.ticks import Tick
from tests.ingestion import victims

HOUR_NS = 3_600_000_000_000
NOW_NS = 20_000 * 24 * HOUR_NS + 12 * HOUR_NS


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_kill_while_sealing_loses_and_doubles_nothing(home: Home, kills: int) -> None:
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["tests.ingestion.victims"])
    chance, acknowledged = random.Random(3), 0
    for _ in range(kills):
        told = fork.SimpleQueue()
        process = fork.Process(target=victims.seal_for_ever, args=(home.root, told))
        process.start()
        try:
            acknowledged = told.get()
            time.sleep(chance.uniform(0.0, 0.4))
        finally:
            process.kill()
            process.join(10)
        while told._reader.poll():  # type: ignore[attr-defined]
            acknowledged = told.get()
        prices = Reader(home).tape("v", "p").price.tolist()
        assert prices == list(range(len(prices))), "each once, in their order"
        assert len(prices) >= acknowledged
    assert Reader(home).sealed()["files"] > kills
    sealing.seal(home, 1 << 62, 0)
    assert Reader(home).tape("v", "p").price.tolist() == prices
    assert sum(path.is_file() for path in home.sealed.rglob("*")) == Reader(home).sealed()["files"]


def ticks(first: int, n: int, ns: int) -> list[Tick]:
    """`n` ticks a millisecond apart, alike to a real market's in what they hold."""
    return [
        Tick(
            venue="v",
            product="p",
            price=10**12 + i,
            bid=10**12,
            ask=10**12 + 7,
            bid_size=i * 7919 % 10**9,
            ask_size=i * 104_729 % 10**9,
            exch_ts_ns=ns + i * 1_000_000,
            local_ts_ns=ns + i * 1_000_000 + 5,
        )
        for i in range(first, first + n)
    ]


def test_a_capture_seals_its_old_rows_and_its_commits_do_not_wait(home: Home) -> None:
    n = 150_000

    async def both() -> tuple[list[float], int, str | None]:
        with Writer(home) as writer, ThreadPoolExecutor(1) as thread, ThreadPoolExecutor(1) as making:
            source = writer.source("capture", "x")
            for first in range(0, n, 10_000):
                writer.append(source, ticks(first, 10_000, NOW_NS - 2 * HOUR_NS))
            sink = Sink(writer, source, Counters(), thread=thread)
            committing = asyncio.create_task(sink.run())
            own = Sealing(home, writer, thread, making, World(wall_ns=lambda: NOW_NS))
            rounds = asyncio.create_task(own.run(first_s=0.05, every_s=60))
            waits, first, until = [], n, time.monotonic() + 4
            while time.monotonic() < until and own.sealed < 2 * sealing.PIECE_ROWS:
                sink.put(Parcel.of(ticks(first, 1, NOW_NS)))
                first += 1
                started = time.monotonic()
                while sink.queued:
                    await asyncio.sleep(0.002)
                waits.append(time.monotonic() - started)
            rounds.cancel()
            sink.close()
            await committing
            return waits, own.sealed, own.trouble

    waits, moved, trouble = asyncio.run(both())
    assert trouble is None
    assert moved == 2 * sealing.PIECE_ROWS, "the rest of a day that goes on stays in the log"
    assert Reader(home).sealed() == {"files": 2, "rows": moved, "bytes": Reader(home).sealed()["bytes"], "damaged": []}
    tape = Reader(home).tape("v", "p")
    assert tape.seq.tolist() == list(range(1, n + len(waits) + 1))
    print(f"longest wait for a commit while {moved:,} rows were sealed: {max(waits) * 1000:.0f} ms")
    assert max(waits) < 1.0  # some 0.15 s here; a machine that does other things takes longer


def test_a_round_that_fails_is_told_and_tried_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(source, ticks(0, 500, NOW_NS - 48 * HOUR_NS))
        writer.append(source, ticks(0, 5, NOW_NS - 2 * HOUR_NS))

    class Full(Disk):
        def write(self, path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    async def rounds() -> None:
        with Writer(home) as writer, ThreadPoolExecutor(1) as thread:
            own = Sealing(home, writer, thread, thread, World(wall_ns=lambda: NOW_NS))
            make = sealing.make
            monkeypatch.setattr(sealing, "make", lambda *given: make(*given, disk=Full()))
            with pytest.raises(TremorError, match="No space left"):
                await own.round()
            trying = asyncio.create_task(own.run(0, 0.05))
            await asyncio.sleep(0.3)
            assert own.trouble is not None
            assert "the log keeps its rows" in own.trouble
            monkeypatch.undo()
            await asyncio.sleep(0.5)
            assert own.trouble is None
            assert own.sealed == 500, "the day that is over, though it makes no row group"
            trying.cancel()

    asyncio.run(rounds())
    assert len(Reader(home).tape("v", "p")) == 505
