"""What is particular to each model."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from models.baseline import ZScore
from models.gradient_boosting import GradientBoosting
from models.logistic import FLOOR, Logistic, Logs


def column(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"rv_60": values, "other": 1.0})


def test_the_z_score_rule_crosses_one_half_two_sigmas_above_the_training_mean() -> None:
    v = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    rule = ZScore("rv_60").fit(column(v), v > 3)
    at = np.array([3 + 2 * v.std(), 3.0, 3 + 4 * v.std(), np.nan])
    p = rule.predict_proba(column(at))[:, 1]
    np.testing.assert_allclose(p, [0.5, 1 / (1 + np.e**2), 1 / (1 + np.e**-2), 1 / (1 + np.e**2)])


def test_the_z_score_rule_reads_its_own_column_only() -> None:
    v = np.arange(10.0)
    rule = ZScore("rv_60").fit(column(v), v > 5)
    np.testing.assert_array_equal(
        rule.predict_proba(column(v)), rule.predict_proba(column(v).assign(other=[np.nan] * 10))
    )
    with pytest.raises(ValueError, match="needs the column tick_std_60, which is not among 2 columns"):
        ZScore("tick_std_60").fit(column(v), v > 5)


def test_logs_are_monotone_and_keep_the_sign() -> None:
    x = np.array([[0.0, -3.0], [1.0, -1.0], [2.0, 0.0], [400.0, 5.0]])
    out = Logs().fit(x).transform(x)
    assert (np.diff(out, axis=0) > 0).all()
    assert out[0, 0] == pytest.approx(np.log(FLOOR))
    np.testing.assert_array_equal(np.sign(out[:, 1]), np.sign(x[:, 1]))


def test_logistic_asks_how_many_times_not_how_much() -> None:
    """Volatility is measured in units of its own training median: the same day in other units has the same forecast."""
    rng = np.random.default_rng(0)
    v = rng.lognormal(0, 1, 800)
    y = v * rng.lognormal(0, 0.5, 800) > 3
    p = [Logistic().fit(column(v * unit), y).predict_proba(column(v * unit)) for unit in (1.0, 1e-4)]
    np.testing.assert_allclose(p[0], p[1], rtol=1e-9)


def test_one_wild_live_value_is_bounded() -> None:
    rng = np.random.default_rng(0)
    v = rng.lognormal(0, 1, 800)
    model = Logistic().fit(column(v), v > 3)
    wild = model.predict_proba(column(np.array([1e6, 1e12])))
    assert wild[0, 1] == wild[1, 1] < 1


def boosted(**params: float) -> tuple[GradientBoosting, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(900, 4)), columns=list("abcd"))
    y = x["a"].to_numpy() + rng.normal(size=900) > 1.2
    return GradientBoosting(rounds=60, **params), x, y  # type: ignore[arg-type]


def test_boosting_stops_where_validation_is_best_and_says_so() -> None:
    model, x, y = boosted(patience=5, floor=1)
    model.fit(x[:600], y[:600], validation=(x[600:], y[600:]))
    assert model.rounds_ < 60
    assert model.stopping_ == f"best average precision on validation after {model.rounds_} of 60 rounds"
    used = model.model_.get_booster().inplace_predict(x.to_numpy(), iteration_range=(0, model.rounds_))
    np.testing.assert_array_equal(model.predict_proba(x)[:, 1], used.astype(np.float64))


def test_a_single_event_in_validation_does_not_leave_a_handful_of_trees() -> None:
    """A volatile day whose validation part has one burst: the first trees find it and no later one can do better."""
    rng = np.random.default_rng(4)
    level = np.exp(np.cumsum(rng.normal(0, 0.05, 4000)) * 0.3)
    x = pd.DataFrame({f"f{i}": level * rng.lognormal(0, 0.3, 4000) for i in range(6)})
    y = level * rng.lognormal(0, 0.3, 4000) > np.quantile(level, 0.9)
    x_val = pd.DataFrame(rng.uniform(0.1, 0.2, (600, 6)), columns=x.columns)
    x_val.iloc[300:340] = 50.0
    y_val = (np.arange(600) >= 300) & (np.arange(600) < 340)
    model = GradientBoosting().fit(x, y, validation=(x_val, y_val))
    assert model.rounds_ == model.floor == 50
    assert model.stopping_.endswith(" of 400 rounds; 50 are used, the least")
    used = model.model_.get_booster().inplace_predict(x.to_numpy(), iteration_range=(0, 50))
    np.testing.assert_array_equal(model.predict_proba(x)[:, 1], used.astype(np.float64))
    np.testing.assert_array_equal(GradientBoosting.from_ubj(model.to_ubj()).predict_proba(x), model.predict_proba(x))
    assert np.unique(model.predict_proba(x)[:, 1]).size > 200


def test_pickled_it_is_the_ubj_that_xgboost_keeps_readable() -> None:
    import pickle

    model, x, y = boosted()
    assert pickle.loads(pickle.dumps(model)).get_params() == model.get_params()
    model.fit(x, y)
    assert model.to_ubj() in pickle.dumps(model)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(x), model.predict_proba(x))


def test_boosting_balances_the_classes_and_tells_its_rounds() -> None:
    model, x, y = boosted()
    told: list[tuple[int, int]] = []
    model.fit(x, y, progress=lambda done, of: told.append((done, of)))
    assert model.model_.get_params()["scale_pos_weight"] == pytest.approx((~y).sum() / y.sum())
    assert told == [(i + 1, 60) for i in range(60)]
    assert model.stopping_ == "no early stopping: no validation part; all 60 rounds are used"


def test_another_seed_is_another_model() -> None:
    first, x, y = boosted(seed=1)
    second, _, _ = boosted(seed=2)
    assert (first.fit(x, y).predict_proba(x) != second.fit(x, y).predict_proba(x)).any()


def test_a_foreign_xgboost_file_is_refused() -> None:
    model, x, y = boosted()
    raw = bytes(model.fit(x, y).model_.get_booster().save_raw("ubj"))
    with pytest.raises(ValueError, match="not saved by this program"):
        GradientBoosting.from_ubj(raw)


def test_waiting_threads_are_told_to_sleep_before_xgboost_is_imported() -> None:
    code = "import models.gradient_boosting, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'xgboost' in sys.modules)"
    clean = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean, check=True)
    assert done.stdout.split() == ["passive", "False"]
