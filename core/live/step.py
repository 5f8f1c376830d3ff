"""What a model says of bars: the step that the monitor takes on the newest ones and a replay on stored ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.features.formulas import NAMES
from core.features.windows import CORE_S
from core.training import seen

if TYPE_CHECKING:
    from core.live.tail import Stretch
    from core.training.registry import Meta
    from models import Estimator

Floats = NDArray[np.float64]


class Levels(NamedTuple):
    """Of n bars, in bps, shape (n,) each: trailing volatility (NaN while its window warms up) and the τ that what
    follows the bar is held against (NaN while a relative one has nothing to be a multiple of)."""

    vol_bps: Floats
    tau_bps: Floats


def levels(stretch: Stretch, meta: Meta) -> Levels:
    """Where volatility and τ of `meta`'s question stand on each bar; nothing after a bar enters its numbers."""
    return Levels(stretch.feature(meta.volatility), meta.asked.taus(stretch.features))


def probabilities(stretch: Stretch, model: Estimator, meta: Meta) -> Floats:
    """P(spike in the horizon after the bar), shape (n,), NaN while the core windows, or what a relative τ is a multiple
    of, warm up.

    A bar's forecast has the same bits whether it is asked for alone or among others.
    """
    p = np.full(len(stretch), np.nan)
    full = ~np.isnan(stretch.feature(f"rv_{CORE_S}")) & ~np.isnan(meta.asked.taus(stretch.features))
    if full.any():
        when = pd.Index(stretch.bars.bar_end_ns, name="bar_end_ns")
        rows = pd.DataFrame({name: stretch.feature(name) for name in meta.features}, index=when)
        p[full] = model.predict_proba(rows[full])[:, 1]
    return p


def doubts(stretch: Stretch, p: Floats, meta: Meta) -> list[str | None]:
    """Why the forecast p of each bar should not be trusted, None where nothing speaks against it or p is NaN."""
    found = seen.doubts(meta.seen, {name: stretch.feature(name) for name in NAMES})
    return [None if np.isnan(one) else doubt for one, doubt in zip(p, found, strict=True)]


__all__ = ["Levels", "doubts", "levels", "probabilities"]
