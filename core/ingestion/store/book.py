"""What the gap ledger knows of one market: the trade ids held, and the gaps that are not closed. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.ingestion.store.ids import Ids
from core.ingestion.ticks import Entry, Heartbeat, Lapse, Stored, Trade

QUOTES = "quotes in it are unknown"
WHOLE = f"no trade is missing; {QUOTES}"
NO_IDS = f"this feed's trades carry no ids that rise by one, so what was missed cannot be known; {QUOTES}"
NO_TAPE = f"no trade was stored before it, so what was missed cannot be known; {QUOTES}"
LAPSES = frozenset({"sequence", "silence", "downtime"})
_FOUND = {
    "trade_id": "the trade id jumped",
    "heartbeat": "heartbeats tell of trades that the tape did not bring",
}


@dataclass
class Gap:
    """A row of the ledger. `before`, `after`: the trades around it; `place`: the event of the batch before which a
    session ends; `answered`: a trade has come after it; `changed`: since it was last put down."""

    id: int | None
    seen: str
    from_ns: int
    to_ns: int
    before: int | None
    after: int | None
    missing: int | None
    still: int | None
    state: str
    opened_ns: int
    closed_ns: int | None
    detail: str
    place: int | None = None
    answered: bool = False
    changed: bool = False

    @property
    def waiting(self) -> bool:
        """No trade has come after it, so what it cost is not known yet."""
        return self.state == "open" and self.after is None

    def close(self, state: str, detail: str, now_ns: int) -> None:
        # the wall clock may have been set back since: no gap is closed before it was opened
        self.state, self.closed_ns, self.changed = state, max(now_ns, self.opened_ns), True
        self.detail = f"{self.detail}; {detail}" if self.detail else detail


@dataclass
class Book:
    """One market's tape and gaps. Each method is told the wall clock, `now_ns`, when it may open or close a gap."""

    market: int
    ids: Ids = field(default_factory=Ids)
    first_ns: int = 0
    last_ns: int = 0
    gaps: list[Gap] = field(default_factory=list)
    tape_changed: bool = False
    _awaited: list[Gap] = field(default_factory=list)
    _top: int = 0
    _claim: int | None = None
    _jumps: list[tuple[int, int]] = field(default_factory=list)
    _times: dict[int, int] = field(default_factory=dict)
    _filled: bool = False

    def __post_init__(self) -> None:
        self._awaited = [gap for gap in self.gaps if gap.waiting]
        self._top = max((gap.after or 0 for gap in self.gaps), default=0)

    @property
    def open(self) -> int:
        return sum(gap.state == "open" for gap in self.gaps)

    def trade(self, trade: Trade) -> None:
        """One more trade of the batch. Constant time for ids that rise by one."""
        number = trade.trade_id
        self.tape_changed = True
        for gap in self._awaited:
            gap.answered = gap.answered or (gap.before is not None and number >= gap.before)
        if self.ids.follow(number):
            self.last_ns = time_of(trade)
            self._filled = self._filled or number < self._top
            return
        last, first = self.ids.highest, self.ids.lowest
        if last is None or first is None:
            self.first_ns = self.last_ns = time_of(trade)
        elif number > last:
            self._jumps.append((last, number))
            self._times[last] = self.last_ns
            self.last_ns = time_of(trade)
        elif number < first:
            self._jumps.append((number, first))
            self._times[first] = self.first_ns
            self.first_ns = time_of(trade)
        else:
            self._filled = True
        self.ids.add(number)

    def heartbeat(self, beat: Heartbeat, place: int, now_ns: int) -> None:
        """A heartbeat's last trade id: ahead of the tape still when the next one comes, it tells of a gap."""
        last, claim = self.ids.highest, self._claim
        if last is None or beat.last_trade_id is None:
            return
        self._claim = beat.last_trade_id if beat.last_trade_id > last else None
        if claim is None or claim <= last:
            return
        for gap in self._unmended():
            if gap.waiting or (gap.before is not None and gap.after is not None and gap.before <= last < gap.after):
                if gap.before is not None and (gap.after is None or claim + 1 > gap.after):
                    self._reach(gap, claim + 1, time_of(beat), now_ns)
                return
        gap = self._new("heartbeat", self.last_ns, time_of(beat), place, last, now_ns)
        self._reach(gap, claim + 1, None, now_ns)

    def lapse(self, lapse: Lapse, place: int, now_ns: int) -> None:
        """The capture's word; said again of the same stretch (a silence that is over) it only moves its end.

        The session has ended at the first saying, which may be committed and forecast by now.
        """
        for gap in self.gaps:
            if (gap.seen, gap.from_ns) == (lapse.seen, lapse.from_ns):
                gap.to_ns, gap.changed = max(gap.to_ns, lapse.to_ns), True
                return
        gap = self._new(lapse.seen, lapse.from_ns, lapse.to_ns, place, self.ids.highest, now_ns)
        gap.detail = lapse.detail
        if not lapse.ids or gap.before is None:
            gap.close("unrepairable", NO_TAPE if lapse.ids else NO_IDS, now_ns)
        else:
            self._awaited.append(gap)

    def tidy(self) -> None:
        """What is put down and repaired is done with, but for the newest lapse: its end may not have come yet."""
        lapses = [gap for gap in self.gaps if gap.seen in LAPSES]
        self.gaps = [gap for gap in self.gaps if gap.state != "repaired" or gap in lapses[-1:]]
        for gap in self.gaps:
            gap.changed, gap.place = False, None
        self.tape_changed = False

    def settle(self, key: tuple[str, str], entries: Sequence[Entry], now_ns: int) -> None:
        """At the end of a batch: its trades may have come in any order, and only what is missing now is a gap."""
        for gap in self._awaited:
            if gap.waiting and gap.answered and gap.before is not None:
                hole = next(iter(self.ids.gaps(gap.before)), None)
                self._reach(gap, hole[1] if hole and hole[0] == gap.before else gap.before + 1, None, now_ns)
        self._awaited = [gap for gap in self._awaited if gap.waiting]
        holes = [hole for low, high in self._jumps for hole in self.ids.gaps(low, high)]
        new = [hole for hole in holes if not self._covered(*hole, now_ns)]
        if new:
            own = {
                e.trade_id: (place, time_of(e))
                for place, e in enumerate(entries)
                if isinstance(e, Trade) and (e.venue, e.product) == key
            }
            for before, after in new:
                place, after_ns = own.get(after, (None, self._times.get(after, self.first_ns)))
                _, before_ns = own.get(before, (None, self._times.get(before, self.last_ns)))
                gap = self._new("trade_id", before_ns, after_ns, place, before, now_ns)
                self._reach(gap, after, None, now_ns)
        if self._filled or holes:
            for gap in self.gaps:
                self._count(gap, now_ns)
        self._jumps, self._filled = [], False
        self._times.clear()

    def _covered(self, before: int, after: int, now_ns: int) -> bool:
        """Whether a gap of the ledger has this hole already; the one that heartbeats told of may grow to hold it."""
        for gap in self._unmended():
            if gap.before is not None and gap.after is not None and gap.before <= before < gap.after:
                if after > gap.after:
                    self._reach(gap, after, None, now_ns)
                return True
        return False

    def _unmended(self) -> list[Gap]:
        return [gap for gap in self.gaps if gap.state != "repaired"]

    def _reach(self, gap: Gap, after: int, to_ns: int | None, now_ns: int) -> None:
        """The gap is now known to end before trade `after`."""
        assert gap.before is not None
        if gap.state != "open":
            gap.state, gap.closed_ns = "open", None
        gap.after, gap.missing, gap.still, gap.changed = after, after - gap.before - 1, None, True
        gap.to_ns = gap.to_ns if to_ns is None else max(gap.to_ns, to_ns)
        self._top = max(self._top, after)
        self._count(gap, now_ns)

    def _count(self, gap: Gap, now_ns: int) -> None:
        if gap.before is None or gap.after is None or gap.state == "repaired":
            return
        still = self.ids.missing(gap.before, gap.after)
        if still != gap.still:
            gap.still, gap.changed = still, True
            if still == 0:
                gap.close("repaired", WHOLE, now_ns)

    def _new(self, seen: str, from_ns: int, to_ns: int, place: int | None, before: int | None, now_ns: int) -> Gap:
        gap = Gap(
            None, seen, from_ns, max(from_ns, to_ns), before, None, None, None, "open", now_ns, None,
            _FOUND.get(seen, ""), place, changed=True,
        )  # fmt: skip
        self.gaps.append(gap)
        return gap


def time_of(event: Stored) -> int:
    """The market's time of an event: the exchange's clock, else ours, ns UTC."""
    return (event.local_ts_ns if event.exch_ts_ns is None else event.exch_ts_ns) or 0
