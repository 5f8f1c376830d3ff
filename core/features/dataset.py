"""Features + labels -> Dataset: chronological split, purge, threshold from the training part, fingerprint."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import Home, Settings, load_settings
from core.errors import BadInput, NotEnough
from core.features import formulas
from core.features.bars import SECOND_NS, Bars, Sampler
from core.features.labels import Question, in_gap, touching
from core.features.markets import chosen
from core.features.steps import HONEST, SHARES, Steps
from core.features.steps import SPLITS as SPLITS
from core.features.windows import CORE_S, REACH, restart
from core.ingestion.store import Reader
from core.ingestion.ticks import Tape

ENOUGH_SPIKES = 30
"""Spikes a split should have before a score on it means something; named when a threshold is refused."""
ENOUGH_EVENTS = 5
"""And events: 60 spikes in one run of seconds are one thing that happened."""
FORMULAS_VERSION = 2
"""Raised when a formula or a bar's definition changes, so that a fingerprint tells old rows from new ones."""


def bars(reader: Reader, venue: str, product: str) -> Bars:
    """All closed bars of one market, oldest first."""
    return Sampler().push(reader.tape(venue, product))


WORTH_TWO_THREADS = 100_000
NO_GAPS = np.empty((0, 2), np.int64)


def table(bars: Bars, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Features of a whole history, shape (len(formulas.FEATURES), n); `out` as for `Rows.push`.

    Long ones are cut where the running sums are rebuilt, and the two parts computed side by side: the bits are those of
    one pass.
    """
    if out is None:
        out = np.empty((len(formulas.FEATURES), len(bars)))
    cut = restart(bars, len(bars) // 2) if len(bars) > WORTH_TWO_THREADS else len(bars)
    if cut == len(bars):
        return formulas.Rows().push(bars, out)

    def second_part() -> None:
        rows = formulas.Rows()
        rows.push(bars[cut - REACH : cut])
        rows.push(bars[cut:], out[:, cut:])

    with ThreadPoolExecutor(1) as other:
        second = other.submit(second_part)
        formulas.Rows().push(bars[:cut], out[:, :cut])
        second.result()
    return out


@dataclass(frozen=True)
class Labelled:
    """Rows before a threshold is set: every bar with its core windows full and its horizon observed, outside the purge.

    rows: bar_end_ns, session, mid, the features, forward_vol_bps, split; oldest first.
    features: those the training part has; missing: those it has nowhere (their input is not in the source).
    """

    rows: pd.DataFrame
    features: tuple[str, ...]
    missing: tuple[str, ...]
    question: Question
    venue: str
    product: str
    digest: str

    def volatility(self, split: str) -> NDArray[np.float64]:
        """Forward volatility in bps of one split's rows, in the order of time."""
        return self.rows.loc[self.rows["split"] == split, "forward_vol_bps"].to_numpy()

    def tau_of(self, quantile: float) -> float:
        """The `quantile` of forward volatility IN THE TRAINING PART, bps."""
        if not 0 < quantile < 1:
            raise BadInput(f"a quantile of {quantile} is not between 0 and 1")
        return float(np.quantile(self.volatility("train"), quantile))

    def threshold(self, settings: Settings, *, tau_bps: float | None = None, quantile: float | None = None) -> float:
        """tau in bps: as given, else the `quantile` given, else the saved one where it was saved for this question,
        else the settings' quantile of the training part."""
        if tau_bps is not None:
            return tau_bps
        same = (self.question.label, self.question.horizon_s) == (settings.label, settings.horizon_s)
        if quantile is None and settings.tau_bps is not None and same:
            return settings.tau_bps
        return self.tau_of(settings.quantile if quantile is None else quantile)

    def mending_tau(self, spikes: int = ENOUGH_SPIKES) -> float | None:
        """The highest threshold, bps, that leaves at least `spikes` spikes in every split (fewer where a split is
        small); None where none does."""
        highest = []
        for split in SPLITS:
            ordered = np.sort(self.volatility(split))
            if ordered.size < 2:
                return None
            highest.append(ordered[-min(spikes, ordered.size // 2)])
        tau = float(min(highest))
        return tau if tau > 0 else None

    def at(self, tau_bps: float) -> Dataset:
        """The dataset at a threshold. Raises NotEnough where a split would have spikes only, or none."""
        if not 0 < tau_bps < np.inf:
            raise BadInput(f"τ is {tau_bps:.3g} bps: a threshold is a number above 0")
        rows = self.rows.assign(spike=self.rows["forward_vol_bps"].to_numpy() >= tau_bps)
        identity = f"{self.digest}|{self.question}|{tau_bps!r}|{self.features}|{SHARES}|{FORMULAS_VERSION}"
        dataset = Dataset(
            rows,
            self.features,
            self.missing,
            self.question,
            tau_bps,
            self.venue,
            self.product,
            hashlib.sha256(identity.encode()).hexdigest()[:16],
        )
        self._refuse_one_class(dataset)
        return dataset

    def _refuse_one_class(self, dataset: Dataset) -> None:
        counts = dataset.counts()
        if all(0 < c["spikes"] < c["rows"] for c in counts.values()):
            return
        said = ", ".join(f"{c['spikes']:,} of {c['rows']:,} in {split}" for split, c in counts.items())
        tau = self.mending_tau()
        mend = (
            "capture more until the market has moved in each split"
            if tau is None
            else f"a threshold of {shown(tau)} bps or below would give every split spikes (at least "
            f"{min(int((self.volatility(s) >= float(shown(tau))).sum()) for s in SPLITS)})"
        )
        raise NotEnough(
            f"at τ {shown(dataset.tau_bps)} bps the spikes are {said}: a split with one class has no score; {mend}"
        )


@dataclass(frozen=True)
class Dataset:
    """Labelled rows at a threshold: `rows` has also spike (forward volatility >= tau)."""

    rows: pd.DataFrame
    features: tuple[str, ...]
    missing: tuple[str, ...]
    question: Question
    tau_bps: float
    venue: str
    product: str
    fingerprint: str

    def part(self, split: str) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Features and spikes of one split, in the order of time; the index is `bar_end_ns`."""
        rows = self.rows[self.rows["split"] == split].set_index("bar_end_ns")
        return rows[list(self.features)], rows["spike"].to_numpy()

    def volatility(self, split: str) -> NDArray[np.float64]:
        """Forward volatility of the rows of `part`, bps."""
        return self.rows.loc[self.rows["split"] == split, "forward_vol_bps"].to_numpy()

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows and spikes a split."""
        return {
            split: {"rows": int((at := self.rows["split"] == split).sum()), "spikes": int(self.rows["spike"][at].sum())}
            for split in SPLITS
        }


def shown(tau_bps: float) -> str:
    """A threshold with three significant digits, rounded down: what a sentence names must work when it is typed in.

    >>> shown(3.14159), shown(0.35678), shown(123.9)
    ('3.14', '0.356', '123')
    """
    digits = max(0, 2 - int(np.floor(np.log10(tau_bps))))
    return f"{np.floor(tau_bps * 10**digits) / 10**digits:.{digits}f}"


def label(
    history: Bars,
    question: Question,
    venue: str,
    product: str,
    unmended: NDArray[np.int64] | None = None,
    steps: Steps = HONEST,
) -> Labelled:
    """Every bar that can be a row, with its features, its forward volatility and its split.

    `unmended` has the stretches of the gaps that are not repaired, (from_ns, to_ns), shape (m, 2): a horizon that
    touches one gives no label. `steps` are others for the leakage doctor alone.

    The last rows before a boundary keep their labels; the first ones behind it, up to a horizon, are purged: no label
    of an earlier split reads a second that a row of a later split stands on. Raises NotEnough.
    """
    features = table(history)
    forward = steps.forward(question, features, history.bar_end_ns, history.session)
    features = steps.features(features, history)
    marked = in_gap(history.bar_end_ns, NO_GAPS if unmended is None else unmended)
    forward[touching(marked, question.horizon_s)] = np.nan
    core = features[formulas.NAMES.index(f"rv_{CORE_S}")]
    kept = np.flatnonzero(~np.isnan(forward) & ~np.isnan(core))
    need = CORE_S + question.horizon_s + 1
    if kept.size < 20:
        longest = int(np.bincount(history.session).max()) if len(history) else 0
        minutes = max(need + 19 - longest, 1) // 60 + 1
        raise NotEnough(
            f"have {len(history):,} bars, the longest session {longest:,}; a row needs {need} in one session (window "
            f"{CORE_S} + horizon {question.horizon_s}) and a training at least 20 rows: capture {minutes} more minutes"
        )
    columns = {name: features[j, kept] for j, name in enumerate(formulas.NAMES)}
    rows = pd.DataFrame(
        {
            "bar_end_ns": history.bar_end_ns[kept],
            "session": history.session[kept],
            "mid": history.of("close")[kept],
            **columns,
            "forward_vol_bps": forward[kept],
            "split": steps.splits(history.bar_end_ns[kept], question.horizon_s),
        }
    )
    rows = rows[rows["split"] != "purged"].reset_index(drop=True)
    train = rows["split"] == "train"
    has = {name: bool(rows.loc[train, name].notna().any()) for name in formulas.NAMES}
    digest = hashlib.sha256()
    for column in (history.bar_end_ns, history.session, history.values, np.flatnonzero(marked)):
        digest.update(np.ascontiguousarray(column).tobytes())
    return Labelled(
        rows,
        tuple(n for n in formulas.NAMES if has[n]),
        tuple(n for n in formulas.NAMES if not has[n]),
        question,
        venue,
        product,
        digest.hexdigest(),
    )


def labelled(home: Home, question: Question, venue: str | None = None, product: str | None = None) -> Labelled:
    """`label` on all that the home holds of a market (`markets.chosen`)."""
    with Reader(home) as reader:
        market = chosen(reader, load_settings(home), venue, product)
        unmended = reader.unmended(market.venue, market.product)
        return label(bars(reader, market.venue, market.product), question, market.venue, market.product, unmended)


def build(
    home: Home,
    question: Question,
    *,
    quantile: float = 0.95,
    tau_bps: float | None = None,
    venue: str | None = None,
    product: str | None = None,
) -> Dataset:
    """The dataset of a home at `tau_bps`, or at `quantile` of its training part. Raises NotEnough, NotThere,
    BadInput."""
    rows = labelled(home, question, venue, product)
    return rows.at(rows.tau_of(quantile) if tau_bps is None else tau_bps)


def save(dataset: Dataset, home: Home) -> None:
    """Write each split to `data/processed/SPLIT.parquet`, with the fingerprint of what it was made from in its
    metadata."""
    import pyarrow as pa

    from core.ingestion.store import parquet

    for split in SPLITS:
        table = pa.Table.from_pandas(dataset.rows[dataset.rows["split"] == split], preserve_index=False)
        table = table.replace_schema_metadata({"fingerprint": dataset.fingerprint, "tau_bps": repr(dataset.tau_bps)})
        parquet.write(table, home.processed / f"{split}.parquet")


def warm_up() -> None:
    """Compile the sampler and the kernel, or load them from the cache on disk, so that no click waits for it."""
    ones = np.ones(3, dtype=np.int64)
    when = np.arange(3, dtype=np.int64) * SECOND_NS
    kind, source = np.zeros(3, dtype=np.int8), np.zeros(3, dtype=np.int32)
    table(Sampler().push(Tape(ones, kind, source, when, ones, ones, ones, ones, ones, ones, kind)))
