import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Home, Settings
from core.errors import BadInput, NotEnough, NotThere
from core.features import dataset
from core.features.bars import SECOND_NS, Bars, Sampler
from core.features.dataset import NO_GAPS, SPLITS, Labelled, label
from core.features.labels import Question
from core.features.markets import chosen
from core.ingestion.store import Reader
from tests.features import tapes


def labelled(n: int = 2000, seed: int = 0, question: Question | None = None, **made: object) -> Labelled:
    return label(tapes.bars(n, seed, **made), question or Question(), "made up", "BTC-USD")  # type: ignore[arg-type]


@given(seed=st.integers(0, 200), n=st.integers(400, 2000), breaks=st.lists(st.integers(150, 1999), max_size=4))
def test_splits_are_by_time_and_no_horizon_reaches_into_the_next(seed: int, n: int, breaks: list[int]) -> None:
    try:
        rows = labelled(n, seed, breaks=breaks).rows
    except NotEnough:
        return
    spans = [rows.loc[rows["split"] == s, "bar_end_ns"] for s in SPLITS]
    for before, after in itertools.pairwise(spans):
        if len(before) and len(after):
            assert before.max() + 60 * SECOND_NS < after.min()
    assert rows["bar_end_ns"].is_monotonic_increasing
    assert len(rows.loc[rows["split"] == "train"]) >= 0.7 * len(rows) - 1


def test_tau_sees_the_training_part_only() -> None:
    rows = labelled()
    other = rows.rows.copy()
    later = other["split"] != "train"
    other.loc[later, "forward_vol_bps"] *= 100
    moved = Labelled(other, rows.features, rows.missing, rows.question, rows.venue, rows.product, rows.digest)
    assert moved.tau_of(0.95) == rows.tau_of(0.95)
    assert rows.tau_of(0.95) == np.quantile(rows.volatility("train"), 0.95)


def test_a_spike_reaches_tau() -> None:
    rows = labelled()
    tau = float(np.sort(rows.volatility("test"))[-3])
    data = rows.at(tau)
    assert data.counts()["test"]["spikes"] >= 3
    x, y = data.part("test")
    assert list(x.columns) == list(data.features)
    assert len(x) == len(y) == data.counts()["test"]["rows"]


def test_a_split_with_one_class_is_refused_with_the_counts_and_a_threshold_that_mends_it() -> None:
    bars = tapes.bars(3000, 0)
    bars.values[2000:, Bars.column("r")] *= 0.1
    rows = label(bars, Question(), "made up", "BTC-USD")
    with pytest.raises(NotEnough, match=r"0 of \d+ in test.*a threshold of ([\d.]+) bps or below") as refused:
        rows.at(rows.tau_of(0.95))
    named = float(str(refused.value).split("a threshold of ")[1].split(" bps")[0])
    assert min(c["spikes"] for c in rows.at(named).counts().values()) >= dataset.ENOUGH_SPIKES


def test_a_threshold_that_calls_every_second_a_spike_is_refused() -> None:
    with pytest.raises(NotEnough, match="one class"):
        labelled().at(1e-9)
    with pytest.raises(BadInput, match="above 0"):
        labelled().at(0.0)


def test_too_few_bars_say_how_many_and_how_long_to_capture() -> None:
    with pytest.raises(NotEnough, match="have 100 bars, the longest session 100; a row needs 121 in one session"):
        labelled(100)


def test_features_whose_input_is_not_there_are_named() -> None:
    events = [{"t": t + 0.5, "price": 91_000 + (t % 7)} for t in range(900)]
    rows = label(Sampler().push(tapes.tape(events)), Question(), "reference", "BTC-USD")
    assert set(rows.missing) == {f"{name}_{w}" for name in ("spread", "imbalance", "flow") for w in (10, 30, 60, 300)}
    assert "rv_60" in rows.features and not set(rows.features) & set(rows.missing)


def test_the_fingerprint_follows_what_the_rows_were_made_from() -> None:
    def fingerprint(rows: Labelled, share: float = 1.0) -> str:
        tau = rows.mending_tau()
        assert tau is not None
        return rows.at(tau * share).fingerprint

    prints = [
        fingerprint(labelled()),
        fingerprint(labelled(), share=0.99),
        fingerprint(labelled(seed=1)),
        fingerprint(labelled(question=Question("bipower"))),
    ]
    assert len(set(prints)) == 4
    assert fingerprint(labelled()) == prints[0]


def test_saved_splits_carry_the_fingerprint(home: Home) -> None:
    data = labelled().at(15.0)
    dataset.save(data, home)
    for split in SPLITS:
        path: Path = home.processed / f"{split}.parquet"
        assert pq.read_schema(path).metadata[b"fingerprint"].decode() == data.fingerprint
        assert len(pd.read_parquet(path)) == data.counts()[split]["rows"]


def test_an_empty_home_says_what_to_do(home: Home) -> None:
    with pytest.raises(NotThere, match="capture some, or import"):
        chosen(Reader(home), Settings())


def test_no_label_has_a_horizon_that_touches_a_gap_that_is_not_repaired() -> None:
    history = tapes.bars(2_000)
    a, b = int(history.bar_end_ns[1_000]), int(history.bar_end_ns[1_030])
    whole = label(history, Question(), "made up", "BTC-USD")
    less = label(history, Question(), "made up", "BTC-USD", np.array([[a, b]]))
    kept = set(less.rows["bar_end_ns"])
    ends = history.bar_end_ns
    # the gap begins in bar 1,001, [a, a + 1 s), and ends in bar 1,031
    lost = {int(end) for end in ends[1_001 - 60 : 1_031]}
    purged = set(whole.rows["bar_end_ns"]) ^ kept
    assert not kept & lost
    assert lost & set(whole.rows["bar_end_ns"]) <= purged
    assert {int(ends[1_001 - 61]), int(ends[1_031])} <= kept
    assert less.digest != whole.digest == label(history, Question(), "made up", "BTC-USD", NO_GAPS).digest
