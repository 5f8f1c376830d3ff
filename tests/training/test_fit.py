"""One training into a real MLflow store, from the fit to the champion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from core.config import Home
from core.errors import NotThere
from core.evaluation import archive, importance
from core.evaluation.scores import score
from core.features.dataset import Dataset
from core.training import kept, registry, tracking
from core.training.fit import chosen, train
from core.training.kept import Trained
from core.training.pace import pace
from core.training.standing import Standing
from tests.training.conftest import runs_of

Make = Callable[..., Dataset]


def artifact(home: Home, run: Any, name: str) -> Path:
    from urllib.parse import urlparse

    return Path(urlparse(run.info.artifact_uri).path) / name


def test_models_are_trained_in_the_order_of_discovery_all_of_them_where_none_is_named(trained: list[Trained]) -> None:
    assert [t.meta.model for t in trained] == ["zscore", "logistic", "xgboost"]
    assert [m.NAME for m in chosen()] == list(models.discover())


def test_a_run_holds_all_that_it_takes_to_repeat_it(mlflow_home: Home, trained: list[Trained]) -> None:
    import mlflow

    found = {run.info.run_id: run for run in runs_of(mlflow_home)}
    for one in trained:
        run, meta = found[one.meta.run_id], one.meta
        assert run.info.status == "FINISHED" and run.info.run_name == meta.model
        params = run.data.params
        assert params["model"] == meta.model and params["seed"] == "5" and params["fingerprint"] == meta.fingerprint
        assert (params["label"], params["horizon_s"], params["venue"], params["product"]) == (
            "rv", "60", "coinbase", "BTC-USD",
        )  # fmt: skip
        assert float(params["tau_bps"]) == meta.tau_bps and float(params["quantile"]) == 0.9
        assert params["n_features"] == "9" and params["train_rows"] == "720"
        assert {f"model.{k}" for k in meta.params} | {"calibration"} <= params.keys()
        assert run.data.tags["fingerprint"] == meta.fingerprint and run.data.tags["leakage"] == "undecided"
        for name in ("pr_auc", "base_rate", "lift", "f1", "recall", "theta", "n_rows", "n_spikes"):
            assert run.data.metrics[name] == getattr(meta.scores, name)
        assert run.data.metrics["validation_pr_auc"] == meta.validation.pr_auc
        picture = artifact(mlflow_home, run, "pr_curve.png").read_bytes()
        assert picture[:8] == b"\x89PNG\r\n\x1a\n" and 512 <= int.from_bytes(picture[16:20], "big") <= 1200
        curve = json.loads(artifact(mlflow_home, run, "pr_curve.json").read_text())
        assert curve["recall"] == meta.scores.curve.recall and curve["precision"] == meta.scores.curve.precision
        assert curve["operating_point"]["theta"] == meta.scores.theta in curve["theta"]
        signature = mlflow.models.get_model_info(f"runs:/{meta.run_id}/model").signature
        assert signature.inputs.input_names() == list(meta.features) and signature.outputs is not None


def test_the_run_of_a_training_holds_the_journey_of_its_tau(mlflow_home: Home, trained: list[Trained]) -> None:
    parent = next(r for r in runs_of(mlflow_home) if r.info.run_name == f"training {trained[0].meta.training}")
    tags = parent.data.tags
    assert (tags["tau_why"], tags["tau_percentile"]) == ("one in ten", "91.25")
    assert tags["tau_decided"] == "2026-11-24T06:00:00+00:00"
    journey = json.loads(artifact(mlflow_home, parent, "journey.json").read_text())
    assert [d["why"] for d in journey] == ["too low", "one in ten"]


def test_a_logged_model_answers_as_its_signature_says_and_with_the_bits_of_the_fitted_one(
    trained: list[Trained], make_dataset: Make
) -> None:
    import mlflow

    x, _ = make_dataset().part("test")
    for one in trained:
        loaded = mlflow.pyfunc.load_model(f"runs:/{one.meta.run_id}/model")
        said = loaded.predict(x)
        np.testing.assert_array_equal(said, one.estimator.predict_proba(x))
        (declared,) = loaded.metadata.signature.outputs.inputs
        assert (declared.type, declared.shape) == (said.dtype, (-1, *said.shape[1:])), one.meta.model


def test_scores_are_of_the_test_part_at_the_theta_of_validation(trained: list[Trained], make_dataset: Make) -> None:
    dataset = make_dataset()
    (x_val, y_val), (x, y) = dataset.part("validation"), dataset.part("test")
    for one in trained:
        p_val, p = (one.estimator.predict_proba(part)[:, 1] for part in (x_val, x))
        assert one.meta.scores == score(one.meta.model, y_val, p_val, y, p)
        assert one.meta.theta == one.meta.scores.theta, "one alert in this short a validation is above the budget"
        assert one.meta.scores.lift > 1.5 or one.meta.model in ("prevalence", "alarm_clock", "climatology")


def test_artifacts_load_back_and_the_champion_is_the_best_on_validation(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    x, _ = make_dataset().part("test")
    for one in trained:
        estimator, meta = registry.load(mlflow_home, one.meta.name)
        assert meta == one.meta and meta.missing == ("spread_60", "flow_60") and meta.volatility == "rv_60"
        np.testing.assert_array_equal(estimator.predict_proba(x), one.estimator.predict_proba(x))
    champion = registry.find(mlflow_home, archive.load(mlflow_home, trained[0].meta.training).champion or "")
    assert champion.validation.pr_auc == max(t.meta.validation.pr_auc for t in trained)


def test_progress_rises_to_one_and_says_what_is_done(told: list[tuple[float, str]], trained: list[Trained]) -> None:
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    said = [message for _, message in told]
    assert "gradient boosting, round 40 of 400" in said and f"logging to MLflow, 2 of {len(trained)}" in said
    assert "gradient boosting, fold 3 of 5" in said and not any("left" in message for message in said), "never timed"


def test_each_model_is_told_of_as_it_is_fitted_and_of_test_only_when_all_are(
    seen: list[Sequence[Standing]], trained: list[Trained], mlflow_home: Home
) -> None:
    states = [[row.state for row in rows] for rows in seen]
    assert states[0] == ["waiting"] * 3 and states[-1] == ["judged"] * 3
    assert ["fitted", "on folds", "waiting"] in states
    first = next(row for rows in seen for row in rows if row.state == "on folds")
    assert first.model == "zscore" and first.test is None
    assert first.validation is not None and first.validation.value == pytest.approx(trained[0].meta.validation.pr_auc)
    assert not any(row.test for rows in seen for row in rows if any(other.state == "on folds" for other in rows))
    e = archive.load(mlflow_home, trained[0].meta.training)
    assert {row.model: row.test for row in seen[-1]} == {m.model: m.ap for m in e.models}
    assert [f"{row.model}-{e.training[:6]}" for row in seen[-1] if row.champion] == [e.champion]
    assert all(row.fold_lift for row in seen[-1])


@pytest.mark.usefixtures("quick")
def test_what_each_step_took_is_remembered_and_the_next_training_is_told_how_long_it_takes(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    known = pace(mlflow_home)
    assert {"fit zscore", "folds xgboost", "judge", "importance", "open", "log", "report"} <= known.keys()
    said: list[str] = []
    train(mlflow_home, make_dataset(), ["zscore"], beat=lambda _, message: said.append(message), folds=2)
    assert said[0].startswith("z-score rule, ") and said[0].endswith(" s left")


def test_the_champion_says_what_it_leans_on(mlflow_home: Home, trained: list[Trained]) -> None:
    e = archive.load(mlflow_home, trained[0].meta.training)
    made = importance.load(mlflow_home, e.champion or "")
    assert made is None, "240 rows of validation are less than two blocks of 300 s"


@pytest.mark.usefixtures("quick")
def test_a_model_that_cannot_be_fitted_is_left_out_and_the_others_are_trained(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    dataset, rows = make_dataset(), list[Sequence[Standing]]()
    dataset.rows["rv_60"] = 1.0
    (one,) = train(mlflow_home, dataset, ["zscore", "prevalence"], folds=0, seen=rows.append)
    assert one.meta.model == "prevalence"
    (left,) = archive.load(mlflow_home, one.meta.training).left_out
    assert (left.model, left.title) == ("zscore", "z-score rule")
    assert left.why.startswith("z-score rule cannot be fitted: rv_60 does not vary")
    assert [(row.state, row.why) for row in rows[-1]] == [("judged", ""), ("left out", left.why)]
    assert whole(mlflow_home, one.meta.training).data.tags["left_out"] == "zscore"


@pytest.mark.usefixtures("quick")
def test_a_second_training_gives_the_same_models_and_a_leaky_one_never_takes_the_crown(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    again = train(mlflow_home, make_dataset(), ["logistic"], 5)
    first = next(t.meta for t in trained if t.meta.model == "logistic")
    assert again[0].meta.scores == first.scores and again[0].meta.name != first.name
    assert registry.champion(mlflow_home) == again[0].meta

    leaky = train(mlflow_home, make_dataset("next_row"), ["zscore"], 5)
    assert leaky[0].meta.leaky and leaky[0].meta.volatility == "tick_std_60"
    assert registry.champion(mlflow_home) == again[0].meta
    run = next(run for run in runs_of(mlflow_home) if run.info.run_id == leaky[0].meta.run_id)
    assert run.data.tags["leakage"] == "leaky"


def test_what_the_folds_said_is_kept_and_curves_of_alerts_are_logged_to_a_finished_run(
    mlflow_home: Home, trained: list[Trained]
) -> None:
    import mlflow

    meta = trained[0].meta
    folds = archive.load_folds(mlflow_home, meta.training)
    assert folds is not None and {t.meta.name for t in trained} <= set(folds.columns)
    curves = {"alerts.recall": [0.5, 0.25], "alerts.alerts_per_hour": [4.0, 1.0]}
    for _ in range(2):
        tracking.log_curves(mlflow_home, meta.run_id, [100, 200], curves, {"alerts.theta": "0.2"})
    client = mlflow.MlflowClient(tracking_uri=mlflow_home.mlflow_uri)
    tags = client.get_run(meta.run_id).data.tags
    assert tags["alerts.theta"] == "0.2"
    newest = [
        (m.step, m.value)
        for m in client.get_metric_history(meta.run_id, "alerts.recall")
        if m.timestamp == int(tags["alerts.logged_ms"])
    ]
    assert sorted(set(newest)) == [(100, 0.5), (200, 0.25)]
    with pytest.raises(NotThere, match="MLflow has no run nobody"):
        tracking.log_curves(mlflow_home, "nobody", [], {}, {"alerts.theta": "0.2"})


def test_what_is_undefined_is_left_out_of_the_metrics(trained: list[Trained]) -> None:
    import msgspec

    metrics = kept.metrics(msgspec.structs.replace(trained[0].meta.scores, precision=None))
    assert "precision" not in metrics and "curve" not in metrics and "name" not in metrics and metrics["recall"] > 0


def test_the_file_is_the_one_whose_digest_is_kept(mlflow_home: Home, trained: list[Trained]) -> None:
    for one in trained:
        content = (mlflow_home.artifacts / one.meta.name / one.meta.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.meta.sha256


def whole(home: Home, training: str) -> Any:
    """The run of the training as a whole: the one that its models' runs are shown below."""
    (run,) = [
        r for r in runs_of(home) if r.data.tags.get("training") == training and "mlflow.parentRunId" not in r.data.tags
    ]  # fmt: skip
    return run


def test_the_report_is_logged_with_the_training(mlflow_home: Home, trained: list[Trained]) -> None:
    from core.evaluation import reports

    training = trained[0].meta.training
    run, kept = whole(mlflow_home, training), reports.find(mlflow_home, training)
    for path in kept.files:
        assert artifact(mlflow_home, run, path.name).read_bytes() == path.read_bytes()
    assert f"run {run.info.run_id}, data {trained[0].meta.fingerprint}" in kept.card.read_text()
    assert run.data.tags["report"].endswith(" pages")


def test_a_training_without_a_baseline_ends_well_and_has_no_report(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    from core.errors import NotThere
    from core.evaluation import reports

    (one,) = train(mlflow_home, make_dataset(), ["logistic"])
    run = whole(mlflow_home, one.meta.training)
    assert run.info.status == "FINISHED" and "has no baseline" in run.data.tags["report"]
    with pytest.raises(NotThere):
        reports.find(mlflow_home, one.meta.training)
