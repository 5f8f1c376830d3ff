"""Fading means of squared returns: volatility with a memory, for EWMA, GARCH and a slow volatility.

A fading mean over reach bars is sum(d^k x[t-k]) / sum(d^k), k from 0 to reach - 1, d the decay a bar: with d = 0.94 it
is RiskMetrics' EWMA (J.P. Morgan 1996, "RiskMetrics technical document", section 5.2, cut off where a millionth is
left), with d = 1 a plain mean. A session with fewer returns than `reach` counts those it has.

The sum is made by doubling: that over 2k bars is that over the last k, and d^k times that over the k before. Nothing is
ever subtracted and nothing carried on from bar to bar, so that each value has the bits that the bars in its reach give
it, whatever came before them and however the bars arrive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.features.bars import Bars


@dataclass(frozen=True)
class Memory:
    """One fading mean. `from_s`: returns that its session must have had before it is told; `of`: see `SOURCES`."""

    name: str
    decay: float
    reach_s: int
    from_s: int
    of: str = "r2"


SOURCES = ("r2", "tick_r2", "tick_returns")
"""What a mean is of, a bar: the squared one-second return; of the returns from tick to tick, the sum of their squares
and their number. A session's first bar, which has no one-second return, counts for nothing in all three."""
MEMORIES: tuple[Memory, ...] = (
    Memory("last", 1.0, 1, 60),
    Memory("3", 0.5 ** (1 / 3), 64, 60),
    Memory("6", 0.5 ** (1 / 6), 128, 60),
    Memory("11", 0.94, 256, 60),
    Memory("22", 0.5 ** (1 / 22), 512, 60),
    Memory("45", 0.5 ** (1 / 45), 1024, 60),
    Memory("90", 0.5 ** (1 / 90), 1024, 60),
    Memory("hour", 1.0, 3600, 300),
    Memory("hour_tick_r2", 1.0, 3600, 300, "tick_r2"),
    Memory("hour_tick_returns", 1.0, 3600, 300, "tick_returns"),
)
"""The last return; half-lives of 3 to 90 s, two apart, so that a sum of them is within 3 % of any memory between
(11.2 s
is RiskMetrics' 0.94); and the last hour, or as much of it as the session has: most recorded sessions are shorter."""
NAMES: tuple[str, ...] = tuple(m.name for m in MEMORIES)
REACH_S = max(m.reach_s for m in MEMORIES)

_DECAYS = np.array([m.decay for m in MEMORIES])
_REACHES = np.array([m.reach_s for m in MEMORIES])
_FROM = np.array([m.from_s for m in MEMORIES])
_SOURCE = np.array([SOURCES.index(m.of) for m in MEMORIES])
_WEIGHTS = np.array(
    [
        np.cumsum(np.r_[0.0, m.decay ** np.arange(REACH_S)])[np.minimum(np.arange(REACH_S + 1), m.reach_s)]
        for m in MEMORIES
    ]
)
"""The weights of as many returns as there are, summed: (memories, REACH_S + 1)."""
_R, _SUM_R2, _N_R = (Bars.column(name) for name in ("r", "sum_r2", "n_r"))


class Fading:
    """Fading means of a stream of bars, at most `chunk` at a time, with the returns that the next bar needs.

    The array that `push` gives is its own and is overwritten by the next push.
    """

    def __init__(self, chunk: int) -> None:
        self._taken = np.zeros((len(SOURCES), REACH_S + chunk))
        self._scratch = np.zeros((2, REACH_S + chunk))
        self._at = np.array([-1, -1])  # session and age of the last bar (0: a session's first)
        self._out = np.empty((len(MEMORIES), chunk))

    def push(self, bars: Bars, start: int, stop: int) -> NDArray[np.float64]:
        """The means at bars[start:stop], which follow those already pushed: (memories, stop - start), NaN where a
        session has had too few returns."""
        out = self._out[:, : stop - start]
        _advance(bars.session, bars.values, start, stop, self._taken, self._scratch, self._at, out)
        return out


@njit(cache=True)
def _fade(x, n, age, decay, reach, weights, scratch, out):  # type: ignore[no-untyped-def]
    """out[i] = fading mean of the `reach` values of x up to and with slot REACH_S + i, whose bar has age + i
    returns."""
    size = reach + n
    now, following = scratch[0, :size], scratch[1, :size]
    now[:] = x[REACH_S - reach : REACH_S + n]
    out[:] = 0.0
    taken, weight = 0, 1.0
    span, faded = 1, decay
    while span <= reach:
        if reach & span:  # the reach as a sum of powers of two, the smallest nearest to now
            part = now[reach - taken : size - taken]
            for i in range(n):
                out[i] += weight * part[i]
            taken += span
            weight *= faded
        if span * 2 <= reach:
            _double(now[span:], now[: size - span], following[span:], faded)
            now, following = following, now
        span *= 2
        faded *= faded
    last = weights.size - 1
    for i in range(n):
        out[i] /= weights[min(age + i, last)] if age + i > 0 else 1.0


@njit(cache=True)
def _double(late, early, result, faded):  # type: ignore[no-untyped-def]
    for i in range(late.size):
        result[i] = late[i] + faded * early[i]


@njit(cache=True, nogil=True)
def _advance(sessions, values, start, stop, taken, scratch, at, out):  # type: ignore[no-untyped-def]
    row = start
    while row < stop:
        if sessions[row] != at[0] or at[1] < 0:
            at[0], at[1] = sessions[row], -1
            taken[:, :REACH_S] = 0.0
        age = at[1] + 1
        end = row + 1
        while end < stop and sessions[end] == at[0]:
            end += 1
        n = end - row
        for i in range(n):
            bar, k = values[row + i], REACH_S + i
            r = bar[_R]
            first = np.isnan(r)
            taken[0, k] = 0.0 if first else r * r
            taken[1, k] = 0.0 if first else bar[_SUM_R2]
            taken[2, k] = 0.0 if first else bar[_N_R]
        for m in range(_DECAYS.size):
            result = out[m, row - start : end - start]
            _fade(taken[_SOURCE[m]], n, age, _DECAYS[m], _REACHES[m], _WEIGHTS[m], scratch, result)
            result[: max(0, min(n, _FROM[m] - age))] = np.nan
        for q in range(taken.shape[0]):
            for i in range(REACH_S):
                taken[q, i] = taken[q, n + i]
        at[1] = age + n - 1
        row = end
