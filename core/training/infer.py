"""Forecasts of a trained model over the bars of a history: what the monitor says bar by bar, for many bars at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.features import formulas
from core.features.dataset import table
from core.training.registry import Meta

if TYPE_CHECKING:
    from core.features.bars import Bars
    from models import Estimator

COLUMNS = ("bar_end_ns", "venue", "product", "session", "model", "p", "alert", "vol_bps")


def forecasts(
    estimator: Estimator, meta: Meta, history: Bars, venue: str, product: str, theta: float, since_ns: int = 0
) -> pd.DataFrame:
    """One row per bar whose features are all there: the probability that its next horizon is a spike.

    Parameters
    ----------
    estimator, meta : of one artifact
    history : bars of one market, oldest first; each forecast reads bars up to its own and none after it
    venue, product : of that market, written into the rows
    theta : a bar alerts when p >= theta
    since_ns : only bars that end at or after this time, ns UTC; earlier ones still fill the windows

    Returns
    -------
    DataFrame with `COLUMNS`: bar_end_ns in ns UTC, p from 0 to 1, vol_bps the trailing volatility of the label's own
    estimator. Bars whose windows are warming up, or that lack a feature the model was trained on, have no row.
    """
    features = table(history)
    used = features[[formulas.NAMES.index(name) for name in meta.features]]
    kept = np.flatnonzero(~np.isnan(used).any(axis=0) & (history.bar_end_ns >= since_ns))
    x = pd.DataFrame(used[:, kept].T, columns=list(meta.features))
    p = estimator.predict_proba(x)[:, 1] if kept.size else np.empty(0)
    return pd.DataFrame(
        {
            "bar_end_ns": history.bar_end_ns[kept],
            "venue": venue,
            "product": product,
            "session": history.session[kept],
            "model": meta.name,
            "p": p,
            "alert": p >= theta,
            "vol_bps": features[formulas.NAMES.index(meta.volatility), kept],
        }
    )
