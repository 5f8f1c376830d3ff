"""The page of θ in every state, and what its clicks do; the short form of it on the monitor's page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home, load_settings
from core.evaluation import archive
from core.training import registry
from tests.pages.conftest import saved, trained
from tests.pages.evaluated import LEAKY, evaluated, forecasts, market
from tests.pages.filled import fill
from tests.pages.test_evaluation import box, table
from tests.pages.test_states import words

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/7_Alert_tuning.py"
Started = list[tuple[str, list[str]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    calls: Started = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: calls.append((name, list(argv))))
    return calls


def sentence(app: AppTest) -> str:
    html = next(str(e.proto.body) for e in app.get("html") if "on validation" in str(e.proto.body))
    return re.sub(r"<[^>]*>", "", html)


def test_a_champion_from_before_evaluations_has_nothing_to_choose_on(visit: Visit, home: Home) -> None:
    trained(home)
    app = visit(home, PAGE)
    assert not app.exception
    assert "no forecasts were kept yet" in words(app)
    assert [b.label for b in app.button] == ["Open training"]


def test_a_leaky_training_has_no_theta_worth_choosing(visit: Visit, home: Home) -> None:
    evaluated(home, leakage=LEAKY)
    registry.set_champion(home, "logistic-t1")
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, "No θ is worth choosing on this training. Leaky: label interval") == "bad"
    assert not app.button and not app.number_input


def test_rows_that_are_gone_are_one_sentence(visit: Visit, home: Home) -> None:
    evaluated(home)
    archive.file(home, "t1").with_suffix(".parquet").unlink()
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, "is missing: train again") == "bad"


def test_where_nothing_alerts_there_is_no_theta_to_use(visit: Visit, home: Home) -> None:
    e = evaluated(home)
    dataset = market(400)
    flat = [
        replace(f, p_validation=np.full_like(f.p_validation, 0.05), p_test=np.full_like(f.p_test, 0.05))
        for f in forecasts(dataset, "t1", 1.0)
    ]
    archive.save(home, e, dataset, flat)
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, "Nothing alerts: no θ that keeps to the budget raises an alert on validation.") == "warn"
    assert app.button(key="use_rule").disabled and app.metric[0].value == "–"
    app.button_group(key="aim").set_value("recall").run()
    assert box(app, "Nothing is worth an alert: no θ catches an episode") == "warn"
    app.button_group(key="look").set_value("caught").run()
    assert not app.exception and "Nothing caught on test with this rule." in words(app)


def test_each_aim_gives_a_theta_of_validation_shown_on_test_beside_the_one_in_use(visit: Visit, home: Home) -> None:
    evaluated(home)
    app = visit(home, PAGE)
    assert not app.exception
    assert "keeps to 2 alerts an hour" in sentence(app)
    rows = {r[0]: r[1:] for r in table(app, "")}
    assert next(iter(rows)) == "θ" and len(rows["episodes caught"]) == 4
    app.number_input(key="aim_budget").set_value(12.0).run()
    assert "keeps to 12 alerts an hour" in sentence(app)
    app.button_group(key="aim").set_value("recall").run()
    app.number_input(key="aim_recall").set_value(100).run()
    assert box(app, "on validation") == ("warn" if "best possible" in sentence(app) else "ok")
    app.button_group(key="aim").set_value("budget").run()
    assert app.number_input(key="aim_budget").value == 12.0, "what was typed is not forgotten"
    app.button_group(key="aim").set_value("cost").run()
    app.number_input(key="aim_cost").set_value(1).run()
    app.number_input(key="cooldown").set_value(120).run()
    assert not app.exception
    assert "costs 1 false alert" in sentence(app)
    assert {r[0]: r[1] for r in table(app, "")}["cooldown"] == "120 s"


def test_the_rule_is_used_and_logged_by_a_job(visit: Visit, home: Home, started: Started) -> None:
    evaluated(home)
    app = visit(home, PAGE)
    app.number_input(key="aim_budget").set_value(6.0).run()
    app.number_input(key="rearm").set_value(0.75).run()
    app.button(key="use_rule").click().run()
    assert not app.exception
    settings = load_settings(home)
    assert (settings.theta_model, settings.cooldown_s, settings.rearm) == ("logistic-t1", 60, 0.75)
    ((name, argv),) = started
    assert name == "theta" and argv[:3] == ["theta", "--model", "logistic-t1"] and argv[-1] == "--log"
    assert float(argv[argv.index("--theta") + 1]) == settings.theta
    assert "This is the rule in use." in words(app) and app.button(key="use_rule").disabled
    app = visit(home, PAGE)
    assert "This is the rule in use." not in words(app), "the page begins with a budget of 2"


def test_the_best_pair_is_offered_and_tried(visit: Visit, home: Home) -> None:
    evaluated(home)
    app = visit(home, PAGE)
    offered = re.fullmatch(r"Try (\d+) s, ([\d.]+)", app.button(key="take_pair").label)
    assert offered is not None and len(table(app, "cooldown")) == 12
    app.button(key="take_pair").click().run()
    assert not app.exception
    shown = {r[0]: r[1] for r in table(app, "")}
    assert (shown["cooldown"], shown["re-arms below"]) == (f"{offered[1]} s", f"{offered[2]} × odds of θ")
    (cooldown,) = (one for one in app.number_input if one.label.startswith("Cooldown"))
    cooldown.set_value(int(offered[1]) + 240).run()
    app.button(key="take_pair").click().run()
    assert {r[0]: r[1] for r in table(app, "")}["cooldown"] == f"{offered[1]} s", (
        "offered again after another was tried"
    )


def test_a_rule_set_on_the_command_line_is_what_the_page_begins_at(visit: Visit, home: Home) -> None:
    evaluated(home)
    saved(home, theta=0.3, theta_model="logistic-t1", cooldown_s=0, rearm=0.01)
    app = visit(home, PAGE)
    assert not app.exception
    assert (app.number_input(key="cooldown").value, app.number_input(key="rearm").value) == (0, 0.01)
    assert "0 s apart, re-arms at 0.01" in words(app)


def test_another_model_is_compared_and_not_used(visit: Visit, home: Home, started: Started) -> None:
    evaluated(home)
    app = visit(home, PAGE)
    app.selectbox(key="tuned_model").select("xgboost-t1").run()
    assert not app.exception
    assert app.button(key="use_rule").disabled and "used once it is champion" in words(app)
    html = next(str(e.proto.body) for e in app.get("html") if "tried less in use" in str(e.proto.body))
    assert "in use, test\nlogistic" in html
    assert started == []


def test_alerts_are_stepped_through(visit: Visit, home: Home) -> None:
    evaluated(home)
    app = visit(home, PAGE)
    app.number_input(key="aim_budget").set_value(20.0).run()
    app.button_group(key="look").set_value("caught").run()
    assert not app.exception
    said = words(app)
    count = int(re.search(r"Caught 1 of (\d+)", said)[1])  # type: ignore[index]
    assert count > 1 and app.button(key="history_previous").disabled
    app.button(key="history_next").click().run()
    assert f"Caught 2 of {count}" in words(app) and not app.button(key="history_previous").disabled
    app.number_input(key="cooldown").set_value(70).run()
    assert f"Caught 2 of {count}" not in words(app), "another rule begins at its first"


def test_logging_runs_beside_it_and_its_end_is_said(visit: Visit, home: Home) -> None:
    evaluated(home)
    with jobs.hold(home, "theta") as me:
        me.beat(0.2, "logging to MLflow", every_s=0)
        app = visit(home, PAGE)
        assert app.button(key="use_rule").disabled and "being logged to MLflow" in words(app)
        assert app.button(key="stop_theta")
        me.end("failed", "mlflow.db is missing")
    assert box(visit(home, PAGE), "was not logged to MLflow: mlflow.db is missing") == "warn"


def test_the_monitors_page_says_what_theta_costs_and_links_here(visit: Visit, home: Home) -> None:
    fill(home, 20, time.time_ns() - 20 * 10**9)
    evaluated(home)
    app = visit(home, "pages/6_Live_monitor.py")
    assert not app.exception
    said = words(app)
    assert re.search(r"On test: \d+ alerts? in \d\.\d h \([\d.]+ an hour\), \d+ of \d+ episodes? caught", said)
    assert [x for x in app.get("page_link") if x.proto.label == "Tune the rule"]
    assert app.button(key="reset_theta").disabled
    saved(home, theta=0.4, theta_model="logistic-t1", cooldown_s=120, rearm=0.9)
    app = visit(home, "pages/6_Live_monitor.py")
    assert "cooldown 120 s" in words(app)
    app.button(key="reset_theta").click().run()
    settings = load_settings(home)
    assert (settings.theta, settings.theta_model, settings.cooldown_s, settings.rearm) == (None, "", None, 0.5)
