"""A home with two hours of made-up ticks, and models fitted on them, without MLflow (that is tests/training)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

import models
from core.config import Home
from core.evaluation.scores import score, score_at
from core.features import dataset
from core.features.labels import Question
from core.training import registry
from core.training.seen import seen
from tests.live.market import fill, ticks

Crown = Callable[..., registry.Meta]


def crown(
    home: Home,
    name: str = "zscore",
    quantile: float = 0.95,
    venue: str = "coinbase",
    product: str = "BTC-USD",
    relative: bool = False,
) -> registry.Meta:
    """Fit the model `name` on the home's ticks, write its artifact and make it champion."""
    rows = dataset.labelled(home, Question(), product=product).asked(relative)
    data = rows.at(min(rows.tau_of(quantile), rows.mending_tau() or 1))
    (x, y), (x_val, y_val), (x_test, y_test) = (data.part(split) for split in dataset.SPLITS)
    model, question = models.discover()[name], data.question
    tau = models.Multiple(data.tau, question.slow, question.slow_scale) if relative else data.tau
    estimator = model.build(0, data.question.trailing)
    estimator.fit(x, y, validation=(x_val, y_val), target=data.volatility("train"), tau=tau)
    p_val, p_test = (estimator.predict_proba(part)[:, 1] for part in (x_val, x_test))
    scores = score(name, y_val, p_val, y_test, p_test)
    suffix, content = models.to_bytes(estimator)
    meta = registry.Meta(
        name=f"{name}-{data.fingerprint[:6]}", model=name, title=model.TITLE, baseline=model.BASELINE, training="t",
        run_id="0" * 32, trained_ns=1, label="rv", horizon_s=60, tau_bps=data.tau_bps, quantile=quantile,
        theta=scores.theta, volatility="rv_60", features=data.features, missing=data.missing, seed=0, params={},
        note="",
        fingerprint=data.fingerprint, venue=venue, product=product, splits=data.counts(), scores=scores,
        validation=score_at(name, y_val, p_val, scores.theta, "validation"), seconds=0.1, file=f"model{suffix}",
        sha256=hashlib.sha256(content).hexdigest(), tau_relative=data.tau_relative, seen=seen(data),
    )  # fmt: skip
    registry.publish(home, [(meta, content)])
    registry.set_champion(home, meta.name)
    return meta


@pytest.fixture
def filled(home: Home) -> Home:
    fill(home, ticks(3000))
    return home
