"""The pipeline at a glance: what is done, what is next, what waits. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from core.config import Settings
from core.evaluation.drift import DriftTable
from core.evaluation.record import Estimate
from core.ingestion.store import Market
from core.jobs import Job
from core.training.registry import Meta
from ui.text import market_name, plural, sentence, tau
from ui.theme import lift, percent, short_count, utc
from ui.training_rows import between

State = Literal["done", "next", "wait"]
ENOUGH_S = 600
"""Market time after which a threshold and a training make sense: windows, horizons and three splits."""


@dataclass(frozen=True)
class Step:
    """One line: its state, what it is, one sentence, where its link leads, and its button ("": it has none)."""

    number: int
    state: State
    title: str
    sentence: str
    page: str
    link: str
    button: str
    act: str
    """What the button does, by the name that `actions.take` knows; "" where it only leads to the page."""


@dataclass(frozen=True)
class Facts:
    """What the steps are derived from. `stale` says why the champion is, else None."""

    market: Market | None
    settings: Settings
    capture: Job
    monitor: Job
    training: Job
    champion: Meta | None
    stale: str | None
    drift: DriftTable | None
    models: int = 3
    """How many models are offered for training."""
    looked: bool = False
    """Whether this browser session has seen the evidence for the newest training."""
    sampling: Job = field(default_factory=lambda: Job(name="sample"))
    comparing: Job = field(default_factory=lambda: Job(name="drift"))
    ap: Estimate | None = None
    """The champion's average precision on test."""

    @property
    def here(self) -> tuple[str, str] | None:
        """Venue and product of the shown market."""
        return None if self.market is None else (self.market.venue, self.market.product)

    @property
    def compared(self) -> bool:
        """Whether the last drift comparison is of the shown market."""
        return self.drift is not None and (self.drift.venue, self.drift.product) == self.here

    @property
    def watched(self) -> tuple[str, str] | None:
        """Venue and product that the running monitor watches; None where none runs."""
        if not self.monitor.running:
            return None
        venue, product = self.here or ("", "")
        return self.monitor.fields.get("venue", venue), self.monitor.fields.get("product", product)


def steps(f: Facts) -> list[Step]:
    """The six steps; exactly one is next: the first that is not done."""
    span = (f.market.last_ns - f.market.first_ns) / 1e9 if f.market else 0.0
    captured = f.market is not None and span >= ENOUGH_S and not f.sampling.running
    trained = f.champion is not None and f.stale is None
    watched = f.watched is not None and f.watched == f.here
    seen = trained and (f.looked or f.compared or watched)
    done = [captured, captured and f.settings.tau is not None, trained, seen, f.compared, watched]
    first = done.index(False) if False in done else len(done)
    told = [_capture(f, captured), _tau(f), _train(f), _evaluate(f, trained), _drift(f), _watch(f, trained)]
    empty = f.market is None and not f.capture.running
    n = plural(f.models, "model")
    get = ("Load a sample day", "sample") if empty else ("Start capture", "capture")
    watch = "Start monitor" if f.capture.running else "Start capture and monitor"
    # title, page, its link, the button, what that does, and whether it is already being done
    pages = [
        ("Get ticks", "1_Live_capture", "Open capture", *get, f.capture.running or f.sampling.running),
        ("Set the spike threshold", "2_Threshold_tuning", "Tune τ", "Set τ", "", False),
        ("Train", "3_Training", "Open training", f"Train {n}", "train", f.training.running),
        ("Evaluate", "4_Evaluation", "See evidence", "See evidence", "", False),
        ("Check drift", "5_Drift", "Compare", "Compare", "compare", f.comparing.running),
        ("Watch", "6_Live_monitor", "Open monitor", watch, "watch", False),
    ]
    return [
        Step(
            number=i + 1,
            state="done" if done[i] else "next" if i == first else "wait",
            title=title,
            sentence=told[i],
            page=f"pages/{page}.py",
            link=link,
            button="" if doing else button,
            act=act,
        )
        for i, (title, page, link, button, act, doing) in enumerate(pages)
    ]


def _capture(f: Facts, captured: bool) -> str:
    if f.sampling.running:
        return "The sample day is on its way."
    if f.market is None:
        return (
            "The first ticks are on their way."
            if f.capture.running
            else "No ticks yet. A sample day fills every page: 24 h of a simulated market, made here in half a minute."
        )
    now = time.time_ns()
    since, until = utc(f.market.first_ns, now, zone=False), utc(f.market.last_ns, now)
    span = f"from {since} UTC on" if f.capture.running else f"{since} to {until}"
    has = f"{short_count(f.market.ticks)} ticks of {market_name(f.market.venue, f.market.product)}, {span}"
    if captured:
        return has
    return f"{has}. Ten minutes of market time are needed before a threshold means something."


def _tau(f: Facts) -> str:
    if f.settings.tau is not None:
        asked = tau(f.settings.tau_bps, f.settings.tau_relative)
        return f"τ = {asked} over {f.settings.horizon_s} s, {f.settings.label}"
    return (
        f"Not set: training would take P{100 * f.settings.quantile:g} of its own split. Look at the distribution first."
    )


def _train(f: Facts) -> str:
    if f.training.running:
        return "Training runs: the line above says how far it is."
    if f.champion is None:
        learn = f"{plural(f.models, 'model')} can learn"
        return f"Nothing trained yet. {learn} whether the next seconds will be a spike: about a minute for a day."
    if f.stale:
        return f"The champion is stale: {f.stale}. Train again so that it answers today's question."
    return f"Champion: {f.champion.title}, trained on τ {tau(f.champion.tau_bps, f.champion.tau_relative)}"


def _evaluate(f: Facts, trained: bool) -> str:
    if f.champion is None:
        return "Scores exist once models are trained."
    s = f.champion.scores
    of = "" if trained else " (of the stale champion)"
    verdict = sentence(f.champion.leakage.words)
    return f"AP {between(f.ap)}, base rate {percent(s.base_rate)}, lift {lift(s.lift)}{of}. {verdict}"


def _drift(f: Facts) -> str:
    if f.comparing.running:
        return "The comparison runs: the line above says how far it is."
    if f.drift is None:
        return "Not compared yet: does the market still look as it did in training?"
    if not f.compared:
        return f"Not compared yet; the last comparison is of {market_name(f.drift.venue, f.drift.product)}."
    return f"{f.drift.moved} of {len(f.drift.features)} features moved by Evidently's default test"


def _watch(f: Facts, trained: bool) -> str:
    if f.watched is not None:
        if f.watched != f.here:
            return f"The monitor watches {market_name(*f.watched)}: stop it and start it again."
        return f"Running since {utc(f.monitor.started_ns, time.time_ns())}: one forecast for every bar that closes."
    if f.champion is None:
        return "Stopped. Needs a champion."
    ready = "Stopped. One forecast a second, each written down before its outcome is known."
    return ready if trained else "Stopped. Its champion is stale."


__all__ = ["ENOUGH_S", "Facts", "Step", "steps"]
