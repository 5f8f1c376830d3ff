"""What the monitor says live has the bits of history: forecasts, and a relative tau bar by bar."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from core.config import Home
from core.features import dataset
from core.features.labels import Question, slow_volatility
from core.ingestion.store import Reader, Writer
from core.live import forecasts
from core.live.monitor import Monitor
from core.training import registry
from core.training.infer import forecasts as forecasts_of
from tests.features.tapes import same
from tests.live.conftest import crown
from tests.live.market import ticks


def made(home: Home) -> pd.DataFrame:
    return forecasts.table(home).to_pandas()


@pytest.mark.parametrize("name", ["zscore", "logistic", "xgboost", "alarm_clock", "garch", "har", "ratios", "forest"])
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
    when = pd.Index(bars.bar_end_ns, name="bar_end_ns")
    x = pd.DataFrame({f: table[dataset.formulas.NAMES.index(f)] for f in meta.features}, index=when)
    got = made(home)
    at = np.searchsorted(bars.bar_end_ns, got["bar_end_ns"])
    assert len(got) == 560  # a minute before the start, whose outcome was open, and all that came after
    assert same(got["p"].to_numpy(), estimator.predict_proba(x.iloc[at])[:, 1])
    assert same(got["vol_bps"].to_numpy(), x["rv_60"].to_numpy()[at])
    assert set(got["made_ns"]) == {7}


@pytest.mark.parametrize("name", ["zscore", "har", "ratios"])
def test_a_relative_tau_is_said_bar_by_bar_with_the_bits_of_the_labels(home: Home, name: str) -> None:
    events = ticks(3400, silences=(2600,))
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        meta = crown(home, name, relative=True)
        monitor = Monitor(home, clock_ns=lambda: 7)
        for i in range(5000, 6800, 130):
            said = monitor.step()
            writer.append(source, events[i : i + 130])
        said, again = monitor.step(), monitor.step()
        monitor.close()
    bars = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    table = dataset.table(bars)
    got = made(home)
    at = np.searchsorted(bars.bar_end_ns, got["bar_end_ns"])
    taus = meta.tau_relative * slow_volatility(Question(), table)
    assert same(got["tau_bps"].to_numpy(), taus[at])
    assert got["p"].notna().tolist() == got["tau_bps"].notna().tolist()
    assert got["tau_bps"].isna().sum() == 300, "the hour begins anew after the silence"
    told = got.dropna(subset=["p"]).reset_index(drop=True)
    estimator, _ = registry.load(home, meta.name)
    history = forecasts_of(estimator, meta, bars, "coinbase", "BTC-USD", 0.5).rows.set_index("bar_end_ns")
    assert same(told["p"].to_numpy(), history.loc[told["bar_end_ns"], "p"].to_numpy())
    assert same(told["tau_bps"].to_numpy(), history.loc[told["bar_end_ns"], "tau_bps"].to_numpy())
    assert (said["tau_bps"], said["tau_relative"]) == (told["tau_bps"].iloc[-1], meta.tau_relative)
    assert again["tau_bps"] == said["tau_bps"], "what it was last stays where no bar has closed since"
    rows = dataset.labelled(home, Question()).asked(True)
    spike = dict(zip(rows.rows["bar_end_ns"], rows.spikes(meta.tau_relative), strict=True))
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        graded = connection.execute(
            "SELECT bar_end_ns, outcome_bps >= tau_bps FROM forecasts"
            " JOIN grades USING (venue, product, model, bar_end_ns) WHERE outcome_bps IS NOT NULL"
        ).fetchall()
    known = [(bool(outcome), bool(spike[bar])) for bar, outcome in graded if bar in spike]
    assert len(known) > 200 and all(live == label for live, label in known)
