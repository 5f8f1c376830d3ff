"""report as its verb: an evaluation in, three files out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import jobs
from core.__main__ import main
from core.config import Home
from core.evaluation import archive
from tests.evaluation.reported import made


def report(home: Home, *argv: str) -> int:
    return main(["report", *argv, "--home", str(home.root), "--json"])


def test_it_prints_where_the_files_are_and_what_they_are_traced_by(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    e, _ = made(home)
    assert report(home, "--training", "t1") == 0
    said = json.loads(capsys.readouterr().out)
    assert [Path(said[name]).exists() for name in ("pdf", "png", "card")] == [True, True, True]
    assert (said["verdict"], said["run_id"], said["fingerprint"]) == (e.verdict.word, e.run_id, e.fingerprint)
    assert said["pages"] >= 4 and said["leakage"] == "clean"
    assert jobs.read(home, "report").state == "done"
    archive.file(home, "t1").with_suffix(".parquet").unlink()
    assert report(home, "--training", "t1") == 1, "a report without its rows"
    assert "is missing: train again" in capsys.readouterr().err


def test_without_a_training_it_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(home) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "report: nothing was trained in this home yet: train first"
    assert report(home, "--training", "none") == 1
    assert "the training none was not evaluated" in capsys.readouterr().err
