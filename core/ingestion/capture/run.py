"""One feed of a capture: connect, subscribe, receive, store; again and again until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, Literal

from msgspec.structs import replace

from core.config import Home
from core.errors import BadInput, TremorError
from core.ingestion import feeds
from core.ingestion.capture.asked import Asked, Beat, World, check, hear_signals, is_loopback
from core.ingestion.capture.backfill import Backfiller
from core.ingestion.capture.backoff import Backoff
from core.ingestion.capture.counters import Counters
from core.ingestion.capture.desk import Desk
from core.ingestion.capture.intake import Intake
from core.ingestion.capture.lapses import Lapses
from core.ingestion.capture.sealing import Store, opened
from core.ingestion.capture.sink import GROUP_FRAMES, Parcel, Raw, Sink
from core.ingestion.capture.watch import Watchdog
from core.ingestion.store import FrameLog, OpenGap, Quarantined, Reader, Writer
from core.ingestion.ticks import GaveUp, Trade

LONGEST_FRAME = 4 * 1024 * 1024
"""Bytes; a longer one is not received: the connection is closed and made again, and the quarantine says so."""


class Capture:
    """One run of a capture of one feed, inside an event loop of the caller's."""

    def __init__(self, home: Home, asked: Asked, beat: Beat, world: World) -> None:
        self._feed = feeds.get(asked.feed)
        self._home, self._asked, self._beat, self._world = home, asked, beat, world
        self._url = asked.url or self._feed.WS_URL
        check(asked, self._url)
        local = is_loopback(self._url)
        self.venue = asked.venue or ("embedded" if local else self._feed.VENUE)
        self._rest_url = asked.rest_url or (None if asked.url else self._feed.REST_URL)
        self._proxy: Literal[True] | None = None if local else True
        self._desk = Desk(asked.products, self._feed.CHANNELS)
        self._backoff = Backoff(world.rng)
        self._counters = Counters()
        self._stop = asyncio.Event()
        self._silent: str | None = None
        self._socket: Any = None
        self._connected = self._ever = False
        quiet_s = self._feed.QUIET_S if isinstance(self._feed, feeds.Unvouched) else None
        self._watchdog = Watchdog(world.silence_s, quiet_s and (world.quiet_s or quiet_s))
        self._message = "connecting"

    def stop(self) -> None:
        """End the run soon: nothing more is received, what is queued is committed."""
        self._stop.set()

    async def run(self) -> dict[str, Any]:
        """Capture until stopped; the counters at the end. Raises what `capture` raises."""
        hear_signals(self.stop)
        async with opened(self._home, self._world) as store:
            return await self.into(store)

    async def into(self, store: Store) -> dict[str, Any]:
        """As `run`, into an open store that other feeds may share."""
        self._sealing = store.sealing
        with ExitStack() as kept:
            keep = None
            if self._asked.keep_frames:
                keep = partial(kept.enter_context(FrameLog(self._home)).append, self._asked.feed, self.venue)
            return await self._into(store.writer, store.thread, keep)

    async def _into(
        self, writer: Writer, thread: ThreadPoolExecutor, keep: Callable[[Sequence[Raw]], None] | None
    ) -> dict[str, Any]:
        detail = {"venue": self.venue, "products": list(self._asked.products), "url": self._url}
        reader, world = Reader(self._home), self._world
        former = reader.last_captured(self.venue)
        loop = asyncio.get_running_loop()
        source = await loop.run_in_executor(thread, lambda: writer.source("capture", self._asked.feed, **detail))
        for product in self._asked.products:
            await loop.run_in_executor(thread, writer.ledger.open, self.venue, product)
        self._ledger = writer.ledger
        self._lapses = Lapses(self.venue, self._asked.products, self._feed.TRADE_IDS, former)
        self._sink = Sink(
            writer, source, self._counters, world.queue_frames, world.patience_s, thread, world.monotonic, keep,
            world.queue_bytes,
        )  # fmt: skip
        self._intake = Intake(
            self._feed, self.venue, self._asked.keep_frames, self._counters, self._desk, self._watchdog, self._lapses,
            self._sink, self._receiving,
        )  # fmt: skip

        async def open_gaps() -> list[OpenGap]:
            return await asyncio.to_thread(reader.open_gaps, self.venue, self._asked.products)

        def give_up(gap: int, why: str) -> None:
            self._sink.put(Parcel.of([GaveUp(gap=gap, detail=why)]))

        self._backfiller = Backfiller(self._feed, self._rest_url, open_gaps, self._backfilled, give_up, world)
        committing = asyncio.create_task(self._sink.run())
        work = [
            asyncio.create_task(step())
            for step in (self._connections, self._watch, self._seconds, self._backfiller.run)
        ]
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
        if not self._ever and not self._stop.is_set():
            why = self._message.partition(": reconnecting")[0]
            raise TremorError(
                f"{self._asked.feed} was never reached in {self._asked.seconds:g} s at {self._url}: {why}"
            )
        return self.fields()

    async def _connections(self) -> None:
        """Connect over and over. Ends only by SubscriptionRefused or by being cancelled."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

        from core.ingestion.capture.connection import Connection

        connection: Any = partial(Connection, self._world.wall_ns, self._world.monotonic)
        why: str | None = None
        while True:
            if why is not None:
                self._lapses.lost(why)
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
                    create_connection=connection,
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
        from websockets.frames import CloseCode

        wall_ns, monotonic = self._world.wall_ns, self._world.monotonic
        self._silent = None
        self._watchdog.connected(monotonic())
        self._lapses.connected()
        try:
            await self._subscribe(socket)
            self._connected = self._ever = True
            self._message = "connected, waiting for the first tick"
            while True:
                frames, local_ts_ns, heard_s = await socket.piece()
                self._watchdog.heard(heard_s)
                while frames:
                    if self._sink.full:
                        await self._sink.room()
                    n = self._sink.space or GROUP_FRAMES  # without space, these are shed
                    if not self._intake.take(frames[:n], local_ts_ns, heard_s):
                        return "the exchange cannot serve us now"
                    if frames := frames[n:]:
                        await asyncio.sleep(0)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                why = f"not received, its bytes are not kept: {' '.join(closed.sent.reason.split())}"
                said = Quarantined(wall_ns(), why, b"")
                self._sink.put(Parcel(bad=[said], frames=1, heard_s=monotonic()))
            return self._silent or f"the connection ended ({' '.join(str(closed).split())})"

    async def _subscribe(self, socket: Any) -> None:
        self._desk.asked(self._world.monotonic())
        for message in self._feed.subscribe(self._desk.wanted):
            await socket.send(message, text=True)

    def _receiving(self) -> None:
        """Data has come: what resets the back-off."""
        if self._message != "receiving":
            self._backoff.reset()
            self._message = "receiving"

    def _backfilled(self, trades: list[Trade]) -> None:
        self._counters.backfilled += len(trades)
        self._sink.put(Parcel.of([replace(trade, venue=self.venue) for trade in trades]))

    async def _watch(self) -> None:
        """Each beat: whether the connection is alive, and subscriptions that were not answered."""
        while True:
            now_s, socket = self._world.monotonic(), self._socket
            if socket is not None and self._silent is None and (why := self._wrong(now_s)) is not None:
                self._silent = why
                socket.transport.abort()
            elif self._connected and self._desk.overdue(now_s):
                await self._subscribe(socket)
            await asyncio.sleep(self._world.beat_s)

    def _wrong(self, now_s: float) -> str | None:
        silent = self._watchdog.silent(now_s)
        if silent is not None:
            self._sink.put(Parcel.of(self._lapses.silent(self._world.silence_s)))
            return silent
        barren_s = self._watchdog.barren(now_s)
        if barren_s is not None:
            self._sink.put(Parcel.of(self._lapses.barren(barren_s)))
            return f"signs of life and no tick or trade for {barren_s:.0f} s"
        # where the exchange said that it sends no trades, heartbeats may name what they like
        return None if self._desk.unconfirmed() else self._watchdog.hollow(now_s)

    async def _seconds(self) -> None:
        """Each beat: the word to the outside."""
        while True:
            await asyncio.to_thread(self._beat, None, self.message(), **self.fields())
            await asyncio.sleep(self._world.beat_s)

    def message(self) -> str:
        """What the capture does now, in words."""
        parts = [] if self._sink.trouble else [self._message]
        parts += [trouble] if (trouble := self.trouble()) else []
        parts += [f"{product} refused: {reason}" for product, reason in self._desk.refused.items()]
        if missing := self._desk.unconfirmed():
            parts.append(f"not sent by the exchange: {', '.join(missing)}")
        return "; ".join(parts)

    def trouble(self) -> str | None:
        """Why what comes is not stored, or what is old not sealed; None when both are well."""
        troubles = (("store", self._sink.trouble), ("seal", self._sealing.trouble))
        return "; ".join(f"cannot {what}: {why}" for what, why in troubles if why) or None

    def fields(self) -> dict[str, Any]:
        """The live counters; `last_tick_ns` is the receipt of the last tick, ns UTC."""
        return {
            "feed": self._asked.feed,
            "venue": self.venue,
            "products": list(self._desk.wanted),
            "url": self._url,
            **self._counters.fields(self._world.monotonic()),
            "queued": self._sink.queued,
            "gaps_open": sum(self._ledger.open(self.venue, product) for product in self._asked.products),
            "connected": self._connected,
            "trouble": self.trouble(),
        }
