"""What the labelled rows tell: how they are split, what is among the columns, what tau and the scalers were taken from.

Sources: purging, M. Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 7.4.1; preprocessing
fitted before the split, S. Kapoor and A. Narayanan, "Leakage and the reproducibility crisis in machine-learning-based
science", Patterns 4 (2023), leak L1.2.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.record import Check
from core.features.bars import SECOND_NS
from core.features.dataset import SPLITS, Dataset, Labelled

COPY = 0.999
"""Rank correlation with forward volatility from which a column is taken for a copy of the label. Trailing volatility,
the closest honest feature, has 0.6 to 0.9 with the minute that follows."""
ENOUGH = 50
"""Rows in which a column is there, for its ranks to mean something."""
LABELS = ("spike", "forward_vol_bps")
THINNED = 4_000
"""Rows a part that a scaler is fitted on to see whether it moves: what it reads does not depend on how many."""


def split_order(pipeline: Pipeline, rows: Labelled) -> Check:
    """The parts follow each other in time, and no horizon of an earlier one reaches a row of a later one."""
    horizon = pipeline.question.horizon_s
    times = rows.rows["bar_end_ns"].to_numpy()
    split = rows.rows["split"].to_numpy()
    ends = {name: times[split == name] for name in SPLITS}
    empty = [name for name in SPLITS if not ends[name].size]
    if empty:
        return Check(name="split_order", passed=None, detail=f"no row in {', '.join(empty)}: capture more")
    gaps = []
    for earlier, later in pairwise(SPLITS):
        reached = int((ends[later] <= ends[earlier].max() + horizon * SECOND_NS).sum())
        if reached:
            mixed = int((ends[later] <= ends[earlier].max()).sum())
            return Check(
                name="split_order", passed=False,
                detail=f"the {earlier} part reaches {reached:,} of {ends[later].size:,} {later} rows with its horizon "
                f"of {horizon} s"
                + (f"; {mixed:,} of them are older than its last row: not split by time" if mixed else ": no purge"),
            )  # fmt: skip
        gaps.append((ends[later].min() - ends[earlier].max()) // SECOND_NS)
    unordered = int((np.diff(times) <= 0).sum())
    return Check(
        name="split_order",
        passed=not unordered,
        detail=(
            f"{unordered:,} rows are not later than the one before"
            if unordered
            else f"train, validation, test follow each other with {gaps[0]:,} s and {gaps[1]:,} s between; "
            f"a horizon is {horizon} s"
        ),
    )


def label_among_features(dataset: Dataset) -> Check:
    """No column is the label, the forward volatility, or a monotone copy of either, by name or by value."""
    rows, spike = dataset.rows, dataset.rows["spike"].to_numpy()
    volatility = rankdata(rows["forward_vol_bps"].to_numpy())
    found, closest = [], ("", 0.0)
    for name in dataset.features:
        if name in LABELS:
            found.append(f"{name} is the label")
            continue
        column = rows[name].to_numpy(dtype=np.float64)
        there = np.isfinite(column)
        if there.sum() < ENOUGH or np.ptp(column[there]) == 0:
            continue
        ranks = rankdata(column[there])
        like = abs(float(np.corrcoef(ranks, volatility if there.all() else rankdata(volatility[there]))[0, 1]))
        closest = max(closest, (name, like), key=lambda pair: pair[1])
        apart = _separation(ranks, spike[there])
        if like > COPY:
            found.append(f"{name} orders the rows as the forward volatility does (rank correlation {like:.5f})")
        elif apart == 1.0:
            found.append(f"{name} tells every spike from every other row")
    return Check(
        name="label_among_features",
        passed=not found,
        detail="; ".join(found)
        or f"of {len(dataset.features)} columns {closest[0]} is most like the label, rank correlation {closest[1]:.3f}",
    )


def tau_from_train(pipeline: Pipeline, rows: Labelled) -> Check:
    """tau is a quantile of the training part, and stays where it is when the later parts change."""
    used = pipeline.threshold(rows)
    unit = " × slow volatility" if rows.relative else " bps"
    if pipeline.given is not None:
        said = f"τ was given as {used:.4g}{unit} and not taken from any rows"
        return Check(name="tau_from_train", passed=True, detail=said)
    ought = rows.tau_of(pipeline.quantile)
    later = rows.rows["split"].to_numpy() != "train"
    changed = rows.rows["forward_vol_bps"].to_numpy() * np.where(later, 7.0, 1.0)
    then = pipeline.threshold(replace(rows, rows=rows.rows.assign(forward_vol_bps=changed)))
    share = f"{100 * pipeline.quantile:g} % quantile"
    if used == ought and then == used:
        said = f"τ {used:.4g}{unit} is the {share} of the training part and stays when validation and test change"
        return Check(name="tau_from_train", passed=True, detail=said)
    said = f"τ is {used:.4g}{unit}, the {share} of the training part is {ought:.4g}"
    if then != used:
        said += f"; seven times the volatility in validation and test makes τ {then:.4g}: it was taken from their rows"
    return Check(name="tau_from_train", passed=False, detail=said)


def scaler_from_train(pipeline: Pipeline, rows: Labelled, seed: int) -> Check:
    """What the models are given of the training rows, and what they learn of it, stays when the later parts change."""
    tau = pipeline.threshold(rows)
    thin = _thinned(rows, tau)
    later = (thin.rows["split"] != "train").to_numpy()
    names = list(rows.features)
    wild = thin.rows[names].to_numpy(dtype=np.float64, copy=True)
    wild[later] = 3.0 * wild[later] + 1.0
    columns = dict(zip(names, wild.T, strict=True))
    before = pipeline.dataset(thin, tau)
    after = pipeline.dataset(replace(thin, rows=thin.rows.assign(**columns)), tau)
    (x, _), (x_after, _) = before.part("train"), after.part("train")
    differ = [c for c in x.columns if not np.array_equal(x[c].to_numpy(), x_after[c].to_numpy(), equal_nan=True)]
    if differ:
        said = (
            f"{len(differ)} columns of the training rows ({', '.join(differ[:3])}, ...) change with validation and test"
        )
        return Check(name="scaler_from_train", passed=False, detail=f"{said}: they were scaled on all rows")
    for model in ("zscore", "logistic"):
        learned, relearned = (pipeline.fit(model, data, seed).predict_proba(x) for data in (before, after))
        if not np.array_equal(learned, relearned):
            off = float(np.abs(learned - relearned).max())
            said = (
                f"{model} forecasts its training rows differently (by up to {off:.2g}) when validation and test change"
            )
            return Check(name="scaler_from_train", passed=False, detail=f"{said}: something in it is fitted on them")
    said = f"{x.shape[1]} columns of {len(x):,} training rows, and two models' forecasts of them, keep every bit"
    return Check(name="scaler_from_train", passed=True, detail=f"{said} when validation and test change")


def _separation(ranks: NDArray[np.float64], spike: NDArray[np.bool_]) -> float:
    """How well ranks (from 1) tell spikes from the rest, 0.5 to 1: the area under the ROC curve (Mann and Whitney
    1947), or 1 less it."""
    spikes, rest = int(spike.sum()), int((~spike).sum())
    if not spikes or not rest:
        return 0.5
    area = float((ranks[spike].sum() - spikes * (spikes + 1) / 2) / (spikes * rest))
    return max(area, 1 - area)


def _thinned(rows: Labelled, tau: float) -> Labelled:
    """Every k-th row, so that a part has at most THINNED; all of them where a part would lose one of its classes."""
    k = max(1, int(rows.rows["split"].value_counts().max()) // THINNED)
    thin = rows.rows.iloc[::k].reset_index(drop=True)
    spike = pd.Series(replace(rows, rows=thin).spikes(tau))
    whole = spike.groupby(thin["split"]).nunique().reindex(list(SPLITS), fill_value=0).min() == 2
    return replace(rows, rows=thin) if whole else rows
