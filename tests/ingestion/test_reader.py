"""Reading the log: tapes in their order, tables with their units, at any time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from core.config import Home
from core.ingestion.store import EXPORT_COLUMNS, Reader, Writer
from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Heartbeat, Stored, Tick, Trade

Make = Callable[..., Tick]
MakeTrade = Callable[..., Trade]


def test_before_there_is_a_file_everything_is_empty(home: Home) -> None:
    reader = Reader(home)
    assert reader.markets() == []
    assert len(reader.tape("coinbase", "BTC-USD")) == 0
    assert reader.tick_table().column_names == list(EXPORT_COLUMNS)
    assert reader.last_ticks("coinbase", "BTC-USD", 5).num_rows == 0
    assert reader.trade_table().num_rows == reader.gaps().num_rows == reader.quarantined() == 0
    assert reader.quarantine(5) == []
    assert reader.per_minute("coinbase", "BTC-USD", 3)[0].size == 0
    assert not home.root.exists(), "a reader makes nothing"


def test_a_tape_is_what_was_appended(home: Home, tick: Make, trade: MakeTrade) -> None:
    beat = Heartbeat(venue="coinbase", product=None, local_ts_ns=9)
    events: list[Stored] = [
        tick(1, bid_size=5),
        trade(7, side=-1),
        beat,
        tick(2, bid=None, ask=None),
        tick(3, product="ETH-USD"),
    ]
    with Writer(home) as writer:
        writer.append(writer.source("capture", "x"), events)
    tape = Reader(home).tape("coinbase", "BTC-USD")
    assert tape.seq.tolist() == [1, 2, 3, 4]
    assert tape.kind.tolist() == [TICK, TRADE, HEARTBEAT, TICK]
    assert tape.ts_ns.tolist() == [events[0].local_ts_ns, events[1].exch_ts_ns, 9, events[3].local_ts_ns]
    assert tape.price.tolist() == [events[0].price, events[1].price, MISSING, events[3].price]  # type: ignore[union-attr]
    assert tape.bid.tolist() == [85_000 * 10**8, MISSING, MISSING, MISSING]
    assert tape.bid_size.tolist() == [5, MISSING, MISSING, MISSING]
    assert tape.size.tolist() == [MISSING, 50_000_000, MISSING, MISSING]
    assert tape.side.tolist() == [0, -1, 0, 0]
    assert {str(tape.seq.dtype), str(tape.price.dtype)} == {"int64"}
    assert (str(tape.kind.dtype), str(tape.source.dtype), str(tape.side.dtype)) == ("int8", "int32", "int8")


def test_sources_come_by_time_and_events_by_arrival(home: Home, tick: Make) -> None:
    with Writer(home) as writer:
        late = writer.source("import", "late")
        early = writer.source("import", "early")
        writer.append(late, [tick(1001), tick(1000)])
        writer.append(early, [tick(2), tick(1)])
        writer.append(late, [tick(1002)])
    reader = Reader(home)
    tape = reader.tape("coinbase", "BTC-USD")
    assert tape.seq.tolist() == [3, 4, 1, 2, 5]
    assert tape.source.tolist() == [early, early, late, late, late]
    assert reader.tape("coinbase", "BTC-USD", after_seq=2).seq.tolist() == [3, 4, 5]
    assert reader.tape("coinbase", "BTC-USD", limit=3).seq.tolist() == [3, 4, 1]
    assert reader.tape("coinbase", "BTC-USD", from_ns=tick(1000).local_ts_ns).seq.tolist() == [1, 2, 5]
    last = reader.last_ticks("coinbase", "BTC-USD", 4).column("local_ts_ns").to_pylist()
    assert last == [tick(i).local_ts_ns for i in (2, 1000, 1001, 1002)]


def test_tables_have_the_designs_columns_and_units(home: Home, tick: Make, trade: MakeTrade) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(
            source, [tick(0, price=8574797000000, side=1, trade_id=3, ask_size=3711), tick(1, side=-1, bid=None)]
        )
        writer.append(source, [trade(1), trade(2, side=1), tick(0, venue="embedded")])
    reader = Reader(home)
    rows = reader.tick_table().to_pylist()
    assert list(rows[0]) == list(EXPORT_COLUMNS)
    assert (rows[0]["price"], rows[0]["side"], rows[0]["trade_id"], rows[0]["ask_size"]) == (
        85747.97,
        "buy",
        3,
        3.711e-05,
    )
    assert (rows[1]["side"], rows[1]["bid"], rows[1]["exch_ts_ns"], rows[1]["trade_id"]) == ("sell", None, None, None)
    assert [row["venue"] for row in rows] == ["coinbase", "coinbase", "embedded"]
    assert reader.tick_table("embedded").num_rows == 1
    trades = reader.trade_table("coinbase", "BTC-USD").to_pylist()
    assert trades[1] == {
        "exch_ts_ns": trade(2).exch_ts_ns, "local_ts_ns": None, "price": 85_000.0, "size": 0.5, "side": "buy",
        "trade_id": 2, "venue": "coinbase", "product": "BTC-USD",
    }  # fmt: skip


def test_markets_and_minutes(home: Home, tick: Make, trade: MakeTrade) -> None:
    minute = 60_000_000_000
    start = 29_000_000 * minute
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        times = [start, start + 1, start + 3 * minute, start + 3 * minute + 5]
        writer.append(source, [tick(i, local_ts_ns=ns) for i, ns in enumerate(times)])
        writer.append(
            source, [trade(1, exch_ts_ns=start + 4 * minute), Heartbeat(venue="coinbase", product=None, local_ts_ns=1)]
        )
    reader = Reader(home)
    (market,) = reader.markets()
    assert (market.venue, market.product, market.ticks, market.trades, market.last_seq) == (
        "coinbase",
        "BTC-USD",
        4,
        1,
        5,
    )
    assert (market.first_ns, market.last_ns) == (start, start + 4 * minute)
    starts, counts = reader.per_minute("coinbase", "BTC-USD", 5)
    assert starts.tolist() == [start + i * minute for i in range(5)]
    assert counts.tolist() == [2, 0, 0, 2, 0]
    assert reader.per_minute("coinbase", "BTC-USD", 2, until_ns=start + minute)[1].tolist() == [2, 0]


def test_gaps_are_the_jumps_of_the_trade_id(home: Home, trade: MakeTrade) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(source, [trade(i) for i in (5, 6, 10, 11, 20)] + [trade(1, product="ETH-USD")])
        gaps = Reader(home).gaps().to_pylist()
        assert [(g["from_trade_id"], g["to_trade_id"], g["missing"]) for g in gaps] == [(6, 10, 3), (11, 20, 8)]
        assert (gaps[0]["from_ns"], gaps[0]["to_ns"]) == (trade(6).exch_ts_ns, trade(10).exch_ts_ns)
        writer.append(source, [trade(i) for i in range(7, 10)])
        gaps = Reader(home).gaps("coinbase", "BTC-USD").to_pylist()
        assert [(g["missing"], g["still_missing"], g["state"]) for g in gaps] == [(3, 0, "repaired"), (8, 8, "open")]
        assert Reader(home).gaps("coinbase", "ETH-USD").num_rows == 0


def test_readers_see_whole_batches_while_a_writer_writes(home: Home, tick: Make) -> None:
    reader = Reader(home)
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        for batch in range(5):
            writer.append(source, [tick(batch * 10 + i) for i in range(10)])
            assert len(reader.tape("coinbase", "BTC-USD")) == (batch + 1) * 10
            assert len(reader.tape("coinbase", "BTC-USD", after_seq=batch * 10)) == 10


def test_fifty_thousand_events_are_read_in_a_moment(home: Home, tick: Make) -> None:
    with Writer(home) as writer:
        writer.append(writer.source("import", "x"), [tick(i) for i in range(50_000)])
    started = time.process_time()
    tape = Reader(home).tape("coinbase", "BTC-USD")
    assert time.process_time() - started < 0.5
    assert np.array_equal(tape.seq, np.arange(1, 50_001))
    started = time.process_time()
    assert len(Reader(home).tape("coinbase", "BTC-USD", after_seq=49_990)) == 10
    assert Reader(home).last_ticks("coinbase", "BTC-USD", 10).num_rows == 10
    assert time.process_time() - started < 0.1
