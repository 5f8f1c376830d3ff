"""The capture process: connect, subscribe, receive, store; again and again until it is stopped."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from core.config import Home
from core.errors import BadInput, MalformedFrame
from core.ingestion import feeds
from core.ingestion.capture.backfill import Backfiller
from core.ingestion.capture.backoff import Backoff
from core.ingestion.capture.counters import Counters, held_ids
from core.ingestion.capture.desk import Desk
from core.ingestion.capture.sink import PATIENCE_S, QUEUE_FRAMES, Sink
from core.ingestion.store import Quarantined, Reader, Writer
from core.ingestion.ticks import Refused, Stored, Subscribed, Tick, Trade
from core.ingestion.values import product_name, refuse_future

SILENCE_S = 10.0
"""No frame for so long means a dead connection: Coinbase sends a heartbeat each second."""
LONGEST_FRAME = 4 * 1024 * 1024
MEANINGLESS_LAG_S = 600.0
"""Past it the two clocks do not tell of the same moment (a replay, a simulated market)."""
Beat = Callable[..., None]


@dataclass(frozen=True)
class Asked:
    """What to capture. `url` and `rest_url` None: the exchange's own; `venue` None: the feed's, or "embedded" where the
    URL is this machine's, so that simulated ticks never mix with real ones. `seconds` None: until stopped."""

    feed: str
    products: tuple[str, ...]
    url: str | None = None
    rest_url: str | None = None
    seconds: float | None = None
    venue: str | None = None


@dataclass(frozen=True)
class World:
    """Clocks, chance and sleep, so that a test can bring its own."""

    wall_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)
    silence_s: float = SILENCE_S
    queue_frames: int = QUEUE_FRAMES
    patience_s: float = PATIENCE_S
    beat_s: float = 1.0


def capture(home: Home, asked: Asked, beat: Beat, world: World | None = None) -> dict[str, Any]:
    """Capture until the seconds are over or SIGTERM or SIGINT comes; what is queued then is committed first.

    `beat(message=..., **fields)` is called once a second with the live counters. Returns the last of them. Raises
    SubscriptionRefused when the exchange refuses every product for good, Busy when another process writes to the store,
    BadInput when what is asked makes no sense, TremorError when the store cannot be written at the end.
    """
    return asyncio.run(Capture(home, asked, beat, world or World()).run())


