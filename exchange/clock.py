"""Market time against the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable


class MarketClock:
    """Market time = start + speed * time elapsed, never ahead of the wall clock.

    Once it has caught up with now it goes on at the pace of the wall, because an exchange does not send from the
    future: ticks stamped later than their receipt would read as a negative delay everywhere downstream.

    Parameters
    ----------
    start_ns : market time at the moment of construction. Lies it ahead of the wall (a recording of days to come, or a
        wrong clock), the wall is no bound.
    speed : market seconds a wall second
    wall, steady : clocks in ns; the first may be set back or forth, the second only runs on
    """

    def __init__(
        self,
        start_ns: int,
        speed: float,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.speed = speed
        self._wall = wall
        self._steady = steady
        self._bounded = start_ns <= wall()
        self._market0, self._steady0 = start_ns, steady()

    def now_ns(self) -> int:
        """Market time now."""
        market = self._market0 + int(self.speed * (self._steady() - self._steady0))
        return min(market, self._wall()) if self._bounded else market

    def jump(self, to_ns: int) -> None:
        """Go on from market time `to_ns`, over a silence that nobody should wait for."""
        self._market0, self._steady0 = to_ns, self._steady()
