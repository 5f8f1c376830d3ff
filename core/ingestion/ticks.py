"""Tick, Trade and Heartbeat: what a feed says, their units, and the tape they are read back as.

Prices and sizes are whole numbers of 1e-8 ("e8"): 85,747.97 USD is 8_574_797_000_000. That holds every decimal Coinbase
sends (185 of 73,643 recorded BTC-USD prices have three) and makes differences exact. Times are int64 nanoseconds since
the Unix epoch, UTC: `exch_ts_ns` is the exchange's clock, `local_ts_ns` ours at receipt; at least one is set.
`side` is the taker's (aggressor's): +1 the taker bought, -1 the taker sold, 0 unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

E8 = 100_000_000
"""Units in one whole price or size."""
MISSING = int(np.iinfo(np.int64).min)
"""Stands in the tape's integer columns for a value that the source does not give."""
SILENCE_NS = 10_000_000_000
"""A longer silence of ticks, trades and heartbeats alike ends a session."""
TICK, TRADE, HEARTBEAT = 0, 1, 2
"""The kinds in `Tape.kind`."""


class Tick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One ticker update: last price, best bid and ask. Prices and sizes in e8."""

    venue: str
    product: str
    price: int
    exch_ts_ns: int | None = None
    local_ts_ns: int | None = None
    bid: int | None = None
    ask: int | None = None
    bid_size: int | None = None
    ask_size: int | None = None
    side: int = 0
    trade_id: int | None = None


def odd_quote(bid: float | None, ask: float | None) -> str:
    """What is wrong with a pair of quotes that is kept all the same: no bar, and so no feature, takes a mid from it.

    >>> odd_quote(101, 100), odd_quote(0, 100), odd_quote(-1, 100), odd_quote(99, 100), odd_quote(None, 100)
    ('crossed', 'zero', 'negative', '', '')
    """
    if bid is None or ask is None or 0 < bid <= ask:
        return ""
    lowest = min(bid, ask)
    return "negative" if lowest < 0 else "zero" if lowest == 0 else "crossed"


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One match of the trade tape. Price and size in e8; `trade_id` is the exchange's, contiguous per product."""

    venue: str
    product: str
    price: int
    size: int
    trade_id: int
    exch_ts_ns: int | None = None
    local_ts_ns: int | None = None
    side: int = 0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The feed's word that it is alive and that a silence is the market's. `product` None: all of the connection."""

    venue: str
    product: str | None
    exch_ts_ns: int | None = None
    local_ts_ns: int | None = None
    last_trade_id: int | None = None


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange's answer to a subscribe: channel -> products it now sends."""

    channels: dict[str, tuple[str, ...]]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange refused (part of) a subscribe; `permanent` when asking again cannot help."""

    message: str
    product: str | None = None
    permanent: bool = True


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """A capture's word that events of a product may be missing before the next one; opens a row of the gap ledger.

    `seen`: sequence, silence or downtime. From the last event before it to the first one after it, ns UTC in the
    market's time. `ids`: the feed's trades carry ids that rise by one, so that the tape will tell what is missing.
    """

    venue: str
    product: str
    seen: str
    from_ns: int
    to_ns: int
    detail: str
    ids: bool = True


class GaveUp(msgspec.Struct, frozen=True, kw_only=True):
    """The repairer's word that a gap of the ledger, by its number, cannot be closed, and why."""

    gap: int
    detail: str


Event: TypeAlias = Tick | Trade | Heartbeat | Subscribed | Refused
"""What a feed's `parse` gives."""
Stored: TypeAlias = Tick | Trade | Heartbeat
"""What the store keeps."""
Entry: TypeAlias = Stored | Lapse | GaveUp
"""What the store is told, in its order: events, and what they mean for the ledger."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tape:
    """Stored events of one market in the order of their arrival, as columns of one length n.

    `ts_ns` is the exchange's time where the source gives it, else ours. `source` numbers the capture or the imported
    file that brought the event. Prices and sizes are e8, MISSING where the source does not give them: a trade has
    price and size, a tick price and (mostly) quotes, a heartbeat neither. `after_gap` (None: nowhere) marks the event
    that brought a gap to light: a session ends before it.
    """

    seq: Ints
    kind: NDArray[np.int8]
    source: NDArray[np.int32]
    ts_ns: Ints
    price: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints
    size: Ints
    side: NDArray[np.int8]
    after_gap: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return int(self.seq.size)

    def __getitem__(self, rows: slice) -> Self:
        columns = (getattr(self, f.name) for f in fields(self))
        cut: list[Any] = [None if column is None else column[rows] for column in columns]
        return type(self)(*cut)
