"""The signature of volatility, and whose spikes are whose: on markets whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotEnough
from core.features import estimators
from core.features.bars import Bars
from core.features.dataset import label
from core.features.labels import Question
from tests.features import tapes

SIGMA = 1e-4


def bars(log_mid: np.ndarray, session: np.ndarray | None = None) -> Bars:
    n = log_mid.size
    values = np.zeros((n, len(tapes.bars(1).values[0])))
    values[:, Bars.column("close")] = np.exp(log_mid)
    return Bars(np.arange(n) * 10**9, np.zeros(n, np.int64) if session is None else session, values)


def walk(n: int = 20_000, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(0, SIGMA, n))


def test_a_walk_without_noise_is_flat_and_at_its_own_volatility() -> None:
    found = estimators.signature(bars(walk()), 60)
    truth = 1e4 * SIGMA * np.sqrt(60)
    assert found.volatility_bps == pytest.approx(np.full(17, truth), rel=0.15)
    assert abs(found.z) < 1.96
    assert "no microstructure noise is visible" in found.sentence and f"{found.ratio:.2f} times" in found.sentence


def test_bounces_of_the_price_read_high_at_one_second() -> None:
    noise = np.random.default_rng(1).normal(0, SIGMA, 20_000)
    found = estimators.signature(bars(walk() + noise), 60)
    assert found.ratio == pytest.approx(3 / (1 + 2 / 60), rel=0.15)  # variance of 1 s: sigma^2 + 2 sigma^2 of noise
    assert found.z > 8 and "microstructure noise is visible" in found.sentence and "read high" in found.sentence
    assert (np.diff(found.volatility_bps[:10]) < 0).all()


def test_a_price_that_lags_reads_low_at_one_second() -> None:
    lagging = np.convolve(walk(), np.ones(4) / 4, "valid")
    found = estimators.signature(bars(lagging), 60)
    assert found.ratio < 0.5 and found.z < -5 and "read low" in found.sentence


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 99))
def test_no_return_crosses_a_session(lengths: list[int], seed: int) -> None:
    """Each session starts at another price, and the answer is that of each session's own differences."""
    rng = np.random.default_rng(seed)
    parts = [np.cumsum(rng.normal(0, SIGMA, n)) + 5 * k for k, n in enumerate(lengths)]
    made = bars(np.concatenate(parts), np.repeat(np.arange(len(parts)), lengths))
    if max(lengths) <= estimators.SLOW_S:
        with pytest.raises(NotEnough, match="no session longer than 60 s"):
            estimators.signature(made)
        return
    found = estimators.signature(made, 60)
    for s, got in zip(found.interval_s, found.volatility_bps, strict=True):
        gone = np.concatenate([p[s:] - p[:-s] for p in parts])
        if gone.size:
            assert got == pytest.approx(1e4 * np.sqrt((gone**2).mean() / s * 60), rel=1e-6)
        else:
            assert np.isnan(got)


@pytest.mark.parametrize("relative", [False, True])
def test_the_overlap_is_a_direct_count(relative: bool) -> None:
    rows = label(tapes.bars(3000, 3, [1400]), Question(), "made up", "BTC-USD").asked(relative)
    ranked = estimators.ranked(rows)
    for name in estimators.HONEST:  # each is the label of its own question on the same rows
        own = label(tapes.bars(3000, 3, [1400]), Question(name), "made up", "BTC-USD").asked(relative)
        assert np.isin(ranked.forward[name].round(9), np.concatenate(
            [own.quantity(s).round(9) for s in ("train", "validation", "test")]
        )).all()  # fmt: skip
    pairs = ranked.pairs(90)
    assert [(p.one, p.other) for p in pairs] == [("rv", "tick_std"), ("rv", "bipower"), ("tick_std", "bipower")]
    spikes = {n: v >= np.quantile(v[ranked.train], 0.9) for n, v in ranked.forward.items()}
    for p in pairs:
        a, b = spikes[p.one], spikes[p.other]
        assert (p.n_one, p.n_other, p.both) == (a.sum(), b.sum(), (a & b).sum())
        assert p.jaccard == pytest.approx((a & b).sum() / (a | b).sum())


def test_no_spikes_have_no_overlap() -> None:
    assert estimators.Pair("a", "b", 0, 0, 0).jaccard is None
