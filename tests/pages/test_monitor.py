"""The live monitor in each of its states: a number only where it is the present answer to the present question."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home
from core.ingestion.store import Reader
from core.live.alerts import Alert, Ledger
from core.live.forecasts import Forecast, Log
from tests.pages.conftest import capturing, saved, trained
from tests.pages.test_states import buttons, words
from ui.loaders import market as market_loader

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/6_Live_monitor.py"
MODEL = "logistic-1"


def cell(app: AppTest, name: str) -> str:
    """Value and detail of one cell of the strip."""
    return words(app).split(f'data-cell="{name}')[1].split("</div>")[0]


def figure(app: AppTest) -> str:
    """All that the figure carries."""
    return " ".join(str(element.proto) for element in app.get("bidi_component"))


@contextmanager
def watching(home: Home, message: str = "forecasting", **fields: object) -> Iterator[None]:
    """Capture and monitor run while the block does."""
    with capturing(home, "embedded", "BTC-USD", age_s=0.2), jobs.hold(home, "monitor") as me:
        me.beat(message=message, every_s=0, venue="embedded", product="BTC-USD", **fields)
        yield


@pytest.fixture
def forecast(crowned: Home) -> Callable[..., Home]:
    """A home whose last 100 bars were forecast just now, the newest as said."""

    def made(p: float | None = 0.42, doubt: str | None = None) -> Home:
        market = Reader(crowned).markets()[0]
        newest = market.last_ns // 10**9 * 10**9
        log = Log(crowned)
        log.append([
            Forecast(
                venue="embedded", product="BTC-USD", bar_end_ns=newest - ago * 10**9, model=model,
                p=(p if model == MODEL else 0.1) if ago == 0 else 0.2, vol_bps=2.0, mid=9e4, tau_bps=3.0, theta=0.5,
                made_ns=time.time_ns(), horizon_s=60, seen_ns=newest, doubt=doubt if ago < 9 else None,
            )
            for ago in range(99, -1, -1) for model in (MODEL, "zscore-0")
        ])  # fmt: skip
        log.close()
        return crowned

    return made


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loaded machine a page takes seconds: what was said just now stays the present word."""
    monkeypatch.setattr(market_loader, "FRESH_S", 600)


def test_empty_offers_the_one_step(visit: Visit, home: Home, full: Home) -> None:
    app = visit(full, PAGE)
    assert "No champion yet" in words(app) and buttons(app)["empty_step"] == "Open training"


def test_stopped_shows_the_market_and_no_number(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, PAGE)
    assert "no data" in cell(app, "P(spike)") and buttons(app)["start_monitor"] == "Start monitor"
    assert "No present forecast." in words(app)


def test_running_shows_the_number_beside_theta_and_says_too_little_is_known_of_its_size(
    visit: Visit, forecast: Callable[..., Home]
) -> None:
    with watching(forecast()):
        app = visit(forecast(), PAGE)
        assert not app.exception
        assert ">0.42<" in cell(app, "P(spike)") and "θ" in cell(app, "P(spike)")
        assert "Too few test rows had a P near 0.42" in words(app)
        assert "z-score rule" in figure(app), "the best baseline is drawn"
        assert app.multiselect(key="shadows").value == ["zscore-0"]
        app.multiselect(key="shadows").set_value([]).run()
        assert "z-score rule" not in figure(app)


def test_warming_up_says_how_far_it_is(visit: Visit, forecast: Callable[..., Home]) -> None:
    with watching(forecast(p=None), "warming up: 41 of 60 bars"):
        said = cell(visit(forecast(p=None), PAGE), "P(spike)")
    assert "warming up" in said and "41 of 60 bars" in said and "0.2" not in said


