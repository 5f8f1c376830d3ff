"""The market that the time machine replays: chosen where there are several, and part of its link."""

from __future__ import annotations

import re
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from core.config import Home, load_settings
from core.features.bars import SECOND_NS
from core.live.replay import stamp
from core.training import registry
from tests.live.conftest import crown
from tests.pages.conftest import MACHINE, START_S, Visit, saved
from tests.pages.filled import fill
from tests.pages.test_states import words
from tests.pages.test_time_machine import at_s, link_of, pressed, ran


@pytest.fixture(scope="module")
def several(stored: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """`stored` with a second market in it, which has a model of its own, and a third one without."""
    home = Home(tmp_path_factory.mktemp("several") / "home")
    for name in ("data", "models"):
        shutil.copytree(stored.root / name, home.root / name)
    fill(home, 1200, (START_S + 7200) * SECOND_NS, product="ETH-USD")
    fill(home, 480, (START_S + 8460) * SECOND_NS, seed=1, product="ETH-USD")
    fill(home, 300, (START_S + 7200) * SECOND_NS, seed=3, product="SOL-USD")
    best = registry.champion(home)
    for name in ("alarm_clock", "zscore", "ewma"):
        other = crown(home, name, 0.9, "embedded", "ETH-USD")
    assert best is not None and best.product == "BTC-USD" and other.product == "ETH-USD"
    registry.set_champion(home, best.name)
    return home


def replayed_market(app: AppTest) -> tuple[str, str]:
    """The market of the page's head, and that of its link."""
    (said,) = re.findall(r'<p class="tr-market">(.*?), simulated market</p>', words(app))
    return said, link_of(app)["market"]


def test_several_markets_are_chosen_from_and_the_link_carries_the_choice(machine: Visit, several: Home) -> None:
    before = load_settings(several)
    app = machine(several)
    assert replayed_market(app) == ("BTC-USD", "embedded:BTC-USD")
    box = app.selectbox(key="market")
    assert box.label == "Market" and box.options == [f"{p}-USD, simulated market" for p in ("BTC", "ETH", "SOL")]
    ran(app.segmented_control(key="speed").set_value(60))
    ran(app.selectbox(key="market").select("embedded:ETH-USD"))
    assert replayed_market(app) == ("ETH-USD", "embedded:ETH-USD")
    assert 7200 <= at_s(app) % 86_400 < 9000
    of_eth = [m for m in registry.artifacts(several) if m.product == "ETH-USD"]
    best = max(of_eth, key=lambda m: m.validation.pr_auc)
    assert len(of_eth) == 3 and f"{best.title} on ETH-USD" in words(app), "without a champion the best on validation"
    assert app.segmented_control(key="speed").value == 60 and 'data-box="warn"' not in words(app)
    place = at_s(pressed(app, "on_10"))
    link = link_of(app)
    other = machine(several, **link)
    assert replayed_market(other) == ("ETH-USD", "embedded:ETH-USD") and at_s(other) == place
    assert load_settings(several) == before, "the other pages go on showing their market"
    away = ran(app.switch_page("pages/5_Drift.py"))
    away.query_params.clear()
    back = ran(away.switch_page(MACHINE))
    assert replayed_market(back) == ("ETH-USD", "embedded:ETH-USD") and at_s(back) == place


def test_from_a_market_without_a_model_another_one_can_be_chosen(machine: Visit, several: Home) -> None:
    app = machine(several, market="embedded:SOL-USD")
    assert "No model of SOL-USD yet" in words(app)
    assert replayed_market(ran(app.selectbox(key="market").select("embedded:BTC-USD")))[0] == "BTC-USD"


def test_another_market_on_all_pages_ends_the_choice_made_here(machine: Visit, several: Home) -> None:
    app = machine(several, market="embedded:BTC-USD")
    saved(several, product="ETH-USD")
    try:
        app.query_params.clear()
        assert replayed_market(ran(app))[0] == "ETH-USD"
    finally:
        saved(several, product="BTC-USD")


def test_a_link_to_a_market_that_is_not_here_is_said(machine: Visit, several: Home) -> None:
    app = machine(several, market="kraken:BTC-EUR", at=stamp(START_S * SECOND_NS))
    assert "There are no ticks of BTC-EUR, Kraken market in this home, so this page shows BTC-USD" in words(app)
    assert replayed_market(app) == ("BTC-USD", "embedded:BTC-USD")


def test_one_market_leaves_nothing_to_choose(machine: Visit, stored: Home) -> None:
    assert "market" not in {box.key for box in machine(stored).selectbox}
