"""The bounded queue between the socket and the store, and the group commits that empty it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain

from core.errors import Busy, TremorError
from core.ingestion.capture.counters import Counters
from core.ingestion.store import Appended, Quarantined, Writer
from core.ingestion.ticks import Entry, GaveUp, Lapse, Tick, Trade

GROUP_S = 0.05
GROUP_FRAMES = 500
MOST_FRAMES = 8 * GROUP_FRAMES
"""That one commit takes: what has gathered while the disk was busy with the one before."""
QUEUE_FRAMES = 50_000
QUEUE_BYTES = 64 * 1024 * 1024
"""As received. 50,000 tickers are 17 MB; a book of 100 levels is 7 kB, a frame may be 4 MiB."""
EVENT_BYTES = 128
"""What an event counts that came in no frame."""
RETRY_S = 1.0
PATIENCE_S = 1.0
"""How long a full queue may hold up the socket. Coinbase cuts off who reads slowly: to stop reading is no way out."""

Raw = tuple[int, bytes]
"""Of a frame that is kept: its receipt in ns UTC, and its bytes."""


@dataclass(slots=True)
class Parcel:
    """What some frames gave, in their order: events, the bad ones among them, and their bytes where they are kept.

    `size` in bytes as received; `heard_s`: the receipt on the clock that only runs on, None for what no frame brought.
    """

    entries: list[Entry] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)
    raw: list[Raw] = field(default_factory=list)
    frames: int = 0
    size: int = 0
    heard_s: float | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Parcel:
        """Of events that came in no frame."""
        return cls(list(entries), frames=len(entries), size=EVENT_BYTES * len(entries))

    @property
    def counted(self) -> int:
        """What of it the ledger identity counts: ticks, trades and bad frames."""
        return sum(isinstance(entry, Tick | Trade) for entry in self.entries) + len(self.bad)


class Sink:
    """Takes parcels from the socket's loop and commits them in groups, in a thread.

    A commit begins when 500 frames wait, or the oldest has waited 50 ms, and takes all that has gathered by then, at
    most 4,000 frames. The thread keeps an fsync from blocking the socket; one commit runs at a time, so the order
    stays. The queue is full at 50,000 frames or 64 MiB as received. Then the socket's reader first waits up to a second
    for room (what comes meanwhile stands in the socket's buffers); after that, what comes is shed, counted, until the
    queue is half empty again. A write that fails is tried again with the same frames until it succeeds or the capture
    ends. When another writer has taken the store over, the capture ends.
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
        limit_bytes: int = QUEUE_BYTES,
    ) -> None:
        """`thread`: the one that the writer lives in, when several sinks share it. `keep`: where frames' bytes go,
        before the events they gave."""
        self._writer = writer
        self._source = source
        self._counters = counters
        self._limit, self._limit_bytes = limit, limit_bytes
        self._patience_s = patience_s
        self._thread = thread
        self._monotonic = monotonic
        self._keep = keep
        self._kept: list[Entry] = []
        self._shedding = False
        self._room = asyncio.Event()
        self._parcels: deque[Parcel] = deque()
        self._frames = self._bytes = self._in_flight = 0
        self._some = asyncio.Event()
        self._many = asyncio.Event()
        self._closing = asyncio.Event()
        self.trouble: str | None = None

    @property
    def queued(self) -> int:
        """Frames that wait for their commit."""
        return self._frames + self._in_flight

    @property
    def space(self) -> int:
        """How many frames have a place in the next parcel; 0: none, wait for `room`, or what is put is shed."""
        return 0 if self._bytes >= self._limit_bytes else max(min(self._limit - self._frames, GROUP_FRAMES), 0)

    @property
    def full(self) -> bool:
        """Whether there is no space, and it has not been waited for in vain."""
        return not self.space and not self._shedding

    async def room(self) -> None:
        """Wait until the queue is half empty; give up after `patience_s` and shed from then on."""
        self._room.clear()
        await _within(self._room, self._patience_s)
        self._shedding = not self.space

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel; shed it when the queue is full, but for what the gap ledger must hear."""
        if not self.space:
            self._counters.shed += parcel.counted
            self._kept += [entry for entry in parcel.entries if isinstance(entry, Lapse | GaveUp)]
            return
        if self._kept:
            parcel.entries[:0], self._kept = self._kept, []
        self._parcels.append(parcel)
        self._frames += parcel.frames
        self._bytes += parcel.size
        self._some.set()
        if self._frames >= GROUP_FRAMES:
            self._many.set()

    async def run(self) -> None:
        """Commit groups until `close` was called and the queue is empty; TremorError when the last write fails."""
        with ExitStack() as own:
            thread = self._thread or own.enter_context(ThreadPoolExecutor(1, "store"))
            while True:
                if not self._parcels:
                    if self._closing.is_set():
                        return
                    await _either(self._some, self._closing)
                    self._some.clear()
                    if not self._closing.is_set():
                        await _within(self._many, GROUP_S)
                    continue
                group = self._next()
                await self._commit(thread, group)
                self._in_flight = 0
                if self._frames <= self._limit // 2 and self._bytes <= self._limit_bytes // 2:
                    self._shedding = False
                    self._room.set()
                if self._parcels:
                    await _within(self._many, GROUP_S)

    def _next(self) -> list[Parcel]:
        """The oldest parcels, as many as one commit takes: at least one."""
        group = [self._parcels.popleft()]
        frames = group[0].frames
        while self._parcels and frames + self._parcels[0].frames <= MOST_FRAMES:
            group.append(self._parcels.popleft())
            frames += group[-1].frames
        self._in_flight = frames
        self._frames -= frames
        self._bytes -= sum(parcel.size for parcel in group)
        if self._frames < GROUP_FRAMES and not self._closing.is_set():
            self._many.clear()
        return group

    async def _commit(self, thread: ThreadPoolExecutor, group: list[Parcel]) -> None:
        entries = list(chain.from_iterable(parcel.entries for parcel in group))
        bad = list(chain.from_iterable(parcel.bad for parcel in group))
        raw = list(chain.from_iterable(parcel.raw for parcel in group))
        while True:
            try:
                appended = await asyncio.get_running_loop().run_in_executor(thread, self._write, entries, bad, raw)
                break
            except TremorError as error:
                if self._closing.is_set() or isinstance(error, Busy):
                    self._counters.shed += sum(parcel.counted for parcel in (*group, *self._parcels))
                    self._parcels.clear()
                    self._frames = self._bytes = 0
                    raise
                self.trouble = str(error)
                await _within(self._closing, RETRY_S)
        self.trouble = None
        self._counters.stored += appended.stored
        self._counters.duplicates += appended.duplicates
        self._counters.quarantined += appended.quarantined
        self._counters.heartbeats += appended.heartbeats
        now_s = self._monotonic()
        for parcel in group:
            if parcel.heard_s is not None:
                self._counters.waits_s.extend([now_s - parcel.heard_s] * parcel.frames)

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
