"""How fast the feature rows are, as a ratio in one run: against pandas, and against merely touching the same bytes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.features import dataset, fading, formulas
from core.features.bars import COLUMNS, SECOND_NS, Bars
from core.features.windows import WINDOWS_S

Floats = NDArray[np.float64]


def made_up_bars(n: int, seed: int = 0, sessions: int = 10) -> Bars:
    """Bars of a random walk with the columns of real ones, in `sessions` sessions of equal length: for timing only."""
    rng = np.random.default_rng(seed)
    session = np.arange(n) * sessions // n
    values = np.zeros((n, len(COLUMNS)))
    r = rng.normal(0, 1e-5, n) * np.exp(np.cumsum(rng.normal(0, 0.01, n)).clip(-2, 2))
    close = 91_000 * np.exp(np.cumsum(r))
    column = Bars.column
    r[np.flatnonzero(np.diff(session, prepend=-1))] = np.nan
    values[:, column("r")] = r
    values[:, column("close")] = close
    values[:, column("high")] = close * (1 + 1e-5 * rng.random(n))
    values[:, column("low")] = close * (1 - 1e-5 * rng.random(n))
    for name in ("n_ticks", "n_r", "n_quotes", "n_sizes", "n_trades"):
        values[:, column(name)] = rng.integers(1, 9, n)
    for name in ("sum_r", "sum_imbalance", "signed_volume"):
        values[:, column(name)] = rng.normal(0, 1e-5, n)
    for name in ("sum_r2", "sum_spread_bps", "volume"):
        values[:, column(name)] = rng.random(n)
    return Bars((1_700_000_000 + np.arange(n) + 60 * session) * SECOND_NS, session, values)


def with_pandas(bars: Bars) -> pd.DataFrame:
    """The same features as `dataset.table`, written as one would in pandas: rolling sums of each session's columns."""
    frame = pd.DataFrame({name: bars.of(name) for name in COLUMNS} | {"session": bars.session})
    r = frame["r"].fillna(0.0)
    new = frame["session"].ne(frame["session"].shift())
    frame = frame.assign(r=r, r2=r * r, bp=(r * r.shift().where(~new, 0.0)).abs())
    summed = ["r2", "bp", "r", "sum_r", "sum_r2", "sum_spread_bps", "sum_imbalance", "signed_volume", "volume",
              "n_ticks", "n_r", "n_quotes", "n_sizes"]  # fmt: skip
    by_session = frame.groupby("session", sort=False)
    age = by_session.cumcount()
    sums: dict[int, pd.DataFrame] = {}
    out: dict[str, Any] = {}
    for w in WINDOWS_S:
        rolling = by_session.rolling(w)
        s = rolling[summed].sum().reset_index(drop=True)
        s["bp"] = by_session["bp"].rolling(w - 1).sum().reset_index(drop=True)
        s["high"] = rolling["high"].max().reset_index(drop=True)
        s["low"] = rolling["low"].min().reset_index(drop=True)
        sums[w] = s.where(age >= w)
        out |= _of_one_window(sums[w], w)
    quiet = formulas.QUIET_R2
    for a, b in ((10, 60), (60, 300)):
        out[f"log_rv_{a}_{b}"] = 0.5 * np.log((sums[a]["r2"] / a + quiet) / (sums[b]["r2"] / b + quiet))
        out[f"log_intensity_{a}_{b}"] = np.log((sums[a]["n_ticks"] / a + 0.1) / (sums[b]["n_ticks"] / b + 0.1))
    r2 = sums[60]["r2"].clip(lower=formulas.TINY)
    out["jump_60"] = ((r2 - (out["bipower_60"] / 1e4) ** 2) / r2).clip(0, 1)
    for name, memory in _FADED.items():
        out[name] = 1e4 * np.sqrt(_faded(frame["r2"], frame["session"], age, memory))
    ticks = [frame[name].where(~new, 0.0) for name in ("sum_r2", "n_r")]
    squares, returns = (_faded(column, frame["session"], age, "hour") for column in ticks)
    out["tick_rms_3600"] = 1e4 * np.sqrt(squares / returns)
    return pd.DataFrame(out)[list(formulas.NAMES)]


