"""When the bell keeps silent: a number that is shown nowhere raises nothing, and what is old is no news."""

from __future__ import annotations

import numpy as np

from core.config import Home, Settings, save_settings
from core.evaluation.events import Alarm, match
from core.features import dataset
from core.features.bars import COLUMNS, SECOND_NS, Bars
from core.features.formulas import NAMES
from core.ingestion.store import Reader, Writer
from core.live import alerts
from core.live.alerts import Ledger, started
from core.live.bell import Bell
from core.live.forecasts import table
from core.live.monitor import Monitor
from core.live.tail import Stretch, Tail
from core.training import registry
from core.training.infer import forecasts
from tests.live.conftest import crown
from tests.live.market import START_S, ticks
from tests.live.test_alerts import alert, middling


def test_a_stale_model_alerts_nobody(home: Home) -> None:
    events = ticks(3400, seed=0)
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        meta = crown(home, "zscore", 0.8)
        rule = {"theta": middling(home, meta), "theta_model": meta.name, "cooldown_s": 20, "rearm": 0.95}
        asked = Settings(feed="coinbase_exchange", tau_bps=meta.tau_bps, **rule)
        save_settings(home, asked)
        monitor = Monitor(home, clock_ns=lambda: 7)
        monitor.step()
        for at in range(5000, 6800, 300):
            if at == 5900:
                switched_ns = int(table(home, model=meta.name)["bar_end_ns"].to_numpy().max())
                save_settings(home, asked.replace(tau_bps=2 * meta.tau_bps))
            writer.append(source, events[at : at + 300])
            monitor.step()
        monitor.close()
    made = table(home, model=meta.name).to_pandas()
    calls = Alarm(rule["theta"], 20, 0.95).push_all(
        made["bar_end_ns"].to_numpy(), np.zeros(len(made), np.int64), made["p"].to_numpy()
    )
    found = [a.bar_end_ns for a in alerts.recent(home, "coinbase", "BTC-USD", 1000)]
    assert found and max(found) <= switched_ns < made["bar_end_ns"][calls].max()


def test_another_champion_is_asked_about_what_was_and_rings_nothing_of_it(filled: Home) -> None:
    crown(filled, "zscore")
    monitor = Monitor(filled, clock_ns=lambda: 7)
    monitor.step()
    other = crown(filled, "logistic")
    history = dataset.bars(Reader(filled), "coinbase", "BTC-USD")
    p = forecasts(registry.load(filled, other.name)[0], other, history, "coinbase", "BTC-USD", 0.5).rows["p"].tail(59)
    theta = float(p.median())
    assert Alarm(theta, 0, 1.0).push_all(np.arange(59), np.zeros(59, np.int64), p.to_numpy()).any()
    save_settings(filled, Settings(theta=theta, theta_model=other.name, cooldown_s=0, rearm=1.0))
    assert monitor.step()["model"] == other.name
    monitor.close()
    assert table(filled, model=other.name).num_rows and alerts.recent(filled, "coinbase", "BTC-USD") == []


def test_an_alert_that_a_dead_monitor_left_open_is_settled_on_the_bars_that_are_stored(filled: Home) -> None:
    meta = crown(filled, "zscore")
    end = int(dataset.bars(Reader(filled), "coinbase", "BTC-USD").bar_end_ns[-1500]) // SECOND_NS
    ledger = Ledger(filled)
    ledger.append([alert(end, model=meta.name, tau_bps=meta.tau_bps)])
    ledger.close()
    monitor = Monitor(filled, clock_ns=lambda: 7)
    monitor.step()
    monitor.close()
    (settled,) = alerts.recent(filled, "coinbase", "BTC-USD")
    assert settled.outcome in ("right", "false"), "900 s are kept, and more are stored"


def test_where_the_tail_begins_anew_the_alarm_does_too(filled: Home) -> None:
    meta = crown(filled, "zscore")
    with Reader(filled) as reader:
        (market,) = reader.markets()
        tail = Tail(market.venue, market.product, keep_s=60)
        bell = Bell(filled, tail, lambda: 7, lambda _: meta)
        tail.advance(reader, market)
        before = bell._following(meta)
        assert bell._following(meta) is before
        with Writer(filled) as writer:
            writer.append(writer.source("capture", "later"), ticks(30, start_s=START_S + 90_000))
        (market,) = reader.markets()
        tail.advance(reader, market)
        assert tail.begun == 3 and bell._following(meta) is not before, "sessions are counted from 0 again"
    bell.close()


def test_an_alert_has_the_fate_that_the_evaluation_counts(home: Home) -> None:
    n, cut = 400, 300
    ends = (np.arange(n) + np.where(np.arange(n) < cut, 1, 60)) * SECOND_NS  # a minute of silence ends a session
    session = (np.arange(n) >= cut).astype(np.int64)
    volatility = np.where(np.isin(np.arange(n), (100, 285, 295)), 9.0, 1.0)
    bars = Bars(ends, session, np.zeros((n, len(COLUMNS))))
    stretch = Stretch(bars, np.where(np.array(NAMES)[:, None] == "rv_60", volatility, 0.0))
    at = np.array([80, 150, 250, 280, 390])
    of_all = np.isin(np.arange(n), at)
    start = started(bars, volatility, 5.0, 60)
    counted = match(ends, session, of_all, start, 60)
    known = alerts.settled([alert(int(ends[i] // SECOND_NS)) for i in at], stretch, "rv_60", 5.0)
    fates = {a.bar_end_ns: outcome for a, outcome, _ in known}
    assert [fates.get(int(ends[i])) for i in at] == ["right", "false", "unknown", "unknown", None]
    for i in at:
        judged = fates.get(int(ends[i])) in ("right", "false")
        assert counted.alert[i] == judged and counted.right[i] == (fates.get(int(ends[i])) == "right")
