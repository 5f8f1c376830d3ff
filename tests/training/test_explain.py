"""One forecast taken apart: from the very features that training and the monitor see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from core.errors import NotThere
from core.features.bars import SECOND_NS
from core.features.dataset import table
from core.training.explain import explained, features_at, telling, whole_second
from core.training.kept import Trained
from tests.features.test_span import START_NS, bars
from tests.training.conftest import Make


def test_features_of_one_second_have_the_bits_of_the_whole_history() -> None:
    history = bars([9000, 700])
    whole = table(history)
    for at in (0, 59, 4500, 8999, 9000, 9699):
        np.testing.assert_array_equal(features_at(history, int(history.bar_end_ns[at])).to_numpy()[0], whole[:, at])
    for gone in (START_NS, START_NS + 9030 * SECOND_NS, int(history.bar_end_ns[-1]) + SECOND_NS):
        with pytest.raises(NotThere, match="no bar ends at"):
            features_at(history, gone)
    assert whole_second(START_NS + 1) == whole_second(START_NS + SECOND_NS) == START_NS + SECOND_NS


def test_parts_of_a_forecast_add_up_to_its_log_odds(trained: list[Trained], make_dataset: Make) -> None:
    x, y = make_dataset().part("test")
    for one in trained:
        chosen = telling(y, one.estimator.predict_proba(x)[:, 1])
        rows = explained(one.estimator, x.iloc[list(chosen.values())], list(chosen), [None] * 4)
        if one.meta.model == "zscore":
            assert rows == ()
            continue
        assert [row.why for row in rows] == list(chosen) and rows[0].features == one.meta.features
        for row in rows:
            assert row.base + sum(row.adds) == pytest.approx(logit(row.p), abs=1e-5)
            assert row.values[0] == pytest.approx(x.loc[row.bar_end_ns, row.features[0]])
