"""The simulated tape as columns, without server and store: hours of market in a second, for trials of what reads it."""

from __future__ import annotations

from itertools import islice

import numpy as np

from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Ints, Tape
from exchange.simulator.stream import BLOCK_S, CENT, raw_orders
from exchange.tape import SECOND_NS


def tape(product: str = "BTC-USD", seed: int = 0, hours: float = 24.0, *, mood: str = "market", start_ns: int) -> Tape:
    """The first `hours` (whole blocks of 30 s, at least one) as a capture would have stored them.

    Events in the order in which `Simulator.events` gives them: an order's matches, its ticker, a heartbeat a second.
    `start_ns` is the market time of the first event, a whole second, ns UTC. Raises BadInput as `raw_orders` does.
    """
    blocks = list(islice(raw_orders(seed, product, mood), max(1, round(hours * 3600 / BLOCK_S))))
    orders = np.concatenate([b.orders for b in blocks])
    matches = np.concatenate([b.matches for b in blocks])
    us, makers, last = orders[:, 0], orders[:, 6], np.cumsum(orders[:, 6]) - 1
    beats = np.arange(1, us[-1] // 1_000_000 + 1) * 1_000_000
    n_matches, n_orders = len(matches), len(orders)

    at_us = np.concatenate((np.repeat(us, makers), us, beats))
    kind = np.repeat(np.array((TRADE, TICK, HEARTBEAT), np.int8), (n_matches, n_orders, beats.size))
    order = np.lexsort((-kind, at_us))  # at one moment a heartbeat comes first, and a taker's matches before its ticker

    def column(of_matches: Ints | int, of_orders: Ints | int) -> Ints:
        values = np.full(at_us.size, MISSING)
        values[:n_matches] = of_matches
        values[n_matches : n_matches + n_orders] = of_orders
        return values[order]

    return Tape(
        seq=np.arange(at_us.size),
        kind=kind[order],
        source=np.zeros(at_us.size, np.int32),
        ts_ns=start_ns + at_us[order] * (SECOND_NS // 1_000_000),
        price=column(matches[:, 0] * CENT, matches[last, 0] * CENT),
        bid=column(MISSING, orders[:, 2] * CENT),
        ask=column(MISSING, orders[:, 3] * CENT),
        bid_size=column(MISSING, orders[:, 4]),
        ask_size=column(MISSING, orders[:, 5]),
        size=column(matches[:, 1], MISSING),
        side=np.concatenate((np.repeat(orders[:, 1], makers), orders[:, 1], np.zeros(beats.size, np.int64))).astype(
            np.int8
        )[order],
    )
