"""Frames made beforehand and sent by a process of their own, so that the sender is not what is measured."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from exchange import wire
from exchange.chaos import hostile
from exchange.simulator import Simulator
from exchange.tape import Match, Ticker

CHUNK = 65_536
MOST_WAITING = 4 * 1024 * 1024
STEP_S = 0.002
START_NS = 1_767_571_200_000_000_000


def frames(n: int, seed: int = 0) -> list[bytes]:
    """The first `n` tickers and matches of the simulator as Coinbase's JSON."""
    found = []
    for event in Simulator(("BTC-USD",), seed, START_NS).events():
        if isinstance(event, Match):
            found.append(wire.match(event))
        elif isinstance(event, Ticker):
            found.append(wire.ticker(event))
        if len(found) == n:
            break
    return found


def framed(payload: bytes) -> bytes:
    """A payload as a server's text frame on the wire."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


@contextmanager
def load(n: int) -> Iterator[str]:
    """A server of the first `n` frames in a process of its own; gives its address.

    The path says what is sent on a connection, once, after its first message: `/flat/COUNT` as fast as it is taken, in
    large writes; `/sent/COUNT` the same by the `send` of an ordinary `websockets` server, a frame a time;
    `/paced/RATE/SECONDS`; `/hostile/COUNT/SEED`.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, n), daemon=True)
    process.start()
    try:
        if not here.poll(120):
            raise TimeoutError("the load server did not come up in 120 s")
        yield f"ws://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join(10)


def _serve(pipe: Any, n: int) -> None:
    asyncio.run(_serving(pipe, n))


async def _serving(pipe: Any, n: int) -> None:
    plain = frames(n)
    ready = [framed(frame) for frame in plain]

    async def play(client: ServerConnection) -> None:
        try:
            await client.recv()
            await _send(client, plain, ready)
            await client.wait_closed()
        except ConnectionClosed:
            return

    async with serve(play, "127.0.0.1", 0, compression=None, close_timeout=0.2, ping_interval=None) as server:
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()


async def _send(client: ServerConnection, plain: list[bytes], ready: list[bytes]) -> None:
    assert client.request is not None
    _, kind, *given = client.request.path.split("/")
    if kind == "paced":
        rate, seconds = int(given[0]), float(given[1])
        began, sent, total = time.monotonic(), 0, int(rate * seconds)
        while sent < total:
            due = min(int((time.monotonic() - began) * rate), total)
            if due > sent:
                client.transport.write(b"".join(ready[sent:due]))
                sent = due
            await asyncio.sleep(STEP_S)
        return
    if kind == "sent":
        for payload in plain[: int(given[0])]:
            await client.send(payload, text=True)
        return
    if kind == "flat":
        chosen: Iterator[bytes] = iter(ready[: int(given[0])])
    else:
        chosen = (framed(frame) for frame in islice(hostile.frames(int(given[1])), int(given[0])))
    waiting = bytearray()
    for frame in chosen:
        waiting += frame
        if len(waiting) > CHUNK:
            client.transport.write(bytes(waiting))
            waiting.clear()
            while client.transport.get_write_buffer_size() > MOST_WAITING:
                await asyncio.sleep(STEP_S)
    client.transport.write(bytes(waiting))
