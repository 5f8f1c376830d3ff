"""Sampler: ticks, trades and heartbeats in the order of their arrival -> one-second bars. The same class live and in
history.

A bar holds the events with time in [end - 1 s, end). It closes when an event (heartbeats count) passes its end by 0.5
s; what comes later than that is counted as late and enters no bar. A second without ticks is a bar too: zero counts,
the last mid carried forward. A session ends where neither tick, trade nor heartbeat came for more than 10 s, and where
one capture or file ends and the next begins. The bar that holds the newest event is open and is not given out: the bars
of the first part of a recording are the first bars of the whole. A gap of the ledger ends a session too, at the event
that brought it to light (ADR 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.ingestion.ticks import MISSING, SILENCE_NS, Tape

SECOND_NS = 1_000_000_000
LATENESS_NS = 500_000_000

COLUMNS: tuple[str, ...] = (
    "open",
    "high",
    "low",
    "close",
    "r",
    "n_ticks",
    "n_trades",
    "n_r",
    "sum_r",
    "sum_r2",
    "n_quotes",
    "sum_spread_bps",
    "n_sizes",
    "sum_imbalance",
    "volume",
    "signed_volume",
)
"""open, high, low, close: mid in quote currency. r: log return of close against the bar before (NaN on a session's
first).
n_r, sum_r, sum_r2: tick-to-tick log returns of mid. sum_spread_bps over n_quotes quotes; sum_imbalance, of
(bid size - ask size) / (bid size + ask size), over n_sizes quotes. volume and signed_volume (taker bought: +) of
trades."""


@dataclass(frozen=True)
class Bars:
    """n closed bars: `bar_end_ns` and `session` (0, 1, ... in the order of time), and `values`, shape (n,
    len(COLUMNS))."""

    bar_end_ns: NDArray[np.int64]
    session: NDArray[np.int64]
    values: NDArray[np.float64]

    @staticmethod
    def column(name: str) -> int:
        """Where `name` stands in `values`."""
        return COLUMNS.index(name)

    def __len__(self) -> int:
        return int(self.bar_end_ns.size)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(self.bar_end_ns[rows], self.session[rows], self.values[rows])

    def of(self, name: str) -> NDArray[np.float64]:
        """One column of COLUMNS, shape (n,)."""
        return self.values[:, self.column(name)]

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """The parts one after the other."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, len(COLUMNS))))
        return cls(
            np.concatenate([p.bar_end_ns for p in parts]),
            np.concatenate([p.session for p in parts]),
            np.concatenate([p.values for p in parts]),
        )


class Sampler:
    """Closes bars as events are pushed. `late` counts the events that came after their bar had closed."""

    def __init__(self) -> None:
        self._clock = np.zeros(_CLOCK, dtype=np.int64)
        self._clock[_SOURCE] = -1
        self._clock[_SESSION] = -1
        self._mids = np.zeros((2, 4), dtype=np.int64)
        self._sums = np.zeros((2, len(COLUMNS)))

    @property
    def late(self) -> int:
        return int(self._clock[_LATE])

    def push(self, tape: Tape) -> Bars:
        """Closed bars that the events of `tape` (those that follow what was pushed before) bring about."""
        parts: list[Bars] = []
        at = 0
        after_gap = np.zeros(len(tape), np.bool_) if tape.after_gap is None else tape.after_gap
        while at < len(tape):
            room = 8192
            ends = np.empty(room, dtype=np.int64)
            sessions = np.empty(room, dtype=np.int64)
            values = np.empty((room, len(COLUMNS)))
            at, made = _sample(
                tape.kind,
                tape.source,
                tape.ts_ns,
                tape.price,
                tape.bid,
                tape.ask,
                tape.bid_size,
                tape.ask_size,
                tape.size,
                tape.side,
                after_gap,
                at,
                self._clock,
                self._mids,
                self._sums,
                ends,
                sessions,
                values,
            )
            parts.append(Bars(ends[:made], sessions[:made], values[:made]))
        return Bars.joined(parts)


# the sampler's clock: whole-number state
_SOURCE, _SESSION, _OLDEST_END, _LAST_TS, _PREVIOUS_CLOSE, _LATE, _OPEN, _CLOCK = range(8)
# a bar's mids, in 2e-8: first, highest, lowest, last (0: none yet)
_FIRST, _MAX, _MIN, _LAST = range(4)
(
    _O,
    _H,
    _L,
    _C,
    _R,
    _N_TICKS,
    _N_TRADES,
    _N_R,
    _SUM_R,
    _SUM_R2,
    _N_QUOTES,
    _SUM_SPREAD,
    _N_SIZES,
    _SUM_IMBALANCE,
    _VOL,
    _SIGNED,
) = range(len(COLUMNS))
_MAX_E8 = 2**61


