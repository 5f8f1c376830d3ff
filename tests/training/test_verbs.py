"""train, evaluate, infer and drift as their verbs, on ticks in a real store."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
import pytest

import models
from core import jobs
from core.__main__ import main, parser
from core.config import Home, Settings, save_settings
from core.errors import BadInput, Busy, NotEnough, NotThere
from core.features.dataset import Dataset
from core.ingestion.store import Writer
from core.ingestion.ticks import Tick
from core.training import registry

START_NS = 1_760_000_000 * 10**9
MODEL_KEYS = "name pr_auc base_rate lift f1 precision recall theta n_rows n_spikes run_id".split()


def ticks(seconds: int, product: str = "BTC-USD", start_ns: int = START_NS) -> list[Tick]:
    """One tick a second whose volatility breathes every ten minutes, so that every split has spikes."""
    rng = np.random.default_rng(1)
    sd = 0.4e-4 * np.exp(1.2 * np.sin(np.arange(seconds) * 2 * np.pi / 600))
    price = 91_000 * np.exp(np.cumsum(rng.normal(0, sd)))
    return [
        Tick(
            venue="coinbase", product=product, price=int(p * 1e8), bid=int(p * 1e8) - 10**6, ask=int(p * 1e8) + 10**6,
            exch_ts_ns=start_ns + i * 10**9, trade_id=i + 1,
        )
        for i, p in enumerate(price)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def filled(mlflow_home: Home) -> Home:
    with Writer(mlflow_home) as writer:
        writer.append(writer.source("import", "made up"), ticks(5400))
    return mlflow_home


def run(home: Home, *argv: str) -> dict[str, Any]:
    args: argparse.Namespace = parser().parse_args([*argv, "--home", str(home.root)])
    result: dict[str, Any] = json.loads(json.dumps(args.run(args, home), allow_nan=False))
    return result


def named(result: dict[str, Any], model: str) -> dict[str, Any]:
    """What a training said of one model."""
    return next(m for m in result["models"] if m["name"] == model)


@pytest.fixture(scope="module")
def result(filled: Home) -> dict[str, Any]:
    return run(filled, "train", "--quantile", "0.8", "--seed", "3")


def test_train_prints_what_scripts_rely_on(result: dict[str, Any], filled: Home) -> None:
    assert (result["label"], result["horizon_s"], result["product"]) == ("rv", 60, "BTC-USD")
    assert result["tau"] > 0 and len(result["fingerprint"]) == 16
    assert list(result["splits"]) == ["train", "validation", "test"]
    assert all(0 < counts["spikes"] < counts["rows"] for counts in result["splits"].values())
    assert [m["name"] for m in result["models"]] == list(models.discover())
    for model in result["models"]:
        assert set(MODEL_KEYS) <= model.keys()
        assert model["n_rows"] == result["splits"]["test"]["rows"]
        assert model["n_spikes"] == result["splits"]["test"]["spikes"]
        assert model["lift"] > 1 or model["name"] in ("prevalence", "alarm_clock", "climatology", "spread_activity")
    assert result["leakage"]["verdict"] == "clean"
    assert {check["name"] for check in result["leakage"]["checks"]} > {"truncation", "label_interval", "signatures"}
    assert result["verdict"]["word"] in ("shown", "not shown", "no conclusion") and result["champion"]
    assert [split["split"] for split in result["evidence"]["splits"]] == ["train", "validation", "test"]
    assert {"imbalance_60", "flow_60"} <= set(result["missing"])
    job = jobs.read(filled, "train")
    assert job.state == "done" and job.message == f"trained {len(models.discover())} models"
    assert (filled.processed / "test.parquet").exists()


def test_the_same_words_give_the_same_numbers(result: dict[str, Any], filled: Home) -> None:
    again = run(filled, "train", "--quantile", "0.8", "--seed", "3", "--models", "xgboost")
    before, now = named(result, "xgboost"), again["models"][0]
    assert {k: before[k] for k in MODEL_KEYS if k != "run_id"} == {k: now[k] for k in MODEL_KEYS if k != "run_id"}
    assert again["fingerprint"] == result["fingerprint"] and now["run_id"] != before["run_id"]


def test_the_leaky_label_is_called_leaky(result: dict[str, Any], filled: Home) -> None:
    leaky = run(filled, "train", "--label", "next_row", "--quantile", "0.8", "--models", "zscore")
    assert leaky["leakage"]["verdict"] == "leaky" == leaky["verdict"]["word"] and leaky["champion"] is None
    failed = {check["name"]: check["detail"] for check in leaky["leakage"]["checks"] if check["passed"] is False}
    assert {"label", "label_interval"} <= failed.keys() and "next_row is leaky" in failed["label"]
    assert leaky["models"][0]["pr_auc"] > 0.9
    assert run(filled, "evaluate")["leakage"]["verdict"] == "leaky"


def test_evaluate_repeats_the_stored_scores(result: dict[str, Any], filled: Home) -> None:
    last = run(filled, "train", "--quantile", "0.8", "--models", "logistic,zscore")
    shown = run(filled, "evaluate")
    assert [m["name"] for m in shown["models"]] == ["zscore", "logistic"]
    for before, now in zip(last["models"], shown["models"], strict=True):
        assert {k: before[k] for k in MODEL_KEYS} == {k: now[k] for k in MODEL_KEYS}
    one = run(filled, "evaluate", "--model", named(result, "logistic")["artifact"])
    assert [m["run_id"] for m in one["models"]] == [named(result, "logistic")["run_id"]]


def test_infer_forecasts_every_bar_that_the_monitor_forecasts(
    result: dict[str, Any], filled: Home, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    artifact = named(result, "logistic")["artifact"]
    out = tmp_path / "forecasts.parquet"
    said = run(filled, "infer", "--model", artifact, "--out", str(out))
    table = pq.read_table(out).to_pandas()
    assert list(table.columns) == ["bar_end_ns", "venue", "product", "session", "model", "p", "alert", "vol_bps"]
    assert said["rows"] == len(table) == said["bars"] - 60, "a minute fills the core windows"
    assert said["alerts"] == int(table["alert"].sum()) > 0
    assert ((table["p"] >= 0) & (table["p"] <= 1)).all() and (table["vol_bps"] > 0).all()
    assert (table["alert"] == (table["p"] >= said["theta"])).all() and (table["model"] == artifact).all()
    assert (said["venue"], said["product"]) == ("coinbase", "BTC-USD")
    assert said["missing"] == [] and said["note"] is None and said["leaky"] is False


@pytest.fixture
def several(result: dict[str, Any], filled: Home, home: Home) -> tuple[Home, str]:
    """Three markets beside a model of one of them: real ticks, more of simulated ones, and prices without quotes."""
    model: str = named(result, "logistic")["artifact"]
    shutil.copytree(filled.artifacts / model, home.artifacts / model)
    bare = {"bid": None, "ask": None, "trade_id": None}
    with Writer(home) as writer:
        for kind, venue, seconds, without in (
            ("import", "coinbase", 3600, {}),
            ("capture", "embedded", 5400, {}),
            ("import", "reference", 600, bare),
        ):
            made = [msgspec.structs.replace(tick, venue=venue, **without) for tick in ticks(seconds)]
            writer.append(writer.source(kind, venue), made)
    return home, model


def test_infer_on_ticks_without_quotes_forecasts_and_says_what_is_missing(several: tuple[Home, str]) -> None:
    home, model = several
    said = run(home, "infer", "--model", model, "--venue", "reference")
    assert said["rows"] == said["bars"] - 60 > 500 and said["venue"] == "reference"
    assert {"spread_60", "spread_300"} <= set(said["missing"]) and "rv_60" not in said["missing"]
    assert said["note"].startswith("The model was trained on coinbase BTC-USD") and "reference BTC-USD" in said["note"]


def test_verbs_mean_the_market_of_the_saved_feed_as_pages_do(
    several: tuple[Home, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, model = several

    def train(_home: Home, dataset: Dataset, *_: object, **__: object) -> NoReturn:
        raise NotThere(f"would train on {dataset.venue}")

    monkeypatch.setattr("core.training.fit.train", train)
    for feed, venue in (("coinbase_exchange", "coinbase"), ("embedded", "embedded")):
        save_settings(home, Settings(feed=feed, quantile=0.8))
        said = run(home, "infer", "--model", model)
        assert said["venue"] == venue and (said["note"] is None) == (venue == "coinbase")
        stale = run(home, "evaluate", "--model", model)["models"][0]["stale"]
        assert stale == (None if venue == "coinbase" else "trained on coinbase BTC-USD, now embedded BTC-USD")
        with pytest.raises(NotThere, match=f"would train on {venue}"):
            run(home, "train", "--quantile", "0.6")


def test_an_empty_model_name_is_not_the_champion(result: dict[str, Any], filled: Home) -> None:
    for verb in ("infer", "evaluate"):
        with pytest.raises(NotThere, match=r"no trained model \(its name is empty\) in this home"):
            run(filled, verb, "--model", "")


def test_a_forecast_is_that_of_training_and_does_not_depend_on_later_ticks(
    result: dict[str, Any], filled: Home
) -> None:
    from core.features.dataset import bars, build
    from core.features.labels import Question
    from core.ingestion.store import Reader
    from core.training.infer import forecasts

    estimator, meta = registry.load(filled, named(result, "xgboost")["artifact"])
    with Reader(filled) as reader:
        history = bars(reader, "coinbase", "BTC-USD")
    whole = forecasts(estimator, meta, history, "coinbase", "BTC-USD", 0.5).rows
    short = forecasts(estimator, meta, history[:3000], "coinbase", "BTC-USD", 0.5).rows
    np.testing.assert_array_equal(whole["p"][: len(short)], short["p"])
    dataset = build(filled, Question("rv", 60), tau=result["tau"])
    at = whole.set_index("bar_end_ns")["p"]
    for split in ("train", "test"):  # the first five minutes of training lack the windows of 300 s
        rows = dataset.rows[dataset.rows["split"] == split]
        p = estimator.predict_proba(dataset.part(split)[0])[:, 1]
        np.testing.assert_array_equal(at.loc[rows["bar_end_ns"]].to_numpy(), p)


def test_infer_since_cuts_the_bars_and_not_the_windows(result: dict[str, Any], filled: Home) -> None:
    everything = run(filled, "infer", "--model", "zscore")
    cut = run(filled, "infer", "--model", "zscore", "--since", "2025-10-09T10:00:00+01:00")
    assert cut["last_p"] == everything["last_p"]
    first_ns = 1_760_000_400 * 10**9
    assert cut["first_bar_end_ns"] == first_ns and cut["rows"] == (everything["last_bar_end_ns"] - first_ns) / 1e9 + 1
    with pytest.raises(BadInput, match="since is yesterday"):
        run(filled, "infer", "--since", "yesterday")


def test_drift_compares_parts_of_the_stored_ticks(filled: Home) -> None:
    from core.evaluation.drift import drift_table

    said = run(filled, "drift", "--reference", "train", "--current", "last", "--last-seconds", "600")
    assert (said["reference"]["name"], said["current"]["name"], said["current"]["rows"]) == ("train", "last", 600)
    assert Path(said["html"]).stat().st_size > 1_000_000
    table = drift_table(filled)
    assert (
        table is not None
        and table.moved == said["moved"]
        and {"rv_60", "ret_300"} <= {f.feature for f in table.features}
    )
    assert jobs.read(filled, "drift").state == "done"


def test_settings_are_the_defaults_and_a_saved_tau_holds_for_its_own_question_only(
    result: dict[str, Any], filled: Home
) -> None:
    save_settings(filled, Settings(tau_bps=4.0, quantile=0.8, seed=7))
    try:
        mine = run(filled, "train", "--models", "zscore")
        assert (mine["tau"], mine["quantile"], mine["models"][0]["seed"]) == (4.0, None, 7)
        assert run(filled, "evaluate")["models"][0]["stale"] is None
        other = run(filled, "train", "--models", "zscore", "--label", "tick_std")
        assert other["quantile"] == 0.8 and other["tau"] != 4.0
        assert run(filled, "evaluate")["models"][0]["stale"] == "trained on the label tick_std, now rv"
        given = run(filled, "train", "--models", "zscore", "--tau", "5")
        assert given["tau"] == 5.0 and run(filled, "evaluate")["models"][0]["stale"] == "trained on τ 5, now 4"
    finally:
        filled.settings_file.unlink()


def test_a_threshold_nothing_reaches_fails_in_one_sentence(filled: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotEnough, match="0 of"):
        run(filled, "train", "--tau", "10000")
    assert jobs.read(filled, "train").state == "failed"
    assert main(["train", "--tau", "10000", "--home", str(filled.root), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.strip().splitlines()[-1].startswith("train: at τ")


def test_wrong_arguments_are_told_apart_from_failures(filled: Home) -> None:
    for argv in (["--tau", "5", "--quantile", "0.9"], ["--label", "sharpe"], ["--seed", "x"]):
        with pytest.raises(SystemExit) as caught:
            main(["train", *argv, "--home", str(filled.root)])
        assert caught.value.code == 2
    for argv in (
        ["--models", "prophet"],
        ["--quantile", "1.5"],
        ["--quantile", "0"],
        ["--tau", "-1"],
        ["--horizon", "61"],
    ):
        with pytest.raises(BadInput):
            run(filled, "train", *argv)


@pytest.mark.parametrize("seconds", ["0", "-60", "1000000000000", "9" * 30])
def test_drift_over_an_impossible_stretch_is_refused_in_one_line(
    filled: Home, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["drift", "--current", "last", "--last-seconds", seconds, "--home", str(filled.root)]
    assert main(argv) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.endswith("reading ticks")]
    assert line.startswith(f"drift: the last {seconds} seconds cannot be compared: give a number from 1 to")


def test_only_one_training_at_a_time(filled: Home) -> None:
    with jobs.hold(filled, "train"), pytest.raises(Busy, match="train already runs"):
        run(filled, "train")


def test_an_empty_home_says_what_is_missing(home: Home) -> None:
    for argv, text in (
        (["train"], "no ticks"),
        (["evaluate"], "train first"),
        (["infer"], "no champion"),
        (["drift"], "no ticks"),
    ):
        with pytest.raises(NotThere, match=text):
            run(home, *argv)
