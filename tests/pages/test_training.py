"""The training page: before the click, while it runs, after; runs, comparison, what a model leans on, MLflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home
from core.evaluation import archive, importance
from core.evaluation.importance import Explained, Group, Importance
from core.evaluation.record import Estimate, LeftOut
from core.training.pace import Timed, remember, steps_of
from core.training.standing import Standing
from tests.pages.conftest import saved
from tests.pages.evaluated import START_NS, evaluated
from ui import loaders

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/3_Training.py"
FEW = ["zscore", "logistic"]


def words(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def buttons(app: AppTest) -> dict[str, AppTest]:
    return {str(b.key): b for b in app.button}


def options(argv: list[str]) -> dict[str, str]:
    return dict(zip(argv[1::2], argv[2::2], strict=True))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The jobs that the page asked for, none of which begins."""
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: asked.append((name, list(argv))))
    return asked


def test_before_the_click_it_says_rows_trials_and_the_time_it_takes_by_measurement(visit: Visit, full: Home) -> None:
    app = visit(full, PAGE)
    said = words(app)
    for column in ("rows", "independent\nhorizons", "episodes", "spikes", "base rate"):
        assert f">{column}</th>" in said
    assert "How long it takes is known once these models were trained here" in said
    assert "rv of the next 60 s, τ" in said and app.get("page_link")
    rows = int(said.split('data-cell="Rows"')[1].split('<b class="">')[1].split("<")[0].replace(",", ""))
    names = list(loaders.offered())
    remember(full, {step.name: Timed(seconds=2.0, size=step.size) for step in steps_of(names, rows, 5)})
    took = 2 * len(steps_of(names, rows, 5))
    app.run()
    assert f"About {took // 60} min {took % 60} s, by what each step took here the last time" in words(app)
    app.number_input(key="folds_n").set_value(0).run()
    assert f"About {took - 2 * len(names)} s" in words(app) or f"About {(took - 24) // 60} min" in words(app)


def test_a_range_is_counted_before_the_click_and_asked_for_by_it(
    visit: Visit, full: Home, started: list[tuple[str, list[str]]]
) -> None:
    app = visit(full, PAGE)
    for name in loaders.offered():
        if name not in FEW:
            app.checkbox(key=f"model_{name}").uncheck()
    app.selectbox(key="range_way").select("last hours").run()
    app.number_input(key="range_hours").set_value(0.25).run()
    assert not app.exception
    size = words(app).split('data-cell="Rows"')[1].split('<b class="">')[1].split("<")[0]
    assert size == "660", "900 s less a window, a horizon and two purges"
    app.number_input(key="folds_n").set_value(2).run()
    buttons(app)["train"].click().run()
    ((name, argv),) = started
    asked = options(argv)
    assert (name, asked["--models"], asked["--folds"]) == ("train", "zscore,logistic", "2")
    assert asked["--from"].endswith("+00:00") and "--to" not in asked
    app.selectbox(key="range_way").select("sessions").run()
    assert not app.exception
    assert all("," not in label for label in app.selectbox(key="range_first").options), "a length grows while captured"
    app.selectbox(key="range_way").select("from, to").run()
    assert not app.exception and not buttons(app)["train"].disabled


