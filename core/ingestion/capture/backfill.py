"""Closes gaps of the trade tape from the exchange's REST answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from core.errors import MalformedFrame
from core.ingestion.capture.counters import Ids
from core.ingestion.feeds import Backfill, Feed
from core.ingestion.ticks import Trade

if TYPE_CHECKING:
    import httpx

LARGEST_GAP = 50_000
"""Trades; a larger gap stays in the ledger: it would take more than 50 requests, and is history, not a hiccup."""
PAUSE_S = 0.2
"""Between requests: half of Coinbase's 10 a second."""
GIVE_UP = 5
AGAIN_S = 1.0


class Clock(Protocol):
    """The one thing it needs of the world around."""

    @property
    def wall_ns(self) -> Callable[[], int]: ...


class Backfiller:
    """Looks once a second for gaps it has not tried, the newest first, and asks for the trades between.

    A gap (a, b) is paged with `after=b` until an id <= a comes. What fails five times, or is larger than 50,000 trades,
    stays open.
    """

    def __init__(
        self, feed: Feed, url: str | None, ids: dict[str, Ids], take: Callable[[list[Trade]], None], clock: Clock
    ) -> None:
        self._feed = feed if isinstance(feed, Backfill) else None
        self._url = url
        self._ids = ids
        self._take = take
        self._clock = clock
        self._failed: dict[tuple[str, int, int], int] = {}

    async def run(self) -> None:
        """Never ends by itself: to be cancelled."""
        if self._feed is None or self._url is None:
            await asyncio.Event().wait()
        import httpx

        async with httpx.AsyncClient(base_url=self._url or "", timeout=10, trust_env=True) as client:
            while True:
                gap = self._next()
                if gap is None:
                    await asyncio.sleep(AGAIN_S)
                else:
                    try:
                        await self._close(client, *gap)
                        self._failed[gap] = GIVE_UP  # what is still missing now, the exchange does not have
                    except (httpx.HTTPError, MalformedFrame):
                        self._failed[gap] = self._failed.get(gap, 0) + 1
                        await asyncio.sleep(AGAIN_S)

    def _next(self) -> tuple[str, int, int] | None:
        for product, ids in self._ids.items():
            for before, after in reversed(ids.gaps()[-100:]):
                gap = (product, before, after)
                if after - before - 1 <= LARGEST_GAP and self._failed.get(gap, 0) < GIVE_UP:
                    return gap
        return None

    async def _close(self, client: httpx.AsyncClient, product: str, before: int, after: int) -> None:
        assert self._feed is not None
        cursor = after
        while cursor > before + 1:
            answer = await client.get(self._feed.trades_path(product, cursor))
            answer.raise_for_status()
            trades = self._feed.parse_trades(answer.content, product, self._clock.wall_ns())
            between = [trade for trade in trades if before < trade.trade_id < cursor]
            if not between:
                return
            self._take(between)
            cursor = between[0].trade_id
            await asyncio.sleep(PAUSE_S)
