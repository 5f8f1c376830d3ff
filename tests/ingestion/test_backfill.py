"""Gaps of the trade tape are asked for by REST and closed; what cannot be had is shown as unrepairable."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from core.config import Home
from core.errors import MalformedFrame
from core.ingestion import feeds
from core.ingestion.capture import World
from core.ingestion.store import Reader

from .scripted import captured, forever, frame_of, send

PAGE = 4


class Past(BaseHTTPRequestHandler):
    """Every trade up to the one asked before, four a page; `fail` answers are errors first."""

    asked: list[str] = []
    page = PAGE
    fail = 0
    fail_after: int | None = None
    status = 503
    retry_after: str | None = None
    lost: frozenset[int] = frozenset()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if Past.fail > 0 or (Past.fail_after is not None and len(Past.asked) >= Past.fail_after):
            Past.fail -= 1
            self.send_response(Past.status)
            if Past.retry_after is not None:
                self.send_header("Retry-After", Past.retry_after)
            self.end_headers()
            return
        Past.asked.append(self.path)
        before = int(parse_qs(url.query)["after"][0])
        page = [i for i in range(before - 1, 0, -1) if i not in Past.lost][: Past.page]
        trades = [json.loads(frame_of("match", i)) for i in page]
        body = json.dumps(
            [{name: trade[name] for name in ("trade_id", "price", "size", "side", "time")} for trade in trades]
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def rest() -> Iterator[str]:
    Past.asked, Past.page, Past.lost = [], PAGE, frozenset()
    Past.fail, Past.fail_after, Past.status, Past.retry_after = 0, None, 503, None
    with HTTPServer(("127.0.0.1", 0), Past) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def with_a_hole(client: ServerConnection, number: int) -> None:
    await send(client, frame_of("match", 5), frame_of("match", 6), frame_of("match", 17), frame_of("match", 18))
    await forever(client)


def test_a_gap_is_paged_and_closed(home: Home, rest: str) -> None:
    fields, _, said = captured(home, with_a_hole, until=lambda f: f["stored"] == 14, rest_url=rest)
    assert (fields["stored"], fields["duplicates"], fields["backfilled"], fields["gaps_open"]) == (14, 0, 10, 0)
    assert max(word["gaps_open"] for word in said) == 1
    assert Past.asked == [f"/products/BTC-USD/trades?limit=1000&after={i}" for i in (17, 13, 9)]
    reader = Reader(home)
    (gap,) = reader.gaps().to_pylist()
    assert (gap["missing"], gap["still_missing"], gap["state"]) == (10, 0, "repaired")
    assert "no trade is missing; quotes in it are unknown" in gap["detail"]
    rows = {row["trade_id"]: row for row in reader.trade_table().to_pylist()}
    assert sorted(rows) == list(range(5, 19))
    assert {row["side"] for row in rows.values()} == {"buy"}, "REST tells the maker's side too"


def test_what_the_exchange_does_not_have_is_unrepairable(home: Home, rest: str) -> None:
    Past.lost = frozenset({9, 10})
    fields, _, _ = captured(home, with_a_hole, until=lambda f: f["stored"] == 12 and not f["gaps_open"], rest_url=rest)
    assert fields["gaps_open"] == 0
    assert [path.rpartition("=")[2] for path in Past.asked] == ["17", "13"], "12, 11, 8 and 7 came as one page"
    (gap,) = Reader(home).gaps().to_pylist()
    assert (gap["from_trade_id"], gap["to_trade_id"], gap["missing"], gap["still_missing"]) == (6, 17, 10, 2)
    assert gap["state"] == "unrepairable"
    assert "the exchange answered without 2 of its trades" in gap["detail"]


@pytest.mark.parametrize(("status", "header"), [(503, None), (429, "1"), (500, "soon")])
def test_an_exchange_that_cannot_answer_is_waited_for(home: Home, rest: str, status: int, header: str | None) -> None:
    Past.fail, Past.status, Past.retry_after = 12, status, header
    naptimes: list[float] = []

    async def nap(seconds: float) -> None:
        naptimes.append(seconds)
        await asyncio.sleep(0)

    world = World(sleep=nap, beat_s=0.02)
    fields, _, _ = captured(home, with_a_hole, until=lambda f: f["stored"] == 14, rest_url=rest, world=world)
    assert fields["gaps_open"] == 0
    waits = [seconds for seconds in naptimes if seconds > 0.1]
    assert len(waits) == 12, "once for each failure, however many there are"
    assert waits == [1.0] * 12 if header == "1" else min(waits) >= 0.25 and max(waits) > 2


def test_at_most_ten_requests_a_second(home: Home, rest: str) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("match", 1), frame_of("match", 82))
        await forever(client)

    started = time.monotonic()
    captured(home, play, until=lambda f: f["stored"] == 82, rest_url=rest)
    assert len(Past.asked) == 20
    assert time.monotonic() - started > 1.85, "the first is asked at once"


def test_a_restart_goes_on_where_it_was(home: Home, rest: str) -> None:
    Past.fail_after = 2
    captured(home, with_a_hole, until=lambda f: f["stored"] == 12, rest_url=rest)
    (gap,) = Reader(home).gaps().to_pylist()
    assert (gap["state"], gap["missing"], gap["still_missing"]) == ("open", 10, 2)
    Past.fail_after, Past.asked = None, []

    async def quiet(client: ServerConnection, number: int) -> None:
        await forever(client)

    fields, _, said = captured(home, quiet, until=lambda f: f["stored"] == 2, rest_url=rest)
    assert said[0]["gaps_open"] == 1, "known before anything comes"
    assert Past.asked == ["/products/BTC-USD/trades?limit=1000&after=9"]
    assert fields["gaps_open"] == 0
    assert Reader(home).gaps().to_pylist()[0]["state"] == "repaired"


def test_a_gap_too_large_to_ask_for_says_so(home: Home, rest: str) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("match", 1), frame_of("match", 60_000))
        await forever(client)

    captured(home, play, until=lambda f: f["stored"] == 2 and not f["gaps_open"], rest_url=rest)
    (gap,) = Reader(home).gaps().to_pylist()
    assert (gap["state"], gap["missing"], Past.asked) == ("unrepairable", 59_998, [])
    assert "59,998 trades are more than the 50,000 that are asked for" in gap["detail"]


@pytest.mark.parametrize("missing", [1, 10, 1_000, 25_000])
def test_gaps_of_all_sizes_are_found_and_repaired(home: Home, rest: str, missing: int) -> None:
    Past.page = 1_000

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("match", 5), frame_of("match", 6 + missing))
        await forever(client)

    fields, _, _ = captured(home, play, until=lambda f: f["stored"] == missing + 2, rest_url=rest, within_s=30)
    assert (fields["gaps_open"], fields["duplicates"]) == (0, 0)
    (gap,) = Reader(home).gaps().to_pylist()
    assert (gap["missing"], gap["still_missing"], gap["state"], gap["seen"]) == (missing, 0, "repaired", "trade_id")
    assert len(Past.asked) == -(-missing // 1_000)


def test_without_an_address_nothing_is_asked(home: Home) -> None:
    fields, _, _ = captured(home, with_a_hole, until=lambda f: f["stored"] == 4)
    assert (fields["gaps_open"], fields["backfilled"]) == (1, 0)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"message":"NotFound"}', b'[{"trade_id":"x"}]', b"[" * 100_000])
def test_an_answer_that_is_no_list_of_trades_is_malformed(body: bytes) -> None:
    feed = feeds.get("coinbase_exchange")
    assert isinstance(feed, feeds.Backfill)
    with pytest.raises(MalformedFrame):
        feed.parse_trades(body, "BTC-USD")
