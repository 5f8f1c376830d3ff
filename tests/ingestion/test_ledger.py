"""The gap ledger: what a batch brings to light is in it, with the batch; what closes it is found by itself."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Home
from core.errors import TremorError
from core.ingestion.store import Reader, Writer
from core.ingestion.store.schema import SCHEMA_VERSION, TABLES
from core.ingestion.ticks import E8, Entry, GaveUp, Heartbeat, Lapse, Tick, Trade

START_NS = 1_764_546_971_000_000_000
SECOND = 10**9


def trade(number: int, **given: Any) -> Trade:
    fields = {"venue": "coinbase", "product": "BTC-USD", "price": E8, "size": E8, "trade_id": number}
    return Trade(**(fields | {"exch_ts_ns": START_NS + number * SECOND} | given))


def beat(last: int, at: int) -> Heartbeat:
    return Heartbeat(venue="coinbase", product="BTC-USD", exch_ts_ns=START_NS + at * SECOND, last_trade_id=last)


def lapse(seen: str, a: int, b: int, **given: Any) -> Lapse:
    fields = {"venue": "coinbase", "product": "BTC-USD", "seen": seen, "detail": "so it was"}
    return Lapse(**(fields | {"from_ns": START_NS + a * SECOND, "to_ns": START_NS + b * SECOND} | given))


def tick(at: int) -> Tick:
    return Tick(venue="coinbase", product="BTC-USD", price=E8, exch_ts_ns=START_NS + at * SECOND)


def store(home: Home, *batches: Sequence[Entry]) -> list[dict[str, Any]]:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        for batch in batches:
            writer.append(source, batch)
    return Reader(home).gaps().to_pylist()


def short(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (row["seen"], row["from_trade_id"], row["to_trade_id"], row["missing"], row["still_missing"], row["state"])
        for row in rows
    ]


@pytest.mark.parametrize("missing", [1, 10, 1_000, 25_000])
def test_a_jump_is_found_in_the_commit_that_shows_it(home: Home, missing: int) -> None:
    rows = store(home, [trade(1), trade(2), trade(3 + missing)])
    assert short(rows) == [("trade_id", 2, 3 + missing, missing, missing, "open")]
    assert (rows[0]["from_ns"], rows[0]["to_ns"]) == (START_NS + 2 * SECOND, START_NS + (3 + missing) * SECOND)
    assert rows[0]["closed_ns"] is None


def test_what_comes_in_any_order_within_a_batch_is_no_gap(home: Home) -> None:
    numbers = list(range(1, 200))
    random.Random(3).shuffle(numbers)
    assert store(home, [trade(i) for i in numbers]) == []


def test_filled_later_it_is_repaired_and_says_what_that_means(home: Home) -> None:
    rows = store(home, [trade(1), trade(6)], [trade(5), trade(2)], [trade(3), trade(4)], [trade(7)])
    assert short(rows) == [("trade_id", 1, 6, 4, 0, "repaired")]
    assert rows[0]["closed_ns"] >= rows[0]["opened_ns"]
    assert "no trade is missing; quotes in it are unknown" in rows[0]["detail"]


@given(st.lists(st.lists(st.integers(0, 40), max_size=8), max_size=8), st.booleans())
def test_the_holes_of_the_tape_are_the_gaps_that_are_open(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], reopen: bool
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    held: set[int] = set()
    if reopen:
        for batch in batches:
            store(home, [trade(i) for i in batch])
    else:
        store(home, *[[trade(i) for i in batch] for batch in batches])
    held = {i for batch in batches for i in batch}
    ordered = sorted(held)
    missing = {i for a, b in pairwise(ordered) for i in range(a + 1, b)}
    rows = [row for row in Reader(home).gaps().to_pylist() if row["state"] == "open"]
    between = {i: [r for r in rows if r["from_trade_id"] < i < r["to_trade_id"]] for i in missing}
    assert all(len(found) == 1 for found in between.values()), "each missing trade in exactly one gap"
    assert sum(row["still_missing"] for row in rows) == len(missing)
    bounds = [("BTC-USD", ordered[0], ordered[-1])] if ordered else []
    assert Reader(home).trade_bounds("coinbase") == bounds
    holes = {hole for gap in Reader(home).open_gaps("coinbase", ["BTC-USD"]) for hole in gap.holes}
    assert {i for a, b in holes for i in range(a + 1, b)} == missing


def test_heartbeats_ahead_of_the_tape_tell_when_the_next_one_comes(home: Home) -> None:
    rows = store(home, [trade(5), beat(6, 6)], [trade(6), beat(6, 7), beat(7, 8), trade(7), beat(7, 9)])
    assert rows == [], "a trade may come after the heartbeat that tells of it"
    rows = store(home, [beat(9, 20)], [beat(9, 21)])
    assert short(rows) == [("heartbeat", 7, 9 + 1, 2, 2, "open")]
    assert (rows[0]["from_ns"], rows[0]["to_ns"]) == (START_NS + 7 * SECOND, START_NS + 21 * SECOND)
    rows = store(home, [beat(12, 22), beat(12, 23), trade(15)])
    assert short(rows) == [("heartbeat", 7, 15, 7, 7, "open")], "one gap that grows"
    rows = store(home, [trade(i) for i in range(8, 15)])
    assert short(rows) == [("heartbeat", 7, 15, 7, 0, "repaired")]


def test_a_heartbeats_gap_that_is_repaired_to_its_word_opens_anew_beyond_it(home: Home) -> None:
    rows = store(home, [trade(1), beat(3, 2), beat(3, 3)], [trade(3), trade(2)], [beat(5, 4), beat(5, 5)], [trade(8)])
    assert short(rows) == [("heartbeat", 1, 4, 2, 0, "repaired"), ("heartbeat", 3, 8, 4, 4, "open")]


def test_a_lapse_waits_for_the_next_trade_and_takes_the_jump_as_its_own(home: Home) -> None:
    rows = store(home, [trade(1), lapse("downtime", 1, 30), tick(30)])
    assert short(rows) == [("downtime", 1, None, None, None, "open")]
    rows = store(home, [trade(9), trade(10)])
    assert short(rows) == [("downtime", 1, 9, 7, 7, "open")], "not a second row for the jump"
    rows = store(home, [trade(i) for i in range(2, 9)])
    assert short(rows) == [("downtime", 1, 9, 7, 0, "repaired")]
    assert rows[0]["detail"] == "so it was; no trade is missing; quotes in it are unknown"


@pytest.mark.parametrize("number", [1, 2])
def test_a_lapse_without_a_jump_is_repaired_at_once_and_stays_in_the_ledger(home: Home, number: int) -> None:
    rows = store(home, [trade(1), lapse("sequence", 1, 3), trade(number), tick(3)], [lapse("sequence", 1, 4), tick(4)])
    assert short(rows) == [("sequence", 1, 2, 0, 0, "repaired")]
    assert rows[0]["to_ns"] == START_NS + 4 * SECOND, "its end may be told later"


def test_a_trade_lost_right_after_a_lapse_is_a_gap_of_its_own(home: Home) -> None:
    rows = store(home, [trade(1), lapse("downtime", 1, 3), trade(1), tick(3)], [trade(4)])
    assert short(rows) == [("downtime", 1, 2, 0, 0, "repaired"), ("trade_id", 1, 4, 2, 2, "open")]


def test_without_ids_or_without_a_tape_what_was_missed_cannot_be_known(home: Home) -> None:
    rows = store(home, [tick(1), lapse("silence", 1, 12, ids=False), tick(20), lapse("downtime", 20, 30), trade(5)])
    assert [(row["seen"], row["state"], row["missing"]) for row in rows] == [
        ("silence", "unrepairable", None),
        ("downtime", "unrepairable", None),
    ]
    assert "cannot be known" in rows[0]["detail"]


def test_what_is_given_up_is_unrepairable_until_its_trades_turn_up(home: Home) -> None:
    store(home, [trade(1), trade(4)])
    (gap,) = Reader(home).open_gaps("coinbase", ["BTC-USD"])
    rows = store(home, [GaveUp(gap=gap.id, detail="they are gone")], [GaveUp(gap=99, detail="no such gap")])
    assert short(rows) == [("trade_id", 1, 4, 2, 2, "unrepairable")]
    assert rows[0]["detail"].endswith("they are gone")
    assert Reader(home).open_gaps("coinbase", ["BTC-USD"]) == []
    assert Reader(home).unmended("coinbase", "BTC-USD").tolist() == [[START_NS + SECOND, START_NS + 4 * SECOND]]
    assert short(store(home, [trade(2), trade(3)])) == [("trade_id", 1, 4, 2, 0, "repaired")]
    assert Reader(home).unmended("coinbase", "BTC-USD").size == 0


def test_ids_that_do_not_rise_by_one_tell_nothing(home: Home) -> None:
    assert store(home, [trade(i, venue="bitstamp") for i in (5, 9, 100)]) == []


def test_a_batch_that_fails_leaves_no_gap_and_no_memory_of_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        writer.append(source, [trade(1)])
        real = writer.ledger.write

        def broken(*args: Any) -> None:
            real(*args)
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(writer.ledger, "write", broken)
        with pytest.raises(TremorError):
            writer.append(source, [trade(5), lapse("silence", 5, 20), trade(9)])
        monkeypatch.undo()
        assert Reader(home).gaps().num_rows == 0
        assert writer.ledger.open("coinbase", "BTC-USD") == 0
        writer.append(source, [trade(2), trade(5)])
        assert writer.ledger.open("coinbase", "BTC-USD") == 1
    assert short(Reader(home).gaps().to_pylist()) == [("trade_id", 2, 5, 2, 2, "open")]


def test_a_session_ends_before_the_event_that_shows_a_gap(home: Home) -> None:
    def marks(after_seq: int = 0) -> list[int]:
        tape = Reader(home).tape("coinbase", "BTC-USD", after_seq=after_seq)
        return [] if tape.after_gap is None else tape.seq[tape.after_gap].tolist()

    store(home, [tick(1), trade(1), tick(2), trade(4), tick(5)], [tick(6), lapse("sequence", 6, 7), tick(7)])
    assert marks() == [4, 7]
    assert (marks(3), marks(4), marks(7)) == ([4, 7], [7], [])
    store(home, [trade(2), trade(3)])
    assert marks() == [4, 7], "a repair does not take back that a session ended"
    store(home, [tick(7), lapse("silence", 7, 17)], [tick(7), tick(30)], [lapse("silence", 7, 30), tick(31)])
    assert marks() == [4, 7, 10], "at the first event that is new; told again it stays there"


@pytest.fixture
def old_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A log as version 1 wrote it: trades 5, 6, 10, 11, 20 of BTC-USD and 1 of ETH-USD, one of Bitstamp with a jump."""
    home.data.mkdir(parents=True)
    connection = sqlite3.connect(home.ticks_db)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(TABLES)
    connection.execute("INSERT INTO sources VALUES (1, 'capture', 'x', '{}', 0)")
    connection.executemany(
        "INSERT INTO markets VALUES (?, ?, ?)",
        [(1, "coinbase", "BTC-USD"), (2, "coinbase", "ETH-USD"), (3, "bitstamp", "BTC-USD")],
    )
    rows = [(1, i) for i in (5, 6, 10, 11, 20)] + [(2, 1), (3, 7), (3, 70)]
    for seq, (market, number) in enumerate(rows, 1):
        connection.execute(
            "INSERT INTO events VALUES (?, 1, 1, ?, ?, NULL, 1, NULL, NULL, NULL, NULL, 1, 0, ?, ?)",
            (seq, market, START_NS + number * SECOND, number, bytes([seq]) * 16),
        )
    connection.execute(
        "INSERT INTO runs SELECT source, market, 0, count(*), min(seq), max(seq), min(exch_ts_ns), max(exch_ts_ns)"
        " FROM events GROUP BY source, market"
    )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    return home


