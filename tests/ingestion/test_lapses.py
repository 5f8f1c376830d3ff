"""When a capture does not listen, or is not told: all of it is in the gap ledger."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from core.config import Home
from core.ingestion.capture import World
from core.ingestion.capture.lapses import Lapses
from core.ingestion.store import Reader
from core.ingestion.ticks import Heartbeat, Tick, Trade
from tests.ingestion import victims

from .scripted import Play, adds_up, captured, exchange, forever, frame_of, send, subscriptions

SECOND = 10**9
BASE_NS = 1_767_571_200 * SECOND
"""The time of frame 0 of the scripted exchange; a frame's number is its millisecond."""
FAST = 100


def rows_of(home: Home) -> list[dict[str, Any]]:
    return Reader(home).gaps().to_pylist()


def stretch(row: dict[str, Any]) -> tuple[float, float]:
    return (row["from_ns"] - BASE_NS) / SECOND, (row["to_ns"] - BASE_NS) / SECOND


def fast_world() -> World:
    """A clock that runs a hundred times as fast; looked at once a second of it."""
    begun = time.monotonic()
    return World(
        monotonic=lambda: begun + (time.monotonic() - begun) * FAST,
        sleep=lambda seconds: asyncio.sleep(seconds / FAST),
        beat_s=1 / FAST,
    )


def tick(at: int, product: str = "BTC-USD") -> Tick:
    return Tick(venue="v", product=product, price=1, exch_ts_ns=at)


def trade(at: int) -> Trade:
    return Trade(venue="v", product="BTC-USD", price=1, size=1, trade_id=at, exch_ts_ns=at)


def test_downtime_ends_with_the_first_event_that_is_not_the_last_trade_again() -> None:
    lapses = Lapses("v", ["BTC-USD", "ETH-USD"], True, {"BTC-USD": 100})
    assert lapses.before(tick(150, "ETH-USD")) == []
    (first,) = lapses.before(trade(99))
    assert (first.seen, first.from_ns, first.to_ns) == ("downtime", 100, 100)
    (second,) = lapses.before(tick(200))
    assert (second.from_ns, second.to_ns, second.detail) == (100, 200, "no capture ran")
    assert lapses.before(tick(201)) == []


def test_a_heartbeat_of_the_whole_connection_counts_for_every_product() -> None:
    lapses = Lapses("v", ["A", "B"], True, {})
    beat = Heartbeat(venue="v", product=None, exch_ts_ns=50)
    assert lapses.before(beat) == []
    lapses.lost("it ended")
    said = lapses.before(Heartbeat(venue="v", product=None, exch_ts_ns=60))
    assert [(one.product, one.from_ns, one.to_ns) for one in said] == [("A", 50, 60), ("B", 50, 60)]


def test_a_jump_of_the_message_number_is_a_lapse_and_nothing_else_is() -> None:
    lapses = Lapses("v", ["A"], True, {})
    lapses.before(tick(1, "A"))
    for number in (5, 6, 6, 4, None, 90, 91):
        lapses.numbered(number)
        assert lapses.before(tick(2, "A")) == []
    lapses.numbered(94)
    (said,) = lapses.before(tick(3, "A"))
    assert (said.seen, said.detail) == ("sequence", "2 messages of the connection did not come (92 to 93)")
    lapses.connected()
    lapses.numbered(0)
    assert lapses.before(tick(4, "A")) == []


