"""Frames out of bytes: as websockets itself reads them, however the bytes are cut; and a queue bounded in both ways."""

from __future__ import annotations

import asyncio
import logging
import struct
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri
from websockets.utils import accept_key

from core.config import Home
from core.ingestion.capture.connection import HELD, MOST_FRAGMENTS, Connection
from core.ingestion.capture.counters import Counters
from core.ingestion.capture.sink import EVENT_BYTES, GROUP_FRAMES, Parcel, Sink
from core.ingestion.store import Quarantined, Reader, Writer

LONGEST = 70_000
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


class Transport:
    """What a connection asks of its socket, written down."""

    def __init__(self) -> None:
        self.written = b""
        self.asked: list[str] = []

    def set_write_buffer_limits(self, *_: Any) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.asked.append(name)


def protocol(state: State = State.OPEN) -> ClientProtocol:
    quiet = logging.getLogger("tests.connection")
    quiet.disabled = True
    return ClientProtocol(parse_uri("ws://a/"), max_size=LONGEST, logger=quiet, state=state)


def connection(state: State = State.OPEN) -> tuple[Connection, Transport]:
    made, transport = Connection(lambda: 7, lambda: 0.5, protocol(state)), Transport()
    made.connection_made(transport)  # type: ignore[arg-type]
    if state is State.OPEN:
        made.response = object()  # type: ignore[assignment]
    return made, transport


def by_websockets(wire: bytes) -> tuple[list[bytes], State, Any]:
    """The whole messages that websockets' own reading gives, its state afterwards, and how it closed."""
    plain = protocol()
    plain.receive_data(wire)
    messages, parts = [], []
    for event in plain.events_received():
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            parts.append(bytes(event.data))
            if event.fin:
                messages.append(b"".join(parts))
                parts = []
    return messages, plain.state, plain.close_sent and plain.close_sent.code


def by_us(wire: bytes, cuts: list[int]) -> tuple[list[bytes], State, Any]:
    async def read() -> tuple[list[bytes], State, Any]:
        ours, _ = connection()
        edges = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
        for low, high in pairwise(edges):
            ours.data_received(wire[low:high])
        messages = [frame for piece in ours._pieces for frame in piece.frames]
        return messages, ours.protocol.state, ours.protocol.close_sent and ours.protocol.close_sent.code

    return asyncio.run(read())


def frames() -> st.SearchStrategy[bytes]:
    """A frame on the wire: mostly sound ones, of every kind and length; some that no server may send."""
    sizes = st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536, LONGEST])
    data = st.builds(lambda n, fin, kind: Frame(kind, b"x" * n, fin).serialize(mask=False), sizes, st.booleans(),
                     st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]))  # fmt: skip
    whole = st.builds(lambda body: Frame(Opcode.TEXT, body).serialize(mask=False), st.binary(max_size=200))
    control = st.builds(
        lambda kind: Frame(kind, b"hi").serialize(mask=False), st.sampled_from([Opcode.PING, Opcode.PONG])
    )
    closing = st.just(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False))
    too_long = [b"\x81\x7f" + struct.pack("!Q", size) for size in (2**63, LONGEST + 1)]
    wrong = st.sampled_from([b"\xc1\x01a", b"\x83\x00", b"\x81\x81abcda", b"\x89\x7e\x00\x7e" + b"p" * 126, *too_long])
    return st.one_of(whole, whole, whole, data, control, closing, wrong)


@settings(max_examples=150, deadline=None)
@given(st.lists(frames(), max_size=12), st.lists(st.integers(0, 140_000), max_size=12))
@example([Frame(Opcode.TEXT, b"x" * 300).serialize(mask=False)] * 3, [1, 2, 3, 304, 305, 306, 307, 308])
def test_frames_are_those_that_websockets_reads_however_the_bytes_are_cut(wire: list[bytes], cuts: list[int]) -> None:
    assert by_us(b"".join(wire), cuts) == by_websockets(b"".join(wire))


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_frames_that_come_with_the_end_of_the_handshake_are_not_lost(step: int) -> None:
    async def shake() -> tuple[list[bytes], State]:
        ours, transport = connection(State.CONNECTING)
        shaking = asyncio.create_task(ours.handshake())
        while not transport.written:
            await asyncio.sleep(0)
        accept = accept_key(ours.protocol.key)
        wire = ANSWER + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        wire += b"".join(Frame(Opcode.TEXT, body).serialize(mask=False) for body in (b"one", b"two\n\r\n", b"three"))
        for at in range(0, len(wire), step):
            ours.data_received(wire[at : at + step])
        await shaking
        return [frame for piece in ours._pieces for frame in piece.frames], ours.protocol.state

    assert asyncio.run(shake()) == ([b"one", b"two\n\r\n", b"three"], State.OPEN)


def test_a_reader_that_does_not_come_leaves_the_socket_alone_and_a_message_has_so_many_parts() -> None:
    async def stall() -> None:
        ours, transport = connection()
        one = Frame(Opcode.TEXT, b"a").serialize(mask=False)
        for _ in range(HELD + 3):
            ours.data_received(one)
        assert transport.asked == ["pause_reading"]
        pieces = [await ours.piece() for _ in range(HELD + 3)]
        assert transport.asked == ["pause_reading", "resume_reading"]
        assert {(piece.local_ts_ns, piece.heard_s) for piece in pieces} == {(7, 0.5)}
        ours.data_received(Frame(Opcode.TEXT, b"", False).serialize(mask=False))
        ours.data_received(Frame(Opcode.CONT, b"", False).serialize(mask=False) * MOST_FRAGMENTS)
        assert transport.asked[-1] == "abort"
        assert ours.protocol.close_sent is not None and "fragments" in ours.protocol.close_sent.reason

    asyncio.run(stall())


def test_the_queue_is_bounded_in_frames_and_in_bytes(home: Home) -> None:
    """Ten frames of a megabyte fill a queue that has room for a thousand frames."""

    def parcel(frame: bytes, n: int = 1) -> Parcel:
        return Parcel(bad=[Quarantined(1, "no", frame)] * n, frames=n, size=n * len(frame), heard_s=0.0)

    async def fill(writer: Writer, limit: int, limit_bytes: int, size: int, n: int = 1) -> tuple[int, int]:
        counters = Counters()
        sink = Sink(writer, writer.source("capture", "x"), counters, limit, 0.0, limit_bytes=limit_bytes)
        put = 0
        while sink.space:
            sink.put(parcel(b"x" * size, n))
            put += n
        assert sink.full
        await sink.room()
        assert not sink.full, "it has been waited for in vain, so what comes is shed"
        sink.put(parcel(b"x"))
        assert counters.shed == 1
        committing = asyncio.create_task(sink.run())
        sink.close()
        await committing
        return put, counters.quarantined

    with Writer(home) as writer:
        assert asyncio.run(fill(writer, 1_000, 10_000_000, 1_000_000)) == (10, 10)
        assert asyncio.run(fill(writer, 1_000, 10_000_000, 10, 100)) == (1_000, 1_000)
    assert Reader(home).quarantined() == 1_010
    assert Parcel.of([]).size == 0 < EVENT_BYTES < GROUP_FRAMES