def test_a_stale_champion_gives_no_number_and_says_what_it_answers(visit: Visit, forecast: Callable[..., Home]) -> None:
    home = forecast()
    saved(home, tau_bps=4.5)
    with watching(home):
        app = visit(home, PAGE)
    said = cell(app, "P(spike)")
    assert "model stale" in said and "trained on τ 3, now 4.5" in said and "0.42" not in said
    assert "Model stale: trained on τ 3, now 4.5" in words(app)
    assert "which is not asked now" in figure(app) and "It is no answer to the present question." in words(app)


def test_a_row_that_is_not_trusted_keeps_its_number_and_is_marked(visit: Visit, forecast: Callable[..., Home]) -> None:
    home = forecast(doubt="spread_10 14.2 bps, training saw at most 6.1")
    with watching(home):
        app = visit(home, PAGE)
    assert ">0.42<" in cell(app, "P(spike)") and "not trusted: spread_10 14.2 bps" in cell(app, "P(spike)")
    assert "Do not trust this row:</b> spread_10 14.2 bps, training saw at most 6.1" in words(app)
    assert "not trusted" in figure(app)


def test_a_missing_feature_stands_instead_of_the_number(visit: Visit, forecast: Callable[..., Home]) -> None:
    home = forecast(doubt="feature missing: flow_10, training always had it")
    with watching(home):
        said = cell(visit(home, PAGE), "P(spike)")
    assert "feature missing" in said and "flow_10, training always had it" in said and "0.42" not in said


def test_a_silent_feed_reads_no_data(visit: Visit, forecast: Callable[..., Home]) -> None:
    home = forecast()
    with capturing(home, "embedded", "BTC-USD", age_s=31), jobs.hold(home, "monitor") as me:
        me.beat(message="forecasting", every_s=0, venue="embedded", product="BTC-USD")
        app = visit(home, PAGE)
    assert "no data" in cell(app, "P(spike)") and "no data" in cell(app, "Volatility now")
    assert "No data: silent for 3" in words(app)


def test_a_failed_monitor_says_why(visit: Visit, crowned: Home) -> None:
    crowned.jobs.mkdir(parents=True, exist_ok=True)
    record = {"name": "monitor", "state": "failed", "message": "no model has been trained in this home"}
    (crowned.jobs / "monitor.json").write_text(json.dumps(record))
    app = visit(crowned, PAGE)
    assert "The monitor stopped: no model has been trained in this home" in words(app)
    assert buttons(app)["start_monitor"] == "Start monitor"


def test_a_baseline_that_was_left_out_is_named(visit: Visit, forecast: Callable[..., Home]) -> None:
    with watching(forecast(), left_out=["ewma-1/model.bin is not the file that was trained"]):
        assert "Left out beside it: ewma-1/model.bin is not" in words(visit(forecast(), PAGE))


def test_alerts_are_listed_acknowledged_and_muted(visit: Visit, crowned: Home) -> None:
    newest = Reader(crowned).markets()[0].last_ns // 10**9 * 10**9
    Log(crowned).close()
    ledger = Ledger(crowned)
    alert = Alert(
        venue="embedded", product="BTC-USD", bar_end_ns=newest - 5 * 10**9, model=MODEL, p=0.71, theta=0.5,
        tau_bps=3.0, horizon_s=60, mid=9e4, raised_ns=newest,
    )  # fmt: skip
    ledger.append([alert])
    ledger.close()
    app = visit(crowned, PAGE)
    assert "◆ open" in words(app) and "1 alert not acknowledged" in words(app)
    assert ">1<" in cell(app, "Alerts, last hour") and "1 open" in cell(app, "Alerts, last hour")
    app.button(key="acknowledge").click().run()
    assert "not acknowledged" not in words(app) and ">seen<" in words(app)
    app.button(key="mute_900").click().run()
    assert "Muted until" in words(app) and "unmute" in buttons(app)


def test_without_baselines_there_is_nothing_to_choose(visit: Visit, full: Home) -> None:
    trained(full)
    saved(full, tau_bps=3.0)
    shutil.rmtree(full.artifacts / "zscore-0")
    app = visit(full, PAGE)
    assert not app.exception and not app.multiselect
