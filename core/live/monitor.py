"""The monitor: store tail -> features -> champion -> forecast, one for every bar that closes (a process).

Window and horizon, sampler, kernel and formulas are those of training. A row whose windows are warming up is written
without a probability. A relative tau is written in bps, as many as it is at that bar. The champion is looked up anew at
every step, so that a new training or a roll-back is followed; one that learned from another market is not. The
baselines of the champion's training forecast beside it as shadows, and every forecast is graded when its horizon is
over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config import Home, load_settings
from core.errors import Damaged, NotThere
from core.features.bars import SECOND_NS
from core.features.markets import chosen
from core.features.windows import CORE_S
from core.ingestion.store import Market, Reader
from core.jobs import Holder
from core.live.bell import Bell
from core.live.escrow import Grades, outcomes
from core.live.forecasts import Forecast, Log
from core.live.step import doubts, levels, probabilities
from core.live.tail import Stretch, Tail
from core.training import registry
from core.training.seen import MISSING
from core.training.stale import why_stale

if TYPE_CHECKING:
    from models import Estimator

EVERY_S = 0.25
"""How often the store is looked at: a bar is forecast at most this long after it closed."""
SILENT_S = 10
"""Without a bar for so long there is no data, and no number."""
SAID = ("bar_end_ns", "p", "vol_bps", "tau_bps", "mid", "theta", "made_ns", "doubt")
"""What is told of the newest forecast."""
NOTHING = dict.fromkeys(("p", "vol_bps", "mid", "doubt"))


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
        self._log, self._grades = Log(home), Grades(home)
        self._bell = Bell(home, self._tail, clock_ns, self._meta_of)
        self._pending: list[Forecast] | None = None
        self._asked: dict[str, registry.Meta | None] = {}
        self._meta: registry.Meta | None = None
        self._models: list[tuple[Estimator, registry.Meta]] = []
        self._heard_ns: int | None = None
        self._left_out: list[str] = []
        self._last: Forecast | None = None

    def _market(self) -> Market:
        return chosen(self._reader, load_settings(self._home), self._tail.venue, self._tail.product)

    def close(self) -> None:
        self._bell.close()
        self._log.close()
        self._grades.close()
        self._reader.close()

    def step(self) -> dict[str, Any]:
        """Forecast every bar that has closed since the last step; returns what status and pages show.

        `sentence` says how things stand in words; p, vol_bps and mid are None where there is no number to show.
        """
        first = self._meta is None
        changed = self._follow_champion()
        meta = self._meta
        assert meta is not None
        market = self._market()
        new = self._tail.advance(self._reader, market)
        stale = None if self._named else why_stale(meta, load_settings(self._home), market)
        if first:
            self._bell.resume(meta, self._back_to)
        elif changed:
            self._bell.heed()
        # at a start, and when the champion changes, only bars whose outcome is not known yet are forecast
        stretch = _open_outcome(self._tail.kept, meta.horizon_s) if changed else new
        made = self._forecast(stretch, *self._models[0])
        shadows = [f for shadow in self._models[1:] for f in self._forecast(stretch, *shadow)]
        self._log.append([*made, *shadows])
        self._grade([*made, *shadows])
        self._bell.ring(made, stretch, meta, silent=stale is not None)
        now_ns = self._clock_ns()
        if len(new) and not first:
            self._heard_ns = now_ns
        said: dict[str, Any] = {
            "venue": self._tail.venue,
            "product": self._tail.product,
            "model": meta.name,
            "tau_relative": meta.tau_relative,
            "age": max(self._tail.age, 0),
            "need": meta.asked.warm_up_s,
            "late": self._tail.late,
            "stale": stale,
            "left_out": self._left_out,
            "sentence": self._sentence(now_ns, meta.asked.warm_up_s),
        }
        self._last = made[-1] if made else self._last
        if said["sentence"] != "forecasting" or self._last is None:
            return said | NOTHING | {"tau_bps": meta.tau_bps if meta.tau_relative is None else None}
        said |= {name: getattr(self._last, name) for name in SAID}
        doubt = said["doubt"]
        if stale:  # a number about another question would be taken for the answer to this one
            said |= {"sentence": f"model stale: {stale}", "p": None}
        elif doubt and doubt.startswith(MISSING):
            said |= {"sentence": doubt, "p": None}
        elif doubt:
            said |= {"sentence": f"do not trust this row: {doubt}"}
        return said

    def _sentence(self, now_ns: int, need: int) -> str:
        if self._heard_ns is None:
            return "no data: waiting for a bar to close"
        silent_s = (now_ns - self._heard_ns) // SECOND_NS
        if silent_s > SILENT_S:
            return f"no data: no bar has closed for {silent_s} s"
        if self._tail.age < need:
            return f"warming up: {max(self._tail.age, 0)} of {need} bars"
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
        self._models = [registry.load(self._home, name)]
        self._meta = self._models[0][1]
        shadows, self._left_out = _shadows(self._home, self._meta)
        self._models += shadows
        return True

    def _back_to(self, oldest_ns: int) -> Stretch:
        """Bars that reach back to `oldest_ns`: the tail's own, or more of them read for this once."""
        kept = self._tail.kept
        if oldest_ns >= kept.bars.bar_end_ns[0]:
            return kept
        behind_s = int(kept.bars.bar_end_ns[-1] - oldest_ns) // SECOND_NS
        longer = Tail(self._tail.venue, self._tail.product, behind_s + CORE_S)
        longer.advance(self._reader, self._market())
        return longer.kept

    def _grade(self, made: list[Forecast]) -> None:
        """Grade those whose horizon is over; what an earlier monitor left open is looked up further back, once."""
        stretch = self._tail.kept
        if not len(stretch):
            return
        if self._pending is None:
            self._pending = self._grades.open(self._tail.venue, self._tail.product)
            oldest_ns = min((f.bar_end_ns for f in self._pending), default=int(stretch.bars.bar_end_ns[-1]))
            stretch = self._back_to(oldest_ns)
        else:
            self._pending += [f for f in made if f.p is not None]
        asked = {name: self._meta_of(name) for name in {f.model for f in self._pending}}
        estimators = {name: meta.volatility for name, meta in asked.items() if meta is not None}
        self._pending = [f for f in self._pending if f.model in estimators]
        graded = outcomes(self._pending, stretch, estimators)
        if graded:
            self._grades.append(graded, self._clock_ns())
            done = {(f.model, f.bar_end_ns) for f, _ in graded}
            self._pending = [f for f in self._pending if (f.model, f.bar_end_ns) not in done]

    def _meta_of(self, name: str) -> registry.Meta | None:
        """What a model that has forecast was asked, also one that is champion no more; None where that is not known any
        more: then its forecasts stay open, and what became of its alerts unknown."""
        if name not in self._asked:
            try:
                self._asked[name] = registry.find(self._home, name)
            except (NotThere, Damaged):
                self._asked[name] = None
        return self._asked[name]

    def _forecast(self, stretch: Stretch, model: Estimator, meta: registry.Meta) -> list[Forecast]:
        if not len(stretch):
            return []
        seen_ns = int(self._tail.kept.bars.bar_end_ns[-1])
        p, of = probabilities(stretch, model, meta), levels(stretch, meta)
        doubtful = doubts(stretch, p, meta)
        theta = load_settings(self._home).theta_for(meta.name, meta.theta)
        mids, now = stretch.bars.of("close"), self._clock_ns()
        return [
            Forecast(
                venue=self._tail.venue,
                product=self._tail.product,
                bar_end_ns=int(stretch.bars.bar_end_ns[i]),
                model=meta.name,
                p=_number(p[i]),
                vol_bps=_number(of.vol_bps[i]),
                mid=float(mids[i]),
                tau_bps=_number(of.tau_bps[i]),
                theta=theta,
                made_ns=now,
                horizon_s=meta.horizon_s,
                seen_ns=seen_ns,
                doubt=doubtful[i],
            )
            for i in range(len(stretch))
        ]


def _shadows(home: Home, meta: registry.Meta) -> tuple[list[tuple[Estimator, registry.Meta]], list[str]]:
    """The baselines that were trained with `meta` on the same rows, loaded, and why others are left out, a sentence
    each: the baselines are company, what is damaged among them does not end the watch."""
    found, left_out = [], []
    for name in sorted(os.listdir(home.artifacts)):
        if name[0] == "." or not (home.artifacts / name).is_dir():
            continue
        try:
            other = registry.find(home, name)
            if other.training == meta.training and other.baseline and other.name != meta.name:
                found.append(registry.load(home, name))
        except (Damaged, NotThere) as error:
            left_out.append(str(error))
    return found, left_out


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
