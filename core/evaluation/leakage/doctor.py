"""All checks on one pipeline, and their verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

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

CHECKS: dict[str, tuple[float, str]] = {
    "truncation": (0.0, "cutting the history"),
    "feature_interval": (0.03, "changing bars to see what features read"),
    "label_interval": (0.1, "changing bars to see what the label reads"),
    "split_order": (0.2, "looking at the parts"),
    "label_among_features": (0.2, "looking for the label among the columns"),
    "tau_from_train": (0.25, "changing validation and test to see whether τ moves"),
    "scaler_from_train": (0.25, "changing validation and test to see whether the training part moves"),
    "permuted_labels": (0.4, "fitting on labels moved away from their rows"),
}
"""The checks in the order of the report, with where in the work each begins and what is then said; `signatures` joins
them where scores exist."""


def silent(_share: float, _message: str) -> None:
    """A beat for callers that watch nothing."""


def examine(
    history: Bars,
    question: Question,
    *,
    unmended: NDArray[np.int64] | None = None,
    tau: float | None = None,
    quantile: float | None = None,
    relative: bool = False,
    seed: int = 0,
    beat: Beat = silent,
) -> Leakage:
    """Whether a training on `history` is free of leaks: all of CHECKS on the pipeline that it runs.

    Parameters
    ----------
    history, unmended : as `dataset.label` takes them
    question : label and horizon; a label that looks back makes the verdict leaky
    tau, quantile : the threshold as a number, or as a quantile of the training part (0.95 when neither is given)
    relative : whether it is a multiple of slow volatility, else it is in bps
    seed : of the moments looked at, the changes made to bars, and the trees of the permuted-label test
    beat : told the share done, 0 to 1, and a few words

    Raises
    ------
    NotEnough
        If the history gives no labelled rows.
    """
    pipeline = Pipeline(question, tau, 0.95 if quantile is None else quantile, relative)
    return diagnose(pipeline, history, unmended=unmended, seed=seed, beat=beat)


def diagnose(
    pipeline: Pipeline,
    history: Bars,
    *,
    unmended: NDArray[np.int64] | None = None,
    seed: int = 0,
    beat: Beat = silent,
    only: Collection[str] = CHECKS.keys(),
) -> Leakage:
    """The checks `only` on any pipeline. Other arguments and errors as of `examine`."""
    rows = pipeline.labelled(history, unmended)
    part = stretch(history, np.random.default_rng(seed))

    def moved(share: float) -> None:
        start, said = CHECKS["permuted_labels"]
        beat(start + (1 - start) * share, said)

    asked: dict[str, Callable[[], Check]] = {
        "truncation": lambda: truncation(pipeline, part, np.random.default_rng(seed)),
        "feature_interval": lambda: feature_interval(pipeline, part, np.random.default_rng(seed)),
        "label_interval": lambda: label_interval(pipeline, part, np.random.default_rng(seed)),
        "split_order": lambda: split_order(pipeline, rows),
        "label_among_features": lambda: label_among_features(pipeline.dataset(rows)),
        "tau_from_train": lambda: tau_from_train(pipeline, rows),
        "scaler_from_train": lambda: scaler_from_train(pipeline, rows, seed),
        "permuted_labels": lambda: permuted_labels(pipeline, rows, seed, moved),
    }
    checks = []
    for name, (share, said) in CHECKS.items():
        if name in only:
            beat(share, said)
            try:
                checks.append(asked[name]())
            except NotEnough as error:
                checks.append(Check(name=name, passed=None, detail=str(error)))
    beat(1.0, "examined")
    return verdict(checks)


def verdict(checks: Sequence[Check]) -> Leakage:
    """leaky when a check failed; undecided when one of CHECKS could not be asked, or was not; else clean.

    `signatures` may stay open: it reads scores, and the other checks have looked at what made them.
    """
    answers = {check.name: check.passed for check in checks}
    if False in answers.values():
        return Leakage(verdict="leaky", checks=tuple(checks))
    missing = any(answers.get(name) is None for name in CHECKS)
    return Leakage(verdict="undecided" if missing else "clean", checks=tuple(checks))
