"""A recording as a source: what was recorded comes again, in the file's order, at the recorded times.

Times are the exchange's where the recording has them, else those of receipt. Where it holds no trades of a product,
each ticker whose price differs from the one before becomes a match, with ids counted up from 1, the smallest size there
is (the true one is unknown) and the tick rule's side (Lee and Ready 1991) where the recording names none.

A heartbeat comes at each whole second as long as the recording is alive; a silence of more than 10 s has none, because
nothing in the recording vouches for it. When the recording ends the heartbeats go on: the market is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput
from core.ingestion import recordings
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker

VOUCHED_NS = 10 * SECOND_NS
UNKNOWN_SIZE = 1


@dataclass
class _Market:
    """Where one product's replay stands."""

    has_trades: bool = False
    quoted: bool = False
    sequence: int = 0
    trade_id: int = 0
    price: int = 0
    size: int = UNKNOWN_SIZE
    taker_side: int = 1

    def side_of(self, price: int, said: int) -> int:
        """The taker's side: as recorded, else up-tick buy and down-tick sell, else that of the last trade."""
        if said:
            return said
        return self.taker_side if price == self.price else 1 if price > self.price else -1


class Recording:
    """A source (`exchange.tape.Source`) that replays a file which `core.ingestion.recordings` can read.

    Parameters
    ----------
    path : the recording
    product : names the rows that name none

    Raises
    ------
    BadInput when the file is missing, holds nothing readable or no ticks with bid and ask, which every frame of a
    ticker needs.
    """

    skips_silence = True

    def __init__(self, path: Path, product: str = "BTC-USD") -> None:
        if not path.is_file():
            raise BadInput(f"there is no recording {path}: name a file, or simulator")
        self._path, self._product = path, product
        self.name = path.name
        found: dict[str, _Market] = {}
        start: int | None = None
        for event in self._recorded():
            if event.product is None or isinstance(event, Heartbeat):
                continue
            market = found.setdefault(event.product, _Market())
            start = _time(event) if start is None else start
            if isinstance(event, Trade):
                market.has_trades = True
            else:
                market.quoted |= event.bid is not None and event.ask is not None
        if start is None or not any(market.quoted for market in found.values()):
            raise BadInput(f"{path.name} holds no tick with bid and ask, and a ticker needs both: choose another file")
        self.products = tuple(found)
        self.start_ns = start
        self._with_trades = frozenset(name for name, market in found.items() if market.has_trades)

    def _recorded(self) -> Iterator[Stored]:
        for batch in recordings.read(self._path, product=self._product):
            yield from batch.events

    def events(self) -> Iterator[Event]:
        """The recording from its first event, forwards, and heartbeats without end after its last."""
        markets = {name: _Market(has_trades=name in self._with_trades) for name in self.products}
        alive = self.start_ns
        beat = self.start_ns - self.start_ns % SECOND_NS + SECOND_NS
        for recorded in self._recorded():
            ts_ns = _time(recorded)
            while beat <= ts_ns:
                if ts_ns - alive <= VOUCHED_NS:
                    yield from _beats(markets, beat)
                    beat += SECOND_NS
                else:
                    beat = ts_ns - ts_ns % SECOND_NS + SECOND_NS
            alive = max(alive, ts_ns)
            if isinstance(recorded, Trade):
                yield from _trade(markets[recorded.product], recorded, ts_ns)
            elif isinstance(recorded, Tick):
                yield from _tick(markets[recorded.product], recorded, ts_ns)
        while True:
            yield from _beats(markets, beat)
            beat += SECOND_NS


def _time(event: Stored) -> int:
    ts_ns = event.local_ts_ns if event.exch_ts_ns is None else event.exch_ts_ns
    assert ts_ns is not None  # the reader lets nothing pass that has no time
    return ts_ns


def _beats(markets: dict[str, _Market], at_ns: int) -> Iterator[Event]:
    for name, market in markets.items():
        market.sequence += 1
        yield Beat(at_ns, name, market.sequence, market.trade_id)


def _trade(market: _Market, trade: Trade, ts_ns: int) -> Iterator[Event]:
    if trade.trade_id <= market.trade_id:
        return  # a recording repeats trades where it was reconnected
    yield _match(market, trade.product, ts_ns, trade.trade_id, trade.price, trade.size, trade.side)


def _tick(market: _Market, tick: Tick, ts_ns: int) -> Iterator[Event]:
    if not market.has_trades and tick.price != market.price:
        yield _match(market, tick.product, ts_ns, market.trade_id + 1, tick.price, UNKNOWN_SIZE, tick.side)
    if tick.bid is None or tick.ask is None:
        return
    market.sequence += 1
    yield Ticker(
        ts_ns,
        tick.product,
        market.sequence,
        tick.trade_id if market.has_trades and tick.trade_id is not None else market.trade_id,
        tick.price,
        market.size,
        tick.side or market.taker_side,
        tick.bid,
        tick.ask,
        tick.bid_size,
        tick.ask_size,
        *(None,) * 5,
    )


def _match(market: _Market, product: str, ts_ns: int, trade_id: int, price: int, size: int, said: int) -> Match:
    market.taker_side = market.side_of(price, said)
    market.sequence += 1
    market.trade_id, market.price, market.size = trade_id, price, size
    return Match(ts_ns, product, market.sequence, trade_id, price, size, -market.taker_side)
