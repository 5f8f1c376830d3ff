"""Evaluations to report on: one written by hand, number for number, and one that the real `evaluate` makes of a made-up
market, with the rows behind it."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd

from core.config import Home
from core.evaluation import archive
from core.evaluation.evaluate import Forecast, evaluate
from core.evaluation.record import (
    Alerts,
    Band,
    Bin,
    Check,
    Estimate,
    Evaluation,
    Evidence,
    Fold,
    Group,
    Judged,
    Leakage,
    Meter,
    Probability,
    Verdict,
    Within,
)
from core.evaluation.scores import Curve, Scores, score, score_at
from core.features.dataset import Dataset
from core.features.labels import Question

SECOND_NS = 10**9
START_NS = 1_795_500_000 * SECOND_NS
TITLES = {
    "zscore": "z-score rule", "har": "HAR", "logistic": "logistic", "xgboost": "gradient boosting",
    "forest": "random forest", "spread_activity": "spread and activity, a title that is long",
}  # fmt: skip
BASELINES = ("zscore", "har", "spread_activity")
CLEAN = Leakage(
    verdict="clean",
    checks=(
        Check(name="truncation", passed=True, detail="cut off at 8 places, all 49 features keep every bit"),
        Check(name="label_interval", passed=True, detail="the label moves with the bars in (t, t + 60 s] and no other"),
    ),
)
LEAKY = Leakage(verdict="leaky", checks=(Check(name="label_interval", passed=False, detail="the label reaches back"),))


def by_hand() -> Evaluation:
    """A champion and a baseline, every number chosen; nothing here is computed."""
    return Evaluation(
        training="0a1b2c3d", run_id="4157974b315c4ef9a4c0334497dc4eb7", made_ns=START_NS + 7 * 3600 * SECOND_NS,
        label="rv", horizon_s=60, tau_bps=8.66, quantile=0.95, venue="coinbase", product="BTC-USD",
        fingerprint="9ea4eaf18e64e7df", seed=3, replicates=500, block_s=300, base_rate=0.05,
        meter=Meter(
            splits=tuple(
                Evidence(split=split, rows=rows, spikes=rows // 20, horizons=rows // 60, episodes=episodes, sessions=2,
                         first_ns=START_NS + first * SECOND_NS, last_ns=START_NS + (first + rows) * SECOND_NS,
                         hours=rows / 3600, enough=episodes >= 5)
                for split, first, rows, episodes in (
                    ("train", 0, 18000, 40), ("validation", 18060, 3600, 3), ("test", 21720, 3600, 9))
            ),
            enough=True, sentence="The 3,600 rows of the test part are enough for a conclusion.", hours_needed=0.0,
            width=0.1, hours_to_width=12.4,
        ),
        leakage=CLEAN, champion="logistic-0a1b2c", best_baseline="zscore-0a1b2c", best_within="zscore-0a1b2c",
        verdict=Verdict(word="shown", sentence="Shown: inside sessions logistic beats the best baseline by +0.05 AP."),
        models=(
            _judged("logistic", "logistic", 0.31, Estimate(value=0.05, low=0.01, high=0.09)),
            _judged("zscore", "z-score rule", 0.26, Estimate(value=None)),
        ),
        folds=(
            Fold(number=1, model="logistic", train_rows=9000, rows=3000, spikes=120, first_ns=START_NS,
                 last_ns=START_NS, tau_bps=8.1, base_rate=0.04, ap=0.2, lift=5.0, note=""),
        ),
        folds_note="One fold of the rows before the test part.", missing=("flow_60",),
    )  # fmt: skip


def _judged(model: str, title: str, ap: float, over_best: Estimate) -> Judged:
    known = Estimate(value=ap, low=ap - 0.06, high=ap + 0.07)
    curve = Curve(recall=[0.1, 0.5, 1.0], precision=[0.8, 0.4, 0.05], theta=[0.9, 0.4, 0.01])
    return Judged(
        name=f"{model}-0a1b2c", model=model, title=title, baseline=model == "zscore", run_id=f"{model:e<32.32}",
        theta=0.4,
        scores=Scores(name=model, pr_auc=ap, base_rate=0.05, lift=ap / 0.05, f1=0.44, precision=0.4, recall=0.5,
                      theta=0.4, n_rows=3600, n_spikes=180, tp=90, fp=135, fn=90, tn=3285, curve=curve),
        validation_ap=ap + 0.01, ap=known, lift=Estimate(value=ap / 0.05, low=2.0, high=9.1),
        f1=Estimate(value=0.44, low=0.30, high=0.52), over_base=Estimate(value=ap - 0.05, low=0.1, high=0.4),
        over_best=over_best, band=Band(recall=[0.1, 0.5, 1.0], low=[0.5, 0.3, 0.04], high=[0.9, 0.6, 0.06]),
        within=Within(sessions=2, rows=3600, spikes=180, base_rate=0.05,
                      ap=Estimate(value=ap - 0.1, low=0.09, high=0.3),
                      lift=Estimate(value=(ap - 0.1) / 0.05, low=1.8, high=6.0),
                      over_base=Estimate(value=ap - 0.15, low=0.02, high=0.2), over_best=over_best),
        alerts=tuple(
            Alerts(budget_per_h=budget, onset=onset, theta=0.5 / budget, alerts=int(budget), right=int(budget) // 2,
                   episodes=9, caught=int(budget) // 2, hours=1.0,
                   recall=Estimate(value=(int(budget) // 2) / 9, low=0.0, high=0.4),
                   precision=Estimate(value=0.5) if budget > 1 else Estimate(value=0.0), false_per_h=budget / 2,
                   lead_s=24.0 if budget > 1 else None)
            for onset in (False, True) for budget in (1.0, 2.0, 6.0)
        ),
        probability=Probability(
            brier=0.041, brier_skill=Estimate(value=0.12, low=-0.02, high=0.2), log_loss=0.17, ece=0.021,
            bins=(Bin(p=0.02, share=0.01, rows=1800, low=0.0, high=0.04),
                  Bin(p=0.2, share=0.22, rows=1800, low=0.1, high=0.4)),
        ),
        calibration="Its probability is a frequency of the training part; no calibration.",
        groups=(
            Group(name="2026-11-24 12:02", kind="session", first_ns=START_NS + 21720 * SECOND_NS, rows=1800, spikes=180,
                  base_rate=0.1, ap=ap, lift=ap / 0.1),
            Group(name="2026-11-24 12:32", kind="session", first_ns=START_NS + 23520 * SECOND_NS, rows=1800, spikes=0,
                  base_rate=0.0, ap=None, lift=None),
            Group(name="2026-11-24", kind="day", first_ns=START_NS + 21720 * SECOND_NS, rows=3600, spikes=180,
                  base_rate=0.05, ap=ap, lift=ap / 0.05),
        ),
    )  # fmt: skip


def made(home: Home, burst_every_s: int = 500, leakage: Leakage = CLEAN) -> tuple[Evaluation, pd.DataFrame]:
    """An evaluation by `evaluate` of a quiet market with a burst each `burst_every_s`, kept in the home, and its
    rows."""
    rng = np.random.default_rng(0)
    n = 9000
    vol = 2 + 0.3 * rng.random(n)
    for at in range(burst_every_s, n, burst_every_s):
        vol[at : at + 90] += 2 + 5 * rng.random()
    second = np.arange(n)
    late = second >= int(0.9 * n)  # a gap of half an hour in the test part
    frame = pd.DataFrame(
        {
            "bar_end_ns": START_NS + (second + np.where(late, 1800, 0)) * SECOND_NS, "session": late.astype(np.int64),
            "mid": 90_000 + np.cumsum(rng.normal(0, 1, n)), "rv_60": vol, "rv_300": vol,
            "forward_vol_bps": np.append(vol[60:], np.full(60, np.nan)),
        }
    )  # fmt: skip
    frame = frame[(second < n - 60) & (np.abs(second - 0.9 * n + 30) > 30)].reset_index(drop=True)
    third = len(frame) // 3
    frame["split"] = np.repeat(["train", "validation", "test"], [len(frame) - 2 * third, third, third])
    frame["spike"] = frame["forward_vol_bps"] >= 4
    dataset = Dataset(frame, ("rv_60",), ("flow_60",), Question(), 4.0, "embedded", "BTC-USD", "f" * 16)
    forecasts = [_forecast(dataset, model, i, rng) for i, model in enumerate(TITLES)]
    champion = None if leakage.verdict == "leaky" else "logistic-t"
    e = evaluate(dataset, forecasts, training="t1", leakage=leakage, champion=champion, quantile=0.95, replicates=100)
    e = msgspec.structs.replace(e, run_id="c" * 32, made_ns=START_NS)
    archive.save(home, e, dataset, forecasts)
    return e, archive.load_rows(home, "t1")


def _forecast(dataset: Dataset, model: str, skill: int, rng: np.random.Generator) -> Forecast:
    parts = {s: dataset.rows[dataset.rows["split"] == s] for s in ("validation", "test")}
    p = {
        s: (0.05 + 0.3 * (r["rv_60"] >= 4) + 0.08 * skill * r["spike"] + 0.1 * rng.random(len(r))).to_numpy()
        for s, r in parts.items()
    }
    (y_val, p_val), (y, p_test) = ((parts[s]["spike"].to_numpy(), p[s]) for s in parts)
    scores = score(model, y_val, p_val, y, p_test)
    return Forecast(
        name=f"{model}-t", model=model, title=TITLES[model], baseline=model in BASELINES, run_id=f"{skill}" * 32,
        p_validation=p_val, p_test=p_test, scores=scores, calibration="Its probability is a frequency; no calibration.",
        validation=score_at(model, y_val, p_val, scores.theta, "validation"),
    )  # fmt: skip
