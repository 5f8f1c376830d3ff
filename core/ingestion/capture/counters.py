"""What a capture says of itself: counts, rates, and the jumps of trade ids."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

RATE_WINDOW_S = 10


class Ids:
    """The trade ids held of one product, as ranges without a hole: a gap is what lies between two ranges."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def add(self, first: int, last: int | None = None) -> None:
        """Hold `first` to `last` (one id when `last` is None). Constant time for ids that rise by one."""
        last = first if last is None else last
        low = bisect_right(self._last, first - 2)  # ranges before it end too early even to touch
        high = bisect_right(self._first, last + 1)
        if low < high:
            first, last = min(first, self._first[low]), max(last, self._last[high - 1])
        self._first[low:high] = [first]
        self._last[low:high] = [last]

    def gaps(self) -> list[tuple[int, int]]:
        """The jumps as (id before, id after), oldest first."""
        return list(zip(self._last[:-1], self._first[1:], strict=True))

    @property
    def open(self) -> int:
        return max(len(self._first) - 1, 0)


def held_ids(gaps: pa.Table, bounds: Iterable[tuple[str, int, int]]) -> dict[str, Ids]:
    """Product -> ids in the store, from its gap table and each product's (product, lowest id, highest id)."""
    held: dict[str, Ids] = {}
    rows = gaps.to_pylist()
    for product, lowest, highest in bounds:
        ids = held[product] = Ids()
        start = lowest
        for row in (row for row in rows if row["product"] == product):
            ids.add(start, row["from_trade_id"])
            start = row["to_trade_id"]
        ids.add(start, highest)
    return held


class Rate:
    """Events a second over the last 10 whole or partial seconds."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()
        self._started_s: float | None = None

    def add(self, now_s: float, n: int = 1) -> None:
        """Count `n` events at `now_s` (any clock that only runs on)."""
        if self._started_s is None:
            self._started_s = now_s
        second = int(now_s)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + n)
        else:
            self._seconds.append((second, n))
            self._forget(now_s)

    def per_s(self, now_s: float) -> float:
        """The rate now; in the first 10 seconds, over the time since the first event."""
        self._forget(now_s)
        if self._started_s is None:
            return 0.0
        return sum(n for _, n in self._seconds) / min(max(now_s - self._started_s, 1.0), RATE_WINDOW_S)

    def _forget(self, now_s: float) -> None:
        while self._seconds and self._seconds[0][0] <= now_s - RATE_WINDOW_S:
            self._seconds.popleft()


@dataclass
class Counters:
    """Counts of one capture. stored + duplicates + quarantined + shed = received, at every moment.

    An event (a tick or a trade) or a bad frame is `received` when its fate is settled: its commit has returned, or it
    was shed because the queue was full. Until then it is `queued`. Heartbeats are counted apart.
    """

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    shed: int = 0
    heartbeats: int = 0
    backfilled: int = 0
    reconnects: int = 0
    last_tick_ns: int | None = None
    lag_s: float | None = None
    ticks: Rate = field(default_factory=Rate)
    trades: Rate = field(default_factory=Rate)

    @property
    def received(self) -> int:
        return self.stored + self.duplicates + self.quarantined + self.shed
