"""The embedded exchange: a WebSocket server with Coinbase Exchange's protocol, and its REST trades beside it.

The tape starts with the server, not with a connection: all clients see the same market at the same market time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from core.errors import BadInput, Busy
from exchange import rest, wire
from exchange.chaos import Chaos
from exchange.clock import MarketClock
from exchange.history import KEEP, History
from exchange.protocol import Desk
from exchange.tape import SECOND_NS, Event, Match, Source, Ticker

HOST = "127.0.0.1"
MAX_SPEED = 1_000.0
SUBSCRIBE_WITHIN_S = 5.0
"""Coinbase's rule: who has not subscribed by then is disconnected."""
MAX_BUFFER = 16 * 1024 * 1024
"""Bytes that may wait for one client before it counts as a slow reader and is cut off."""
SKIP_SILENCE_NS = 30 * SECOND_NS
MAX_MESSAGE = 65_536
_log = logging.getLogger("exchange.connections")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # whoever knocks without a handshake is no error of ours, and worth no traceback
_SLICE_S = 0.01
_LONGEST_NAP_S = 0.25
_SHORTEST_NAP_S = 0.002


class Exchange:
    """A running exchange. `url` and `rest_url` are where it listens, `sent` counts frames to clients."""

    def __init__(
        self,
        source: Source,
        speed: float,
        subscribe_within_s: float,
        max_buffer: int,
        keep: int,
        chaos: Chaos | None = None,
    ) -> None:
        self.source = source
        self.speed = speed
        self.port = self.rest_port = 0
        self.sent = 0
        self.dropped_readers = 0
        self.market_time_ns = source.start_ns
        self._subscribe_within_s = subscribe_within_s
        self._max_buffer = max_buffer
        self._chaos = chaos
        self.connections = 0
        self._heard = asyncio.Event()
        self._histories = {product: History(keep) for product in source.products}
        self._tickers: dict[str, Ticker] = {}
        self._listeners: dict[tuple[str, str], set[ServerConnection]] = defaultdict(set)
        self._clients: set[ServerConnection] = set()
        self._playing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        return f"http://{HOST}:{self.rest_port}"

    @property
    def clients(self) -> int:
        """Connections that are open now."""
        return len(self._clients)

    def check(self) -> None:
        """Raise what ended the tape, if something did: a recording that cannot be read on, for one."""
        if self._playing is not None and self._playing.done() and not self._playing.cancelled():
            self._playing.result()

    def _send(self, connections: set[ServerConnection], frame: bytes) -> None:
        broadcast(connections, frame, text=True)
        self.sent += len(connections)

    def _publish(self, event: Event) -> None:
        """Take one event into the state and send it to whoever listens; frames nobody hears are not even made."""
        self.market_time_ns = max(self.market_time_ns, event.ts_ns)
        if self._chaos is not None:
            self._publish_under(self._chaos, event)
        elif isinstance(event, Match):
            self._histories[event.product].add(event)
            if listeners := self._listeners.get(("matches", event.product)):
                self._send(listeners, wire.match(event))
        elif isinstance(event, Ticker):
            self._tickers[event.product] = event
            if listeners := self._listeners.get(("ticker", event.product)):
                self._send(listeners, wire.ticker(event))
        elif listeners := self._listeners.get(("heartbeat", event.product)):
            self._send(listeners, wire.heartbeat(event))

    def _publish_under(self, chaos: Chaos, event: Event) -> None:
        """As `_publish`, with what the plan does to frames and connections."""
        for fault in chaos.due(event):
            if fault.kind == "drop":
                for client in self._clients:
                    client.transport.abort()
                    self._deafen(client)
                continue
            chaos.afflict(fault, self._clients)
            if fault.kind in ("half_open", "slow"):
                for client in self._clients:
                    client.transport.pause_reading()
                    if fault.kind == "slow":
                        asyncio.get_running_loop().call_later(fault.seconds, _read_again, client)
        event = chaos.shifted(event)
        if isinstance(event, Match):
            self._histories[event.product].add(event)
            channel = "matches"
        else:
            channel = "ticker" if isinstance(event, Ticker) else "heartbeat"
            if isinstance(event, Ticker):
                self._tickers[event.product] = event
        for pair, frame in chaos.frames(event, (channel, event.product)):
            if listeners := self._listeners.get(pair):
                if chaos.afflicts:
                    listeners = {client for client in listeners if chaos.hears(client, pair[0])}
                self._send(listeners, frame)

    async def _play_when_heard(self, events: Iterator[Event], wall: Callable[[], int]) -> None:
        await self._heard.wait()
        await self._play(events, MarketClock(self.source.start_ns, self.speed, wall))

    async def _play(self, events: Iterator[Event], clock: MarketClock) -> None:
        """Publish the tape at the clock's pace, in slices, so that connections are served in between."""
        upcoming = next(events)
        while True:
            now = clock.now_ns()
            if self.source.skips_silence and upcoming.ts_ns - max(now, self.market_time_ns) > SKIP_SILENCE_NS:
                clock.jump(upcoming.ts_ns - SECOND_NS)
                continue
            until = time.monotonic() + _SLICE_S
            while upcoming.ts_ns <= now:
                self._publish(upcoming)
                upcoming = next(events)
                if time.monotonic() > until:
                    break
            self._cut_slow_readers()
            nap = (upcoming.ts_ns - clock.now_ns()) / (SECOND_NS * clock.speed)
            await asyncio.sleep(0 if nap < 0 else min(max(nap, _SHORTEST_NAP_S), _LONGEST_NAP_S))

    def _cut_slow_readers(self) -> None:
        for client in self._clients:
            if client.transport.get_write_buffer_size() > self._max_buffer:
                client.transport.abort()  # a closing handshake would queue behind what it does not read
                self.dropped_readers += 1

    async def _serve_client(self, client: ServerConnection) -> None:
        desk = Desk(self.source.products)
        late = asyncio.create_task(self._hang_up_unless_subscribed(client, desk))
        self._clients.add(client)
        self.connections += 1
        try:
            async for message in client:
                self._answer(client, desk, message)
        except ConnectionClosed:
            return
        finally:
            late.cancel()
            self._clients.discard(client)
            if self._chaos is not None:
                self._chaos.gone(client)
            self._deafen(client)

    def _deafen(self, client: ServerConnection) -> None:
        for listeners in self._listeners.values():
            listeners.discard(client)

    async def _hang_up_unless_subscribed(self, client: ServerConnection, desk: Desk) -> None:
        await asyncio.sleep(self._subscribe_within_s)
        if not desk.ever_subscribed:
            await client.close(1008, f"no subscribe within {self._subscribe_within_s:g} seconds")

    def _answer(self, client: ServerConnection, desk: Desk, message: str | bytes) -> None:
        """Answers, then the present state of what was subscribed to, with nothing of the tape in between."""
        answers, asked = desk.said(message)
        if desk.listening:
            self._heard.set()
        for pair in set(self._listeners) | set(desk.listening):
            if pair in desk.listening:
                self._listeners[pair].add(client)
            else:
                self._listeners[pair].discard(client)
        for channel, product in asked:
            if channel == "ticker" and product in self._tickers:
                answers.append(wire.ticker(self._tickers[product]))
            elif channel == "matches" and (last := self._histories[product].last):
                answers.append(wire.match(last, "last_match"))
        for frame in answers:
            self._send({client}, frame)
        self._cut_slow_readers()


