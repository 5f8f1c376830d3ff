import numpy as np
import pandas as pd
import pytest

from core.config import Home, Settings, save_settings
from core.errors import NotThere
from core.features import dataset
from core.ingestion.store import Reader, Writer
from core.live import forecasts
from core.live.forecasts import Forecast, Log
from core.live.monitor import Monitor
from core.training import registry
from tests.features.tapes import same
from tests.live.conftest import crown
from tests.live.market import START_S, ticks


def made(home: Home) -> pd.DataFrame:
    return forecasts.table(home).to_pandas()


@pytest.mark.parametrize("name", ["zscore", "logistic", "xgboost"])
def test_live_forecasts_are_those_of_history_to_the_bit(home: Home, name: str) -> None:
    events = ticks(3000)
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        meta = crown(home, name)
        monitor = Monitor(home, clock_ns=lambda: 7)
        for i in range(5000, 6000, 130):
            monitor.step()
            writer.append(source, events[i : i + 130])
        monitor.step()
        monitor.close()
    bars = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    table = dataset.table(bars)
    estimator, _ = registry.load(home, meta.name)
    x = pd.DataFrame({f: table[dataset.formulas.NAMES.index(f)] for f in meta.features})
    got = made(home)
    at = np.searchsorted(bars.bar_end_ns, got["bar_end_ns"])
    assert len(got) > 1000
    assert same(got["p"].to_numpy(), estimator.predict_proba(x.iloc[at])[:, 1])
    assert same(got["vol_bps"].to_numpy(), x["rv_60"].to_numpy()[at])
    assert set(got["made_ns"]) == {7}


def test_warming_up_has_no_number(filled: Home) -> None:
    crown(filled)
    with Writer(filled) as writer:
        writer.append(writer.source("capture", "later"), ticks(42, start_s=START_S + 5000))
    monitor = Monitor(filled)
    said = monitor.step()
    monitor.close()
    assert said["sentence"] == "warming up: 40 of 60 bars"
    assert said["p"] is None and said["vol_bps"] is None
    last = made(filled).tail(41)
    assert last["p"].isna().all()
    assert last["mid"].notna().all()


def test_nothing_new_writes_nothing_and_the_champion_is_followed(filled: Home) -> None:
    crown(filled, "zscore")
    monitor = Monitor(filled)
    first = monitor.step()
    before = len(made(filled))
    assert "p" not in monitor.step()
    assert len(made(filled)) == before
    other = crown(filled, "logistic")
    assert monitor.step()["model"] == other.name != first["model"]
    assert set(made(filled)["model"]) == {first["model"], other.name}
    monitor.close()


def test_theta_is_the_users_where_there_is_one(filled: Home) -> None:
    meta = crown(filled)
    monitor = Monitor(filled)
    assert monitor.step()["theta"] == meta.theta
    monitor.close()
    save_settings(filled, Settings(theta=0.123))
    crown(filled, "logistic")
    monitor = Monitor(filled)
    assert monitor.step()["theta"] == 0.123
    monitor.close()


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
