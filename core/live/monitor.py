"""The monitor: store tail -> features -> champion -> forecast, one for every bar that closes (a process).

Window and horizon, sampler, kernel and formulas are those of training. A row whose windows are warming up is written
without a probability. The champion is looked up anew at every step, so that a new training or a roll-back is followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from core.config import Home, load_settings
from core.errors import NotThere
from core.features.dataset import pick
from core.features.windows import CORE_S
from core.ingestion.store import Market, Reader
from core.jobs import Holder
from core.live.forecasts import Forecast, Log
from core.live.tail import Stretch, Tail
from core.training import registry

EVERY_S = 0.25
"""How often the store is looked at: a bar is forecast at most this long after it closed."""


class Monitor:
    """Forecasts for one market with one model (by default whoever is champion)."""

    def __init__(
        self,
        home: Home,
        venue: str | None = None,
        product: str | None = None,
        model: str | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._home, self._asked, self._model_name, self._clock_ns = home, (venue, product), model, clock_ns
        self._reader = Reader(home)
        market = self._market()
        self._tail = Tail(market.venue, market.product)
        self._log = Log(home)
        self._meta: registry.Meta | None = None
        self._model: Any = None

    def _market(self) -> Market:
        return pick(self._reader, *self._asked)

    def close(self) -> None:
        self._log.close()
        self._reader.close()

    def step(self) -> dict[str, Any]:
        """Forecast every bar that has closed since the last step; returns what status and pages show.

        `sentence` says how things stand in words; p and vol_bps are None where there is no number to show.
        """
        changed = self._follow_champion()
        meta = self._meta
        assert meta is not None
        self._asked = (self._tail.venue, self._tail.product)
        new = self._tail.advance(self._reader, self._market())
        made = self._forecast(self._tail.kept if changed else new)
        self._log.append(made)
        last = made[-1] if made else None
        full = self._tail.age >= CORE_S
        said: dict[str, Any] = {
            "venue": self._tail.venue,
            "product": self._tail.product,
            "model": meta.name,
            "tau_bps": meta.tau_bps,
            "age": max(self._tail.age, 0),
            "need": CORE_S,
            "late": self._tail.late,
            "sentence": "forecasting" if full else f"warming up: {max(self._tail.age, 0)} of {CORE_S} bars",
        }
        if last is not None:
            said |= {name: getattr(last, name) for name in ("bar_end_ns", "p", "vol_bps", "mid", "theta", "made_ns")}
        return said

    def _follow_champion(self) -> bool:
        if self._model_name is not None:
            name = self._model_name
        else:
            champion = registry.champion(self._home)
            if champion is None:
                raise NotThere("no model has been trained in this home: train first, then start the monitor")
            name = champion.name
        if self._meta is not None and self._meta.name == name:
            return False
        self._model, self._meta = registry.load(self._home, name)
        return True

    def _forecast(self, stretch: Stretch) -> list[Forecast]:
        meta = self._meta
        assert meta is not None
        if not len(stretch):
            return []
        rows = pd.DataFrame({name: stretch.feature(name) for name in meta.features})
        volatility = stretch.feature(meta.volatility)
        full = ~np.isnan(stretch.feature(f"rv_{CORE_S}"))
        p = np.full(len(stretch), np.nan)
        if full.any():
            p[full] = self._model.predict_proba(rows[full])[:, 1]
        theta = load_settings(self._home).theta or meta.theta
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


def _number(x: float) -> float | None:
    return None if np.isnan(x) else float(x)


def run(monitor: Monitor, holder: Holder, seconds: float | None = None) -> dict[str, Any]:
    """Step until interrupted, or for `seconds`; the holder's fields are the last step's."""
    until = None if seconds is None else time.monotonic() + seconds
    said: dict[str, Any] = {}
    while until is None or time.monotonic() < until:
        said |= monitor.step()
        holder.beat(message=said["sentence"], **said)
        time.sleep(EVERY_S)
    return said
