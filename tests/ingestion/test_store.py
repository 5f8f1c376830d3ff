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

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import REPOSITORY, Home
from core.errors import BadInput, Busy, Damaged, TremorError
from core.ingestion.store import Quarantined, Reader, Writer, digest
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade

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


def test_digests_are_those_of_every_log_there_is() -> None:
    """One that changed would let what is stored in again."""
    trade = Trade(venue="coinbase", product="BTC-USD", price=1, size=2, trade_id=3)
    said = {"price": 1, "exch_ts_ns": 2, "local_ts_ns": 3, "bid": 4, "ask": 5, "bid_size": 6, "side": -1}
    whole = Tick(venue="coinbase", product="BTC-USD", **said)
    beat = Heartbeat(venue="coinbase", product=None, local_ts_ns=1)
    assert [digest(event).hex() for event in (trade, whole, beat)] == [
        "5944d44c6fb235432b9fc3bd628a5f9c",
        "26cfd691506629ff4439f9a553401ae4",
        "c314bf4dd6e4fc26b5b76adbb57f1879",
    ]


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
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            with pytest.raises(Busy, match=f"process {holder.pid}"), Writer(home):
                pass
        finally:
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