class Capture:
    """One run of a capture, inside an event loop of the caller's."""

    def __init__(self, home: Home, asked: Asked, beat: Beat, world: World) -> None:
        self._feed = feeds.get(asked.feed)
        self._home, self._asked, self._beat, self._world = home, asked, beat, world
        self._url = asked.url or self._feed.WS_URL
        _check(asked, self._url)
        local = _is_loopback(self._url)
        self._venue = asked.venue or ("embedded" if local else self._feed.VENUE)
        self._rest_url = asked.rest_url or (None if asked.url else self._feed.REST_URL)
        self._proxy: Literal[True] | None = None if local else True
        self._desk = Desk(asked.products, self._feed.CHANNELS)
        self._backoff = Backoff(world.rng)
        self._counters = Counters()
        self._stop = asyncio.Event()
        self._socket: Any = None
        self._connected = False
        self._heard_s = 0.0
        self._message = "connecting"

    def stop(self) -> None:
        """End the run soon: nothing more is received, what is queued is committed."""
        self._stop.set()

    async def run(self) -> dict[str, Any]:
        """Capture until stopped; the counters at the end. Raises what `capture` raises."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # only the main thread hears signals
                loop.add_signal_handler(number, self.stop)
        with Writer(self._home, "capture") as writer:
            detail = {"venue": self._venue, "products": list(self._asked.products), "url": self._url}
            source = writer.source("capture", self._asked.feed, **detail)
            reader = Reader(self._home)
            self._ids = held_ids(reader.gaps(self._venue), reader.trade_bounds(self._venue))
            self._sink = Sink(
                writer, source, self._counters, self._ids, self._world.queue_frames, self._world.patience_s
            )
            self._backfiller = Backfiller(self._feed, self._rest_url, self._ids, self._backfilled, self._world)
            committing = asyncio.create_task(self._sink.run())
            work = [asyncio.create_task(step()) for step in (self._connections, self._seconds, self._backfiller.run)]
            ends = [asyncio.create_task(self._stop.wait()), committing, *work]
            try:
                await asyncio.wait(ends, timeout=self._asked.seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*work, ends[0]):
                    task.cancel()
                results = await asyncio.gather(*work, return_exceptions=True)
                self._sink.close()
                await committing
        for result in results:
            if isinstance(result, Exception):
                raise result
        self._connected = False
        return self.fields()

    async def _connections(self) -> None:
        """Connect over and over. Ends only by SubscriptionRefused or by being cancelled."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

        why: str | None = None
        while True:
            if why is not None:
                delay = self._backoff.next_s()
                self._message = f"{why}: reconnecting, attempt {self._backoff.attempt}, next in {delay:.1f} s"
                await self._world.sleep(delay)
                self._counters.reconnects += 1
            try:
                async with connect(
                    self._url,
                    max_size=LONGEST_FRAME,
                    compression=None,
                    proxy=self._proxy,
                    close_timeout=1,
                    open_timeout=10,
                ) as self._socket:
                    why = await self._conversation(self._socket)
            except InvalidURI as error:
                raise BadInput(f"{self._url} is no address of a feed: {error}") from error
            except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
                why = f"not connected ({' '.join(str(error).split()) or type(error).__name__})"
            finally:
                self._connected, self._socket = False, None

    async def _conversation(self, socket: Any) -> str:
        """Subscribe and receive until the connection ends; says why it did."""
        from websockets.exceptions import ConnectionClosed

        self._heard_s = self._world.monotonic()
        try:
            await self._subscribe(socket)
            self._connected, self._message = True, "connected, waiting for the first tick"
            while True:
                frame = await socket.recv(decode=False)
                self._heard_s = self._world.monotonic()
                if self._sink.full:
                    await self._sink.room()
                if not self._take(frame, self._world.wall_ns()):
                    return "the exchange cannot serve us now"
        except ConnectionClosed as closed:
            return self._silent or f"the connection ended ({' '.join(str(closed).split())})"

    async def _subscribe(self, socket: Any) -> None:
        self._silent: str | None = None
        self._desk.asked(self._world.monotonic())
        for message in self._feed.subscribe(self._desk.wanted):
            await socket.send(message, text=True)

    def _take(self, frame: bytes, local_ts_ns: int) -> bool:
        """One frame into the queue; False when the exchange said to come back later."""
        try:
            events = self._feed.parse(frame, local_ts_ns)
            for event in events:
                refuse_future(getattr(event, "exch_ts_ns", None), local_ts_ns)
        except MalformedFrame as error:
            self._sink.put((), Quarantined(local_ts_ns, str(error), bytes(frame)))
            return True
        kept: list[Stored] = []
        for event in events:
            if isinstance(event, Subscribed):
                self._desk.answered(event)
            elif isinstance(event, Refused):
                if not event.permanent:
                    return False
                self._desk.refuse(event)
            else:
                kept.append(self._seen(event, local_ts_ns))
        if kept:
            self._sink.put(kept)
        return True

    def _seen(self, event: Stored, local_ts_ns: int) -> Stored:
        counters, now_s = self._counters, self._heard_s
        if isinstance(event, Tick):
            counters.ticks.add(now_s)
            counters.last_tick_ns = local_ts_ns
            if event.exch_ts_ns is not None:
                lag_s = (local_ts_ns - event.exch_ts_ns) / 1e9
                counters.lag_s = lag_s if abs(lag_s) < MEANINGLESS_LAG_S else None
        elif isinstance(event, Trade):
            counters.trades.add(now_s)
        if self._backoff.attempt or self._message != "receiving":
            self._backoff.reset()
            self._message = "receiving"
        return event if event.venue == self._venue else msgspec.structs.replace(event, venue=self._venue)

    def _backfilled(self, trades: list[Trade]) -> None:
        self._counters.backfilled += len(trades)
        self._sink.put([msgspec.structs.replace(trade, venue=self._venue) for trade in trades])

    async def _seconds(self) -> None:
        """Each beat: the watchdog, unanswered subscriptions, and the word to the outside."""
        while True:
            now_s = self._world.monotonic()
            socket = self._socket
            if socket is not None and now_s - self._heard_s > self._world.silence_s:
                self._silent = f"no frame for {now_s - self._heard_s:.0f} s"
                self._heard_s = now_s
                socket.transport.abort()
            elif self._connected and self._desk.overdue(now_s):
                await self._subscribe(socket)
            await asyncio.to_thread(self._beat, None, self.message(), **self.fields())
            await asyncio.sleep(self._world.beat_s)

    def message(self) -> str:
        """What the capture does now, in words."""
        parts = [self._message if self._sink.trouble is None else f"cannot store: {self._sink.trouble}"]
        parts += [f"{product} refused: {reason}" for product, reason in self._desk.refused.items()]
        if missing := self._desk.unconfirmed():
            parts.append(f"not sent by the exchange: {', '.join(missing)}")
        return "; ".join(parts)

    def fields(self) -> dict[str, Any]:
        """The live counters; `last_tick_ns` is the receipt of the last tick, ns UTC."""
        counters, now_s = self._counters, self._world.monotonic()
        return {
            "feed": self._asked.feed,
            "venue": self._venue,
            "products": list(self._desk.wanted),
            "url": self._url,
            "ticks_per_s": round(counters.ticks.per_s(now_s), 2),
            "trades_per_s": round(counters.trades.per_s(now_s), 2),
            "lag_s": None if counters.lag_s is None else round(counters.lag_s, 4),
            "last_tick_ns": counters.last_tick_ns,
            "received": counters.received,
            "stored": counters.stored,
            "duplicates": counters.duplicates,
            "quarantined": counters.quarantined,
            "shed": counters.shed,
            "queued": self._sink.queued,
            "heartbeats": counters.heartbeats,
            "backfilled": counters.backfilled,
            "reconnects": counters.reconnects,
            "gaps_open": sum(ids.open for ids in self._ids.values()),
            "connected": self._connected,
        }


def _check(asked: Asked, url: str) -> None:
    if not asked.products:
        raise BadInput("no product was named: give at least one, like --product BTC-USD")
    for name in (*asked.products, *([asked.venue] if asked.venue else [])):
        try:
            product_name(name)
        except MalformedFrame as error:
            raise BadInput(f"{error}: give one like BTC-USD, or a venue like coinbase") from error
    if asked.seconds is not None and not 0 < asked.seconds < 1e9:
        raise BadInput(f"{asked.seconds:g} seconds cannot be captured: give a number above 0")
    if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
        raise BadInput(f"{url} is no address of a feed: it must start with ws:// or wss://")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
