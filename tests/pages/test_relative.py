"""A relative τ is said as a multiple wherever a page says one."""

import re

import pytest

from core import jobs
from core.config import Home, load_settings
from tests.pages.conftest import saved, trained
from tests.pages.test_markets import line
from tests.pages.test_states import Visit, words


@pytest.fixture
def relative(full: Home) -> Home:
    """A filled home with a champion on a multiple of slow volatility, the question that the settings ask."""
    trained(full, tau_relative=1.3)
    saved(full, tau_relative=1.3)
    return full


def test_home_holds_the_bands_against_what_the_multiple_is_now(visit: Visit, relative: Home) -> None:
    app = visit(relative, "app.py")
    assert not app.exception
    assert re.search(r"at or above τ 1.3 × slow volatility \(now [\d.]+ bps\)", words(app))
    assert "1.3 ×" in line(app, "τ")
    assert "trained on τ 1.3 × slow volatility (median 3.0 bps)" in words(app)


def test_the_live_page_says_the_multiple_with_what_it_is_now(visit: Visit, relative: Home) -> None:
    app = visit(relative, "pages/6_Live_monitor.py")
    assert not app.exception
    assert re.search(r"at or above τ 1.3 × slow volatility \(now [\d.]+ bps\)", words(app))


def test_training_learns_from_the_rows_that_have_a_slow_volatility_and_the_click_asks_so(
    visit: Visit, relative: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, _name, argv: started.append(list(argv)))
    app = visit(relative, "pages/3_Training.py")
    assert not app.exception
    assert re.search(r"rv of the next 60 s, τ 1.3 × slow volatility \(median [\d.]+ bps\)", words(app))
    assert "240 rows left out: no slow volatility yet" in words(app)
    app.button(key="train").click().run()
    ((*argv,),) = started
    assert argv[argv.index("--tau-relative") + 1] == "1.3" and not {"--tau", "--quantile"} & set(argv)


@pytest.mark.parametrize("asked", [{"tau_bps": 3.0}, {}])
def test_a_champion_on_a_multiple_is_stale_where_bps_are_asked(
    visit: Visit, relative: Home, asked: dict[str, float]
) -> None:
    saved(relative, **asked)
    said = words(visit(relative, "pages/6_Live_monitor.py"))
    assert "trained on τ as a multiple of slow volatility, now in bps" in said
    assert "about τ 1.3 × slow volatility (median 3.0 bps)" in said


def test_another_label_forgets_the_multiple(visit: Visit, relative: Home) -> None:
    app = visit(relative, "pages/2_Threshold_tuning.py")
    assert not app.exception
    app.selectbox(key="label").set_value("bipower").run()
    assert load_settings(relative).tau_relative is None and load_settings(relative).label == "bipower"
