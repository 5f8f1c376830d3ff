"""A home filled from the seeded simulator, without sockets: the exchange's frames, parsed by the feed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from core.config import Home
from core.ingestion.feeds import coinbase_exchange
from core.ingestion.store import Writer
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from exchange import wire
from exchange.simulator import Simulator
from exchange.tape import Beat, Match, Ticker

SECOND_NS = 1_000_000_000


def simulated(
    seconds: int, start_ns: int, seed: int = 0, venue: str = "embedded", product: str = "BTC-USD"
) -> Iterator[Stored]:
    """Ticks, trades and heartbeats of the simulated BTC-USD market, by default under a loopback capture's venue."""
    import msgspec

    frame = {Match: wire.match, Ticker: wire.ticker, Beat: wire.heartbeat}
    events = takewhile(
        lambda e: e.ts_ns < start_ns + seconds * SECOND_NS, Simulator(["BTC-USD"], seed, start_ns).events()
    )
    for event in events:
        for said in coinbase_exchange.parse(frame[type(event)](event), event.ts_ns + 3_000_000):
            assert isinstance(said, Tick | Trade | Heartbeat)
            yield msgspec.structs.replace(said, venue=venue, product=product)


def fill(
    home: Home, seconds: int, start_ns: int, seed: int = 0, venue: str = "embedded", product: str = "BTC-USD"
) -> int:
    """Append `seconds` of the simulated market from `start_ns` on; returns how many events were stored."""
    stored = 0
    with Writer(home) as writer:
        source = writer.source("capture", "coinbase_exchange")
        batch: list[Stored] = []
        for event in simulated(seconds, start_ns, seed, venue, product):
            batch.append(event)
            if len(batch) == 5000:
                stored += writer.append(source, batch).stored
                batch = []
        stored += writer.append(source, batch).stored
    return stored
