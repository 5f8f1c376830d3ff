"""The watchdog, without a socket and with one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from core.config import Home
from core.ingestion.capture import World
from core.ingestion.capture.watch import Watchdog
from core.ingestion.store import Reader
from core.ingestion.ticks import Heartbeat, Trade

from .scripted import captured, forever, send


def wrong(dog: Watchdog, now_s: float) -> str | None:
    return dog.silent(now_s) or dog.hollow(now_s)


def beat(last: int | None, product: str | None = "P") -> Heartbeat:
    return Heartbeat(venue="v", product=product, exch_ts_ns=1, last_trade_id=last)


def trade(number: int) -> Trade:
    return Trade(venue="v", product="P", price=1, size=1, trade_id=number, exch_ts_ns=1)


def test_silence_is_found_after_its_time() -> None:
    dog = Watchdog(8)
    dog.connected(100)
    assert wrong(dog, 108) is None
    assert wrong(dog, 108.5) == "no frame for 8 s"
    dog.heard(108.5)
    assert wrong(dog, 116) is None


def test_heartbeats_that_run_ahead_of_the_trades_are_found() -> None:
    dog = Watchdog(8)
    dog.connected(0)
    dog.said(trade(5), 0)
    for second in range(1, 12):
        dog.heard(second)
        dog.said(beat(5 + second), second)
        assert (wrong(dog, second) is not None) is (second > 9)
    assert wrong(dog, 11) == "heartbeats of P name trade 6, which did not come in 10 s"
    dog.connected(12)
    assert wrong(dog, 13) is None


def test_a_quiet_market_and_a_lagging_one_are_well() -> None:
    dog = Watchdog(8)
    dog.connected(0)
    dog.said(beat(5), 0)
    for second in range(60):
        dog.heard(second)
        dog.said(beat(5), second)
        dog.said(beat(None), second)
        dog.said(beat(9, None), second)
        assert wrong(dog, second) is None
    for second in range(60, 120):
        dog.heard(second)
        dog.said(beat(second), second)
        dog.said(trade(second - 3), second)
        assert wrong(dog, second) is None


def test_where_heartbeats_name_no_trade_silence_of_data_is_found_ever_later() -> None:
    dog = Watchdog(8, quiet_s=30)
    dog.connected(0)
    found = []
    for second in range(1, 3_000):
        dog.heard(second)
        dog.said(beat(None, None), second)
        assert wrong(dog, second) is None
        if (quiet_s := dog.barren(second)) is not None:
            found.append(quiet_s)
            dog.connected(second)
    assert found == [31, 61, 121, 241, 481, 901, 901]
    dog.data(3_000)
    assert dog.barren(3_480) is None


def test_data_of_any_product_is_life_and_an_hour_forgets_findings() -> None:
    dog = Watchdog(8, quiet_s=30)
    dog.connected(0)
    assert dog.barren(31) == 31
    for second in range(31, 4_000, 29):
        dog.data(second)
        assert dog.barren(second + 29) is None
    dog.data(4_000)
    assert dog.barren(4_031) == 31
    without = Watchdog(8)
    without.connected(0)
    assert without.barren(10**6) is None


ADVANCED = {
    "data": {
        "channel": "ticker", "timestamp": "2026-01-05T00:00:00.5Z", "sequence_num": 1, "events": [{"tickers": [
            {"product_id": "BTC-USD", "price": "85000.5", "best_bid": "85000", "best_ask": "85001"}
        ]}],
    },
    "beat": {
        "channel": "heartbeats", "timestamp": "2026-01-05T00:00:01.5Z", "sequence_num": 2,
        "events": [{"heartbeat_counter": 7}],
    },
}  # fmt: skip
KRAKEN_V2 = {
    "data": {"channel": "trade", "type": "update", "data": [
        {
            "symbol": "BTC/USD", "side": "buy", "price": 85000.5, "qty": 0.1, "trade_id": 5,
            "timestamp": "2026-01-05T00:00:00.5Z",
        }
    ]},
    "beat": {"channel": "heartbeat"},
}  # fmt: skip
BITSTAMP = {
    "data": {"event": "trade", "channel": "live_trades_btcusd", "data": {
        "id": 9, "price_str": "85000.5", "amount_str": "0.1", "microtimestamp": "1767571200500000", "type": 0,
    }},
    "beat": {"event": "bts:heartbeat", "channel": "", "data": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "frames"), [("coinbase_advanced", ADVANCED), ("kraken_v2", KRAKEN_V2), ("bitstamp", BITSTAMP)]
)
def test_heartbeats_that_name_no_trade_do_not_vouch_for_long(home: Home, feed: str, frames: dict[str, Any]) -> None:
    """Signs of life alone: the connection is left, and what it may have missed begins after the last data."""

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, json.dumps(frames["data"]))
        for _ in range(1000 if number == 0 else 0):
            await send(client, json.dumps(frames["beat"]))
            await asyncio.sleep(0.02)
        await forever(client)

    world = World(sleep=lambda seconds: asyncio.sleep(0.1), silence_s=5, quiet_s=0.3, beat_s=0.02)
    fields, seen, said = captured(home, play, until=lambda f: f["reconnects"] == 1, feed=feed, world=world)
    assert seen.connections >= 1 and fields["heartbeats"] >= 1
    assert any("signs of life and no tick or trade for" in word["message"] for word in said)
    (gap,) = [row for row in Reader(home).gaps().to_pylist() if row["seen"] == "silence"]
    assert gap["from_ns"] == 1_767_571_200_500_000_000, "the data's time, not that of the last heartbeat"
    assert gap["to_ns"] >= gap["from_ns"] + 300_000_000
