"""The log: any batching stores the same, nothing twice, nothing acknowledged that is not there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import REPOSITORY, Home
from core.errors import BadInput, Busy, Damaged, TremorError
from core.ingestion.store import EXPORT_COLUMNS, Quarantined, Reader, Writer, digest
from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Heartbeat, Stored, Tick, Trade

Make = Callable[..., Tick]
MakeTrade = Callable[..., Trade]

small = st.integers(0, 3)
some_ns = st.one_of(st.none(), st.integers(0, 5))
markets = st.sampled_from([("coinbase", "BTC-USD"), ("coinbase", "ETH-USD"), ("embedded", "BTC-USD")])


@st.composite
def event(draw: st.DrawFn) -> Stored:
    venue, product = draw(markets)
    exch, local = draw(some_ns), draw(st.integers(0, 5))
    kind = draw(st.sampled_from([Tick, Tick, Trade, Heartbeat]))
    if kind is Tick:
        quotes = {
            name: draw(st.one_of(st.none(), small)) for name in ("bid", "ask", "bid_size", "ask_size", "trade_id")
        }
        side = draw(st.sampled_from([-1, 0, 1]))
        return Tick(
            venue=venue, product=product, price=draw(small), exch_ts_ns=exch, local_ts_ns=local, side=side, **quotes
        )
    if kind is Trade:
        return Trade(
            venue=venue,
            product=product,
            price=1,
            size=draw(small),
            trade_id=draw(small),
            exch_ts_ns=exch,
            local_ts_ns=local,
        )
    return Heartbeat(
        venue=venue, product=draw(st.sampled_from([None, product])), local_ts_ns=local, last_trade_id=draw(small)
    )


def everything(home: Home) -> tuple[object, ...]:
    """All that a reader can see, but for what a batch is called."""
    with sqlite3.connect(home.ticks_db) as log:
        events = log.execute("SELECT * FROM events ORDER BY seq").fetchall()
        runs = log.execute("SELECT * FROM runs").fetchall()
        ids = log.execute("SELECT * FROM markets ORDER BY id").fetchall()
    return events, runs, ids


@given(events=st.lists(event(), max_size=30), cuts=st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=40)
def test_any_split_into_batches_stores_the_same(events: list[Stored], cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, many = Home(Path(folder) / "one"), Home(Path(folder) / "many")
        with Writer(one) as writer:
            whole = writer.append(writer.source("import", "x"), events)
        with Writer(many) as writer:
            source = writer.source("import", "x")
            bounds = [0, *sorted(cut for cut in cuts if cut <= len(events)), len(events)]
            parts = [writer.append(source, events[a:b]) for a, b in pairwise(bounds)]
        assert everything(one) == everything(many)
        assert sum(part.stored for part in parts) == whole.stored
        assert sum(part.duplicates for part in parts) == whole.duplicates
        assert whole.stored + whole.duplicates == sum(not isinstance(e, Heartbeat) for e in events)
        assert whole.stored == len({digest(e) for e in events if not isinstance(e, Heartbeat)})
        assert whole.heartbeats == len({digest(e) for e in events if isinstance(e, Heartbeat)})


@given(events=st.lists(event(), min_size=1, max_size=20))
@settings(max_examples=20)
def test_the_same_again_stores_nothing(events: list[Stored]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with Writer(home) as writer:
            first = writer.append(writer.source("import", "x"), events)
            before = everything(home)
            again = writer.append(writer.source("import", "y"), events)
        assert (again.stored, again.heartbeats, again.last_seq) == (0, 0, first.last_seq)
        assert again.duplicates == first.stored + first.duplicates
        assert everything(home) == before


def test_a_tick_is_what_it_says(tick: Make) -> None:
    base = tick(1, exch_ts_ns=7, trade_id=5, bid_size=1, ask_size=2, side=1)
    assert digest(base) == digest(tick(1, exch_ts_ns=7, local_ts_ns=99, trade_id=5, bid_size=1, ask_size=2, side=1))
    changes = [
        {"venue": "x"}, {"product": "x"}, {"price": 1}, {"bid": 1}, {"ask": 1}, {"bid_size": None}, {"ask_size": 3},
        {"side": -1}, {"trade_id": None}, {"exch_ts_ns": 8},
    ]  # fmt: skip
    fields = {"exch_ts_ns": 7, "trade_id": 5, "bid_size": 1, "ask_size": 2, "side": 1}
    others = [digest(tick(1, **(fields | change))) for change in changes]
    assert len({digest(base), *others}) == len(changes) + 1


def test_one_venue_and_product_do_not_run_into_another(tick: Make) -> None:
    assert digest(tick(1, venue="a", product="bc")) != digest(tick(1, venue="ab", product="c"))


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
    assert last == [tick(i).local_ts_ns for i in (1, 1001, 1000, 1002)]


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
        assert Reader(home).gaps("coinbase", "BTC-USD").num_rows == 1
        assert Reader(home).gaps("coinbase", "ETH-USD").num_rows == 0


def test_bad_frames_keep_their_bytes(home: Home) -> None:
    bad = [Quarantined(1, "first", b"\x00\xff"), Quarantined(None, "second", b"")]
    with Writer(home) as writer:
        assert writer.append(writer.source("capture", "x"), [], bad).quarantined == 2
    assert Reader(home).quarantine(5) == bad[::-1]
    assert Reader(home).quarantined() == 2


def test_a_second_writer_is_told_who_writes(home: Home) -> None:
    with Writer(home, "capture"):
        with pytest.raises(Busy, match=rf"capture \(process {os.getpid()}\)") as caught, Writer(home):
            pass
        assert caught.value.pid == os.getpid()
    with Writer(home):
        pass


def test_another_process_is_told_who_writes(home: Home) -> None:
    code = (
        "from core.config import Home; from core.ingestion.store import Writer\n"
        f"with Writer(Home.resolve({str(home.root)!r}), 'import'): print('in', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Busy, match=f"process {holder.pid}"), Writer(home):
            pass
        holder.kill()
        holder.wait(10)
        with Writer(home):
            pass


def test_a_full_disk_acknowledges_nothing(home: Home, tick: Make) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(source, [tick(0)])
        pages = writer.connection.execute("PRAGMA page_count").fetchone()[0]
        writer.connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        many: list[Stored] = [tick(i, product="ETH-USD") for i in range(1, 2000)]
        with pytest.raises(TremorError, match="nothing of this batch was stored"):
            writer.append(source, many, [Quarantined(1, "bad", b"x")])
        assert len(Reader(home).tape("coinbase", "ETH-USD")) == 0
        assert Reader(home).quarantined() == 0
        writer.connection.execute("PRAGMA max_page_count = 1000000")
        assert writer.append(source, many).stored == 1999
    assert len(Reader(home).tape("coinbase", "ETH-USD")) == 1999


def test_an_event_that_cannot_be_stored_takes_its_batch_along(home: Home, tick: Make) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        with pytest.raises(sqlite3.IntegrityError):
            writer.append(source, [tick(1), tick(2, local_ts_ns=None)])
        with pytest.raises(sqlite3.IntegrityError):
            writer.append(source + 1, [tick(1)])
        assert Reader(home).markets() == []
        assert writer.append(source, [tick(1)]).stored == 1


def test_a_foreign_file_is_refused_in_a_sentence(home: Home) -> None:
    home.data.mkdir(parents=True)
    home.ticks_db.write_bytes(b"no database at all, but long enough for a header" * 10)
    with pytest.raises(Damaged, match="not a tick store"):
        Reader(home).markets()
    with pytest.raises(Damaged, match="not a tick store"), Writer(home):
        pass
    home.ticks_db.unlink()
    with sqlite3.connect(home.ticks_db) as log:
        log.execute("PRAGMA user_version = 99")
    with pytest.raises(Damaged, match="version 99"):
        Reader(home).markets()
    with pytest.raises(Damaged, match="version 99"), Writer(home):
        pass


def test_the_writer_is_used_in_a_with_block(home: Home) -> None:
    with pytest.raises(BadInput, match="with block"):
        Writer(home).source("capture", "x")


def test_a_commit_is_synced_before_it_returns(home: Home) -> None:
    with Writer(home) as writer:
        assert writer.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert writer.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_readers_see_whole_batches_while_a_writer_writes(home: Home, tick: Make) -> None:
    reader = Reader(home)
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        for batch in range(5):
            writer.append(source, [tick(batch * 10 + i) for i in range(10)])
            assert len(reader.tape("coinbase", "BTC-USD")) == (batch + 1) * 10
            assert len(reader.tape("coinbase", "BTC-USD", after_seq=batch * 10)) == 10


def test_fifty_thousand_events_are_read_in_a_moment(home: Home, tick: Make) -> None:
    import time

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
