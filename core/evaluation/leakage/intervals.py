"""What a feature and a label read: found by changing bars and seeing what moves.

Source: a leak is information that is not there at the moment of the forecast (Kaufman, Rosset and Perlich, "Leakage in
Data Mining", KDD 2011). A function that reads only bars up to t gives the same value whatever the bars after t are, and
whether they are there at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.record import Check
from core.features import formulas
from core.features.bars import COLUMNS, SECOND_NS, Bars
from core.features.labels import LEAKY_WHY
from core.features.windows import CORE_S

CUTS = 8
"""Moments at which the history is cut, or changed."""
STRETCH = 50_000
"""Bars of a longer history that are looked at: what a step reads does not depend on how much there is."""

Floats = NDArray[np.float64]


def stretch(history: Bars, rng: np.random.Generator) -> Bars:
    """At most STRETCH consecutive bars, from a seeded start."""
    start = int(rng.integers(0, max(len(history) - STRETCH, 0) + 1))
    return history[start : start + STRETCH]


def cuts(history: Bars, reach_s: int, rng: np.random.Generator) -> list[int]:
    """Up to CUTS bars, ascending, that have `reach_s` bars of their own session on either side."""
    n = len(history)
    if n <= 2 * reach_s:
        return []
    middle = np.arange(reach_s, n - reach_s)
    same = history.session[middle - reach_s] == history.session[middle + reach_s]
    apart = history.bar_end_ns[middle + reach_s] - history.bar_end_ns[middle - reach_s]
    there = middle[same & (apart == 2 * reach_s * SECOND_NS)]
    return np.sort(rng.choice(there, min(CUTS, there.size), replace=False)).tolist()


def altered(history: Bars, rows: slice, rng: np.random.Generator) -> Bars:
    """The history with every number of the bars `rows` changed, by about as much as the market itself changes it."""
    values = history.values.copy()
    part = values[rows]
    size = rng.uniform(1.0, 2.0, part.shape)
    for j, name in enumerate(COLUMNS):
        if name in ("open", "high", "low", "close"):
            part[:, j] *= 1 + (2 if name == "high" else 1) * 1e-4 * size[:, j]
        elif name.startswith("n_"):
            part[:, j] += np.round(size[:, j])
        else:
            part[:, j] += (1e-8 if name == "sum_r2" else 1e-4 if name in ("r", "sum_r") else 0.1) * size[:, j]
    return Bars(history.bar_end_ns, history.session, values)


def moved(before: Floats, after: Floats) -> NDArray[np.bool_]:
    """Where two arrays differ by more than rounding; missing in one and there in the other is a difference."""
    with np.errstate(invalid="ignore"):
        close = np.abs(after - before) <= 1e-9 * np.maximum(np.abs(before), 1e-9)
    return ~((np.isnan(before) & np.isnan(after)) | close)


def truncation(pipeline: Pipeline, history: Bars, rng: np.random.Generator) -> Check:
    """Features of the first bars of a history are those of the same bars in the whole, to the bit."""
    whole = pipeline.features(history)
    low = min(len(history) - 1, CORE_S + 1)
    places = np.unique(rng.integers(low, len(history), CUTS))
    wrong: set[int] = set()
    for cut in places:
        part = pipeline.features(history[: int(cut)])
        wrong |= set(np.flatnonzero((part.view(np.int64) != _bits(whole[:, :cut])).any(axis=1)).tolist())
    return Check(
        name="truncation",
        passed=not wrong,
        detail=(
            f"{_named(wrong)} change when later bars are cut off: they read the future, or the whole history"
            if wrong
            else f"cut off at {len(places)} places, all {len(whole)} features before the cut keep every bit"
        ),
    )


def feature_interval(pipeline: Pipeline, history: Bars, rng: np.random.Generator) -> Check:
    """A feature at t moves with bars up to t only."""
    places = cuts(history, CORE_S, rng)
    if not places:
        return _too_short("feature_interval", history, 2 * CORE_S + 1)
    before = pipeline.features(history)
    ahead = np.zeros(len(before), np.int64)
    for cut in places:
        moves = moved(before, pipeline.features(altered(history, slice(cut + 1, None), rng)))[:, : cut + 1]
        first = np.where(moves.any(axis=1), moves.argmax(axis=1), cut + 1)
        ahead = np.maximum(ahead, cut + 1 - first)
    wrong = set(np.flatnonzero(ahead).tolist())
    return Check(
        name="feature_interval",
        passed=not wrong,
        detail=(
            f"{_named(wrong)} at t move with bars after t, {_span(ahead[ahead > 0])} ahead"
            if wrong
            else f"all bars after t changed at {len(places)} moments t: none of {len(before)} features at or before t "
            "moves"
        ),
    )


def label_interval(pipeline: Pipeline, history: Bars, rng: np.random.Generator) -> Check:
    """The label at t moves with the bars in (t, t + horizon], with each end of them, and with no other bar."""
    horizon = pipeline.question.horizon_s
    places = cuts(history, horizon, rng)
    if not places:
        return _too_short("label_interval", history, 2 * horizon + 1)
    # every bar is changed once before anything is measured: a second in which nothing moved would hide a bar from
    # estimators that are products of neighbours
    history = altered(history, slice(None), rng)
    before = pipeline.forward(history)
    behind = beyond = blind = 0
    for cut in places:
        past = moved(before, pipeline.forward(altered(history, slice(0, cut + 1), rng)))
        future = moved(before, pipeline.forward(altered(history, slice(cut + 1, None), rng)))
        if past[cut:].any():
            behind = max(behind, int(np.flatnonzero(past).max()) - cut + 1)
        if future[: cut - horizon + 1].any():
            beyond = max(beyond, cut - horizon + 1 - int(future.argmax()))
        known = ~np.isnan(before)
        blind += int((known & ~past)[cut - horizon : cut].sum() + (known & ~future)[cut - horizon + 1 : cut + 1].sum())
    faults = [
        f"the label at t reads {behind} s at or before t" if behind else "",
        f"it reads {beyond} s beyond t + {horizon} s" if beyond else "",
        f"{blind} of {2 * horizon * len(places)} times it misses a bar in (t, t + {horizon} s]" if blind else "",
    ]
    said = "; ".join(fault for fault in faults if fault)
    if said and pipeline.question.leaky:
        said = f"{said}. {LEAKY_WHY}"
    return Check(
        name="label_interval",
        passed=not said,
        detail=said or f"at {len(places)} moments t the label moves with the bars in (t, t + {horizon} s] and no other",
    )


def _bits(values: Floats) -> NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)


def _named(columns: set[int]) -> str:
    names = [formulas.NAMES[j] for j in sorted(columns)]
    return f"{len(names)} features ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _span(seconds: NDArray[np.int64]) -> str:
    low, high = int(seconds.min()), int(seconds.max())
    return f"up to {high} s" if low == high else f"{low} to {high} s"


def _too_short(name: str, history: Bars, need: int) -> Check:
    return Check(
        name=name, passed=None,
        detail=f"no session of {need} seconds among {len(history):,} bars to ask this in: capture a longer one",
    )  # fmt: skip
