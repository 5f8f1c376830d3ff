"""When a capture did not listen, or was not told: what the gap ledger hears before the next event. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.ingestion.store.book import time_of
from core.ingestion.ticks import Heartbeat, Lapse, Stored, Trade

SECOND_NS = 1_000_000_000


@dataclass
class _Pending:
    """A lapse that is not over: how it was seen, the time of the last event before it, and how many trades came since.

    A connection begins with the last trade, which may be older than the lapse: a tick, a heartbeat or a second trade
    tells where it ends.
    """

    seen: str
    from_ns: int
    detail: str
    trades: int = 0


class Lapses:
    """The lapses of one feed's products. `former`: when an earlier capture stored its last event of each product."""

    def __init__(self, venue: str, products: Iterable[str], ids: bool, former: Mapping[str, int]) -> None:
        self._venue, self._ids = venue, ids
        self._products = list(products)
        self._last_ns: dict[str, int] = {}
        self._data_ns: dict[str, int] = {}
        self._number: int | None = None
        self._pending = {
            product: _Pending("downtime", former[product], "no capture ran")
            for product in self._products
            if product in former
        }

    def connected(self) -> None:
        """A new connection numbers its messages anew."""
        self._number = None

    def lost(self, why: str) -> None:
        """The connection has ended."""
        self._begin("downtime", f"the connection was lost: {why}")

    def shed(self) -> None:
        """What comes now is not kept: from the last event that was, to the next one that is."""
        self._begin("downtime", "the store could not keep up, and what came was shed")

    def silent(self, seconds: float) -> list[Lapse]:
        """No frame came for so long: known now, before anything comes again."""
        self._begin("silence", f"no frame came for {seconds:.0f} s and more")
        return self._silences(seconds)

    def barren(self, seconds: float) -> list[Lapse]:
        """Signs of life came, and no data for so long: what was missed began after the last tick or trade."""
        self._begin("silence", f"no tick or trade came for {seconds:.0f} s, only signs of life", self._data_ns)
        return self._silences(seconds)

    def _silences(self, seconds: float) -> list[Lapse]:
        return [
            self._lapse(product, pending, pending.from_ns + round(seconds * SECOND_NS))
            for product, pending in self._pending.items()
            if pending.seen == "silence"
        ]

    def numbered(self, number: int | None) -> None:
        """A message and its number on this connection; None where it cannot be read, and the count begins anew."""
        before, self._number = self._number, number
        if number is None or before is None:
            return
        if number <= before:
            self._number = before  # an older one that was overtaken
        elif number > before + 1:
            lost = number - before - 1
            self._begin("sequence", f"{lost:,} messages of the connection did not come ({before + 1} to {number - 1})")

    def before(self, event: Stored) -> list[Lapse]:
        """What the ledger must hear before `event`."""
        exch_ts_ns, product = event.exch_ts_ns, event.product
        now_ns = time_of(event) if exch_ts_ns is None else exch_ts_ns
        if product is not None:
            if now_ns > self._data_ns.get(product, -1) and not isinstance(event, Heartbeat):
                self._data_ns[product] = now_ns
            if not self._pending:
                if now_ns > self._last_ns.get(product, -1):
                    self._last_ns[product] = now_ns
                return []
        said = []
        for product in self._products if event.product is None else [event.product]:
            pending = self._pending.get(product)
            if pending is not None:
                said.append(self._lapse(product, pending, now_ns))
                pending.trades += isinstance(event, Trade)
                if now_ns > pending.from_ns and (pending.trades > 1 or not isinstance(event, Trade)):
                    del self._pending[product]
            self._last_ns[product] = max(self._last_ns.get(product, now_ns), now_ns)
        return said

    def _begin(self, seen: str, detail: str, since: Mapping[str, int] | None = None) -> None:
        for product, last_ns in (self._last_ns if since is None else since).items():
            if product not in self._pending:
                self._pending[product] = _Pending(seen, last_ns, detail)

    def _lapse(self, product: str, pending: _Pending, to_ns: int) -> Lapse:
        return Lapse(
            venue=self._venue,
            product=product,
            seen=pending.seen,
            from_ns=pending.from_ns,
            to_ns=max(to_ns, pending.from_ns),
            detail=pending.detail,
            ids=self._ids,
        )
