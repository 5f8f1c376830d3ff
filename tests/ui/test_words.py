"""What strips, steps and consequences say: never a number where there is none, exactly one next step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.config import Settings
from core.evaluation.record import Bin
from core.ingestion.store import Market
from core.jobs import Job
from core.live.alerts import Alert
from tests.pages.conftest import trained
from ui.cells import capture_cells, monitor_cells, no_data
from ui.loaders import Counters
from ui.monitor_panels import reliability
from ui.pipeline import Facts, steps
from ui.text import HELP
from ui.view import View

NOTHING = np.empty(0)


def counters(
    running: bool = True,
    age_s: float | None = 0.2,
    behind_s: float = 0.5,
    venue: str = "embedded",
    lag_s: float | None = 0.1,
    trouble: str = "",
    here: bool = True,
) -> Counters:
    return Counters(
        running, "running" if running else "stopped", "receiving", 1, 5.0, age_s, lag_s, 0, 0, 10, behind_s, here,
        venue, ("BTC-USD",), age_s, trouble,
    )  # fmt: skip


def seen(p: float | None = 0.4, vol: float | None = 2.0, doubt: str = "") -> View:
    return View(
        t=NOTHING, mid=NOTHING, spread_bps=NOTHING, p=NOTHING, vol_bps=NOTHING, tau_bps=NOTHING, spikes=[], gaps=[],
        last_ns=10**18, last_mid=100.0, last_vol_bps=vol, last_tau_bps=None, last_p=p, doubt=doubt,
    )  # fmt: skip


@pytest.fixture
def champion(home):
    return trained(home)[1]


def cell(name: str, cells: list) -> object:
    return next(c for c in cells if c.name.startswith(name))


def alert(**changes: object) -> Alert:
    fields = {"venue": "v", "product": "p", "model": "m", "p": 0.7, "theta": 0.5, "tau_bps": 3.0, "horizon_s": 60,
              "mid": 1.0, "raised_ns": 1}  # fmt: skip
    return Alert(**(fields | changes))


def test_a_silent_feed_reads_no_data_and_never_a_number(champion) -> None:
    cells = monitor_cells(counters(age_s=31), Job(name="monitor", state="running"), seen(), champion, 0.5)
    for name in ("Feed", "P(spike)", "Volatility now"):
        assert cell(name, cells).value == "no data"
    assert "31 s" in cell("Feed", cells).detail


def test_warming_up_reads_with_its_count(champion) -> None:
    job = Job(name="monitor", state="running", message="warming up: 41 of 60 bars")
    cells = monitor_cells(counters(), job, seen(p=None, vol=None), champion, 0.5)
    assert cell("P(spike)", cells).value == "warming up"
    assert cell("P(spike)", cells).detail == "41 of 60 bars"
    assert cell("Volatility now", cells).value == "warming up"


def test_a_stale_model_says_so_and_no_number(champion) -> None:
    job = Job(name="monitor", state="running", message="forecasting")
    one = cell("P(spike)", monitor_cells(counters(), job, seen(), champion, 0.5, stale="trained on τ 7.9, now 8.7"))
    assert (one.level, one.value, one.detail) == ("warn", "model stale", "trained on τ 7.9, now 8.7")


@pytest.mark.parametrize(
    ("doubt", "value", "detail"),
    [
        (
            "spread_10 14.2 bps, training saw at most 6.1",
            "0.90",
            "not trusted: spread_10 14.2 bps, training saw at most 6.1",
        ),
        ("feature missing: flow_10, training always had it", "feature missing", "flow_10, training always had it"),
    ],
)
def test_a_row_that_is_not_trusted_keeps_its_number_and_one_without_a_feature_has_none(
    champion, doubt: str, value: str, detail: str
) -> None:
    job = Job(name="monitor", state="running", message="forecasting")
    one = cell("P(spike)", monitor_cells(counters(), job, seen(0.9, doubt=doubt), champion, 0.5))
    assert (one.level, one.value, one.detail) == ("warn", value, detail)


def test_alerts_are_those_of_the_last_hour_of_the_market(champion) -> None:
    at = 10**18
    alerts = [
        alert(bar_end_ns=at - ago * 10**9, outcome=outcome)
        for ago, outcome in ((5, None), (90, "right"), (100, "false"), (3599, "right"), (3601, "right"))
    ]
    job = Job(name="monitor", state="running")
    one = cell("Alerts", monitor_cells(counters(), job, seen(), champion, 0.5, alerts=alerts))
    assert (one.level, one.value, one.detail) == ("alert", "4", "2 right, 1 false, 1 open")
    assert cell("Alerts", monitor_cells(counters(), job, seen(), champion, 0.5)).detail == "none"


def test_what_a_probability_has_meant_is_a_sentence_or_that_too_little_is_known() -> None:
    of = Bin(p=0.5, share=0.471, rows=412, low=0.31, high=0.62, least=0.4, most=0.6)
    assert reliability(of, 0.5) == "Of 412 test rows with P 0.40 to 0.60, 0.47 were spikes (0.31 to 0.62)."
    assert reliability(None, 0.93) == "Too few test rows had a P near 0.93 to say what it has meant."


@pytest.mark.parametrize(("p", "level"), [(0.49, "ok"), (0.5, "alert"), (0.9, "alert")])
def test_an_alert_is_at_or_above_theta(champion, p: float, level: str) -> None:
    cells = monitor_cells(counters(), Job(name="monitor", state="running"), seen(p), champion, 0.5)
    assert cell("P(spike)", cells).level == level


def test_a_simulated_market_that_is_catching_up_says_so(champion) -> None:
    cells = monitor_cells(counters(behind_s=7200), Job(name="monitor", state="running"), seen(), champion, 0.5)
    assert cell("Feed", cells).value == "−2 h"


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (counters(running=False), "no capture runs"),
        (counters(age_s=None), "no tick yet"),
        (counters(age_s=10.5), "silent for 10 s"),
        (counters(here=False), "the capture records BTC-USD, simulated market"),
        (counters(trouble="cannot store: the disk is full"), "cannot store: the disk is full"),
        (counters(age_s=9.9), None),
    ],
)
def test_live_is_a_tick_of_the_shown_market_within_ten_seconds(now: Counters, why: str | None) -> None:
    assert no_data(now) == why


def test_a_real_market_never_catches_up(champion) -> None:
    now = counters(behind_s=231 * 86400, venue="coinbase", lag_s=None)
    market = Market("coinbase", "BTC-USD", 10, 10, 0, 3600 * 10**9, 1)
    cells = [*monitor_cells(now, Job(name="monitor"), seen(), champion, 0.5), *capture_cells(now, market, 0)]
    assert "catching up" not in " ".join(c.detail for c in cells)
    assert cell("Lag", cells).value == "–"
    assert cell("Feed", cells).value == "–"


def test_the_words_say_what_the_code_does() -> None:
    assert "behind each boundary" in HELP["purge"]
    assert "another path" in HELP["seed"]


def test_models_are_counted_as_they_are_offered() -> None:
    idle = Job(name="x")
    made = steps(Facts(None, Settings(), idle, idle, idle, None, None, None, 4))
    assert (made[2].button, "4 models" in made[2].sentence) == ("Train 4 models", True)


def test_exactly_one_step_is_next_until_all_are_done(champion) -> None:
    market = Market("embedded", "BTC-USD", 10, 10, 0, 3600 * 10**9, 1)
    idle, busy = Job(name="x"), Job(name="x", state="running")
    options = itertools.product(
        (None, market), (Settings(), Settings(tau_bps=3.0)), (None, champion), (None, "old"), (idle, busy)
    )
    for held, settings, best, stale, monitor in options:
        made = steps(Facts(held, settings, idle, monitor, idle, best, stale, None))
        assert [s.number for s in made] == [1, 2, 3, 4, 5, 6]
        undone = [s for s in made if s.state != "done"]
        assert [s.state for s in undone] == ["next", *["wait"] * (len(undone) - 1)]


def test_alerts_say_what_became_of_them_and_who_was_told() -> None:
    from core.live.alerts import Alert
    from ui.alert_panel import alert_rows

    def alert(second: int, **changes: object) -> Alert:
        fields: dict[str, object] = {
            "venue": "coinbase", "product": "BTC-USD", "bar_end_ns": second * 10**9, "model": "m", "p": 0.7,
            "theta": 0.004, "tau_bps": 8.7, "horizon_s": 60, "mid": 91_000.0, "raised_ns": 5,
        }  # fmt: skip
        return Alert(**(fields | changes))  # type: ignore[arg-type]

    made = [
        alert(4), alert(3, outcome="right", lead_s=12.0, seen_ns=1), alert(2, outcome="false", muted=True),
        alert(1, outcome="unknown"),
    ]  # fmt: skip
    columns, rows = alert_rows(made, {3 * 10**9: [("JSON (line 1)", 1, True), ("Slack (line 2)", 4, False)]})
    assert columns[3] == "outcome, τ 8.7 bps"
    assert [row[1:] for row in rows] == [
        ["0.70", "0.0040", "◆ open", "–", "–", ""],
        ["0.70", "0.0040", "● right", "12 s", "JSON (line 1); Slack (line 2), failed 4×", "seen"],
        ["0.70", "0.0040", "○ false", "–", "muted", ""],
        ["0.70", "0.0040", "– session ended", "–", "–", ""],
    ]


def test_records_put_the_champion_first_and_give_no_skill_where_none_exists() -> None:
    from core.live.escrow import Record
    from ui.escrow_panel import record_rows

    def record(model: str, graded: int, spikes: int, skill: float | None) -> Record:
        return Record(
            model=model, graded=graded, spikes=spikes, ungraded=3, open=60, late=1, brier=0.01 if graded else None,
            skill=skill,
        )  # fmt: skip

    records = [record("har-1", 900, 9, 0.2), record("xgb-1", 900, 9, -0.1), record("new-1", 0, 0, None)]
    _, rows = record_rows(records, {"har-1": "HAR", "xgb-1": "boosting"}, "xgb-1")
    assert rows[0] == ["boosting ★", "900", "9", "1.0 %", "0.0100", "−0.10", "60", "3", "1"]
    assert [row[0] for row in rows] == ["boosting ★", "HAR", "new-1"]
    assert rows[2][3:6] == ["–", "–", "–"]
