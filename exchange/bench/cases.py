"""The faults of the bench: each case plays one and gives its figures as a row."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from core import jobs
from core.config import REPOSITORY, Home
from core.errors import Busy
from core.ingestion.capture import Capture, World, backfill
from core.ingestion.store import Reader, Writer
from core.ingestion.ticks import TRADE, Tick
from exchange.bench.stage import (
    LEAD_S,
    PRODUCT,
    START_NS,
    VENUE,
    Finite,
    captured,
    fingerprint,
    held_ids,
    missing,
    new_home,
)
from exchange.chaos import Chaos, Fault, Kind, Plan
from exchange.server import Exchange
from exchange.tape import SECOND_NS

Row = dict[str, Any]
YEAR_END_NS = 1_767_225_600 * SECOND_NS
COMPRESSION = 20.0
"""Ten minutes in thirty seconds; a connection takes as long as ever, so more would be another test."""
ONE_MOMENT_NS = START_NS + 86_400 * SECOND_NS
"""The receipt of every frame, where two runs are compared to the byte."""


def disconnects(root: Path, n: int = 200, within_s: float = 60.0) -> Row:
    """`n` cut connections in ten minutes of compressed time: what is lost after repair, how often was connected."""
    source = Finite(trades=n * 25)
    faults = tuple(Fault("drop", frame=LEAD_S + 50 + i * 40) for i in range(n))
    connects: list[float] = []

    async def nap(seconds: float) -> None:
        await asyncio.sleep(seconds / COMPRESSION)

    def watch(_capture: Capture, exchange: Exchange, _chaos: Chaos) -> None:
        connects.extend([time.monotonic()] * (exchange.connections - len(connects)))

    with (
        new_home(root) as home,
        mock.patch.object(backfill, "PAUSE_S", 0.01),
        mock.patch.object(backfill, "LOOK_S", 0.05),
    ):
        seen = asyncio.run(
            captured(
                home,
                source,
                Plan(faults),
                lambda _: complete(home, source),
                speed=COMPRESSION,
                world=World(beat_s=0.1, sleep=nap),
                within_s=within_s,
                watch=watch,
            )
        )
        lost = missing(home, source)
    # a second of theirs is a 20th of ours
    windows = [sum(at <= one < at + 1 / COMPRESSION for one in connects) for at in connects]
    return {
        "disconnects": sum(fault.kind == "drop" for fault in seen.chaos.done),
        "reconnects": seen.fields["reconnects"],
        "lost_after_repair": lost,
        "most_connects_per_s": max(windows, default=0),
    }


def complete(home: Home, source: Finite) -> bool:
    """Whether all of the source's trades are stored."""
    return sum(market.trades for market in Reader(home).markets()) >= source.trades


def dead_connections(root: Path, world: World | None = None, within_s: float = 25.0) -> list[Row]:
    """Silent, half-open and heartbeat-only connections: seconds until each is found and left, None when it is not."""
    patient = world or World()

    async def found(home: Home, kind: Kind) -> Row:
        source = Finite(trades=100_000)
        began: list[float] = []
        ended: list[float] = []
        why: list[str] = []

        def watch(capture: Capture, _exchange: Exchange, chaos: Chaos) -> None:
            if chaos.done and not began:
                began.append(time.monotonic())
            if began and not ended and not capture._connected:
                ended.append(time.monotonic())
            if ended and not why and ": reconnecting" in capture._message:
                why.append(capture._message.partition(": reconnecting")[0])

        plan = Plan((Fault(kind, frame=LEAD_S + 500, seconds=60.0),))
        await captured(
            home, source, plan, lambda _: bool(why), speed=200, world=patient, within_s=within_s, watch=watch
        )
        return {"fault": kind, "found_s": round(ended[0] - began[0], 2) if why else None, "said": " ".join(why)}

    async def all_three(homes: list[Home]) -> list[Row]:
        kinds: tuple[Kind, ...] = ("silence", "half_open", "heartbeat_only")
        return await asyncio.gather(*(found(home, kind) for home, kind in zip(homes, kinds, strict=True)))

    with new_home(root) as a, new_home(root) as b, new_home(root) as c:
        return asyncio.run(all_three([a, b, c]))


def gaps(root: Path, sizes: tuple[int, ...] = (1, 10, 1_000, 25_000), within_s: float = 60.0) -> list[Row]:
    """Stretches of trades that never come: whether each is found, and closed by REST, with refusals in between."""

    async def closed(home: Home, size: int) -> Row:
        source = Finite(trades=2_000 + size)
        refusals = (Fault("rest_429", frame=1, n=2), Fault("rest_5xx", frame=1))

        began = time.monotonic()
        plan = Plan((*refusals, Fault("lose", frame=LEAD_S + 500, n=size)))
        await captured(home, source, plan, lambda _: complete(home, source), world=World(beat_s=0.1), within_s=within_s)
        ledger = Reader(home).gaps(VENUE, PRODUCT).to_pylist()
        seconds = round(time.monotonic() - began, 1)
        return {
            "trades": size,
            "found": size in [row["missing"] for row in ledger],
            "missing_after_repair": missing(home, source),
            "seconds": seconds,
        }

    async def all_sizes(homes: list[Home]) -> list[Row]:
        return await asyncio.gather(*(closed(home, size) for home, size in zip(homes, sizes, strict=True)))

    with ExitStack() as stack:
        return asyncio.run(all_sizes([stack.enter_context(new_home(root)) for _ in sizes]))


