"""The named features: formulas over trailing-window aggregates. To add one, add one `Feature` here.

A formula takes the `Aggregates` of n bars and gives n values; it may read nothing else. It is finite wherever its
window is full and holds what it needs, and NaN (missing) where the window is warming up or its input is not there at
all: a source without quotes has no spread, one without trades no flow. Volatilities, returns, ranges and spreads are in
bps (1e-4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.features import fading
from core.features.bars import Bars
from core.features.windows import CORE_S, WINDOWS_S, Aggregates, Kernel

BPS = 1e4
QUIET_R2 = 1e-12
"""Added to a mean squared one-second return in ratios: (0.01 bps)^2, about a tenth of a cent on 91,000 USD, so that a
window in which nothing moved has a finite logarithm."""

TINY = 1e-300  # keeps 0 / 0 at 0

Floats = NDArray[np.float64]
Formula = Callable[[Aggregates], Floats]


@dataclass(frozen=True)
class Feature:
    """`window_s` is the longest window read; `unit` and `about` stand in docs/feature_spec.md and in help texts.

    `from_s`: how many one-second returns its session must have had; the whole window unless it is said.
    """

    name: str
    window_s: int
    unit: str
    about: str
    formula: Formula
    from_s: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "from_s", self.from_s or self.window_s)


def rv(a: Aggregates, w: int) -> Floats:
    """Realised volatility in bps: root of the summed squared one-second log returns of mid (Andersen and Bollerslev
    1998)."""
    return _bps_root(a.of("r2", w))


def bipower(a: Aggregates, w: int) -> Floats:
    """Bipower variation in bps: root of pi/2 times the summed products of neighbouring absolute returns, scaled to w
    bars; a single jump hardly moves it (Barndorff-Nielsen and Shephard 2004)."""
    return _bps_root(a.of("bipower", w) * (np.pi / 2 * w / (w - 1)))


def tick_std(a: Aggregates, w: int) -> Floats:
    """Standard deviation of tick-to-tick log returns of mid in bps, n - 1 below; 0 where the window holds fewer than
    two."""
    n = a.of("tick_returns", w)
    total = a.of("tick_r", w)
    squares = a.of("tick_r2", w) - total * total / np.maximum(n, 1.0)
    return _bps_root(np.maximum(squares, 0.0) / np.maximum(n - 1.0, 1.0))


def tick_rms(a: Aggregates) -> Floats:
    """Root of the mean squared tick-to-tick log return of mid over the last hour, in bps; 0 where it holds none."""
    return _bps_root(a.mean("hour_tick_r2") / np.maximum(a.mean("hour_tick_returns"), TINY))


def _bps_root(x: Floats) -> Floats:
    root = np.sqrt(x)
    root *= BPS
    return root


def _share(total: Floats, n: Floats) -> Floats:
    """total / n, and NaN where n is 0: there was nothing to take a mean of."""
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)


def _log_ratio(a: Aggregates, s: int, w: int) -> Floats:
    return 0.5 * np.log((a.of("r2", s) / s + QUIET_R2) / (a.of("r2", w) / w + QUIET_R2))


def _each(name: str, unit: str, about: str, formula: Callable[[Aggregates, int], Floats]) -> list[Feature]:
    return [Feature(f"{name}_{w}", w, unit, f"{about}, last {w} s", partial(_at, formula, w=w)) for w in WINDOWS_S]


def _ratios(name: str, about: str, formula: Callable[[Aggregates, int, int], Floats]) -> list[Feature]:
    return [
        Feature(f"{name}_{s}_{w}", w, "log", f"{about}, last {s} s against last {w} s", partial(_at, formula, s=s, w=w))
        for s, w in ((10, 60), (60, 300))
    ]


def _faded(name: str, memory: str, about: str) -> Feature:
    m = fading.MEMORIES[fading.NAMES.index(memory)]
    return Feature(name, m.reach_s, "bps", about, lambda a: _bps_root(a.mean(memory)), m.from_s)


def _at(formula: Callable[..., Floats], a: Aggregates, **windows: int) -> Floats:
    return formula(a, **windows)


FEATURES: tuple[Feature, ...] = (
    *_each("rv", "bps", "realised volatility of mid", rv),
    *_each("tick_std", "bps", "standard deviation of tick-to-tick returns of mid", tick_std),
    *_each("bipower", "bps", "bipower variation of mid, which single jumps hardly move", bipower),
    *_each("ret", "bps", "return of mid", lambda a, w: BPS * a.of("r", w)),
    *_each("range", "bps", "highest mid over lowest", lambda a, w: (a.of("high", w) / a.of("low", w) - 1.0) * BPS),
    *_each("intensity", "ticks/s", "ticks a second", lambda a, w: a.of("ticks", w) / w),
    *_each("spread", "bps", "mean spread of the quotes", lambda a, w: _share(a.of("spread_bps", w), a.of("quotes", w))),
    *_each(
        "imbalance",
        "-1 to 1",
        "mean of (bid size - ask size) / (bid size + ask size)",
        lambda a, w: _share(a.of("imbalance", w), a.of("sized_quotes", w)),
    ),
    *_each(
        "flow",
        "-1 to 1",
        "volume that takers bought less what they sold, over all volume",
        lambda a, w: _share(a.of("signed_volume", w), a.of("volume", w)),
    ),
    *_ratios("log_rv", "log of short over long volatility a second", _log_ratio),
    *_ratios(
        "log_intensity",
        "log of short over long tick intensity",
        lambda a, s, w: np.log((a.of("ticks", s) / s + 0.1) / (a.of("ticks", w) / w + 0.1)),
    ),
    Feature(
        "jump_60",
        60,
        "0 to 1",
        "share of the squared returns that jumps made: (realised - bipower variance) / realised, last 60 s",
        lambda a: np.clip((a.of("r2", 60) - (bipower(a, 60) / BPS) ** 2) / np.maximum(a.of("r2", 60), TINY), 0.0, 1.0),
    ),
    _faded("rms_1", "last", "absolute one-second return of mid"),
    *(
        _faded(f"ewma_{s}", f"{s}", f"root of the fading mean of squared one-second returns, half-life {s} s")
        for s in (3, 6, 11, 22, 45, 90)
    ),
    _faded("rms_3600", "hour", "root of the mean squared one-second return, last hour or as much as its session has"),
    Feature(
        "tick_rms_3600",
        3600,
        "bps",
        "root of the mean squared tick-to-tick return, last hour or as much as its session has",
        tick_rms,
        300,
    ),
)
NAMES: tuple[str, ...] = tuple(f.name for f in FEATURES)
CORE: tuple[str, ...] = tuple(f.name for f in FEATURES if f.from_s <= CORE_S)
"""Features whose windows every row of a dataset has full."""


class Rows:
    """Feature rows of a stream of bars: the kernel and the formulas, one step for history and live."""

    def __init__(self) -> None:
        self._kernel = Kernel()

    @property
    def age(self) -> int:
        """Bars of the running session behind the last one: how far the windows have warmed up."""
        return self._kernel.age

    def push(self, bars: Bars, out: Floats | None = None) -> Floats:
        """Features of the bars that follow those already pushed, shape (len(FEATURES), n), NaN where missing.

        `out`, of that shape, is filled and given back: a caller with many bars keeps one and spares the page faults.
        """
        n = len(bars)
        if out is None:
            out = np.empty((len(FEATURES), n))
        with np.errstate(invalid="ignore"):
            for rows, aggregates in self._kernel.push(bars):
                for j, feature in enumerate(FEATURES):
                    out[j, rows] = feature.formula(aggregates)
        return out
