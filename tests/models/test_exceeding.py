"""Models that forecast volatility itself: what they estimate, and the probability made of their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr

from models import Multiple
from models._exceeding import shares
from models.ewma import COLUMNS, Ewma
from models.garch import BETAS, DECAYS, Garch, _as_a_sum
from models.har import Har
from models.ratios import Ratios

SECONDS = 6000


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.integers(0, 2**32))
def test_the_share_of_errors_is_never_0_or_1_and_never_rises(errors: list[float], seed: int) -> None:
    distance, share = shares(np.array(errors))
    assert ((share > 0) & (share < 1)).all() and (np.diff(share) <= 0).all()
    assert distance[0] <= np.mean(errors) <= distance[-1]


def test_many_gaussian_errors_give_the_gaussian_tail() -> None:
    distance, share = shares(np.random.default_rng(0).normal(0.3, 0.7, 50_000))
    np.testing.assert_allclose(share, norm.sf(distance, 0.3, 0.7), atol=0.01)


def test_skewed_errors_keep_their_skew() -> None:
    errors = np.random.default_rng(0).exponential(1, 50_000) - 1
    distance, share = shares(errors)
    for d in (-0.5, 0.0, 1.0, 2.0):
        assert np.interp(d, distance, share) == pytest.approx((errors >= d).mean(), abs=0.015)


def returns(
    seed: int = 0, omega: float = 0.02, alpha: float = 0.1, beta: float = 0.85
) -> tuple[np.ndarray, np.ndarray]:
    """A GARCH(1,1) path: returns in bps, and the variance of each given what lay before it."""
    rng = np.random.default_rng(seed)
    noise, r, variance = rng.normal(size=SECONDS), np.zeros(SECONDS), np.zeros(SECONDS)
    v = omega / (1 - alpha - beta)
    for t in range(SECONDS):
        variance[t] = v
        r[t] = np.sqrt(v) * noise[t]
        v = omega + alpha * r[t] ** 2 + beta * v
    return r, variance


def features(r: np.ndarray) -> pd.DataFrame:
    r2 = pd.Series(r**2)
    columns = {name: np.sqrt(r2.ewm(alpha=1 - decay).mean()) for name, decay in DECAYS.items()}
    rolled = {f"rv_{w}": np.sqrt(r2.rolling(w).sum()) for w in (10, 30, 60, 300)}
    return pd.DataFrame({"rms_1": np.abs(r), "rms_3600": np.sqrt(r2.rolling(3600, 300).mean()), **columns, **rolled})


R, VARIANCE = returns()
AHEAD = np.sqrt(pd.Series(R**2).rolling(60).sum().shift(-60).to_numpy())
ROWS = slice(60, SECONDS - 60)
X, TARGET = features(R)[ROWS].reset_index(drop=True), AHEAD[ROWS]
TAU = float(np.quantile(TARGET, 0.9))
Y = TARGET >= TAU


def test_garch_finds_the_parameters_and_its_variance_is_the_paths() -> None:
    model = Garch().fit(X, Y, target=TARGET, tau=TAU)
    assert model.alpha_ == pytest.approx(0.1, abs=0.03)
    assert model.beta_ == pytest.approx(0.85, abs=0.05)
    truth = Garch(horizon_s=1).fit(X, Y, target=TARGET, tau=TAU)
    truth.omega_, truth.alpha_, truth.beta_ = 0.02, 0.1, 0.85
    truth.weights_ = _as_a_sum(list(DECAYS.values()), 0.85)
    forecast = np.exp(2 * truth._forecast(truth._take(X)))[400:-1]
    np.testing.assert_allclose(forecast, VARIANCE[ROWS][401:], rtol=0.02)


@pytest.mark.parametrize("beta", np.linspace(*BETAS, 12))
def test_any_memory_is_a_sum_of_the_fading_means(beta: float) -> None:
    decays = list(DECAYS.values())
    k = np.arange(2048)
    made = sum(w * (1 - d) * d**k for w, d in zip(_as_a_sum(decays, beta), decays, strict=True))
    assert np.abs(made - (1 - beta) * beta**k).sum() < 0.03


def test_the_variance_of_the_horizon_is_the_sum_of_the_steps() -> None:
    model = Garch(horizon_s=3).fit(X, Y, target=TARGET, tau=TAU)
    values = model._take(X)
    model.horizon_s = 1
    step = np.exp(2 * model._forecast(values)) - model.floor_
    total = np.zeros(len(X))
    for _ in range(3):
        total += step
        step = model.omega_ + (model.alpha_ + model.beta_) * step
    model.horizon_s = 3
    np.testing.assert_allclose(np.exp(2 * model._forecast(values)) - model.floor_, total, rtol=1e-9)


def test_ewma_takes_the_memory_with_the_least_error() -> None:
    model = Ewma().fit(X, Y, target=TARGET, tau=TAU)
    spread = {n: float(np.std(np.log(TARGET) - np.log(X[n]))) for n in COLUMNS}
    assert model.column_ == min(spread, key=spread.__getitem__)
    assert model.note_.startswith(f"half-life {model.column_[5:]} s")


def test_har_is_least_squares_in_logs() -> None:
    rng = np.random.default_rng(1)
    x = pd.DataFrame({f"rv_{w}": rng.lognormal(0, 0.5, 3000) for w in (10, 60, 300)})
    mean = (0.2 + 0.3 * np.log(x["rv_10"]) + 0.5 * np.log(x["rv_60"])).to_numpy()
    target = np.exp(mean + rng.normal(0, 0.1, 3000))
    tau = float(np.quantile(target, 0.8))
    model = Har("rv_60").fit(x, target >= tau, target=target, tau=tau)
    weights = dict(zip(model.columns_, model.weights_[1:], strict=True))
    assert weights["rv_10"] == pytest.approx(0.3, abs=0.02)
    assert sum(weights.values()) - weights["rv_60"] == pytest.approx(0.3, abs=0.02)
    assert weights["rv_60"] == pytest.approx(0.8, abs=0.02)  # the level, of which the others are differences
    np.testing.assert_allclose(model.predict_proba(x)[:, 1], norm.sf((np.log(tau) - mean) / 0.1), atol=0.1)


@pytest.mark.parametrize("build", [Har, Ratios])
def test_another_day_at_twice_the_volatility_is_the_same_question_at_twice_tau(build: type[Har]) -> None:
    twice = X * np.where(X.columns.str.startswith(("rv", "rms", "ewma")), 2.0, 1.0)
    model, other = build("rv_60"), build("rv_60")
    p = model.fit(X, Y, target=TARGET, tau=TAU).predict_proba(X)
    np.testing.assert_allclose(other.fit(twice, Y, target=2 * TARGET, tau=2 * TAU).predict_proba(twice), p, atol=2e-3)


def test_trees_on_ratios_learn_what_a_line_cannot_and_nothing_where_there_is_nothing() -> None:
    rng = np.random.default_rng(2)
    n = 6000
    level = np.exp(np.cumsum(rng.normal(0, 0.02, n)) * 0.3)
    flow = rng.uniform(-1, 1, n)
    x = pd.DataFrame({"rv_60": level, "rms_3600": level.mean() / 8, "flow_60": flow})
    noise = rng.normal(0, 0.2, n)
    for effect in (0.6, 0.0):
        target = level * np.exp(effect * (np.abs(flow) > 0.5) + noise)
        tau = float(np.quantile(target, 0.9))
        model = Ratios("rv_60").fit(x, target >= tau, target=target, tau=tau)
        taken = float(model.note_.split(" take ")[1].split("%")[0])
        assert taken > 40 if effect else taken < 1, model.note_


def test_y_must_be_what_the_target_says() -> None:
    with pytest.raises(ValueError, match=r"y is not target >= .* bps in all of 5,880 rows"):
        Har("rv_60").fit(X, ~Y, target=TARGET, tau=TAU)
    with pytest.raises(ValueError, match="belong together"):
        Har("rv_60").fit(X, Y, target=TARGET)


def relative_rows() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows with a slow volatility, what follows them, and their slow volatility in bps."""
    known = X["rms_3600"].notna().to_numpy()
    return X[known], TARGET[known], np.sqrt(60) * X["rms_3600"].to_numpy()[known]


