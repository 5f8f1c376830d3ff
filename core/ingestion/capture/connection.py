"""websockets' client connection, read by the piece: the frames that one read of the socket completed, with one stamp.

`recv` gives a frame at a time, and each costs a task its turn. Here what a read of the socket brings (at most 256 KiB
in asyncio: hundreds of frames of a busy feed, mostly one of a quiet one) is stamped with both clocks when it comes,
before it is taken apart, and handed over at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame

HELD = 4
"""Pieces that wait for the reader; with more, the socket is left alone and what comes stands in the system's buffer."""
MOST_FRAGMENTS = 4_096
"""Of a message, as in websockets' own `recv`: empty ones would be without number."""


class Piece(NamedTuple):
    """Frames in their order, and when the last bytes of them were read: ns UTC, and seconds on a clock that only runs
    on."""

    frames: list[bytes]
    local_ts_ns: int
    heard_s: float


class Connection(ClientConnection):
    """To be read by `piece` alone, by one task."""

    def __init__(self, wall_ns: Callable[[], int], monotonic: Callable[[], float], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wall_ns, self._monotonic = wall_ns, monotonic
        self._frames: list[bytes] = []
        self._fragments: list[bytes] = []
        self._pieces: deque[Piece] = deque()
        self._some = asyncio.Event()
        self._held = False

    async def piece(self) -> Piece:
        """What came next. Raises ConnectionClosed once all that came has been given."""
        while not self._pieces:
            if self.connection_lost_waiter.done():
                raise self.close_exc
            self._some.clear()
            await self._some.wait()
        piece = self._pieces.popleft()
        if self._held and not self._pieces:
            self._held = False
            self.transport.resume_reading()
        return piece

    def data_received(self, data: bytes) -> None:
        local_ts_ns, heard_s = self._wall_ns(), self._monotonic()
        super().data_received(data)
        if self._frames:
            self._pieces.append(Piece(self._frames, local_ts_ns, heard_s))
            self._frames = []
            self._some.set()
            if len(self._pieces) > HELD and not self._held:
                self._held = True
                self.transport.pause_reading()

    def process_event(self, event: Any) -> None:
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif event.fin and not self._fragments:
            self._frames.append(bytes(event.data))
        else:
            self._fragments.append(bytes(event.data))
            if event.fin:
                self._frames.append(b"".join(self._fragments))
                self._fragments.clear()
            elif len(self._fragments) > MOST_FRAGMENTS:
                self._fragments.clear()
                self.protocol.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._some.set()
