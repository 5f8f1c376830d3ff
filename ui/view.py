"""From the newest bars to what live figures draw. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features.labels import Threshold
from core.live.tail import Stretch
from ui.charts.base import Span, Times
from ui.frames import aligned, broken, gaps, spans
from ui.loaders import Said

Values = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """Arrays of one length (NaN at gaps), the spikes and the gaps among them, and the last bar's numbers. tau_bps is
    what trailing volatility is held against: another number at each bar where τ is relative."""

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
    tau_bps: Values | None = None
    last_tau_bps: float | None = None


def view(
    stretch: Stretch,
    *,
    rule: Threshold | None = None,
    forecast: Said | None = None,
) -> View | None:
    """What to draw of `stretch`; None where there are fewer than two bars.

    Parameters
    ----------
    rule : whose trailing volatility is held against τ; a bar is in a spike where it is at or above
    forecast : what the monitor said of these bars; its newest is the present one where it is fresh
    """
    if len(stretch) < 2:
        return None
    ns, bars = stretch.bars.bar_end_ns, stretch.bars
    quotes = bars.of("n_quotes")
    spread = np.divide(bars.of("sum_spread_bps"), quotes, out=np.full(quotes.shape, np.nan), where=quotes > 0)
    p = np.full(ns.size, np.nan) if forecast is None else aligned(ns, forecast.bar_end_ns, forecast.p)
    vol, taus = np.full((2, ns.size), np.nan)
    if rule is not None:
        vol = stretch.feature(rule.question.trailing)
        taus = rule.standing(stretch.features, ns, bars.session)
    hot = vol >= taus  # NaN compares as no spike
    t, (mid, spread, drawn, curve) = broken(ns, bars.of("close"), spread, p, taus)
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
        curve,
        _known(taus[-1]),
    )


def _known(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _present(forecast: Said | None) -> float | None:
    return _known(forecast.p[-1]) if forecast is not None and forecast.fresh else None


__all__ = ["View", "view"]
