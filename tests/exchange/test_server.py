"""The server as a client meets it."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from core.errors import BadInput, Busy
from core.ingestion.feeds import coinbase_exchange
from core.ingestion.ticks import Heartbeat, Tick, Trade
from exchange.clock import MarketClock
from exchange.server import serve
from exchange.simulator import Simulator
from exchange.tape import SECOND_NS
from tests.exchange.client import START_NS, dial, receive, run, say

ALL = ["ticker", "matches", "heartbeat"]


def btc(*more: str) -> Simulator:
    return Simulator(("BTC-USD", *more), 0, START_NS)


def types(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["type"] for frame in frames]


def test_subscribe_brings_the_answer_the_present_state_and_then_the_tape() -> None:
    async def story() -> None:
        async with serve(btc("ETH-USD"), speed=200) as exchange, dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD", "ETH-USD"], channels=ALL)
            got = await receive(ws, lambda f: types(f).count("heartbeat") > 40)
            assert got[0]["type"] == "subscriptions"
            assert types(got[1:5]) == ["ticker", "ticker", "last_match", "last_match"]
            assert {f["product_id"] for f in got[3:5]} == {"BTC-USD", "ETH-USD"}
            assert types(got).count("last_match") == 2
            for product in ("BTC-USD", "ETH-USD"):
                mine = [f for f in got if f.get("product_id") == product]
                ids = [f["trade_id"] for f in mine if f["type"] in ("match", "last_match")]
                assert ids == list(range(ids[0], ids[0] + len(ids)))
                assert len(ids) > 20
                beats = [f["time"] for f in mine if f["type"] == "heartbeat"]
                assert beats == sorted(set(beats)) and all(b.endswith(".000000Z") for b in beats)

    run(story)


def test_the_feed_reads_every_frame() -> None:
    async def story() -> None:
        async with serve(btc(), speed=500) as exchange, dial(exchange.url) as ws:
            await ws.send(coinbase_exchange.subscribe(["BTC-USD"])[0].decode())
            kinds: dict[type, int] = {}
            for _ in range(600):
                for event in coinbase_exchange.parse((await ws.recv(decode=False)), 1):
                    kinds[type(event)] = kinds.get(type(event), 0) + 1
                    if isinstance(event, Tick | Trade):
                        assert event.side in (1, -1)
                    if isinstance(event, Heartbeat):
                        assert event.last_trade_id is not None
            assert min(kinds[Tick], kinds[Trade], kinds[Heartbeat]) > 30

    run(story)


def test_all_connections_see_the_same_tape_and_a_reconnect_repeats_the_last_trade() -> None:
    async def story() -> None:
        async with serve(btc(), speed=100) as exchange:
            seen: list[dict[int, Any]] = []
            async with dial(exchange.url) as a, dial(exchange.url) as b:
                for ws in (a, b):
                    await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["matches"])
                for ws in (a, b):
                    got = await receive(ws, lambda f: types(f).count("match") > 60)
                    seen.append({f["trade_id"]: f["price"] for f in got if f["type"] == "match"})
                assert exchange.clients == 2
            common = seen[0].keys() & seen[1].keys()
            assert len(common) > 30 and all(seen[0][k] == seen[1][k] for k in common)
            async with dial(exchange.url) as again:
                await say(again, type="subscribe", product_ids=["BTC-USD"], channels=["matches"])
                got = await receive(again, lambda f: "match" in types(f))
                assert types(got)[:2] == ["subscriptions", "last_match"]
                assert got[1]["trade_id"] >= max(common)
                assert got[2]["trade_id"] == got[1]["trade_id"] + 1

    run(story)


def test_who_does_not_subscribe_in_time_is_disconnected_with_the_reason() -> None:
    async def story() -> None:
        async with serve(btc(), subscribe_within_s=0.15) as exchange:
            async with dial(exchange.url) as ws:
                await say(ws, type="subscribe", product_ids=["FOO-USD"], channels=ALL)  # an error is no subscription
                assert json.loads(await ws.recv())["type"] == "error"
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(ws.recv(), 5)
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "no subscribe within 0.15 seconds")
            async with dial(exchange.url) as ws:
                await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["ticker"])
                await say(ws, type="unsubscribe", channels=["ticker"])
                await asyncio.sleep(0.3)
                await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["heartbeat"])
                assert "heartbeat" in types(await receive(ws, lambda f: "heartbeat" in types(f)))

    run(story)


def test_bad_messages_are_answered_and_the_connection_lives_on() -> None:
    async def story() -> None:
        async with serve(btc(), speed=50) as exchange, dial(exchange.url) as ws:
            for bad in ("{", "[]", b"\x00\xff", '{"type":"subscribe","channels":5}'):
                await ws.send(bad)
                assert json.loads(await ws.recv())["type"] == "error"
            await say(ws, type="subscribe", product_ids=["BTC-USD", "NO-NO"], channels=["heartbeat"])
            got = await receive(ws, lambda f: "heartbeat" in types(f))
            assert types(got)[:2] == ["error", "subscriptions"]

    run(story)


def test_unsubscribe_silences_the_channel() -> None:
    async def story() -> None:
        async with serve(btc(), speed=100) as exchange, dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
            await receive(ws, lambda f: len(f) > 30)
            await say(ws, type="unsubscribe", product_ids=["BTC-USD"], channels=["ticker", "matches"])
            await receive(ws, lambda f: f != [] and f[-1]["type"] == "subscriptions")
            after = await receive(ws, lambda f: len(f) > 30)
            assert set(types(after)) == {"heartbeat"}

    run(story)


def test_a_slow_reader_is_cut_off_and_the_others_are_served() -> None:
    async def story() -> None:
        async with serve(btc(), speed=1000, max_buffer=200_000) as exchange:
            reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port, limit=1_024)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            text = json.dumps({"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ALL}).encode()
            writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # and never reads again
            async with dial(exchange.url) as ws, asyncio.timeout(20):
                await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["heartbeat"])
                while exchange.dropped_readers == 0:
                    await ws.recv()
                await receive(ws, lambda f: len(f) > 5)
                assert exchange.clients == 1
            writer.close()

    run(story)


def test_market_time_is_paced_and_never_ahead_of_the_wall() -> None:
    now = {"wall": 1_000 * SECOND_NS, "steady": 0}
    clock = MarketClock(400 * SECOND_NS, 60, lambda: now["wall"], lambda: now["steady"])

    def later(seconds: float) -> float:
        now["wall"] += int(seconds * SECOND_NS)
        now["steady"] += int(seconds * SECOND_NS)
        return clock.now_ns() / SECOND_NS

    assert later(5) == 700
    assert later(5) == 1_000
    assert later(5) == 1_015  # caught up: 1x from here on
    assert later(0.5) == 1_015.5


def test_a_recording_of_days_to_come_is_paced_without_the_wall() -> None:
    clock = MarketClock(5_000, 2, lambda: 1_000, iter([0, 100]).__next__)
    assert clock.now_ns() == 5_200


def test_a_port_in_use_is_one_clear_sentence() -> None:
    async def story(option: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            chosen = {"port": port} if option == "--port" else {"rest_port": port}
            with pytest.raises(Busy, match=f"{port} on 127.0.0.1 is in use.*{option}"):
                async with serve(btc(), **chosen):
                    pass

    for option in ("--port", "--rest-port"):
        asyncio.run(story(option))


@pytest.mark.parametrize("speed", [0, 0.5, 1001, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    async def story() -> None:
        with pytest.raises(BadInput, match="1 to 1000"):
            async with serve(btc(), speed=speed):
                pass

    run(story)
