"""Forecasts in escrow: what was written is what is there, and what became of it is what a label says."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from core.config import Home
from core.features import dataset
from core.features.bars import SECOND_NS
from core.features.labels import Question, forward_volatility
from core.ingestion.store import Reader, Writer
from core.live import escrow
from core.live.forecasts import Forecast, Log, table
from core.live.monitor import Monitor
from tests.live.conftest import crown
from tests.live.market import ticks


def forecast(second: int, model: str = "zscore-1", **changes: object) -> Forecast:
    fields: dict[str, object] = {
        "venue": "coinbase", "product": "BTC-USD", "bar_end_ns": second * SECOND_NS, "model": model, "p": 0.25,
        "vol_bps": 3.5, "mid": 91_000.0, "tau_bps": 8.7, "theta": 0.5, "made_ns": second, "horizon_s": 60,
        "seen_ns": second * SECOND_NS,
    }  # fmt: skip
    return Forecast(**(fields | changes))  # type: ignore[arg-type]


OLD = "e70b2a1a40c31668e32e43a58acce656af60e2642214053bda5e710ea8b671df"
"""What the version before doubts made of `forecast(5)`."""


def written(home: Home, n: int = 20) -> None:
    log = Log(home)
    for i in range(n):
        log.append([forecast(i), forecast(i, "har-1", p=None)])
    log.close()


def tampered(home: Home, statement: str) -> None:
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


def test_what_was_written_is_whole_and_a_second_time_adds_nothing(home: Home) -> None:
    assert escrow.verify(home).rows == 0
    written(home)
    before = escrow.verify(home)
    assert (before.rows, before.unsealed, before.broken) == (40, 0, None)
    written(home)
    assert escrow.verify(home) == before


def test_a_row_of_a_log_without_doubts_keeps_its_hash(home: Home) -> None:
    before = "dc4d7c8f5ba0ba9e6d9d1d0d8ff2c8e1"
    assert escrow.digest(before, forecast(5)) == OLD
    assert escrow.digest(before, forecast(5, doubt="spread_10 14 bps, training saw at most 6.1")) != OLD


@pytest.mark.parametrize(
    "changes", ["doubt = 'spread_10 14' WHERE seq = 3", "doubt = NULL WHERE seq = 4", "doubt = '' WHERE seq = 3"]
)
def test_a_doubt_that_was_added_changed_or_taken_away_is_found(home: Home, changes: str) -> None:
    log = Log(home)
    log.append([forecast(1), forecast(2), forecast(3), forecast(4, doubt="spread_10 14")])
    log.close()
    assert table(home)["doubt"].to_pylist() == [None, None, None, "spread_10 14"]
    assert escrow.verify(home).broken is None
    tampered(home, f"UPDATE forecasts SET {changes}")
    assert str(escrow.verify(home).broken).endswith("changed after it was written")


def test_a_sealed_log_of_before_there_were_doubts_is_verified_as_it_is(home: Home) -> None:
    written(home, 3)
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        connection.execute("ALTER TABLE forecasts DROP COLUMN doubt")
    assert (escrow.verify(home).rows, escrow.verify(home).broken) == (6, None)
    assert set(table(home)["doubt"].to_pylist()) == {None}
    written(home, 5)
    assert (escrow.verify(home).rows, escrow.verify(home).broken) == (10, None)


@pytest.mark.parametrize("field", ["p", "vol_bps", "mid", "tau_bps", "theta", "made_ns", "seen_ns", "horizon_s"])
@pytest.mark.parametrize("row", [1, 17, 39])
def test_a_changed_field_is_found(home: Home, field: str, row: int) -> None:
    written(home)
    tampered(home, f"UPDATE forecasts SET {field} = coalesce({field}, 0) + 1 WHERE seq = {row}")
    broken = escrow.verify(home).broken
    assert (
        broken is not None
        and broken.startswith(f"forecast {row}, ")
        and broken.endswith("changed after it was written")
    )


def test_a_forecast_that_was_taken_away_is_found_and_a_cut_end_changes_the_head(home: Home) -> None:
    written(home)
    head = escrow.verify(home).head
    tampered(home, "DELETE FROM forecasts WHERE seq = 40")
    assert escrow.verify(home).broken is None and escrow.verify(home).head != head
    tampered(home, "DELETE FROM forecasts WHERE seq = 12")
    assert "forecast 12 is missing" in str(escrow.verify(home).broken)


def test_a_hash_made_anew_for_the_changed_row_breaks_the_next_one(home: Home) -> None:
    written(home)
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        (before,) = connection.execute("SELECT hash FROM forecasts WHERE seq = 10").fetchone()
        sealed = escrow.digest(before, forecast(5, p=0.99))
        connection.execute("UPDATE forecasts SET p = 0.99, hash = ? WHERE seq = 11", (sealed,))
        connection.commit()
    assert str(escrow.verify(home).broken).startswith("forecast 12, ")


def test_forecasts_of_an_earlier_version_are_read_and_counted_apart(home: Home) -> None:
    home.data.mkdir(parents=True)
    old = "venue TEXT, product TEXT, bar_end_ns INTEGER, model TEXT, p REAL, vol_bps REAL, mid REAL, tau_bps REAL,"
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        connection.execute(f"CREATE TABLE forecasts ({old} theta REAL, made_ns INTEGER, "
                           "PRIMARY KEY (venue, product, model, bar_end_ns)) WITHOUT ROWID")  # fmt: skip
        connection.execute("INSERT INTO forecasts VALUES ('coinbase', 'BTC-USD', 1, 'm', 0.1, 1, 1, 1, 0.5, 1)")
        connection.commit()
    assert escrow.verify(home) == escrow.Chain(rows=0, unsealed=1, head="", broken=None)
    assert table(home)["seen_ns"].to_pylist() == [None]
    written(home, 2)
    assert (escrow.verify(home).rows, escrow.verify(home).unsealed) == (4, 1)
    assert escrow.verify(home).broken is None and table(home).num_rows == 5


def test_a_file_that_wants_a_tau_in_each_row_is_moved_with_its_chain_whole(home: Home) -> None:
    written(home, 3)
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'forecasts'").fetchone()[0]
        connection.execute("ALTER TABLE forecasts RENAME TO now")
        connection.execute(made.replace("tau_bps REAL,", "tau_bps REAL NOT NULL,"))
        connection.execute("INSERT INTO forecasts SELECT * FROM now")
        connection.execute("DROP TABLE now")
        connection.commit()
    before, rows = escrow.verify(home), table(home)
    log = Log(home)
    assert escrow.verify(home) == before and table(home) == rows
    assert log.append([forecast(9, p=None, tau_bps=None)]) == 1
    log.close()
    assert (escrow.verify(home).rows, escrow.verify(home).broken) == (7, None)
    assert table(home)["tau_bps"].to_pylist()[-1] is None


def test_grades_are_the_labels_and_shadows_forecast_the_same_bars(home: Home) -> None:
    events = ticks(3000, silences=(2680,))
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        shadow = crown(home, "zscore")
        champion = crown(home, "logistic")
        monitor = Monitor(home, clock_ns=lambda: 7)
        for i in range(5000, 5400, 50):
            monitor.step()
            writer.append(source, events[i : i + 50])
        monitor.close()
        writer.append(source, events[5400:5900])  # nobody watches; the open ones are graded later
        monitor = Monitor(home, clock_ns=lambda: 8)
        monitor.step()
        writer.append(source, events[5900:])
        monitor.step()
        monitor.close()
    history = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    labels = forward_volatility(Question(), dataset.table(history), history.bar_end_ns, history.session)
    truth = dict(zip(history.bar_end_ns.tolist(), labels.tolist(), strict=True))
    with closing(sqlite3.connect(home.forecasts_db)) as connection:
        graded = connection.execute("SELECT model, bar_end_ns, outcome_bps FROM grades").fetchall()
    assert {model for model, *_ in graded} == {shadow.name, champion.name}
    for _, bar_end_ns, outcome in graded:
        assert (np.isnan(truth[bar_end_ns]) and outcome is None) or truth[bar_end_ns] == outcome
    assert any(outcome is None for *_, outcome in graded), "the silence leaves some without an outcome"
    mine, other = escrow.records(home, "coinbase", "BTC-USD")
    assert (mine.model, other.model) == (champion.name, shadow.name)
    assert (mine.graded, mine.ungraded, mine.open) == (other.graded, other.ungraded, other.open)
    assert mine.graded + mine.ungraded == len(graded) / 2 and mine.late == 0
    said = table(home, model=champion.name).to_pandas().set_index("bar_end_ns")
    pairs = [
        (said.loc[b, "p"], o >= said.loc[b, "tau_bps"]) for m, b, o in graded if m == champion.name and o is not None
    ]
    p, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    assert mine.spikes == y.sum() and mine.brier == pytest.approx(((p - y) ** 2).mean())
    assert escrow.verify(home).broken is None


def test_a_forecast_written_after_its_horizon_does_not_count(home: Home) -> None:
    log = Log(home)
    log.append([forecast(1), forecast(2, seen_ns=62 * SECOND_NS), forecast(3, seen_ns=62 * SECOND_NS)])
    log.close()
    grades = escrow.Grades(home)
    grades.append([(f, 9.0) for f in grades.open("coinbase", "BTC-USD")], 1)
    grades.close()
    (record,) = escrow.records(home, "coinbase", "BTC-USD")
    assert (record.graded, record.late, record.spikes, record.skill) == (2, 1, 2, None)
