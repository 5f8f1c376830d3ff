"""Where a replay stands and how fast it goes: an anchor and a clock, never a counter, so that it cannot drift. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from core.errors import BadInput
from core.features.bars import SECOND_NS
from core.live.replay import stamp

SPEEDS = (1, 5, 10, 30, 60)
"""Market seconds a second."""


@dataclass(frozen=True)
class Playback:
    """A replay as one viewer sees it; what stands in a link is all of it but `since_ns`.

    market : venue and product, "coinbase:BTC-USD"; model : an artifact's name; both "" for those of the home
    at_ns : where it stood at the anchor, a bar's end in ns UTC (0: not chosen yet)
    theta : the ghost's alert probability, None for no ghost
    since_ns : our clock at the anchor while it plays, None while it stands
    """

    market: str = ""
    model: str = ""
    at_ns: int = 0
    speed: int = 10
    theta: float | None = None
    since_ns: int | None = None

    @property
    def playing(self) -> bool:
        return self.since_ns is not None

    @property
    def play(self) -> str:
        """Names what plays from this anchor; "" while it stands."""
        return f"{self.at_ns}:{self.since_ns}:{self.speed}" if self.playing else ""

    def position(self, now_ns: int, last_ns: int) -> int:
        """The bar's end that is shown at `now_ns` of our clock, at most `last_ns`: where it was anchored, and `speed`
        market seconds for each second since."""
        run_ns = 0 if self.since_ns is None else max(now_ns - self.since_ns, 0) * self.speed
        return min(self.at_ns + run_ns // SECOND_NS * SECOND_NS, last_ns)

    def played(self, now_ns: int) -> Self:
        """Playing from where it stands."""
        return replace(self, since_ns=now_ns)

    def paused(self, now_ns: int, last_ns: int) -> Self:
        """Standing where it has come to."""
        return replace(self, at_ns=self.position(now_ns, last_ns), since_ns=None)

    def moved(self, at_ns: int, now_ns: int) -> Self:
        """At another place; it goes on playing where it did."""
        return replace(self, at_ns=at_ns, since_ns=None if self.since_ns is None else now_ns)

    def at_speed(self, speed: int, now_ns: int, last_ns: int) -> Self:
        """At another speed from where it has come to."""
        here = replace(self, at_ns=self.position(now_ns, last_ns), speed=speed)
        return here.played(now_ns) if self.playing else here

    def link(self) -> dict[str, str]:
        """The address that shows this again.

        >>> Playback("coinbase:BTC-USD", "har-1", 1_700_003_840 * 10**9, 10, 0.25).link()["at"]
        '2023-11-14T23:17:20Z'
        """
        theta = {} if self.theta is None else {"theta": f"{self.theta:g}"}
        at = {"at": stamp(self.at_ns)} if self.at_ns else {}
        return {"market": self.market, "model": self.model, **at, "speed": str(self.speed), **theta}

    @classmethod
    def of_link(cls, given: Mapping[str, str]) -> Self:
        """What an address shows, standing. Raises BadInput for a part that cannot be read, with what it must be."""
        made = cls(given.get("market", ""), given.get("model", ""))
        try:
            if "at" in given:
                at = datetime.fromisoformat(given["at"])
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
                made = replace(made, at_ns=int(at.timestamp()) * SECOND_NS)
            if "speed" in given:
                asked = _number(given["speed"])
                made = replace(made, speed=min(SPEEDS, key=lambda s: abs(s - asked)))
            if "theta" in given:
                made = replace(made, theta=min(max(_number(given["theta"]), 0.001), 0.999))
        except (ValueError, OverflowError):
            raise BadInput(
                f"the link says at {given.get('at', '')!r}, speed {given.get('speed', '')!r}, theta "
                f"{given.get('theta', '')!r}: a time such as 2026-04-06T15:02:00Z and two numbers are needed"
            ) from None
        return made


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


__all__ = ["SPEEDS", "Playback"]
