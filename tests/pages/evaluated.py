"""A home with one training and its evaluation, made by the real `evaluate` on a made-up market of a few thousand
seconds."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from core.config import Home
from core.evaluation import archive
from core.evaluation.evaluate import Forecast, evaluate
from core.evaluation.record import Check, Evaluation, Leakage
from core.evaluation.scores import score, score_at
from core.features.dataset import Dataset
from core.features.labels import Question
from core.training import registry
from core.training.registry import Meta

SECOND_NS = 10**9
START_NS = 1_795_500_000 * SECOND_NS
HORIZON_S = 60
TITLES = {"zscore": "z-score rule", "logistic": "logistic", "xgboost": "gradient boosting"}
CLEAN = Leakage(verdict="clean", checks=(Check(name="split_order", passed=True, detail="by time"),))
LEAKY = Leakage(verdict="leaky", checks=(Check(name="label_interval", passed=False, detail="the label reaches back"),))


def market(burst_every_s: int, rows: int = 9000, tau_bps: float = 5.0, seed: int = 0) -> Dataset:
    """Quiet seconds with a burst of volatility each `burst_every_s`, and a hole of half an hour in the test part."""
    rng = np.random.default_rng(seed)
    n = rows + HORIZON_S
    vol = 2 + 0.3 * rng.random(n)
    for at in range(burst_every_s, n, burst_every_s):
        vol[at : at + 90] += 5 * rng.random() + 2
    second = np.arange(n)
    late = second >= int(0.9 * rows)
    frame = pd.DataFrame(
        {
            "bar_end_ns": START_NS + (second + np.where(late, 1800, 0)) * SECOND_NS, "session": late.astype(np.int64),
            "mid": 90_000 + np.cumsum(rng.normal(0, 1, n)), "rv_60": vol, "rv_300": vol,
        }
    )  # fmt: skip
    frame["forward_vol_bps"] = np.append(vol[HORIZON_S:], np.full(HORIZON_S, np.nan))
    frame.loc[(frame["session"].shift(-HORIZON_S) != frame["session"]), "forward_vol_bps"] = np.nan
    frame = frame.dropna().reset_index(drop=True)
    frame["split"] = np.repeat(
        ["train", "validation", "test"], [len(frame) - 2 * (len(frame) // 3), *[len(frame) // 3] * 2]
    )
    frame["spike"] = frame["forward_vol_bps"] >= tau_bps
    return Dataset(frame, ("rv_60",), (), Question(), tau_bps, "embedded", "BTC-USD", f"{burst_every_s:016x}")


def forecasts(dataset: Dataset, training: str, skill: float) -> list[Forecast]:
    """A baseline that knows the present and two models that also know a share `skill` of what comes."""
    rng = np.random.default_rng(1)
    parts = {s: dataset.rows[dataset.rows["split"] == s] for s in ("validation", "test")}
    made = []
    for i, model in enumerate(TITLES):
        p = {
            s: np.clip(0.05 + 0.3 * (r["rv_60"] >= dataset.tau_bps) + skill * i * 0.3 * r["spike"], 0, 0.9).to_numpy()
            + rng.random(len(r)) * 0.05
            for s, r in parts.items()
        }
        (y_val, p_val), (y, p_test) = ((parts[s]["spike"].to_numpy(), p[s]) for s in parts)
        scores = score(model, y_val, p_val, y, p_test)
        made.append(
            Forecast(
                name=f"{model}-{training}", model=model, title=TITLES[model], baseline=i == 0, run_id=f"run{i}",
                p_validation=p_val, p_test=p_test, scores=scores, calibration="Its probability is a frequency.",
                validation=score_at(model, y_val, p_val, scores.theta, "validation"),
            )
        )  # fmt: skip
    return made


def evaluated(
    home: Home, *, burst_every_s: int = 400, training: str = "t1", trained_ns: int = START_NS, skill: float = 1.0,
    leakage: Leakage = CLEAN,
) -> Evaluation:  # fmt: skip
    """Publish a training, evaluate it and keep that; the champion is the logistic one unless the pipeline leaks."""
    dataset = market(burst_every_s)
    made = forecasts(dataset, training, skill)
    champion = None if leakage.verdict == "leaky" else f"logistic-{training}"
    e = evaluate(dataset, made, training=training, leakage=leakage, champion=champion, replicates=60)
    for f in made:
        content = f.model.encode()
        meta = Meta(
            name=f.name, model=f.model, title=f.title, baseline=f.baseline, training=training, run_id=f.run_id,
            trained_ns=trained_ns, label="rv", horizon_s=HORIZON_S, tau_bps=dataset.tau_bps, quantile=None,
            theta=f.scores.theta, volatility="rv_60", features=("rv_60",), missing=(), seed=0, params={}, note="",
            fingerprint=dataset.fingerprint, venue="embedded", product="BTC-USD", splits=dataset.counts(),
            scores=f.scores, validation=f.validation, seconds=1.0, file="model.bin", leakage=leakage,
            sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        registry.publish(home, [(meta, content)])
    if champion:
        registry.set_champion(home, champion)
    archive.save(home, e, dataset, made)
    return e
