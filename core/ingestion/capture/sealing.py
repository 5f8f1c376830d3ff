"""The capture seals its own old rows, a piece at a time."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from core.config import Home
from core.errors import TremorError
from core.ingestion.store import Writer, sealing

EVERY_S = 600.0
"""Between two rounds; the first comes a minute after the start, when the connection has settled."""
FIRST_S = 60.0
SWITCH_S = 0.0005
"""How long the thread that stores may be kept from the interpreter by the one that reads the socket, and the other way
round. A commit asks for it some fifteen times; at Python's own 5 ms that alone would be 75 ms of each under load."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Clock(Protocol):
    """What it needs of the world around."""

    @property
    def wall_ns(self) -> Callable[[], int]: ...


class Sealing:
    """Every ten minutes: what is older than an hour and makes a row group, or is the rest of a day, is sealed.

    Files are made in a thread of their own, from a reading of their own; only the swap runs in the writer's thread, and
    moves at most 65,536 rows: commits wait for it some 60 ms. `trouble` says why the last round failed, and so do
    the capture's status and standard error; the rows are in the log then, and the next round tries again.
    """

    def __init__(
        self, home: Home, writer: Writer, thread: ThreadPoolExecutor, own: ThreadPoolExecutor, clock: Clock
    ) -> None:
        self._home = home
        self._writer = writer
        self._thread = thread
        self._own = own
        self._clock = clock
        self.sealed = 0
        self.trouble: str | None = None

    async def run(self, first_s: float = FIRST_S, every_s: float = EVERY_S) -> None:
        """Never ends by itself: to be cancelled."""
        await asyncio.sleep(first_s)
        while True:
            try:
                await self.round()
                self.trouble = None
            except TremorError as error:
                self.trouble = str(error)
                _log.warning("cannot seal: %s", error)
            await asyncio.sleep(every_s)

    async def round(self) -> None:
        """Seal what can be sealed now. Raises TremorError when the disk refuses."""
        await _in(self._thread, partial(sealing.clean, self._writer))
        before_ns = self._clock.wall_ns() - int(sealing.OLDER_THAN_H * sealing.HOUR_NS)
        for piece in await _in(self._own, partial(sealing.pieces, self._home, before_ns, False)):
            left = piece.rows
            while left >= sealing.PIECE_ROWS or left == piece.rows:
                made = await _in(self._own, partial(sealing.make, self._home, piece, sealing.PIECE_ROWS))
                if made is None:
                    break
                await _in(self._thread, partial(sealing.swap, self._writer, made))
                self.sealed += len(made.rows)
                left -= len(made.rows)


@dataclass(frozen=True)
class Store:
    """What the feeds of one capture share: the writer, the one thread that it lives in, and what seals beside it."""

    writer: Writer
    thread: ThreadPoolExecutor
    sealing: Sealing


@asynccontextmanager
async def opened(home: Home, clock: Clock) -> AsyncIterator[Store]:
    """The capture's store while the block runs, which also seals meanwhile. Raises Busy when another process has it."""
    with (
        Writer(home, "capture", clock.wall_ns) as writer,
        ThreadPoolExecutor(1, "store") as thread,
        ThreadPoolExecutor(1, "seal") as own,  # its end waits for a file that is being written
    ):
        sealing = Sealing(home, writer, thread, own, clock)
        task = asyncio.create_task(sealing.run())
        before_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            yield Store(writer, thread, sealing)
        finally:
            sys.setswitchinterval(before_s)
            task.cancel()
            await asyncio.wait([task])


async def _in(thread: ThreadPoolExecutor, step: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, step)
