"""What a model leans on: found where it is known, and by whole blocks of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Home
from core.errors import Damaged, NotEnough
from core.evaluation import importance
from core.evaluation.importance import permutation, shuffled, twins
from core.features.dataset import Dataset
from core.features.labels import Question

SECOND_NS = 10**9


def dataset(rows: int = 3000, seed: int = 0) -> Dataset:
    """A spike follows `cause`; `twin` is it once more, upside down; `noise` and `flat` say nothing."""
    rng = np.random.default_rng(seed)
    cause = np.repeat(rng.normal(size=rows // 50), 50)
    split = np.repeat(["train", "validation", "test"], [rows // 3] * 3)
    frame = pd.DataFrame(
        {
            "bar_end_ns": (1_760_000_000 + np.arange(rows)) * SECOND_NS, "session": 0, "mid": 1.0, "cause": cause,
            "twin": -3 * cause + 0.1 * rng.normal(size=rows), "noise": rng.normal(size=rows), "flat": 1.0,
            "forward_vol_bps": cause, "split": split, "spike": cause > 1,
        }
    )  # fmt: skip
    frame.loc[::7, "noise"] = np.nan
    return Dataset(frame, ("cause", "noise", "twin", "flat"), (), Question(), 1.0, "v", "p", "f" * 16)


def knows(x: pd.DataFrame) -> np.ndarray:
    """A model that reads `cause` alone."""
    return 1 / (1 + np.exp(-4 * (x["cause"].to_numpy() - 1)))


@given(st.integers(2, 4000), st.integers(1, 600), st.integers(0, 99))
def test_blocks_change_places_none_stays_and_every_row_is_used_once(rows: int, block: int, seed: int) -> None:
    take = shuffled(rows, block, np.random.default_rng(seed))
    assert sorted(take) == list(range(rows))
    cut = np.array_split(np.arange(rows), -(-rows // block))
    if len(cut) == 1:
        return
    firsts = [part[0] for part in cut]
    at = np.flatnonzero(np.isin(take, firsts))
    assert len(at) == len(cut), "blocks stay whole"
    order = [firsts.index(take[i]) for i in at]
    assert all(place != came for place, came in enumerate(order))


def test_features_that_move_together_are_one_group_up_or_down() -> None:
    x = dataset().rows[["cause", "noise", "twin", "flat"]]
    assert twins(x) == [("cause", "twin"), ("noise",), ("flat",)]
    assert twins(x[["noise"]]) == [("noise",)] and twins(x, 1.1) == [(name,) for name in x.columns]


def test_only_what_a_model_reads_costs_it_anything() -> None:
    made = permutation("knows-1", dataset(), knows, 100)
    assert made.groups[0].features == ("cause", "twin")
    assert made.groups[0].ap.value > 0.3 and made.groups[0].ap.low > 0 and made.groups[0].log_loss.value > 0.1
    for group in made.groups[1:]:
        assert group.ap.value == group.ap.high == group.log_loss.value == 0
    assert made.ap == 1.0 and (made.rows, made.blocks, made.repeats) == (1000, 10, 5)
    assert permutation("knows-1", dataset(), knows, 100) == made
    assert permutation("knows-1", dataset(), knows, 100, seed=1) != made


def test_the_test_part_is_not_looked_at() -> None:
    changed = dataset()
    test = changed.rows["split"] == "test"
    changed.rows.loc[test, ["cause", "twin", "noise"]] = 9.0
    changed.rows.loc[test, "spike"] = False
    assert permutation("a", changed, knows, 100) == permutation("a", dataset(), knows, 100)


def test_fewer_than_two_blocks_say_nothing() -> None:
    with pytest.raises(NotEnough, match="validation has 1,000 rows, blocks of 501 s"):
        permutation("a", dataset(), knows, 501)


def test_what_is_kept_is_read_again(home: Home) -> None:
    assert importance.load(home, "knows-1") is None
    made = permutation("knows-1", dataset(), knows, 100, repeats=2)
    path = importance.save(home, made)
    assert importance.load(home, "knows-1") == made
    path.write_text("{")
    with pytest.raises(Damaged, match="ask for it again"):
        importance.load(home, "knows-1")
