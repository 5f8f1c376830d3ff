"""The exchanges: one module each, found by themselves. No network, clock, file or thread in any of them.

To add one, put `NAME.py` here with VENUE, WS_URL, REST_URL, CHANNELS, TRADE_IDS, `subscribe` and `parse`, and its
golden frames in `tests/golden/feeds/NAME.jsonl`; the command line, the pages and the contract tests find it.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, cast, runtime_checkable

import msgspec

from core.errors import BadInput, MalformedFrame
from core.ingestion.ticks import Event, Trade


class Feed(Protocol):
    """What a feed module offers."""

    @property
    def VENUE(self) -> str:
        """The exchange's name in a market: both Coinbase feeds say "coinbase", so that their recordings join."""

    @property
    def WS_URL(self) -> str:
        """Where the exchange sends its public market data."""

    @property
    def REST_URL(self) -> str | None:
        """Where it answers requests for past trades; None when this feed knows no such request."""

    @property
    def CHANNELS(self) -> tuple[str, ...]:
        """The channels that must name a product in the exchange's answer before it counts as subscribed."""

    @property
    def TRADE_IDS(self) -> bool:
        """Whether it sends trades whose ids rise by one per product, so that the tape itself tells what is missing."""

    def subscribe(self, products: Sequence[str]) -> list[bytes]:
        """The messages to send right after connecting, in their order."""

    def parse(self, frame: bytes, local_ts_ns: int | None = None) -> list[Event]:
        """What a frame says, oldest first, stamped with `local_ts_ns` (ns UTC); raises MalformedFrame only."""


@cache
def names() -> tuple[str, ...]:
    """The feeds there are, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


@runtime_checkable
class Backfill(Protocol):
    """What a feed module offers beside, when the exchange gives past trades by REST."""

    def trades_path(self, product: str, before_id: int) -> str:
        """Path and query, below REST_URL, of the newest trades older than `before_id`."""

    def parse_trades(self, body: bytes, product: str, local_ts_ns: int | None = None) -> list[Trade]:
        """The answer's trades, oldest first; raises MalformedFrame only."""


@runtime_checkable
class Sequenced(Protocol):
    """What a feed module offers beside, when a connection's messages are numbered."""

    def sequence(self, frame: bytes) -> int:
        """The message's number, one more than that of the message before; raises MalformedFrame when it has none."""


@runtime_checkable
class Unvouched(Protocol):
    """What a feed module offers beside, when its heartbeats name no trade: they say nothing of the channels."""

    @property
    def QUIET_S(self) -> float:
        """How long heartbeats may come without a tick or a trade of any product before the channels count as dead."""


LONG_QUIET_S = 8.5
"""Above the longest pause between two BTC-USD tickers of Coinbase in 6.6 h of recordings (5.3 s), and looked at once a
second a dead channel is found within 10 s. A market that pauses for longer is told from one by asking anew, and each
time in vain doubles it (`watch`)."""


def get(name: str) -> Feed:
    """The feed called `name`. Raises BadInput naming those there are."""
    if name not in names():
        raise BadInput(f"there is no feed {name!r}: choose one of {', '.join(names())}")
    return cast(Feed, importlib.import_module(f"{__name__}.{name}"))


def decode(decoder: Callable[[bytes], Any], frame: bytes) -> Any:
    """`decoder(frame)`, with every way in which JSON can be wrong turned into MalformedFrame."""
    try:
        return decoder(frame)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedFrame(f"not a frame of this feed: {ascii(str(error))[1:-1][:200]}") from error
    except RecursionError as error:
        raise MalformedFrame("not a frame of this feed: nested too deeply") from error


DIGITS = b"0123456789.-"
HEX = DIGITS + b"abcdef"
"""For frames that carry ids in hexadecimal."""
_LONGEST_SHAPE, MOST_SHAPES = 2_048, 1_024
"""Bytes of a frame whose shape is remembered, and how many are, of one kind: 2 MB."""


class Keys:
    """Keys of an object that may be named once each; `values`: the bytes that its figures are written with."""

    def __init__(self, *names: str, values: bytes = DIGITS) -> None:
        self.names = tuple(f'"{name}"'.encode() for name in names)
        self.values = values
        self.shapes: set[tuple[int, bytes]] = set()
        """Objects and shape of frames that were looked at and found in order."""
        self._left = tuple(name.translate(None, values) for name in self.names)

    def learn(self, objects: int, shape: bytes) -> bool:
        """Whether a frame of this shape is in order; then it is remembered."""
        if b"\\" in shape or not {shape.count(name) for name in self._left} <= {0, objects}:
            return False
        if len(self.shapes) >= MOST_SHAPES:
            self.shapes.clear()
        self.shapes.add((objects, shape))
        return True


def once(frame: bytes, keys: Keys, objects: int = 1) -> None:
    """Raise MalformedFrame when an object of the frame names a key twice: which of the two values holds, none can say.

    A frame that has each of the keys at most once for each of its `objects`, and no escape that could spell one
    differently, is not looked at again. Frames of one kind are alike but for their figures, so what is left of a frame
    without `keys.values` is looked at once and remembered: keys that differ there differ in the frame.
    """
    if len(frame) <= _LONGEST_SHAPE:
        shape = frame.translate(None, keys.values)
        if (objects, shape) in keys.shapes or keys.learn(objects, shape):
            return
    if b"\\" not in frame:
        counts = set(map(frame.count, keys.names))
        counts.discard(0)
        counts.discard(objects)
        if not counts:
            return
    try:
        json.loads(frame, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    except ValueError as error:  # json's own errors, and those of text that is not UTF-8, are ValueErrors too
        raise MalformedFrame(f"not a frame of this feed: {ascii(str(error))[1:-1][:200]}") from error
    except RecursionError as error:
        raise MalformedFrame("not a frame of this feed: nested too deeply") from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return content
