"""The parts of an evaluated training that alerts are chosen and shown on: validation or folds, and test.

A rule is chosen on validation. Where that holds fewer than 5 episodes it is chosen on the walk-forward folds instead:
what models of the same kind, trained on earlier rows, said of later rows before the test part. Each fold is then a
session of its own, with its own tau.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from core.errors import NotThere
from core.evaluation.evaluate import seconds_of
from core.evaluation.record import Evaluation, Judged
from core.evaluation.sweep import Part
from core.features.dataset import ENOUGH_EVENTS
from core.features.labels import Question

FOLDS = "walk-forward folds"
Folds = Callable[[], pd.DataFrame | None]
"""What `archive.load_folds` gives, when it is asked for."""


def part(e: Evaluation, rows: pd.DataFrame, split: str, model: str) -> Part:
    """One split of the rows that `archive.load_rows` gives, with the forecasts of the model named `model`.

    Raises NotThere where the training has no such model.
    """
    if model not in rows:
        raise NotThere(f"no forecasts of {model} were kept with the training {e.training}: train again")
    return _part(e, split, rows[rows["split"] == split], model)


def folded(e: Evaluation, rows: pd.DataFrame, model: str) -> Part | None:
    """What `archive.load_folds` gives of one model as a part; None where it said nothing there."""
    known = rows[rows[model].notna()] if model in rows else rows[:0]
    if not len(known):
        return None
    apart = known.assign(session=known.groupby(["session", "fold"], sort=False).ngroup())
    return _part(e, FOLDS, apart, model)


def _part(e: Evaluation, name: str, rows: pd.DataFrame, model: str) -> Part:
    whole = e.tau_bps if e.tau_relative is None else e.tau_relative
    tau = rows["tau"].to_numpy() if "tau" in rows else whole
    s = seconds_of(rows, "vol_bps", Question(e.label, e.horizon_s).ahead, tau, e.tau_relative is not None)
    p, mid = (s.spread(rows[column].to_numpy(dtype=np.float64)) for column in (model, "mid"))
    return Part(name, s, p, mid, e.horizon_s)


def chosen_on(e: Evaluation, rows: pd.DataFrame, folds: Folds, model: str) -> tuple[Part, str]:
    """The part that a rule of `model` is chosen on, never test, and why it is that one, in a sentence.

    `folds` is asked only where validation holds too little.
    """
    validation = part(e, rows, "validation", model)
    n = validation.episodes
    held = f"Validation holds {n} {'episode' if n == 1 else 'episodes'} in {validation.hours:.1f} h"
    if n >= ENOUGH_EVENTS:
        return validation, f"{held}: θ is chosen on it."
    said = folds()
    other = None if said is None else folded(e, said, model)
    if other is None:
        return validation, (
            f"{held}, fewer than {ENOUGH_EVENTS}, and no forecasts of folds were kept: θ is chosen on it all the same, "
            "and is little more than a guess."
        )
    if other.episodes <= n:
        return validation, f"{held}, fewer than {ENOUGH_EVENTS}, and the folds hold no more: θ is little but a guess."
    return other, (
        f"{held}, fewer than {ENOUGH_EVENTS}: θ is chosen on the walk-forward folds, {other.episodes} episodes in "
        f"{other.hours:.1f} h, each fold with its own τ."
    )


def model_of(e: Evaluation, name: str) -> Judged:
    """The model `name` of the evaluation (the artifact's name). Raises NotThere."""
    for m in e.models:
        if m.name == name:
            return m
    there = ", ".join(m.name for m in e.models)
    raise NotThere(f"the training {e.training} has no model {name}; it has {there}")
