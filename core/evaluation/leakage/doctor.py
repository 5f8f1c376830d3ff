"""All checks on one pipeline, and their verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import NotEnough
from core.evaluation.leakage.intervals import feature_interval, label_interval, stretch, truncation
from core.evaluation.leakage.permuted import permuted_labels
from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.leakage.rows import label_among_features, scaler_from_train, split_order, tau_from_train
from core.evaluation.record import Check, Leakage
from core.features.bars import Bars
from core.features.labels import Question

Beat = Callable[[float, str], None]

CHECKS: tuple[str, ...] = (
    "truncation", "feature_interval", "label_interval", "split_order", "label_among_features", "tau_from_train",
    "scaler_from_train", "permuted_labels",
)  # fmt: skip
"""In the order of the report; `signatures` joins them where scores exist."""


def silent(_share: float, _message: str) -> None:
    """A beat for callers that watch nothing."""


def examine(
    history: Bars,
    question: Question,
    *,
    unmended: NDArray[np.int64] | None = None,
    tau_bps: float | None = None,
    quantile: float | None = None,
    seed: int = 0,
    beat: Beat = silent,
) -> Leakage:
    """Whether a training on `history` is free of leaks: all of CHECKS on the pipeline that it runs.

    Parameters
    ----------
    history, unmended : as `dataset.label` takes them
    question : label and horizon; a label that looks back makes the verdict leaky
    tau_bps, quantile : the threshold in bps as given, or the quantile of the training part (0.95 when neither is)
    seed : of the moments looked at, the changes made to bars, and the trees of the permuted-label test
    beat : told the share done, 0 to 1, and a few words

    Raises
    ------
    NotEnough
        If the history gives no labelled rows.
    """
    pipeline = Pipeline(question, tau_bps, 0.95 if quantile is None else quantile)
    return diagnose(pipeline, history, unmended=unmended, seed=seed, beat=beat)


def diagnose(
    pipeline: Pipeline,
    history: Bars,
    *,
    unmended: NDArray[np.int64] | None = None,
    seed: int = 0,
    beat: Beat = silent,
) -> Leakage:
    """All of CHECKS on any pipeline. Arguments and errors as of `examine`."""
    rng = np.random.default_rng(seed)
    rows = pipeline.labelled(history, unmended)
    part = stretch(history, rng)
    beat(0.0, "cutting the history")
    checks = [truncation(pipeline, part, rng)]
    beat(0.1, "changing bars to see what features and label read")
    checks += [feature_interval(pipeline, part, rng), label_interval(pipeline, part, rng)]
    beat(0.25, "looking at the parts")
    checks += [split_order(pipeline, rows)]
    tau_check = tau_from_train(pipeline, rows)
    try:
        dataset = pipeline.dataset(rows)
        checks += [label_among_features(dataset), tau_check]
        beat(0.3, "changing validation and test to see what moves in the training part")
        checks.append(scaler_from_train(pipeline, rows, seed))
        beat(0.4, "moving the labels away from their rows")
        checks.append(permuted_labels(pipeline, rows, seed, lambda s: beat(0.4 + 0.6 * s, "fitting on moved labels")))
    except NotEnough as error:
        asked = {check.name for check in [*checks, tau_check]}
        checks += [tau_check] * (tau_check not in checks)
        checks += [Check(name=name, passed=None, detail=str(error)) for name in CHECKS if name not in asked]
    beat(1.0, "examined")
    return verdict(sorted(checks, key=lambda check: CHECKS.index(check.name)))


def verdict(checks: Sequence[Check]) -> Leakage:
    """leaky when a check failed; undecided when one of CHECKS could not be asked, or was not; else clean.

    `signatures` may stay open: it reads scores, and the other checks have looked at what made them.
    """
    answers = {check.name: check.passed for check in checks}
    if False in answers.values():
        return Leakage(verdict="leaky", checks=tuple(checks))
    missing = any(answers.get(name) is None for name in CHECKS)
    return Leakage(verdict="undecided" if missing else "clean", checks=tuple(checks))
