"""The same seed is the same tape to the byte; its ids, sides and prices are those of a market."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import REPOSITORY
from core.errors import BadInput
from core.ingestion.ticks import E8
from exchange import wire
from exchange.simulator import PRODUCTS, Simulator, raw_orders
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker
from tests.exchange.client import START_NS

GOLDEN = Path(__file__).parent / "golden_seed0.ndjson"
CENT = E8 // 100


def as_bytes(event: Event) -> bytes:
    if isinstance(event, Match):
        return wire.match(event)
    return wire.ticker(event) if isinstance(event, Ticker) else wire.heartbeat(event)


def tape(n: int, *products: str, seed: int = 0) -> list[Event]:
    return list(islice(Simulator(products or ("BTC-USD",), seed, START_NS).events(), n))


def frames(n: int, seed: int = 0) -> bytes:
    return b"\n".join(map(as_bytes, tape(n, seed=seed))) + b"\n"


EVENTS = tape(40_000, "BTC-USD", "ETH-USD")


def of(product: str, kind: type) -> list[Event]:
    return [event for event in EVENTS if event.product == product and isinstance(event, kind)]


def test_the_first_frames_of_seed_0_are_the_golden_ones() -> None:
    assert frames(200) == GOLDEN.read_bytes()


def test_another_seed_is_another_tape() -> None:
    assert frames(200, seed=1) != frames(200)


def test_another_process_makes_the_same_bytes() -> None:
    program = "import sys; from tests.exchange.test_simulator import frames; sys.stdout.buffer.write(frames(8000, 5))"
    made = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, check=True).stdout
    assert made == frames(8000, 5)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12), st.integers(0, 3))
def test_how_far_it_is_read_at_a_time_changes_no_byte(chunks: list[int], seed: int) -> None:
    events = Simulator(("BTC-USD", "SOL-USD"), seed, START_NS).events()
    other = Simulator(("SOL-USD",), seed, START_NS).events()  # read in between: no state is shared
    pieces: list[bytes] = []
    for chunk in chunks:
        pieces += map(as_bytes, islice(events, chunk))
        next(other)
    assert pieces == [as_bytes(event) for event in tape(sum(chunks), "BTC-USD", "SOL-USD", seed=seed)]


def test_a_product_is_a_stream_of_its_own() -> None:
    alone = [event for event in tape(5_000) if isinstance(event, Match)]
    beside = list(of("BTC-USD", Match))
    assert alone == beside[: len(alone)]
    assert [e.price for e in alone] != [e.price for e in tape(5_000, seed=1) if isinstance(e, Match)]


def test_time_never_runs_back_and_starts_at_the_start() -> None:
    times = [event.ts_ns for event in EVENTS]
    assert times[0] == START_NS
    assert all(a <= b for a, b in pairwise(times))
    assert all(t % 1_000 == 0 for t in times)


@pytest.mark.parametrize("product", ["BTC-USD", "ETH-USD"])
def test_trade_ids_are_contiguous_and_sequences_rise(product: str) -> None:
    ids = [match.trade_id for match in of(product, Match)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert all(a.sequence < b.sequence for a, b in pairwise(of(product, Match)))


def orders(product: str) -> Iterator[tuple[list[Match], Ticker]]:
    matches: list[Match] = []
    for event in EVENTS:
        if event.product == product and isinstance(event, Match):
            matches.append(event)
        elif event.product == product and isinstance(event, Ticker):
            yield matches, event
            matches = []


def test_one_ticker_joins_a_takers_matches_and_has_the_other_side() -> None:
    seen = defaultdict(int)
    for matches, ticker in orders("BTC-USD"):
        seen[len(matches)] += 1
        assert len({(m.ts_ns, m.maker_side) for m in matches}) == 1
        assert matches[0].maker_side == -ticker.taker_side
        last = matches[-1]
        assert (ticker.trade_id, ticker.price, ticker.last_size) == (last.trade_id, last.price, last.size)
        assert (ticker.sequence, ticker.ts_ns) == (last.sequence, last.ts_ns)
        worse = [(b.price - a.price) * ticker.taker_side for a, b in pairwise(matches)]
        assert all(step >= 0 for step in worse)  # a sweep only gets dearer
    assert sum(n for makers, n in seen.items() if makers > 1) > 0.2 * sum(seen.values())


def test_a_taker_pays_the_touch_it_finds_or_the_one_it_leaves() -> None:
    before, rested, swept = None, 0, 0
    for matches, ticker in orders("BTC-USD"):
        assert ticker.bid is not None and ticker.ask is not None
        assert 0 < ticker.bid < ticker.ask
        if before is not None:
            old, new = (before.ask, ticker.ask) if ticker.taker_side > 0 else (before.bid, ticker.bid)
            if (before.bid, before.ask) == (ticker.bid, ticker.ask):
                assert {m.price for m in matches} == {old}
                rested += 1
            else:
                assert matches[0].price in (old, new) and matches[-1].price in (old, new)
                swept += len(matches) > 1 and matches[0].price == old and matches[-1].price == new != old
        before = ticker
    assert rested > 1_000 and swept > 100


def test_prices_are_whole_cents_and_sizes_positive() -> None:
    for event in EVENTS:
        if isinstance(event, Match):
            assert event.price % CENT == 0 and event.size > 0
        elif isinstance(event, Ticker):
            assert event.bid % CENT == event.ask % CENT == 0 and min(event.bid_size, event.ask_size) > 0
            assert event.low_24h <= event.price <= event.high_24h


def test_every_market_second_has_its_heartbeat() -> None:
    for product in ("BTC-USD", "ETH-USD"):
        beats = of(product, Beat)
        assert [b.ts_ns for b in beats] == [START_NS + k * SECOND_NS for k in range(1, len(beats) + 1)]
    last = {}
    for event in EVENTS:
        if isinstance(event, Match):
            last[event.product] = event.trade_id
        elif isinstance(event, Beat):
            assert event.last_trade_id == last[event.product]


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_trades_around_its_start(product: str) -> None:
    blocks = list(islice(raw_orders(3, product), 120))  # an hour
    mids = np.concatenate([b.orders[:, 2] + b.orders[:, 3] for b in blocks]) / 2
    assert np.all(np.abs(mids / PRODUCTS[product].start_cents - 1) < 0.1)
    assert len(np.unique(mids)) > 50


def test_a_thousand_times_real_time_leaves_room() -> None:
    tape(10)  # compiled
    started = time.perf_counter()
    events = Simulator(("BTC-USD",), 0, START_NS).events()
    n = sum(len(as_bytes(event)) > 0 for event in islice(events, 20_000))
    market_s = (next(events).ts_ns - START_NS) / SECOND_NS
    assert n == 20_000
    assert market_s / (time.perf_counter() - started) > 2_000


@pytest.mark.parametrize(
    ("products", "seed", "says"),
    [
        (("BTC-USD", "BTC-USD"), 0, "once"),
        ((), 0, "none"),
        (("NOPE-USD",), 0, "choose among BTC-USD"),
        (("BTC-USD",), -1, "seed is -1"),
    ],
)
def test_what_it_cannot_simulate_is_refused(products: tuple[str, ...], seed: int, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Simulator(products, seed, START_NS)
