"""Whether a probability means what it says, against scikit-learn and by hand; the sigmoid that makes it so."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from core.errors import BadInput, NotEnough
from core.evaluation.intervals import Blocks, wilson
from core.evaluation.probability import BINS, CLIP, Sigmoid, bins, fit_sigmoid, meant, probability
from core.evaluation.record import Bin

SECOND = 1_000_000_000


def forecast(n: int = 6000, a: float = 1.0, b: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Spikes whose log-odds are x, and the forecast whose log-odds are (x - b) / a: Sigmoid(a, b) makes it honest."""
    draws = np.random.default_rng(1)
    x = draws.normal(-2, 1.5, n)
    y = draws.random(n) < 1 / (1 + np.exp(-x))
    return y, 1 / (1 + np.exp(-(x - b) / a))


def blocks(n: int) -> Blocks:
    return Blocks(np.arange(n) * SECOND, 300, 200, 0)


def test_scores_are_scikit_learns_and_skill_is_against_the_training_base_rate() -> None:
    y, p = forecast()
    found = probability(y, p, climatology=0.3, horizon_s=60, blocks=blocks(y.size))
    assert found.brier == pytest.approx(brier_score_loss(y, p))
    assert found.log_loss == pytest.approx(log_loss(y, p))
    assert found.brier_skill.value == pytest.approx(1 - found.brier / brier_score_loss(y, np.full(y.size, 0.3)))
    assert found.brier_skill.low is not None and 0 < found.brier_skill.low < found.brier_skill.value
    assert found.ece < 0.02


def test_climatology_has_no_skill_and_a_confident_error_costs_finitely_much() -> None:
    y, _ = forecast(3000)
    flat = probability(y, np.full(3000, 0.2), climatology=0.2, horizon_s=60, blocks=blocks(3000))
    assert (flat.brier_skill.value, flat.brier_skill.low, flat.brier_skill.high) == (0, 0, 0)
    assert len(flat.bins) == 1 and flat.ece == pytest.approx(abs(y.mean() - 0.2))
    wrong = probability(y, (~y).astype(float), climatology=0.2, horizon_s=60, blocks=blocks(3000))
    assert wrong.log_loss == pytest.approx(-np.log(CLIP))
    assert wrong.ece == pytest.approx(1.0)


def test_bins_hold_equally_many_rows_and_an_interval_for_rows_that_share_a_horizon() -> None:
    y, p = forecast()
    found = bins(y, p, 60)
    assert len(found) == BINS
    assert {b.rows for b in found} <= {599, 600, 601}
    assert all(b.low <= b.share <= b.high for b in found)
    assert [b.p for b in found] == sorted(b.p for b in found)
    each = bins(y, p, 1)  # as if each row were independent: sqrt(60) times too narrow
    assert (found[9].high - found[9].low) > 4 * (each[9].high - each[9].low)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.2000001, 0.7, 1.0])), min_size=1, max_size=80))
def test_bins_share_out_all_rows_and_keep_equal_forecasts_together(rows: list[tuple[bool, float]]) -> None:
    y, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = bins(y, p, 60)
    assert sum(b.rows for b in found) == y.size
    assert sum(b.rows * b.share for b in found) == pytest.approx(y.sum())
    assert len(found) <= np.unique(p).size


def test_a_distorted_forecast_is_mended_and_its_order_kept() -> None:
    y, p = forecast(40_000, a=0.5, b=-2.0)
    fitted = fit_sigmoid(y, p)
    assert (fitted.a, fitted.b) == (pytest.approx(0.5, abs=0.03), pytest.approx(-2.0, abs=0.08))
    mended = fitted.apply(p)
    assert sum(b.rows * abs(b.p - b.share) for b in bins(y, mended, 60)) / y.size < 0.01
    assert average_precision_score(y, mended) == pytest.approx(average_precision_score(y, p), abs=1e-12)
    assert Sigmoid(0.5, -2.0).sentence == (
        "Calibrated on validation: the odds are raised to the power 0.5 and multiplied by 0.135."
    )


