"""What the monitor says instead of a number, or beside one that should not be trusted."""

from __future__ import annotations

import re
import shutil

import msgspec

from core.config import Home, Settings, save_settings
from core.ingestion.store import Writer
from core.live.monitor import Monitor
from core.training import registry
from tests.live.conftest import crown
from tests.live.market import START_S, ticks
from tests.live.test_monitor import Clock, made


def test_a_row_outside_the_training_range_keeps_its_forecast_with_a_doubt(filled: Home) -> None:
    meta = crown(filled)
    wild = ticks(130, start_s=START_S + 5000)
    for i in range(180, 260):  # prices ten times as far apart as before
        mid = round(wild[i].bid + (-1) ** i * 300 * 10**8)
        wild[i] = msgspec.structs.replace(wild[i], bid=mid, ask=mid + 2 * 10**6, price=mid)
    monitor = Monitor(filled, clock_ns=Clock())
    monitor.step()
    with Writer(filled) as writer:
        source = writer.source("capture", "later")
        writer.append(source, wild[:170])
        assert monitor.step()["doubt"] is None
        writer.append(source, wild[170:])
        said = monitor.step()
    monitor.close()
    assert 0 <= said["p"] <= 1
    assert re.fullmatch(r"(\w+) [\d.]+( bps)?, training saw at most [\d.]+( \(\d+ more\))?", said["doubt"])
    assert said["sentence"] == f"do not trust this row: {said['doubt']}"
    rows = made(filled)
    doubted = rows[rows["doubt"].notna()]
    assert doubted["p"].notna().all() and rows["doubt"].iloc[-1] == said["doubt"]
    assert set(rows.loc[rows["bar_end_ns"] > (START_S + 5091) * 10**9, "doubt"].isna()) == {False}
    assert set(doubted["model"]) == {meta.name}


def test_a_feature_that_training_always_had_and_that_does_not_come_is_named_instead_of_a_number(filled: Home) -> None:
    crown(filled)
    blind = [msgspec.structs.replace(t, bid_size=0, ask_size=0) for t in ticks(90, start_s=START_S + 5000)]
    monitor = Monitor(filled, clock_ns=Clock())
    monitor.step()
    with Writer(filled) as writer:
        writer.append(writer.source("capture", "later"), blind)
    said = monitor.step()
    monitor.close()
    assert said["sentence"].startswith("feature missing: ") and said["sentence"] == said["doubt"]
    assert said["p"] is None and said["vol_bps"] is not None
    assert made(filled)["p"].iloc[-1] >= 0, "the log keeps what the model said, and the doubt"


def test_a_model_of_another_tau_is_called_stale_instead_of_a_number(filled: Home) -> None:
    meta = crown(filled)
    save_settings(filled, Settings(feed="coinbase_exchange", tau_bps=meta.tau_bps))
    monitor = Monitor(filled, clock_ns=Clock())
    monitor.step()
    with Writer(filled) as writer:
        source = writer.source("capture", "later")
        events = ticks(100, start_s=START_S + 5000)
        writer.append(source, events[:180])
        said = monitor.step()
        assert (said["sentence"], said["stale"]) == ("forecasting", None)
        save_settings(filled, Settings(feed="coinbase_exchange", tau_bps=2 * meta.tau_bps))
        writer.append(source, events[180:])
        said = monitor.step()
    monitor.close()
    assert said["sentence"].startswith("model stale: trained on τ ") and said["p"] is None
    last = made(filled).iloc[-1]
    assert last["p"] >= 0 and last["tau_bps"] == meta.tau_bps, "what is kept is about the champion's own τ"


def test_a_damaged_or_vanished_baseline_is_left_out_and_said(filled: Home) -> None:
    whole, hurt, unread = (crown(filled, name) for name in ("zscore", "ewma", "alarm_clock"))
    champion = crown(filled, "logistic")
    monitor = Monitor(filled)
    assert monitor.step()["left_out"] == []
    monitor.close()  # their forecasts are open
    (filled.artifacts / hurt.name / hurt.file).write_bytes(b"not what was trained")
    (filled.artifacts / unread.name / registry.META).write_bytes(b"{")
    monitor = Monitor(filled)
    left_out = monitor.step()["left_out"]
    assert len(left_out) == 2 and hurt.name in "".join(left_out) and unread.name in "".join(left_out)
    with Writer(filled) as writer:
        writer.append(writer.source("capture", "later"), ticks(90, start_s=START_S + 5000))
    monitor.step()
    monitor.close()
    rows = made(filled)
    newest = rows[rows["bar_end_ns"] == rows["bar_end_ns"].max()]
    assert set(newest["model"]) == {whole.name, champion.name}
    shutil.rmtree(filled.artifacts / hurt.name)
    monitor = Monitor(filled)
    monitor.step()
    monitor.close()
