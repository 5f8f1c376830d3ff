"""What every file in models/ must do. A new one is found by itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

import models
from models._exceeding import Exceeding

MODELS = models.discover()
VOLATILITY = "rv_60"
NAMES = sorted(MODELS)


BLIND = {"prevalence", "alarm_clock", "climatology"}
"""Rules that look at no feature."""
TAU = 1.5


def table(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Features with skew, signs, zeros and holes, and the volatility that follows them."""
    rng = np.random.default_rng(seed)
    level = np.exp(np.cumsum(rng.normal(0, 0.05, rows)))
    level /= np.quantile(level, 0.85) / TAU
    x = pd.DataFrame(
        {
            VOLATILITY: level * rng.lognormal(0, 0.2, rows),
            "rv_300": level,
            "ret_60": rng.normal(0, 2, rows),
            "intensity_60": rng.poisson(3 * level, rows) / 10,
            "spread_60": level * rng.lognormal(0, 0.5, rows),
            "imbalance_60": rng.uniform(-1, 1, rows),
            "rms_1": np.abs(rng.normal(0, level / 8)) * (rng.random(rows) < 0.6),
            "ewma_11": level / 8 * rng.lognormal(0, 0.3, rows),
            "ewma_45": level / 8 * rng.lognormal(0, 0.2, rows),
            "rms_3600": level / 8,
        },
        index=pd.Index(1_700_000_000_000_000_000 + np.arange(rows) * 1_000_000_000, name="bar_end_ns"),
    )
    x.iloc[: rows // 20, x.columns.get_indexer(["rv_300", "rms_3600"])] = np.nan
    x.loc[rng.random(rows) < 0.1, "imbalance_60"] = np.nan
    return x, level * rng.lognormal(0, 0.4, rows)


X, VOL = table(1200, 1)
X_VAL, VOL_VAL = table(400, 2)
Y, Y_VAL = VOL >= TAU, VOL_VAL >= TAU


def fitted(name: str, seed: int = 3, **params: Any) -> models.Estimator:
    return fit(MODELS[name].build(seed, VOLATILITY).set_params(**params))  # type: ignore[attr-defined]


@cache
def ready(name: str) -> models.Estimator:
    """`fitted`, once: for tests that do not change it."""
    return fitted(name)


def fit(estimator: Any) -> Any:
    """As a training does it: with a validation part and the forward volatility."""
    return estimator.fit(X, Y, validation=(X_VAL, Y_VAL), target=VOL, tau=TAU)


EXCEEDING = sorted(name for name in NAMES if isinstance(MODELS[name].build(0, VOLATILITY), Exceeding))
MULTIPLE = models.Multiple(1.4, "rms_3600", 8.0)
"""A threshold as a multiple of slow volatility, for the models that forecast volatility itself."""


def multiples(x: pd.DataFrame, vol: np.ndarray) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows with a slow volatility, what follows them, and whether that is a spike."""
    known = x["rms_3600"].notna().to_numpy()
    x, vol = x[known], vol[known]
    return x, vol, vol >= MULTIPLE.k * (MULTIPLE.scale * x["rms_3600"].to_numpy())


@cache
def relative(name: str) -> models.Estimator:
    x, vol, y = multiples(X, VOL)
    return MODELS[name].build(3, VOLATILITY).fit(x, y, target=vol, tau=MULTIPLE)


@pytest.mark.parametrize("name", EXCEEDING)
def test_a_relative_threshold_keeps_the_contract(name: str) -> None:
    estimator = relative(name)
    x, _, y = multiples(X, VOL)
    p = estimator.predict_proba(x)[:, 1]
    assert ((p > 0) & (p < 1)).all() and p.mean() == pytest.approx(y.mean(), rel=0.1)
    one_by_one = np.vstack([estimator.predict_proba(X_VAL.iloc[[i]]) for i in range(30)])
    np.testing.assert_array_equal(one_by_one, estimator.predict_proba(X_VAL)[:30])
    suffix, content = models.to_bytes(estimator)
    np.testing.assert_array_equal(
        models.from_bytes(suffix, content).predict_proba(X_VAL), estimator.predict_proba(X_VAL)
    )
    again = clone(estimator).fit(x, y, target=multiples(X, VOL)[1], tau=MULTIPLE)
    np.testing.assert_array_equal(again.predict_proba(X_VAL), estimator.predict_proba(X_VAL))
    empty = pd.DataFrame(np.nan, index=range(3), columns=X.columns)
    assert np.isfinite(estimator.predict_proba(empty)).all()
    absolute = again.fit(X, Y, target=VOL, tau=TAU).predict_proba(X_VAL)
    np.testing.assert_array_equal(absolute, fitted(name).predict_proba(X_VAL))


@pytest.mark.parametrize("name", EXCEEDING)
def test_a_relative_model_opens_as_mlflow_logs_it(name: str) -> None:
    import skops.io

    content = skops.io.dumps(relative(name))
    opened = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    np.testing.assert_array_equal(opened.predict_proba(X_VAL), relative(name).predict_proba(X_VAL))


@pytest.mark.parametrize("name", EXCEEDING)
def test_y_must_be_what_the_multiple_says(name: str) -> None:
    x, vol, y = multiples(X, VOL)
    with pytest.raises(ValueError, match=r"y is not target >= 1.4 x 8 x rms_3600 in all of 1,140 rows"):
        MODELS[name].build(3, VOLATILITY).fit(x, ~y, target=vol, tau=MULTIPLE)


def test_every_file_is_found_baselines_first() -> None:
    files = {p.stem for p in Path(models.__file__).parent.glob("*.py") if not p.stem.startswith("_")}
    assert len(MODELS) == len(files) >= 3
    assert [m.BASELINE for m in MODELS.values()] == sorted((m.BASELINE for m in MODELS.values()), reverse=True)
    assert any(m.BASELINE for m in MODELS.values())
    assert all(name == m.NAME and m.TITLE and m.TITLE.strip() == m.TITLE for name, m in MODELS.items())
    assert all(m.ABOUT.endswith(".") and m.DISTORTED in (True, False) for m in MODELS.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("known", [{}, {"target": VOL, "tau": TAU}], ids=["y alone", "volatility"])
def test_fit_gives_itself_and_probabilities_are_probabilities(name: str, known: dict[str, Any]) -> None:
    estimator = MODELS[name].build(0, VOLATILITY)
    assert estimator.fit(X, Y, **known) is estimator
    p = estimator.predict_proba(X_VAL)
    assert p.shape == (len(X_VAL), 2) and p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert name in BLIND or p[Y_VAL, 1].mean() > p[~Y_VAL, 1].mean()
    assert list(estimator.classes_) == [False, True]
    assert list(estimator.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_output_to_the_bit(name: str) -> None:
    np.testing.assert_array_equal(ready(name).predict_proba(X_VAL), fitted(name).predict_proba(X_VAL))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_alone_has_the_bits_of_a_row_in_company(name: str) -> None:
    estimator = ready(name)
    one_by_one = np.vstack([estimator.predict_proba(X_VAL.iloc[[i]]) for i in range(30)])
    np.testing.assert_array_equal(one_by_one, estimator.predict_proba(X_VAL)[:30])
    np.testing.assert_array_equal(one_by_one, estimator.predict_proba(pd.concat([X_VAL] * 12))[-400:-370])


@pytest.mark.parametrize("name", [name for name in NAMES if not MODELS[name].DISTORTED])
def test_a_probability_that_needs_no_calibration_is_as_frequent_as_it_says(name: str) -> None:
    p = ready(name).predict_proba(X)[:, 1]
    assert p.mean() == pytest.approx(Y.mean(), rel=0.1)
    assert ((p > 0) & (p < 1)).all()
    busy = p > np.median(p)
    assert name in BLIND or p[busy].mean() == pytest.approx(Y[busy].mean(), rel=0.2)


@pytest.mark.parametrize("name", NAMES)
def test_what_mlflow_logs_opens_and_says_the_same(name: str) -> None:
    import skops.io

    estimator = ready(name)
    content = skops.io.dumps(estimator)
    opened = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    np.testing.assert_array_equal(opened.predict_proba(X_VAL), estimator.predict_proba(X_VAL))


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_it_says_the_same(name: str) -> None:
    estimator = ready(name)
    suffix, content = models.to_bytes(estimator)
    loaded = models.from_bytes(suffix, content)
    np.testing.assert_array_equal(loaded.predict_proba(X_VAL), estimator.predict_proba(X_VAL))
    assert loaded.get_params() == estimator.get_params()
    assert list(loaded.classes_) == list(estimator.classes_)
    assert list(loaded.feature_names_in_) == list(estimator.feature_names_in_)
    assert models.to_bytes(loaded)[0] == suffix == (".ubj" if name == "xgboost" else ".joblib")


@pytest.mark.parametrize("name", NAMES)
def test_columns_go_by_name_extra_ones_are_passed_over_missing_ones_are_named(name: str) -> None:
    estimator = ready(name)
    shuffled = X_VAL[X_VAL.columns[::-1]].assign(extra=1.0, another=np.nan)
    np.testing.assert_array_equal(estimator.predict_proba(shuffled), estimator.predict_proba(X_VAL))
    with pytest.raises(ValueError, match="2 of 10 columns are missing: rv_300, imbalance_60"):
        estimator.predict_proba(X_VAL.drop(columns=["rv_300", "imbalance_60"]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [False, True])
def test_one_class_is_an_error_with_the_count(name: str, value: bool) -> None:
    with pytest.raises(ValueError, match=rf"only one class is present: all 1,200 rows are {value}"):
        MODELS[name].build(0, VOLATILITY).fit(X, np.full(len(X), value))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hole", [np.nan, 0.0, 7.25])
def test_a_column_without_values_or_without_variation_does_no_harm(name: str, hole: float) -> None:
    x, x_val = X.assign(ret_60=hole), X_VAL.assign(ret_60=hole)
    estimator = MODELS[name].build(0, VOLATILITY).fit(x, Y, validation=(x_val, Y_VAL))
    assert np.isfinite(estimator.predict_proba(x_val)).all()
    assert np.isfinite(estimator.predict_proba(X_VAL)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hole", [np.nan, 0.0, 7.25])
def test_volatility_without_variation_works_or_says_so(name: str, hole: float) -> None:
    still = {column: hole for column in X.columns if column.startswith(("rv", "rms", "ewma"))}
    estimator = MODELS[name].build(0, VOLATILITY)
    if name in ("zscore", "har", "ewma", "garch", "ratios"):
        with pytest.raises(ValueError, match=r"does not vary in the training part .* in which the price moves"):
            estimator.fit(X.assign(**still), Y, target=VOL, tau=TAU)
    else:
        assert np.isfinite(estimator.fit(X.assign(**still), Y).predict_proba(X_VAL)).all()


@pytest.mark.parametrize("name", NAMES)
def test_all_values_missing_in_a_row_still_gives_a_probability(name: str) -> None:
    empty = pd.DataFrame(np.nan, index=range(3), columns=X.columns)
    p = ready(name).predict_proba(empty)
    assert np.isfinite(p).all() and (p == p[0]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("validation", [None, (X_VAL, np.zeros(len(X_VAL), bool)), (X_VAL.iloc[:0], Y_VAL[:0])])
def test_a_validation_part_that_cannot_steer_stops_nothing(name: str, validation: Any) -> None:
    estimator = MODELS[name].build(0, VOLATILITY).fit(X, Y, validation=validation)
    assert np.isfinite(estimator.predict_proba(X_VAL)).all()
    if hasattr(estimator, "stopping_"):
        assert estimator.stopping_.startswith("no early stopping: ")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_make_the_round_trip_through_clone(name: str) -> None:
    estimator = ready(name)
    copy = clone(estimator)
    assert copy is not estimator and copy.get_params() == estimator.get_params()
    assert not hasattr(copy, "classes_")
    np.testing.assert_array_equal(fit(copy).predict_proba(X_VAL), estimator.predict_proba(X_VAL))


@pytest.mark.parametrize("name", NAMES)
def test_scikit_learns_own_checks(name: str) -> None:
    estimator = MODELS[name].build(0, VOLATILITY)
    if "volatility" in estimator.get_params():
        estimator.set_params(volatility=0)  # type: ignore[attr-defined]
    for size in {"rounds", "trees"} & set(estimator.get_params()):
        estimator.set_params(**{size: 30})  # type: ignore[attr-defined]
    rule = {"check_classifiers_train": "a rule on one column is not meant to learn the checks' classes"}
    results = check_estimator(
        estimator, expected_failed_checks=rule if MODELS[name].BASELINE or name == "ratios" else None, on_skip=None
    )
    assert sum(result["status"] == "passed" for result in results) > 40


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends in .ubj or .joblib, not in '.pkl'"):
        models.from_bytes(".pkl", b"")
    with pytest.raises(ValueError, match="XGBoost cannot read"):
        models.from_bytes(".ubj", b"not a model")
