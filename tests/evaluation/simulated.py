"""Bars of the simulated market, made straight from its orders: no frames, no store."""

from __future__ import annotations

from itertools import islice

import numpy as np

from core.features.bars import SECOND_NS, Bars, Sampler
from core.ingestion.ticks import E8, MISSING, TICK, Tape
from exchange.simulator import raw_orders
from exchange.simulator.stream import BLOCK_S

START_S = 1_700_000_000


def simulated_bars(seed: int, seconds: int) -> Bars:
    """The first `seconds` of the simulator's BTC-USD as bars, one tick an order."""
    orders = np.concatenate([block.orders for block in islice(raw_orders(seed, "BTC-USD"), seconds // BLOCK_S)])
    n, cent = len(orders), E8 // 100
    bid, ask = orders[:, 2] * cent, orders[:, 3] * cent
    return Sampler().push(
        Tape(
            seq=np.arange(1, n + 1),
            kind=np.full(n, TICK, np.int8),
            source=np.ones(n, np.int32),
            ts_ns=START_S * SECOND_NS + orders[:, 0] * 1_000,
            price=(bid + ask) // 2,
            bid=bid,
            ask=ask,
            bid_size=orders[:, 4].copy(),
            ask_size=orders[:, 5].copy(),
            size=np.full(n, MISSING),
            side=orders[:, 1].astype(np.int8),
        )
    )
