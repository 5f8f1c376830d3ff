"""Fit models on the training part, log them to MLflow, judge them on the test part, and crown the best before it.

What is fitted on what: parameters, tau and scalers on the training part; early stopping, calibration and theta on the
validation part; nothing on the test part, which is scored once. Models and their evaluation are written apart and
published together after the last word.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

import models
from core.config import Home
from core.errors import BadInput
from core.evaluation import archive
from core.evaluation import leakage as doctor
from core.evaluation.evaluate import Forecast, evaluate
from core.evaluation.figure import pr_figure
from core.evaluation.probability import fit_sigmoid
from core.evaluation.record import UNCHECKED, Check, Leakage
from core.evaluation.reports.words import tau
from core.evaluation.scores import score, score_at
from core.features.labels import LEAKY_WHY
from core.training import registry, tracking
from core.training.folds import FOLDS, decide, learned, validation_evidence, walk_forward
from core.training.kept import Fitted, Trained, finish, keep
from core.training.tuned import usable

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from models import Model

Beat = Callable[[float, str], None]
"""Told how far the work is: a share of 1, and what is being done."""

SHARE = {"fit": 0.35, "folds": 0.2, "judge": 0.2, "log": 0.25}


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
    folds: int = FOLDS,
    untuned: bool = False,
) -> list[Trained]:
    """Fit the models `names` on the training part, judge them on test, log and keep all of it, and crown the best.

    Parameters
    ----------
    dataset : features of trailing windows, spikes of the horizon after them, split in time
    names : of models/*.py, () for all of them; order does not matter
    seed : of everything random
    beat : told the share done, 0 to 1, and a few words
    quantile : of the training part that gave the dataset its tau, None if tau was given as a number; kept for `stale`
    leakage : what the doctor found in the pipeline that made the dataset; the signatures of an illusion in the scores
        are added to it here
    folds : walk-forward folds that the models are tried on before the test part; 0 for none
    untuned : leave aside what tunings found, and take the models' own parameters

    Returns
    -------
    One entry a model, in the order of `models.discover`. The champion becomes the best by `folds.decide` (on
    validation, or on folds where that holds too little), baselines included, unless pipeline or label leaks: then the
    champion stays.

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

    tunings = {} if untuned else {m.NAME: t for m in chosen if (t := usable(home, m, dataset, quantile))}
    params = {name: tuned.params for name, tuned in tunings.items() if tuned.used}

    fitted = []
    for i, model in enumerate(chosen):

        def told(share: float, message: str, i: int = i) -> None:
            beat(SHARE["fit"] * (i + share) / len(chosen), message)

        fitted.append(fit_one(dataset, model, training, seed, params.get(model.NAME), told))
    tried = walk_forward(
        dataset, chosen, seed, quantile=quantile, folds=folds, params=params,
        beat=lambda share, message: beat(SHARE["fit"] + SHARE["folds"] * share, message),
    )  # fmt: skip
    forecasts = [f.forecast for f in fitted]
    leakage = doctor.verdict([*leakage.checks, *_by_name(dataset), doctor.signatures([f.scores for f in forecasts])])
    best, why = decide(
        {f.model: f.validation.pr_auc for f in forecasts}, tried, validation_evidence(dataset),
        [f.title for f in forecasts if f.model in params],
    )  # fmt: skip
    winner = None if leakage.verdict == "leaky" else next(f.name for f in forecasts if f.model == best)
    start = SHARE["fit"] + SHARE["folds"]
    evaluation = evaluate(
        dataset, forecasts, training=training, leakage=leakage, champion=winner, quantile=quantile, seed=seed,
        folds=tried, folds_note=why, beat=lambda share, message: beat(start + SHARE["judge"] * share, message),
    )  # fmt: skip

    start += SHARE["judge"]
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
            tuned = tunings.get(f.model.NAME)
            one, content = keep(dataset, f, judged, evaluation, seed, experiment, parent, now, figure, tuned)
            done.append(one)
            contents.append(content)
        ids = {one.meta.name: one.meta.run_id for one in done}
        evaluation = msgspec.structs.replace(
            evaluation, run_id=parent,
            models=tuple(msgspec.structs.replace(m, run_id=ids[m.name]) for m in evaluation.models),
        )  # fmt: skip
        archive.save(home, evaluation, dataset, forecasts)
        beat(0.99, "writing the report")
        finish(home, evaluation, dataset)
    registry.publish(home, [(one.meta, content) for one, content in zip(done, contents, strict=True)])
    if winner is not None:
        registry.set_champion(home, winner)
    beat(1.0, f"trained {len(done)} models")
    return done


def _by_name(dataset: Dataset) -> list[Check]:
    """A label that is known to leak fails by its name, whatever else was examined."""
    return [Check(name="label", passed=False, detail=LEAKY_WHY)] if dataset.question.leaky else []


def fit_one(
    dataset: Dataset, model: Model, training: str, seed: int, params: dict[str, Any] | None = None, told: Beat = silent
) -> Fitted:
    """Fit one model on the training part and let it speak of the other two; nothing is kept, logged or judged.

    `training` is what its artifact is named after. Raises BadInput if it cannot be fitted, NotEnough if a part cannot
    be scored.
    """
    started = time.monotonic()
    told(0.0, model.TITLE)
    rows, steer = (dataset.rows[dataset.rows["split"] == split] for split in ("train", "validation"))
    (x_val, y_val), (x_test, y_test) = (dataset.part(split) for split in ("validation", "test"))
    try:
        estimator = learned(
            model, dataset, rows, steer, float(dataset.tau), seed, params,
            lambda done, of: told(done / of, f"{model.TITLE}, round {done} of {of}"),
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
    return Fitted(model, estimator, calibration, calibrated, forecast, time.monotonic() - started)


def _heading(dataset: Dataset, leakage: Leakage) -> str:
    question = dataset.question
    asked = f"{dataset.product}, {question.label} over the next {question.horizon_s} s"
    return f"{asked}, τ {tau(dataset.tau_bps, dataset.tau_relative)}; {leakage.words}"
