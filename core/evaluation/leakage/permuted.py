"""The permuted-label test: where labels have nothing to do with the rows, a forecast must fall to the base rate.

Source: permutation tests for classifiers, M. Ojala and G. C. Garriga, JMLR 11 (2010). Volatility wanders for minutes,
so labels are not shuffled one by one, which any model would fail to learn, but moved round the whole history together
(circular shift): they keep their runs and lose their rows. What still scores then has read the label, or has learnt
which moment it is from rows of the same moment, as trees do after a random split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.record import Check
from core.features.dataset import SPLITS, Dataset, Labelled
from core.features.labelled import quantity

if TYPE_CHECKING:
    from models import Estimator

SHIFTS = 7
"""Circular shifts, at even distances: odd, so that their median is one of them."""
NEEDED = 4
ROTATIONS = 200
"""Positions of the test labels that stand for chance, for each shift."""
CHANCE = 0.02
"""A shift is suspicious when fewer rotations than this share do as well.

The forecast and the labels of the test part are both made of long runs, so their average precision by chance is far
from the base rate now and then: a fixed margin would cry wolf. Turning the test labels round against the same forecast
keeps both sets of runs and gives the spread of that chance. The median over the shifts must be this rare: were they
independent, 4 of 7 would be so by chance once in 180,000 times.
"""
EXCESS = 0.10
"""And the median of (AP - base rate) / (1 - base rate) must reach this: a tenth of the way to a perfect score."""
LEAST_SPIKES = 10
ROWS = 12_000

Floats = NDArray[np.float64]


def memoriser(dataset: Dataset, seed: int) -> Estimator:
    """Deep, quick trees that can learn a moment by heart: what this test needs, and a good model must not be."""
    from models.gradient_boosting import GradientBoosting

    x, y = dataset.part("train")
    trees = GradientBoosting(rounds=25, floor=25, depth=6, rate=0.4, rows=1.0, penalty=1.0, least=1.0, seed=seed)
    return trees.fit(x, y)


def permuted_labels(
    pipeline: Pipeline, rows: Labelled, seed: int, beat: Callable[[float], None] = lambda _: None
) -> Check:
    """Average precision on moved labels is what chance gives.

    Where a shift leaves a part without spikes, or with nothing else, the threshold is moved until it has both: any
    question will do. None where that leaves fewer than 4 of 7 shifts, or the test part is shorter than 6 horizons,
    or too short for rotations enough to tell a share of CHANCE.
    """
    tau = pipeline.threshold(rows)
    rng = np.random.default_rng(seed)
    # thinned by a whole step and not at random, so that what was a neighbour stays one
    step_s = -(-len(rows.rows) // ROWS)
    table = rows.rows.iloc[::step_s].reset_index(drop=True)
    # what tau is set on is moved, not bps alone: over another row's slow volatility they would tell of that row
    n, asked = len(table), quantity(table, rows.relative)
    unit = table["slow_bps"].to_numpy() if rows.relative else 1.0
    least = max(1, pipeline.question.horizon_s // step_s)
    test = int((table["split"] == "test").sum())
    need = max(6 * least, 2 * least + round(2 / CHANCE))
    if test < need:
        said = f"the test part has {test * step_s:,} rows; turning its labels round needs {need * step_s:,}"
        return Check(name="permuted_labels", passed=None, detail=said)
    ranks, excess, scored = [], [], []
    for i, share in enumerate(np.linspace(0.15, 0.85, SHIFTS) + rng.uniform(-0.03, 0.03, SHIFTS)):
        beat(i / SHIFTS)
        moved = replace(rows, rows=table.assign(forward_vol_bps=np.roll(asked, int(share * n)) * unit))
        level = _level(moved, tau)
        if level is None:
            continue
        dataset = pipeline.dataset(moved, level)
        x, y = dataset.part("test")
        p = memoriser(dataset, seed).predict_proba(x)[:, 1]
        turns = np.unique(np.linspace(least, test - least, ROTATIONS).astype(int))
        ap = average_precisions(p, np.stack([y, *(np.roll(y, turn) for turn in turns)]))
        base = float(y.mean())
        ranks.append(float((1 + (ap[1:] >= ap[0]).sum()) / (1 + turns.size)))
        excess.append(float((ap[0] - base) / (1 - base)))
        scored.append(f"{ap[0]:.2f}/{base:.2f}")
    if len(ranks) < NEEDED:
        said = f"only {len(ranks)} of {SHIFTS} shifts of the labels leave every part spikes and other rows"
        return Check(name="permuted_labels", passed=None, detail=f"{said}: capture more")
    rank, above = float(np.median(ranks)), float(np.median(excess))
    passed = rank > CHANCE or above < EXCESS
    said = (
        f"labels moved round the history {len(ranks)} times, trees fitted anew: average precision/base rate "
        f"{', '.join(scored)}; by chance as high in {100 * rank:.1f} % of rotations (median)"
    )
    return Check(
        name="permuted_labels", passed=passed, detail=said if passed else f"{said}. It must fall to the base rate"
    )


def _level(moved: Labelled, tau: float) -> float | None:
    """A threshold, near tau where that is possible, at which every part has LEAST_SPIKES spikes and other rows."""
    highest = moved.mending_tau(LEAST_SPIKES)
    if highest is None:
        return None
    for level in (min(tau, highest), highest):
        if all((moved.quantity(split) < level).sum() >= LEAST_SPIKES for split in SPLITS):
            return level
    return None


def average_precisions(p: Floats, y: NDArray[Any]) -> Floats:
    """Average precision of one forecast p (n,) for each row of y (m, n), as `scores.score` defines it, shape (m,)."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), p.size - 1)
    tp = np.cumsum(y[:, order], axis=1)[:, last]
    area: Floats = (np.diff(tp, axis=1, prepend=0) * (tp / (last + 1))).sum(axis=1) / tp[:, -1]
    return area
