"""A recording comes again as it was: its ticks, its trades, its silences."""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import BadInput
from core.ingestion import recordings
from core.ingestion.feeds import coinbase_exchange
from core.ingestion.ticks import Tick, Trade
from exchange import wire
from exchange.replay import Recording
from exchange.server import serve
from exchange.tape import SECOND_NS, Beat, Match, Ticker
from tests.exchange.client import START_NS, dial, receive, run, say

MS = 1_000_000


def recording(folder: Path, rows: list[tuple[int, float, float, float]], **more: list[float]) -> Path:
    path = folder / "ticks.parquet"
    ts, price, bid, ask = zip(*rows)
    columns = {"local_ts_ns": [START_NS + t for t in ts], "price": price, "bid": bid, "ask": ask, **more}
    pq.write_table(pa.table(columns), path)
    return path


ROWS = [
    (0, 100.0, 99.99, 100.0),
    (300 * MS, 100.0, 99.99, 100.0),
    (1_200 * MS, 100.02, 100.01, 100.02),
    (1_300 * MS, 100.02, 100.02, 100.03),
    (2_500 * MS, 100.005, 100.0, 100.01),
]


def test_a_price_that_changes_becomes_a_match_with_the_next_id(tmp_path: Path) -> None:
    events = list(islice(Recording(recording(tmp_path, ROWS)).events(), 12))
    matches = [e for e in events if isinstance(e, Match)]
    assert [(m.trade_id, m.price, -m.maker_side) for m in matches] == [
        (1, 10_000_000_000, 1),
        (2, 10_002_000_000, 1),
        (3, 10_000_500_000, -1),
    ]
    assert [e.trade_id for e in events if isinstance(e, Ticker)] == [1, 1, 2, 2, 3]
    assert all(e.ts_ns % SECOND_NS == 0 for e in events if isinstance(e, Beat))
    assert [type(e).__name__ for e in events] == [
        "Match", "Ticker", "Ticker", "Beat", "Match", "Ticker", "Ticker", "Beat", "Match", "Ticker", "Beat", "Beat",
    ]  # fmt: skip


def test_sizes_are_replayed_where_there_are_any_and_left_out_where_not(tmp_path: Path) -> None:
    bare = next(e for e in Recording(recording(tmp_path, ROWS)).events() if isinstance(e, Ticker))
    assert "best_bid_size" not in json.loads(wire.ticker(bare))
    sized = recording(tmp_path, ROWS, bid_size=[0.5] * 5, ask_size=[0.00000001] * 5)
    frame = json.loads(wire.ticker(next(e for e in Recording(sized).events() if isinstance(e, Ticker))))
    assert (frame["best_bid_size"], frame["best_ask_size"]) == ("0.50000000", "0.00000001")


def test_no_heartbeat_vouches_for_a_long_silence_and_they_go_on_after_the_end(tmp_path: Path) -> None:
    rows = [*ROWS, (2_500 * MS + 12 * SECOND_NS, 100.0, 99.99, 100.0)]
    events = list(islice(Recording(recording(tmp_path, rows)).events(), 30))
    beats = [(e.ts_ns - START_NS) // SECOND_NS for e in events if isinstance(e, Beat)]
    assert beats[:4] == [1, 2, 15, 16]
    assert beats == [1, 2, *range(15, 15 + len(beats) - 2)]


def test_the_server_jumps_over_a_long_silence(tmp_path: Path) -> None:
    rows = [*ROWS, (4_000 * SECOND_NS, 101.0, 100.99, 101.0), (4_001 * SECOND_NS, 102.0, 101.99, 102.0)]

    async def story() -> None:
        started = time.monotonic()
        async with serve(Recording(recording(tmp_path, rows)), speed=20) as exchange, dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["ticker"])
            got = await receive(ws, lambda f: f != [] and f[-1].get("price") == "102.00")
            assert got[-1]["time"] == wire.iso(START_NS + 4_001 * SECOND_NS)
        assert time.monotonic() - started < 5

    run(story)


def test_a_recorded_session_gives_back_its_trades(tmp_path: Path) -> None:
    lines = [
        (
            '{"type":"match","trade_id":7,"side":"buy","size":"0.5","price":"100.1","product_id":"ETH-USD","sequence":1,'
            '"time":"2026-01-05T00:00:00.500000Z"}'
        ),
        (
            '{"type":"ticker","sequence":2,"product_id":"ETH-USD","price":"100.1","best_bid":"100.1","best_ask":"100.2",'
            '"side":"sell","time":"2026-01-05T00:00:00.500000Z","trade_id":7,"last_size":"0.5"}'
        ),
        (
            '{"type":"last_match","trade_id":7,"side":"buy","size":"0.5","price":"100.1","product_id":"ETH-USD",'
            '"sequence":1,"time":"2026-01-05T00:00:00.500000Z"}'
        ),
        (
            '{"type":"match","trade_id":9,"side":"sell","size":"0.25","price":"100.2","product_id":"ETH-USD","sequence":3,'
            '"time":"2026-01-05T00:00:00.700000Z"}'
        ),
    ]
    path = tmp_path / "session.ndjson"
    path.write_text("\n".join(lines) + "\n")
    source = Recording(path)
    assert source.products == ("ETH-USD",)
    matches = [e for e in islice(source.events(), 6) if isinstance(e, Match)]
    assert [(m.trade_id, m.size, m.maker_side) for m in matches] == [(7, 50_000_000, 1), (9, 25_000_000, -1)]


@pytest.mark.parametrize("name", ["btcusd_ticks_2025-12.parquet", "ticks_BTCUSD_20251201_000100.ndjson.gz"])
def test_the_replay_of_a_real_recording_has_its_ticks(shared: Path, name: str) -> None:
    """As they went in, but for the receipt time, which a frame carries as the exchange's."""
    path = shared / name
    recorded = [e for batch in recordings.read(path) for e in batch.events if isinstance(e, Tick)]
    replayed = [e for e in islice(Recording(path).events(), 3 * len(recorded)) if isinstance(e, Ticker | Match)]
    ticks: list[Tick] = []
    trades: list[Trade] = []
    for event in replayed[:20_000]:
        (parsed,) = coinbase_exchange.parse(wire.ticker(event) if isinstance(event, Ticker) else wire.match(event))
        (ticks if isinstance(parsed, Tick) else trades).append(parsed)  # type: ignore[arg-type]
    assert sum(isinstance(e, Ticker) for e in replayed) == len(recorded)
    for tick, original in zip(ticks, recorded):
        assert (tick.price, tick.bid, tick.ask) == (original.price, original.bid, original.ask)
        assert (tick.bid_size, tick.ask_size) == (original.bid_size, original.ask_size)
        assert tick.exch_ts_ns == (original.exch_ts_ns or original.local_ts_ns)
    assert [t.trade_id for t in trades] == list(range(1, len(trades) + 1))


def test_a_file_that_cannot_be_replayed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no recording"):
        Recording(tmp_path / "nothing.parquet")
    path = tmp_path / "reference.parquet"
    pq.write_table(pa.table({"exch_ts_ns": [START_NS], "price": [1.0]}), path)
    with pytest.raises(BadInput, match="bid and ask"):
        Recording(path)
