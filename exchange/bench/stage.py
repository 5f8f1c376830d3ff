"""A capture against the embedded exchange in one event loop: what the cases of the bench and the tests run on."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.config import Home
from core.ingestion.capture import Asked, Capture, World
from core.ingestion.store import Reader
from exchange.chaos import Chaos, Plan
from exchange.server import Exchange, serve
from exchange.simulator import LAST_TRADE_ID, Simulator
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker

PRODUCT = "BTC-USD"
VENUE = "embedded"
START_NS = 1_767_571_200 * SECOND_NS
LEAD_S = 20
"""Market seconds of heartbeats before the first trade. The tape starts with the first subscription."""
AGAIN_S = 0.01


@contextmanager
def new_home(root: Path) -> Iterator[Home]:
    """An empty home below `root`, removed afterwards."""
    with tempfile.TemporaryDirectory(dir=root, prefix="home-") as folder:
        yield Home(Path(folder))


@dataclass
class Finite:
    """A source (`exchange.tape.Source`): the simulator's first `trades` trades and what lies between, then heartbeats
    for ever. Its tape begins with `LEAD_S` seconds of heartbeats."""

    trades: int
    seed: int = 0
    start_ns: int = START_NS
    name: str = "simulator"
    skips_silence: bool = False
    products: tuple[str, ...] = (PRODUCT,)
    ids: range = field(init=False)

    def __post_init__(self) -> None:
        self.ids = range(LAST_TRADE_ID + 1, LAST_TRADE_ID + 1 + self.trades)

    def tickers(self) -> int:
        """How many tickers the tape has."""
        return sum(isinstance(event, Ticker) for event in self.events(endless=False))

    def events(self, endless: bool = True) -> Iterator[Event]:
        """The tape from its start; every call the same. `endless`: with the heartbeats after its end."""
        for second in range(LEAD_S):
            yield Beat(self.start_ns + second * SECOND_NS, PRODUCT, second, LAST_TRADE_ID)
        last_ns = first_ns = self.start_ns + LEAD_S * SECOND_NS
        for event in Simulator(self.products, self.seed, first_ns).events():
            if isinstance(event, Match) and event.trade_id not in self.ids:
                break
            last_ns = event.ts_ns
            yield event
        second = last_ns // SECOND_NS
        while endless:
            second += 1
            yield Beat(second * SECOND_NS, PRODUCT, second, self.ids[-1])


@dataclass
class Seen:
    """What a case looks at afterwards: the last counters, each word said, the capture, the exchange, the faults."""

    fields: dict[str, Any]
    said: list[dict[str, Any]]
    capture: Capture
    exchange: Exchange
    chaos: Chaos


async def captured(
    home: Home,
    source: Finite,
    plan: Plan,
    until: Callable[[dict[str, Any]], bool],
    *,
    speed: float = 1_000.0,
    repair: bool = True,
    world: World | None = None,
    within_s: float = 60.0,
    watch: Callable[[Capture, Exchange, Chaos], None] | None = None,
) -> Seen:
    """Capture the source under the plan until the counters say so, or time is over.


    `watch` is called 100 times a second; `repair` gives the capture the exchange's REST address.
    """
    chaos = Chaos(plan)
    said: list[dict[str, Any]] = []

    def beat(_progress: float | None, message: str, **fields: Any) -> None:
        said.append({**fields, "message": message})

    async with serve(source, speed=speed, chaos=chaos, wait=True) as exchange:
        rest_url = exchange.rest_url if repair else None
        asked = Asked("coinbase_exchange", (PRODUCT,), exchange.url, rest_url, within_s)
        capture = Capture(home, asked, beat, world or World(beat_s=0.05))

        async def look() -> None:
            while not (said and until(said[-1])):
                exchange.check()
                if watch is not None:
                    watch(capture, exchange, chaos)
                await asyncio.sleep(AGAIN_S)
            capture.stop()

        looking = asyncio.create_task(look())
        try:
            fields = await capture.run()
        finally:
            looking.cancel()
        return Seen(fields, said, capture, exchange, chaos)


def held_ids(home: Home) -> list[int]:
    """The trade ids in the store, sorted; one that is there twice is there twice."""
    return sorted(Reader(home).trade_table(VENUE, PRODUCT).column("trade_id").to_pylist())


def missing(home: Home, source: Finite) -> int:
    """How many of the source's trades the store does not hold."""
    return len(set(source.ids) - set(held_ids(home)))


def fingerprint(home: Home) -> str:
    """Names both tables, ticks and trades, byte for byte, in the order of their contents instead of their arrival."""
    reader, name = Reader(home), hashlib.sha256()
    for table in (reader.trade_table(VENUE, PRODUCT), reader.tick_table(VENUE, PRODUCT)):
        ordered = table.sort_by([(column, "ascending") for column in table.column_names]).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, ordered.schema) as stream:
            stream.write_table(ordered)
        name.update(sink.getvalue())
    return name.hexdigest()