def test_while_it_runs_each_model_says_where_it_stands_also_after_a_reload(
    visit: Visit, crowned: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(jobs, "stop", lambda _home, name: stopped.append(name))
    rows = [
        Standing(
            model="zscore", title="z-score rule", baseline=True, state="on folds", seconds=0.4, base_rate=0.05,
            validation=Estimate(value=0.21, low=0.18, high=0.24),
        ),
        Standing(model="har", title="HAR", baseline=True, state="left out", why="HAR cannot be fitted: <b>flat</b>"),
        Standing(model="xgboost", title="gradient boosting", baseline=False),
    ]  # fmt: skip
    with jobs.hold(crowned, "train") as me:
        me.beat(0.4, "z-score rule, fold 3 of 7, 1 min 10 s left", every_s=0, models=msgspec.to_builtins(rows), folds=7)
        for _ in range(2):  # the second is a reload: nothing is remembered by the session
            app = visit(crowned, PAGE)
            assert not app.exception
            (bar,) = app.get("progress")
            assert bar.proto.text == "z-score rule, fold 3 of 7, 1 min 10 s left"  # type: ignore[attr-defined]
            said = words(app)
            table = said[said.index("This training") : said.index("Runs")]
            for cell in ("◆ on folds", "▲ left out", "○ waiting", "0.21 (0.18 to 0.24)", "5.0 %"):
                assert f">{cell}</td>" in table
            assert "Left out: HAR cannot be fitted: &lt;b&gt;flat" in table and "flatters" in said
            assert "train" not in buttons(app) and app.number_input(key="folds_n").value == 7
            ticked = {box.key for box in app.checkbox if box.value}
            assert ticked == {"model_zscore", "model_har", "model_xgboost"}
        buttons(app)["stop_train"].click().run()
    assert stopped == ["train"]


def test_a_training_that_failed_says_why_and_what_it_had(visit: Visit, crowned: Home) -> None:
    row = Standing(model="zscore", title="z-score rule", baseline=True, state="left out", why="it is flat")
    with jobs.hold(crowned, "train") as me:
        me.beat(every_s=0, models=msgspec.to_builtins([row]))
        me.end("failed", "no model can be fitted: it is flat")
    app = visit(crowned, PAGE)
    said = words(app)
    assert not app.exception and "The last training failed: no model can be fitted: it is flat" in said
    assert "The training that did not end" in said and "Left out: it is flat" in said
    assert not buttons(app)["train"].disabled


@pytest.fixture
def two(home: Home) -> Home:
    """Two evaluated trainings and no ticks; a model was left out of the newer one."""
    evaluated(home, training="old1")
    evaluated(home, training="new1", trained_ns=START_NS + 10**12, skill=0.2)
    e = archive.load(home, "new1")
    left = (LeftOut(model="garch", title="GARCH(1,1)", why="GARCH(1,1) cannot be fitted: <i>singular</i>"),)
    archive.file(home, "new1").write_bytes(msgspec.json.encode(msgspec.structs.replace(e, left_out=left)))
    return home


def test_a_training_is_one_row_and_its_models_stand_below(visit: Visit, two: Home) -> None:
    app = visit(two, PAGE)
    assert not app.exception
    said = words(app)
    runs = said[said.index("one row a training") : said.index("Models of this training")]
    assert runs.count("<tr") == 3 and ">logistic ★</td>" in runs and ">3, 1 left out</td>" in runs
    assert "(0.60 to 0.76)" in runs and ">shown</td>" in runs and ">20.5 %</td>" in runs
    models = said[said.index("Models of this training") : said.index("What a model leans on")]
    assert models.count(", baseline</td>") == 1 and "Left out: GARCH(1,1) cannot be fitted: &lt;i&gt;" in models
    assert said.count("Left out: ") == 1
    app.selectbox(key="training").select("old1").run()
    assert not app.exception and "Left out: " not in words(app)


def test_two_trainings_on_the_same_rows_are_paired(visit: Visit, two: Home) -> None:
    app = visit(two, PAGE)
    said = words(app)
    assert "Both are scored on the same" in said and "A less B, paired" in said
    assert "They differ in nothing that is kept" in said
    evaluated(two, training="odd1", burst_every_s=500, trained_ns=START_NS - 10**12)
    app = visit(two, PAGE)
    app.selectbox(key="side_b").select("odd1").run()
    said = words(app)
    assert not app.exception and "the scores do not compare" in said and ">fingerprint</td>" in said


def leaned(name: str, explained: tuple[Explained, ...]) -> Importance:
    cost = Estimate(value=0.05, low=0.01, high=0.09)
    group = Group(features=("rv_30", "rv_60"), ap=cost, log_loss=cost)
    return Importance(
        name=name, fingerprint="f", ap=0.31, base_rate=0.1, log_loss=0.2, rows=3000, blocks=10, block_s=300, repeats=5,
        groups=(group,), explained=explained,
    )  # fmt: skip


def test_what_a_model_leans_on_is_asked_for_and_shown(
    visit: Visit, two: Home, started: list[tuple[str, list[str]]]
) -> None:
    app = visit(two, PAGE)
    assert "Not measured for this model yet" in words(app)
    buttons(app)["explain"].click().run()
    assert started.pop() == ("importance", ["importance", "--model", "logistic-new1"])
    row = Explained(
        bar_end_ns=START_NS, why="newest row", p=0.3, spike=False, base=-1.5, features=("rv_30", "rv_60"),
        values=(None, 8.14), adds=(-0.1, 0.75),
    )  # fmt: skip
    importance.save(two, leaned("logistic-new1", (row,)))
    app = visit(two, PAGE)
    assert not app.exception
    said = words(app)
    assert "AP 0.31 on validation, base rate 10.0 %" in said and "P 0.30: log-odds −1.50 before any feature" in said
    assert "No spike came." in said and len(app.get("plotly_chart")) == 2
    app.text_input(key="explain_at").set_value("2026-04-06T15:02:00").run()
    buttons(app)["explain_row"].click().run()
    assert started.pop()[1] == ["importance", "--model", "logistic-new1", "--at", "2026-04-06T15:02:00"]
    importance.save(two, leaned("zscore-new1", ()))
    app = visit(two, PAGE)
    app.selectbox(key="leaning_model").select("zscore-new1").run()
    assert not app.exception and "cannot be taken apart" in words(app)


def test_mlflows_pages_are_started_opened_and_stopped(
    visit: Visit, two: Home, started: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit(two, PAGE)
    buttons(app)["start_mlflow"].click().run()
    assert started == [("mlflow", ["mlflow"])]
    stopped: list[str] = []
    monkeypatch.setattr(jobs, "stop", lambda _home, name: stopped.append(name))
    with jobs.hold(two, "mlflow") as me:
        me.beat(0.4, "starting MLflow's server", every_s=0)
        assert "start_mlflow" not in buttons(visit(two, PAGE))
        me.beat(1.0, "answers", every_s=0, url="http://127.0.0.1:5055", experiment="1")
        app = visit(two, PAGE)
        assert not app.exception
        (link,) = app.get("link_button")
        assert link.proto.url == "http://127.0.0.1:5055/#/experiments/1"  # type: ignore[attr-defined]
        buttons(app)["stop_mlflow"].click().run()
        me.end("failed", "its log is data/jobs/mlflow.log")
    assert stopped == ["mlflow"]
    assert "pages ended: its log is" in words(visit(two, PAGE))


def test_a_damaged_evaluation_is_said_in_its_row_and_hides_nothing_else(visit: Visit, two: Home) -> None:
    archive.file(two, "old1").write_bytes(b"{")
    app = visit(two, PAGE)
    assert not app.exception
    assert ">evaluation damaged</td>" in words(app) and buttons(app)["start_mlflow"]
    archive.file(two, "new1").write_bytes(b"{")
    app = visit(two, PAGE)
    assert not app.exception and buttons(app)["start_mlflow"]


def test_a_home_without_ticks_but_with_trainings_still_shows_them(visit: Visit, home: Home, tmp_path: Path) -> None:
    evaluated(home, training="old1")
    saved(home, product="ETH-USD")
    app = visit(home, PAGE)
    assert not app.exception and "Models of this training" in words(app) and buttons(app)["train"].disabled
