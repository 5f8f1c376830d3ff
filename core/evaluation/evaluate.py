"""From the forecasts of one training to its `Evaluation`: every figure from the same rows and the same draws.

Nothing here fits anything: forecasts, theta and leakage verdict come in, and the test part is looked at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import ALERTS_PER_H
from core.evaluation import events, within
from core.evaluation.budget import theta_for_budget
from core.evaluation.evidence import evidence, meter
from core.evaluation.intervals import Blocks, Resampled, resampled
from core.evaluation.probability import probability
from core.evaluation.record import Alerts, Estimate, Evaluation, Evidence, Fold, Judged, Leakage, Verdict
from core.evaluation.scores import Scores
from core.features.bars import SECOND_NS
from core.features.dataset import SPLITS, Dataset
from core.features.labelled import thresholds

BUDGETS_PER_H = (1.0, ALERTS_PER_H, 6.0)
"""Alerts an hour that a person might bear."""
BLOCK_HORIZONS = 5
"""A block of the bootstrap is so many horizons long: neighbouring rows share nearly all of theirs."""
REPLICATES = 500
SLOW = "rv_300"
"""The volatility whose terciles in the training part are the regimes."""

Floats = NDArray[np.float64]
Beat = Callable[[float, str], None]


@dataclass(frozen=True)
class Forecast:
    """What one model says of the validation and the test part, and what is known of it.

    p_validation, p_test : calibrated probabilities of the rows of the parts, in the order of time
    scores : of the test part at the theta that validation chose; validation : of the validation part, at it too
    calibration : how the probabilities were made to mean what they say, in a sentence
    """

    name: str
    model: str
    title: str
    baseline: bool
    run_id: str
    p_validation: Floats
    p_test: Floats
    scores: Scores
    validation: Scores
    calibration: str


@dataclass(frozen=True)
class Seconds:
    """The seconds of one part with a row or with known volatility, for events.

    A row's forward volatility is the trailing volatility a horizon later, so what becomes of the last rows of a session
    is known too.
    """

    bar_end_ns: NDArray[np.int64]
    session: NDArray[np.int64]
    trailing_bps: Floats
    tau_bps: Floats
    """What the trailing volatility is held against."""
    at: NDArray[np.int64]
    """Where the rows of the part stand among the seconds."""

    def spread(self, p: Floats) -> Floats:
        """Forecasts of the rows, NaN on the other seconds."""
        values = np.full(self.bar_end_ns.size, np.nan)
        values[self.at] = p
        return values


def seconds(dataset: Dataset, split: str) -> Seconds:
    """The seconds of one part of the dataset, in the order of time."""
    rows = dataset.rows[dataset.rows["split"] == split]
    return seconds_of(rows, dataset.question.trailing, dataset.question.ahead, dataset.tau, dataset.relative)


def seconds_of(rows: pd.DataFrame, trailing: str, ahead_s: int, tau: float | Floats, relative: bool) -> Seconds:
    """The seconds of labelled rows (n,), in the order of time.

    rows : bar_end_ns, session, `trailing` (volatility of the last seconds), forward_vol_bps, which is the trailing
        volatility `ahead_s` later, and for a relative tau slow_bps and standing_bps
    tau : as it was set, one or one of each row
    """
    taus = thresholds(rows, tau, relative)
    standing = tau * rows["standing_bps"] if relative else taus
    now = rows[["bar_end_ns", "session"]].assign(vol=rows[trailing], tau=standing)
    later = rows[["bar_end_ns", "session"]].assign(vol=rows["forward_vol_bps"], tau=taus)
    later["bar_end_ns"] += ahead_s * SECOND_NS
    both = pd.concat([now, later]).drop_duplicates("bar_end_ns").sort_values("bar_end_ns", kind="stable")
    times = both["bar_end_ns"].to_numpy()
    at = np.searchsorted(times, rows["bar_end_ns"].to_numpy())
    vol, tau = (both[name].to_numpy(dtype=np.float64) for name in ("vol", "tau"))
    return Seconds(times, both["session"].to_numpy(), vol, tau, at)


def evaluate(
    dataset: Dataset,
    forecasts: Sequence[Forecast],
    *,
    training: str,
    leakage: Leakage,
    champion: str | None,
    quantile: float | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
    folds: Sequence[Fold] = (),
    folds_note: str = "",
    beat: Beat = lambda _share, _message: None,
) -> Evaluation:
    """All that can be said of the forecasts of one training on its test part.

    Parameters
    ----------
    dataset : that they were made on
    forecasts : at least one; baselines among them, else no comparison exists
    leakage : the doctor's verdict on the pipeline that made the rows
    champion : name of the forecast that is meant to watch the market, chosen without the test part
    replicates : of the block bootstrap; blocks are five horizons long
    beat : told the share done, 0 to 1, and a few words
    """
    rows = dataset.rows[dataset.rows["split"] == "test"]
    y = rows["spike"].to_numpy()
    times, session = rows["bar_end_ns"].to_numpy(), rows["session"].to_numpy()
    horizon_s = dataset.question.horizon_s
    block_s = BLOCK_HORIZONS * horizon_s
    blocks = Blocks(times, block_s, replicates, seed)
    stretches = within.Stretches(times, session, y)
    pooled: list[Resampled] = []
    ranked: list[Resampled | None] = []
    for i, f in enumerate(forecasts):
        beat(0.6 * i / len(forecasts), f"intervals of {f.title}, {i + 1} of {len(forecasts)}")
        pooled.append(resampled(y, f.p_test, f.scores.theta, blocks))
        ranked.append(within.resampled_ranks(y, f.p_test, stretches, blocks))
    best = _best(forecasts, [r.aps[0] for r in pooled])
    best_within = _best(forecasts, [r.aps[0] if r is not None else np.nan for r in ranked])

    shared = _Shared(dataset, seconds(dataset, "validation"), seconds(dataset, "test"), replicates, seed)
    models = []
    for i, f in enumerate(forecasts):
        beat(0.6 + 0.4 * i / len(forecasts), f"alerts of {f.title}, {i + 1} of {len(forecasts)}")
        mine, inside = pooled[i], ranked[i]
        against = None if best_within is None or i == best_within else ranked[best_within]
        models.append(
            Judged(
                name=f.name, model=f.model, title=f.title, baseline=f.baseline, run_id=f.run_id, theta=f.scores.theta,
                scores=f.scores, validation_ap=f.validation.pr_auc, ap=mine.ap, lift=mine.lift, f1=mine.f1,
                over_base=mine.over_base, over_best=_difference(mine, None if i == best else best, pooled),
                band=mine.band, within=within.within(y, stretches, inside, against), alerts=shared.alerts(f),
                probability=probability(
                    y, f.p_test, climatology=shared.climatology, horizon_s=horizon_s, blocks=blocks
                ),
                calibration=f.calibration,
                groups=within.groups(
                    y, f.p_test, times, session, slow_bps=_slow(rows), bounds=shared.regimes
                ),
            )
        )  # fmt: skip
    models.sort(key=lambda m: (-_value(m.within.ap.value), -m.scores.pr_auc))
    crowned = next((m for m in models if m.name == champion), None)
    measured = meter(
        stood_on(dataset.rows, dataset.rows["spike"].to_numpy(), horizon_s), crowned.ap if crowned else models[0].ap
    )
    beat(1.0, "evaluated")
    return Evaluation(
        training=training, made_ns=time.time_ns(), label=dataset.question.label, horizon_s=horizon_s,
        tau_bps=float(dataset.tau_bps), quantile=quantile, venue=dataset.venue, product=dataset.product,
        fingerprint=dataset.fingerprint, seed=seed, replicates=replicates, block_s=block_s,
        base_rate=float(y.mean()), meter=measured, leakage=leakage,
        verdict=judge(crowned, leakage, measured.enough, measured.sentence), champion=champion,
        best_baseline=None if best is None else forecasts[best].name,
        best_within=None if best_within is None else forecasts[best_within].name,
        models=tuple(models), folds=tuple(folds), folds_note=folds_note, missing=tuple(dataset.missing),
        tau_relative=dataset.tau_relative,
    )  # fmt: skip


def stood_on(rows: pd.DataFrame, spike: NDArray[np.bool_], horizon_s: int) -> tuple[Evidence, ...]:
    """What stands behind each split of labelled rows at a threshold: rows, independent horizons, episodes.

    rows : bar_end_ns, session, split; spike : (n,) of the same rows
    """
    split = rows["split"].to_numpy()
    times, session = rows["bar_end_ns"].to_numpy(), rows["session"].to_numpy()
    return tuple(
        evidence(name, times[at], session[at], spike[at], horizon_s=horizon_s)
        for name, at in ((name, split == name) for name in SPLITS)
    )


def judge(champion: Judged | None, leakage: Leakage, enough: bool, why: str) -> Verdict:
    """What may be said of the champion: of its score inside sessions, never of the pooled one alone.

    `why` says what stands behind the test part; it is the sentence where that is not `enough`.
    """
    if leakage.verdict == "leaky":
        failed = [c.name.replace("_", " ") for c in leakage.checks if c.passed is False]
        return Verdict(word="leaky", sentence=f"Leaky: {', '.join(failed)}. No score here says anything of the future.")
    if champion is None:
        return Verdict(word="no conclusion", sentence="No champion: no model of this training was chosen.")
    if not enough:
        return Verdict(word="no conclusion", sentence=why)
    if champion.baseline:
        return Verdict(
            word="not shown",
            sentence=f"Not shown: the champion is {champion.title}, itself a baseline. Nothing beats it yet.",
        )
    gain = champion.within.over_best
    if gain.value is None or gain.low is None or gain.high is None:
        return Verdict(
            word="no conclusion",
            sentence="No conclusion: too few sessions of the test part hold spikes and quiet seconds to compare inside "
            "them.",
        )
    said = f"{_signed(gain.value)} ({_signed(gain.low)} to {_signed(gain.high)})"
    if gain.low > 0:
        return Verdict(
            word="shown", sentence=f"Shown: inside sessions {champion.title} beats the best baseline by {said} AP."
        )
    return Verdict(
        word="not shown",
        sentence=f"Not shown: inside sessions {champion.title} differs from the best baseline by {said} AP; that "
        "interval does not lie above 0.",
    )


class _Shared:
    """What the models' figures have in common: seconds of the parts, draws over them, and the training part's terms."""

    def __init__(self, dataset: Dataset, validation: Seconds, test: Seconds, replicates: int, seed: int) -> None:
        self.question = dataset.question
        self.validation, self.test = validation, test
        self.blocks = Blocks(test.bar_end_ns, BLOCK_HORIZONS * self.question.horizon_s, replicates, seed)
        train = dataset.rows[dataset.rows["split"] == "train"]
        self.climatology = float(train["spike"].mean())
        self.regimes = within.regime_bounds(_slow(train))

    def alerts(self, f: Forecast) -> tuple[Alerts, ...]:
        """At each budget, for all alerts and for those before volatility is up."""
        h = self.question.horizon_s
        v, t = self.validation, self.test
        calm = ~events.episodes(v.bar_end_ns, v.session, v.trailing_bps, tau_bps=v.tau_bps, horizon_s=h).on
        p_validation, p_test = v.spread(f.p_validation), t.spread(f.p_test)
        found = []
        for onset in (False, True):
            for budget in BUDGETS_PER_H:
                theta = theta_for_budget(
                    v.bar_end_ns, v.session, p_validation, budget_per_h=budget, cooldown_s=h,
                    counted=calm if onset else None,
                )  # fmt: skip
                found.append(
                    events.alerts_at(
                        t.bar_end_ns, t.session, t.trailing_bps, p_test, theta=theta, tau_bps=t.tau_bps,
                        horizon_s=h, budget_per_h=budget, onset=onset, blocks=self.blocks,
                    )
                )  # fmt: skip
        return tuple(found)


def _best(forecasts: Sequence[Forecast], aps: Sequence[float]) -> int | None:
    """Where the baseline with the highest AP stands; chosen on test, in its favour and so against every model."""
    baselines = [i for i, f in enumerate(forecasts) if f.baseline and np.isfinite(aps[i])]
    return max(baselines, key=lambda i: aps[i], default=None)


def _difference(mine: Resampled, best: int | None, pooled: Sequence[Resampled]) -> Estimate:
    return Estimate(value=None) if best is None else mine.over(pooled[best])


def _slow(rows: pd.DataFrame) -> Floats:
    if SLOW not in rows:
        return np.full(len(rows), np.nan)
    return rows[SLOW].to_numpy(dtype=np.float64)


def _value(x: float | None) -> float:
    return -1.0 if x is None else x


def _signed(x: float) -> str:
    text = f"{x:+.2f}"
    return text.replace("-", "−") if float(text) else text[1:]
