"""What the training part held of each feature, and whether a live row lies outside of it.

A model says a number for any row, also for one whose like it has never met: trees go on as at their last split, linear
models to wherever the line leads. Such a row keeps its forecast, with a doubt that names the feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.features.formulas import FEATURES
from core.features.windows import WINDOWS_S

if TYPE_CHECKING:
    from core.features.dataset import Dataset

BAND = (0.001, 0.999)
"""Quantiles of the training part between which a feature's band lies: single wild seconds do not widen it."""
MISSING = "feature missing"
"""What the doubt about a row begins with where a feature has no value."""
MARGIN = 0.1
"""How far beyond the least and the most a value may lie, as a share of the band or of that bound, whichever is larger.

Beyond the bare range lay 77 %, 4 % and 15 % of the test rows of a stretch of real ticks, a day of one-second prices and
a simulated market: a new five minutes is a little busier than all before it more often than not. Beyond it by this
margin lay 3.2 %, 0 % and 3.4 %.
"""

TINY = 1e-12
"""Keeps a feature that was constant in training from dividing by 0."""

Floats = NDArray[np.float64]
_OF = {f.name: f for f in FEATURES}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One feature in the training part: least and most, and the ends of its band, in its own unit.

    `missing`: the share of rows that had no value although the feature's window was full.
    """

    low: float
    high: float
    band_low: float
    band_high: float
    missing: float = 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the most that is no cause for doubt."""
        band = self.band_high - self.band_low
        return self.low - MARGIN * max(band, abs(self.low)), self.high + MARGIN * max(band, abs(self.high))


def seen(dataset: Dataset) -> dict[str, Seen]:
    """`Seen` of each feature that the models of this dataset learn from, from its TRAIN rows alone."""
    rows, _ = dataset.part("train")
    found = {}
    for name in dataset.features:
        x = rows[name].to_numpy()
        known, full = x[~np.isnan(x)], ~np.isnan(rows[_clock(name)].to_numpy())
        band_low, band_high = np.quantile(known, BAND)
        found[name] = Seen(
            low=float(known.min()), high=float(known.max()), band_low=float(band_low), band_high=float(band_high),
            missing=float(np.isnan(x[full]).mean()) if full.any() else 0.0,
        )  # fmt: skip
    return found


def doubts(ranges: dict[str, Seen], rows: dict[str, Floats]) -> list[str | None]:
    """Of each of n rows why its forecast should not be trusted, None where nothing speaks against it.

    Parameters
    ----------
    ranges : of the model that forecasts, see `seen`; {} where it was trained before they were kept: no doubts then
    rows : every feature (also those that the model does not read), each (n,)

    Returns
    -------
    A sentence's worth about the feature that lies furthest out, and how many others do. A feature that is missing
    though its window is full and training always had it comes first.
    """
    n = next(iter(rows.values())).size
    names = [name for name in ranges if name in rows]
    if not names or n == 0:
        return [None] * n
    x = np.stack([rows[name] for name in names])
    low, high = (np.array([ranges[name].bounds[end] for name in names])[:, None] for end in (0, 1))
    band = np.array([ranges[name].band_high - ranges[name].band_low for name in names])[:, None]
    full = np.stack([~np.isnan(rows[_clock(name)]) for name in names])
    always = np.array([ranges[name].missing == 0 for name in names])[:, None]
    beyond = np.where(np.isnan(x), 0.0, np.maximum(low - x, x - high)) / np.maximum(band, TINY)
    beyond[np.isnan(x) & full & always] = np.inf
    said: list[str | None] = [None] * n
    for i in np.flatnonzero((beyond > 0).any(axis=0)):
        worst, others = int(beyond[:, i].argmax()), int((beyond[:, i] > 0).sum()) - 1
        about = _about(names[worst], float(x[worst, i]), ranges[names[worst]])
        said[i] = about + (f" ({others} more)" if others else "")
    return said


def _about(name: str, value: float, of: Seen) -> str:
    """
    >>> _about("spread_10", 14.21, Seen(low=0.01, high=6.1, band_low=0.01, band_high=4))
    'spread_10 14.2 bps, training saw at most 6.1'
    """
    if np.isnan(value):
        return f"{MISSING}: {name}, training always had it"
    unit = _OF[name].unit
    bound, word = (of.high, "most") if value > of.high else (of.low, "least")
    return f"{name} {_plain(value)}{f' {unit}' if unit in UNITS else ''}, training saw at {word} {_plain(bound)}"


def _plain(x: float) -> str:
    return f"{float(f'{x:.3g}'):.15g}"


UNITS = ("bps", "ticks/s")
"""Units that are said; the others describe a scale."""


def _clock(name: str) -> str:
    """A feature of price alone that is there exactly when the window of the feature `name` is full."""
    window = _OF[name].window_s
    return f"rv_{window}" if window in WINDOWS_S else name


__all__ = ["BAND", "MARGIN", "MISSING", "Seen", "doubts", "seen"]