def test_a_log_of_version_1_is_readable_and_gains_the_ledger_from_its_next_writer(old_home: Home) -> None:
    reader = Reader(old_home)
    assert reader.gaps().num_rows == 0
    assert len(reader.tape("coinbase", "BTC-USD")) == 5
    assert reader.trade_bounds("coinbase") == [("BTC-USD", 5, 20), ("ETH-USD", 1, 1)]
    assert (reader.open_gaps("coinbase", ["BTC-USD"]), reader.unmended("coinbase", "BTC-USD").size) == ([], 0)
    rows = store(old_home, [trade(i) for i in (7, 8, 9, 21)])
    assert short(rows) == [("trade_id", 6, 10, 3, 0, "repaired"), ("trade_id", 11, 20, 8, 8, "open")]
    assert (rows[0]["from_ns"], rows[0]["to_ns"]) == (START_NS + 6 * SECOND, START_NS + 10 * SECOND)
    assert reader.trade_bounds("coinbase") == [("BTC-USD", 5, 21), ("ETH-USD", 1, 1)]
    tape = reader.tape("coinbase", "BTC-USD")
    assert tape.after_gap is not None
    assert tape.seq[tape.after_gap].tolist() == [3, 5]
    with Writer(old_home) as writer:
        assert writer.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_long_tape_costs_the_ledger_little(home: Home) -> None:
    import time

    batches: list[list[Entry]] = [[trade(500 * i + j) for j in range(500)] for i in range(40)]
    with Writer(home) as writer:
        source = writer.source("capture", "x")
        started = time.process_time()
        for batch in batches:
            writer.append(source, batch)
        whole = time.process_time() - started
        started = time.process_time()
        for batch in batches:
            writer.ledger.read(batch)
        alone = time.process_time() - started
    assert alone < 0.5 * whole
