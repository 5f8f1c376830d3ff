"""`leakage` as a verb: JSON for scripts, a job for pages, and a file for the page that draws."""

from __future__ import annotations

import json

import pytest

from core import jobs
from core.__main__ import main
from core.config import Home
from core.evaluation.leakage import read_planted
from tests.live.market import fill
from tests.training.test_verbs import ticks


@pytest.fixture
def filled(home: Home) -> Home:
    fill(home, ticks(4200))
    return home


def test_it_says_the_verdict_and_what_was_caught(filled: Home, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--quantile", "0.8", "--home", str(filled.root), "--json"]
    assert main(["leakage", *argv]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["verdict", "checks", "planted"]
    assert said["verdict"] == "clean" and said["planted"] == []
    assert all(list(check) == ["name", "passed", "detail"] for check in said["checks"])

    assert main(["leakage", "--plant", "centred_window", *argv]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "clean"
    (one,) = said["planted"]
    assert list(one) == ["name", "caught", "by"]
    assert one["caught"] is True and "feature_interval" in one["by"]
    job = jobs.read(filled, "leakage")
    assert (job.state, job.message) == ("done", "clean; 1 of 1 planted leaks caught")

    kept = read_planted(filled, "centred_window")
    assert kept is not None and kept.leakage.verdict == "leaky" and kept.product == "BTC-USD"
    assert [s.name for s in kept.illusion] == [s.name for s in kept.honest] == ["zscore", "logistic", "xgboost"]
    assert read_planted(filled, "next_row") is None


def test_a_leaky_label_is_leaky_and_still_exit_0(filled: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leakage", "--label", "next_row", "--quantile", "0.8", "--home", str(filled.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "leaky"
    assert "next_row is leaky" in next(c["detail"] for c in said["checks"] if c["name"] == "label_interval")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--plant", "nothing"], "no leak named nothing: there is next_row"),
        (["--quantile", "1"], "the quantile is 1"),
        (["--tau", "nan"], "τ is nan bps"),
        (["--seed", "-1"], "the seed is -1"),
        ([], "no ticks"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    home: Home, argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leakage", *argv, "--home", str(home.root), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and sentence in err.splitlines()[-1]
