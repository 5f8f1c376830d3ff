"""Repairs gaps of the trade tape from the exchange's REST answers, from the ledger: after a restart it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.errors import MalformedFrame
from core.ingestion.capture.asked import World
from core.ingestion.capture.backoff import Backoff
from core.ingestion.feeds import Backfill, Feed
from core.ingestion.store import OpenGap
from core.ingestion.ticks import Trade

if TYPE_CHECKING:
    import httpx

LARGEST_GAP = 50_000
"""Trades; a larger gap is not asked for: it would take more than 50 requests, and is history, not a hiccup."""
PAUSE_S = 0.1
"""Between two requests: Coinbase allows 10 a second."""
LOOK_S = 1.0
"""How often the ledger is looked at while nothing is open."""
GIVE_UP = 5
"""Answers in a row that are refused or cannot be read before a gap counts as unrepairable."""
LONGEST_WAIT_S = 300.0
"""A Retry-After beyond it is not believed."""


class _Later(Exception):
    """The exchange cannot answer now: ask again after so many seconds (None: after the back-off)."""

    def __init__(self, wait_s: float | None) -> None:
        self.wait_s = wait_s


class Backfiller:
    """Takes up the ledger's open gaps, the newest first, and asks for the trades between.

    A hole (a, b) is paged with `after=b` until an id <= a comes. What comes is queued like any trade: that the ids are
    contiguous then is found in the commit that stores them, and makes the gap `repaired`. What an exchange does not
    have, or what is larger than 50,000 trades, is given up with the reason. 429, 5xx and a network that is down are
    waited for, as long as it takes (Retry-After, else a back-off of 0.25 s to 30 s with full jitter).
    """

    def __init__(
        self,
        feed: Feed,
        url: str | None,
        open_gaps: Callable[[], Awaitable[list[OpenGap]]],
        take: Callable[[list[Trade]], None],
        give_up: Callable[[int, str], None],
        world: World,
    ) -> None:
        self._feed = feed if isinstance(feed, Backfill) else None
        self._url = url
        self._open_gaps, self._take, self._give_up, self._world = open_gaps, take, give_up, world
        self._backoff = Backoff(world.rng)
        self._failed: dict[int, int] = {}
        self._done: dict[int, int] = {}
        self._not_before_s = 0.0

    async def run(self) -> None:
        """Never ends by itself: to be cancelled."""
        if self._feed is None or self._url is None:
            await asyncio.Event().wait()
        import httpx

        async with httpx.AsyncClient(base_url=self._url or "", timeout=10, trust_env=True) as client:
            while True:
                # one that has just been paged is open until its last trades are committed
                fresh = [gap for gap in await self._open_gaps() if self._done.get(gap.id) != gap.missing]
                if not fresh:
                    await asyncio.sleep(LOOK_S)
                    continue
                try:
                    await self._repair(client, fresh[0])
                except _Later as later:
                    await self._world.sleep(self._backoff.next_s() if later.wait_s is None else later.wait_s)

    async def _repair(self, client: httpx.AsyncClient, gap: OpenGap) -> None:
        if gap.missing > LARGEST_GAP:
            self._end(gap, f"{gap.missing:,} trades are more than the {LARGEST_GAP:,} that are asked for")
            return
        lost = 0
        for before, after in gap.holes:
            cursor = after
            while cursor > before + 1:
                try:
                    trades = await self._page(client, gap.product, cursor)
                except MalformedFrame as error:
                    self._failed[gap.id] = self._failed.get(gap.id, 0) + 1
                    if self._failed[gap.id] >= GIVE_UP:
                        self._end(gap, f"the exchange's answers give no trades ({error})")
                        return
                    raise _Later(None) from error
                between = [trade for trade in trades if before < trade.trade_id < cursor]
                lost += cursor - (between[0].trade_id if between else before + 1) - len(between)
                if not between:
                    break
                self._take(between)
                cursor = between[0].trade_id
        if lost:
            self._end(gap, f"the exchange answered without {lost:,} of its trades")
        else:
            self._done[gap.id] = gap.missing

    def _end(self, gap: OpenGap, why: str) -> None:
        self._done[gap.id] = gap.missing
        self._give_up(gap.id, why)

    async def _page(self, client: httpx.AsyncClient, product: str, cursor: int) -> list[Trade]:
        import httpx

        assert self._feed is not None
        if (wait_s := self._not_before_s - self._world.monotonic()) > 0:
            await self._world.sleep(wait_s)
        self._not_before_s = self._world.monotonic() + PAUSE_S
        try:
            answer = await client.get(self._feed.trades_path(product, cursor))
        except httpx.HTTPError as error:
            raise _Later(None) from error
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            raise _Later(_retry_after_s(answer.headers.get("retry-after", "")))
        if not answer.is_success:
            raise MalformedFrame(f"status {answer.status_code}")
        trades = self._feed.parse_trades(answer.content, product, self._world.wall_ns())
        self._backoff.reset()
        return trades


def _retry_after_s(text: str) -> float | None:
    """Seconds of a Retry-After header; None where it gives none that can be meant, or a date.

    >>> _retry_after_s("3"), _retry_after_s("99999"), _retry_after_s("Wed, 21 Oct 2026 07:28:00 GMT")
    (3.0, None, None)
    """
    return float(text) if text.isascii() and text.isdigit() and 0 < float(text) <= LONGEST_WAIT_S else None
