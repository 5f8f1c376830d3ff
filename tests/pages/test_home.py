"""Home in its states, from the first visit to a running monitor, and the status line that all pages share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home, load_settings
from core.evaluation import archive
from core.live import pipeline
from tests.pages.conftest import capturing, saved, trained
from tests.pages.evaluated import evaluated
from ui import actions, loaders
from ui.text import JOBS

Visit = Callable[[Home, str], AppTest]


def words(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def line(app: AppTest) -> dict[str, tuple[str, str]]:
    """The status line: name -> (level, value)."""
    cells = re.findall(r'data-line="([^"]*)" data-level="(\w+)">.*?<b[^>]*>(.*?)</b>', words(app))
    return {name: (level, value) for name, level, value in cells}


def steps(app: AppTest) -> list[str]:
    return re.findall(r'data-step="\d" data-state="(\w+)"', words(app))


def primary(app: AppTest) -> list[str]:
    return [b.label for b in app.button if str(b.key).startswith("next_")]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What was asked of the processes, none of which is started."""
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: calls.append((name, list(argv))))
    return calls


def test_a_first_visit_is_offered_a_sample_day(visit: Visit, home: Home, asked: list[tuple[str, list[str]]]) -> None:
    saved(home, feed="coinbase_exchange")
    app = visit(home, "app.py")
    assert steps(app) == ["next", *["wait"] * 5]
    assert primary(app) == ["Load a sample day"]
    assert "Five words" in words(app)
    assert line(app)["Feed"] == ("idle", "stopped")
    assert line(app)["Model"] == ("idle", "none")
    assert line(app)["Job"] == ("idle", "none runs")
    app.button(key="next_1").click().run()
    assert not app.exception
    assert asked == [("sample", ["sample"])]
    assert load_settings(home).feed == "embedded", "the sample is what the pages show then"


def test_a_sample_day_that_loads_has_progress_and_a_stop_on_home_and_in_the_line(visit: Visit, home: Home) -> None:
    with jobs.hold(home, "sample") as me:
        me.beat(0.4, "simulating the day, 89 %", every_s=0)
        app = visit(home, "app.py")
        assert not app.exception
        assert primary(app) == []
        assert "stop_sample" in [b.key for b in app.button]
        assert line(app)["Job"][1].startswith("sample day 40 %")
        assert line(visit(home, "pages/5_Drift.py"))["Job"][1].startswith("sample day 40 %")


def test_a_sample_day_that_failed_says_why_and_is_offered_again(visit: Visit, home: Home) -> None:
    with pytest.raises(ValueError, match="the disk is full"), jobs.hold(home, "sample"):
        raise ValueError("the disk is full")
    app = visit(home, "app.py")
    assert "The sample day was not loaded: ValueError: the disk is full" in words(app)
    assert primary(app) == ["Load a sample day"]
    assert line(app)["Job"] == ("bad", "sample day failed")


def test_captured_trained_looked_at_and_watched_are_ticked_one_by_one(
    visit: Visit, full: Home, asked: list[tuple[str, list[str]]]
) -> None:
    app = visit(full, "app.py")
    assert (steps(app), primary(app)) == (["done", "next", *["wait"] * 4], ["Set τ"])
    saved(full, tau_bps=3.0)
    assert primary(app.run()) == [f"Train {len(loaders.offered())} models"]
    trained(full)
    app.run()
    assert (steps(app)[:4], primary(app)) == (["done", "done", "done", "next"], ["See evidence"])
    assert line(app)["Model"] == ("ok", "logistic ★")
    assert line(app)["τ"] == ("ok", "3.0 bps")
    app.button(key="next_4").click().run()
    assert not app.exception
    app.switch_page("app.py").run()
    assert (steps(app)[:5], primary(app)) == (["done"] * 4 + ["next"], ["Compare"])
    app.button(key="next_5").click().run()
    assert [name for name, _ in asked] == ["drift"]


def test_to_watch_starts_a_capture_too_where_none_runs(
    visit: Visit, crowned: Home, asked: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(pipeline, "start_capture", lambda _home, _settings: started.append("capture"))
    visit(crowned, "app.py")
    actions.watch()
    assert started == ["capture"]
    assert asked == [("monitor", ["monitor", "--venue", "embedded", "--product", "BTC-USD"])]
    with capturing(crowned, "embedded", "BTC-USD", age_s=0.5):
        actions.watch()
    assert started == ["capture"], "the one that runs is enough"


def test_a_stale_champion_leads_back_to_training(visit: Visit, full: Home) -> None:
    trained(full)
    saved(full, tau_bps=9.0)
    app = visit(full, "app.py")
    assert primary(app)[0].startswith("Train ")
    assert line(app)["Model"] == ("warn", "logistic ★ stale")


def test_a_running_monitor_is_the_last_tick(visit: Visit, crowned: Home) -> None:
    with capturing(crowned, "embedded", "BTC-USD", age_s=0.5), jobs.hold(crowned, "monitor") as me:
        me.beat(message="BTC-USD", every_s=0, venue="embedded", product="BTC-USD")
        app = visit(crowned, "app.py")
    assert not app.exception
    assert steps(app)[3::2] == ["done", "done"], "who watches has seen the evidence"
    assert line(app)["Feed"][0] == "ok"
    assert line(app)["Feed"][1].endswith("s ago")


def test_a_silent_feed_and_a_fresh_gap_stand_on_every_page(visit: Visit, crowned: Home) -> None:
    with capturing(crowned, "embedded", "BTC-USD", age_s=31.0):
        for page in ("app.py", "pages/3_Training.py", "pages/6_Live_monitor.py"):
            level, value = line(visit(crowned, page))["Feed"]
            assert level == "bad"
            assert value.startswith("silent for 3")


def test_while_a_training_runs_no_button_offers_another(visit: Visit, full: Home) -> None:
    saved(full, tau_bps=3.0)
    with jobs.hold(full, "train") as me:
        me.beat(0.5, "logistic, fold 3 of 5", every_s=0)
        app = visit(full, "app.py")
        assert primary(app) == []
        assert "Training runs: the line above says how far it is." in words(app)
        assert line(app)["Job"][1].startswith("training 50 %")


@pytest.mark.parametrize("page", ["app.py", "pages/1_Live_capture.py", "pages/4_Evaluation.py"])
def test_the_line_is_on_the_page_before_anything_of_its_own(visit: Visit, home: Home, page: str) -> None:
    bodies = [str(element.proto.body) for element in visit(home, page).get("html")]
    title = next(i for i, body in enumerate(bodies) if "tr-title" in body)
    assert "tr-line" in bodies[title + 1]


def test_every_job_that_the_pages_start_has_its_word() -> None:
    sources = "".join(path.read_text() for path in (Path(__file__).parents[2] / "ui").rglob("*.py"))
    started = set(re.findall(r"jobs\.start\(\s*[^,]+,\s*\"(\w+)\"", sources))
    assert started >= {"train", "theta", "importance"} and started - {"capture", "monitor", "mlflow"} <= set(JOBS)
    assert all(word == word.lower() and " " * 2 not in word for word in JOBS.values())


def test_the_champions_score_stands_with_its_interval_and_without_one_says_so(visit: Visit, home: Home) -> None:
    evaluated(home)
    assert re.search(r"AP 0\.\d+ \(0\.\d+ to 0\.\d+\), base rate", words(visit(home, "app.py")))
    archive.file(home, "t1").unlink()
    assert re.search(r"AP 0\.\d+, no interval, base rate", words(visit(home, "app.py")))
