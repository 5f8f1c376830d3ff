"""All that a reader gives of a home, comparable to the bit; and a market of every kind of event."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np

from core.config import Home
from core.ingestion.store import Reader
from core.ingestion.ticks import E8, Heartbeat, Stored, Tick, Trade

DAY_NS = 86_400_000_000_000
MIDNIGHT_NS = 20_000 * DAY_NS


def seen(home: Home) -> list[Any]:
    """Everything a Reader offers, for every market, as plain values."""
    reader = Reader(home)
    markets = reader.markets()
    gaps = reader.gaps().drop_columns(["opened_ns", "closed_ns"]).to_pylist()
    found: list[Any] = [markets, gaps, reader.tick_table().to_pylist()]
    found += [reader.trade_table().to_pylist(), [sorted(reader.trade_bounds(m.venue)) for m in markets]]
    for market in markets:
        name = (market.venue, market.product)
        middle_ns, middle_seq = (market.first_ns + market.last_ns) // 2, market.last_seq // 2
        for asked in ({}, {"after_seq": middle_seq}, {"from_ns": middle_ns}, {"limit": 7}):
            tape = reader.tape(*name, **asked)  # type: ignore[arg-type]
            columns = [getattr(tape, field.name) for field in dataclasses.fields(tape)]
            found.append([None if column is None else column.tobytes() for column in columns])
        found += [reader.last_ticks(*name, n).to_pylist() for n in (1, 5, 1000)]
        found.append([np.asarray(column).tolist() for column in reader.per_minute(*name, 30)])
        found.append([np.asarray(column).tolist() for column in reader.per_minute(*name, 5, until_ns=middle_ns)])
    return found


def a_market(n: int, seed: int = 0, at_ns: int = MIDNIGHT_NS) -> list[Stored]:
    """`n` events of two products around a midnight: ticks, trades with a gap, heartbeats of a product and of all."""
    chance = random.Random(seed)
    events: list[Stored] = []
    trade_id = 100 + seed * 10**6
    for i in range(n):
        ns = at_ns + (i - n // 2) * 250_000_000 + chance.randrange(10**6)
        product = chance.choice(["BTC-USD", "ETH/USD"])
        kind = chance.random()
        if kind < 0.5:
            price = 85_000 * E8 + chance.randrange(-500, 500) * 10**5
            events.append(
                Tick(
                    venue="coinbase",
                    product=product,
                    price=price,
                    bid=price - E8,
                    ask=price,
                    exch_ts_ns=None if kind < 0.2 else ns,
                    local_ts_ns=ns + 5_000_000,
                    bid_size=chance.randrange(10**9),
                    ask_size=None if kind < 0.1 else chance.randrange(10**9),
                )
            )
        elif kind < 0.8:
            trade_id += 1 + 3 * (chance.random() < 0.1)
            side = chance.choice([-1, 1])
            said = {"price": 10**12 + i, "size": i, "side": side}
            events.append(Trade(venue="coinbase", product=product, trade_id=trade_id, exch_ts_ns=ns, **said))
        else:
            whose = chance.choice([None, product])
            events.append(Heartbeat(venue="coinbase", product=whose, local_ts_ns=ns, last_trade_id=trade_id))
    return events