def test_a_connection_that_is_lost_is_downtime_and_its_jump_is_in_the_same_row(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        if number == 0:
            await send(client, subscriptions("BTC-USD"), frame_of("match", 1), frame_of("ticker", 2))
            return
        await send(client, frame_of("last_match", 5), frame_of("ticker", 4000))
        await forever(client)

    world = World(sleep=lambda seconds: asyncio.sleep(0.01), beat_s=0.02)
    fields, _, said = captured(home, play, until=lambda f: f["stored"] == 4, world=world)
    (row,) = rows_of(home)
    assert (row["seen"], row["missing"], row["state"], stretch(row)) == ("downtime", 3, "open", (0.002, 4.0))
    assert row["detail"].startswith("the connection was lost: ")
    assert fields["gaps_open"] == 1
    assert all(adds_up(word) for word in said)


def test_silence_is_in_the_ledger_within_ten_seconds_though_nothing_comes_again(home: Home) -> None:
    found_s: list[float] = []

    async def play(client: ServerConnection, number: int) -> None:
        if number == 0:
            await send(client, frame_of("match", 1), frame_of("ticker", 2))
            begun = time.monotonic()
            while not rows_of(home) and time.monotonic() - begun < 2:
                await asyncio.sleep(0.001)
            found_s.append((time.monotonic() - begun) * FAST)
        await forever(client)

    captured(home, play, until=lambda f: bool(found_s), world=fast_world())
    (row,) = rows_of(home)
    assert (row["seen"], row["from_trade_id"], row["to_trade_id"]) == ("silence", 1, None)
    assert stretch(row) == (0.002, 8.502)
    # 10 s of the fast clock, and 80 ms of the machine's for the way to the disk and back
    assert 8.5 <= found_s[0] < 10 + 0.08 * FAST


def test_when_it_speaks_again_the_silence_ends_there(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        if number == 0:
            await send(client, frame_of("match", 1), frame_of("ticker", 2))
        else:
            await send(client, frame_of("last_match", 1), frame_of("ticker", 20_000))
        await forever(client)

    captured(home, play, until=lambda f: f["received"] == 4, world=fast_world())
    (row,) = rows_of(home)
    assert (row["seen"], row["missing"], row["state"], stretch(row)) == ("silence", 0, "repaired", (0.002, 20.0))


def test_heartbeats_that_tell_of_trades_which_do_not_come_are_a_gap_within_two_of_them(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("match", 1), frame_of("heartbeat", 1))
        await send(client, *[frame_of("heartbeat", i * 1000, last_trade_id=1 + 2 * i) for i in range(1, 11)])
        await forever(client)

    captured(home, play, until=lambda f: f["heartbeats"] == 11)
    (row,) = rows_of(home)
    assert (row["seen"], row["from_trade_id"], row["to_trade_id"], row["missing"]) == ("heartbeat", 1, 20, 18)
    assert stretch(row) == (0.001, 10.0)
    tape = Reader(home).tape("embedded", "BTC-USD")
    assert tape.after_gap is not None
    assert ((tape.ts_ns[tape.after_gap] - BASE_NS) / SECOND).tolist() == [2.0], "the second heartbeat showed it"


def test_a_lost_message_of_a_numbered_connection_is_a_gap(home: Home) -> None:
    def said(number: int, channel: str, at: int, **event: Any) -> str:
        when = json.loads(frame_of("ticker", at))["time"]
        return json.dumps({"channel": channel, "timestamp": when, "sequence_num": number, "events": [event]})

    quote = {"product_id": "BTC-USD", "price": "85000.5", "best_bid": "85000", "best_ask": "85001"}
    one = json.loads(frame_of("match", 7)) | {"trade_id": "7", "side": "SELL"}

    async def play(client: ServerConnection, number: int) -> None:
        for _ in range(2):
            await client.recv()
        await send(client, said(0, "subscriptions", 0, subscriptions={"ticker": ["BTC-USD"]}))
        await send(client, said(1, "market_trades", 7, trades=[one]), "no json", said(3, "ticker", 10, tickers=[quote]))
        await send(client, said(5, "ticker", 20, tickers=[quote]), said(6, "ticker", 30, tickers=[quote]))
        await forever(client)

    fields, _, _ = captured(home, play, until=lambda f: f["received"] == 5, feed="coinbase_advanced")
    (row,) = rows_of(home)
    assert (fields["quarantined"], row["seen"], stretch(row)) == (1, "sequence", (0.01, 0.02))
    assert row["detail"] == "1 messages of the connection did not come (4 to 4)"


def test_between_two_captures_every_second_is_downtime(home: Home) -> None:
    def playing(first: int, ends: int) -> Play:
        async def play(client: ServerConnection, number: int) -> None:
            await send(client, frame_of("last_match", first), frame_of("ticker", first + 10))
            await send(client, frame_of("heartbeat", ends))
            await forever(client)

        return play

    for play in (playing(1, 3_000), playing(60_000, 62_000)):
        captured(home, play, until=lambda f: f["heartbeats"] == 1 and f["stored"] == 2)
    (row,) = rows_of(home)
    assert (row["seen"], stretch(row), row["missing"]) == ("downtime", (3.0, 60.01), 59_998)
    assert row["detail"] == "no capture ran"


def test_a_kill_leaves_its_downtime_in_the_ledger_to_the_second(home: Home) -> None:
    """The capture's last stored event before the kill, and the first one after it, bound the row."""
    context = multiprocessing.get_context("forkserver")
    begun = time.monotonic()

    async def play(client: ServerConnection, number: int) -> None:
        await client.send(subscriptions("BTC-USD"))
        while True:
            now = round((time.monotonic() - begun) * 1000) + 1
            await send(client, frame_of("match", now), frame_of("ticker", now), frame_of("heartbeat", now))
            await asyncio.sleep(0.02)

    async def killed_and_started_again() -> list[tuple[int, int]]:
        bounds = []
        async with exchange(play) as seen:
            for run in range(3):
                process = context.Process(target=victims.run_capture, args=(home.root, seen.url, "http://127.0.0.1:9"))
                process.start()
                before = last_ns(home)
                while not last_ns(home) > before + SECOND // 5:
                    await asyncio.sleep(0.01)
                process.kill()
                await asyncio.to_thread(process.join, 10)
                bounds.append((run, last_ns(home)))
                await asyncio.sleep(0.4)
        return bounds

    bounds = asyncio.run(killed_and_started_again())
    down = [row for row in rows_of(home) if row["seen"] == "downtime"]
    assert [row["from_ns"] for row in down] == [end for _, end in bounds[:2]]
    ticks = [row["exch_ts_ns"] for row in Reader(home).tick_table().to_pylist()]
    for row in down:
        after = min(ts for ts in ticks if ts > row["from_ns"])
        assert after - SECOND // 20 <= row["to_ns"] <= after
        assert row["to_ns"] - row["from_ns"] > 0.4 * SECOND


def last_ns(home: Home) -> int:
    return max((market.last_ns for market in Reader(home).markets()), default=0)


@pytest.mark.parametrize("count", [200])
def test_many_disconnects_leave_nothing_uncounted(home: Home, count: int) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("last_match", number + 1), frame_of("ticker", number + 1))
        if number >= count:
            await forever(client)

    world = World(sleep=lambda seconds: asyncio.sleep(0), beat_s=0.02)
    fields, seen, said = captured(home, play, until=lambda f: f["received"] == 2 * count + 2, world=world, within_s=60)
    assert (fields["stored"], fields["gaps_open"], seen.connections) == (2 * count + 2, 0, count + 1)
    assert all(adds_up(word) for word in said)
    rows = rows_of(home)
    assert (len(rows), {row["state"] for row in rows}) == (count, {"repaired"})
