"""Fit, score, log: everything between a dataset and a champion.

All models are fitted and scored before the first word to MLflow, so that a training that is stopped or killed leaves no
half-told run; the artifacts are published together after the last word. No bar of the validation part is fitted on; no
bar of the test part is seen before the scores.
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

from core.config import LEAKY_LABELS, Home
from core.errors import BadInput
from core.evaluation.figure import pr_figure
from core.evaluation.scores import Scores, as_row, score, score_at
from core.training import registry, tracking
from core.training.registry import Meta

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from models import Estimator, Model

Beat = Callable[[float, str], None]
"""Told how far the work is: a share of 1, and what is being done."""

SHARE = {"fit": 0.6, "log": 0.4}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Trained:
    """A fitted model and what is known of it."""

    estimator: Estimator
    meta: Meta


@dataclass(frozen=True)
class _Fitted:
    model: Model
    estimator: Estimator
    scores: Scores
    validation: Scores
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
) -> list[Trained]:
    """Fit the models `names` on the training part, log them, write their artifacts, and crown the best.

    Parameters
    ----------
    dataset : features of trailing windows, spikes of the horizon after them, split in time
    names : of models/*.py, () for all of them; order does not matter
    seed : of everything random
    beat : told the share done, 0 to 1, and a few words
    quantile : of the training part that gave the dataset its tau, None if tau was given in bps; kept for `stale`

    Returns
    -------
    One entry a model, in the order of `models.discover`. The champion becomes the one with the best average precision
    on validation, baselines included, unless the label is a leaky one: then the champion stays.

    Raises
    ------
    BadInput
        If a name is no model, or a model cannot be fitted on this dataset.
    NotEnough
        If a part cannot be scored; a dataset made by `Labelled.at` can.
    """
    import models

    found = models.discover()
    unknown = [name for name in names if name not in found]
    if unknown:
        raise BadInput(f"no model named {', '.join(unknown)}; there is {', '.join(found)}")
    chosen = [found[name] for name in found if name in (names or found)]

    fitted = []
    for i, model in enumerate(chosen):

        def told(share: float, message: str, i: int = i) -> None:
            beat(SHARE["fit"] * (i + share) / len(chosen), message)

        fitted.append(_fit(dataset, model, seed, told))

    beat(SHARE["fit"], "opening MLflow (the first time takes about 20 s)")
    training, now = uuid.uuid4().hex[:8], time.time_ns()
    done: list[Trained] = []
    contents = []
    winner = max(fitted, key=lambda f: f.validation.pr_auc)
    with tracking.recording(home) as experiment:
        figure = pr_figure(
            [f.scores for f in fitted], [f.model.TITLE for f in fitted], [f.model.BASELINE for f in fitted],
            None if dataset.question.label in LEAKY_LABELS else winner.model.NAME, heading=_heading(dataset),
        )  # fmt: skip
        for i, f in enumerate(fitted):
            beat(SHARE["fit"] + SHARE["log"] * (i + 0.5) / len(fitted), f"logging to MLflow, {i + 1} of {len(fitted)}")
            one, content = _keep(dataset, f, seed, quantile, experiment, training, now, figure)
            done.append(one)
            contents.append(content)
    registry.publish(home, [(one.meta, content) for one, content in zip(done, contents, strict=True)])
    best = registry.best([trained.meta for trained in done])
    if best is not None:
        registry.set_champion(home, best.name)
    beat(1.0, f"trained {len(done)} models")
    return done


def _fit(dataset: Dataset, model: Model, seed: int, told: Beat) -> _Fitted:
    started = time.monotonic()
    told(0.0, model.TITLE)
    (x, y), (x_val, y_val), (x_test, y_test) = (dataset.part(split) for split in SPLITS)
    estimator = model.build(seed, dataset.question.trailing)
    try:
        estimator.fit(
            x, y, validation=(x_val, y_val), target=dataset.volatility("train"), tau_bps=dataset.tau_bps,
            progress=lambda done, of: told(done / of, f"{model.TITLE}, round {done} of {of}"),
        )  # fmt: skip
    except ValueError as error:
        raise BadInput(f"{model.TITLE} cannot be fitted: {error}") from error
    p_val, p_test = (estimator.predict_proba(part)[:, 1] for part in (x_val, x_test))
    scores = score(model.NAME, y_val, p_val, y_test, p_test)
    validation = score_at(model.NAME, y_val, p_val, scores.theta, "validation")
    return _Fitted(model, estimator, scores, validation, time.monotonic() - started)


def _keep(
    dataset: Dataset,
    f: _Fitted,
    seed: int,
    quantile: float | None,
    experiment: str,
    training: str,
    now: int,
    figure: Any,
) -> tuple[Trained, bytes]:
    """Log one model to MLflow; what is known of it, and its file's content."""
    import models

    question, label = dataset.question, dataset.question.label
    params = {k: v for k, v in f.estimator.get_params().items() if v is None or isinstance(v, bool | int | float | str)}
    run_id = tracking.log(
        experiment, f.model.NAME, f.estimator, dataset.part("train")[0].head(50),
        params={
            "model": f.model.NAME, "label": label, "horizon_s": question.horizon_s, "tau_bps": dataset.tau_bps,
            "quantile": quantile, "seed": seed, "n_features": len(dataset.features), "venue": dataset.venue,
            "product": dataset.product, "fingerprint": dataset.fingerprint, "volatility": question.trailing,
            "theta": f.scores.theta,
        } | {f"{split}_{what}": n for split, counts in dataset.counts().items() for what, n in counts.items()}
          | {f"model.{k}": v for k, v in params.items()},
        metrics=_metrics(f.scores) | {f"validation_{k}": v for k, v in _metrics(f.validation).items()},
        tags={
            "training": training, "label": label, "fingerprint": dataset.fingerprint, "baseline": str(f.model.BASELINE),
            "leakage": "leaky label" if label in LEAKY_LABELS else "not checked",
        },
        figure=figure, curve=msgspec.to_builtins(f.scores.curve) | {"operating_point": as_row(f.scores)},
    )  # fmt: skip
    suffix, content = models.to_bytes(f.estimator)
    meta = Meta(
        name=f"{f.model.NAME}-{run_id[:6]}", model=f.model.NAME, title=f.model.TITLE, baseline=f.model.BASELINE,
        training=training, run_id=run_id, trained_ns=now, label=label, horizon_s=question.horizon_s,
        tau_bps=float(dataset.tau_bps), quantile=quantile, theta=f.scores.theta, volatility=question.trailing,
        features=tuple(dataset.features), missing=tuple(dataset.missing), seed=seed, params=params,
        note=str(getattr(f.estimator, "stopping_", "")), fingerprint=dataset.fingerprint, venue=dataset.venue,
        product=dataset.product, splits=dataset.counts(), scores=f.scores, validation=f.validation,
        seconds=round(f.seconds, 2), file=f"model{suffix}", sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    return Trained(f.estimator, meta), content


def _metrics(scores: Scores) -> dict[str, float]:
    """Numbers only: MLflow has no word for an undefined precision, so it is left out, never written as 0."""
    numbers = {k: v for k, v in as_row(scores).items() if k != "name" and v is not None}
    return {k: float(v) for k, v in numbers.items() if np.isfinite(v)}


def _heading(dataset: Dataset) -> str:
    question = dataset.question
    return f"{dataset.product}, {question.label} over the next {question.horizon_s} s, τ {dataset.tau_bps:.2g} bps"
