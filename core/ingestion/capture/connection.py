"""websockets' client connection, read by the piece: the frames that one read of the socket completed, with one stamp.

`recv` gives a frame at a time, and each costs a task its turn. Here what a read of the socket brings (at most 256 KiB
in asyncio: hundreds of frames of a busy feed, mostly one of a quiet one) is stamped with both clocks when it comes,
before it is taken apart, and handed over at once.

A frame's header says how long it is (RFC 6455, section 5.2), so the bytes are cut into frames here. Whole messages in
one frame, which is nearly all that a feed sends, are taken as they stand; all others (pings, closing, fragments, what
breaks the protocol, what is too long) go to websockets frame by frame, which answers, joins or ends the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State

HELD = 4
"""Pieces that wait for the reader; with more, the socket is left alone and what comes stands in the system's buffer."""
MOST_FRAGMENTS = 4_096
"""Of a message, as in websockets' own `recv`: empty ones would be without number."""
_WHOLE = (0x81, 0x82)
"""First byte of a text or binary message in one frame, without an extension."""


class Piece(NamedTuple):
    """Frames in their order, and when the last bytes of them were read: ns UTC, and seconds on a clock that only runs
    on."""

    frames: list[bytes]
    local_ts_ns: int
    heard_s: float


class Connection(ClientConnection):
    """To be read by `piece` alone, by one task; without extensions (compression=None)."""

    def __init__(self, wall_ns: Callable[[], int], monotonic: Callable[[], float], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wall_ns, self._monotonic = wall_ns, monotonic
        self._begun = bytearray()
        self._missing = 0
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
        while data and self.response is None:  # line by line, so that the first frame begins where a cut is made
            end = data.find(b"\n") + 1 or len(data)
            super().data_received(data[:end])
            data = data[end:]
        self._cut(data)
        if self._frames:
            self._pieces.append(Piece(self._frames, local_ts_ns, heard_s))
            self._frames = []
            self._some.set()
            if len(self._pieces) > HELD and not self._held:
                self._held = True
                self.transport.pause_reading()

    def _cut(self, data: bytes) -> None:
        """Frames out of what has come; the one that is not whole yet waits for its rest."""
        if self._begun:
            self._begun += data
            if len(self._begun) < self._missing:
                return
            data = bytes(self._begun)
            self._begun.clear()
        at, end, frames, longest = 0, len(data), self._frames, self.protocol.max_message_size or 2**63
        is_open = self.protocol.state is State.OPEN
        while is_open and end - at >= 2:
            length, body = data[at + 1], at + 2
            if length == 126 and end - at >= 4:  # as nearly all are
                length, body = data[at + 2] << 8 | data[at + 3], at + 4
            elif 126 <= length <= 127:
                body += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : body]) if body <= end else 0
            elif length > 127:
                break  # masked, as nothing from a server may be
            if length > longest:
                break
            after = body + length
            if after > end:
                self._begun += data[at:]
                self._missing = after - at
                return
            if data[at] in _WHOLE and not self._fragments:
                frames.append(data[body:after])
            else:
                super().data_received(data[at:after])
                is_open = self.protocol.state is State.OPEN
            at = after
        if is_open and end - at < 2:
            self._begun += data[at:]
            self._missing = 2
        elif at < end:
            super().data_received(data[at:])  # what ends the connection, or comes after its end

    def process_event(self, event: Any) -> None:
        """A frame that websockets has found to be in order: data goes to the piece, the rest is its own."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        self._fragments.append(bytes(event.data))
        if event.fin:
            self._frames.append(b"".join(self._fragments))
            self._fragments.clear()
        elif len(self._fragments) > MOST_FRAGMENTS:
            self.protocol.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._some.set()
