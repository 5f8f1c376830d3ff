"""From the compiled market to events: blocks of 30 market seconds, generated when they are read and never before."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput
from core.ingestion.ticks import E8
from exchange.simulator import kernel
from exchange.simulator.day import Day
from exchange.simulator.moods import mood as mood_named
from exchange.simulator.products import Product, product
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker, merged

BLOCK_S = 30
MAX_ORDERS = BLOCK_S * 150
STREAM = 7_248
"""Mixed into every seed. Chosen among 8,000 so that the opening hours of seed 0, which a first trial sees, hold spikes
early and late: from 45 minutes on nearly every chronological split of them has some in all three parts."""
CENT = E8 // 100
LAST_TRADE_ID = 900_000_000
FIRST_SEQUENCE = 110_000_000_000
"""Of the order of Coinbase's own at the end of 2025."""


class Block(NamedTuple):
    """One block: rows of orders (see `kernel.block`) and the matches they made, in order."""

    orders: NDArray[np.int64]
    matches: NDArray[np.int64]


class Simulator:
    """A source (`exchange.tape.Source`) of simulated products.

    Parameters
    ----------
    products : names, each a stream of its own drawn from `seed` and its name alone
    seed : any whole number from 0
    start_ns : market time of the first event, ns since the epoch, a whole second
    last_trade_id : the trade id before the tape's first, so that one tape can follow another
    mood : what foretells a spike, one of `moods.MOODS`

    Raises
    ------
    BadInput for an unknown or repeated product, no product at all, a negative seed, or an unknown mood.
    """

    name = "simulator"
    skips_silence = False

    def __init__(
        self,
        products: Sequence[str] = ("BTC-USD",),
        seed: int = 0,
        start_ns: int = 0,
        last_trade_id: int = LAST_TRADE_ID,
        mood: str = "market",
    ) -> None:
        if not products or len(set(products)) != len(products):
            raise BadInput(f"name each product once: got {', '.join(products) or 'none'}")
        if seed < 0:
            raise BadInput(f"seed is {seed}: choose a whole number from 0")
        self.products = tuple(products)
        self.start_ns = start_ns - start_ns % SECOND_NS
        mood_named(mood)
        self._seed, self._mood = seed, mood
        self._last_trade_id = last_trade_id
        self._scales = [product(name) for name in products]

    def events(self) -> Iterator[Event]:
        """The tape from `start_ns`, forwards, without end."""
        return merged([self._product_events(n, scale) for n, scale in zip(self.products, self._scales)])

    def _product_events(self, name: str, scale: Product) -> Iterator[Event]:
        start_ns, second = self.start_ns, 0
        trade_id, sequence = self._last_trade_id, FIRST_SEQUENCE
        day = Day(_generator(self._seed, name, "day"), scale)
        for block in raw_orders(self._seed, name, self._mood):
            prices, sizes = block.matches[:, 0].tolist(), block.matches[:, 1].tolist()
            at = 0
            for us, side, bid, ask, bid_size, ask_size, n in block.orders.tolist():
                while us >= (second + 1) * 1_000_000:
                    second += 1
                    sequence += 1
                    yield Beat(start_ns + second * SECOND_NS, name, sequence, trade_id)
                ts_ns = start_ns + us * 1_000
                sequence += 3 + us % 17  # other messages of the order book, which nobody here is sent
                for price, size in zip(prices[at : at + n], sizes[at : at + n]):
                    trade_id += 1
                    sequence += 1
                    day.trade(us, price, size)
                    yield Match(ts_ns, name, sequence, trade_id, price * CENT, size, -side)
                at += n
                yield Ticker(
                    ts_ns, name, sequence, trade_id, prices[at - 1] * CENT, sizes[at - 1], side,
                    bid * CENT, ask * CENT, bid_size, ask_size,
                    day.open * CENT, day.low * CENT, day.high * CENT, day.volume, day.volume_30d,
                )  # fmt: skip
            # seconds without an order at the block's end have their heartbeats from the next block's first order


def raw_orders(seed: int, name: str, mood: str = "market") -> Iterator[Block]:
    """Blocks of orders and matches of one product, without end; no frames are made.

    The random generator is numpy's PCG64 seeded with (seed, crc32 of the name): a stream a product, whatever else runs.
    """
    scale, of_mood = product(name), mood_named(mood)
    rng = _generator(seed, name, "market")
    floats, ints = np.zeros(kernel.N_FLOATS), np.zeros(kernel.N_INTS, np.int64)
    kernel.begin(rng, floats, ints, of_mood, scale.start_cents)
    orders, matches = np.empty((MAX_ORDERS, 7), np.int64), np.empty((MAX_ORDERS * 4, 2), np.int64)
    second = 0
    while True:
        n_orders, n_matches = kernel.block(
            rng, floats, ints, of_mood, second, BLOCK_S, scale.volatility, scale.intensity, scale.size, orders, matches
        )
        yield Block(orders[:n_orders].copy(), matches[:n_matches].copy())
        second += BLOCK_S


def _generator(seed: int, name: str, purpose: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([STREAM, seed, zlib.crc32(name.encode()), zlib.crc32(purpose.encode())]))
