"""The steps between bars and labelled rows in which a leak can sit: what a model sees, what it is asked, which part.

`dataset.label` runs them, and the leakage doctor runs `dataset.label` with one of them replaced: it examines what a
training does, not a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features.bars import SECOND_NS, Bars
from core.features.labels import Question, forward_volatility

SPLITS: tuple[str, ...] = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def as_computed(features: Floats, _history: Bars) -> Floats:
    """The features as the kernel gives them, trailing windows all of them."""
    return features


def by_time(bar_end_ns: Ints, horizon_s: int) -> NDArray[np.object_]:
    """train, validation, test by time, 70/15/15 of the rows; purged: within a horizon behind the split before."""
    n = bar_end_ns.size
    split = np.full(n, "purged", dtype=object)
    bounds = [0, int(n * SHARES[0]), int(n * (SHARES[0] + SHARES[1])), n]
    free_from = np.int64(np.iinfo(np.int64).min)
    for name, begin, end in zip(SPLITS, bounds[:-1], bounds[1:], strict=True):
        at = np.arange(begin, end)[bar_end_ns[begin:end] > free_from]
        split[at] = name
        if end > begin:
            free_from = bar_end_ns[end - 1] + horizon_s * SECOND_NS
    return split


@dataclass(frozen=True)
class Steps:
    """What `dataset.label` does with a history.

    features : (features (k, n), history) -> what the models see of them, (k, n)
    forward : (question, features, bar_end_ns, session) -> forward volatility in bps, (n,)
    splits : (bar_end_ns, horizon_s) -> train, validation, test or purged, (n,)
    """

    features: Callable[[Floats, Bars], Floats] = as_computed
    forward: Callable[[Question, Floats, Ints, Ints], Floats] = forward_volatility
    splits: Callable[[Ints, int], NDArray[np.object_]] = by_time


HONEST = Steps()
"""The steps of every training."""
