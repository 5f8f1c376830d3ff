"""Walk-forward folds: each model trained on what lies before a stretch, and scored on that stretch.

The test part is not looked at. A fold repeats a training in small: fitted on the earlier rows, steered by the later
ones, scored behind them; between any two of these a horizon is purged, as between the splits of a dataset. The
stretches are those of Hyndman and Athanasopoulos, "Forecasting: Principles and Practice" (3rd edition, 5.10,
evaluation on a rolling origin), in the equal steps of scikit-learn's TimeSeriesSplit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.evidence import evidence
from core.evaluation.record import Evidence, Fold
from core.evaluation.scores import score_at
from core.features.bars import SECOND_NS
from core.features.dataset import ENOUGH_EVENTS, ENOUGH_SPIKES
from core.features.labelled import quantity, thresholds
from core.features.steps import SHARES
from models import Multiple

if TYPE_CHECKING:
    import pandas as pd

    from core.features.dataset import Dataset
    from models import Estimator, Model

FOLDS = 5
FEWEST = 2
"""Folds with both classes below which a mean over folds is no better than the single split."""

Beat = Callable[[float, str], None]
Ints = NDArray[np.int64]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One fold as positions among the rows before the test part: `fit`, `steer` and `scored` follow in time.

    `recent` are the last of the rows before it, as many as it scores (fewer where there are fewer).
    """

    number: int
    fit: NDArray[np.intp]
    steer: NDArray[np.intp]
    recent: NDArray[np.intp]
    scored: NDArray[np.intp]


