"""The evaluation evaluated: markets whose answer is known, and how often an evaluation says what is so.

Where nothing foretells a spike, 95 % intervals of a gain must hold 0 in about 19 of 20 markets, whatever was trained.
Where something does, a model that can see it must be told from the baselines that cannot. Nothing is kept or logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from core.evaluation.evaluate import REPLICATES, Forecast, evaluate
from core.evaluation.record import UNCHECKED, Estimate, Evaluation, Judged
from core.evaluation.scores import score, score_at
from core.features.dataset import Dataset
from core.training.fit import chosen, fit_one, silent
from core.training.pace import Beat

CLAIMS: dict[str, Callable[[Judged], Estimate]] = {
    "over_base": lambda m: m.over_base,
    "over_best": lambda m: m.over_best,
    "within_over_base": lambda m: m.within.over_base,
    "within_over_best": lambda m: m.within.over_best,
}
"""Gains whose interval is asked on which side of 0 it lies: pooled and inside sessions, on base rate and baselines."""


def judged(
    dataset: Dataset, names: Sequence[str] = (), seed: int = 0, replicates: int = REPLICATES, beat: Beat = silent
) -> Evaluation:
    """Train the models `names` (() for all) as a training does, and evaluate them; champion is the best on validation.

    Raises BadInput and NotEnough as `fit.train`.
    """
    which = chosen(names)
    forecasts = []
    for i, model in enumerate(which):
        beat(0.8 * i / len(which), model.TITLE)
        forecasts.append(fit_one(dataset, model, "study", seed).forecast)
    best = max(forecasts, key=lambda f: f.validation.pr_auc).name
    return evaluate(
        dataset, forecasts, training="study", leakage=UNCHECKED, champion=best, seed=seed, replicates=replicates,
        beat=lambda share, message: beat(0.8 + 0.2 * share, message),
    )  # fmt: skip


NOTHING = 1e-9
"""A gain of less is the rounding of equal numbers: a constant forecast's AP is the base rate."""


def side(gain: Estimate) -> str:
    """Where the interval of a gain lies: above 0, below it, or about it; "open" where it has no ends.

    >>> side(Estimate(value=0.2, low=0.1, high=0.3)), side(Estimate(value=0.0, low=0.0, high=0.0))
    ('above', 'about')
    """
    if gain.low is None or gain.high is None:
        return "open"
    return "above" if gain.low > NOTHING else "below" if gain.high < -NOTHING else "about"


def tally(evaluations: Iterable[Evaluation]) -> dict[str, Any]:
    """How often the interval of each claim lay on which side of 0, model by model, and what was said of the champion.

    Returns
    -------
    trials : how many evaluations
    verdicts : word -> how often
    models : a row a model: its name, whether it is a baseline, mean AP and base rate on test, and for each of `CLAIMS`
        how often its interval lay above 0, about 0, below 0, or was open
    beats_all : in how many trials some model that is no baseline beat the best baseline, pooled and inside sessions
    """
    done = list(evaluations)
    rows: dict[str, dict[str, Any]] = {}
    for e in done:
        for m in e.models:
            row = rows.setdefault(
                m.model,
                {"model": m.model, "baseline": m.baseline, "ap": [], "base_rate": []}
                | {claim: dict.fromkeys(("above", "about", "below", "open"), 0) for claim in CLAIMS},
            )
            row["ap"].append(m.scores.pr_auc)
            row["base_rate"].append(e.base_rate)
            for claim, gain in CLAIMS.items():
                row[claim][side(gain(m))] += 1
    for row in rows.values():
        row |= {key: round(float(np.mean(row[key])), 4) for key in ("ap", "base_rate")}
    words = [e.verdict.word for e in done]
    return {
        "trials": len(done),
        "verdicts": {word: words.count(word) for word in sorted(set(words))},
        "models": sorted(rows.values(), key=lambda row: (not row["baseline"], row["model"])),
        "beats_all": {
            claim: sum(any(side(CLAIMS[claim](m)) == "above" for m in e.models if not m.baseline) for e in done)
            for claim in ("over_best", "within_over_best")
        },
    }


def trial(evaluation: Evaluation) -> dict[str, Any]:
    """One evaluation in short: what stood behind it, and each model's gains as [value, low, high]."""
    test = evaluation.meter.splits[-1]
    return {
        "tau_bps": round(evaluation.tau_bps, 3), "base_rate": round(evaluation.base_rate, 4), "rows": test.rows,
        "episodes": test.episodes, "verdict": evaluation.verdict.word, "champion": evaluation.champion,
        "best_baseline": evaluation.best_baseline,
        "models": {
            m.model: {"ap": round(m.scores.pr_auc, 4)} | {claim: _short(gain(m)) for claim, gain in CLAIMS.items()}
            for m in evaluation.models
        },
    }  # fmt: skip


def timed(dataset: Dataset, forecasts: int = 9, replicates: int = REPLICATES, beat: Beat = silent) -> dict[str, Any]:
    """Seconds that `evaluate` takes on this dataset. What is forecast by does not matter: it is the ranks of features,
    every other one taken for a baseline. The first use of compiled code is not counted."""
    parts = {split: dataset.part(split) for split in ("validation", "test")}
    said: list[Forecast] = []
    for name in dataset.features[:forecasts]:
        ranks = {split: x[name].rank(pct=True).fillna(0.5) for split, (x, _) in parts.items()}
        p = {split: np.asarray(rank, np.float64) for split, rank in ranks.items()}
        (_, y_val), (_, y) = parts["validation"], parts["test"]
        scores = score(name, y_val, p["validation"], y, p["test"])
        at_theta = score_at(name, y_val, p["validation"], scores.theta, "validation")
        baseline = len(said) % 2 == 0
        said.append(Forecast(name, name, name, baseline, "", p["validation"], p["test"], scores, at_theta, ""))

    def once(said: list[Forecast], replicates: int, beat: Beat) -> float:
        started = time.perf_counter()
        evaluate(
            dataset, said, training="bench", leakage=UNCHECKED, champion=said[-1].name, replicates=replicates, beat=beat
        )  # fmt: skip
        return time.perf_counter() - started

    once(said[:2], 5, silent)
    took = once(said, replicates, beat)
    return {
        "rows": len(parts["test"][1]), "models": len(said), "replicates": replicates, "seconds": round(took, 2),
    }  # fmt: skip


def _short(e: Estimate) -> list[float | None]:
    return [None if x is None else round(x, 4) for x in (e.value, e.low, e.high)]