MULTIPLE = Multiple(1.2, "rms_3600", np.sqrt(60))


@pytest.mark.parametrize("build", [lambda: Har("rv_60"), Garch, Ewma])
def test_a_multiple_is_reached_by_the_errors_about_the_line_of_the_forecasts(build: Callable[[], Any]) -> None:
    x, target, slow = relative_rows()
    spike = target >= 1.2 * slow
    model = build().fit(x, spike, target=target, tau=MULTIPLE)
    p = model.predict_proba(x)[:, 1]
    floor, above = model.floor_of_target_, model._forecast(model._take(x))
    above = above - np.log(slow + floor)
    ahead = np.log(target + floor) - np.log(slow + floor)
    b, a = np.polyfit(above, ahead, 1)
    assert (model.line_[0], model.line_[1]) == pytest.approx((a, b), rel=1e-6, abs=1e-9)
    distance, share = shares(ahead - (a + b * above))
    expected = np.interp(np.log(1.2 * slow + floor) - np.log(slow + floor) - (a + b * above), distance, share)
    np.testing.assert_allclose(p, expected, atol=1e-6)
    assert p.mean() == pytest.approx(spike.mean(), rel=0.15)
    assert b > 0 and spearmanr(p, above).statistic > 0.999


def test_least_squares_with_the_hour_among_its_columns_lies_on_the_line_already() -> None:
    x, target, slow = relative_rows()
    model = Har("rv_60").fit(x, target >= 1.2 * slow, target=target, tau=MULTIPLE)
    assert model.line_ == pytest.approx([0.0, 1.0], abs=0.02)


def test_a_row_without_slow_volatility_is_held_against_the_median_of_training() -> None:
    x, target, slow = relative_rows()
    model = Ewma().fit(x, target >= 1.2 * slow, target=target, tau=MULTIPLE)
    median = float(np.median(x["rms_3600"]))
    without, typical = (model.predict_proba(x.assign(rms_3600=value)) for value in (np.nan, median))
    np.testing.assert_array_equal(without, typical)


def test_the_busier_the_hour_the_less_likely_the_next_minute_reaches_a_multiple_of_it() -> None:
    x, target, slow = relative_rows()
    model = Ewma().fit(x, target >= 1.2 * slow, target=target, tau=MULTIPLE)
    calm, busy = (model.predict_proba(x.assign(rms_3600=x["rms_3600"] * c))[:, 1] for c in (1.0, 2.0))
    assert (busy < calm).all()


def test_a_model_fitted_again_forgets_what_it_was() -> None:
    x, target, slow = relative_rows()
    one, other = Ratios("rv_60"), Ratios("rv_60")
    one.fit(x, target >= 1.2 * slow, target=target, tau=MULTIPLE)
    again = one.fit(X, Y, target=TARGET, tau=TAU).predict_proba(X)
    np.testing.assert_array_equal(again, other.fit(X, Y, target=TARGET, tau=TAU).predict_proba(X))
