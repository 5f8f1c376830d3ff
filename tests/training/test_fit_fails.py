"""Trainings that cannot be, or that die on their way: nothing half done is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.config import Home
from core.errors import BadInput, NotEnough
from core.features.dataset import Dataset
from core.training import registry, tracking
from core.training.fit import train
from core.training.kept import Trained
from tests.training.conftest import runs_of

Make = Callable[..., Dataset]


@pytest.mark.parametrize(
    ("quiet", "error", "sentence"),
    [
        (
            "train",
            BadInput,
            "no model can be fitted: z-score rule .* all 720 rows are False.*; logistic cannot be fitted",
        ),
        ("validation", NotEnough, "validation.* has 0 spikes in 240 rows"),
        ("test", NotEnough, "the test part has 0 spikes in 240 rows"),
    ],
)
def test_a_part_without_a_spike_that_no_dataset_has_leaves_nothing_behind(
    home: Home, make_dataset: Make, quiet: str, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        train(home, make_dataset(quiet=quiet), ["zscore", "logistic"])
    assert not home.root.exists()


def test_a_training_that_dies_while_it_logs_shows_no_model_and_keeps_the_champion(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, champion = registry.runs(mlflow_home), registry.champion(mlflow_home)
    known = {run.info.run_id for run in runs_of(mlflow_home)}
    log, logged = tracking.log, []

    def dies_at_the_second(*args: Any, **more: Any) -> str:
        if logged:
            raise KeyboardInterrupt
        logged.append(log(*args, **more))
        return str(logged[0])

    monkeypatch.setattr(tracking, "log", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train(mlflow_home, make_dataset(), ["zscore", "prevalence"], folds=0)
    assert registry.runs(mlflow_home) == before and registry.champion(mlflow_home) == champion
    ended = [run.info.status for run in runs_of(mlflow_home) if run.info.run_id not in known]
    assert sorted(ended) == ["FINISHED", "KILLED"], "one was logged, the training's own was not"


def test_an_unknown_model_is_named_with_those_there_are(home: Home, make_dataset: Make) -> None:
    with pytest.raises(
        BadInput, match=r"no model named prophet; there is alarm_clock, .*, zscore, forest, logistic, .*xgboost"
    ):
        train(home, make_dataset(), ["logistic", "prophet"])


def test_a_model_that_cannot_be_fitted_says_why(home: Home, make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.rows["rv_60"] = 1.0
    with pytest.raises(BadInput, match="no model can be fitted: z-score rule cannot be fitted: rv_60 does not vary"):
        train(home, dataset, ["zscore"])


def test_a_failure_while_logging_leaves_no_run_running(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise OSError("disk full")

    before = {run.info.run_id for run in runs_of(mlflow_home)}
    monkeypatch.setattr(tracking, "_log_model", breaks)
    with pytest.raises(OSError, match="disk full"):
        train(mlflow_home, make_dataset(), ["zscore"])
    new = [run for run in runs_of(mlflow_home) if run.info.run_id not in before]
    assert [run.info.status for run in new] == ["FAILED"] * 2, "the model's run and the training's"
    assert not (mlflow_home.artifacts / tracking.OPEN).exists()
