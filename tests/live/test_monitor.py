import pandas as pd
import pytest

from core.config import Home, Settings, save_settings
from core.errors import Damaged, NotThere
from core.features import dataset
from core.ingestion.store import Reader, Writer
from core.live import forecasts
from core.live.forecasts import Forecast, Log
from core.live.monitor import Monitor
from core.training import registry
from tests.live.conftest import crown
from tests.live.market import START_S, ticks


def made(home: Home) -> pd.DataFrame:
    return forecasts.table(home).to_pandas()


def test_warming_up_counts_the_hours_first_bars_where_tau_is_relative(filled: Home) -> None:
    meta = crown(filled, relative=True)
    save_settings(filled, Settings(feed="coinbase_exchange", tau_relative=meta.tau_relative))
    later = ticks(320, start_s=START_S + 5000)
    monitor = Monitor(filled, clock_ns=Clock())
    monitor.step()
    with Writer(filled) as writer:
        source = writer.source("capture", "later")
        writer.append(source, later[:244])
        said = monitor.step()
        assert said["sentence"] == "warming up: 120 of 300 bars" and said["need"] == 300
        assert said["p"] is said["tau_bps"] is None
        last = made(filled).tail(121)
        assert last["p"].isna().all() and last["tau_bps"].isna().all() and last["mid"].notna().all()
        writer.append(source, later[244:])
        said = monitor.step()
    monitor.close()
    assert said["p"] is not None and said["tau_bps"] > 0


class Clock:
    """A wall clock that tests move."""

    def __init__(self) -> None:
        self.now_s = 1_000

    def __call__(self) -> int:
        return self.now_s * 10**9


def test_warming_up_has_no_number(filled: Home) -> None:
    crown(filled)
    later = ticks(80, start_s=START_S + 5000)
    monitor = Monitor(filled, clock_ns=Clock())
    monitor.step()
    with Writer(filled) as writer:
        source = writer.source("capture", "later")
        writer.append(source, later[:84])
        said = monitor.step()
        assert said["sentence"] == "warming up: 40 of 60 bars"
        assert said["p"] is said["vol_bps"] is said["mid"] is None
        last = made(filled).tail(41)
        assert last["p"].isna().all()
        assert last["mid"].notna().all()
        writer.append(source, later[84:])
        said = monitor.step()
    monitor.close()
    assert said["sentence"] == "forecasting"
    assert 0 <= said["p"] <= 1


def test_without_new_bars_there_is_no_data_and_no_number(filled: Home) -> None:
    crown(filled)
    clock = Clock()
    monitor = Monitor(filled, clock_ns=clock)
    said = monitor.step()
    assert said["sentence"] == "no data: waiting for a bar to close"
    assert said["p"] is said["vol_bps"] is said["mid"] is None
    with Writer(filled) as writer:
        writer.append(writer.source("capture", "later"), ticks(90, start_s=START_S + 5000))
    assert monitor.step()["sentence"] == "forecasting"
    clock.now_s += 10
    assert monitor.step()["sentence"] == "forecasting"
    clock.now_s += 1
    said = monitor.step()
    monitor.close()
    assert said["sentence"] == "no data: no bar has closed for 11 s"
    assert said["p"] is said["vol_bps"] is said["mid"] is None


def test_what_is_known_already_is_not_forecast(filled: Home) -> None:
    crown(filled)
    monitor = Monitor(filled)
    monitor.step()
    monitor.close()
    newest = dataset.bars(Reader(filled), "coinbase", "BTC-USD").bar_end_ns[-1]
    assert len(made(filled)) == 60
    assert made(filled)["bar_end_ns"].min() > newest - 60 * 10**9


def test_nothing_new_writes_nothing_and_the_champion_is_followed(filled: Home) -> None:
    crown(filled, "zscore")
    monitor = Monitor(filled)
    first = monitor.step()
    before = len(made(filled))
    monitor.step()
    assert len(made(filled)) == before
    other = crown(filled, "logistic")
    assert monitor.step()["model"] == other.name != first["model"]
    assert set(made(filled)["model"]) == {first["model"], other.name}
    monitor.close()


def test_a_champion_of_another_market_is_not_followed_and_at_the_start_refused(filled: Home) -> None:
    mine = crown(filled, "zscore")
    monitor = Monitor(filled, "coinbase", "BTC-USD")
    monitor.step()
    theirs = crown(filled, "logistic", venue="reference")
    assert monitor.step()["model"] == mine.name
    monitor.close()
    with pytest.raises(NotThere, match="learned from reference BTC-USD, this market is coinbase BTC-USD"):
        Monitor(filled, "coinbase", "BTC-USD").step()
    named = Monitor(filled, "coinbase", "BTC-USD", model=theirs.name)
    assert named.step()["model"] == theirs.name
    named.close()


def test_a_model_named_by_its_kind_is_loaded_once(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = crown(filled, "zscore")
    loads: list[str] = []
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda home, name: loads.append(name) or load(home, name))
    monitor = Monitor(filled, model="zscore")
    for _ in range(3):
        monitor.step()
    monitor.close()
    assert loads == [meta.name]


def test_theta_is_the_users_where_it_was_set_for_this_model(filled: Home) -> None:
    meta = crown(filled)
    for settings, theta in ((Settings(), meta.theta), (Settings(theta=0.123, theta_model=meta.name), 0.123)):
        save_settings(filled, settings)
        monitor = Monitor(filled)
        monitor.step()
        monitor.close()
        assert set(made(filled)["theta"]) == {theta}
        filled.forecasts_db.unlink()
    other = crown(filled, "logistic")
    monitor = Monitor(filled)
    monitor.step()
    monitor.close()
    said = made(filled)
    assert set(said.loc[said["model"] == other.name, "theta"]) == {other.theta}


def test_without_a_model_it_says_to_train(filled: Home) -> None:
    with pytest.raises(NotThere, match="train first"):
        Monitor(filled).step()


def test_a_forecast_is_never_changed(home: Home) -> None:
    one = Forecast(
        venue="v", product="p", bar_end_ns=1, model="m", p=0.5, vol_bps=1.0, mid=9.0, tau_bps=2.0, theta=0.5, made_ns=3
    )
    log = Log(home)
    assert log.append([one]) == 1
    assert log.append([Forecast(**{f: getattr(one, f) for f in forecasts.FIELDS} | {"p": 0.9})]) == 0
    log.close()
    assert made(home)["p"].tolist() == [0.5]
    assert forecasts.table(home, model="other").num_rows == 0
    assert forecasts.table(home, from_ns=2).num_rows == 0


def test_a_damaged_log_is_named(home: Home) -> None:
    home.data.mkdir(parents=True)
    home.forecasts_db.write_bytes(b"not a database" * 100)
    with pytest.raises(Damaged, match="move it away"):
        forecasts.table(home)
    with pytest.raises(Damaged, match="move it away"):
        Log(home)
