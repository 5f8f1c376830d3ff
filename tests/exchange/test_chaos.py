"""Faults by plan: each does what it says, and the same plan does the same again."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from itertools import islice
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from core.errors import MalformedFrame
from core.ingestion.feeds import coinbase_exchange
from exchange.chaos import KINDS, Chaos, Fault, Kind, Plan, drawn, hostile
from exchange.server import serve
from exchange.simulator import Simulator
from exchange.tape import SECOND_NS, Beat, Event, Match

from .client import START_NS, dial, receive, run, say

ALL = ["ticker", "matches", "heartbeat"]
EVENTS = list(islice(Simulator(("BTC-USD",), 0, START_NS).events(), 400))


def sent(*faults: Fault, seed: int = 0, events: list[Event] = EVENTS) -> list[bytes]:
    """What goes out over the wire under these faults."""
    chaos, out = Chaos(Plan(faults, seed)), []
    for event in events:
        chaos.due(event)
        out += [frame for _, frame in chaos.frames(chaos.shifted(event), ("c", event.product))]
    return out


CLEAN = sent()


def test_a_plan_is_drawn_from_its_seed_and_has_every_kind() -> None:
    assert drawn(5) == drawn(5) != drawn(6)
    assert {fault.kind for fault in drawn(1).faults} == set(KINDS)
    assert [f.frame for f in drawn(1).faults] == sorted(f.frame for f in drawn(1).faults)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_plan_plays_the_same(seed: int) -> None:
    faults = drawn(seed, frames=400).faults
    assert sent(*faults, seed=seed) == sent(*faults, seed=seed)


def test_no_fault_changes_nothing_and_a_moment_can_be_a_time() -> None:
    assert len(CLEAN) == len(EVENTS)
    at_frame, at_time = sent(Fault("lose", frame=100)), sent(Fault("lose", ns=EVENTS[100].ts_ns))
    assert len(at_frame) == len(at_time) == len(CLEAN) - 1


def test_lost_trades_leave_a_hole_and_the_rest() -> None:
    ids = [e.trade_id for e in EVENTS if isinstance(e, Match)]
    left = [f["trade_id"] for f in map(json.loads, sent(Fault("lose", frame=100, n=10))) if f["type"] == "match"]
    assert len(left) == len(ids) - 10
    missing = sorted(set(ids) - set(left))
    assert missing == list(range(missing[0], missing[0] + 10))


def test_duplicates_are_the_same_bytes_again() -> None:
    out = sent(Fault("duplicate", frame=0, n=300, share=0.5))
    assert 100 < len(out) - len(CLEAN) < 200
    assert set(out) == set(CLEAN)


def test_reordered_descending_and_burst_frames_are_all_there() -> None:
    for kind in ("reorder", "descending", "burst"):
        out = sent(Fault(kind, frame=100, n=50))  # type: ignore[arg-type]
        assert sorted(out) == sorted(CLEAN)
        assert out[:100] == CLEAN[:100] and out[150:] == CLEAN[150:]
        assert (out == CLEAN) is (kind == "burst")
    assert sent(Fault("descending", frame=100, n=50))[100:150] == CLEAN[100:150][::-1]


def test_a_changed_schema_keeps_what_is_known_and_quarantines_what_is_renamed() -> None:
    out = sent(Fault("schema", frame=0, n=30))
    renamed = [frame for frame in out if b'"px"' in frame]
    assert len(renamed) == 10
    for frame in renamed:
        with pytest.raises(MalformedFrame):
            coinbase_exchange.parse(frame, 1)
    assert (
        sum(b"new_field" in frame and bool(coinbase_exchange.parse(frame, 1)) for frame in set(out) - set(renamed))
        == 20
    )


def test_the_exchanges_clock_jumps_for_good() -> None:
    out = [json.loads(frame)["time"] for frame in sent(Fault("clock", frame=100, seconds=3600.0))]
    clean = [json.loads(frame)["time"] for frame in CLEAN]
    assert out[:99] == clean[:99]
    assert all(a[:10] == b[:10] and int(a[11:13]) == int(b[11:13]) + 1 for a, b in zip(out[101:], clean[101:]))


def test_hostile_frames_come_between_the_others() -> None:
    out = sent(Fault("hostile", frame=10, n=40), seed=3)
    assert len(out) == len(CLEAN) + 40
    assert [frame for frame in out if frame not in set(CLEAN)] != []


@pytest.mark.parametrize("name", hostile.NAMES)
def test_no_feed_takes_a_hostile_frame(name: str) -> None:
    for seed in range(30 if name not in ("over-long", "200,000 brackets") else 3):
        with pytest.raises(MalformedFrame):
            coinbase_exchange.parse(hostile.of_kind(name, seed), 1)


def served(faults: list[Fault], story: Any, speed: float = 100) -> None:
    async def play() -> None:
        chaos = Chaos(Plan(tuple(faults)))
        async with serve(Simulator(["BTC-USD"], 0, START_NS), speed=speed, chaos=chaos) as exchange:
            await story(exchange)

    run(play)


def test_connections_are_cut_and_new_ones_served() -> None:
    async def story(exchange: Any) -> None:
        async with dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
            with pytest.raises(ConnectionClosed):
                await receive(ws, lambda _: False)
        async with dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
            assert len(await receive(ws, lambda f: len(f) > 50)) > 50
        assert exchange.connections == 2

    served([Fault("drop", frame=300)], story)


@pytest.mark.parametrize("kind", ["half_open", "silence", "heartbeat_only"])
def test_a_dead_connection_stays_open_and_says_nothing_more(kind: Kind) -> None:
    async def story(exchange: Any) -> None:
        async with dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
            frames: list[dict[str, Any]] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(1.5):
                    while True:
                        frames.append(json.loads(await ws.recv()))
            assert len(frames) > 10
            beats = [frame["type"] == "heartbeat" for frame in frames[-20:]]
            assert all(beats) is (kind == "heartbeat_only")
            async with dial(exchange.url) as other:
                await say(other, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
                await receive(other, lambda f: len(f) > 50)
            ws.transport.abort()

    served([Fault(kind, frame=300, seconds=30)], story)


def test_a_silence_ends() -> None:
    async def story(exchange: Any) -> None:
        async with dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=ALL)
            began = time.monotonic()
            while time.monotonic() < began + 3:
                before = time.monotonic()
                await ws.recv()
                if time.monotonic() - before > 0.4:
                    return
            pytest.fail("there was no silence")

    served([Fault("silence", frame=300, seconds=0.5)], story)


def test_what_is_said_to_a_slow_server_is_heard_late() -> None:
    async def story(exchange: Any) -> None:
        async with dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["heartbeat"])
            await receive(ws, lambda f: len(f) > 60)
            began = time.monotonic()
            await say(ws, type="unsubscribe", product_ids=["BTC-USD"], channels=["heartbeat"])
            await receive(ws, lambda f: f != [] and f[-1]["type"] == "subscriptions")
            assert time.monotonic() - began > 0.3

    served([Fault("slow", ns=START_NS + 60 * SECOND_NS, seconds=1.0)], story)


def test_rest_is_refused_as_often_as_planned() -> None:
    async def story(exchange: Any) -> None:
        async with httpx.AsyncClient(base_url=exchange.rest_url) as client, asyncio.timeout(10):
            while not exchange.market_time_ns > START_NS + 10 * SECOND_NS:
                await asyncio.sleep(0.01)
            answers = [await client.get("/products/BTC-USD/trades") for _ in range(4)]
        assert [a.status_code for a in answers[:2]] == [429, 429]
        assert answers[0].headers["Retry-After"] == "1"
        assert answers[2].status_code in (500, 502, 503)
        assert answers[3].status_code == 200

    served([Fault("rest_429", frame=5, n=2), Fault("rest_5xx", frame=6)], story)


def test_heartbeats_of_the_lost_name_them() -> None:
    out = sent(Fault("lose", frame=0, n=10**6))
    assert not any(b'"match"' in frame for frame in out)
    beats = [event for event in EVENTS if isinstance(event, Beat)]
    assert json.loads(out[-1] if b"heartbeat" in out[-1] else CLEAN[-1])
    assert any(f'"last_trade_id":{beats[-1].last_trade_id}'.encode() in frame for frame in out)