@asynccontextmanager
async def serve(
    source: Source,
    port: int = 0,
    rest_port: int = 0,
    speed: float = 1.0,
    *,
    subscribe_within_s: float = SUBSCRIBE_WITHIN_S,
    max_buffer: int = MAX_BUFFER,
    keep: int = KEEP,
    wall: Callable[[], int] = time.time_ns,
    chaos: Chaos | None = None,
    wait: bool = False,
) -> AsyncIterator[Exchange]:
    """Serve `source` on the loopback interface while the block runs.

    Parameters
    ----------
    source : a simulator or a recording
    port, rest_port : 0 picks a free one; read `.url`, `.rest_url`, `.port`, `.rest_port` of what is given
    speed : market seconds a wall second, 1 to 1,000; the tape starts now and never gets ahead of the wall clock
    subscribe_within_s, max_buffer, keep, wall : the rules' numbers and the wall clock (ns), for tests
    chaos : a plan of faults to play; it is used up
    wait : start the tape with the first subscription, so that a test hears all of it

    Raises
    ------
    BadInput for a speed out of range; Busy when a port is taken.
    """
    if not 1 <= speed <= MAX_SPEED:
        raise BadInput(f"speed is {speed:g}: choose 1 to {MAX_SPEED:g}")
    events = source.events()
    events = chain([next(events)], events)  # compiled, read and checked before the first client can wait for it
    exchange = Exchange(source, speed, subscribe_within_s, max_buffer, keep, chaos)
    try:
        websocket = await serve_websocket(
            exchange._serve_client, HOST, port, compression=None, max_size=MAX_MESSAGE, close_timeout=1, logger=_log
        )
    except OSError as problem:
        raise _taken(port, "port") from problem
    try:
        http = await asyncio.start_server(
            rest.server(exchange._histories, chaos.refusal if chaos else None), HOST, rest_port, limit=rest.MAX_HEAD
        )
    except OSError as problem:
        websocket.close()
        raise _taken(rest_port, "rest-port") from problem
    exchange.port = websocket.sockets[0].getsockname()[1]
    exchange.rest_port = http.sockets[0].getsockname()[1]
    if wait:
        play = exchange._play_when_heard(events, wall)
    else:
        play = exchange._play(events, MarketClock(source.start_ns, speed, wall))
    exchange._playing = asyncio.create_task(play)
    try:
        yield exchange
    finally:
        exchange._playing.cancel()
        http.close()
        websocket.close()
        await websocket.wait_closed()
    exchange.check()


def _read_again(client: ServerConnection) -> None:
    if not client.transport.is_closing():
        client.transport.resume_reading()


def _taken(port: int, option: str) -> Busy:
    return Busy(f"{option} {port} on {HOST} is in use: stop what uses it or choose another with --{option}")
