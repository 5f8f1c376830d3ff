"""What a source gives to the server: matches, tickers and heartbeats in the order of market time.

Prices and sizes are whole numbers of 1e-8 as everywhere in Tremor; times are int64 ns since the Unix epoch, UTC.
`maker_side` and `taker_side` are +1 for buy and -1 for sell: of one trade they are each other's opposite.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple, Protocol, TypeAlias

SECOND_NS = 1_000_000_000


class Match(NamedTuple):
    """One trade between one maker and one taker. `trade_id` is contiguous per product."""

    ts_ns: int
    product: str
    sequence: int
    trade_id: int
    price: int
    size: int
    maker_side: int


class Ticker(NamedTuple):
    """The state after one taker order, however many makers it met: a sweep is several matches and one ticker.

    What the source does not know (sizes, quotes, the day's figures) is None and is left out of the frame.
    """

    ts_ns: int
    product: str
    sequence: int
    trade_id: int
    price: int
    last_size: int
    taker_side: int
    bid: int | None
    ask: int | None
    bid_size: int | None
    ask_size: int | None
    open_24h: int | None
    low_24h: int | None
    high_24h: int | None
    volume_24h: int | None
    volume_30d: int | None


class Beat(NamedTuple):
    """The heartbeat of one product at a whole market second."""

    ts_ns: int
    product: str
    sequence: int
    last_trade_id: int


Event: TypeAlias = Match | Ticker | Beat


class Source(Protocol):
    """A market to be served: which products, from when, and its events in market time."""

    @property
    def name(self) -> str:
        """What pages show: "simulator" or the recording's file name."""

    @property
    def products(self) -> tuple[str, ...]:
        """The products served, in the order asked for."""

    @property
    def start_ns(self) -> int:
        """Market time of the first event."""

    @property
    def skips_silence(self) -> bool:
        """Whether the server's clock may jump over a stretch in which this source says nothing."""

    def events(self) -> Iterator[Event]:
        """The tape from its start, forwards in market time; every call starts anew and gives the same."""


def merged(streams: list[Iterator[Event]]) -> Iterator[Event]:
    """Several products' streams as one in market time; at equal times in the order of `streams`."""
    return streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))
