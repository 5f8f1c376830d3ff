"""What a capture says of itself: counts and rates."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

RATE_WINDOW_S = 10
LATEST = 5_000


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
    was shed because the queue was full. Until then it is `queued`. Heartbeats are counted apart. `odd_quotes` are
    ticks received whose quotes are crossed, zero or negative: stored like any other.
    """

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    shed: int = 0
    heartbeats: int = 0
    backfilled: int = 0
    reconnects: int = 0
    odd_quotes: int = 0
    last_tick_ns: int | None = None
    lag_s: float | None = None
    ticks: Rate = field(default_factory=Rate)
    trades: Rate = field(default_factory=Rate)
    waits_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))
    """From a frame's receipt to its acknowledgement, of the latest 5,000 frames."""

    def acknowledged_ms(self, share: float) -> float | None:
        """The quantile `share` of `waits_s`, in ms; None before the first."""
        ordered = sorted(self.waits_s)
        return round(ordered[int(share * (len(ordered) - 1))] * 1e3, 2) if ordered else None

    @property
    def received(self) -> int:
        return self.stored + self.duplicates + self.quarantined + self.shed

    def fields(self, now_s: float) -> dict[str, Any]:
        """All of them as a job's fields; `last_tick_ns` is the receipt of the last tick, ns UTC."""
        return {
            "ticks_per_s": round(self.ticks.per_s(now_s), 2),
            "trades_per_s": round(self.trades.per_s(now_s), 2),
            "lag_s": None if self.lag_s is None else round(self.lag_s, 4),
            "last_tick_ns": self.last_tick_ns,
            "received": self.received,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "quarantined": self.quarantined,
            "shed": self.shed,
            "heartbeats": self.heartbeats,
            "backfilled": self.backfilled,
            "reconnects": self.reconnects,
            "odd_quotes": self.odd_quotes,
            "acknowledged_p50_ms": self.acknowledged_ms(0.5),
            "acknowledged_p99_ms": self.acknowledged_ms(0.99),
        }
