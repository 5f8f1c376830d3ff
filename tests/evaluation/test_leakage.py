"""The doctor on the simulated market and on real recordings: every planted leak by name, and no false alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.config import Home
from core.errors import BadInput
from core.evaluation.leakage import (
    CAUGHT_BY,
    CHECKS,
    PLANTS,
    Pipeline,
    diagnose,
    examine,
    plant,
    signatures,
    verdict,
    with_leak,
)
from core.evaluation.leakage.intervals import feature_interval, label_interval, truncation
from core.evaluation.leakage.permuted import average_precisions, permuted_labels
from core.evaluation.leakage.rows import label_among_features, scaler_from_train, split_order, tau_from_train
from core.evaluation.record import Check, Leakage
from core.evaluation.scores import score_at
from core.features.bars import Bars
from core.features.dataset import Labelled, bars
from core.features.labels import LEAKY_WHY, Question
from core.features.steps import HONEST
from core.ingestion.store import Reader
from tests.evaluation.simulated import simulated_bars
from tests.training.test_recordings import RECORDINGS

SECONDS = 5400
Recorded = tuple[Bars, NDArray[np.int64]]


def failed(leakage: Leakage) -> set[str]:
    return {check.name for check in leakage.checks if check.passed is False}


@pytest.fixture(scope="module")
def market() -> Bars:
    return simulated_bars(0, SECONDS)


@pytest.fixture(scope="module")
def rows(market: Bars) -> Labelled:
    return Pipeline(Question()).labelled(market)


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    from core.ingestion.importing import import_files

    home = Home(tmp_path_factory.mktemp("doctor"))
    import_files(home, [shared / name for name in RECORDINGS], None, None, lambda *_: None)
    with Reader(home) as reader:
        found = max(reader.markets(), key=lambda m: m.ticks)
        return bars(reader, found.venue, found.product), reader.unmended(found.venue, found.product)


def clean_one(
    history: Bars, question: Question, unmended: NDArray[np.int64] | None = None, relative: bool = False
) -> Pipeline:
    """The pipeline of a training at the 90 % quantile, or at a lower threshold where a part would have no spikes."""
    rows = Pipeline(question, relative=relative).labelled(history, unmended)
    tau, mending = rows.tau_of(0.9), rows.mending_tau() or np.inf
    return Pipeline(question, tau if tau <= mending else mending, 0.9, relative)


def named(clean: Pipeline, history: Bars, unmended: NDArray[np.int64] | None, seed: int) -> dict[str, bool]:
    """Whether each leak, planted, is caught by the one check that names it."""
    rows = clean.labelled(history, unmended)
    found = {}
    for name in PLANTS:
        leaking = with_leak(name, clean, rows, seed)
        leakage = diagnose(leaking, history, unmended=unmended, seed=seed, only=[CAUGHT_BY[name]])
        found[name] = leakage.verdict == "leaky" and failed(leakage) == {CAUGHT_BY[name]}
    return found


@pytest.mark.parametrize("seed", range(5))
def test_on_the_simulated_market_each_leak_is_named_and_nothing_else(seed: int) -> None:
    history = simulated_bars(seed, SECONDS)
    clean = clean_one(history, Question())
    assert named(clean, history, None, seed) == dict.fromkeys(PLANTS, True)
    assert diagnose(clean, history, seed=seed).verdict == "clean"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_with_a_relative_tau_each_leak_is_named_and_nothing_else(seed: int) -> None:
    history = simulated_bars(seed, SECONDS)
    clean = clean_one(history, Question(), relative=True)
    assert named(clean, history, None, seed) == dict.fromkeys(PLANTS, True)
    found = diagnose(clean, history, seed=seed)
    assert found.verdict == "clean", [check for check in found.checks if not check.passed]
    assert "× slow volatility" in next(check.detail for check in found.checks if check.name == "tau_from_train")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 35))
@pytest.mark.parametrize("seconds", [3600, 5400, 14400])
def test_on_the_simulated_market_the_clean_pipeline_is_clean(seed: int, seconds: int) -> None:
    history = simulated_bars(seed, seconds)
    leakage = diagnose(clean_one(history, Question()), history, seed=seed)
    assert leakage.verdict == "clean", [check for check in leakage.checks if not check.passed]


def test_on_real_recordings_the_clean_pipeline_is_clean_and_each_leak_is_named(recorded: Recorded) -> None:
    history, unmended = recorded
    told: list[float] = []
    found = examine(history, Question(), unmended=unmended, quantile=0.95, beat=lambda share, _: told.append(share))
    assert found.verdict == "clean" and {check.passed for check in found.checks} == {True}
    assert [check.name for check in found.checks] == list(CHECKS)
    assert told == sorted(told) and told[-1] == 1.0
    assert named(Pipeline(Question()), history, unmended, 0) == dict.fromkeys(PLANTS, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_on_real_recordings_the_illusion_of_each_leak(recorded: Recorded, name: str) -> None:
    history, unmended = recorded
    planted = plant(name, history, Question(), unmended=unmended, quantile=0.95)
    assert planted.caught and CAUGHT_BY[name] in planted.by and planted.leakage.verdict == "leaky"
    illusion, honest = ({s.name: s for s in scores} for scores in (planted.illusion, planted.honest))
    assert len(illusion) == len(honest) == 3 and planted.note == ""
    assert all(s.pr_auc < 0.6 for s in honest.values())
    assert signatures(planted.honest).passed is True
    if name in ("next_row", "shift_before_rolling"):
        assert illusion["zscore"].pr_auc > 0.97
    if name in ("random_split", "label_as_feature"):
        assert illusion["xgboost"].pr_auc > honest["xgboost"].pr_auc + 0.2
        assert "permuted_labels" in planted.by
    if name in ("next_row", "shift_before_rolling", "random_split", "label_as_feature"):
        assert signatures(planted.illusion).passed is False


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [10, 30, 60, 300])
@pytest.mark.parametrize("label", ["rv", "tick_std", "bipower", "next_row"])
def test_every_question_on_real_recordings(recorded: Recorded, label: str, horizon: int) -> None:
    history, unmended = recorded
    clean = clean_one(history, Question(label, horizon), unmended)  # type: ignore[arg-type]
    found = diagnose(clean, history, unmended=unmended)
    assert found.verdict == ("leaky" if label == "next_row" else "clean")


@pytest.mark.parametrize("label", ["rv", "tick_std", "bipower"])
@pytest.mark.parametrize("horizon", [10, 300])
def test_an_honest_label_reads_its_horizon_and_nothing_else(market: Bars, label: str, horizon: int) -> None:
    pipeline = Pipeline(Question(label, horizon))  # type: ignore[arg-type]
    check = label_interval(pipeline, market, np.random.default_rng(0))
    assert check.passed, check.detail


def test_a_leaky_label_is_named_by_what_it_reads(market: Bars) -> None:
    check = label_interval(Pipeline(Question("next_row")), market, np.random.default_rng(0))
    assert check.passed is False and "reads 59 s at or before t" in check.detail and LEAKY_WHY in check.detail


def test_a_label_a_second_too_early_or_too_late_is_seen(market: Bars) -> None:
    def off(by: int) -> Check:
        def forward(*args: object) -> np.ndarray:
            honest = HONEST.forward(*args)  # type: ignore[arg-type]
            return np.concatenate(
                [np.full(by, np.nan), honest[:-by]] if by > 0 else [honest[-by:], np.full(-by, np.nan)]
            )

        pipeline = Pipeline(Question(), steps=replace(HONEST, forward=forward))
        return label_interval(pipeline, market, np.random.default_rng(0))

    assert "reads 1 s at or before t" in off(1).detail and not off(1).passed
    assert "reads 1 s beyond" in off(-1).detail and not off(-1).passed


@pytest.mark.parametrize("ahead", [1, 60])
def test_a_feature_one_second_ahead_is_seen(market: Bars, rows: Labelled, ahead: int) -> None:
    pipeline = with_leak("shift_before_rolling", Pipeline(Question()), rows, ahead_s=ahead)
    for check in (truncation, feature_interval):
        assert check(pipeline, market, np.random.default_rng(0)).passed is False
    assert f"{ahead} s ahead" in feature_interval(pipeline, market, np.random.default_rng(0)).detail


def test_features_scaled_over_the_whole_history_are_seen(market: Bars) -> None:
    def scaled(values: np.ndarray, _: Bars) -> np.ndarray:
        return values - np.nanmax(values, axis=1, keepdims=True, initial=0.0)

    pipeline = Pipeline(Question(), steps=replace(HONEST, features=scaled))
    assert truncation(pipeline, market, np.random.default_rng(0)).passed is False
    assert feature_interval(pipeline, market, np.random.default_rng(0)).passed is False


def test_a_split_by_time_without_a_purge_is_seen(market: Bars) -> None:
    unpurged = Pipeline(Question(), steps=replace(HONEST, splits=lambda ends, _: HONEST.splits(ends, 0)))
    check = split_order(unpurged, unpurged.labelled(market))
    assert check.passed is False and "no purge" in check.detail
    nearly = Pipeline(Question(), steps=replace(HONEST, splits=lambda ends, _: HONEST.splits(ends, 59)))
    assert split_order(nearly, nearly.labelled(market)).passed is False


def test_a_column_that_is_the_label_is_seen_by_name_and_by_value(rows: Labelled) -> None:
    dataset = rows.at(rows.tau_of(0.8))
    assert label_among_features(dataset).passed
    volatility = dataset.rows["forward_vol_bps"].to_numpy()
    for name, column in {
        "spike": dataset.rows["spike"].to_numpy(),
        "copy": dataset.rows["spike"].to_numpy().astype(float),
        "falling": 1 / (1 + volatility),
        "exceedance": np.maximum(volatility - dataset.tau_bps, 0),
    }.items():
        planted = replace(dataset, rows=dataset.rows.assign(**{name: column}), features=(*dataset.features, name))
        check = label_among_features(planted)
        assert check.passed is False and check.detail.startswith(name)


def test_a_tau_of_train_and_validation_is_seen_and_a_given_one_is_not_fitted(rows: Labelled) -> None:
    def early(r: Labelled, quantile: float) -> float:
        return float(np.quantile(np.concatenate([r.volatility("train"), r.volatility("validation")]), quantile))

    assert tau_from_train(Pipeline(Question(), tau=early), rows).passed is False
    assert "given" in tau_from_train(Pipeline(Question(), 5.0), rows).detail


def test_a_model_that_learns_from_the_test_part_is_seen(rows: Labelled) -> None:
    def peeking(model: str, dataset, seed: int):  # type: ignore[no-untyped-def]
        import models

        x, y = dataset.rows[list(dataset.features)], dataset.rows["spike"].to_numpy()
        return models.discover()[model].build(seed, dataset.question.trailing).fit(x, y)

    pipeline = Pipeline(Question(), quantile=0.8, fit=peeking)
    check = scaler_from_train(pipeline, rows, 0)
    assert check.passed is False and "zscore forecasts its training rows differently" in check.detail


def test_labels_moved_away_fall_to_the_base_rate_but_not_after_a_random_split(market: Bars, rows: Labelled) -> None:
    clean = clean_one(market, Question())
    check = permuted_labels(
        with_leak("random_split", clean, rows), with_leak("random_split", clean, rows).labelled(market), 0
    )
    assert check.passed is False and "must fall to the base rate" in check.detail


def test_too_little_to_ask_is_undecided_and_one_failure_is_leaky(rows: Labelled, market: Bars) -> None:
    good = [Check(name=name, passed=True, detail="") for name in CHECKS]
    assert verdict(good).verdict == "clean"
    assert verdict([*good, Check(name="signatures", passed=None, detail="")]).verdict == "clean"
    assert verdict(good[1:]).verdict == "undecided"
    assert verdict([*good[1:], Check(name="signatures", passed=False, detail="")]).verdict == "leaky"
    found = examine(market, Question(), tau=1e5)
    assert found.verdict == "undecided" and "one class" in found.checks[4].detail
    assert [check.name for check in found.checks] == list(CHECKS)
    with pytest.raises(BadInput, match="no leak named nothing"):
        with_leak("nothing", Pipeline(Question()), rows)


def test_average_precisions_are_those_of_the_scores() -> None:
    rng = np.random.default_rng(0)
    p, y = rng.integers(0, 9, 80) / 9, rng.random((5, 80)) < 0.3
    expected = [score_at("a", row, p, 0.5, "test").pr_auc for row in y]
    assert average_precisions(p, y) == pytest.approx(expected, abs=1e-15)
