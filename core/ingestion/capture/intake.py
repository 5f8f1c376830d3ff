"""What received frames say, and who hears of it: the queue, the gap ledger, the watchdog, the desk and the counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from core.errors import MalformedFrame
from core.ingestion import feeds
from core.ingestion.capture.counters import Counters
from core.ingestion.capture.desk import Desk
from core.ingestion.capture.lapses import Lapses
from core.ingestion.capture.sink import Parcel, Sink
from core.ingestion.capture.watch import Watchdog
from core.ingestion.store import Quarantined
from core.ingestion.ticks import Entry, Heartbeat, Refused, Subscribed, Tick, Trade, odd_quote
from core.ingestion.values import FUTURE_NS, refuse_future

MEANINGLESS_LAG_S = 600.0
"""Past it the two clocks do not tell of the same moment (a replay, a simulated market)."""
_STORED = (Tick, Trade, Heartbeat)


class Intake:
    """Turns the frames of one receipt into one parcel of the queue. On the socket's loop; nothing in it waits."""

    def __init__(
        self,
        feed: feeds.Feed,
        venue: str,
        keep_frames: bool,
        counters: Counters,
        desk: Desk,
        watchdog: Watchdog,
        lapses: Lapses,
        sink: Sink,
        receiving: Callable[[], None],
    ) -> None:
        """`receiving` is called at data: a tick or a trade, not a sign of life."""
        self._parse = feed.parse
        self._sequence = feed.sequence if isinstance(feed, feeds.Sequenced) else None
        self._renamed = None if venue == feed.VENUE else venue
        self._keep_frames = keep_frames
        self._counters, self._desk, self._watchdog, self._lapses = counters, desk, watchdog, lapses
        self._sink, self._receiving = sink, receiving

    def take(self, frames: Sequence[bytes], local_ts_ns: int, now_s: float) -> bool:
        """Frames into the queue; False when the exchange said to come back later: what follows that is left.

        `local_ts_ns`, `now_s`: their receipt on both clocks. Raises SubscriptionRefused as the desk does; what came
        before a refusal is queued.
        """
        parcel = Parcel(frames=len(frames), size=sum(map(len, frames)), heard_s=now_s)
        if self._keep_frames:
            parcel.raw = [(local_ts_ns, frame) for frame in frames]
        parse, numbered, latest_ns = self._parse, self._sequence, local_ts_ns + FUTURE_NS
        before, put = self._lapses.before, parcel.entries.append
        shed = not self._sink.space
        if shed:
            self._lapses.shed()
        try:
            for frame in frames:
                if numbered is not None:
                    self._lapses.numbered(_number(numbered, frame))
                try:
                    events = parse(frame, local_ts_ns)
                    for event in events:
                        if isinstance(event, _STORED) and (event.exch_ts_ns or 0) > latest_ns:
                            refuse_future(event.exch_ts_ns, local_ts_ns)
                except MalformedFrame as error:
                    parcel.bad.append(Quarantined(local_ts_ns, str(error), frame))
                    continue
                for event in events:
                    if isinstance(event, _STORED):
                        if not shed and (lapses := before(event)):
                            parcel.entries += lapses
                        put(event)
                    elif not self._answered(event):
                        return False
        finally:
            self._count(parcel, local_ts_ns, now_s)
            if parcel.entries or parcel.bad or parcel.raw:
                self._sink.put(parcel)
        return True

    def _answered(self, answer: Subscribed | Refused) -> bool:
        """The exchange's answer to the desk; False when it says to come back later."""
        if isinstance(answer, Subscribed):
            self._desk.answered(answer)
        elif answer.permanent:
            self._desk.refuse(answer)
        else:
            return False
        return True

    def _count(self, parcel: Parcel, local_ts_ns: int, now_s: float) -> None:
        counters, ticks, trades, last = self._counters, 0, 0, None
        for event in parcel.entries:
            if isinstance(event, Tick):
                ticks += 1
                bid, ask = event.bid, event.ask
                if bid is None or ask is None or not 0 < bid <= ask:  # else there is nothing odd to be told
                    counters.odd_quotes += odd_quote(bid, ask) != ""
                last = event
            elif isinstance(event, Trade):
                trades += 1
                self._watchdog.said(event, now_s)
            elif isinstance(event, Heartbeat):
                self._watchdog.said(event, now_s)
        if ticks:
            counters.ticks.add(now_s, ticks)
            counters.last_tick_ns = local_ts_ns
        if trades:
            counters.trades.add(now_s, trades)
        if last is not None and last.exch_ts_ns is not None:
            lag_s = (local_ts_ns - last.exch_ts_ns) / 1e9
            counters.lag_s = lag_s if abs(lag_s) < MEANINGLESS_LAG_S else None
        if ticks or trades:
            self._watchdog.data(now_s)
            self._receiving()
        if self._renamed is not None:
            parcel.entries = [self._under(self._renamed, entry) for entry in parcel.entries]

    @staticmethod
    def _under(venue: str, entry: Entry) -> Entry:
        """The event as one of `venue`; a lapse names it already."""
        return replace(entry, venue=venue) if isinstance(entry, Tick | Trade | Heartbeat) else entry


def _number(sequence: Callable[[bytes], int], frame: bytes) -> int | None:
    try:
        return sequence(frame)
    except MalformedFrame:
        return None
