"""An exchange that does what a test tells it, and a capture run against it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from core.config import Home
from core.ingestion.capture import Asked, Capture, World

Play = Callable[[ServerConnection, int], Awaitable[None]]
"""What the exchange does on a connection, after its first message; the number counts connections from 0."""


def frame_of(kind: str, number: int, **given: Any) -> str:
    """A frame of Coinbase Exchange; `number` is its trade id and its millisecond."""
    time = f"2026-01-05T00:{number // 60_000 % 60:02d}:{number // 1000 % 60:02d}.{number % 1000:03d}Z"
    frame: dict[str, Any] = {"type": kind, "product_id": "BTC-USD", "time": time}
    if kind == "ticker":
        frame |= {"price": "85000.5", "best_bid": "85000", "best_ask": "85001", "side": "buy", "trade_id": number}
    elif kind in ("match", "last_match"):
        frame |= {"price": "85000.5", "size": "0.01", "side": "sell", "trade_id": number}
    else:
        frame |= {"last_trade_id": number, "sequence": number}
    return json.dumps(frame | given)


def subscriptions(*products: str) -> str:
    channels = [{"name": name, "product_ids": list(products)} for name in ("ticker", "matches", "heartbeat")]
    return json.dumps({"type": "subscriptions", "channels": channels})


def refusal(reason: str) -> str:
    return json.dumps({"type": "error", "message": "Failed to subscribe", "reason": reason})


class Exchange:
    """What the scripted exchange has seen."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[list[str]] = []

    @property
    def connections(self) -> int:
        return len(self.asked)


@asynccontextmanager
async def exchange(play: Play) -> AsyncIterator[Exchange]:
    """Serve `play` on the loopback interface."""
    seen = Exchange()

    async def serve_one(client: ServerConnection) -> None:
        try:
            seen.asked.append(json.loads(await client.recv()).get("product_ids", []))
            await play(client, seen.connections - 1)
        except ConnectionClosed:
            return

    async with serve(serve_one, "127.0.0.1", 0, compression=None, close_timeout=0.2) as server:
        seen.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen


def captured(
    home: Home,
    play: Play,
    *,
    until: Callable[[dict[str, Any]], bool] = lambda fields: False,
    products: tuple[str, ...] = ("BTC-USD",),
    world: World | None = None,
    rest_url: str | None = None,
    feed: str = "coinbase_exchange",
    within_s: float = 10.0,
) -> tuple[dict[str, Any], Exchange, list[dict[str, Any]]]:
    """Capture from `play` until the counters say so: the last counters, what was seen, and every word said."""
    said: list[dict[str, Any]] = []

    async def run() -> tuple[dict[str, Any], Exchange]:
        async with exchange(play) as seen:
            asked = Asked(feed, products, url=seen.url, rest_url=rest_url, seconds=within_s)

            def beat(progress: float | None, message: str, **fields: Any) -> None:
                said.append({**fields, "message": message, "connections": seen.connections})

            capture = Capture(home, asked, beat, world or World(beat_s=0.02))

            async def watch() -> None:
                while not (said and until(said[-1])):
                    await asyncio.sleep(0.01)
                capture.stop()

            watching = asyncio.create_task(watch())
            try:
                return await capture.run(), seen
            finally:
                watching.cancel()

    fields, seen = asyncio.run(run())
    return fields, seen, said


async def forever(client: ServerConnection) -> None:
    """Stay connected until the capture leaves."""
    await client.wait_closed()


async def send(client: ServerConnection, *frames: str | bytes) -> None:
    """Send text frames."""
    for frame in frames:
        await client.send(frame, text=True)


def adds_up(fields: dict[str, Any]) -> bool:
    """Whether everything received has a fate."""
    return fields["received"] == sum(fields[name] for name in ("stored", "duplicates", "quarantined", "shed"))
