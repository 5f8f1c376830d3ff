"""From the newest bars to what live figures draw. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.live.tail import Stretch
from ui.charts.base import Span, Times
from ui.frames import aligned, broken, gaps, spans
from ui.loaders import Said

Values = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """Arrays of one length (NaN at gaps), the spikes and the gaps among them, and the last bar's numbers."""

    t: Times
    mid: Values
    spread_bps: Values
    p: Values
    spikes: list[Span]
    gaps: list[Span]
    last_ns: int
    last_mid: float
    last_vol_bps: float | None
    last_p: float | None


def view(
    stretch: Stretch,
    *,
    volatility: str | None = None,
    tau_bps: float | None = None,
    forecast: Said | None = None,
) -> View | None:
    """What to draw of `stretch`; None where there are fewer than two bars.

    Parameters
    ----------
    volatility : the feature, in bps, that `tau_bps` is held against; a bar is in a spike where it is at or above τ
    forecast : what the monitor said of these bars; its newest is the present one where it is fresh
    """
    if len(stretch) < 2:
        return None
    ns, bars = stretch.bars.bar_end_ns, stretch.bars
    quotes = bars.of("n_quotes")
    spread = np.divide(bars.of("sum_spread_bps"), quotes, out=np.full(quotes.shape, np.nan), where=quotes > 0)
    p = np.full(ns.size, np.nan) if forecast is None else aligned(ns, forecast.bar_end_ns, forecast.p)
    vol = np.full(ns.size, np.nan) if volatility is None else stretch.feature(volatility)
    hot = np.zeros(ns.size, dtype=bool) if tau_bps is None else vol >= tau_bps  # NaN compares as no spike
    t, (mid, spread, drawn) = broken(ns, bars.of("close"), spread, p)
    return View(
        t,
        mid,
        spread,
        drawn,
        spans(ns, hot),
        gaps(ns),
        int(ns[-1]),
        float(bars.of("close")[-1]),
        _known(vol[-1]),
        _present(forecast),
    )


def _known(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _present(forecast: Said | None) -> float | None:
    return _known(forecast.p[-1]) if forecast is not None and forecast.fresh else None


__all__ = ["View", "view"]
