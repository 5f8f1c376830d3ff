"""The bounded queue between the socket and the store, and the group commits that empty it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from core.errors import Busy, TremorError
from core.ingestion.capture.counters import Counters
from core.ingestion.store import Appended, Quarantined, Writer
from core.ingestion.ticks import Entry, GaveUp, Lapse, Tick, Trade

GROUP_S = 0.05
GROUP_FRAMES = 500
QUEUE_FRAMES = 50_000
RETRY_S = 1.0
PATIENCE_S = 1.0
"""How long a full queue may hold up the socket. Coinbase cuts off who reads slowly: to stop reading is no way out."""

Raw = tuple[int, bytes]
"""Of a frame that is kept: its receipt in ns UTC, and its bytes."""
Frame = tuple[Sequence[Entry], Quarantined | None, float | None, Raw | None]
"""What one frame gave: its events, or itself as a bad one; its receipt on the clock that only runs on; and its bytes,
when they are kept."""


class Sink:
    """Takes frames from the socket's loop and commits them in groups of at most 50 ms or 500 frames, in a thread.

    The thread keeps an fsync from blocking the socket; one commit runs at a time, so the order stays. When the queue is
    full, the socket's reader first waits up to a second for room (what comes meanwhile stands in the socket's buffers);
    after that, what comes is shed, counted, until the queue is half empty again. A write that fails is tried again with
    the same frames until it succeeds or the capture ends. When another writer has taken the store over, the capture
    ends.
    """

    def __init__(
        self,
        writer: Writer,
        source: int,
        counters: Counters,
        limit: int = QUEUE_FRAMES,
        patience_s: float = PATIENCE_S,
        thread: ThreadPoolExecutor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        keep: Callable[[Sequence[Raw]], None] | None = None,
    ) -> None:
        """`thread`: the one that the writer lives in, when several sinks share it. `keep`: where frames' bytes go,
        before the events they gave."""
        self._writer = writer
        self._source = source
        self._counters = counters
        self._limit = limit
        self._patience_s = patience_s
        self._thread = thread
        self._monotonic = monotonic
        self._keep = keep
        self._kept: list[Entry] = []
        self._shedding = False
        self._room = asyncio.Event()
        self._frames: deque[Frame] = deque()
        self._some = asyncio.Event()
        self._many = asyncio.Event()
        self._closing = asyncio.Event()
        self._in_flight = 0
        self.trouble: str | None = None

    @property
    def queued(self) -> int:
        """Frames that wait for their commit."""
        return len(self._frames) + self._in_flight

    @property
    def full(self) -> bool:
        """Whether the next frame has no place: wait for `room` before it is put."""
        return len(self._frames) >= self._limit and not self._shedding

    @property
    def sheds(self) -> bool:
        """Whether the next frame that is put is shed."""
        return len(self._frames) >= self._limit

    async def room(self) -> None:
        """Wait until the queue is half empty; give up after `patience_s` and shed from then on."""
        self._room.clear()
        await _within(self._room, self._patience_s)
        self._shedding = len(self._frames) >= self._limit

    def put(
        self,
        events: Sequence[Entry],
        bad: Quarantined | None = None,
        heard_s: float | None = None,
        raw: Raw | None = None,
    ) -> None:
        """Queue what one frame gave; shed it when the queue is full, but for what the gap ledger must hear."""
        if len(self._frames) >= self._limit:
            self._counters.shed += _counted(events, bad)
            self._kept += [entry for entry in events if isinstance(entry, Lapse | GaveUp)]
            return
        if self._kept:
            events, self._kept = [*self._kept, *events], []
        self._frames.append((events, bad, heard_s, raw))
        self._some.set()
        if len(self._frames) >= GROUP_FRAMES:
            self._many.set()

    async def run(self) -> None:
        """Commit groups until `close` was called and the queue is empty; TremorError when the last write fails."""
        with ExitStack() as own:
            thread = self._thread or own.enter_context(ThreadPoolExecutor(1, "store"))
            while True:
                if not self._frames:
                    if self._closing.is_set():
                        return
                    await _either(self._some, self._closing)
                    self._some.clear()
                    if not self._closing.is_set():
                        await _within(self._many, GROUP_S)
                    continue
                group = [self._frames.popleft() for _ in range(min(GROUP_FRAMES, len(self._frames)))]
                if len(self._frames) < GROUP_FRAMES:
                    self._many.clear()
                self._in_flight = len(group)
                await self._commit(thread, group)
                self._in_flight = 0
                if len(self._frames) <= self._limit // 2:
                    self._shedding = False
                    self._room.set()
                if self._frames:
                    await _within(self._many, GROUP_S)

    async def _commit(self, thread: ThreadPoolExecutor, group: list[Frame]) -> None:
        events = [event for found, *_ in group for event in found]
        bad = [frame for _, frame, *_ in group if frame is not None]
        raw = [frame for *_, frame in group if frame is not None]
        while True:
            try:
                appended = await asyncio.get_running_loop().run_in_executor(thread, self._write, events, bad, raw)
                break
            except TremorError as error:
                if self._closing.is_set() or isinstance(error, Busy):
                    left = [*group, *self._frames]
                    self._counters.shed += sum(_counted(found, frame) for found, frame, *_ in left)
                    self._frames.clear()
                    raise
                self.trouble = str(error)
                await _within(self._closing, RETRY_S)
        self.trouble = None
        self._counters.stored += appended.stored
        self._counters.duplicates += appended.duplicates
        self._counters.quarantined += appended.quarantined
        self._counters.heartbeats += appended.heartbeats
        now_s = self._monotonic()
        self._counters.waits_s.extend([now_s - heard_s for *_, heard_s, _ in group if heard_s is not None])

    def _write(self, events: Sequence[Entry], bad: Sequence[Quarantined], raw: list[Raw]) -> Appended:
        """In the thread: the bytes first, so that no event is there whose frame is not."""
        if raw and self._keep is not None:
            self._keep(raw)
            raw.clear()  # when what follows fails and is tried again, they are kept already
        return self._writer.append(self._source, events, bad)

    def close(self) -> None:
        """Let `run` end once all that is queued is committed."""
        self._closing.set()
        self._many.set()


def _counted(events: Sequence[Entry], bad: Quarantined | None) -> int:
    return sum(isinstance(event, Tick | Trade) for event in events) + (bad is not None)


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
