"""In which order a market's events are read back: late trades cut nothing, and one tape has one clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Home
from core.errors import MalformedFrame
from core.features.bars import Bars, Sampler
from core.ingestion.importing import import_files
from core.ingestion.store import Reader, Writer
from core.ingestion.store.order import in_time
from core.ingestion.ticks import E8, Tick, Trade
from core.ingestion.values import refuse_future
from tests.features.tapes import same

START_S = 1_700_000_000
MARKET = {"venue": "coinbase", "product": "BTC-USD"}


def at(t: float) -> int:
    return round((START_S + t) * 1e9)


def tick(t: float, mid: int = 91_000, **more: int | None) -> Tick:
    return Tick(**MARKET, price=mid * E8, bid=mid * E8, ask=mid * E8 + E8, **({"exch_ts_ns": at(t)} | more))


def trade(t: float, trade_id: int, **more: int | None) -> Trade:
    return Trade(**MARKET, price=91_000 * E8, size=E8, trade_id=trade_id, **({"exch_ts_ns": at(t)} | more))


def test_trades_asked_for_after_an_outage_change_no_bar(home: Home) -> None:
    """Live, and read back as history: 60 s of ticks, 40 s of outage, and its trades, 15 s apart, behind the
    reconnect."""
    live, sampler = [], Sampler()
    batches = [
        [tick(t) for t in range(60)],
        [tick(100.2)],
        [*[trade(t, int(t)) for t in (62.0, 77.0, 92.0)], *[tick(t) for t in range(101, 180)]],
    ]
    with Writer(home) as writer:
        source, seq = writer.source("capture", "x"), 0
        for batch in batches:
            writer.append(source, batch)
            tape = Reader(home).tape(**MARKET, after_seq=seq)
            live.append(sampler.push(tape))
            seq = int(tape.seq.max())
    history = Sampler().push(Reader(home).tape(**MARKET))
    joined = Bars.joined(live)
    assert len(history) > 130
    assert same(history.bar_end_ns, joined.bar_end_ns)
    assert same(history.values, joined.values)


def test_a_tape_whose_ticks_have_only_our_clock_is_read_by_it(home: Home) -> None:
    """Quotes without an exchange's time (Binance), beside trades with one that is 1.3 s ahead of ours."""
    events = []
    for i in range(100):
        events += [tick(i, 91_000 + i % 3, exch_ts_ns=None, local_ts_ns=at(i))]
        events += [trade(i + 1.3, i, local_ts_ns=at(i + 0.1))]
    with Writer(home) as writer:
        writer.append(writer.source("capture", "x"), events)
    sampler = Sampler()
    bars = sampler.push(Reader(home).tape(**MARKET))
    assert sampler.late == 0
    assert bars.of("n_ticks").sum() >= 98


def test_the_last_ticks_are_the_newest_by_time(home: Home) -> None:
    with Writer(home) as writer:
        writer.append(writer.source("import", "the day before and after"), [tick(0), tick(90_000)])
        writer.append(writer.source("import", "between"), [tick(40_000 + i) for i in range(30)])
    last = Reader(home).last_ticks(**MARKET, n=20)["exch_ts_ns"].to_pylist()
    assert last == sorted(last)
    assert last[-1] == at(90_000)
    assert len(last) == 20


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 200)), min_size=1, max_size=60),
)
def test_reading_in_time_loses_and_doubles_nothing(events: list[tuple[int, int]]) -> None:
    events = sorted(events, key=lambda e: e[0])
    rows = np.array([[i, 0, source, t * 10**9] for i, (source, t) in enumerate(events)])
    got = in_time(rows)
    assert sorted(got[:, 0].tolist()) == rows[:, 0].tolist()
    for source in (1, 2, 3):
        mine = got[got[:, 2] == source]
        assert (np.diff(np.maximum.accumulate(mine[:, 3])) >= 0).all()


def test_a_time_of_more_than_a_day_from_now_goes_to_quarantine(home: Home) -> None:
    path = home.root.parent / "x.csv"
    path.write_text("exch_ts_ns,price,bid,ask\n" + f"{at(0)},1,1,2\n4102444800000000000,1,1,2\n{at(2)},1,1,2\n")
    said = import_files(home, [path])
    assert (said["ticks"], said["quarantined"]) == (2, 1)
    assert "days ahead" in Reader(home).quarantine(1)[0].reason


def test_an_exchange_s_clock_may_be_off_by_hours_but_not_by_days() -> None:
    refuse_future(at(86_400), at(0))
    refuse_future(None, at(0))
    with pytest.raises(MalformedFrame, match="1 days ahead"):
        refuse_future(at(86_401), at(0))
