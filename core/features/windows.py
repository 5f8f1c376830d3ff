"""The compiled kernel: one-second bars -> trailing-window aggregates.

Sums are differences of running sums held in double-double (about 32 digits), so that a window's sum is the exact one
rounded once (`math.fsum` gives the same float), a window of zeros sums to exactly 0, and nothing drifts. Running sums
start again at each session, and every 4,096 s of the clock they are rebuilt from the last 300 bars alone: an aggregate
is a function of the bars in its reach and of nothing older, so a monitor that starts late gets the bits of one that has
run for a month. Fed one bar at a time, in chunks of any size or all at once, the kernel gives the same bits.

Sources: two-sum and double-double addition, T. J. Dekker, Numer. Math. 18 (1971); Hida, Li and Bailey, "Quad-double
arithmetic" (2000). Fading means: see fading.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.config import Horizon
from core.features import fading
from core.features.bars import SECOND_NS, Bars
from core.features.fading import Fading

WINDOWS_S: tuple[int, ...] = get_args(Horizon)
"""Window lengths in bars of one second, shortest first."""
LONGEST_S = max(WINDOWS_S)
CORE_S = 60
"""A row needs this window full; longer windows read as missing until they are (real sessions last 1 to 34 minutes)."""

REALS: tuple[str, ...] = (
    "r2",
    "bipower",
    "r",
    "tick_r",
    "tick_r2",
    "spread_bps",
    "imbalance",
    "signed_volume",
    "volume",
)
"""Quantities summed in double-double."""
COUNTS: tuple[str, ...] = ("ticks", "tick_returns", "quotes", "sized_quotes")
"""Quantities summed as whole numbers: exact in a float64 as they are."""
NAMES: tuple[str, ...] = (*REALS, *COUNTS, "high", "low")
_BIPOWER = REALS.index("bipower")
_REBUILD_S = 4096
_HISTORY = LONGEST_S + 1
REACH = max(_HISTORY, fading.REACH_S + 1)  # bars that a kernel must have seen before a rebuild
CHUNK = 8192  # bars per kernel call

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregates:
    """Aggregates of n bars over trailing windows, those ending in (t - w, t]; NaN where one is not yet full.

    `values[w, q, i]` is quantity `NAMES[q]` over the last `WINDOWS_S[w]` bars, bar i included; `faded[m, i]` the fading
    mean in the memory `fading.MEMORIES[m]`.
    """

    values: Floats
    faded: Floats

    def of(self, name: str, window_s: int) -> Floats:
        """One aggregate of one window, shape (n,)."""
        view: Floats = self.values[WINDOWS_S.index(window_s), NAMES.index(name)]
        return view

    def mean(self, memory: str) -> Floats:
        """The fading mean in one memory, shape (n,)."""
        view: Floats = self.faded[fading.NAMES.index(memory)]
        return view


class Kernel:
    """Trailing-window aggregates of a stream of bars, with the state that the next bar needs.

    The array that `push` gives is the kernel's own and is overwritten by the next push: copy what is to be kept.
    """

    def __init__(self) -> None:
        self._quantities = np.zeros((len(REALS) + len(COUNTS) + 2, _HISTORY + CHUNK))
        self._hi = np.zeros((len(REALS) + len(COUNTS), _HISTORY + CHUNK))
        self._lo = np.zeros((len(REALS), _HISTORY + CHUNK))
        self._scratch = np.zeros((2, _HISTORY + CHUNK))
        self._out = np.empty((len(WINDOWS_S), len(NAMES), CHUNK))
        self._fading = Fading(CHUNK)
        self._at = np.array([-1, -1])  # session and age of the last bar (0: a session's first)
        self._last_abs_r = np.zeros(1)

    @property
    def age(self) -> int:
        """How many bars of its session the last bar has behind it; -1 before the first."""
        return int(self._at[1])

    def push(self, bars: Bars) -> Iterator[tuple[slice, Aggregates]]:
        """Aggregates of `bars` (the ones that follow those already pushed), by chunk, with the rows each covers."""
        for start in range(0, len(bars), CHUNK):
            stop = min(start + CHUNK, len(bars))
            _advance(
                bars.bar_end_ns,
                bars.session,
                bars.values,
                start,
                stop,
                self._quantities,
                self._hi,
                self._lo,
                self._scratch,
                self._at,
                self._last_abs_r,
                self._out,
                _WINDOWS,
            )
            faded = self._fading.push(bars, start, stop)
            yield slice(start, stop), Aggregates(self._out[:, :, : stop - start], faded)


def restart(bars: Bars, near: int) -> int:
    """The first bar from `near` on at which the running sums are rebuilt; len(bars) when there is none.

    A kernel that has seen the `REACH` bars before it gives, from it on, the bits of one that has seen them all.
    """
    here = np.flatnonzero(bars.bar_end_ns[near:] // SECOND_NS % _REBUILD_S == 0)
    return near + int(here[0]) if here.size else len(bars)


def last_rebuild_ns(at_ns: int) -> int:
    """The end of the newest bar, not after `at_ns`, at which the running sums are rebuilt."""
    return at_ns // (_REBUILD_S * SECOND_NS) * _REBUILD_S * SECOND_NS


_WINDOWS = np.array(WINDOWS_S)
_R, _SUM_R, _SUM_R2, _SUM_SPREAD, _SUM_IMBALANCE, _SIGNED, _VOLUME, _N_TICKS, _N_R, _N_QUOTES, _N_SIZES, _HIGH, _LOW = (
    Bars.column(name)
    for name in (
        "r", "sum_r", "sum_r2", "sum_spread_bps", "sum_imbalance", "signed_volume", "volume", "n_ticks", "n_r",
        "n_quotes", "n_sizes", "high", "low",
    )
)  # fmt: skip
_N_REALS, _N_COUNTS, _N_NAMES = len(REALS), len(COUNTS), len(NAMES)


@njit(cache=True, inline="always")
def _add(hi, lo, value):  # type: ignore[no-untyped-def]
    """Double-double plus double."""
    s = hi + value
    b = s - hi
    e = (hi - (s - b)) + (value - b) + lo
    total = s + e
    return total, e - (total - s)


@njit(cache=True)
def _accumulate(x, hi, lo, start, stop):  # type: ignore[no-untyped-def]
    """Running double-double sums of x[:, start:stop], continued from slot start - 1."""
    # three rows at a time: each sum waits for the one before it, and three side by side take as long as one
    for q in range(0, x.shape[0], 3):
        h0, l0 = hi[q, start - 1], lo[q, start - 1]
        h1, l1 = hi[q + 1, start - 1], lo[q + 1, start - 1]
        h2, l2 = hi[q + 2, start - 1], lo[q + 2, start - 1]
        for i in range(start, stop):
            h0, l0 = _add(h0, l0, x[q, i])
            h1, l1 = _add(h1, l1, x[q + 1, i])
            h2, l2 = _add(h2, l2, x[q + 2, i])
            hi[q, i], lo[q, i] = h0, l0
            hi[q + 1, i], lo[q + 1, i] = h1, l1
            hi[q + 2, i], lo[q + 2, i] = h2, l2


@njit(cache=True)
def _difference(hi, lo, first, n, lag, out):  # type: ignore[no-untyped-def]
    """out[i] = sum of the `lag` values up to and with slot first + i."""
    # plain indices into views: an index that might be negative keeps the compiler from doing four at once
    hi_now, hi_then = hi[first : first + n], hi[first - lag : first - lag + n]
    lo_now, lo_then = lo[first : first + n], lo[first - lag : first - lag + n]
    for i in range(n):
        a, b = hi_now[i], -hi_then[i]
        s = a + b
        t = s - a
        e = (a - (s - t)) + (b - t)
        out[i] = s + (e + (lo_now[i] - lo_then[i]))


@njit(cache=True)
def _extremes(x, first, n, windows, largest, scratch, out, q, at):  # type: ignore[no-untyped-def]
    """Trailing maximum (or minimum) over each window by doubling: the one over 2k bars is that of two over k bars."""
    begin = first - windows[-1]
    size = windows[-1] + n
    now, following = scratch[0, :size], scratch[1, :size]
    now[:] = x[begin : begin + size]
    reach = 1
    for w in range(windows.size):
        while reach * 2 <= windows[w]:
            _pairwise(now[reach:], now[: size - reach], following[reach:], largest)
            now, following = following, now
            reach *= 2
        lag = windows[w] - reach
        _pairwise(now[size - n :], now[size - n - lag : size - lag], out[w, q, at : at + n], largest)


@njit(cache=True)
def _pairwise(a, b, result, largest):  # type: ignore[no-untyped-def]
    if largest:
        for i in range(a.size):
            result[i] = a[i] if a[i] > b[i] else b[i]
    else:
        for i in range(a.size):
            result[i] = a[i] if a[i] < b[i] else b[i]


@njit(cache=True, nogil=True)
def _advance(ends, sessions, values, start, stop, quantities, hi, lo, scratch, at, last_abs_r, out, windows):  # type: ignore[no-untyped-def]
    longest = windows[-1]
    first = longest + 1  # slots below hold the bars before this run
    row = start
    while row < stop:
        fresh = sessions[row] != at[0] or at[1] < 0
        age = 0 if fresh else at[1] + 1
        if fresh:
            at[0] = sessions[row]
            last_abs_r[0] = 0.0
            quantities[:-2, :first] = 0.0
            quantities[-2, :first] = -np.inf
            quantities[-1, :first] = np.inf
            hi[:, :first] = 0.0
            lo[:, :first] = 0.0
        elif (ends[row] // SECOND_NS) % _REBUILD_S == 0:
            hi[:, 0] = 0.0
            lo[:, 0] = 0.0
            _accumulate(quantities[:_N_REALS], hi, lo, 1, first)
            for q in range(_N_REALS, _N_REALS + _N_COUNTS):
                for i in range(1, first):
                    hi[q, i] = hi[q, i - 1] + quantities[q, i]
        end = row + 1
        while end < stop and sessions[end] == at[0] and (ends[end] // SECOND_NS) % _REBUILD_S != 0:
            end += 1
        n = end - row
        for i in range(n):
            bar = values[row + i]
            r = bar[_R]
            if np.isnan(r):
                r = 0.0
            k = first + i
            quantities[0, k] = r * r
            quantities[1, k] = abs(r) * last_abs_r[0]
            quantities[2, k] = r
            quantities[3, k] = bar[_SUM_R]
            quantities[4, k] = bar[_SUM_R2]
            quantities[5, k] = bar[_SUM_SPREAD]
            quantities[6, k] = bar[_SUM_IMBALANCE]
            quantities[7, k] = bar[_SIGNED]
            quantities[8, k] = bar[_VOLUME]
            quantities[9, k] = bar[_N_TICKS]
            quantities[10, k] = bar[_N_R]
            quantities[11, k] = bar[_N_QUOTES]
            quantities[12, k] = bar[_N_SIZES]
            quantities[13, k] = bar[_HIGH]
            quantities[14, k] = bar[_LOW]
            last_abs_r[0] = abs(r)
        _accumulate(quantities[:_N_REALS], hi, lo, first, first + n)
        for q in range(_N_REALS, _N_REALS + _N_COUNTS):
            total = hi[q, first - 1]
            for i in range(first, first + n):
                total += quantities[q, i]
                hi[q, i] = total
        for w in range(windows.size):
            for q in range(_N_REALS):
                # a bipower term pairs a bar with the one before it: w bars hold w - 1 pairs
                lag = windows[w] - 1 if q == _BIPOWER else windows[w]
                _difference(hi[q], lo[q], first, n, lag, out[w, q, row - start : end - start])
            for q in range(_N_REALS, _N_REALS + _N_COUNTS):
                now, then = hi[q, first : first + n], hi[q, first - windows[w] : first - windows[w] + n]
                result = out[w, q, row - start : end - start]
                for i in range(n):
                    result[i] = now[i] - then[i]
        _extremes(quantities[_N_NAMES - 2], first, n, windows, True, scratch, out, _N_NAMES - 2, row - start)
        _extremes(quantities[_N_NAMES - 1], first, n, windows, False, scratch, out, _N_NAMES - 1, row - start)
        for w in range(windows.size):
            for i in range(min(n, windows[w] - age)):  # a session's first bar has no return: full at age w
                out[w, :, row - start + i] = np.nan
        for q in range(_N_NAMES):
            for i in range(first):
                quantities[q, i] = quantities[q, n + i]
        for q in range(_N_REALS + _N_COUNTS):
            for i in range(first):
                hi[q, i] = hi[q, n + i]
        for q in range(_N_REALS):
            for i in range(first):
                lo[q, i] = lo[q, n + i]
        at[1] = age + n - 1
        row = end
