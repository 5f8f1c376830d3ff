"""The compiled market: second by second the latent state, within a second the taker orders.

Returns and volatilities are in bps; times within a block are whole microseconds. The state between two calls is in `f`
and `i` (layout below) and in the random generator, so that a tape is the same however far it is read at a time.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from exchange.simulator.moods import Mood

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Float state.
LEVEL, SLOW, FAST, SHOCK, RISE, HERALD, EXCITED, EFFICIENT, ZONE, TENSION = range(10)
N_FLOATS = 10
# Integer state.
REGIME, REGIME_LEFT, BID, ASK, SIDE, TRADES, HERALD_IN, HERALD_LEFT, SUDDEN_IN, BID_SIZE, ASK_SIZE, LAST_US = range(12)
POINTS = 12
"""Where the herald points: 1 up, -1 down, 0 nowhere, as a decoy does."""
N_INTS = 13

CALM, VOLATILE = 0, 1

# --- volatility -------------------------------------------------------------------------------------------------
BASE = 0.185
"""One-second standard deviation (bps) of the calm regime's median."""
REGIME_MEDIAN_S = (840.0, 420.0)
REGIME_LOG_SD = 0.2
"""A regime lasts a lognormal time about its median: not memoryless (semi-Markov), and no spell is very short."""
SLOW_TAU_S, FAST_TAU_S = 900.0, 60.0
"""Two log-OU components: the sum of scales that makes the autocorrelation of |r| fall slowly (LeBaron 2001)."""
JERK = 0.97
"""The share of a second's variance that is a chi-square draw of its own, nobody's to foresee: moves come in leaps."""

# --- shocks -----------------------------------------------------------------------------------------------------
SHOCK_TAU_S = 30.0
"""A burst adds a one-second standard deviation (bps), lognormal, that decays: not one tick. A leap is one."""

# --- orders -----------------------------------------------------------------------------------------------------
RATE = 1.8
"""Taker orders a second in the calm regime, before excitation."""
BRANCHING, DECAY = 0.25, 1.2
"""Each order sets off 0.25 others on average, within about 0.8 s (Hawkes 1971; Bacry, Mastromatteo, Muzy 2015)."""
RATE_VOL = 0.45
"""Elasticity of the rate to volatility."""
RATE_MAX = 120.0
ZONE_S = 0.075
"""Quotes rest until the efficient price has left a zone around them, whose width is that of the move in so many seconds
at the present volatility, times a random number (uncertainty zones: Robert and Rosenbaum 2011)."""
WIDE_SHARE = 0.26
WIDE_BPS = 0.055
"""How often the spread is wider than a cent in the calm, and its median then (bps)."""
PERSIST = 0.96
"""The chance that the next taker is on the side of the last (long memory of order flow: Lillo and Farmer 2004)."""


@numba.njit(cache=True)
def _gamma_wait(rng: np.random.Generator, mean: float, shape: int) -> int:
    """Whole seconds, at least 1; of shape 1 they are geometric, so that no second is likelier than another."""
    total = 0.0
    for _ in range(shape):
        total -= math.log(1.0 - rng.random())
    if shape == 1:
        return 1 + int(total * mean)
    return max(1, int(total * mean / shape))


@numba.njit(cache=True)
def begin(rng: np.random.Generator, f: Floats, i: Ints, mood: Mood, start_cents: int) -> None:
    """Set the state to a market's first second: calm, the first order due at once."""
    f[:] = 0.0
    i[:] = 0
    i[REGIME] = CALM
    i[REGIME_LEFT] = max(60, int(REGIME_MEDIAN_S[CALM] * rng.random()))
    f[SLOW] = mood.slow_sd * rng.standard_normal()
    f[FAST] = mood.fast_sd * rng.standard_normal()
    i[HERALD_IN] = _gamma_wait(rng, mood.herald_s, mood.shape)
    i[SUDDEN_IN] = _gamma_wait(rng, mood.sudden_s, mood.shape)
    f[EFFICIENT] = math.log(start_cents) * 1e4
    f[ZONE] = 1.0
    i[BID], i[ASK] = start_cents - 1, start_cents
    i[SIDE] = 1
    i[BID_SIZE], i[ASK_SIZE] = 2_000_000, 2_000_000
    i[LAST_US] = -1


