"""Tuning: what is tried, what is kept when it is stopped, and what a training makes of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

import models
from core import jobs
from core.__main__ import parser
from core.config import Home, Settings
from core.errors import BadInput, Busy, Damaged, NotEnough
from core.evaluation import archive
from core.features.dataset import Dataset
from core.training import tune as tuning
from core.training.fit import train
from core.training.tune import propose, tune
from core.training.tuned import Trial, Tuned, digest, file_of, question_of, tunings, usable
from tests.training.conftest import make, runs_of

Make = Callable[..., Dataset]
LOGISTIC = models.discover()["logistic"]


def purged(dataset: Dataset) -> Dataset:
    """Without the first minute of the test part, as `dataset.label` leaves it."""
    test = np.flatnonzero(dataset.rows["split"] == "test")
    return dataclasses.replace(dataset, rows=dataset.rows.drop(dataset.rows.index[test[:60]]))


@pytest.fixture(scope="module")
def said() -> list[tuple[float, str]]:
    return []


@pytest.fixture(scope="module")
def found(mlflow_home: Home, make_dataset: Make, said: list[tuple[float, str]]) -> Tuned:
    """Four trials of the logistic model in the MLflow home, whose tuning is removed after this module."""
    return tune(mlflow_home, make_dataset(), LOGISTIC, trials=4, seed=2, beat=lambda *told: said.append(told))


@pytest.fixture(scope="module", autouse=True)
def _removed(mlflow_home: Home) -> Any:
    yield
    for path in (mlflow_home.data / "tuned").glob("*.json"):
        path.unlink()


@pytest.mark.parametrize("model", [m for m in models.discover().values() if hasattr(m, "SPACE")], ids=lambda m: m.NAME)
def test_each_space_holds_the_models_own_parameters_and_what_is_proposed_is_in_it(model: Any) -> None:
    own = {name: model.build(0, "rv_60").get_params()[name] for name in model.SPACE}
    tried = [Trial(params=propose(model.SPACE, own, [], 0), aps=(0.1, 0.1), lifts=(1.0, 1.0))]
    assert tried[0].params == own
    for n in range(10):  # two of them by the estimator
        lifts = (1.0 + n % 3, 1.5) if n != 4 else (None, 1.5)
        tried.append(Trial(params=propose(model.SPACE, own, tried, 0), aps=lifts, lifts=lifts))
    for one in tried:
        model.build(0, "rv_60").set_params(**one.params)
        for name, limits in model.SPACE.items():
            value = one.params[name]
            assert value in limits if isinstance(limits, list) else limits[0] <= value <= limits[1]
    assert len({json.dumps(one.params) for one in tried}) == len(tried)
    assert propose(model.SPACE, own, tried[:5], 0) == tried[5].params != propose(model.SPACE, own, tried[:5], 1)


def test_the_best_trial_is_kept_beside_the_own_parameters(found: Tuned, make_dataset: Make) -> None:
    assert len(found.trials) == found.asked == 4 and found.trials[0].params == {"C": 0.001}
    assert found.lift >= found.own_lift > 1
    assert found.used == (found.gain > found.error) and found.fingerprint == make_dataset().fingerprint
    before = make_dataset().rows.query("split != 'test'")["bar_end_ns"].iloc[-1]
    assert found.until_ns == before + 60 * 10**9


def test_progress_names_the_trial_and_the_best_lift_so_far(found: Tuned, said: list[tuple[float, str]]) -> None:
    assert [share for share, _ in said] == sorted(share for share, _ in said) and said[-1][0] == 1
    assert any(message.startswith("trial 3 of 4, best lift ") for _, message in said)


def test_mlflow_shows_the_trials_below_their_tuning(found: Tuned, mlflow_home: Home) -> None:
    there = {run.info.run_id: run for run in runs_of(mlflow_home)}
    parent = there[found.run_id]
    assert (parent.info.run_name, parent.info.status) == ("tune logistic", "FINISHED")
    assert parent.data.metrics["lift"] == found.lift and parent.data.params["trials"] == "4"
    children = [run for run in there.values() if run.data.tags.get("mlflow.parentRunId") == found.run_id]
    assert sorted(run.info.run_name for run in children) == [f"trial {n}" for n in range(1, 5)]
    first = next(run for run in children if run.info.run_name == "trial 1")
    assert first.data.params == {"C": "0.001"} and first.info.status == "FINISHED"
    assert first.data.metrics["ap_5"] == found.trials[0].aps[4] and first.data.metrics["lift"] == found.own_lift


def test_a_tuning_that_was_stopped_goes_on_as_if_it_had_not_been(
    found: Tuned, mlflow_home: Home, make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def stops_in_the_third(*args: Any, **more: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return walk(*args, **more)

    walk = tuning.walk_forward
    (path,) = (mlflow_home.data / "tuned").glob("*.json")
    whole = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(tuning, "walk_forward", stops_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        tune(mlflow_home, make_dataset(), LOGISTIC, trials=4, seed=2)
    kept = msgspec.json.decode(path.read_bytes(), type=Tuned)
    assert kept.trials == found.trials[:2]
    assert not [run for run in runs_of(mlflow_home) if run.info.status == "RUNNING"]
    monkeypatch.undo()
    again = tune(mlflow_home, make_dataset(), LOGISTIC, trials=4, seed=2)
    assert again.trials == found.trials and again.params == found.params
    # nothing is left to do for fewer trials than there are
    assert tune(mlflow_home, make_dataset(), LOGISTIC, trials=3, seed=2) == again
    path.write_bytes(whole)


def test_time_is_kept_and_another_seed_begins_anew(found: Tuned, make_dataset: Make, mlflow_home: Home) -> None:
    (path,) = (mlflow_home.data / "tuned").glob("*.json")
    whole, clock = path.read_bytes(), iter([0.0, 5.0, 11.0, 99.0])
    short = tune(mlflow_home, make_dataset(), LOGISTIC, trials=9, seed=3, timeout_s=10, clock=lambda: next(clock))
    assert len(short.trials) == 2 and short.asked == 9 and short.trials[0].lifts == found.trials[0].lifts
    assert short.trials[1] != found.trials[1]
    path.write_bytes(whole)


def write(home: Home, found: Tuned, **changes: Any) -> None:
    """Put a changed copy of a tuning in its place in `home`."""
    changed = msgspec.structs.replace(found, **changes)
    asked = question_of(dataclasses.replace(make(), tau_bps=found.tau_bps), None)
    file_of(home, changed.model, asked).write_bytes(msgspec.json.encode(changed))


@pytest.mark.usefixtures("quick")
def test_the_next_training_uses_what_was_found_and_says_so(found: Tuned, mlflow_home: Home, make_dataset: Make) -> None:
    dataset, gained = purged(make_dataset()), {"gain": 0.2, "error": 0.1, "lift": 2.0, "own_lift": 1.6}
    write(mlflow_home, found, params={"C": 0.5}, used=True, **gained)
    write(
        mlflow_home, found, model="xgboost", space=digest(models.discover()["xgboost"].SPACE),  # type: ignore[attr-defined]
        params={"depth": 5}, used=False, **gained,
    )  # fmt: skip
    linear, trees = (one.meta for one in train(mlflow_home, dataset, ["logistic", "xgboost"], folds=2))
    assert linear.params["C"] == 0.5
    assert linear.note == (
        "Tuned by 4 trials on 5 folds: mean lift 1.60 to 2.00, a gain of 22.1 % with a standard error of 10.5 %."
    )
    assert trees.params["depth"] == 2 and "and not used" in trees.note and trees.note.endswith("own parameters stay.")
    noted = archive.load(mlflow_home, linear.training)
    assert "flattered there: logistic." in noted.folds_note and len(noted.folds) == 4
    plain = train(mlflow_home, dataset, ["logistic"], folds=0, untuned=True)[0].meta
    assert plain.params["C"] == 0.001 and plain.note == ""
    assert archive.load(mlflow_home, plain.training).folds_note.startswith("No folds were asked for")
    file_of(mlflow_home, "xgboost", question_of(dataset, None)).unlink()


def test_a_tuning_of_another_question_space_or_test_part_is_left_aside(
    found: Tuned, mlflow_home: Home, make_dataset: Make
) -> None:
    write(mlflow_home, found)
    dataset = purged(make_dataset())
    assert usable(mlflow_home, LOGISTIC, dataset, None) == found
    assert usable(mlflow_home, LOGISTIC, purged(make_dataset(tau_bps=9.0)), None) is None
    assert usable(mlflow_home, LOGISTIC, dataset, 0.95) is None
    assert usable(mlflow_home, LOGISTIC, purged(make_dataset("bipower")), None) is None
    assert usable(mlflow_home, models.discover()["xgboost"], dataset, None) is None
    write(mlflow_home, found, space="another")
    assert usable(mlflow_home, LOGISTIC, dataset, None) is None
    first = int(dataset.rows.query("split == 'test'")["bar_end_ns"].iloc[0])
    write(mlflow_home, found, until_ns=first)
    assert usable(mlflow_home, LOGISTIC, dataset, None) is None
    write(mlflow_home, found)


def test_pages_see_the_tunings_of_the_question_they_ask(found: Tuned, mlflow_home: Home) -> None:
    asked = Settings(tau_bps=8.7)
    assert tunings(mlflow_home, asked, "coinbase", "BTC-USD") == [found]
    assert tunings(mlflow_home, asked, "embedded", "BTC-USD") == []
    assert tunings(mlflow_home, Settings(), "coinbase", "BTC-USD") == []
    assert tunings(mlflow_home, Settings(tau_bps=8.7, label="bipower"), "coinbase", "BTC-USD") == []


def test_a_gain_within_its_error_is_not_used(found: Tuned) -> None:
    own, better = found.trials[0], Trial(params={"C": 1.0}, aps=(0.1,) * 5, lifts=(9.0, 1.0, 1.0, 1.0, 1.0))
    own = msgspec.structs.replace(own, lifts=(1.0, 1.0, 1.0, 1.0, None))
    told = _told(found)
    one_fold = tuning._found(told, [own, better], "")
    assert one_fold.params == {"C": 1.0} and not one_fold.used and "not used" in one_fold.sentence
    all_folds = tuning._found(told, [own, msgspec.structs.replace(better, lifts=(1.2, 1.3, 1.2, 1.3, 1.0))], "")
    assert all_folds.used and all_folds.gain == pytest.approx(0.2224, abs=1e-3)
    lacking = tuning._found(told, [own, msgspec.structs.replace(better, lifts=(9.0, 9.0, None, 9.0, 9.0))], "")
    assert lacking.params == own.params and not lacking.used and "none beat" in lacking.sentence


def _told(found: Tuned) -> dict[str, Any]:
    made = "made_ns run_id trials params lift own_lift gain error used".split()
    return {name: getattr(found, name) for name in found.__struct_fields__ if name not in made}


def test_what_cannot_be_tuned_is_one_sentence(home: Home, mlflow_home: Home, make_dataset: Make) -> None:
    with pytest.raises(BadInput, match="z-score rule has nothing to tune"):
        tune(home, make_dataset(), models.discover()["zscore"])
    with pytest.raises(BadInput, match="1 trials on 5 folds"):
        tune(home, make_dataset(), LOGISTIC, trials=1)
    with pytest.raises(NotEnough, match="fewer than 2 of 5 folds"):
        tune(mlflow_home, make_dataset(tau_bps=1e4), LOGISTIC)
    assert not home.root.exists()
    (home.data / "tuned").mkdir(parents=True)
    (home.data / "tuned" / "a.json").write_text("{")
    with pytest.raises(Damaged, match="delete it and tune again"):
        tunings(home, Settings(), "coinbase", "BTC-USD")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--model", "zscore2"], "no model named zscore2; .*logistic.*, xgboost can be tuned"),
        (["--model", "logistic", "--trials", "1"], "1 trials"),
        (["--model", "logistic", "--folds", "1"], "1 folds"),
        (["--model", "logistic", "--timeout", "0"], "a timeout of 0 s"),
    ],
)
def test_the_verb_refuses_in_a_sentence(home: Home, argv: list[str], said: str) -> None:
    args = parser().parse_args(["tune", *argv, "--home", str(home.root)])
    with pytest.raises(BadInput, match=said):
        args.run(args, home)


@pytest.mark.parametrize(("verb", "other"), [(["tune", "--model", "logistic"], "train"), (["train"], "tune")])
def test_a_tuning_and_a_training_do_not_run_beside_each_other(home: Home, verb: list[str], other: str) -> None:
    args = parser().parse_args([*verb, "--home", str(home.root)])
    with jobs.hold(home, other), pytest.raises(Busy, match=f"{other} runs in this home"):
        args.run(args, home)
