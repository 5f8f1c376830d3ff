"""What is kept of a training: a run in MLflow for each model and one for the whole, and what the artifacts hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

import models
from core.config import Home
from core.errors import BadInput, Damaged
from core.evaluation import archive, reports
from core.evaluation.budget import theta_to_begin_with
from core.evaluation.evaluate import Forecast
from core.evaluation.record import Evaluation, Judged
from core.evaluation.scores import Scores, as_row
from core.features import journey
from core.training import tracking
from core.training.folds import lifts, mean_lift
from core.training.registry import Meta
from core.training.seen import seen
from core.training.tuned import Tuned

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from core.features.span import Span
    from models import Estimator, Model


@dataclass(frozen=True)
class Trained:
    """A fitted model and what is known of it."""

    estimator: Estimator
    meta: Meta


@dataclass(frozen=True)
class Fitted:
    """One model with all that it says; `estimator` is as it was fitted, `calibrated` what is asked."""

    model: Model
    estimator: Estimator
    calibration: tuple[float, float] | None
    calibrated: Estimator
    forecast: Forecast
    seconds: float


def keep(
    dataset: Dataset,
    f: Fitted,
    judged: Judged,
    evaluation: Evaluation,
    seed: int,
    experiment: str,
    parent: str,
    now: int,
    figure: Any,
    tuned: Tuned | None,
    span: Span,
) -> tuple[Trained, bytes]:
    """Log one model to MLflow; what is known of it, and its file's content.

    experiment, parent : of MLflow; now : when the training ended, ns UTC; tuned : the tuning that was looked at; span :
    of the history that the dataset was made of
    """
    question, scores, validation = dataset.question, f.forecast.scores, f.forecast.validation
    params = {k: v for k, v in f.estimator.get_params().items() if v is None or isinstance(v, bool | int | float | str)}
    alert_theta = theta_to_begin_with(judged, f.forecast.p_validation)
    on_folds = mean_lift(lifts(evaluation.folds, f.model.NAME))
    said = (*(getattr(f.estimator, name, "") for name in ("stopping_", "note_")), tuned.sentence if tuned else "")
    about: dict[str, Any] = {
        "label": question.label, "horizon_s": question.horizon_s, "tau_bps": float(dataset.tau_bps),
        "tau_relative": dataset.tau_relative,
        "quantile": evaluation.quantile, "seed": seed, "venue": dataset.venue, "product": dataset.product,
        "fingerprint": dataset.fingerprint, "volatility": question.trailing,
        "from_ns": span.from_ns, "to_ns": span.to_ns,
    }  # fmt: skip
    run_id = tracking.log(
        experiment, f.model.NAME, f.calibrated, dataset.part("train")[0].head(50),
        params={"model": f.model.NAME, "n_features": len(dataset.features), "theta": scores.theta,
                "alert_theta": alert_theta, "calibration": f.forecast.calibration} | about
          | {f"{split}_{what}": n for split, counts in dataset.counts().items() for what, n in counts.items()}
          | {f"model.{k}": v for k, v in params.items()},
        metrics=metrics(scores) | {f"validation_{k}": v for k, v in metrics(validation).items()}
          | judged_metrics(judged)          | ({} if on_folds is None else {"fold_lift": on_folds}),
        tags={
            "training": evaluation.training, "label": question.label, "fingerprint": dataset.fingerprint,
            "baseline": str(f.model.BASELINE), "leakage": evaluation.leakage.verdict,
        },
        figure=figure, curve=msgspec.to_builtins(scores.curve) | {"operating_point": as_row(scores)}, parent=parent,
    )  # fmt: skip
    suffix, content = models.to_bytes(f.estimator)
    meta = Meta(
        name=f.forecast.name, model=f.model.NAME, title=f.model.TITLE, baseline=f.model.BASELINE, run_id=run_id,
        training=evaluation.training, trained_ns=now, theta=alert_theta, features=tuple(dataset.features),
        missing=tuple(dataset.missing), params=params, note=". ".join(filter(None, said)),
        splits=dataset.counts(), scores=scores, validation=validation, seconds=round(f.seconds, 2),
        file=f"model{suffix}", sha256=hashlib.sha256(content).hexdigest(), calibration=f.calibration,
        leakage=evaluation.leakage, seen=seen(dataset), **about,
    )  # fmt: skip
    return Trained(f.calibrated, meta), content


def finish(home: Home, evaluation: Evaluation, dataset: Dataset, besides: Sequence[Path] = ()) -> None:
    """Log the training as a whole: its verdict, and as files the evaluation, its report, and those `besides`.

    A training without a baseline has no report; the tag "report" says why.
    """
    try:
        made = reports.write(home, evaluation, archive.load_rows(home, evaluation.training))
        files, about = made.files, f"{made.pages} pages"
    except (BadInput, Damaged) as why:
        files, about = [], f"none: {why}"
    crowned = next((m for m in evaluation.models if m.name == evaluation.champion), None)
    decisions, tau_tags = _decisions(home, dataset)
    tracking.finish(
        evaluation.run_id,
        params={
            "label": evaluation.label, "horizon_s": evaluation.horizon_s, "tau_bps": evaluation.tau_bps,
            "tau_relative": evaluation.tau_relative,
            "fingerprint": evaluation.fingerprint, "replicates": evaluation.replicates, "block_s": evaluation.block_s,
            "champion": evaluation.champion, "best_baseline": evaluation.best_baseline, "product": dataset.product,
        },
        metrics=judged_metrics(crowned) if crowned else {},
        tags={
            "leakage": evaluation.leakage.verdict, "verdict": evaluation.verdict.word,
            "fingerprint": evaluation.fingerprint, "label": evaluation.label, "report": about,
        } | tau_tags
        | ({"left_out": ", ".join(one.model for one in evaluation.left_out)} if evaluation.left_out else {}),
        files=[archive.file(home, evaluation.training), *files, *besides],
        objects={"journey.json": [msgspec.to_builtins(d) for d in decisions]},
    )  # fmt: skip


def _decisions(home: Home, dataset: Dataset) -> tuple[list[journey.Decision], dict[str, str]]:
    """The decisions on the market's threshold, and as tags the one that made this dataset's, or why none is known."""
    try:
        made = journey.of_market(journey.read(home), dataset.venue, dataset.product)
    except Damaged as why:
        return [], {"tau_decided": f"unknown: {why}"}
    chosen = journey.behind(made, dataset, float(dataset.tau))
    if chosen is None:
        return made, {"tau_decided": "by no decision of the journey"}
    return made, {
        "tau_decided": datetime.fromtimestamp(chosen.decided_ns / 1e9, UTC).isoformat(timespec="seconds"),
        "tau_percentile": f"{chosen.percentile:.2f}",
        "tau_why": chosen.why,
    }


def metrics(scores: Scores) -> dict[str, float]:
    """The numbers of a model's scores. MLflow has no word for an undefined precision: it is left out, never 0."""
    numbers = {k: v for k, v in as_row(scores).items() if k != "name" and v is not None}
    return {k: float(v) for k, v in numbers.items() if np.isfinite(v)}


def judged_metrics(m: Judged) -> dict[str, float]:
    """The estimates with their ends, as far as they exist."""
    named = {
        "ap": m.ap, "ap_over_best": m.over_best, "within_ap": m.within.ap, "within_lift": m.within.lift,
        "within_over_best": m.within.over_best, "brier_skill": m.probability.brier_skill,
    }  # fmt: skip
    ends = {
        f"{name}{end}": getattr(e, key)
        for name, e in named.items()
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    return {k: float(v) for k, v in ends.items() if v is not None and np.isfinite(v)}
