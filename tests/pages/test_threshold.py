"""The threshold page: a decision with its reason, what has become of it, and τ in bps or as a multiple."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.config import Home, load_settings
from core.features import journey
from core.features.dataset import labelled
from core.features.labels import Question
from tests.pages.conftest import saved

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/2_Threshold_tuning.py"


def words(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def test_a_tau_is_used_with_its_reason_and_the_journey_shows_it(visit: Visit, full: Home) -> None:
    app = visit(full, PAGE)
    assert "No τ decided yet" in words(app)
    app.text_input(key="why").input("a first <b>look</b>")
    app.button(key="use_tau").click().run()
    assert not app.exception
    (made,) = journey.read(full)
    assert made.why == "a first <b>look</b>" and made.tau_bps == load_settings(full).tau_bps
    said = words(app)
    assert "a first &lt;b&gt;look" in said and "<b>look" not in said
    assert f">P{made.percentile:.1f}</td>" in said and " / ".join(f"{n:,}" for n in made.spikes.values()) in said
    assert app.button(key="use_tau").disabled


def test_a_tau_as_a_multiple_is_its_own_question_and_says_its_warm_up(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, PAGE)
    assert "3.0 bps" in words(app) and "warms up" not in words(app)
    scale = app.get("button_group")[0]
    scale.set_value("× the trailing hour").run()  # type: ignore[attr-defined]
    assert not app.exception
    said = words(app)
    assert "warms up: a session has it from its 300th second on" in said and "left out" in said and "3.0 bps" in said
    app.text_input(key="why").input("stays the same question")
    app.button(key="use_tau").click().run()
    settings = load_settings(crowned)
    assert settings.tau_bps is None and settings.tau_relative is not None
    (made,) = journey.read(crowned)
    assert made.tau_relative == settings.tau_relative and made.relative
    assert "× slow volatility" in words(app)
    for page in ("pages/3_Training.py", "pages/6_Live_monitor.py", "app.py", PAGE):  # the champion's τ was 3 bps
        assert "multiple of slow volatility" in words(visit(crowned, page)), page


@pytest.mark.parametrize(("times", "said"), [(1.0, ""), (2.5, "times rarer")])
def test_a_tau_that_no_longer_means_what_it_meant_is_called_out(
    visit: Visit, full: Home, times: float, said: str
) -> None:
    rows = labelled(full, Question())
    journey.decide(full, rows, rows.tau_of(0.8), "", time.time_ns())
    kept = full.journey_file.read_text()
    was = journey.read(full)[0].percentile
    full.journey_file.write_text(kept.replace(f'"percentile":{was}', f'"percentile":{100 - times * (100 - was)}'))
    app = visit(full, PAGE)
    assert not app.exception
    assert (said in words(app)) if said else ("times rarer" not in words(app) and "the data has" not in words(app))


def test_another_tau_makes_the_champion_stale_on_every_page(visit: Visit, crowned: Home) -> None:
    rows = labelled(crowned, Question())
    journey.decide(crowned, rows, 4.0, "", time.time_ns())
    for page in ("app.py", PAGE, "pages/3_Training.py", "pages/6_Live_monitor.py"):
        assert "trained on τ 3, now 4" in words(visit(crowned, page)), page


def test_a_damaged_journey_is_one_sentence(visit: Visit, full: Home) -> None:
    full.journey_file.write_text("{")
    app = visit(full, PAGE)
    assert not app.exception
    assert "journey.jsonl cannot be read" in words(app)


def test_the_leaky_label_is_held_against_no_estimator(visit: Visit, full: Home) -> None:
    saved(full, label="next_row")
    app = visit(full, PAGE)
    assert not app.exception
    assert "leaky" in words(app) and "Do the estimators agree?" not in words(app)
