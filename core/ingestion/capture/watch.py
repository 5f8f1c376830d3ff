"""The watchdog of one connection: whether it is still worth listening to. No I/O; time is an argument, on a clock that
only runs on, so that a jump of the wall clock neither wakes it nor puts it to sleep."""

from __future__ import annotations

from core.ingestion.ticks import Heartbeat, Stored, Trade

SILENCE_S = 8.5
"""No frame for so long means a dead or half-open connection: Coinbase sends a heartbeat each second. Looked at once a
second, it is found within 10 s."""
MEMORY_S = 3_600.0
LONGEST_QUIET_S = 900.0


class Watchdog:
    """Hears what comes and says what is wrong with a connection.

    Two things are: no frame at all for `silence_s`; and heartbeats that count on (`last_trade_id`) while no trade has
    come for `silence_s` since: the channel is dead though the connection is not. A quiet market is neither: its
    heartbeats name the trade that was the last to come. Where some trades flow and others are missing, the gap ledger
    has them, and another connection would not bring them.

    Where heartbeats name no trade (`quiet_s` given), dead channels and a quiet market look the same. Then a third thing
    is wrong: no tick or trade of any product for `quiet_s`. Each finding of the last hour doubles that, up to 15
    minutes, so that a market that is merely quiet is left alone after some.
    """

    def __init__(self, silence_s: float = SILENCE_S, quiet_s: float | None = None) -> None:
        self._silence_s, self._quiet_s = silence_s, quiet_s
        self._heard_s = self._data_s = 0.0
        self._barren_s: list[float] = []
        self._newest: dict[str, int] = {}
        self._owed: dict[str, tuple[float, int]] = {}

    def connected(self, now_s: float) -> None:
        """A new connection: its silence starts now, and what the last one owed is forgotten."""
        self._heard_s = self._data_s = now_s
        self._owed.clear()

    def heard(self, now_s: float) -> None:
        """A frame came, whatever it says."""
        self._heard_s = now_s

    def data(self, now_s: float) -> None:
        """A tick or a trade came."""
        self._data_s = now_s

    def said(self, event: Stored, now_s: float) -> None:
        """A trade or a heartbeat of the connection."""
        if isinstance(event, Trade):
            if event.trade_id > self._newest.get(event.product, -1):
                self._newest[event.product] = event.trade_id
            if self._owed:
                self._owed.pop(event.product, None)
        elif isinstance(event, Heartbeat) and event.product is not None and event.last_trade_id is not None:
            newest = self._newest.setdefault(event.product, event.last_trade_id)
            if event.last_trade_id > newest:
                self._owed.setdefault(event.product, (now_s, event.last_trade_id))

    def silent(self, now_s: float) -> str | None:
        """How long no frame has come, in words, where that is too long."""
        silence_s = now_s - self._heard_s
        return f"no frame for {silence_s:.0f} s" if silence_s > self._silence_s else None

    def hollow(self, now_s: float) -> str | None:
        """Which trades heartbeats name that do not come, in words, where that is so for too long."""
        for product, (since_s, trade_id) in self._owed.items():
            if now_s - since_s > self._silence_s:
                return f"heartbeats of {product} name trade {trade_id}, which did not come in {now_s - since_s:.0f} s"
        return None

    def barren(self, now_s: float) -> float | None:
        """For how many seconds no tick or trade has come, where that is too long; it counts as a finding then."""
        if self._quiet_s is None:
            return None
        self._barren_s = [found_s for found_s in self._barren_s if now_s - found_s < MEMORY_S]
        quiet_s = now_s - self._data_s
        if quiet_s <= min(self._quiet_s * 2 ** len(self._barren_s), LONGEST_QUIET_S):
            return None
        self._barren_s.append(now_s)
        return quiet_s
