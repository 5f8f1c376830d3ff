"""Live forecasts against replayed ones, to the bit.

A replay takes the step of the live loop on the events of the store, so every difference is a change: of the log of
forecasts after it was written (`escrow.verify` finds that too, by its hashes), of the ticks, of a model, or of the
code.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd

from core.config import Home
from core.live import forecasts
from core.live.replay import Replay, stamp
from core.live.step import levels, probabilities
from core.training import registry


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One model's live forecasts of a stretch against the replayed ones.

    live : rows of the log; equal : of them those whose p, volatility, mid, τ and horizon are equal to the bit;
    different : the others; absent : bars of the replay that nobody forecast live; `first` names the first difference,
    `why` says why nothing could be compared (None: it was).
    """

    model: str
    live: int
    equal: int
    different: int
    absent: int
    first: str | None = None
    why: str | None = None


def agreements(home: Home, replayed: Replay) -> list[Agreement]:
    """What each model said live of the asked bars against what it says of them now, by name; [] where nothing was said.

    Every model of the log is loaded and asked, whichever was champion when.
    """
    first_ns = int(replayed.bars.bar_end_ns[0])
    last_ns = int(replayed.bars.bar_end_ns[replayed.asked - 1])
    logged = forecasts.table(home, replayed.venue, replayed.product, None, first_ns, last_ns).to_pandas()
    there = {meta.name for meta in registry.artifacts(home)}
    found = []
    for name, live in logged.groupby("model"):
        if name in there:
            found.append(_agreement(home, str(name), live, replayed))
        else:
            why = f"the model {name} is not in this home any more"
            found.append(Agreement(model=str(name), live=len(live), equal=0, different=0, absent=0, why=why))
    return found


def _agreement(home: Home, name: str, live: pd.DataFrame, replayed: Replay) -> Agreement:
    estimator, meta = registry.load(home, name)
    stretch = replayed.stretch[: replayed.asked]
    vol_bps, tau_bps, _ = levels(stretch, meta)
    ends = stretch.bars.bar_end_ns
    now = {
        "p": probabilities(stretch, estimator, meta),
        "vol_bps": vol_bps,
        "mid": stretch.bars.of("close"),
        "tau_bps": tau_bps,
        "horizon_s": np.full(len(stretch), float(meta.horizon_s)),
    }
    when = live["bar_end_ns"].to_numpy()
    at = np.searchsorted(ends, when).clip(max=len(ends) - 1)
    known = ends[at] == when
    differs = {"bar": ~known}
    for field, values in now.items():
        said = live[field].to_numpy(dtype=np.float64)
        # NULL is NaN on both sides, and equal floats other than 0 have equal bits; a horizon came with the escrow
        same = (said == values[at]) | (np.isnan(said) & (np.isnan(values[at]) | (field == "horizon_s")))
        differs[field] = known & ~same
    different = np.any(list(differs.values()), axis=0)
    first = None
    if different.any():
        i = int(np.argmax(different))
        field = next(f for f, d in differs.items() if d[i])
        what = (
            "the log has a forecast of a bar that the replay does not have"
            if field == "bar"
            else f"{field} is {live[field].iloc[i]!r} in the log and {float(now[field][at[i]])!r} replayed"
        )
        first = f"{name} at {stamp(int(when[i]))}: {what}"
    n = int(different.sum())
    absent = len(ends) - int(known.sum())
    return Agreement(model=name, live=len(live), equal=len(live) - n, different=n, absent=absent, first=first)


__all__ = ["Agreement", "agreements"]
