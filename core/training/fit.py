"""Fit models on the training part, log them to MLflow, judge them on the test part, and crown the best on validation.

What is fitted on what: parameters, tau and scalers on the training part; early stopping, calibration and theta on the
validation part; nothing on the test part, which is scored once. Models and their evaluation are written apart and
published together after the last word.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

import models
from core.config import Home
from core.errors import BadInput, Damaged
from core.evaluation import archive, reports
from core.evaluation import leakage as doctor
from core.evaluation.evaluate import Forecast, evaluate
from core.evaluation.figure import pr_figure
from core.evaluation.probability import fit_sigmoid
from core.evaluation.record import UNCHECKED, Check, Evaluation, Judged, Leakage
from core.evaluation.scores import Scores, as_row, score, score_at
from core.features.labels import LEAKY_WHY
from core.training import registry, tracking
from core.training.registry import Meta

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from models import Estimator, Model

Beat = Callable[[float, str], None]
"""Told how far the work is: a share of 1, and what is being done."""

SHARE = {"fit": 0.5, "judge": 0.2, "log": 0.3}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Trained:
    """A fitted model and what is known of it."""

    estimator: Estimator
    meta: Meta


@dataclass(frozen=True)
class _Fitted:
    """One model with all that it says; `estimator` is as it was fitted, `calibrated` what is asked."""

    model: Model
    estimator: Estimator
    calibration: tuple[float, float] | None
    calibrated: Estimator
    forecast: Forecast
    seconds: float


def silent(_share: float, _message: str) -> None:
    """A beat for callers that watch nothing."""


def train(
    home: Home,
    dataset: Dataset,
    names: Sequence[str] = (),
    seed: int = 0,
    beat: Beat = silent,
    *,
    quantile: float | None = None,
    leakage: Leakage = UNCHECKED,
) -> list[Trained]:
    """Fit the models `names` on the training part, judge them on test, log and keep all of it, and crown the best.

    Parameters
    ----------
    dataset : features of trailing windows, spikes of the horizon after them, split in time
    names : of models/*.py, () for all of them; order does not matter
    seed : of everything random
    beat : told the share done, 0 to 1, and a few words
    quantile : of the training part that gave the dataset its tau, None if tau was given in bps; kept for `stale`
    leakage : what the doctor found in the pipeline that made the dataset; the signatures of an illusion in the scores
        are added to it here

    Returns
    -------
    One entry a model, in the order of `models.discover`. The champion becomes the one with the best average precision
    on validation, baselines included, unless the pipeline or the label leaks: then the champion stays.

    Raises
    ------
    BadInput
        If a name is no model, or a model cannot be fitted on this dataset.
    NotEnough
        If a part cannot be scored; a dataset made by `Labelled.at` can.
    """
    found = models.discover()
    unknown = [name for name in names if name not in found]
    if unknown:
        raise BadInput(f"no model named {', '.join(unknown)}; there is {', '.join(found)}")
    chosen = [found[name] for name in found if name in (names or found)]
    training = uuid.uuid4().hex[:8]

    fitted = []
    for i, model in enumerate(chosen):

        def told(share: float, message: str, i: int = i) -> None:
            beat(SHARE["fit"] * (i + share) / len(chosen), message)

        fitted.append(_fit(dataset, model, training, seed, told))
    forecasts = [f.forecast for f in fitted]
    leakage = doctor.verdict([*leakage.checks, *_by_name(dataset), doctor.signatures([f.scores for f in forecasts])])
    winner = None if leakage.verdict == "leaky" else max(forecasts, key=lambda f: f.validation.pr_auc).name
    evaluation = evaluate(
        dataset, forecasts, training=training, leakage=leakage, champion=winner, quantile=quantile, seed=seed,
        beat=lambda share, message: beat(SHARE["fit"] + SHARE["judge"] * share, message),
    )  # fmt: skip

    start = SHARE["fit"] + SHARE["judge"]
    beat(start, "opening MLflow (the first time takes about 20 s)")
    now = time.time_ns()
    done: list[Trained] = []
    contents = []
    with tracking.recording(home) as experiment:
        parent = tracking.begin(experiment, f"training {training}", {"training": training})
        figure = pr_figure(
            [f.scores for f in forecasts], [f.title for f in forecasts], [f.baseline for f in forecasts],
            None if winner is None else winner.rpartition("-")[0], heading=_heading(dataset, leakage),
        )  # fmt: skip
        for i, f in enumerate(fitted):
            beat(start + SHARE["log"] * (i + 0.5) / len(fitted), f"logging to MLflow, {i + 1} of {len(fitted)}")
            judged = next(m for m in evaluation.models if m.name == f.forecast.name)
            one, content = _keep(dataset, f, judged, evaluation, seed, experiment, parent, now, figure)
            done.append(one)
            contents.append(content)
        ids = {one.meta.name: one.meta.run_id for one in done}
        evaluation = msgspec.structs.replace(
            evaluation, run_id=parent,
            models=tuple(msgspec.structs.replace(m, run_id=ids[m.name]) for m in evaluation.models),
        )  # fmt: skip
        archive.save(home, evaluation, dataset, forecasts)
        _finish(home, evaluation, dataset, beat)
    registry.publish(home, [(one.meta, content) for one, content in zip(done, contents, strict=True)])
    if winner is not None:
        registry.set_champion(home, winner)
    beat(1.0, f"trained {len(done)} models")
    return done


def _by_name(dataset: Dataset) -> list[Check]:
    """A label that is known to leak fails by its name, whatever else was examined."""
    return [Check(name="label", passed=False, detail=LEAKY_WHY)] if dataset.question.leaky else []


def _fit(dataset: Dataset, model: Model, training: str, seed: int, told: Beat) -> _Fitted:
    started = time.monotonic()
    told(0.0, model.TITLE)
    (x, y), (x_val, y_val), (x_test, y_test) = (dataset.part(split) for split in SPLITS)
    estimator = model.build(seed, dataset.question.trailing)
    try:
        estimator.fit(
            x, y, validation=(x_val, y_val),
            progress=lambda done, of: told(done / of, f"{model.TITLE}, round {done} of {of}"),
        )  # fmt: skip
    except ValueError as error:
        raise BadInput(f"{model.TITLE} cannot be fitted: {error}") from error
    calibration, said = None, "Its probability is a frequency of the training part; no calibration."
    if model.DISTORTED:
        sigmoid = fit_sigmoid(y_val, estimator.predict_proba(x_val)[:, 1])
        calibration, said = (sigmoid.a, sigmoid.b), sigmoid.sentence
    calibrated = models.calibrated(estimator, calibration)
    p_val, p_test = (calibrated.predict_proba(part)[:, 1] for part in (x_val, x_test))
    scores = score(model.NAME, y_val, p_val, y_test, p_test)
    forecast = Forecast(
        name=f"{model.NAME}-{training[:6]}", model=model.NAME, title=model.TITLE, baseline=model.BASELINE, run_id="",
        p_validation=p_val, p_test=p_test, scores=scores,
        validation=score_at(model.NAME, y_val, p_val, scores.theta, "validation"), calibration=said,
    )  # fmt: skip
    return _Fitted(model, estimator, calibration, calibrated, forecast, time.monotonic() - started)


def _keep(
    dataset: Dataset,
    f: _Fitted,
    judged: Judged,
    evaluation: Evaluation,
    seed: int,
    experiment: str,
    parent: str,
    now: int,
    figure: Any,
) -> tuple[Trained, bytes]:
    """Log one model to MLflow; what is known of it, and its file's content."""
    question, scores, validation = dataset.question, f.forecast.scores, f.forecast.validation
    params = {k: v for k, v in f.estimator.get_params().items() if v is None or isinstance(v, bool | int | float | str)}
    about: dict[str, Any] = {
        "label": question.label, "horizon_s": question.horizon_s, "tau_bps": float(dataset.tau_bps),
        "quantile": evaluation.quantile, "seed": seed, "venue": dataset.venue, "product": dataset.product,
        "fingerprint": dataset.fingerprint, "volatility": question.trailing,
    }  # fmt: skip
    run_id = tracking.log(
        experiment, f.model.NAME, f.calibrated, dataset.part("train")[0].head(50),
        params={"model": f.model.NAME, "n_features": len(dataset.features), "theta": scores.theta,
                "calibration": f.forecast.calibration} | about
          | {f"{split}_{what}": n for split, counts in dataset.counts().items() for what, n in counts.items()}
          | {f"model.{k}": v for k, v in params.items()},
        metrics=_metrics(scores) | {f"validation_{k}": v for k, v in _metrics(validation).items()} | _judged(judged),
        tags={
            "training": evaluation.training, "label": question.label, "fingerprint": dataset.fingerprint,
            "baseline": str(f.model.BASELINE), "leakage": evaluation.leakage.verdict,
        },
        figure=figure, curve=msgspec.to_builtins(scores.curve) | {"operating_point": as_row(scores)}, parent=parent,
    )  # fmt: skip
    suffix, content = models.to_bytes(f.estimator)
    meta = Meta(
        name=f.forecast.name, model=f.model.NAME, title=f.model.TITLE, baseline=f.model.BASELINE, run_id=run_id,
        training=evaluation.training, trained_ns=now, theta=scores.theta, features=tuple(dataset.features),
        missing=tuple(dataset.missing), params=params, note=str(getattr(f.estimator, "stopping_", "")),
        splits=dataset.counts(), scores=scores, validation=validation, seconds=round(f.seconds, 2),
        file=f"model{suffix}", sha256=hashlib.sha256(content).hexdigest(), calibration=f.calibration,
        leakage=evaluation.leakage, **about,
    )  # fmt: skip
    return Trained(f.calibrated, meta), content


def _finish(home: Home, evaluation: Evaluation, dataset: Dataset, beat: Beat) -> None:
    """Log the training as a whole: its verdict, and as files the evaluation and its report.

    A training without a baseline has no report; the tag "report" says why.
    """
    beat(0.99, "writing the report")
    try:
        made = reports.write(home, evaluation, archive.load_rows(home, evaluation.training))
        files, about = made.files, f"{made.pages} pages"
    except (BadInput, Damaged) as why:
        files, about = [], f"none: {why}"
    crowned = next((m for m in evaluation.models if m.name == evaluation.champion), None)
    tracking.finish(
        evaluation.run_id,
        params={
            "label": evaluation.label, "horizon_s": evaluation.horizon_s, "tau_bps": evaluation.tau_bps,
            "fingerprint": evaluation.fingerprint, "replicates": evaluation.replicates, "block_s": evaluation.block_s,
            "champion": evaluation.champion, "best_baseline": evaluation.best_baseline, "product": dataset.product,
        },
        metrics=_judged(crowned) if crowned else {},
        tags={
            "leakage": evaluation.leakage.verdict, "verdict": evaluation.verdict.word,
            "fingerprint": evaluation.fingerprint, "label": evaluation.label, "report": about,
        },
        files=[archive.file(home, evaluation.training), *files],
    )  # fmt: skip


def _metrics(scores: Scores) -> dict[str, float]:
    """Numbers only: MLflow has no word for an undefined precision, so it is left out, never written as 0."""
    numbers = {k: v for k, v in as_row(scores).items() if k != "name" and v is not None}
    return {k: float(v) for k, v in numbers.items() if np.isfinite(v)}


def _judged(m: Judged) -> dict[str, float]:
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


def _heading(dataset: Dataset, leakage: Leakage) -> str:
    question = dataset.question
    asked = f"{dataset.product}, {question.label} over the next {question.horizon_s} s, τ {dataset.tau_bps:.2g} bps"
    return f"{asked}; {leakage.words}"
