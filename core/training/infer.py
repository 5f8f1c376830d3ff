"""Forecasts of a trained model over the bars of a history: what the monitor says bar by bar, for many bars at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.features import formulas
from core.features.dataset import table
from core.features.windows import CORE_S
from core.training.registry import Meta

if TYPE_CHECKING:
    from core.features.bars import Bars
    from models import Estimator

COLUMNS = ("bar_end_ns", "venue", "product", "session", "model", "p", "alert", "vol_bps", "tau_bps")


@dataclass(frozen=True)
class Forecasts:
    """`rows` with `COLUMNS`, oldest first, and the features of the model that this history does not have on any bar."""

    rows: pd.DataFrame
    missing: tuple[str, ...]


def forecasts(
    estimator: Estimator, meta: Meta, history: Bars, venue: str, product: str, theta: float, since_ns: int = 0
) -> Forecasts:
    """One row per bar that training could have had: the probability that its next horizon is a spike.

    Parameters
    ----------
    estimator, meta : of one artifact
    history : bars of one market, oldest first; each forecast reads bars up to its own and none after it
    venue, product : of that market, written into the rows
    theta : a bar alerts when p >= theta
    since_ns : only bars that end at or after this time, ns UTC; earlier ones still fill the windows

    Returns
    -------
    bar_end_ns in ns UTC, p from 0 to 1, vol_bps the trailing volatility of the label's own estimator (NaN where its
    window is still filling), tau_bps the threshold on the next one's. Other features may be missing on a bar, the
    models cope; bars without core windows, or without the slow volatility that a relative tau needs, have no row.
    """
    features = table(history)
    tau = meta.asked.taus(features)
    core = ~np.isnan(features[formulas.NAMES.index(f"rv_{CORE_S}")]) & ~np.isnan(tau)
    used = features[[formulas.NAMES.index(name) for name in meta.features]]
    known = (~np.isnan(used[:, core])).sum(axis=1)
    kept = np.flatnonzero(core & (history.bar_end_ns >= since_ns))
    x = pd.DataFrame(used[:, kept].T, pd.Index(history.bar_end_ns[kept], name="bar_end_ns"), list(meta.features))
    p = estimator.predict_proba(x)[:, 1] if kept.size else np.empty(0)
    rows = pd.DataFrame(
        {
            "bar_end_ns": history.bar_end_ns[kept],
            "venue": venue,
            "product": product,
            "session": history.session[kept],
            "model": meta.name,
            "p": p,
            "alert": p >= theta,
            "vol_bps": features[formulas.NAMES.index(meta.volatility), kept],
            "tau_bps": tau[kept],
        }
    )
    return Forecasts(rows, tuple(name for name, n in zip(meta.features, known, strict=True) if n == 0))