_FADED = {"rms_1": "last", **{f"ewma_{s}": f"{s}" for s in (3, 6, 11, 22, 45, 90)}, "rms_3600": "hour"}


def _faded(r2: pd.Series, session: pd.Series, age: pd.Series, memory: str) -> pd.Series:
    """Fading mean of a column in pandas: a rolling sum, or an `ewm` less what has left its reach."""
    m = fading.MEMORIES[fading.NAMES.index(memory)]
    n = age.clip(upper=m.reach_s)
    if m.decay == 1.0:
        total = r2.groupby(session, sort=False).rolling(m.reach_s, min_periods=1).sum().reset_index(drop=True)
        return (total / n).clip(lower=0).where(age >= m.from_s)
    mean = r2.groupby(session, sort=False).ewm(alpha=1 - m.decay).mean().reset_index(drop=True)
    weighted = mean * (1 - m.decay ** (age + 1))
    left = weighted.groupby(session, sort=False).shift(m.reach_s).fillna(0.0) * m.decay**m.reach_s
    return ((weighted - left) / (1 - m.decay**n)).clip(lower=0).where(age >= m.from_s)


def _of_one_window(s: pd.DataFrame, w: int) -> dict[str, Any]:
    variance = (s["sum_r2"] - s["sum_r"] ** 2 / s["n_r"]).clip(lower=0) / (s["n_r"] - 1)
    return {
        f"rv_{w}": 1e4 * np.sqrt(s["r2"].clip(lower=0)),
        f"tick_std_{w}": 1e4 * np.sqrt(variance),
        f"bipower_{w}": 1e4 * np.sqrt((s["bp"] * (np.pi / 2 * w / (w - 1))).clip(lower=0)),
        f"ret_{w}": 1e4 * s["r"],
        f"range_{w}": 1e4 * (s["high"] / s["low"] - 1),
        f"intensity_{w}": s["n_ticks"] / w,
        f"spread_{w}": s["sum_spread_bps"] / s["n_quotes"],
        f"imbalance_{w}": s["sum_imbalance"] / s["n_sizes"],
        f"flow_{w}": s["signed_volume"] / s["volume"],
    }


def run(n: int = 1_000_000, rounds: int = 5, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Time ours, pandas and a touch of the same bytes in turn, `rounds` times; ratios are medians over the rounds.

    ratio_to_pandas: pandas' time over ours, both giving all features of `n` bars. ratio_to_touch: our time over that of
    reading every bar and writing every output once. largest_difference: between the two tables, relative.
    """
    bars = made_up_bars(n)
    out = np.empty((len(formulas.FEATURES), n))
    ours = dataset.table(bars, out)
    say("compiled; timing")
    theirs = with_pandas(bars).to_numpy().T
    different = float(np.nanmax(np.abs(ours - theirs) / (np.abs(ours) + 1e-3)))
    same_missing = bool((np.isnan(ours) == np.isnan(theirs)).all())
    del theirs

    def touch() -> None:
        bars.values.sum()
        out.fill(1.0)

    works: dict[str, Callable[[], object]] = {
        "pandas": lambda: with_pandas(bars),
        "ours": lambda: dataset.table(bars, out),
        "touch": touch,
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for k in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
        say(f"round {k + 1} of {rounds}")
    to_pandas = [p / o for p, o in zip(seconds["pandas"], seconds["ours"], strict=True)]
    to_touch = [o / t for o, t in zip(seconds["ours"], seconds["touch"], strict=True)]
    return {
        "bars": n,
        "outputs": len(formulas.FEATURES),
        "ratio_to_pandas": round(statistics.median(to_pandas), 2),
        "ratio_to_pandas_min_max": [round(min(to_pandas), 2), round(max(to_pandas), 2)],
        "ratio_to_touch": round(statistics.median(to_touch), 2),
        "ns_per_bar": {name: round(statistics.median(took) / n * 1e9, 1) for name, took in seconds.items()},
        "largest_relative_difference": different,
        "same_missing": same_missing,
    }
