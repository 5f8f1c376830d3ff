"""Moods are tapes of their own; in one nothing of the past tells of a spike, in another a herald does."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.commands.bench import simulated
from core.errors import BadInput
from core.features.dataset import Dataset
from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE
from exchange.simulator import MOODS, Simulator, mood, raw_orders
from exchange.simulator.columns import tape
from exchange.tape import Beat, Event, Match
from tests.exchange.client import START_NS

KNOWN = ("unpredictable", "precursors")


def test_the_market_is_the_mood_where_none_is_named() -> None:
    for a, b in zip(islice(raw_orders(3, "BTC-USD"), 240), raw_orders(3, "BTC-USD", "market")):
        assert np.array_equal(a.orders, b.orders) and np.array_equal(a.matches, b.matches)
    assert list(islice(Simulator().events(), 500)) == list(islice(Simulator(mood="market").events(), 500))


@pytest.mark.parametrize("name", KNOWN)
def test_the_same_seed_is_the_same_tape_in_each_mood(name: str) -> None:
    events = list(islice(Simulator(("BTC-USD", "LTC-USD"), 1, START_NS, mood=name).events(), 20_000))
    assert events == list(islice(Simulator(("BTC-USD", "LTC-USD"), 1, START_NS, mood=name).events(), 20_000))
    assert events != list(islice(Simulator(("BTC-USD", "LTC-USD"), 2, START_NS, mood=name).events(), 20_000))
    assert all(a.ts_ns <= b.ts_ns for a, b in pairwise(events))


def test_an_unknown_mood_is_refused() -> None:
    for refused in (
        lambda: mood("gloomy"),
        lambda: Simulator(mood="gloomy"),
        lambda: next(raw_orders(0, "BTC-USD", "gloomy")),
    ):
        with pytest.raises(BadInput, match="no mood gloomy: choose among market, unpredictable, precursors"):
            refused()


def stored(event: Event) -> tuple[int, ...]:
    """What a capture keeps of an event: kind, time, price, bid, ask, their sizes, size, the taker's side."""
    if isinstance(event, Beat):
        return (HEARTBEAT, event.ts_ns, *[MISSING] * 6, 0)
    if isinstance(event, Match):
        return (TRADE, event.ts_ns, event.price, *[MISSING] * 4, event.size, -event.maker_side)
    return (
        TICK, event.ts_ns, event.price, event.bid, event.ask, event.bid_size, event.ask_size, MISSING, event.taker_side,
    )  # type: ignore[return-value]  # fmt: skip


@pytest.mark.parametrize(("product", "name"), [("BTC-USD", "market"), ("LTC-USD", "precursors")])
def test_the_columns_are_the_events(product: str, name: str) -> None:
    columns = tape(product, 2, 0.25, mood=name, start_ns=START_NS)
    events = islice(Simulator((product,), 2, START_NS, mood=name).events(), len(columns))
    c = columns
    rows = zip(c.kind, c.ts_ns, c.price, c.bid, c.ask, c.bid_size, c.ask_size, c.size, c.side, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [stored(event) for event in events]
    assert c.ts_ns[-1] - START_NS > 0.24 * 3600e9


@pytest.fixture(scope="module")
def markets() -> dict[str, list[Dataset]]:
    """A few days of each mood whose answer is known; `lean` is how far the book leans, to whichever side."""
    made = {"unpredictable": [simulated("unpredictable", seed, 32) for seed in range(100, 103)]}
    made["precursors"] = [simulated("precursors", seed, 32) for seed in range(100, 102)]
    return {
        name: [replace(d, rows=d.rows.assign(lean=d.rows["imbalance_10"].abs())) for d in of_mood]
        for name, of_mood in made.items()
    }


def auc(markets: list[Dataset], feature: str) -> float:
    """How well a feature sorts spikes from the rest, mean over markets; 0.5 is not at all."""
    known = [market.rows.dropna(subset=[feature]) for market in markets]
    return float(np.mean([roc_auc_score(rows["spike"], rows[feature]) for rows in known]))


TOLD = ("rv_10", "rv_60", "rv_300", "tick_std_10", "spread_10", "spread_60", "intensity_10", "intensity_60", "lean")


def test_nothing_of_the_past_tells_of_an_unpredictable_spike(markets: dict[str, list[Dataset]]) -> None:
    told = {name: auc(markets["unpredictable"], name) for name in TOLD}
    assert told == pytest.approx(dict.fromkeys(TOLD, 0.5), abs=0.04)


def test_a_herald_shows_in_spread_activity_and_the_book_and_not_in_volatility(
    markets: dict[str, list[Dataset]],
) -> None:
    told = {name: auc(markets["precursors"], name) for name in TOLD}
    assert min(told["spread_10"], told["intensity_10"], told["lean"]) > 0.65, told
    assert (told["rv_60"], told["rv_300"]) == pytest.approx((0.5, 0.5), abs=0.06)


def test_a_spike_is_a_leap_and_nothing_else(markets: dict[str, list[Dataset]]) -> None:
    """Without leaps a minute moves 1.4 bps; tau lies far above that."""
    for name in KNOWN:
        assert MOODS[name].leaps
        for market in markets[name]:
            assert np.median(market.rows["forward_vol_bps"]) < 2 < market.tau_bps
