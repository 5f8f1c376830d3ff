import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.__main__ import main
from core.config import Home, load_settings
from tests.features.tapes import same
from tests.live.market import fill, ticks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def filled(home: Home) -> Home:
    fill(home, ticks(1500))
    return home


def run(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.root), "--json"])


def test_json_is_one_object_and_the_rest_goes_to_standard_error(filled: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "threshold", "--home", str(filled.root), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert set(said["splits"]) == {"train", "validation", "test"}


def test_a_failure_is_one_line_and_exit_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(home, "threshold") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "no ticks" in said.err


@pytest.mark.parametrize("argv", [["nothing"], ["threshold", "--tau", "1", "--quantile", "0.9"], ["bench", "nothing"]])
def test_wrong_arguments_are_exit_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


def test_threshold_counts_and_saves(filled: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(filled, "threshold", "--quantile", "0.8", "--save") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["splits"]["train"]["base_rate"] == pytest.approx(0.2, abs=0.01)
    assert load_settings(filled).tau_bps == said["tau"]
    assert run(filled, "threshold") == 0
    assert json.loads(capsys.readouterr().out)["tau"] == said["tau"]


def test_a_decision_is_kept_with_its_reason_and_the_journey_prints_it(
    filled: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(filled, "threshold", "--quantile", "0.8", "--why", "a first look") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["saved"]
    assert run(filled, "threshold", "--tau-relative", "1.1", "--save") == 0
    second = json.loads(capsys.readouterr().out)
    assert run(filled, "threshold", "--journey") == 0
    said = json.loads(capsys.readouterr().out)
    assert [d["why"] for d in said["journey"]] == ["a first look", ""]
    assert said["journey"][0]["tau_bps"] == first["tau"] and said["journey"][1]["tau_relative"] == 1.1
    assert said["journey"][0]["spikes"] == {s: c["spikes"] for s, c in first["splits"].items()}
    assert said["in_force"] == said["journey"][1] and said["advice"] is None
    assert said["in_force"]["rows"] == {s: c["rows"] for s, c in second["splits"].items()}
    assert run(filled, "threshold", "--journey", "--tau", "2") == 1
    assert "leave out what sets or saves" in capsys.readouterr().err


def test_features_of_the_first_part_are_the_first_rows_of_the_whole_to_the_bit(tmp_path: Path) -> None:
    made = ticks(1500, silences=(400,))
    tables = []
    for n in (1777, len(made)):
        home = Home(tmp_path / str(n))
        fill(home, made[:n])
        out = tmp_path / f"{n}.parquet"
        assert run(home, "export", "features", "--out", str(out)) == 0
        tables.append(pd.read_parquet(out))
    first, whole = tables
    assert 800 < len(first) < len(whole)
    for column in first:
        if first[column].dtype.kind in "fi":
            assert same(first[column].to_numpy(), whole[column].to_numpy()[: len(first)])
        else:
            assert first[column].tolist() == whole[column].tolist()[: len(first)]


def test_labels_carry_their_split_and_bars_their_session(filled: Home, tmp_path: Path) -> None:
    for kind, columns in (("labels", ["forward_vol_bps", "spike", "split"]), ("bars", ["session", "close", "n_ticks"])):
        out = tmp_path / f"{kind}.csv"
        assert run(filled, "export", kind, "--out", str(out)) == 0
        table = pd.read_csv(out)
        assert list(table.columns[:4]) == ["bar_end_ns", "venue", "product", "session"]
        assert set(columns) <= set(table.columns)
        assert len(table) > 1000


def test_for_people_a_verb_prints_lines(filled: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threshold", "--home", str(filled.root)]) == 0
    said = capsys.readouterr().out
    assert "horizon_s: 60" in said
    assert "  train" in said
