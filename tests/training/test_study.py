"""The evaluation evaluated where the answer is known: it finds nothing in nothing, and something in something."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from core.__main__ import main
from core.commands.bench import simulated
from core.config import Home
from core.errors import BadInput
from core.evaluation.record import Estimate, Evaluation
from core.training import fit, study

FEW = ("zscore", "spread_activity", "xgboost")
CHEAP = ("alarm_clock", "ewma", "har", "logistic", "prevalence", "spread_activity", "xgboost", "zscore")


def trials(
    mood: str, seeds: Sequence[int], names: Sequence[str], hours: float = 48, replicates: int = 500
) -> list[Evaluation]:
    return [study.judged(simulated(mood, seed, hours), names, seed, replicates) for seed in seeds]


def counted(evaluations: list[Evaluation], claim: str) -> dict[str, dict[str, int]]:
    return {row["model"]: row[claim] for row in study.tally(evaluations)["models"]}


@pytest.mark.parametrize(
    ("gain", "where"),
    [
        (Estimate(value=0.2, low=0.1, high=0.3), "above"),
        (Estimate(value=-0.2, low=-0.3, high=-0.1), "below"),
        (Estimate(value=0.1, low=-0.1, high=0.3), "about"),
        (Estimate(value=1e-17, low=1e-18, high=2e-17), "about"),  # two equal numbers, rounded
        (Estimate(value=0.2), "open"),
        (Estimate(value=None), "open"),
    ],
)
def test_where_an_interval_lies(gain: Estimate, where: str) -> None:
    assert study.side(gain) == where


def test_a_market_of_each_mood_is_told_for_what_it_is() -> None:
    nothing = trials("unpredictable", (0,), FEW, 24, 200)
    assert all(row["about"] == 1 for row in counted(nothing, "over_base").values())
    assert not any(e.verdict.word == "shown" for e in nothing)
    something = trials("precursors", (0,), FEW, 24, 200)
    assert counted(something, "over_best")["xgboost"]["above"] == 1
    assert counted(something, "over_base")["zscore"]["above"] == 0
    told = study.tally(something)
    assert told["beats_all"]["over_best"] == 1 and told["verdicts"] == {"shown": 1}
    assert [row["baseline"] for row in told["models"]] == [True, True, False]


@pytest.mark.slow
def test_in_18_of_20_unpredictable_markets_no_interval_leaves_0() -> None:
    evaluations = trials("unpredictable", range(20), CHEAP)
    assert all(row["about"] >= 18 for row in counted(evaluations, "over_base").values())
    assert sum(e.verdict.word == "shown" for e in evaluations) <= 1


@pytest.mark.slow
def test_in_16_of_20_markets_with_precursors_a_model_beats_every_baseline() -> None:
    told = study.tally(trials("precursors", range(20), CHEAP))
    assert told["beats_all"]["over_best"] >= 16 and told["beats_all"]["within_over_best"] >= 16


def test_the_seconds_are_those_of_nine_forecasts() -> None:
    told: list[float] = []
    took = study.timed(simulated("market", 0, 6), replicates=20, beat=lambda share, _: told.append(share))
    assert took["models"] == 9 and took["replicates"] == 20 and 3_000 < took["rows"] < 4_000
    assert 0 < took["seconds"] < 60
    assert told == sorted(told) and told[-1] == 1


def test_the_bench_prints_counts_and_each_market(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    verb = ["bench", "evaluation", "--moods", "unpredictable", "--seeds", "1", "--hours", "24", "--models", "zscore"]
    assert main([*verb, "--replicates", "50", "--no-speed", "--json", "--home", str(home.root)]) == 0
    out, err = capsys.readouterr()
    mood = json.loads(out)["moods"]["unpredictable"]
    assert mood["trials"] == 1 and mood["models"][0]["over_base"] == {"above": 0, "about": 1, "below": 0, "open": 0}
    assert mood["seeds"][0]["models"]["zscore"]["over_base"][0] is not None
    assert "unpredictable 1 of 1" in err and not home.root.exists()


def test_what_cannot_be_studied_is_one_sentence(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["--models", "oracle"], "no model named oracle"),
        (["--moods", "gloomy"], "no mood gloomy"),
        (["--hours", "0.5"], "hours is 0.5"),
    ):
        assert main(["bench", "evaluation", "--no-speed", *arguments, "--home", str(home.root)]) == 1
        assert says in capsys.readouterr().err
    with pytest.raises(BadInput, match="there is alarm_clock"):
        fit.chosen(["oracle"])