@numba.njit(cache=True)
def _latent(rng: np.random.Generator, f: Floats, i: Ints, mood: Mood) -> tuple[float, float, float]:
    """Carry the latent state over one second; return (one-second sd, herald strength 0 to 1.5, leap), bps."""
    i[REGIME_LEFT] -= 1
    if i[REGIME_LEFT] <= 0:
        i[REGIME] = 1 - i[REGIME]
        i[REGIME_LEFT] = max(120, int(REGIME_MEDIAN_S[i[REGIME]] * math.exp(REGIME_LOG_SD * rng.standard_normal())))
    f[LEVEL] += ((mood.regime_log if i[REGIME] == VOLATILE else 0.0) - f[LEVEL]) / 20.0
    f[SLOW] += -f[SLOW] / SLOW_TAU_S + mood.slow_sd * math.sqrt(2.0 / SLOW_TAU_S) * rng.standard_normal()
    f[FAST] += -f[FAST] / FAST_TAU_S + mood.fast_sd * math.sqrt(2.0 / FAST_TAU_S) * rng.standard_normal()
    f[SHOCK] *= math.exp(-1.0 / SHOCK_TAU_S)
    pace = mood.haste if i[REGIME] == VOLATILE else 1
    loudness = 0.0
    fires = False
    up = 1.0
    if i[HERALD_LEFT] > 0:
        i[HERALD_LEFT] -= 1
        f[HERALD] = min(f[TENSION], f[HERALD] + f[RISE])
        if i[HERALD_LEFT] == 0:
            fires = i[POINTS] != 0 and rng.random() < mood.herald_true
            up = i[POINTS]
            loudness = mood.herald_tells * (f[TENSION] - 1.0)
            i[HERALD_IN] = _gamma_wait(rng, mood.herald_s, mood.shape)
    else:
        f[HERALD] *= 0.8
        i[HERALD_IN] -= pace
        if i[HERALD_IN] <= 0:
            i[HERALD_LEFT] = mood.herald_min_s + int(rng.random() * mood.herald_min_s)
            f[TENSION] = 0.5 + rng.random()
            f[RISE] = 2.0 * f[TENSION] / i[HERALD_LEFT]
            i[POINTS] = 1
            if mood.decoys > 0.0:
                i[POINTS] = 0 if rng.random() < mood.decoys else 1 - 2 * int(2.0 * rng.random())
    i[SUDDEN_IN] -= pace
    if i[SUDDEN_IN] <= 0:
        fires = True
        if mood.leaps:
            up = 1.0 - 2.0 * int(2.0 * rng.random())
        i[SUDDEN_IN] = _gamma_wait(rng, mood.sudden_s, mood.shape)
    leap = 0.0
    if fires:
        loudness += mood.shock_log + mood.shock_log_sd * rng.standard_normal()
        if mood.leaps:
            leap = up * math.exp(loudness)
        else:
            f[SHOCK] = math.hypot(f[SHOCK], math.exp(loudness))
    return math.hypot(BASE * math.exp(f[LEVEL] + f[SLOW] + f[FAST]), f[SHOCK]), f[HERALD], leap


@numba.njit(cache=True)
def _spread_cents(rng: np.random.Generator, mid_cents: float, stir: float, herald: float) -> int:
    """The new spread: mostly one cent, otherwise lognormal, the more often and the wider the market is stirred."""
    if rng.random() > min(0.9, WIDE_SHARE * stir**0.25 + 0.4 * herald):
        return 1
    typical = mid_cents * 1e-4 * WIDE_BPS * stir**0.5 * (1.0 + 1.5 * herald)
    return 1 + int(typical * math.exp(0.9 * rng.standard_normal()))


