"""The proof at its full size: exchange, capture and monitor as processes of their own, then the replay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from core import jobs
from core.config import Home, Settings, save_settings
from core.ingestion.store import Reader
from core.live import escrow, forecasts, pipeline
from core.live.agreement import agreements
from core.live.replay import replay
from tests.live.conftest import crown

pytestmark = pytest.mark.slow
SPEED = 60.0
HISTORY_S, WATCHED = 1500, 600


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    save_settings(home, Settings(speed=SPEED))
    yield home
    for name in ("monitor", "capture", "exchange"):
        jobs.stop(home, name)


def wait(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(0.2)


def test_what_processes_forecast_live_is_replayed_to_the_bit(running: Home) -> None:
    home = running
    pipeline.start_capture(home, Settings(speed=SPEED))
    wait(lambda: any(m.last_ns - m.first_ns > HISTORY_S * 10**9 for m in Reader(home).markets()), 120)
    crown(home, "zscore", 0.9, "embedded")
    first = crown(home, "logistic", 0.9, "embedded")
    said: list[int] = []
    for _ in range(2):  # the second one starts late, behind a pause
        before = forecasts.table(home).num_rows
        pipeline.start_monitor(home, "embedded", "BTC-USD")
        wait(lambda: forecasts.table(home).num_rows > before + WATCHED, 120)  # noqa: B023
        second = crown(home, "har", 0.9, "embedded")  # while it runs: it follows
        wait(lambda: jobs.read(home, "monitor").fields.get("model") == second.name, 60)  # noqa: B023
        wait(lambda: forecasts.table(home, model=second.name).num_rows > 300, 120)  # noqa: B023
        jobs.stop(home, "monitor")
        said.append(forecasts.table(home).num_rows)
    jobs.stop(home, "capture")
    market = Reader(home).markets()[0]
    whole = replay(home, from_ns=market.first_ns, to_ns=market.last_ns)
    found = agreements(home, whole)
    assert {first.name, second.name} < {a.model for a in found}
    assert [a.first for a in found] == [None] * len(found)
    assert sum(a.equal for a in found) == said[-1] == escrow.verify(home).rows > 2 * WATCHED
