"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

SHORTEST_S, LONGEST_S = 0.25, 30.0


class Backoff:
    """Full jitter under a doubling, capped bound: attempt n waits a uniform time up to 0.25 * 2^n s, at most 30 s.

    The formula is "full jitter" of Amazon's "Exponential Backoff and Jitter" (aws.amazon.com, 2015), with a floor of
    0.25 s, so that a server which closes at once is not asked more than four times a second. `reset` belongs where data
    arrives, not where a connection opens: a server that accepts and hangs up would otherwise be asked at full speed.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.attempt = 0

    def next_s(self) -> float:
        """Count one more failed attempt and give its delay in seconds."""
        self.attempt += 1
        bound = min(LONGEST_S, SHORTEST_S * 2 ** min(self.attempt, 16))
        return max(SHORTEST_S, self._rng.uniform(0, bound))

    def reset(self) -> None:
        self.attempt = 0
