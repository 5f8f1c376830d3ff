"""What the browser is sent holds the exact counts, and its answer is read on the same scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotEnough
from core.features.labels import events
from ui.threshold_dial.bins import BINS, Bins, binned

values = st.lists(st.floats(0.01, 500), min_size=3, max_size=80, unique=True)


def made(**splits: list[float]) -> Bins:
    """Bins of these values, a second apart, with a horizon of 5 s."""
    return binned({name: (np.array(v), np.arange(len(v)) * 10**9) for name, v in splits.items()}, 5)


@given(values, values, st.integers(0, BINS))
def test_the_counts_are_those_of_the_values(train: list[float], test: list[float], k: int) -> None:
    bins = made(train=train, test=test)
    tau = bins.edge(k)
    for name, listed in {"train": train, "test": test}.items():
        spike = np.array(listed) >= tau
        assert bins.n[name] - bins.cum[name][k] == int(spike.sum())
        assert bins.episodes[name][k] == events(spike, np.arange(spike.size) * 10**9, 5)


@given(values, st.integers(0, BINS))
def test_an_edge_is_its_own_nearest(train: list[float], k: int) -> None:
    bins = made(train=train)
    if bins.hi / bins.lo > 1.001:
        assert bins.nearest(bins.edge(k)) == k


def test_no_move_is_a_sentence() -> None:
    with pytest.raises(NotEnough, match="Capture a few more minutes"):
        made(train=[0.0] * 50, test=[0.0] * 5)
    with pytest.raises(NotEnough):
        made(train=[2.0] * 50, test=[0.0] * 5)


def test_an_edge_beyond_the_ends_is_the_end() -> None:
    bins = made(train=[1.0, 2.0, 3.0])
    assert (bins.edge(-5), bins.edge(BINS + 5)) == (bins.edge(0), bins.edge(BINS))
