"""A client's view of the embedded exchange, on the loopback interface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from exchange.tape import SECOND_NS

START_NS = 1_767_571_200 * SECOND_NS  # 2026-01-05


def dial(url: str) -> AbstractAsyncContextManager[ClientConnection]:
    return connect(url, compression=None, max_queue=None)


async def receive(ws: ClientConnection, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Frames until `enough` says so; fails after 10 s."""
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not enough(frames):
            frames.append(json.loads(await ws.recv()))
    return frames


async def say(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())
