"""The REST trades: paging, cursors, limits, refusals, and a gap filled to the trade."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from core.ingestion.values import e8, iso_ns, size_e8
from exchange import rest
from exchange.history import History
from exchange.server import serve
from exchange.simulator import Simulator
from exchange.tape import Match
from tests.exchange.client import START_NS, dial, receive, run, say


def match(trade_id: int) -> Match:
    return Match(START_NS + trade_id * 1_000, "BTC-USD", trade_id, trade_id, 9_100_000_000_000 + trade_id, 5, -1)


def history(n: int, keep: int = 100_000) -> History:
    held = History(keep)
    for trade_id in range(1, n + 1):
        held.add(match(trade_id))
    return held


def ids(held: History, **where: int) -> list[int]:
    return [m.trade_id for m in held.page(**{"limit": 3, **where})]


def test_pages_are_newest_first_and_between_the_cursors() -> None:
    held = history(10)
    assert ids(held) == [10, 9, 8]
    assert ids(held, after=8) == [7, 6, 5]
    assert ids(held, after=2) == [1]
    assert ids(held, after=1) == []
    assert ids(held, after=500) == [10, 9, 8]
    assert ids(held, before=8) == [10, 9]
    assert ids(held, before=2) == [10, 9, 8]
    assert ids(held, after=8, before=5) == [7, 6]
    assert ids(held, after=3, before=7) == []


def test_history_is_bounded_to_the_newest() -> None:
    held = history(1_000, keep=100)
    assert 100 <= len(held) <= 113
    assert ids(held, limit=1) == [1_000]
    assert ids(History()) == [] and History().last is None


def test_a_gap_is_walked_with_after_to_the_trade() -> None:
    async def story() -> None:
        async with serve(Simulator(("BTC-USD",), 0, START_NS), speed=1000) as exchange, dial(exchange.url) as ws:
            await say(ws, type="subscribe", product_ids=["BTC-USD"], channels=["matches"])
            got = await receive(ws, lambda f: len(f) > 1_500)
            tape = {f["trade_id"]: f for f in got if f["type"] == "match"}
            low, high = min(tape) + 3, max(tape) - 2
            filled: dict[int, dict[str, object]] = {}
            pages = 0
            async with httpx.AsyncClient(base_url=exchange.rest_url) as http:
                after = high
                while after > low + 1:
                    page = await http.get("/products/BTC-USD/trades", params={"limit": 400, "after": after})
                    assert page.status_code == 200
                    rows = page.json()
                    assert [r["trade_id"] for r in rows] == list(range(after - 1, after - 1 - len(rows), -1))
                    assert page.headers["CB-BEFORE"] == str(rows[0]["trade_id"])
                    filled |= {r["trade_id"]: r for r in rows if r["trade_id"] > low}
                    after = int(page.headers["CB-AFTER"])
                    pages += 1
            assert pages > 2
            assert sorted(filled) == list(range(low + 1, high))
            for trade_id, row in filled.items():
                assert row == {k: tape[trade_id][k] for k in ("trade_id", "side", "size", "price", "time")}
                assert iso_ns(str(row["time"])) and e8(str(row["price"])) and size_e8(str(row["size"]))

    run(story)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/products/FOO-USD/trades", 404),
        ("GET", "/products/BTC-USD", 404),
        ("GET", "/", 404),
        ("POST", "/products/BTC-USD/trades", 405),
        ("GET", "/products/BTC-USD/trades?limit=0", 400),
        ("GET", "/products/BTC-USD/trades?limit=-5", 400),
        ("GET", "/products/BTC-USD/trades?after=x", 400),
        ("GET", "/products/BTC-USD/trades?after=", 400),
    ],
)
def test_what_is_not_served_is_refused(method: str, target: str, status: int) -> None:
    answered = rest.answer(method, target, {"BTC-USD": history(5)})
    assert answered[0] == status
    if status == 404:
        assert answered[2] == b'{"message":"NotFound"}'


def test_a_page_holds_at_most_a_thousand_and_an_empty_one_has_no_cursors() -> None:
    histories = {"BTC-USD": history(3_000)}
    for target in ("/products/BTC-USD/trades", "/products/BTC-USD/trades?limit=5000"):
        status, cursors, body = rest.answer("GET", target, histories)
        assert (status, body.count(b"trade_id")) == (200, 1_000)
        assert cursors == {"CB-BEFORE": "3000", "CB-AFTER": "2001"}
    assert rest.answer("GET", "/products/BTC-USD/trades?after=1", histories) == (200, {}, b"[]")


@pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"\xff\xfe\r\n\r\n"])
def test_what_is_no_http_is_answered_and_closed(request_bytes: bytes) -> None:
    async def story() -> None:
        async with serve(Simulator(("BTC-USD",), 0, START_NS)) as exchange:
            reader, writer = await asyncio.open_connection("127.0.0.1", exchange.rest_port)
            writer.write(request_bytes)
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run(story)
