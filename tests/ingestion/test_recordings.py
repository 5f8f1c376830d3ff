"""Recordings of any layout: liberal in how they are laid out, strict in what they say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, MalformedFrame
from core.ingestion.recordings import lines, read
from core.ingestion.recordings.frames import understand
from core.ingestion.store import Quarantined, digest
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade

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


AN_EXCHANGE, AN_ADVANCED = json.dumps(EXCHANGE), json.dumps(ADVANCED)
LINES = [
    ("an Exchange frame", json.dumps(EXCHANGE), at(TICK, exch_ts_ns=NS)),
    ("an Advanced frame", json.dumps(ADVANCED), at(SIZED, exch_ts_ns=NS)),
    ("a ticker object with a naive receipt time", json.dumps(WRAPPED), at(SIZED, local_ts_ns=NS)),
    (
        "an Exchange frame in a wrapper",
        json.dumps({"recv_ts": NS, "frame": EXCHANGE}),
        at(TICK, exch_ts_ns=NS, local_ts_ns=NS),
    ),
    (
        "a frame as text in a wrapper",
        json.dumps({"ts": 1764547260.677453, "data": AN_ADVANCED}),
        at(SIZED, exch_ts_ns=NS, local_ts_ns=NS),
    ),
    ("receipt in ns, then the frame", f"{NS} {AN_EXCHANGE}", at(TICK, exch_ts_ns=NS, local_ts_ns=NS)),
    ("receipt in s, then the frame", f"1764547260.677453: {AN_EXCHANGE}", at(TICK, exch_ts_ns=NS, local_ts_ns=NS)),
    (
        "a session object",
        json.dumps({"t": "recv", "ts": 1764547260.677453, "data": AN_ADVANCED}),
        at(SIZED, exch_ts_ns=NS, local_ts_ns=NS),
    ),
    (
        "a flat row",
        json.dumps({"ts": NS // 1000, "bid": 85804.79, "ask": "85804.8", "last": 85797.69, "x": []}),
        at(TICK, local_ts_ns=NS),
    ),
    (
        "a flat ticker with its recorder's clock",
        json.dumps({**ADVANCED_TICKER, "timestamp": "2025-12-01T00:01:00.677453Z"}),
        at(SIZED, local_ts_ns=NS),
    ),
]


@pytest.mark.parametrize(("line", "expected"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_lines_of_every_kind(line: str, expected: Tick) -> None:
    assert understand(line.encode()) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "wss://ws-feed.pro.coinbase.com <-> 1618677816.8434298",
        'wss://ws-feed.pro.coinbase.com <- 1618677817.020616: {"type":"subscribe","channels":["level2"]}',
        '{"t":"header","format":2,"exchange":"COINBASE"}',
        '{"t":"http","conn":"x","ts":1.5,"url":"https://api.coinbase.com","data":"[]"}',
        '{"t":"send","conn":"x","ts":1.5,"addr":"wss://x","data":"{}"}',
        '{"t":"connect","conn":"x","ts":1.5,"addr":"wss://x"}',
    ],
)
def test_lines_that_say_nothing_of_a_market(line: str) -> None:
    assert understand(line.encode()) == []


@given(
    line=st.one_of(st.binary(max_size=120), st.sampled_from([case[1] for case in LINES]).map(str.encode)),
    at=st.integers(0, 400),
    put=st.binary(max_size=4),
)
@settings(max_examples=500)
def test_any_line_is_understood_or_malformed(line: bytes, at: int, put: bytes) -> None:
    mutated = line[:at] + put + line[at + len(put) :]
    try:
        events = understand(mutated)
    except MalformedFrame as refused:
        said = str(refused)
        events = []
        assert 0 < len(said) < 400, said
    for event in events:
        if isinstance(event, Tick | Trade | Heartbeat):
            assert len(digest(event)) == 16


@pytest.mark.parametrize(
    "pack",
    [
        lambda b: b,
        gzip.compress,
        lambda b: zstandard.compress(b),
        lambda b: gzip.compress(b[:300]) + gzip.compress(b[300:]),
    ],
    ids=["plain", "gzip", "zstd", "joined gzip"],
)
def test_packing_is_told_by_content(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    content = b"\xef\xbb\xbf" + ndjson(EXCHANGE, ADVANCED, WRAPPED) + b"\r\n\n" + ndjson(EXCHANGE).rstrip()
    events, bad = both(written(tmp_path, pack(content), "anything.dat"))
    assert events == [
        at(TICK, exch_ts_ns=NS),
        at(SIZED, exch_ts_ns=NS),
        at(SIZED, local_ts_ns=NS),
        at(TICK, exch_ts_ns=NS),
    ]
    assert bad == []


def test_bad_lines_are_kept_and_the_rest_is_read(tmp_path: Path) -> None:
    wrong = [b'{"type":"ticker"}', b"\xff\xfe", b'{"type":"match","size":"0.-10000"}', b"[" * 5000]
    content = ndjson(EXCHANGE) + b"\n".join(wrong) + b"\n" + ndjson(ADVANCED)
    events, bad = both(written(tmp_path, content))
    assert len(events) == 2
    assert [frame.frame for frame in bad] == wrong
    assert all(frame.reason for frame in bad)


def test_a_file_cut_inside_its_packing_gives_what_there_is(tmp_path: Path) -> None:
    rows = [{**EXCHANGE, "price": f"{i}.5"} for i in range(20_000)]
    packed = gzip.compress(ndjson(*rows))
    events, bad = both(written(tmp_path, packed[: len(packed) // 2]))
    assert 1_000 < len(events) < 20_000
    assert 1 <= len(bad) <= 2
    assert "packing" in bad[-1].reason


def test_a_line_too_long_is_cut_and_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 3_000_000)
    content = ndjson(EXCHANGE) + b'{"type":"ticker","x":"' + b"a" * 4_000_000 + b'"}\n' + ndjson(ADVANCED)
    events, bad = both(written(tmp_path, content))
    assert len(events) == 2
    assert len(bad) == 1
    assert len(bad[0].frame) == lines.KEPT_OF_LONG


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_not_unpacked(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_FREE", 1024 * 1024)
    bomb = pack(ndjson(EXCHANGE) * 20 + b" " * 30_000_000)
    with pytest.raises(BadInput, match="more than 300 times its size"):
        both(written(tmp_path, bomb))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04abc", "zip archive"),
        (b"PAR1 but no parquet", "no readable Parquet"),
        (b"\x1f\x8b not gzip", "no readable"),
        (b"hello\nworld\n", "no readable tick"),
        (b"a,b\n1,2\n", "no readable tick"),
        (b"time,colour\n1,red\n", "columns time, colour"),
        (b"timestamp,price\n1,x\n", "no readable tick"),
        (b"\x00" * 5000, "no readable tick"),
    ],
)
def test_what_is_no_recording_is_said_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        both(written(tmp_path, content, "notes.txt"))
    assert "\n" not in str(caught.value)
    assert "notes.txt" in str(caught.value)


def test_a_large_file_that_is_no_recording_is_given_up_early(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="in 1,000 lines"):
        both(written(tmp_path, b"nothing here\n" * 100_000))


COUNTS: Sequence[tuple[str, int, int]] = (
    ("btcusd_ticks_2025-12.parquet", 73_643, 0),
    ("btcusd_ticks_2026-04.parquet", 17_471, 0),
    ("btcusd_1hz_2026-06-08.parquet", 84_558, 0),
    ("ticks_BTCUSD_20251201_000100.ndjson.gz", 6_738, 0),
    ("coinbase_advanced_btcusd_2026-04-04_15min.ndjson.gz", 3_108, 0),
    ("coinbase_advanced_session_2026-08-09_25s.jsonl.zst", 160, 279),
    ("coinbase_exchange_session_2021-04-17.txt.gz", 107, 107),
    ("binance_spot_btcusdt_2024-08-08.txt.gz", 28_040, 9_757),
    ("kraken_v1_session.jsonl.zst", 18, 0),
    ("bitstamp_session.jsonl.zst", 0, 10),
)


@pytest.mark.parametrize(("name", "ticks", "trades"), COUNTS, ids=[case[0] for case in COUNTS])
def test_real_recordings_are_read_whole(shared: Path, name: str, ticks: int, trades: int) -> None:
    events, bad = both(shared / name)
    assert bad == []
    assert sum(isinstance(event, Tick) for event in events) == ticks
    assert sum(isinstance(event, Trade) for event in events) == trades


def test_trades_of_a_real_session_take_from_the_side_of_the_book_they_hit(shared: Path) -> None:
    """The maker's side is flipped: takers buy near the ask and sell near the bid."""
    events, _ = both(shared / "coinbase_advanced_session_2026-08-09_25s.jsonl.zst")
    quotes: dict[str, Tick] = {}
    right = wrong = 0
    for event in events:
        if isinstance(event, Tick):
            quotes[event.product] = event
        elif isinstance(event, Trade) and (quote := quotes.get(event.product)) and quote.bid and quote.ask:
            above = 2 * event.price > quote.bid + quote.ask
            right, wrong = right + (above == (event.side > 0)), wrong + (above != (event.side > 0))
    assert right > 20 * wrong > 0
