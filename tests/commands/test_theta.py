"""theta as its verb: a rule chosen, shown, used, logged and written to a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core import jobs
from core.__main__ import main
from core.config import Home, load_settings
from core.evaluation import archive
from core.training import tracking
from tests.pages.evaluated import LEAKY, evaluated


def theta(home: Home, *argv: str) -> int:
    return main(["theta", *argv, "--home", str(home.root), "--json"])


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would have been logged to MLflow, which takes seconds to import."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tracking, "log_curves", lambda _home, *said: calls.append(said))
    return calls


def test_it_prints_what_the_rule_does_and_changes_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(home)
    for argv in ([], ["--recall", "0.4"], ["--cost", "0.1"], ["--theta", "0.3"], ["--model", "xgboost-t1"]):
        assert theta(home, *argv) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["model"] == (argv[1] if "--model" in argv else "logistic-t1")
        assert (said["in_use"], said["logged"], said["out"]) == (False, None, None)
        assert said["used"]["model"] == "logistic-t1" and said["test"]["episodes"] > 0
        assert said["there"]["part"] == said["chosen_on"] == "validation"
    assert theta(home, "--budget", "6", "--follow") == 0
    followed = json.loads(capsys.readouterr().out)["rule"]
    assert followed["cooldown_s"] in (30, 60, 120, 300) and followed["rearm"] in (1.0, 0.5, 0.25)
    assert not home.settings_file.exists() and jobs.read(home, "theta").state == "none"


def test_it_is_used_logged_and_written(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], logged: list[tuple[Any, ...]]
) -> None:
    evaluated(home)
    out = tmp_path / "rule.json"
    assert theta(home, "--budget", "6", "--cooldown", "90", "--rearm", "0.8", "--use", "--out", str(out)) == 0
    said = json.loads(capsys.readouterr().out)
    settings = load_settings(home)
    assert said["rule"] == {"theta": settings.theta, "cooldown_s": 90, "rearm": 0.8}
    assert (settings.theta_model, settings.cooldown_s, settings.rearm) == ("logistic-t1", 90, 0.8)
    ((run_id, steps, curves, tags),) = logged
    assert run_id == said["logged"] == said["run_id"] and len(curves["alerts.recall"]) == len(steps)
    assert tags["alerts.theta"] == repr(settings.theta) and tags["alerts.aim"] == "budget 6"
    assert json.loads(out.read_text())["curve"]["theta_thousandths"] == steps
    assert jobs.read(home, "theta").state == "done"
    assert theta(home, "--out", str(tmp_path / "alerts.csv")) == 0, "the rule in use gives cooldown and re-arming share"
    said = json.loads(capsys.readouterr().out)
    assert (said["rule"]["cooldown_s"], said["rule"]["rearm"]) == (90, 0.8)
    rows = list(csv.DictReader((tmp_path / "alerts.csv").read_text().splitlines()))
    assert len(rows) == said["test"]["alerts"]
    assert [r["outcome"] for r in rows].count("right") == said["test"]["right"]


def test_a_rule_is_used_although_its_run_is_gone_and_logging_alone_fails(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(home)
    assert theta(home, "--use") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["in_use"] and said["logged"] is None and "mlflow.db is missing" in said["note"]
    assert theta(home, "--log") == 1
    assert "mlflow.db is missing: train again" in capsys.readouterr().err
    assert jobs.read(home, "theta").state == "failed"


def test_what_cannot_be_is_one_line(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*argv: str) -> str:
        assert theta(home, *argv) == 1
        return capsys.readouterr().err.strip().splitlines()[-1]

    assert "there is no champion" in refused()
    e = evaluated(home)
    assert "make that the champion first" in refused("--model", "xgboost-t1", "--use")
    assert "the recall is 2" in refused("--recall", "2")
    assert "re-arming share of 3" in refused("--rearm", "3")
    assert "θ is 0" in refused("--theta", "0")
    assert "--follow chooses" in refused("--follow", "--cooldown", "9")
    assert "must end in .json" in refused("--out", str(tmp_path / "rule.txt"))
    assert "nothing to use" in refused("--cost", "1000", "--use")
    assert load_settings(home).theta is None
    archive.file(home, "t1").write_bytes(msgspec.json.encode(msgspec.structs.replace(e, leakage=LEAKY)))
    assert "leaks (label interval)" in refused()
    archive.file(home, "t1").unlink()
    assert "was not evaluated" in refused()
