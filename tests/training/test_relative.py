"""A relative tau from the rows to the record of a training, and in the verbs that say one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import models
from core.__main__ import main, parser
from core.config import Home, Settings, load_settings, save_settings
from core.evaluation import archive, timeline
from core.evaluation.evaluate import evaluate, seconds
from core.evaluation.record import UNCHECKED, Evaluation
from core.evaluation.reports.words import question as asked
from core.features.bars import SECOND_NS
from core.features.dataset import Dataset
from core.ingestion.store import Writer
from core.training import registry
from core.training.fit import fit_one
from core.training.tuned import file_of, question_of
from tests.training.conftest import Make
from tests.training.test_verbs import ticks


@pytest.fixture(scope="module")
def dataset(make_dataset: Make) -> Dataset:
    return make_dataset(tau_relative=1.1, rows=2400)


@pytest.fixture(scope="module")
def judged(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Evaluation]:
    """An evaluation of two models, kept in a home of its own and read again."""
    found, where = models.discover(), Home(Path(tmp_path_factory.mktemp("relative")) / "home")
    forecasts = [fit_one(dataset, found[name], "training", 0).forecast for name in ("ewma", "har")]
    made = evaluate(
        dataset, forecasts, training="training", leakage=UNCHECKED, champion=forecasts[1].name, quantile=0.9,
        replicates=20,
    )  # fmt: skip
    archive.save(where, made, dataset, forecasts)
    return where, archive.load(where, "training")


def test_an_episode_is_a_run_of_spikes_a_horizon_later(dataset: Dataset) -> None:
    rows = dataset.rows[dataset.rows["split"] == "test"]
    on = seconds(dataset, "test")
    above = dict(zip(on.bar_end_ns.tolist(), (on.trailing_bps >= on.tau_bps).tolist(), strict=True))
    later = rows["bar_end_ns"].to_numpy() + 60 * SECOND_NS
    seen = np.isin(later, rows["bar_end_ns"])  # the made-up trailing volatility of a row is not the forward one
    assert [above[t] for t in later[~seen].tolist()] == rows["spike"][~seen].tolist()
    assert np.array_equal(on.tau_bps[on.at], 1.1 * rows["standing_bps"].to_numpy())


def test_the_record_says_the_multiple_and_its_pictures_count_the_same(judged: tuple[Home, Evaluation]) -> None:
    home, e = judged
    assert e.tau_relative == 1.1 and e.base_rate > 0
    assert "reach τ 1.1 × slow volatility (median" in asked(e)
    rows = archive.load_rows(home, "training")
    on = timeline.tested(e, rows)
    for m in e.models:
        p = on.spread(rows.loc[rows["split"] == "test", m.name].to_numpy())
        for counted in m.alerts:
            did = timeline.happened(on, p, theta=counted.theta, horizon_s=60, onset=counted.onset)
            assert did.agrees(counted)


def test_a_tuning_in_bps_is_not_one_in_multiples(home: Home, make_dataset: Make) -> None:
    relative, absolute = question_of(make_dataset(tau_relative=1.1), None), question_of(make_dataset(), None)
    assert file_of(home, "har", relative) != file_of(home, "har", absolute)
    other = relative | {"tau_bps": 99.0}  # its median moves with the rows, the question does not
    assert file_of(home, "har", other) == file_of(home, "har", relative)
    both = [question_of(make_dataset(tau_relative=k), 0.9) for k in (1.1, 1.2)]
    assert file_of(home, "har", both[0]) == file_of(home, "har", both[1])
    assert file_of(home, "har", both[0]) != file_of(home, "har", question_of(make_dataset(), 0.9))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    where = Home(Path(tmp_path_factory.mktemp("verbs")) / "home")
    with Writer(where) as writer:
        writer.append(writer.source("import", "made up"), ticks(3600))
    return where


def run(home: Home, *argv: str) -> dict[str, Any]:
    args: argparse.Namespace = parser().parse_args([*argv, "--home", str(home.root)])
    said: dict[str, Any] = json.loads(json.dumps(args.run(args, home), allow_nan=False))
    return said


def test_threshold_asks_on_either_scale_and_saves_what_was_asked(filled: Home) -> None:
    absolute = run(filled, "threshold", "--quantile", "0.8")
    relative = run(filled, "threshold", "--quantile-relative", "0.8", "--save")
    k = relative["tau_relative"]
    assert absolute["tau_relative"] is None and absolute["warming"] == 0
    assert relative["warming"] == 240 and k > 0 and relative["percentile_of_train"] == pytest.approx(80, abs=0.1)
    assert load_settings(filled) == Settings(tau_relative=k)
    again = run(filled, "threshold")
    assert (again["tau_relative"], again["tau"], again["splits"]) == (k, relative["tau"], relative["splits"])
    assert run(filled, "threshold", "--tau-relative", repr(k))["splits"] == relative["splits"]
    assert run(filled, "threshold", "--horizon", "10")["tau_relative"] is None, "it was saved for another question"
    save_settings(filled, Settings())


def test_exported_labels_are_spikes_by_their_own_slow_volatility(filled: Home, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    run(filled, "export", "labels", "--tau-relative", "1.2", "--out", str(out))
    table = pd.read_parquet(out)
    assert table["slow_bps"].notna().all() and 0 < table["spike"].mean() < 1
    assert (table["spike"] == (table["forward_vol_bps"] >= 1.2 * table["slow_bps"])).all()
    run(filled, "export", "labels", "--tau", "4", "--out", str(out))
    plain = pd.read_parquet(out)
    assert len(plain) == len(table) + 240 and plain["slow_bps"].isna().sum() == 240
    assert (plain["spike"] == (plain["forward_vol_bps"] >= 4)).all()


@pytest.mark.parametrize("verb", ["train", "threshold", "leakage"])
@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--tau-relative", "0"], "τ is 0 times slow volatility: give a number above 0"),
        (["--quantile-relative", "1"], "the quantile is 1: give a number between 0 and 1"),
    ],
)
def test_multiples_that_cannot_be_meant_are_refused(
    home: Home, verb: str, argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, *argv, "--home", str(home.root)]) == 1
    error = capsys.readouterr().err
    assert sentence in error or ("ticks" in error and verb == "threshold")


@pytest.mark.parametrize("verb", ["train", "tune", "leakage", "threshold", "export"])
def test_a_threshold_is_said_in_one_way(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = {"tune": ["--model", "logistic"], "export": ["labels", "--out", "x.csv"]}.get(verb, [])
    with pytest.raises(SystemExit):
        main([verb, *more, "--tau", "5", "--tau-relative", "1.5"])
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.slow
def test_train_evaluate_and_infer_on_a_relative_tau(mlflow_home: Home, filled: Home) -> None:
    result = run(filled, "train", "--quantile-relative", "0.8", "--models", "har,zscore,logistic", "--folds", "2")
    k = result["tau_relative"]
    assert k > 0 and result["tau"] > 0 and result["quantile"] == 0.8 and result["warming"] == 240
    assert {fold["tau_relative"] is not None for fold in result["folds"]} == {True}
    shown = run(filled, "evaluate")
    assert (shown["tau_relative"], shown["tau"]) == (k, result["tau"])
    assert shown["models"][0]["stale"] == "trained on τ as a multiple of slow volatility, now in bps"
    champion = registry.champion(filled)
    assert champion is not None and champion.tau_relative == k
    rows = run(filled, "infer")
    assert rows["tau_relative"] == k and rows["rows"] == rows["bars"] - 300
    assert run(filled, "leakage", "--tau-relative", "1.2")["verdict"] in ("clean", "undecided")