@numba.njit(cache=True)
def _order(
    rng: np.random.Generator,
    f: Floats,
    i: Ints,
    sd: float,
    jerky: float,
    herald: float,
    push: float,
    waited_s: float,
    volatility: float,
    size: float,
    order: Ints,
    matches: Ints,
    n_matches: int,
) -> int:
    """One taker order: the efficient price moves on, the quotes follow if it has left their zone.

    Fills the row `order` and the next rows of `matches`; returns how many of those are now filled.
    """
    f[EFFICIENT] += jerky * volatility * math.sqrt(waited_s) * rng.standard_normal()
    bid, ask = i[BID], i[ASK]
    mid = 0.5 * (bid + ask)
    gap = f[EFFICIENT] - math.log(mid) * 1e4
    stir = sd / BASE
    depth = size * 7.0 * (1.0 - 0.5 * herald)
    moved = abs(gap) > f[ZONE]
    if moved:
        i[SIDE] = 1 if gap > 0 else -1
        spread = _spread_cents(rng, mid, stir, herald)
        target = math.exp(f[EFFICIENT] * 1e-4)
        i[BID] = max(1, math.floor(target - 0.5 * spread + 0.5))
        i[ASK] = i[BID] + spread
        f[ZONE] = sd * volatility * math.sqrt(ZONE_S) * (0.15 - math.log(1.0 - rng.random()))
    elif rng.random() > PERSIST:
        i[SIDE] = -i[SIDE]
    if moved or rng.random() < 0.5:
        lean = push + (0.35 * math.tanh(gap / (f[ZONE] + 1e-9)) if not moved else 0.0)
        i[BID_SIZE] = 1 + int(1e8 * depth * math.exp(lean + 1.7 * rng.standard_normal()))
        i[ASK_SIZE] = 1 + int(1e8 * depth * math.exp(-lean + 1.7 * rng.standard_normal()))
    side = i[SIDE]
    first = ask if side > 0 else bid
    last = first
    if moved:  # a sweep ends at the level that it eats only in part: that is the new touch
        last = max(ask, i[ASK]) if side > 0 else min(bid, i[BID])
    more = 0.55 if moved else 0.22
    n = 1
    while n < 12 and rng.random() < more:
        n += 1
    total = size * math.exp(1.4 * rng.standard_normal()) * (2.0 if moved else 1.0)
    for k in range(n):
        share = 1.0 if n == 1 else 2.0 * rng.random() / n
        matches[n_matches, 0] = last if k == n - 1 else first + int((last - first) * k / n)
        matches[n_matches, 1] = 1 + int(1e8 * total * share)
        n_matches += 1
    i[TRADES] += n
    order[1] = side
    order[2] = i[BID]
    order[3] = i[ASK]
    order[4] = i[BID_SIZE]
    order[5] = i[ASK_SIZE]
    order[6] = n
    return n_matches


@numba.njit(cache=True)
def block(
    rng: np.random.Generator,
    f: Floats,
    i: Ints,
    mood: Mood,
    second: int,
    seconds: int,
    volatility: float,
    intensity: float,
    size: float,
    orders: Ints,
    matches: Ints,
) -> tuple[int, int]:
    """Simulate market seconds [second, second + seconds); return (rows of `orders`, rows of `matches`) filled.

    `orders`: microsecond since the tape's start, taker side, bid, ask (cents), bid and ask size (1e-8), how many
    matches. `matches`: price (cents), size (1e-8). Orders come by Ogata's thinning (1981) of an exponential Hawkes
    process whose base rate follows the latent state; a full buffer drops what it cannot hold, alike on every run.
    """
    n_orders = 0
    n_matches = 0
    for s in range(second, second + seconds):
        sd, herald, leap = _latent(rng, f, i, mood)
        f[EFFICIENT] += leap * volatility
        push = mood.lean * herald * i[POINTS]
        base = RATE * intensity * (sd / BASE) ** RATE_VOL * (1.0 + 0.8 * herald)
        base = min(base, RATE_MAX)
        noise = rng.standard_normal()
        jerky = sd * math.sqrt(1.0 - JERK + JERK * noise * noise)
        now = 0.0
        if i[LAST_US] < 0:
            n_matches = _order(rng, f, i, sd, jerky, 0.0, 0.0, 0.0, volatility, size, orders[0], matches, 0)
            orders[0, 0] = 0
            i[LAST_US] = 0
            n_orders = 1
        while True:
            bound = base + f[EXCITED]
            wait = -math.log(1.0 - rng.random()) / bound
            if now + wait >= 1.0:
                f[EXCITED] *= math.exp(-DECAY * (1.0 - now))
                break
            now += wait
            f[EXCITED] *= math.exp(-DECAY * wait)
            if rng.random() * bound > base + f[EXCITED]:
                continue
            us = max(s * 1_000_000 + int(now * 1e6), i[LAST_US] + 1)
            if n_orders >= orders.shape[0] or n_matches + 12 > matches.shape[0] or us >= (s + 1) * 1_000_000:
                continue
            waited = (us - i[LAST_US]) * 1e-6
            i[LAST_US] = us
            row = orders[n_orders]
            n_matches = _order(rng, f, i, sd, jerky, herald, push, waited, volatility, size, row, matches, n_matches)
            orders[n_orders, 0] = us
            n_orders += 1
            f[EXCITED] = min(f[EXCITED] + BRANCHING * DECAY, RATE_MAX)
    return n_orders, n_matches
