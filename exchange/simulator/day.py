"""The day's figures of a ticker: open, low, high and volume of the last 24 hours, volume of the last 30 days."""

from __future__ import annotations

from collections import deque

import numpy as np

from exchange.simulator.products import Product

MINUTES = 1_440
MINUTE_SD_BPS = 3.0
MINUTE_VOLUME = 2_000.0
"""A simulated yesterday: a random walk of so many bps a minute that ends at the start; volume in median orders."""


class Day:
    """Rolling figures over 1,440 one-minute buckets, those before the start drawn; prices in cents, volumes in 1e-8."""

    def __init__(self, rng: np.random.Generator, scale: Product) -> None:
        walk = np.cumsum(rng.standard_normal(MINUTES) * MINUTE_SD_BPS * scale.volatility * 1e-4)
        closes = np.rint(scale.start_cents * np.exp(walk - walk[-1])).astype(np.int64)
        volumes = np.rint(rng.gamma(2.0, 0.5, MINUTES) * MINUTE_VOLUME * scale.size * 1e8).astype(np.int64)
        self._buckets: deque[tuple[int, int, int, int]] = deque(
            ((c, c, c, v) for c, v in zip(closes.tolist(), volumes.tolist())), maxlen=MINUTES
        )
        self._minute = -1
        self._month = 29 * int(volumes.sum())
        self._now = (scale.start_cents,) * 3 + (0,)
        self.open = self.low = self.high = self.volume = 0
        self._roll(0)

    @property
    def volume_30d(self) -> int:
        return self._month + self.volume

    def trade(self, us: int, cents: int, size: int) -> None:
        """Take in one trade at `us` microseconds since the tape's start; trades come in order."""
        if us // 60_000_000 != self._minute:
            self._roll(us // 60_000_000, cents)
        first, low, high, volume = self._now
        self._now = (first, min(low, cents), max(high, cents), volume + size)
        self.volume += size
        self.low, self.high = min(self.low, cents), max(self.high, cents)

    def _roll(self, minute: int, cents: int | None = None) -> None:
        if self._minute >= 0:
            self._buckets.append(self._now)
        self._minute = minute
        start = self._now[0] if cents is None else cents
        self._now = (start, start, start, 0)
        self.open = self._buckets[0][0]
        self.low = min(b[1] for b in self._buckets)
        self.high = max(b[2] for b in self._buckets)
        self.volume = sum(b[3] for b in self._buckets)
