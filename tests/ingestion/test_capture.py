"""Capture against a scripted exchange: what comes is stored, what breaks is mended, what is lost is counted."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from core.config import Home
from core.errors import SubscriptionRefused, TremorError
from core.ingestion.capture import Asked, Capture, World, capture, run
from core.ingestion.store import Reader
from core.ingestion.ticks import HEARTBEAT

from .scripted import adds_up, captured, exchange, forever, frame_of, refusal, send, subscriptions


async def naps(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


def test_what_comes_is_stored_once_with_both_clocks(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(
            client, subscriptions("BTC-USD"), frame_of("last_match", 1), frame_of("ticker", 1), frame_of("match", 2)
        )
        await send(client, frame_of("ticker", 2), frame_of("heartbeat", 2), frame_of("ticker", 2), frame_of("match", 2))
        await forever(client)

    before_ns = time.time_ns()
    fields, _, said = captured(home, play, until=lambda f: f["received"] == 6)
    assert [fields[name] for name in ("received", "stored", "duplicates", "heartbeats", "gaps_open")] == [6, 4, 2, 1, 0]
    assert (fields["venue"], fields["products"], fields["connected"]) == ("embedded", ["BTC-USD"], False)
    assert said[-1]["message"] == "receiving"
    assert said[-1]["lag_s"] is None, "January is too long ago to be a delay"
    assert said[-1]["ticks_per_s"] > 0 < said[-1]["trades_per_s"]
    assert all(adds_up(word) for word in said)
    rows = Reader(home).tick_table().to_pylist()
    assert [row["trade_id"] for row in rows] == [1, 2]
    assert all(before_ns < row["local_ts_ns"] <= time.time_ns() for row in rows)
    assert rows[0]["exch_ts_ns"] == 1_767_571_200_001_000_000
    assert [row["side"] for row in Reader(home).trade_table().to_pylist()] == ["buy", "buy"]
    assert HEARTBEAT in Reader(home).tape("embedded", "BTC-USD").kind


def test_bad_frames_go_to_quarantine_with_their_bytes(home: Home) -> None:
    wrong = [b"no json \x01", frame_of("ticker", 1, price="NaN").encode(), b'{"type":"surprise"}']

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("ticker", 1), *wrong, frame_of("ticker", 2))
        await client.send(b"\xff\xfe", text=False)
        await forever(client)

    fields, seen, _ = captured(home, play, until=lambda f: f["received"] == 6)
    assert (fields["stored"], fields["quarantined"], seen.connections) == (2, 4, 1)
    assert [bad.frame for bad in reversed(Reader(home).quarantine(9))] == [*wrong, b"\xff\xfe"]


@pytest.mark.parametrize("how", ["clean", "abrupt", "at once"])
def test_a_broken_connection_is_made_again_and_its_gap_counted(home: Home, how: str) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        if how == "at once" and number in (1, 2):
            return
        await send(client, frame_of("last_match", 10 * (number + 1)), frame_of("match", 10 * (number + 1) + 1))
        if number == 0:
            await asyncio.sleep(0.1)
            if how == "abrupt":
                client.transport.abort()
            return
        await forever(client)

    naptimes: list[float] = []

    async def nap(seconds: float) -> None:
        naptimes.append(seconds)
        await asyncio.sleep(0)

    world = World(sleep=nap, rng=random.Random(1), beat_s=0.02)
    again_and_fine: Callable[[dict[str, Any]], bool] = lambda f: f["received"] >= 4 and f["message"] == "receiving"  # noqa: E731
    fields, seen, _ = captured(home, play, until=again_and_fine, world=world)
    again = 3 if how == "at once" else 1
    assert (fields["stored"], fields["reconnects"], fields["gaps_open"], seen.connections) == (4, again, 1, again + 1)
    assert len(naptimes) == again
    assert all(0.25 <= nap <= 0.25 * 2 ** (i + 1) for i, nap in enumerate(naptimes))
    gap = Reader(home).gaps().to_pylist()[0]
    assert (gap["from_trade_id"], gap["to_trade_id"]) == (11, 10 * seen.connections)


def test_a_server_that_cannot_be_reached_is_asked_ever_more_rarely(home: Home) -> None:
    naptimes: list[float] = []
    words: list[str] = []

    async def nap(seconds: float) -> None:
        naptimes.append(seconds)
        await asyncio.sleep(0.001)

    def beat(progress: float | None, message: str, **fields: Any) -> None:
        words.append(message)

    world = World(sleep=nap, rng=random.Random(2), beat_s=0.02)
    with pytest.raises(TremorError, match=r"never reached in 0\.5 s at ws://127\.0\.0\.1:9: not connected \("):
        capture(home, Asked("coinbase_exchange", ("BTC-USD",), url="ws://127.0.0.1:9", seconds=0.5), beat, world)
    assert len(naptimes) > 10
    assert max(naptimes) <= 30.0
    assert min(naptimes) >= 0.25
    assert max(naptimes) > 10.0
    assert any("reconnecting, attempt" in word and "next in" in word for word in words)


def test_one_that_the_user_stops_before_it_connects_is_no_failure(home: Home) -> None:
    async def run() -> dict[str, Any]:
        capture = Capture(home, Asked("coinbase_exchange", ("BTC-USD",), url="ws://127.0.0.1:9"), beat, World())

        def stop(*_: object, **__: object) -> None:
            capture.stop()

        capture._beat = stop
        return await capture.run()

    def beat(*_: object, **__: object) -> None: ...

    assert asyncio.run(run())["received"] == 0


def test_silence_ends_a_connection(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, subscriptions("BTC-USD"), frame_of("match", number))
        await forever(client)

    world = World(sleep=lambda seconds: asyncio.sleep(0.1), silence_s=0.2, beat_s=0.02)
    fields, _, said = captured(home, play, until=lambda f: f["connections"] >= 3, world=world)
    assert fields["reconnects"] >= 2
    assert any(word["message"].startswith("no frame for") for word in said)


def test_a_connection_of_heartbeats_alone_is_left_and_what_it_missed_is_a_gap(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, subscriptions("BTC-USD"), frame_of("last_match", 1 + 40 * number))
        for i in range(1000 if number == 0 else 0):
            await send(client, frame_of("heartbeat", 1 + i))
            await asyncio.sleep(0.02)
        await forever(client)

    world = World(sleep=lambda seconds: asyncio.sleep(0.1), silence_s=0.3, beat_s=0.02)
    fields, _, said = captured(home, play, until=lambda f: f["stored"] == 2, world=world)
    assert fields["reconnects"] == 1
    assert any("heartbeats of BTC-USD name trade 2" in word["message"] for word in said)
    gaps = [row for row in Reader(home).gaps().to_pylist() if row["missing"]]
    assert {(row["seen"], row["from_trade_id"], row["to_trade_id"]) for row in gaps} == {
        ("heartbeat", 1, 41),
        ("downtime", 1, 41),
    }


def test_where_the_exchange_grants_no_trades_heartbeats_may_name_them(home: Home) -> None:
    """Else its ticks would be lost again and again for a tape that never comes."""

    async def play(client: ServerConnection, number: int) -> None:
        channels = [{"name": name, "product_ids": ["BTC-USD"]} for name in ("ticker", "heartbeat")]
        await send(client, json.dumps({"type": "subscriptions", "channels": channels}))
        for i in range(40):
            await send(client, frame_of("heartbeat", 1 + i), frame_of("ticker", 1 + i))
            await asyncio.sleep(0.01)
        await forever(client)

    world = World(sleep=naps, silence_s=0.15, beat_s=0.02)
    fields, seen, _ = captured(home, play, until=lambda f: f["stored"] == 40, world=world)
    assert (fields["stored"], seen.connections) == (40, 1)


def test_a_frame_too_long_to_receive_is_said_and_the_connection_made_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LONGEST_FRAME", 2_000)

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("ticker", number), *([b"A" * 5_000] if number == 0 else []))
        await forever(client)

    fields, seen, _ = captured(home, play, until=lambda f: f["received"] == 3)
    assert (fields["stored"], fields["quarantined"], seen.connections) == (2, 1, 2)
    (held,) = Reader(home).quarantine(9)
    assert held.frame == b""
    assert "not received" in held.reason and "5000" in held.reason


def test_a_refused_product_is_left_out_and_the_rest_goes_on(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, refusal("NO-PE is not a valid product"), subscriptions("BTC-USD"), frame_of("ticker", 1))
        await forever(client)

    fields, seen, said = captured(home, play, until=lambda f: f["stored"] == 1, products=("BTC-USD", "NO-PE"))
    assert (fields["products"], seen.connections) == (["BTC-USD"], 1)
    assert "NO-PE refused: Failed to subscribe: NO-PE is not a valid product" in said[-1]["message"]


def test_a_refusal_that_took_all_along_is_followed_by_asking_for_the_rest(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, refusal("NO-PE is not a valid product"))
        assert json.loads(await client.recv())["product_ids"] == ["BTC-USD"]
        await send(client, subscriptions("BTC-USD"), frame_of("ticker", 1))
        await forever(client)

    fields, seen, _ = captured(home, play, until=lambda f: f["stored"] == 1, products=("NO-PE", "BTC-USD"))
    assert (fields["stored"], seen.connections) == (1, 1)


def test_when_nothing_is_left_the_capture_ends_and_says_why(home: Home) -> None:
    seen = []

    async def play(client: ServerConnection, number: int) -> None:
        seen.append(number)
        await send(client, refusal("NO-PE is not a valid product"))
        await forever(client)

    with pytest.raises(SubscriptionRefused, match="NO-PE is not a valid product"):
        captured(home, play, products=("NO-PE",))
    assert seen == [0], "asked once, not over and over"


def test_a_refusal_that_will_pass_is_asked_again(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, refusal("Rate limit exceeded") if number < 2 else frame_of("ticker", 1))
        await forever(client)

    fields, seen, _ = captured(home, play, until=lambda f: f["stored"] == 1, world=World(sleep=naps, beat_s=0.02))
    assert (fields["reconnects"], seen.connections) == (2, 3)


def test_an_answer_that_leaves_a_channel_out_is_said(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        answer = {"type": "subscriptions", "channels": [{"name": "ticker", "product_ids": ["BTC-USD"]}]}
        await send(client, json.dumps(answer), frame_of("ticker", 1))
        await forever(client)

    _, _, said = captured(home, play, until=lambda f: f["stored"] == 1)
    assert "not sent by the exchange: BTC-USD matches" in said[-1]["message"]


def test_simulated_ticks_never_mix_with_real_ones(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("ticker", 1))
        await forever(client)

    captured(home, play, until=lambda f: f["stored"] == 1)
    assert [market.venue for market in Reader(home).markets()] == ["embedded"]

    async def run() -> dict[str, Any]:
        async with exchange(play) as seen:
            asked = Asked("coinbase_exchange", ("BTC-USD",), url=seen.url, seconds=1, venue="lab")
            return await Capture(home, asked, lambda *a, **k: None, World(beat_s=0.1)).run()

    assert asyncio.run(run())["stored"] == 1
    assert [market.venue for market in Reader(home).markets()] == ["embedded", "lab"]


def test_advanced_trade_is_captured_like_the_exchange(home: Home) -> None:
    def said(channel: str, **event: Any) -> str:
        frame = {"channel": channel, "timestamp": "2026-01-05T00:00:00.5Z", "sequence_num": 1, "events": [event]}
        return json.dumps(frame)

    ticker = {"product_id": "BTC-USD", "price": "85000.5", "best_bid": "85000", "best_ask": "85001"}
    trades = [json.loads(frame_of("match", i)) | {"trade_id": str(i), "side": "SELL"} for i in (3, 2)]

    async def play(client: ServerConnection, number: int) -> None:
        channels = [json.loads(await client.recv())["channel"] for _ in range(2)]
        assert channels == ["market_trades", "heartbeats"]
        await send(client, said("subscriptions", subscriptions={"ticker": ["BTC-USD"]}))
        await send(client, said("subscriptions", subscriptions={"ticker": ["BTC-USD"], "market_trades": ["BTC-USD"]}))
        await send(client, said("ticker", tickers=[ticker]), said("market_trades", trades=trades))
        await send(client, said("heartbeats", heartbeat_counter="7"), said("l2_data", updates=[]))
        await forever(client)

    def all_in(fields: dict[str, Any]) -> bool:
        return fields["received"] == 3 and fields["heartbeats"] == 1

    fields, _, words = captured(home, play, until=all_in, feed="coinbase_advanced")
    assert (fields["stored"], fields["quarantined"], words[-1]["message"]) == (3, 0, "receiving")
    assert [row["trade_id"] for row in Reader(home).trade_table().to_pylist()] == [2, 3]
