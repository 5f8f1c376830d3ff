"""What the browser is sent holds the exact counts, and its answer is read on the same scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotEnough
from ui.threshold_dial.bins import BINS, binned

values = st.lists(st.floats(0.01, 500), min_size=3, max_size=80, unique=True)


@given(values, values, st.integers(0, BINS))
def test_the_counts_are_those_of_the_values(train: list[float], test: list[float], k: int) -> None:
    splits = {"train": np.array(train), "test": np.array(test)}
    bins = binned(splits)
    tau = bins.edge(k)
    for name, v in splits.items():
        assert bins.n[name] - bins.cum[name][k] == int((v >= tau).sum())


@given(values, st.integers(0, BINS))
def test_an_edge_is_its_own_nearest(train: list[float], k: int) -> None:
    bins = binned({"train": np.array(train)})
    if bins.hi / bins.lo > 1.001:
        assert bins.nearest(bins.edge(k)) == k


def test_no_move_is_a_sentence() -> None:
    with pytest.raises(NotEnough, match="Capture a few more minutes"):
        binned({"train": np.zeros(50), "test": np.zeros(5)})
