"""Gaps of the trade tape are asked for by REST and closed; what cannot be had stays in the ledger."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from core.config import Home
from core.errors import MalformedFrame
from core.ingestion import feeds
from core.ingestion.store import Reader

from .scripted import captured, forever, frame_of, send

PAGE = 4


class Past(BaseHTTPRequestHandler):
    """Trades 1 to 99, four a page; `fail` answers are errors first."""

    asked: list[str] = []
    fail = 0
    lost: frozenset[int] = frozenset()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        Past.asked.append(self.path)
        if Past.fail > 0:
            Past.fail -= 1
            self.send_error(503)
            return
        before = int(parse_qs(url.query)["after"][0])
        page = [i for i in range(before - 1, 0, -1) if i not in Past.lost][:PAGE]
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
    Past.asked, Past.fail, Past.lost = [], 0, frozenset()
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
    assert reader.gaps().num_rows == 0
    rows = {row["trade_id"]: row for row in reader.trade_table().to_pylist()}
    assert sorted(rows) == list(range(5, 19))
    assert {row["side"] for row in rows.values()} == {"buy"}, "REST tells the maker's side too"


def test_what_the_exchange_does_not_have_stays_open(home: Home, rest: str) -> None:
    Past.lost = frozenset({9, 10})
    fields, _, _ = captured(
        home, with_a_hole, until=lambda f: f["stored"] == 12 and len(Past.asked) == 3, rest_url=rest
    )
    assert fields["gaps_open"] == 1
    assert [path.rpartition("=")[2] for path in Past.asked] == ["17", "13", "11"]
    (gap,) = Reader(home).gaps().to_pylist()
    assert (gap["from_trade_id"], gap["to_trade_id"], gap["missing"]) == (8, 11, 2)


def test_an_answer_that_fails_is_asked_again(home: Home, rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ingestion.capture.backfill.AGAIN_S", 0.05)
    Past.fail = 2
    fields, _, _ = captured(home, with_a_hole, until=lambda f: f["stored"] == 14, rest_url=rest)
    assert fields["gaps_open"] == 0


def test_without_an_address_nothing_is_asked(home: Home) -> None:
    fields, _, _ = captured(home, with_a_hole, until=lambda f: f["stored"] == 4)
    assert (fields["gaps_open"], fields["backfilled"]) == (1, 0)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"message":"NotFound"}', b'[{"trade_id":"x"}]', b"[" * 100_000])
def test_an_answer_that_is_no_list_of_trades_is_malformed(body: bytes) -> None:
    feed = feeds.get("coinbase_exchange")
    assert isinstance(feed, feeds.Backfill)
    with pytest.raises(MalformedFrame):
        feed.parse_trades(body, "BTC-USD")
