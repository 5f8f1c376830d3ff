"""From the newest bars to what live figures draw. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    """Arrays of one length (NaN at gaps), the spikes and the gaps among them, and the last bar's numbers.

    vol_bps, tau_bps: trailing volatility and the τ of the same bar, NaN where they are not asked for. shadows: the
    forecasts of other models by their titles. doubted: where the forecast should not be trusted; `doubt` says why of
    the present one, "" where it may be. said_ns: the newest bar that each model has spoken of.
    """

    t: Times
    mid: Values
    spread_bps: Values
    p: Values
    vol_bps: Values
    tau_bps: Values
    spikes: list[Span]
    gaps: list[Span]
    last_ns: int
    last_mid: float
    last_vol_bps: float | None
    last_tau_bps: float | None
    last_p: float | None
    shadows: dict[str, Values] = field(default_factory=dict)
    doubted: list[Span] = field(default_factory=list)
    doubt: str = ""
    said_ns: tuple[int, ...] = ()


def view(
    stretch: Stretch,
    *,
    rule: Threshold | None = None,
    forecast: Said | None = None,
    shadows: Sequence[tuple[str, Said]] = (),
) -> View | None:
    """What to draw of `stretch`; None where there are fewer than two bars.

    Parameters
    ----------
    rule : whose trailing volatility is held against τ; a bar is in a spike where it is at or above
    forecast : what the monitor said of these bars; its newest is the present one where it is fresh
    shadows : (title, what was said) of models that are drawn beside it
    """
    if len(stretch) < 2:
        return None
    ns, bars = stretch.bars.bar_end_ns, stretch.bars
    quotes = bars.of("n_quotes")
    spread = np.divide(bars.of("sum_spread_bps"), quotes, out=np.full(quotes.shape, np.nan), where=quotes > 0)
    unknown = np.full(ns.size, np.nan)
    vol = unknown if rule is None else stretch.feature(rule.question.trailing)
    tau = unknown if rule is None else rule.standing(stretch.features, ns, bars.session)
    beside = [aligned(ns, said.bar_end_ns, said.p) for _, said in shadows]
    p = unknown if forecast is None else aligned(ns, forecast.bar_end_ns, forecast.p)
    t, (mid, spread, drawn, vol_drawn, tau_drawn, *others) = broken(ns, bars.of("close"), spread, p, vol, tau, *beside)
    present = forecast is not None and forecast.fresh
    return View(
        t=t,
        mid=mid,
        spread_bps=spread,
        p=drawn,
        vol_bps=vol_drawn,
        tau_bps=tau_drawn,
        spikes=spans(ns, vol >= tau),  # NaN compares as no spike
        gaps=gaps(ns),
        last_ns=int(ns[-1]),
        last_mid=float(bars.of("close")[-1]),
        last_vol_bps=_known(vol[-1]),
        last_tau_bps=_known(tau[-1]),
        last_p=_known(forecast.p[-1]) if forecast is not None and present else None,
        shadows={title: values for (title, _), values in zip(shadows, others, strict=True)},
        doubted=[] if forecast is None else spans(ns, np.isin(ns, [bar for bar, _ in forecast.doubts])),
        said_ns=tuple(int(s.bar_end_ns[-1]) for s in (forecast, *(s for _, s in shadows)) if s and s.bar_end_ns.size),
        doubt="" if forecast is None or not present else dict(forecast.doubts).get(int(forecast.bar_end_ns[-1]), ""),
    )


def _known(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


__all__ = ["View", "view"]
