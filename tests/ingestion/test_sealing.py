"""Sealing: what a reader sees does not change, nothing is stored twice, and the files are small."""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import REPOSITORY, Home
from core.errors import Busy
from core.features import dataset
from core.ingestion.importing import import_files
from core.ingestion.store import Reader, Writer, sealed, sealing
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from exchange.bench.seen import DAY_NS, MIDNIGHT_NS, a_market, seen
from tests.ingestion.test_store import event

FOREVER_NS = 1 << 62


def store(home: Home, *batches: list[Stored]) -> None:
    with Writer(home) as writer:
        for batch in batches:
            writer.append(writer.source("import", "x"), batch)


def in_log(home: Home) -> int:
    with sqlite3.connect(home.ticks_db) as log:
        return int(log.execute("SELECT count(*) FROM events").fetchone()[0])


@given(
    batches=st.lists(st.lists(event(), max_size=15), min_size=1, max_size=4),
    cut_ns=st.integers(0, 7),
    most=st.integers(1, 9),
)
@settings(max_examples=25)
def test_any_cut_between_log_and_files_reads_the_same(batches: list[list[Stored]], cut_ns: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store(home, *batches)
        before = seen(home)
        with Writer(home) as writer:
            for piece in sealing.pieces(home, cut_ns):
                made = sealing.make(home, piece, most)
                assert made is not None
                assert seen(home) == before, "a file that is not registered yet changes nothing"
                sealing.swap(writer, made)
                assert seen(home) == before
            again = [writer.append(writer.source("import", "y"), batch) for batch in batches]
        assert sum(result.stored + result.heartbeats for result in again) == 0
        assert seen(home) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_everything_reads_the_same_and_goes_on(home: Home, share: float) -> None:
    events, later = a_market(400), a_market(100, seed=1, at_ns=MIDNIGHT_NS + DAY_NS // 2)
    other = Home(home.root.with_name("other"))
    for where in (home, other):
        store(where, a_market(60, seed=2, at_ns=MIDNIGHT_NS + 10**11), events)
    cut = MIDNIGHT_NS + int((share - 0.5) * 110 * 10**9)
    first = sealing.seal(home, cut, 0)
    assert (first["sealed"] > 0) == (share > 0)
    assert seen(home) == seen(other)
    for where in (home, other):
        store(where, later)
    assert seen(home) == seen(other), "an append after sealing takes the next seq"
    assert sealing.seal(home, FOREVER_NS, 0)["sealed"] > 0
    assert in_log(home) == 1, "all but the newest row"
    assert seen(home) == seen(other)
    store(home, later[:1])
    store(other, later[:1])
    assert seen(home) == seen(other)


def test_a_duplicate_stays_one(home: Home) -> None:
    events = a_market(500)
    store(home, events)
    sealing.seal(home, FOREVER_NS, 0)
    before = seen(home)
    with Writer(home) as writer:
        source = writer.source("import", "again")
        again = writer.append(source, events)
        offered = sum(not isinstance(one, Heartbeat) for one in events)
        assert (again.stored, again.duplicates, again.heartbeats) == (0, offered, 0)
        one = next(one for one in events if isinstance(one, Tick))
        near = Tick(**{name: getattr(one, name) for name in one.__struct_fields__} | {"price": one.price + 1})
        assert writer.append(source, [near, *events]).stored == 1
    assert len(seen(home)[2]) == len(before[2]) + 1


def test_only_what_was_received_before_moves(home: Home) -> None:
    store(home, a_market(400))
    hour = sealing.HOUR_NS
    assert sealing.seal(home, MIDNIGHT_NS + hour // 2)["sealed"] == 0
    sealing.seal(home, MIDNIGHT_NS + hour)
    with sqlite3.connect(home.ticks_db) as log:
        oldest = log.execute("SELECT min(coalesce(local_ts_ns, exch_ts_ns)) FROM events").fetchone()[0]
    assert oldest >= MIDNIGHT_NS
    dates = {path.parent.name for path in home.sealed.rglob("*.parquet")}
    assert dates == {"date=2024-10-03"}
    names = {path.parent.parent.name for path in home.sealed.rglob("*.parquet")}
    assert names == {"product=BTC-USD", "product=ETH%2FUSD", "product=__all__"}


def test_a_reader_meets_each_row_once_while_rows_move(home: Home) -> None:
    events = a_market(3000)
    store(home, events)
    expected = len(Reader(home).tape("coinbase", "BTC-USD"))
    counts: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            counts.add(len(Reader(home).tape("coinbase", "BTC-USD")))

    thread = threading.Thread(target=watch)
    thread.start()
    with Writer(home) as writer:
        for piece in sealing.pieces(home, FOREVER_NS):
            while (made := sealing.make(home, piece, 100)) is not None:
                sealing.swap(writer, made)
    done.set()
    thread.join()
    assert counts == {expected}


def test_leftovers_are_removed_and_what_is_set_aside_stays(home: Home) -> None:
    store(home, a_market(100))
    before = seen(home)
    with Writer(home):
        made = sealing.make(home, sealing.pieces(home, FOREVER_NS)[0])
    assert made is not None
    cut_off = home.sealed / made.path
    temporary = cut_off.with_name(f".{cut_off.name}.new")
    temporary.write_bytes(b"cut off")
    aside = cut_off.with_name("000000000001-000000000998.parquet.damaged")
    aside.write_bytes(b"kept")
    assert seen(home) == before
    result = sealing.seal(home, MIDNIGHT_NS - DAY_NS, 0)
    assert (result["orphans"], result["files"]) == (2, 0)
    assert not cut_off.exists()
    assert aside.exists()
    assert seen(home) == before


def test_a_lost_logs_files_stay_and_are_named(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """The log is moved away and a new one begins, with the same seqs and even the same names of files."""
    store(home, a_market(100))
    sealing.seal(home, FOREVER_NS, 0)
    kept = {path: path.read_bytes() for path in home.sealed.rglob("*.parquet")}
    for path in home.data.glob("ticks.sqlite*"):
        path.unlink()
    other = [one for one in a_market(100) if isinstance(one, Tick)]
    store(home, [*a_market(3, 1), *other], a_market(100, 2))
    before = seen(home)
    with caplog.at_level(logging.WARNING):
        assert sealing.seal(home, FOREVER_NS, 0)["orphans"] == 0
    assert caplog.text.count("is not of this log") == len(kept)
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert seen(home) == before


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_log_is_read_and_brought_up_to_date(home: Home, version: int) -> None:
    store(home, a_market(50))
    expected = seen(home)
    with sqlite3.connect(home.ticks_db) as log:
        log.executescript("DROP TABLE sealed_trades; DROP TABLE sealed; DROP TABLE sealed_clocks")
        if version == 1:
            log.executescript("DROP TABLE gaps; DROP TABLE tapes")
        log.execute(f"PRAGMA user_version = {version}")
    assert Reader(home).sealed()["files"] == 0
    assert seen(home)[2:4] == expected[2:4]
    assert sealing.seal(home, FOREVER_NS, 0)["sealed"] == 49
    assert seen(home)[2:4] == expected[2:4]


def test_what_is_sealed_of_a_gap_is_not_asked_for_again(home: Home, trade: Callable[..., Trade]) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(source, [trade(1), trade(20)])
        writer.append(source, [trade(5), trade(6), trade(9)])
    sealing.seal(home, FOREVER_NS, 0)
    assert in_log(home) == 1
    (gap,) = Reader(home).open_gaps("coinbase", ["BTC-USD"])
    assert gap.holes == ((9, 20), (6, 9), (1, 5))
    with Writer(home) as writer:
        source = writer.source("capture", "y")
        again = writer.append(source, [trade(number) for number in range(1, 20)])
        assert (again.stored, again.duplicates) == (15, 4)
        assert writer.ledger.open("coinbase", "BTC-USD") == 0
    assert [row["state"] for row in Reader(home).gaps().to_pylist()] == ["repaired"]


def test_the_log_gives_its_space_back(home: Home) -> None:
    store(home, a_market(5000))
    size = home.ticks_db.stat().st_size
    assert sealing.seal(home, FOREVER_NS, 0)["log_bytes"] < size / 2


def test_thirteen_bytes_a_tick_and_prices_to_the_last_decimal(home: Home, shared: Path) -> None:
    recording = shared / "btcusd_ticks_2025-12.parquet"
    import_files(home, [recording])
    table = Reader(home).tick_table()
    result = sealing.seal(home, FOREVER_NS, 0)
    assert result["sealed"] == 73_642
    bytes_a_tick = sum(path.stat().st_size for path in home.sealed.rglob("*.parquet")) / result["sealed"]
    print(f"{bytes_a_tick:.2f} bytes a tick")
    assert bytes_a_tick <= 13
    assert Reader(home).tick_table().equals(table)
    recorded = pq.read_table(recording)
    for name in ("local_ts_ns", "price", "bid", "ask", "bid_size", "ask_size"):
        assert np.array_equal(np.asarray(table.column(name)), np.asarray(recorded.column(name))), name
    again = import_files(home, [recording])
    assert (again["new"], again["duplicates"]) == (0, 73_643)


def test_features_do_not_change_by_a_bit(home: Home, shared: Path) -> None:
    import_files(home, [shared / "coinbase_advanced_btcusd_2026-04-04_15min.ndjson.gz"])

    def features() -> bytes:
        bars = dataset.bars(Reader(home), "coinbase", "BTC-USD")
        return bars.bar_end_ns.tobytes() + bars.values.tobytes() + np.asarray(dataset.table(bars)).tobytes()

    before = features()
    last_ns = Reader(home).markets()[0].last_ns
    for minutes in (12, 5, 0):
        sealing.seal(home, last_ns, minutes / 60)
        assert features() == before


def test_groups_of_64k_rows(home: Home) -> None:
    chance = random.Random(1)
    rows = np.full((150_000, len(sealed.COLUMNS)), 1, np.int64)
    rows[:, 0] = np.arange(len(rows))
    rows[:, 5] = [chance.randrange(10**13) for _ in range(len(rows))]
    rows[::3, 6] = sealed.MISSING
    content = sealed.encode(rows)
    assert np.array_equal(sealed.decode(content), rows)
    path = home.root / "x.parquet"
    home.root.mkdir()
    path.write_bytes(content)
    groups = pq.ParquetFile(path).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [75_000, 75_000]
    column = groups.row_group(0).column(5)
    assert (column.physical_type, column.compression) == ("INT64", "ZSTD")
    assert "DELTA_BINARY_PACKED" in column.encodings


CORE = [sys.executable, "-m", "core"]


def run(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*CORE, *words, "--home", str(home.root), "--json"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_verb_and_status(home: Home) -> None:
    store(home, a_market(200))
    with Writer(home, "capture") as writer:
        refused = run(home, "seal")
        assert refused.returncode == 1
        assert "capture (process " in refused.stderr
        assert writer.path.exists()
        with pytest.raises(Busy, match="capture"):
            sealing.seal(home, FOREVER_NS, 0)
    done = run(home, "seal", "--older-than", "0")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["sealed"], result["rows"], result["damaged"]) == (199, 199, [])
    status = json.loads(run(home, "status").stdout)
    assert status["sealed"] == {"files": result["files"], "rows": 199, "bytes": result["bytes"], "damaged": []}
    assert run(home, "seal", "--older-than", "nan").returncode == 1