def parts(bar_end_ns: Ints, horizon_s: int, folds: int = FOLDS) -> list[Part]:
    """Cut rows into `folds` + 1 equal stretches; each but the first is scored once, by what lies before it.

    Parameters
    ----------
    bar_end_ns : of the rows before the test part, (n,), ascending with holes
    horizon_s : H; a row at t is used before one at s only where t + H < s, so that no label reads a second that a later
        part stands on

    Returns
    -------
    Oldest first, fewer than `folds` where rows are fewer. The rows before a stretch are divided as a dataset's are into
    train and validation (70 to 15); both may be empty where the purge takes all.
    """
    horizon_ns = horizon_s * SECOND_NS
    edges = np.unique(bar_end_ns.size * np.arange(folds + 2) // (folds + 1))
    made = []
    for number, (begin, end) in enumerate(pairwise(edges[1:]), 1):
        before = int(np.searchsorted(bar_end_ns, bar_end_ns[begin] - horizon_ns, side="left"))
        fitted = int(before * SHARES[0] / (SHARES[0] + SHARES[1]))
        steer = np.searchsorted(bar_end_ns, bar_end_ns[fitted - 1] + horizon_ns, side="right") if fitted else before
        recent = np.arange(max(0, before - (end - begin)), before)
        made.append(Part(number, np.arange(fitted), np.arange(steer, before), recent, np.arange(begin, end)))
    return made


def before_test(dataset: Dataset) -> pd.DataFrame:
    """The rows of the training and the validation part, in the order of time."""
    return dataset.rows[dataset.rows["split"].isin(("train", "validation"))]


def learned(
    model: Model,
    dataset: Dataset,
    rows: pd.DataFrame,
    steer: pd.DataFrame | None,
    tau: float,
    seed: int,
    params: Params | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Estimator:
    """`model` fitted on `rows` at `tau` and steered by `steer`, with `params` in place of its own.

    tau is in bps, or a multiple of slow volatility as the dataset's is. Models that forecast volatility itself are also
    told it. Raises ValueError where the model cannot be fitted.
    """

    def asked(some: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        reached = some["forward_vol_bps"].to_numpy() >= thresholds(some, tau, dataset.relative)
        return seen(dataset, some), reached

    question = dataset.question
    estimator: Any = model.build(seed, question.trailing)
    if params:
        estimator.set_params(**params)
    fitted: Estimator = estimator.fit(
        *asked(rows), validation=asked(steer) if steer is not None and len(steer) else None, progress=progress,
        target=rows["forward_vol_bps"].to_numpy(),
        tau=Multiple(tau, question.slow, question.slow_scale) if dataset.relative else tau,
    )  # fmt: skip
    return fitted


def seen(dataset: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """What a model sees of `rows`: the features, and when they are."""
    return rows.set_index("bar_end_ns")[list(dataset.features)]


def walk_forward(
    dataset: Dataset,
    chosen: Sequence[Model],
    seed: int = 0,
    *,
    quantile: float | None = None,
    folds: int = FOLDS,
    params: Mapping[str, Params] | None = None,
    beat: Beat = lambda _share, _message: None,
) -> tuple[Fold, ...]:
    """Every model on every fold of the rows before the test part, models in the order given, folds oldest first.

    Parameters
    ----------
    chosen : modules of `models`; one with a constant FOLDS, for it is slow, is tried on its last so many folds
    seed : of everything random
    quantile : the one that gave the dataset its tau: each fold then takes tau from the stretch just before it, never
        from later rows, and not from all the earlier ones: after one wild day nothing would be a spike for weeks. None
        where tau was given as a number: it is the same in each fold
    params : by a model's name, in place of the model's own
    beat : told the share done, 0 to 1, and a few words

    Returns
    -------
    One entry a model and fold. ap and lift are None, with a note, where the stretch has one class or where the model
    cannot be fitted on what lies before it.
    """
    rows = before_test(dataset)
    cut = parts(rows["bar_end_ns"].to_numpy(), dataset.question.horizon_s, folds)
    plan = [(model, part) for model in chosen for part in cut[max(0, len(cut) - getattr(model, "FOLDS", folds)) :]]
    made = []
    for i, (model, part) in enumerate(plan):
        beat(i / len(plan), f"fold {part.number} of {len(cut)}, {model.TITLE}")
        made.append(_scored(dataset, rows, model, part, seed, quantile, (params or {}).get(model.NAME)))
    return tuple(made)


def _scored(
    dataset: Dataset, rows: pd.DataFrame, model: Model, part: Part, seed: int, quantile: float | None,
    params: Params | None,
) -> Fold:  # fmt: skip
    fit, steer, scored = (rows.iloc[at] for at in (part.fit, part.steer, part.scored))
    tau, relative = float(dataset.tau), dataset.relative
    if quantile is not None and len(part.recent):
        tau = float(np.quantile(quantity(rows.iloc[part.recent], relative), quantile))
    taus = thresholds(scored, tau, relative)
    spike = scored["forward_vol_bps"].to_numpy() >= taus
    base_rate = float(spike.mean())
    ap, note = None, ""
    if not len(fit):
        note = "no row is left to train on"
    elif not 0 < base_rate < 1:
        note = "no spike in it" if base_rate == 0 else "spikes only"
    else:
        try:
            estimator = learned(model, dataset, fit, steer, tau, seed, params)
        except ValueError as error:
            note = f"not fitted: {error}"
        else:
            p = estimator.predict_proba(seen(dataset, scored))[:, 1]
            ap = score_at(model.NAME, spike, p, 0.5, f"fold {part.number}").pr_auc
    times = scored["bar_end_ns"].to_numpy()
    return Fold(
        number=part.number, model=model.NAME, train_rows=len(fit) + len(steer), rows=len(scored),
        spikes=int(spike.sum()), first_ns=int(times[0]), last_ns=int(times[-1]), base_rate=base_rate,
        tau_bps=float(np.median(taus)), tau_relative=tau if relative else None, ap=ap,
        lift=None if ap is None else ap / base_rate, note=note,
    )  # fmt: skip


def lifts(folds: Sequence[Fold], model: str) -> list[float]:
    """The lifts of one model on the folds where it has one."""
    return [fold.lift for fold in folds if fold.model == model and fold.lift is not None]


def mean_lift(values: Sequence[float]) -> float | None:
    """Geometric mean, None of none.

    Lifts are ratios, and one on a stretch with few spikes can be a hundred times another: their plain mean would be
    that stretch's alone.

    >>> mean_lift([1.0, 4.0])
    2.0
    """
    return float(np.exp(np.mean(np.log(values)))) if values else None


def decide(
    validation_ap: Mapping[str, float], folds: Sequence[Fold], behind: Evidence, tuned: Sequence[str] = ()
) -> tuple[str, str]:
    """Which model is to watch the market, and on what it was chosen, in words.

    Parameters
    ----------
    validation_ap : average precision on the validation part by the models' names
    folds : of `walk_forward`, () where none were asked for
    behind : what stands behind the validation part. With at least 30 spikes in 5 episodes it decides, by average
        precision; else the folds do, by mean lift, where two or more have both classes. Models scored on fewer folds
        than another are then not compared.
    tuned : models whose hyper-parameters come from folds, which flatters them there
    """
    best = max(validation_ap, key=lambda name: validation_ap[name])
    held = f"{behind.spikes:,} spikes in {behind.episodes:,} {'episode' if behind.episodes == 1 else 'episodes'}"
    if not folds:
        return best, f"No folds were asked for: the champion is chosen on validation, which holds {held}."
    n, counted = max(fold.number for fold in folds), {name: lifts(folds, name) for name in validation_ap}
    most = max(len(values) for values in counted.values())
    said = f"{n} walk-forward folds of train and validation, {most} of them with both classes."
    few = "" if not tuned else f" Tuned on folds, so flattered there: {', '.join(tuned)}."
    if behind.enough:
        return best, f"{said} Validation holds {held}, enough to choose the champion on it.{few}"
    need = f"Validation holds {held}; a choice on it needs {ENOUGH_SPIKES} and {ENOUGH_EVENTS}"
    if most < FEWEST:
        return best, f"{said} {need}. The folds hold too little as well, so the champion is chosen on validation."
    means = {name: mean_lift(values) or 0.0 for name, values in counted.items() if len(values) == most}
    best = max(means, key=lambda name: means[name])
    return best, f"{said} {need}: the champion is chosen by its mean lift over the {most} folds instead.{few}"


def validation_evidence(dataset: Dataset) -> Evidence:
    """What stands behind the validation part."""
    rows = dataset.rows[dataset.rows["split"] == "validation"]
    return evidence(
        "validation", rows["bar_end_ns"].to_numpy(), rows["session"].to_numpy(), rows["spike"].to_numpy(),
        horizon_s=dataset.question.horizon_s,
    )  # fmt: skip