def disorder(root: Path, trades: int = 4_000, window: int = 1_000, within_s: float = 20.0) -> Row:
    """Half of the frames twice, shuffled in windows of 1,000, some newest first: the tables equal the clean run's."""
    source = Finite(trades=trades)
    frames = trades * 2
    faults = [Fault("duplicate", frame=LEAD_S, n=frames, share=0.5)]
    for i in range(frames // window):
        kind: Kind = "descending" if i % 3 == 2 else "reorder"
        faults.append(Fault(kind, frame=LEAD_S + i * window, n=window))
    names = {}
    for run, plan in (("clean", Plan()), ("faulty", Plan(tuple(faults)))):
        with new_home(root) as home:
            world = World(beat_s=0.1, wall_ns=lambda: ONE_MOMENT_NS)
            all_there = partial(whole, home, source, source.tickers())
            seen = asyncio.run(captured(home, source, plan, all_there, repair=False, world=world, within_s=within_s))
            names[run] = (fingerprint(home), len(held_ids(home)))
    return {
        "trades": names["clean"][1],
        "trades_under_faults": names["faulty"][1],
        "duplicates": seen.fields["duplicates"],
        "equal": names["clean"] == names["faulty"],
    }


def whole(home: Home, source: Finite, tickers: int, _said: Row) -> bool:
    """Whether all of the source's trades and tickers are stored."""
    return complete(home, source) and sum(market.ticks for market in Reader(home).markets()) >= tickers


def clocks(root: Path) -> Row:
    """The wall clock goes an hour forth, then two back, while the exchange passes midnight and the year's end."""
    source = Finite(trades=3_000, start_ns=YEAR_END_NS - (LEAD_S + 60) * SECOND_NS)
    jumps = chain([0.0], repeat(3600.0, 400), repeat(-3600.0))

    def wall_ns() -> int:
        return time.time_ns() + int(next(jumps) * 1e9)

    with new_home(root) as home:
        world = World(beat_s=0.05, wall_ns=wall_ns)
        plan = Plan((Fault("lose", frame=LEAD_S + 500, n=50),))
        seen = asyncio.run(captured(home, source, plan, lambda _: complete(home, source), speed=300, world=world))
        tape, gaps = Reader(home).tape(VENUE, PRODUCT), Reader(home).gaps(VENUE, PRODUCT).to_pylist()
        lost = missing(home, source)
    live = tape.ts_ns[tape.kind != TRADE]  # trades that REST brought come late
    durations = [word[name] for word in seen.said for name in ("ticks_per_s", "trades_per_s")]
    durations += [word["acknowledged_p50_ms"] or 0.0 for word in seen.said]
    durations += [gap["to_ns"] - gap["from_ns"] for gap in gaps]
    durations += [gap["closed_ns"] - gap["opened_ns"] for gap in gaps if gap["closed_ns"] is not None]
    return {
        "negative_durations": sum(value < 0 for value in durations) + int((np.diff(live) < 0).sum()),
        "crossed_midnight_and_year": bool(live[0] < YEAR_END_NS < live[-1]),
        "gaps": len(gaps),
        "lost": lost,
        "false_alarms": seen.fields["reconnects"],
    }


def two_captures(root: Path) -> Row:
    """A second capture on one home: how soon it is refused; and what a stale holder can still write: nothing."""
    with new_home(root) as home:
        command = [sys.executable, "-m", "core", "capture", "--feed", "coinbase_exchange", "--product", PRODUCT]
        with jobs.hold(home, "capture"), Writer(home, "capture") as first:
            source = first.source("capture", "bench")
            began = time.monotonic()
            second = subprocess.run(
                [*command, "--home", str(home.root), "--url", "ws://127.0.0.1:9"],
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                check=False,
            )
            refused_s = time.monotonic() - began
            (home.data / "writer.lock").unlink()  # as when a network disk forgets a lock, or somebody deletes it
            with Writer(home, "capture") as successor:
                successor.append(successor.source("capture", "bench"), [_tick(1)])
                try:
                    first.append(source, [_tick(2)])
                    fenced = False
                except Busy:
                    fenced = True
        written = Reader(home).tick_table().num_rows
    return {
        "refused": second.returncode == 1 and "already runs" in second.stderr,
        "refused_after_s": round(refused_s, 2),
        "stale_writes_fenced": fenced and written == 1,
    }


def _tick(i: int) -> Tick:
    return Tick(venue="v", product="p", price=i, local_ts_ns=i)
