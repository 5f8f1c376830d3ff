"""Several feeds in one capture: one process, one writer and its lock, a connection each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from core.config import Home
from core.errors import BadInput, TremorError
from core.ingestion.capture.asked import Asked, Beat, World, hear_signals
from core.ingestion.capture.run import Capture
from core.ingestion.capture.sealing import Store, opened

SUMS = (
    "received", "stored", "duplicates", "quarantined", "shed", "queued", "heartbeats", "backfilled", "reconnects",
    "odd_quotes",
)  # fmt: skip


def capture(home: Home, asked: Asked | Sequence[Asked], beat: Beat, world: World | None = None) -> dict[str, Any]:
    """Capture until the seconds are over or SIGTERM or SIGINT comes; what is queued then is committed first.

    `beat(message=..., **fields)` is called once a second with the live counters. Returns the last of them; for several
    feeds their sums, and each feed's own as `captures`. A feed that ends in an error leaves the others running; the
    error is raised when it was the last. Raises SubscriptionRefused when the exchange refuses every product for good,
    Busy when another process writes to the store, BadInput when what is asked makes no sense, TremorError when the
    store cannot be written at the end, or the exchange was never reached in the seconds that were asked for.
    """
    if isinstance(asked, Asked):
        return asyncio.run(Capture(home, asked, beat, world or World()).run())
    return asyncio.run(Several(home, asked, beat, world or World()).run())


class Several:
    """One run of several feeds, inside an event loop of the caller's."""

    def __init__(self, home: Home, asked: Sequence[Asked], beat: Beat, world: World) -> None:
        if len({one.feed for one in asked}) < len(asked):
            raise BadInput("a feed was named twice: name each once, with all its products")
        if not asked:
            raise BadInput("no feed was named: give at least one, like --feed coinbase_exchange")
        self._home, self._beat, self._world = home, beat, world
        self._speaking = threading.Lock()
        self._said: list[dict[str, Any]] = [{} for _ in asked]
        self._captures = [Capture(home, one, self._hear(i), world) for i, one in enumerate(asked)]
        if len({one.venue for one in self._captures}) < len(asked):
            raise BadInput(
                "two of these feeds are of the same venue, so that its market would be recorded twice and out of order:"
                " leave one out"
            )

    def stop(self) -> None:
        """End all of them soon."""
        for one in self._captures:
            one.stop()

    async def run(self) -> dict[str, Any]:
        """Capture until stopped; the counters at the end. Raises what `capture` raises."""
        hear_signals(self.stop)
        async with opened(self._home, self._world) as store:
            ends = await asyncio.gather(*(self._one(i, store) for i in range(len(self._said))))
        errors = [end for end in ends if isinstance(end, TremorError)]
        if len(errors) == len(ends):
            raise errors[0]
        return self._together()

    async def _one(self, i: int, store: Store) -> TremorError | None:
        try:
            self._said[i] |= await self._captures[i].into(store)
        except TremorError as error:
            self._said[i] |= {"message": f"ended: {error}", "connected": False}
            return error
        return None

    def _hear(self, i: int) -> Beat:
        def beat(progress: float | None, message: str, **fields: Any) -> None:
            with self._speaking:  # each feed speaks from a thread of its own
                self._said[i] = {**fields, "message": message}
                self._beat(progress, self._message(), **self._together())

        return beat

    def _message(self) -> str:
        said = [f"{one['feed']}: {one['message']}" for one in self._said if one.get("feed")]
        return "; ".join(said) or "connecting"

    def _together(self) -> dict[str, Any]:
        said = [one for one in self._said if one.get("feed")]
        return {
            "feed": ",".join(one["feed"] for one in said),
            "products": list(dict.fromkeys(product for one in said for product in one["products"])),
            "last_tick_ns": max((one["last_tick_ns"] for one in said if one["last_tick_ns"]), default=None),
            "trouble": "; ".join(dict.fromkeys(one["trouble"] for one in said if one["trouble"])) or None,
            "gaps_open": sum(one["gaps_open"] for one in said),
            **{name: sum(one[name] for one in said) for name in SUMS},
            "captures": said,
        }
