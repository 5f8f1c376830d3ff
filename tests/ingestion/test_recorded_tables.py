"""Recorded tables, CSV and Parquet: liberal in how they are laid out, strict in what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import BadInput, MalformedFrame
from core.ingestion.recordings import read
from core.ingestion.recordings.rows import Columns, amount, time_ns
from core.ingestion.store import Quarantined
from core.ingestion.ticks import E8, Stored, Tick, Trade

NS = 1_764_547_260_677_453_000  # 2025-12-01T00:01:00.677453Z
TICKER = {"type": "ticker", "product_id": "BTC-USD", "price": "85797.69", "best_bid": "85804.79", "best_ask": "85804.8"}
ADVANCED_TICKER = {**TICKER, "best_bid_quantity": "0.29161775", "best_ask_quantity": "0.000013"}
EXCHANGE = {**TICKER, "time": "2025-12-01T00:01:00.677453Z"}
ADVANCED = {"channel": "ticker", "timestamp": "2025-12-01T00:01:00.677453Z", "events": [{"tickers": [ADVANCED_TICKER]}]}
WRAPPED = {
    "timestamp": "2025-12-01T00:01:00.677453",
    "product_id": "BTC-USD",
    "price": "85797.69",
    "raw": ADVANCED_TICKER,
}
TICK = Tick(venue="coinbase", product="BTC-USD", price=8579769000000, bid=8580479000000, ask=8580480000000)
SIZED = msgspec.structs.replace(TICK, bid_size=29161775, ask_size=1300)


def both(path: Path, **options: Any) -> tuple[list[Stored], list[Quarantined]]:
    batches = list(read(path, **options))
    return [event for batch in batches for event in batch.events], [bad for batch in batches for bad in batch.bad]


def written(folder: Path, content: bytes, name: str = "recording") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def at(tick: Tick, **times: int) -> Tick:
    return msgspec.structs.replace(tick, **times)


def ndjson(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


CSVS = [
    "local_ts_ns,price,bid,ask\n1764547260677453000,85797.69,85804.79,85804.8\n",
    "ask;colour;bid;Timestamp;last_price\n85804.80;red;85804.79;2025-12-01 00:01:00.677453;85797.69\n",
    "ts\tprice\tbest_bid\tbest_ask\n1764547260.677453\t85797.690000000\t8.580479e4\t85804.8\n",
    '"timestamp","product","price","bid","ask"\r\n"2025-12-01T01:01:00.677453+01:00","BTC-USD","85797.69","85804.79","85804.8"\r\n',
    "ts_us,price,bid,ask,side,exchange\n1764547260677453,85797.69,85804.79,85804.80,,coinbase\n",
]


@pytest.mark.parametrize("content", CSVS)
def test_csv_in_any_layout(tmp_path: Path, content: str) -> None:
    assert both(written(tmp_path, content.encode())) == ([at(TICK, local_ts_ns=NS)], [])


def test_csv_rows_are_strict(tmp_path: Path) -> None:
    bad_rows = [
        "nan,1",
        "2025-12-01T00:00:00Z,1_000",
        "2025-12-01T00:00:00Z,\uff11",
        "2025-12-01T00:00:00Z,1e999",
        "0001-01-01T00:00:00Z,1",
        "2025-12-01T00:00:00Z,1,2",
    ]
    content = "\n".join(["timestamp,price", "2025-12-01T00:00:00Z,63304.20030119507", *bad_rows]) + "\n"
    events, bad = both(written(tmp_path, content.encode()))
    assert [event.price for event in events if isinstance(event, Tick)] == [6330420030120]
    assert [frame.frame.decode() for frame in bad] == bad_rows


def test_venue_and_product_of_a_table(tmp_path: Path) -> None:
    quoted = written(tmp_path, b"ts,price,bid,ask\n1764547260,1,1,2\n", "quoted")
    bare = written(tmp_path, b"ts,price\n1764547260,1\n", "bare")
    names = [(event.venue, event.product) for path in (quoted, bare) for event in both(path)[0]]
    assert names == [("coinbase", "BTC-USD"), ("reference", "BTC-USD")]
    given = both(bare, venue="oracle", product="ETH-USD")[0][0]
    assert (given.venue, given.product) == ("oracle", "ETH-USD")
    assert both(written(tmp_path, ndjson(EXCHANGE), "frames"), venue="embedded")[0][0].venue == "embedded"
    with pytest.raises(BadInput, match="cannot name a venue"):
        both(bare, venue="a b")


def parquet(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "table"
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_with_either_clock_and_missing_values(tmp_path: Path) -> None:
    whole = pa.int64()
    columns = {
        "session": [1, 1, 1],
        "exch_ts_ns": pa.array([NS, None, None], whole),
        "local_ts_ns": pa.array([None, NS, None], whole),
        "price": [85797.69, 85797.69, 1.0],
        "bid": [85804.79, 85804.79, None],
        "ask": [85804.8, 85804.8, float("nan")],
        "side": ["buy", None, "sell"],
        "trade_id": pa.array([7, None, None], whole),
    }
    path = parquet(tmp_path, columns)
    events, bad = both(path)
    assert events == [msgspec.structs.replace(TICK, exch_ts_ns=NS, side=1, trade_id=7), at(TICK, local_ts_ns=NS)]
    assert [frame.reason for frame in bad] == ["the row has no time"]


def test_parquet_with_timestamps_texts_and_trades(tmp_path: Path) -> None:
    columns = {
        "time": pa.array([NS // 1000], pa.timestamp("us")),
        "price": ["85797.69"],
        "bid": ["85804.79"],
        "ask": ["85804.8"],
    }
    assert both(parquet(tmp_path, columns))[0] == [at(TICK, exch_ts_ns=NS)]
    columns = {
        "exch_ts_ns": [NS],
        "local_ts_ns": [NS],
        "price": [1.5],
        "size": [0.25],
        "side": ["sell"],
        "trade_id": [9],
        "venue": ["x"],
        "product": ["A-B"],
    }
    assert both(parquet(tmp_path, columns))[0] == [
        Trade(
            venue="x",
            product="A-B",
            price=E8 * 3 // 2,
            size=E8 // 4,
            trade_id=9,
            side=-1,
            exch_ts_ns=NS,
            local_ts_ns=NS,
        )
    ]


def test_parquet_is_bounded_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 1000), pa.array(["x" * 100_000]))
    with pytest.raises(BadInput, match="100,000 bytes"):
        both(parquet(tmp_path, {"ts": [NS] * 1000, "price": [1.0] * 1000, "side": long}))
    monkeypatch.setattr("core.ingestion.store.parquet.MOST_ROWS", 10)
    with pytest.raises(BadInput, match="11 rows"):
        both(parquet(tmp_path, {"ts": [NS] * 11, "price": [1.0] * 11}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NS, NS),
        (NS // 1000, NS),
        (1764547260677, 1764547260677000000),
        (1764547260, 1764547260 * 10**9),
        (1764547260.677453, NS),
        ("1764547260.677453", NS),
        ("2025-12-01T00:01:00.677453Z", NS),
        ("2025-12-01 00:01:00.677453", NS),
        ("2025-12-01T01:01:00.677453+0100", NS),
        ("2025-11-30T19:01:00.677453-05:00", NS),
        ("2025-12-01 00:01:00.677453 UTC", NS),
    ],
)
def test_times_in_every_unit(value: Any, expected: int) -> None:
    assert time_ns(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        True,
        "nan",
        "1_000",
        "tomorrow",
        "",
        -5,
        1e300,
        "9" * 50,
        [],
        {},
        "2025-12-01T00:01:00+99:00",
        "1e9999",
        "\u0661",
    ],
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(MalformedFrame):
        time_ns(value)


@pytest.mark.parametrize("value", [True, "nan", "1_000", "", "1e999", float("inf"), 10**12, [], {}, "\uff11"])
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(MalformedFrame):
        amount(value)


def test_a_unit_in_the_name_counts() -> None:
    columns = Columns(["ts_ms", "price"])
    assert columns.event({"ts_ms": "5", "price": 1}, None, None).local_ts_ns == 5_000_000
