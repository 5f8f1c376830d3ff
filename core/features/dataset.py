"""Features + labels -> labelled rows with a chronological, purged split, and the dataset that is made of them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import Home, load_settings
from core.errors import NotEnough
from core.features import formulas
from core.features.bars import SECOND_NS, Bars, Sampler
from core.features.labelled import ENOUGH_EVENTS as ENOUGH_EVENTS
from core.features.labelled import ENOUGH_SPIKES as ENOUGH_SPIKES
from core.features.labelled import FEWEST
from core.features.labelled import Dataset as Dataset
from core.features.labelled import Labelled as Labelled
from core.features.labelled import shown as shown
from core.features.labels import Question, held_against, in_gap, slow_volatility, touching
from core.features.markets import chosen
from core.features.steps import HONEST, Steps
from core.features.steps import SPLITS as SPLITS
from core.features.windows import CORE_S, REACH, restart
from core.ingestion.store import Reader
from core.ingestion.ticks import Tape


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
    slow = slow_volatility(question, features)
    standing = held_against(question, slow, history.bar_end_ns, history.session)
    features = steps.features(features, history)
    marked = in_gap(history.bar_end_ns, NO_GAPS if unmended is None else unmended)
    forward[touching(marked, question.horizon_s)] = np.nan
    core = features[formulas.NAMES.index(f"rv_{CORE_S}")]
    kept = np.flatnonzero(~np.isnan(forward) & ~np.isnan(core))
    need = CORE_S + question.horizon_s + 1
    if kept.size < FEWEST:
        longest = int(np.bincount(history.session).max()) if len(history) else 0
        minutes = max(need + FEWEST - 1 - longest, 1) // 60 + 1
        raise NotEnough(
            f"have {len(history):,} bars, the longest session {longest:,}; a row needs {need} in one session (window "
            f"{CORE_S} + horizon {question.horizon_s}) and a training at least {FEWEST} rows: "
            f"capture {minutes} more minutes"
        )
    columns = {name: features[j, kept] for j, name in enumerate(formulas.NAMES)}
    rows = pd.DataFrame(
        {
            "bar_end_ns": history.bar_end_ns[kept],
            "session": history.session[kept],
            "mid": history.of("close")[kept],
            **columns,
            "forward_vol_bps": forward[kept],
            "slow_bps": slow[kept],
            "standing_bps": standing[kept],
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
    tau: float | None = None,
    relative: bool = False,
    venue: str | None = None,
    product: str | None = None,
) -> Dataset:
    """The dataset of a home at `tau`, or at `quantile` of its training part. Raises NotEnough, NotThere, BadInput."""
    rows = labelled(home, question, venue, product).asked(relative)
    return rows.at(rows.tau_of(quantile) if tau is None else tau)


def save(dataset: Dataset, home: Home) -> None:
    """Write each split to `data/processed/SPLIT.parquet`, with the fingerprint of what it was made from in its
    metadata."""
    import pyarrow as pa

    from core.ingestion.store import parquet

    for split in SPLITS:
        table = pa.Table.from_pandas(dataset.rows[dataset.rows["split"] == split], preserve_index=False)
        about = {name: repr(getattr(dataset, name)) for name in ("tau_bps", "tau_relative")}
        table = table.replace_schema_metadata({"fingerprint": dataset.fingerprint} | about)
        parquet.write(table, home.processed / f"{split}.parquet")


def warm_up() -> None:
    """Compile the sampler and the kernel, or load them from the cache on disk, so that no click waits for it."""
    ones = np.ones(3, dtype=np.int64)
    when = np.arange(3, dtype=np.int64) * SECOND_NS
    kind, source = np.zeros(3, dtype=np.int8), np.zeros(3, dtype=np.int32)
    table(Sampler().push(Tape(ones, kind, source, when, ones, ones, ones, ones, ones, ones, kind)))
