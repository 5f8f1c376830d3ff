"""Labelled rows, before and after a threshold is set on them: in bps, or in multiples of slow volatility."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import Settings
from core.errors import BadInput, NotEnough
from core.features.formulas import FEATURES, NAMES
from core.features.labels import Question, multiple
from core.features.steps import SHARES, SPLITS

ENOUGH_SPIKES = 30
"""Spikes a split should have before a score on it means something; named when a threshold is refused."""
ENOUGH_EVENTS = 5
"""And events: 60 spikes in one run of seconds are one thing that happened."""
FORMULAS_VERSION = 2
"""Raised when a formula or a bar's definition changes, so that a fingerprint tells old rows from new ones."""
FEWEST = 20
"""Rows that a training has at least."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """Rows before a threshold is set: every bar with its core windows full and its horizon observed, outside the purge.

    rows: bar_end_ns, session, mid, the features, forward_vol_bps, slow_bps (slow volatility, what the forward one would
        be if the last hour went on), standing_bps (the slow one that trailing volatility is held against), split;
        oldest first.
    features: those the training part has; missing: those it has nowhere (their input is not in the source).
    relative: whether tau is a multiple of slow volatility, and so has no unit, instead of one in bps
    warming: rows that are left out because their slow volatility is not known
    """

    rows: pd.DataFrame
    features: tuple[str, ...]
    missing: tuple[str, ...]
    question: Question
    venue: str
    product: str
    digest: str
    relative: bool = False
    warming: int = 0

    def asked(self, relative: bool) -> Labelled:
        """The rows on which tau is set as asked: all of them in bps, those with a known slow volatility in multiples.

        The split stays where it is in time. Raises NotEnough where fewer than 20 rows are left.
        """
        if relative == self.relative:
            return self
        if self.relative:
            raise BadInput("rows in multiples of slow volatility lack those without one: label the history again")
        known = self.rows["slow_bps"].notna()
        if known.sum() < FEWEST:
            from_s = FEATURES[NAMES.index(self.question.slow)].from_s
            raise NotEnough(
                f"{int(known.sum()):,} of {len(known):,} rows have a slow volatility, which a session has from its "
                f"{from_s}th second on where the price moves; a training needs {FEWEST}: capture longer without a "
                "break, or set τ in bps"
            )
        rows = self.rows[known].reset_index(drop=True)
        train = rows.loc[rows["split"] == "train", list(self.features)].notna().any()
        return replace(
            self, rows=rows, relative=True, warming=int((~known).sum()),
            features=tuple(name for name in self.features if train[name]),
            missing=(*self.missing, *(name for name in self.features if not train[name])),
        )  # fmt: skip

    def volatility(self, split: str) -> Floats:
        """Forward volatility in bps of one split's rows, in the order of time."""
        return self.rows.loc[self.rows["split"] == split, "forward_vol_bps"].to_numpy()

    def quantity(self, split: str) -> Floats:
        """What tau is set on, of one split's rows: forward volatility in bps, or in multiples of slow volatility."""
        return quantity(self.rows[self.rows["split"] == split], self.relative)

    def tau_of(self, quantile: float) -> float:
        """The `quantile` IN THE TRAINING PART of what tau is set on."""
        if not 0 < quantile < 1:
            raise BadInput(f"a quantile of {quantile} is not between 0 and 1")
        values = self.quantity("train")
        if not values.size:
            raise NotEnough("no row of the training part has a slow volatility: capture longer without a break")
        return float(np.quantile(values, quantile))

    def threshold(self, settings: Settings) -> float:
        """The saved tau where it was saved for this question and scale, else the settings' quantile of the training
        part."""
        same = (self.question.label, self.question.horizon_s) == (settings.label, settings.horizon_s)
        saved = settings.tau_relative if self.relative else settings.tau_bps
        return saved if saved is not None and same else self.tau_of(settings.quantile)

    def mending_tau(self, spikes: int = ENOUGH_SPIKES) -> float | None:
        """The highest threshold that leaves at least `spikes` spikes in every split (fewer where a split is small);
        None where none does."""
        highest = []
        for split in SPLITS:
            ordered = np.sort(self.quantity(split))
            if ordered.size < 2:
                return None
            highest.append(ordered[-min(spikes, ordered.size // 2)])
        tau = float(min(highest))
        return tau if tau > 0 else None

    def spikes(self, tau: float) -> NDArray[np.bool_]:
        """Which of all rows are spikes at a threshold, (n,)."""
        reached: NDArray[np.bool_] = self.rows["forward_vol_bps"].to_numpy() >= thresholds(
            self.rows, tau, self.relative
        )
        return reached

    def at(self, tau: float) -> Dataset:
        """The dataset at a threshold. Raises NotEnough where a split would have spikes only, or none."""
        if not 0 < tau < np.inf:
            raise BadInput(f"τ is {tau:.3g}{' bps' * (not self.relative)}: a threshold is a number above 0")
        rows = self.rows.assign(spike=self.spikes(tau))
        identity = f"{self.digest}|{self.question}|{tau!r}|{self.features}|{SHARES}|{FORMULAS_VERSION}"
        dataset = Dataset(
            rows,
            self.features,
            self.missing,
            self.question,
            self.bps(tau),
            self.venue,
            self.product,
            hashlib.sha256(f"{identity}{'|relative' * self.relative}".encode()).hexdigest()[:16],
            tau if self.relative else None,
        )
        self._refuse_one_class(dataset)
        return dataset

    def bps(self, tau: float) -> float:
        """A threshold in bps: itself, or for a relative one the median over the rows of the training part."""
        return float(np.median(thresholds(self.rows[self.rows["split"] == "train"], tau, self.relative)))

    def _refuse_one_class(self, dataset: Dataset) -> None:
        counts = dataset.counts()
        if all(0 < c["spikes"] < c["rows"] for c in counts.values()):
            return
        said = ", ".join(f"{c['spikes']:,} of {c['rows']:,} in {split}" for split, c in counts.items())
        tau = self.mending_tau()
        mend = (
            "capture more until the market has moved in each split"
            if tau is None
            else f"a threshold of {worded(tau, self.relative)} or below would give every split spikes (at least "
            f"{min(int((self.quantity(s) >= float(shown(tau))).sum()) for s in SPLITS)})"
        )
        raise NotEnough(
            f"at τ {worded(dataset.tau, self.relative)} the spikes are {said}: a split with one class has no score; "
            f"{mend}"
        )


@dataclass(frozen=True)
class Dataset:
    """Labelled rows at a threshold: `rows` has also spike (forward volatility >= tau).

    tau_relative: the multiple of slow volatility that tau is, None where it is in bps. A relative tau is another number
    of bps at each row; tau_bps is then its median over the training part, for people.
    """

    rows: pd.DataFrame
    features: tuple[str, ...]
    missing: tuple[str, ...]
    question: Question
    tau_bps: float
    venue: str
    product: str
    fingerprint: str
    tau_relative: float | None = None

    @property
    def relative(self) -> bool:
        """Whether tau is a multiple of slow volatility."""
        return self.tau_relative is not None

    @property
    def tau(self) -> float:
        """The threshold as it was set: bps, or a multiple of slow volatility."""
        return self.tau_bps if self.tau_relative is None else self.tau_relative

    def part(self, split: str) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Features and spikes of one split, in the order of time; the index is `bar_end_ns`."""
        rows = self.rows[self.rows["split"] == split].set_index("bar_end_ns")
        return rows[list(self.features)], rows["spike"].to_numpy()

    def volatility(self, split: str) -> Floats:
        """Forward volatility of the rows of `part`, bps."""
        return self.rows.loc[self.rows["split"] == split, "forward_vol_bps"].to_numpy()

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows and spikes a split."""
        return {
            split: {"rows": int((at := self.rows["split"] == split).sum()), "spikes": int(self.rows["spike"][at].sum())}
            for split in SPLITS
        }


def quantity(rows: pd.DataFrame, relative: bool) -> Floats:
    """What tau is set on, (n,): forward volatility in bps, or in multiples of each row's slow volatility.

    A row is a spike at tau exactly where this is at or above it (`labels.multiple`).
    """
    forward = rows["forward_vol_bps"].to_numpy()
    return multiple(forward, rows["slow_bps"].to_numpy()) if relative else forward


def thresholds(rows: pd.DataFrame, tau: float | Floats, relative: bool) -> Floats:
    """The threshold on each row's forward volatility, (n,) bps; NaN at a row without the slow volatility it needs.

    tau : one, or one of each row, (n,)
    """
    return tau * rows["slow_bps"].to_numpy() if relative else np.full(len(rows), tau)


def worded(tau: float, relative: bool) -> str:
    """A threshold with its unit.

    >>> worded(8.66, False), worded(1.8, True)
    ('8.66 bps', '1.80 × slow volatility')
    """
    return f"{shown(tau)} {'× slow volatility' if relative else 'bps'}"


def shown(tau: float) -> str:
    """A threshold with three significant digits, rounded down: what a sentence names must work when it is typed in.

    >>> shown(3.14159), shown(0.35678), shown(123.9)
    ('3.14', '0.356', '123')
    """
    digits = max(0, 2 - int(np.floor(np.log10(tau))))
    return f"{np.floor(tau * 10**digits) / 10**digits:.{digits}f}"