@njit(cache=True)
def _close_oldest(clock, mids, sums, ends, sessions, values, made):  # type: ignore[no-untyped-def]
    """Give out the older of the two open bars, and let the younger take its place. Returns the new count of bars."""
    previous = clock[_PREVIOUS_CLOSE]
    if mids[0, _FIRST] != 0 or previous != 0:
        row = values[made]
        row[:] = sums[0]
        if mids[0, _FIRST] != 0:
            if previous != 0:
                r = np.log1p((mids[0, _FIRST] - previous) / previous)
                row[_SUM_R] += r
                row[_SUM_R2] += r * r
                row[_N_R] += 1
            row[_O] = mids[0, _FIRST] / 2e8
            row[_H] = mids[0, _MAX] / 2e8
            row[_L] = mids[0, _MIN] / 2e8
            last = mids[0, _LAST]
        else:
            last = previous
            row[_O] = row[_H] = row[_L] = last / 2e8
        row[_C] = last / 2e8
        row[_R] = np.log1p((last - previous) / previous) if previous != 0 else np.nan
        clock[_PREVIOUS_CLOSE] = last
        ends[made] = clock[_OLDEST_END]
        sessions[made] = clock[_SESSION]
        made += 1
    mids[0] = mids[1]
    sums[0] = sums[1]
    mids[1] = 0
    sums[1] = 0.0
    clock[_OLDEST_END] += SECOND_NS
    return made


@njit(cache=True)
def _sample(  # type: ignore[no-untyped-def]
    kind,
    source,
    ts,
    price,
    bid,
    ask,
    bid_size,
    ask_size,
    size,
    side,
    after_gap,
    at,
    clock,
    mids,
    sums,
    ends,
    sessions,
    values,
):
    """Take events from `at` on until the tape or the room for bars ends; returns (next event, bars made)."""
    made = 0
    room = ends.size
    n = ts.size
    while at < n:
        now = ts[at]
        breaks = clock[_OPEN] == 0 or source[at] != clock[_SOURCE] or now - clock[_LAST_TS] > SILENCE_NS
        if breaks or after_gap[at]:
            if clock[_OPEN] == 1:
                # the session that ends: all its bars up to the one that holds its last event
                while clock[_OLDEST_END] - SECOND_NS <= clock[_LAST_TS]:
                    if made == room:
                        return at, made
                    made = _close_oldest(clock, mids, sums, ends, sessions, values, made)
                clock[_OPEN] = 0
                if now < clock[_OLDEST_END] - SECOND_NS:
                    # another source reaches back into what is already closed: its events there are late
                    clock[_LATE] += 1
                    clock[_SOURCE] = source[at]
                    at += 1
                    continue
            elif now < clock[_OLDEST_END] - SECOND_NS:
                clock[_LATE] += 1
                clock[_SOURCE] = source[at]
                at += 1
                continue
            mids[:] = 0
            sums[:] = 0.0
            clock[_PREVIOUS_CLOSE] = 0
            clock[_SESSION] += 1
            clock[_OPEN] = 1
            clock[_SOURCE] = source[at]
            clock[_OLDEST_END] = (now // SECOND_NS + 1) * SECOND_NS
            clock[_LAST_TS] = now
        while now >= clock[_OLDEST_END] + LATENESS_NS:
            if made == room:
                return at, made
            made = _close_oldest(clock, mids, sums, ends, sessions, values, made)
        if now < clock[_OLDEST_END] - SECOND_NS:
            clock[_LATE] += 1
            at += 1
            continue
        if now > clock[_LAST_TS]:
            clock[_LAST_TS] = now
        j = 0 if now < clock[_OLDEST_END] else 1
        bar = sums[j]
        if kind[at] == 0:
            bar[_N_TICKS] += 1
            b, a = bid[at], ask[at]
            mid = 0
            if b == MISSING and a == MISSING:
                if 0 < price[at] < _MAX_E8:
                    mid = 2 * price[at]
            elif 0 < b <= a < _MAX_E8:
                mid = b + a
                bar[_N_QUOTES] += 1
                bar[_SUM_SPREAD] += 2e4 * (a - b) / mid
                bs, as_ = bid_size[at], ask_size[at]
                if bs >= 0 and as_ >= 0 and 0 < bs + as_ < _MAX_E8:
                    bar[_N_SIZES] += 1
                    bar[_SUM_IMBALANCE] += (bs - as_) / (bs + as_)
            if mid != 0:
                m = mids[j]
                if m[_FIRST] == 0:
                    m[_FIRST] = m[_MAX] = m[_MIN] = mid
                else:
                    r = np.log1p((mid - m[_LAST]) / m[_LAST])
                    bar[_N_R] += 1
                    bar[_SUM_R] += r
                    bar[_SUM_R2] += r * r
                    m[_MAX] = max(m[_MAX], mid)
                    m[_MIN] = min(m[_MIN], mid)
                m[_LAST] = mid
        elif kind[at] == 1 and size[at] > 0:
            bar[_N_TRADES] += 1
            bar[_VOL] += size[at] / 1e8
            bar[_SIGNED] += side[at] * (size[at] / 1e8)
        at += 1
    return at, made
