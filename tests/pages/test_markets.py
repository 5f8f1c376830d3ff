"""No number stands for another market than its own, and none of yesterday for now."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home, load_settings
from core.evaluation import drift
from core.evaluation.drift import DriftTable, Moved, Part
from core.live import pipeline
from core.training import registry
from tests.pages.conftest import capturing, saved, trained
from tests.pages.filled import fill
from tests.pages.test_states import PAGES, words

Visit = Callable[[Home, str], AppTest]
DAY_NS = 86_400 * 10**9
HOME, CAPTURE, TUNING, TRAINING, EVALUATION, DRIFT, MONITOR, *_ = PAGES


def cell(app: AppTest, name: str) -> str:
    """Value and detail of one cell of the status strip."""
    return words(app).split(f'data-cell="{name}"')[1].split("</div>")[0]


def line(app: AppTest, name: str) -> str:
    """What the line of every page says of `name`."""
    return words(app).split(f'data-line="{name}"')[1].split("</div>")[0]


def old(home: Home, days: float = 231, venue: str = "coinbase", product: str = "BTC-USD", seconds: int = 600) -> None:
    fill(home, seconds, time.time_ns() - int(days * DAY_NS), venue=venue, product=product)


def compared(home: Home, venue: str, product: str) -> None:
    part = Part(name="train", rows=100, compared=100, first_ns=10**18, last_ns=10**18)
    feature = Moved(
        feature="rv_60", statistic="K-S p_value", value=0.01, threshold=0.05, moved=True, reference_median=1.0,
        current_median=2.0,
    )  # fmt: skip
    made = DriftTable(
        made_ns=time.time_ns(), fingerprint="f", venue=venue, product=product, reference=part, current=part,
        features=(feature,), left_out=(), moved=1,
    )  # fmt: skip
    home.drift.mkdir(parents=True)
    (home.drift / drift.TABLE).write_bytes(msgspec.json.encode(made))
    (home.drift / drift.HTML).write_text("<html>report</html>")


@pytest.mark.parametrize("age_s", [None, 11.0])
def test_a_capture_that_hears_nothing_makes_an_old_market_no_news(visit: Visit, home: Home, age_s: float) -> None:
    old(home)
    trained(home, venue="coinbase")
    saved(home, feed="coinbase_exchange", tau_bps=3.0)
    with capturing(home, "coinbase", "BTC-USD", age_s=age_s, message="connecting"):
        app = visit(home, MONITOR)
        for name in ("Feed", "P(spike)", "Volatility now"):
            assert "no data" in cell(app, name)
        assert "catching up" not in words(app)
        assert "connecting" in words(app)
        assert "no data" in cell(visit(home, CAPTURE), "Last tick")
        assert "catching up" not in words(visit(home, CAPTURE))
        front = visit(home, HOME)
        assert "Market now <span>BTC-USD, Coinbase market, no data, " in words(front)


def test_a_tick_of_another_product_is_no_tick_of_this_one(visit: Visit, crowned: Home) -> None:
    with capturing(crowned, "embedded", "ETH-USD", age_s=0.1):
        app = visit(crowned, MONITOR)
        assert "the capture records ETH-USD, simulated market" in cell(app, "Feed")
        assert "no data" in cell(app, "Volatility now")


def test_of_several_products_each_has_its_own_last_tick(visit: Visit, crowned: Home) -> None:
    old(crowned, days=0.01, venue="embedded", product="ETH-USD", seconds=100)  # received a quarter of an hour ago
    saved(crowned, product="ETH-USD")
    with capturing(crowned, "embedded", "BTC-USD", "ETH-USD", age_s=0.1):
        assert "silent for" in cell(visit(crowned, MONITOR), "Feed")


def test_a_live_market_is_live(visit: Visit, crowned: Home) -> None:
    with capturing(crowned, "embedded", "BTC-USD", age_s=0.1):
        app = visit(crowned, MONITOR)
        assert "no data" not in cell(app, "Feed")
        assert "bps" in cell(app, "Volatility now")
        assert "no data" not in words(visit(crowned, HOME))


def test_the_bands_of_home_are_the_champions_own_rule(visit: Visit, crowned: Home) -> None:
    saved(crowned, label="tick_std", horizon_s=10, tau_bps=0.5)
    assert "bands: volatility of the last 60 s at or above τ 3.0 bps" in words(visit(crowned, HOME))


def test_bands_of_a_foreign_champion_are_not_drawn_at_home(visit: Visit, full: Home) -> None:
    trained(full, venue="coinbase")
    saved(full, tau_bps=0.5, horizon_s=10)
    assert "bands: volatility of the last 10 s at or above τ 0.50 bps" in words(visit(full, HOME))


@pytest.mark.parametrize(("key", "choice"), [("feed", "coinbase_exchange"), ("product", "ETH-USD")])
def test_another_market_forgets_tau_and_theta(visit: Visit, crowned: Home, key: str, choice: str) -> None:
    saved(crowned, tau_bps=3.0, theta=0.7, theta_model="logistic-1")
    visit(crowned, CAPTURE).selectbox(key=key).select(choice).run()
    now = load_settings(crowned)
    assert getattr(now, key) == choice
    assert (now.tau_bps, now.theta, now.theta_model) == (None, None, "")


def test_another_feed_of_the_same_venue_keeps_tau(visit: Visit, crowned: Home) -> None:
    saved(crowned, feed="coinbase_exchange", tau_bps=3.0)
    visit(crowned, CAPTURE).selectbox(key="feed").select("coinbase_advanced").run()
    assert load_settings(crowned).tau_bps == 3.0


def test_a_capture_that_will_replace_the_shown_market_forgets_its_tau(
    visit: Visit, crowned: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "start_capture", lambda _home, _settings: None)
    saved(crowned, product="ETH-USD", tau_bps=3.0)
    visit(crowned, CAPTURE).button(key="start_capture").click().run()
    assert load_settings(crowned).tau_bps is None


def test_a_tau_saved_elsewhere_is_followed(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, TUNING)
    saved(crowned, tau_bps=5.0)
    app.run()
    assert "In use: <b>5.0 bps</b>" in words(app)
    assert app.button(key="use_tau").disabled, "the dial stands where the saved τ is"


def test_another_champion_has_its_own_theta(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, MONITOR)
    app.slider(key="theta").set_value(0.7).run()
    assert load_settings(crowned).theta_model == "logistic-1"
    other = registry.set_champion(crowned, "xgboost-2")
    app.run()
    (slider,) = app.slider  # another widget, which has no old value to send once more
    assert slider.key != "theta"
    assert slider.value == pytest.approx(other.theta, abs=0.006)
    assert f"θ {other.theta:.2f}" in cell(app, "P(spike)")


def test_theta_can_be_reset(visit: Visit, crowned: Home) -> None:
    saved(crowned, tau_bps=3.0, theta=0.9, theta_model="logistic-1")
    app = visit(crowned, MONITOR)
    assert app.slider(key="theta").value == pytest.approx(0.9)
    app.button(key="reset_theta").click().run()
    assert (load_settings(crowned).theta, load_settings(crowned).theta_model) == (None, "")
    champion = registry.champion(crowned)
    assert champion is not None
    (slider,) = app.slider  # another widget, which has no old value to send once more
    assert slider.key != "theta"
    assert slider.value == pytest.approx(champion.theta, abs=0.006)


def test_drift_of_another_product_is_not_compared_here(visit: Visit, crowned: Home) -> None:
    compared(crowned, "embedded", "ETH-USD")
    assert "not compared" in cell(visit(crowned, HOME), "Drift")
    app = visit(crowned, DRIFT)
    assert "Nothing compared yet. The last comparison is of ETH-USD, simulated market" in words(app)
    assert "moved" not in cell(app, "Features moved").replace("Features moved", "")
    assert not app.get("iframe")


def test_drift_of_this_market_names_it(visit: Visit, crowned: Home) -> None:
    compared(crowned, "embedded", "BTC-USD")
    assert "1 moved" in cell(visit(crowned, HOME), "Drift")
    assert "BTC-USD, simulated market, train from" in words(visit(crowned, DRIFT))


@pytest.mark.parametrize("page", PAGES)
def test_a_product_without_ticks_never_lends_its_name(visit: Visit, crowned: Home, page: str) -> None:
    saved(crowned, product="ETH-USD", tau_bps=3.0)
    app = visit(crowned, page)
    said = words(app)
    assert '<p class="tr-market">BTC-USD, simulated market</p>' in said
    sentence = "There are no ticks of ETH-USD, simulated market in this home, so this page shows BTC-USD"
    assert said.count(sentence) == 1
    assert "<h1>ETH-USD" not in said
    assert "stale: " not in said
    assert "another question:" not in said


def test_the_market_shown_is_not_explained_where_it_is_the_chosen_one(visit: Visit, crowned: Home) -> None:
    assert "There are no ticks of" not in words(visit(crowned, HOME))


def test_a_monitor_of_another_product_is_named(visit: Visit, crowned: Home) -> None:
    from core import jobs

    with jobs.hold(crowned, "monitor") as me:
        me.beat(message="forecasting", every_s=0, venue="embedded", product="ETH-USD")
        assert "watches ETH-USD, simulated market" in cell(visit(crowned, HOME), "Monitor")
        app = visit(crowned, MONITOR)
        assert "The monitor watches ETH-USD, simulated market" in words(app)


@pytest.mark.parametrize(("state", "times"), [("died", 1), ("failed", 1), ("stopped", 1), ("done", 0)])
def test_runs_left_open_by_a_dead_training_are_ended(
    visit: Visit, full: Home, monkeypatch: pytest.MonkeyPatch, state: str, times: int
) -> None:
    from core.training import tracking

    ended: list[Home] = []
    monkeypatch.setattr(tracking, "reconcile", ended.append)
    full.jobs.mkdir(parents=True, exist_ok=True)
    (full.jobs / "train.json").write_bytes(msgspec.json.encode({"name": "train", "state": state}))
    assert not visit(full, TRAINING).exception
    assert ended == [full] * times


def test_missing_features_are_named(visit: Visit, home: Home) -> None:
    trained(home, venue="coinbase", missing=("flow_10", "flow_30"))
    assert "Not in this source, so left out: flow 10, 30 s." in words(visit(home, EVALUATION))
    assert "left out" not in words(visit(home, DRIFT))


def test_missing_features_are_named_before_a_training(
    visit: Visit, full: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from ui import loaders

    real = loaders.labelled
    monkeypatch.setattr(
        loaders, "labelled", lambda *asked: dataclasses.replace(real(*asked), missing=("flow_10", "jump_60"))
    )
    assert "Not in this source, so left out: flow 10 s; jump 60 s." in words(visit(full, TRAINING))


def test_an_import_may_name_its_market(visit: Visit, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, _name, argv: asked.append(list(argv)))
    home.data.mkdir(parents=True)
    file = home.data / "ticks.csv"
    file.write_text("x")
    app = visit(home, CAPTURE)
    app.text_input(key="import_path").input(str(file))
    app.button(key="import_file").click().run()
    app.text_input(key="import_venue").input("kraken")
    app.text_input(key="import_product").input("ETH-USD")
    app.button(key="import_file").click().run()
    assert asked == [
        ["import", str(file.resolve())],
        ["import", str(file.resolve()), "--venue", "kraken", "--product", "ETH-USD"],
    ]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "settings", [{"feed": "nowhere"}, {"horizon_s": 45}, {"seed": -1}], ids=["feed", "horizon", "seed"]
)
def test_settings_no_page_can_show_are_one_sentence(
    visit: Visit, crowned: Home, page: str, settings: dict[str, object]
) -> None:
    saved(crowned, **settings)
    app = visit(crowned, page)
    assert not app.exception
    assert words(app).count('data-box="bad"') == 1
    assert "mend it or delete it" in words(app)


@pytest.mark.parametrize("page", [HOME, TRAINING])
def test_a_truncated_record_of_a_process_is_one_sentence(visit: Visit, crowned: Home, page: str) -> None:
    crowned.jobs.mkdir(parents=True, exist_ok=True)
    (crowned.jobs / "train.json").write_text('{"name": "tra')
    app = visit(crowned, page)
    assert not app.exception
    assert "train.json cannot be read" in words(app)


def test_a_damaged_store_of_forecasts_is_one_sentence(visit: Visit, crowned: Home) -> None:
    crowned.forecasts_db.write_bytes(b"this is not a database" * 500)
    app = visit(crowned, MONITOR)
    assert not app.exception
    assert "forecasts.sqlite cannot be used" in words(app)
