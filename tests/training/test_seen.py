"""What training has seen of each feature: from its own part alone, and a doubt only where a row lies well outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Home
from core.features import dataset
from core.features.labels import Question
from core.training.seen import MARGIN, Seen, doubts, seen
from tests.live.market import fill, ticks

RANGES = {
    "rv_10": Seen(low=1.0, high=6.1, band_low=1.5, band_high=5.0),
    "ret_10": Seen(low=-4.0, high=3.0, band_low=-2.0, band_high=2.0),
    "spread_10": Seen(low=0.0, high=2.0, band_low=0.0, band_high=1.0),
    "flow_10": Seen(low=-1.0, high=1.0, band_low=-1.0, band_high=1.0, missing=0.2),
}
WELL = {"rv_10": 3.0, "ret_10": 0.0, "spread_10": 0.5, "flow_10": 0.0}


def doubt(**values: float) -> str | None:
    return doubts(RANGES, {name: np.array([value]) for name, value in (WELL | values).items()})[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, None),
        ({"rv_10": 6.7}, None),
        ({"rv_10": 6.72}, "rv_10 6.72 bps, training saw at most 6.1"),
        ({"rv_10": 14.21}, "rv_10 14.2 bps, training saw at most 6.1"),
        ({"rv_10": 14_210.0}, "rv_10 14200 bps, training saw at most 6.1"),
        ({"ret_10": -5.0}, "ret_10 -5 bps, training saw at least -4"),
        ({"rv_10": 7.0, "ret_10": -90.0}, "ret_10 -90 bps, training saw at least -4 (1 more)"),
        ({"spread_10": np.nan}, "feature missing: spread_10, training always had it"),
        ({"spread_10": np.nan, "ret_10": -90.0}, "feature missing: spread_10, training always had it (1 more)"),
        ({"flow_10": np.nan}, None),
        (dict.fromkeys(WELL, np.nan), None),
    ],
)
def test_a_doubt_names_the_feature_that_lies_furthest_out(values: dict[str, float], said: str | None) -> None:
    assert doubt(**values) == said


def test_a_model_of_before_ranges_were_kept_has_no_doubts() -> None:
    assert doubts({}, {"rv_10": np.array([1e9, np.nan])}) == [None, None]


def test_a_feature_that_never_moved_is_doubted_once_it_moves() -> None:
    still = {"spread_10": Seen(low=2.0, high=2.0, band_low=2.0, band_high=2.0)}
    rows = {"spread_10": np.array([2.0, 2.1, 2.3, 1.7]), "rv_10": np.ones(4)}
    assert [d is not None for d in doubts(still, rows)] == [False, False, True, True]


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
def test_rows_are_judged_one_by_one_as_together(values: list[float]) -> None:
    rows = {name: np.full(len(values), at) for name, at in WELL.items()} | {"ret_10": np.array(values)}
    assert doubts(RANGES, rows) == [doubt(ret_10=value) for value in values]
    low, high = -4.0 - MARGIN * 4, 3.0 + MARGIN * 4
    assert [d is None for d in doubts(RANGES, rows)] == [low <= value <= high for value in values]


def test_the_range_is_that_of_the_training_part_alone(home: Home) -> None:
    fill(home, ticks(3000))
    rows = dataset.labelled(home, Question())
    data = rows.at(rows.mending_tau() or 1)
    found = seen(data)
    train = data.part("train")[0]
    assert tuple(found) == data.features
    for name, of in found.items():
        assert (of.low, of.high) == (train[name].min(), train[name].max())
        assert of.low <= of.band_low <= of.band_high <= of.high and of.missing == 0
    assert set(doubts(found, {name: train[name].to_numpy() for name in train})) == {None}