def test_the_fit_is_that_of_a_logistic_regression_without_penalty() -> None:
    y, p = forecast(20_000, a=1.7, b=0.4)
    x = np.log(p) - np.log1p(-p)
    other = LogisticRegression(C=1e12, tol=1e-10).fit(x[:, None], y)
    fitted = fit_sigmoid(y, p)
    assert (fitted.a, fitted.b) == (
        pytest.approx(other.coef_[0, 0], rel=5e-3),
        pytest.approx(other.intercept_[0], abs=5e-3),
    )


def test_a_forecast_upside_down_or_constant_is_only_shifted() -> None:
    y, p = forecast()
    for wrong in (1 - p, np.full(y.size, 0.5)):
        fitted = fit_sigmoid(y, wrong)
        assert fitted.a == 1
        assert fitted.apply(wrong).mean() == pytest.approx(y.mean(), abs=2e-3)
        assert "the odds are multiplied by" in fitted.sentence


def bin_of(least: float, most: float, share: float, rows: int = 600) -> Bin:
    return Bin(p=(least + most) / 2, share=share, rows=rows, low=0.0, high=1.0, least=least, most=most)


def test_what_a_probability_has_meant_is_its_bin_with_enough_neighbours_or_nothing() -> None:
    points = (bin_of(0.1, 0.2, 0.1), bin_of(0.3, 0.4, 0.5, 120), bin_of(0.5, 0.6, 0.6), bin_of(0.7, 0.9, 0.7))
    first = meant(points, 0.19, 60)
    assert first is not None and (first.rows, first.share, first.least, first.most) == (600, 0.1, 0.1, 0.2)
    assert (first.low, first.high) == wilson(0.1, 10)
    joined = meant(points, 0.36, 60)
    assert joined is not None and (joined.rows, joined.least, joined.most) == (720, 0.3, 0.6)
    assert joined.share == pytest.approx((120 * 0.5 + 600 * 0.6) / 720)
    between = meant(points, 0.64, 60)
    assert between is not None and between.least == 0.5
    assert meant(points, 0.05, 60) is None and meant(points, 0.91, 60) is None, "no test row was of that size"
    assert meant(points, 0.36, 3600) is None and meant((), 0.5, 60) is None
    old = tuple(msgspec.structs.replace(b, least=None, most=None) for b in points)
    assert meant(old, 0.36, 60) is None


def test_the_ends_of_bins_are_those_of_their_forecasts() -> None:
    p = np.random.default_rng(0).random(500)
    found = bins(p > 0.5, p, 60)
    assert found[0].least == p.min() and found[-1].most == p.max()
    assert all(a.most < b.least and a.least <= a.p <= a.most for a, b in itertools.pairwise(found))


def test_certain_forecasts_and_few_spikes_give_a_finite_fit() -> None:
    y = np.zeros(500, bool)
    y[490:] = True
    fitted = fit_sigmoid(y, y.astype(float))
    assert np.isfinite([fitted.a, fitted.b]).all() and fitted.a > 0
    assert fitted.apply(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(NotEnough, match="both classes"):
        fit_sigmoid(np.zeros(9, bool), np.full(9, 0.1))
    with pytest.raises(BadInput, match="from 0 to 1"):
        fit_sigmoid(np.array([True, False]), np.array([0.1, np.nan]))


@given(
    st.lists(st.integers(0, 1_000_000), min_size=1, max_size=70),
    st.floats(0.05, 8.0),
    st.floats(-6.0, 6.0),
)
def test_each_is_calibrated_by_itself_and_none_overtakes_another(numbers: list[int], a: float, b: float) -> None:
    p = np.array(numbers) / 1_000_000
    calibrated = Sigmoid(a, b).apply(p)
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    assert [Sigmoid(a, b).apply(p[i : i + 1])[0] for i in range(p.size)] == calibrated.tolist()
    assert Sigmoid(a, b).apply(p[::-1])[::-1].tolist() == calibrated.tolist()
    assert (np.diff(calibrated[np.argsort(p)]) >= 0).all()
