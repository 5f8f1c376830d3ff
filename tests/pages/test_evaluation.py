"""The evaluation page in every state of its evidence: none, too little, enough, leaky, and with a leak planted."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home
from core.evaluation import archive
from core.evaluation.leakage import PLANTS, Planted, write_planted
from tests.pages.conftest import trained
from tests.pages.evaluated import LEAKY, START_NS, evaluated
from tests.pages.test_states import words
from ui import text
from ui.evaluation_panels import TERMS

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/4_Evaluation.py"


def table(app: AppTest, first: str) -> list[list[str]]:
    """The cells of the table whose first header is `first` and which has the most columns of those."""
    found = [str(e.proto.body) for e in app.get("html") if f'<tr><th class="t">{first}</th>' in str(e.proto.body)]
    assert found, f"no table of {first}"
    body = max(found, key=lambda html: html.count("<th"))
    return [
        re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in body.split("<tbody>")[1].split("</tr>") if "<td" in row
    ]


def box(app: AppTest, said: str) -> str:
    """The level of the box that holds these words."""
    html = next(
        str(e.proto.body) for e in app.get("html") if said in str(e.proto.body) and "data-box" in str(e.proto.body)
    )
    return html.split('data-box="')[1].split('"')[0]


def test_a_run_from_before_evaluations_shows_its_plain_scores_and_says_so(visit: Visit, home: Home) -> None:
    trained(home)
    app = visit(home, PAGE)
    assert not app.exception
    assert "made before evaluations existed" in words(app)
    assert len(table(app, "model")) == 3
    assert "not checked" in words(app)


def test_enough_evidence_is_a_verdict_with_intervals(visit: Visit, home: Home) -> None:
    e = evaluated(home)
    app = visit(home, PAGE)
    assert not app.exception
    assert e.meter.enough
    assert box(app, e.verdict.sentence) == {"shown": "ok", "not shown": "idle"}[e.verdict.word]
    rows = table(app, "model")
    assert [row[0].split(" ★")[0].split(",")[0] for row in rows] == [m.title for m in e.models]
    assert sum("★" in row[0] for row in rows) == 1
    assert sum(row[0].endswith("baseline") for row in rows) == 1
    for row, m in zip(rows, e.models, strict=True):
        for cell in (row[1], row[2], row[4], row[5], row[6]):
            assert re.fullmatch(r"[\d.]+\n\([\d.]+ to [\d.]+\)", cell), cell
        assert row[4].startswith(f"{m.scores.pr_auc:.2f}")
    said = words(app)
    assert "Sorted by the score inside sessions" in said
    assert f"{e.meter.splits[-1].episodes} episodes" in said
    assert 'data-box="bad"' not in said


def test_too_little_evidence_is_no_conclusion_and_no_number_stands_alone(visit: Visit, home: Home) -> None:
    e = evaluated(home, burst_every_s=1900)
    app = visit(home, PAGE)
    assert not app.exception
    assert e.verdict.word == "no conclusion"
    assert box(app, e.verdict.sentence) == "warn"
    for row in table(app, "model"):
        assert all("no interval" in cell for cell in row[1:3])
    assert "fewer than 5 stretches" in words(app)
    assert "▲ too few" in words(app)


def test_a_leaky_pipeline_is_said_in_red_with_the_check_that_failed(visit: Visit, home: Home) -> None:
    e = evaluated(home, leakage=LEAKY)
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, e.verdict.sentence) == "bad"
    assert ["label interval", "■ failed", "the label reaches back"] in table(app, "check")
    assert "★" not in words(app)


def test_the_alerts_table_is_of_the_chosen_budget(visit: Visit, home: Home) -> None:
    e = evaluated(home)
    app = visit(home, PAGE)

    def shown() -> list[str]:
        html = next(str(x.proto.body) for x in app.get("html") if "median lead" in str(x.proto.body))
        return [c.split("\n")[0] for c in re.findall(r'<td class="">(.*?)</td>', html, re.S)][2::6]

    def counted(budget: float, onset: bool) -> list[str]:
        found = [a for m in e.models for a in m.alerts if (a.budget_per_h, a.onset) == (budget, onset)]
        return [f"{a.caught} of {a.episodes}" for a in found]

    assert shown() == counted(2.0, False)
    app.button_group(key="alert_budget").set_value(6.0).run()
    app.button_group(key="alert_kind").set_value(True).run()
    app.selectbox(key="alert_stretch").set_value(0).run()
    assert not app.exception
    assert shown() == counted(6.0, True)
    assert "The table counts the whole test part" in words(app)


def test_two_runs_on_different_rows_are_said_to_be_not_comparable(visit: Visit, home: Home) -> None:
    old = evaluated(home, burst_every_s=500, training="t0", trained_ns=START_NS - 10**9)
    new = evaluated(home)
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, "not comparable") == "warn"
    html = next(str(x.proto.body) for x in app.get("html") if f"other run, {old.training}" in str(x.proto.body))
    assert f"this run, {new.training}" in html


def test_a_planted_leak_is_shown_beside_the_honest_curve(visit: Visit, home: Home) -> None:
    e = evaluated(home)
    scores = tuple(m.scores for m in e.models)
    write_planted(
        home,
        Planted(
            name="next_row", title="the label is known already", caught=True, by=("label_interval",), leakage=LEAKY,
            illusion=scores, honest=scores, illusion_tau_bps=3.0, honest_tau_bps=5.0, note="", label="rv", horizon_s=60,
            seed=0, made_ns=START_NS, fingerprint="f",
        ),
    )  # fmt: skip
    app = visit(home, PAGE)
    assert not app.exception
    assert box(app, "The doctor caught it: label interval failed.") == "ok"
    assert "With the leak" in words(app)
    app.selectbox(key="plant_name").select("random_split").run()
    assert not app.exception
    assert "Not planted in this home yet" in words(app)


def test_the_click_plants_the_chosen_leak(visit: Visit, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: asked.append((name, list(argv))))
    evaluated(home)
    app = visit(home, PAGE)
    app.selectbox(key="plant_name").select("centred_window").run()
    app.button(key="plant").click().run()
    ((name, argv),) = asked
    assert name == "leakage"
    assert argv[:3] == ["leakage", "--plant", "centred_window"]


def test_a_damaged_evaluation_is_one_sentence(visit: Visit, home: Home) -> None:
    evaluated(home)
    archive.file(home, "t1").write_text("{")
    app = visit(home, PAGE)
    assert not app.exception
    assert "cannot be read" in words(app)


def test_every_plant_has_a_name_for_people_and_every_word_a_meaning() -> None:
    assert tuple(text.PLANTS) == PLANTS
    assert all(text.HELP[term] for term in TERMS)
    assert np.unique(TERMS).size == len(TERMS)


def test_a_report_of_this_training_is_offered_and_one_of_another_is_made_anew(
    visit: Visit, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, _argv: asked.append(name))
    evaluated(home)
    files = ("model_eval.pdf", "model_comparison.png", "model_card_v1.md")
    for training in ("t0", "t1"):
        (home.evaluations / training).mkdir()
    for name in files:
        (home.evaluations / "t0" / name).write_bytes(b"of another training")
    app = visit(home, PAGE)
    app.button(key="make_report").click().run()
    assert asked == ["report"]
    for name in files:
        (home.evaluations / "t1" / name).write_bytes(name.encode())
    app = visit(home, PAGE)
    assert not app.exception
    assert [d.proto.label for d in app.get("download_button")] == [
        "Download PDF", "Download comparison", "Download model card",
    ]  # fmt: skip
    assert not [b for b in app.button if b.key == "make_report"]
