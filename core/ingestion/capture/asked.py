"""What a capture is asked for, and the world it stands in."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import BadInput, MalformedFrame
from core.ingestion.capture.sink import PATIENCE_S, QUEUE_BYTES, QUEUE_FRAMES
from core.ingestion.capture.watch import SILENCE_S
from core.ingestion.values import product_name

Beat = Callable[..., None]


@dataclass(frozen=True)
class Asked:
    """What to capture. `url` and `rest_url` None: the exchange's own; `venue` None: the feed's, or "embedded" where the
    URL is this machine's, so that simulated ticks never mix with real ones. `seconds` None: until stopped.
    `keep_frames`: every frame's bytes too, for `reparse`."""

    feed: str
    products: tuple[str, ...]
    url: str | None = None
    rest_url: str | None = None
    seconds: float | None = None
    venue: str | None = None
    keep_frames: bool = False


@dataclass(frozen=True)
class World:
    """Clocks, chance and sleep, so that a test can bring its own."""

    wall_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)
    silence_s: float = SILENCE_S
    quiet_s: float | None = None
    """Instead of the feed's own `QUIET_S`."""
    queue_frames: int = QUEUE_FRAMES
    queue_bytes: int = QUEUE_BYTES
    patience_s: float = PATIENCE_S
    beat_s: float = 1.0


def check(asked: Asked, url: str) -> None:
    """Raise BadInput when what is asked makes no sense."""
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


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def hear_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT call `stop` from now on, where the running loop is the main thread's."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(ValueError, RuntimeError, NotImplementedError):  # only the main thread hears signals
            asyncio.get_running_loop().add_signal_handler(number, stop)
