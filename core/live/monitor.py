"""The monitor: store tail -> features -> champion -> forecast, one for every bar that closes (a process).

Window and horizon, sampler, kernel and formulas are those of training. A row whose windows are warming up is written
without a probability. The champion is looked up anew at every step, so that a new training or a roll-back is followed;
one that learned from another market is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from core.config import Home, load_settings
from core.errors import NotThere
from core.features.bars import SECOND_NS
from core.features.markets import chosen
from core.features.windows import CORE_S
from core.ingestion.store import Market, Reader
from core.jobs import Holder
from core.live.forecasts import Forecast, Log
from core.live.tail import Stretch, Tail
from core.training import registry

EVERY_S = 0.25
"""How often the store is looked at: a bar is forecast at most this long after it closed."""
SILENT_S = 10
"""Without a bar for so long there is no data, and no number."""
NOTHING = {"p": None, "vol_bps": None, "mid": None}


class Monitor:
    """Forecasts for one market with one model: the champion, or the one named `model` (also on a foreign market)."""

    def __init__(
        self,
        home: Home,
        venue: str | None = None,
        product: str | None = None,
        model: str | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._home, self._clock_ns = home, clock_ns
        self._named = None if model is None else registry.find(home, model).name
        self._reader = Reader(home)
        market = chosen(self._reader, load_settings(home), venue, product)
        self._tail = Tail(market.venue, market.product)
        self._log = Log(home)
        self._meta: registry.Meta | None = None
        self._model: Any = None
        self._heard_ns: int | None = None

    def _market(self) -> Market:
        return chosen(self._reader, load_settings(self._home), self._tail.venue, self._tail.product)

    def close(self) -> None:
        self._log.close()
        self._reader.close()

    def step(self) -> dict[str, Any]:
        """Forecast every bar that has closed since the last step; returns what status and pages show.

        `sentence` says how things stand in words; p, vol_bps and mid are None where there is no number to show.
        """
        first = self._meta is None
        changed = self._follow_champion()
        meta = self._meta
        assert meta is not None
        new = self._tail.advance(self._reader, self._market())
        # at a start, and when the champion changes, only bars whose outcome is not known yet are forecast
        made = self._forecast(_open_outcome(self._tail.kept, meta.horizon_s) if changed else new)
        self._log.append(made)
        now_ns = self._clock_ns()
        if len(new) and not first:
            self._heard_ns = now_ns
        said: dict[str, Any] = {
            "venue": self._tail.venue,
            "product": self._tail.product,
            "model": meta.name,
            "tau_bps": meta.tau_bps,
            "age": max(self._tail.age, 0),
            "need": CORE_S,
            "late": self._tail.late,
            "sentence": self._sentence(now_ns),
        }
        if said["sentence"] != "forecasting":
            said |= NOTHING
        elif made:
            said |= {
                name: getattr(made[-1], name) for name in ("bar_end_ns", "p", "vol_bps", "mid", "theta", "made_ns")
            }
        return said

    def _sentence(self, now_ns: int) -> str:
        if self._heard_ns is None:
            return "no data: waiting for a bar to close"
        silent_s = (now_ns - self._heard_ns) // SECOND_NS
        if silent_s > SILENT_S:
            return f"no data: no bar has closed for {silent_s} s"
        if self._tail.age < CORE_S:
            return f"warming up: {max(self._tail.age, 0)} of {CORE_S} bars"
        return "forecasting"

    def _follow_champion(self) -> bool:
        """Whether another model forecasts from now on. Raises NotThere when there is none for this market."""
        name = self._named
        if name is None:
            champion = registry.champion(self._home)
            if champion is None:
                raise NotThere("no model has been trained in this home: train first, then start the monitor")
            learned, here = (champion.venue, champion.product), (self._tail.venue, self._tail.product)
            if learned == here:
                name = champion.name
            elif self._meta is None:
                raise NotThere(
                    f"the champion {champion.name} learned from {' '.join(learned)}, this market is {' '.join(here)}: "
                    "train on this market, or name a model with --model"
                )
        if name is None or (self._meta is not None and self._meta.name == name):
            return False
        self._model, self._meta = registry.load(self._home, name)
        return True

    def _forecast(self, stretch: Stretch) -> list[Forecast]:
        meta = self._meta
        assert meta is not None
        if not len(stretch):
            return []
        when = pd.Index(stretch.bars.bar_end_ns, name="bar_end_ns")
        rows = pd.DataFrame({name: stretch.feature(name) for name in meta.features}, index=when)
        volatility = stretch.feature(meta.volatility)
        full = ~np.isnan(stretch.feature(f"rv_{CORE_S}"))
        p = np.full(len(stretch), np.nan)
        if full.any():
            p[full] = self._model.predict_proba(rows[full])[:, 1]
        theta = load_settings(self._home).theta_for(meta.name, meta.theta)
        mids, now = stretch.bars.of("close"), self._clock_ns()
        return [
            Forecast(
                venue=self._tail.venue,
                product=self._tail.product,
                bar_end_ns=int(stretch.bars.bar_end_ns[i]),
                model=meta.name,
                p=_number(p[i]),
                vol_bps=_number(volatility[i]),
                mid=float(mids[i]),
                tau_bps=meta.tau_bps,
                theta=theta,
                made_ns=now,
            )
            for i in range(len(stretch))
        ]


def _open_outcome(stretch: Stretch, horizon_s: int) -> Stretch:
    """The last bars, those whose horizon reaches past the newest one."""
    ends = stretch.bars.bar_end_ns
    return (
        stretch[int(np.searchsorted(ends, ends[-1] - horizon_s * SECOND_NS, side="right")) :] if len(ends) else stretch
    )


def _number(x: float) -> float | None:
    return None if np.isnan(x) else float(x)


def run(monitor: Monitor, holder: Holder, seconds: float | None = None) -> dict[str, Any]:
    """Step until interrupted, or for `seconds`; the holder's fields are those of the last step that had them."""
    until = None if seconds is None else time.monotonic() + seconds
    said: dict[str, Any] = {}
    while until is None or time.monotonic() < until:
        said |= monitor.step()
        holder.beat(message=said["sentence"], **said)
        time.sleep(EVERY_S)
    return said
