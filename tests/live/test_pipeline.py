"""What is started, with which arguments, and that two simulated tapes never overlap in market time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import jobs
from core.config import Home, Settings
from core.errors import BadInput, Busy, TremorError
from core.ingestion.store import Market, Writer
from core.ingestion.ticks import Tick, Trade
from core.live import pipeline

HOUR_NS = 3_600_000_000_000
NOW = 1_795_500_000_000_000_000


@given(
    last=st.none() | st.integers(NOW - 30 * HOUR_NS, NOW),
    speed=st.sampled_from([1.0, 10.0, 60.0, 300.0]),
)
def test_the_simulated_market_begins_after_what_is_stored_and_never_ahead(last: int | None, speed: float) -> None:
    begin = pipeline.start_ns(last, NOW, speed)
    assert NOW - 6 * HOUR_NS <= begin <= NOW
    assert last is None or begin >= min(last + 60_000_000_000, NOW)
    assert last is not None or begin == (NOW if speed == 1 else NOW - 6 * HOUR_NS)


def market(venue: str, product: str, ticks: int) -> Market:
    return Market(venue, product, ticks, 0, 0, 1, 1)


def test_pages_show_the_settings_market_else_the_fullest() -> None:
    held = [market("coinbase", "BTC-USD", 5), market("embedded", "BTC-USD", 1), market("reference", "BTC-USD", 9)]
    assert pipeline.market_of(held, Settings()) == held[1]
    assert pipeline.market_of(held, Settings(feed="coinbase_exchange")) == held[0]
    assert pipeline.market_of(held, Settings(feed="coinbase_advanced")) == held[0]
    assert pipeline.market_of(held, Settings(product="ETH-USD")) == held[2]
    assert pipeline.market_of([], Settings()) is None
    with pytest.raises(BadInput, match="no feed 'kucoin'"):
        pipeline.venue_of("kucoin")


class Started:
    """Stands for core.jobs: records what was started; the exchange listens on a port of ours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.stopped: list[str] = []
        self.state = "running"
        self.server = socket.socket()
        monkeypatch.setattr(jobs, "start", self.start)
        monkeypatch.setattr(jobs, "stop", lambda _home, name: self.stopped.append(name))
        monkeypatch.setattr(jobs, "read", self.read)

    def start(self, _home: Home, name: str, argv: list[str]) -> jobs.Job:
        self.calls.append((name, list(argv)))
        if name == "exchange" and self.state == "running":
            self.server.bind(("127.0.0.1", int(argv[argv.index("--port") + 1])))
            self.server.listen()
        return jobs.Job(name=name, state="starting")

    def read(self, _home: Home, name: str) -> jobs.Job:
        state = self.state if name == "exchange" and self.calls else "none"
        return jobs.Job(name=name, state=state, message="no such option" if state == "died" else "")


def after(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    recorder = Started(monkeypatch)
    yield recorder
    recorder.server.close()


def test_embedded_starts_the_exchange_and_then_a_capture_of_it(home: Home, started: Started) -> None:
    pipeline.start_capture(home, Settings(speed=60, seed=3))
    (first, exchange), (second, capture) = started.calls
    assert (first, second) == ("exchange", "capture")
    assert (after(exchange, "--speed"), after(exchange, "--seed")) == ("60", "3")
    assert datetime.fromisoformat(after(exchange, "--start")).tzinfo is not None
    assert after(capture, "--url") == f"ws://127.0.0.1:{after(exchange, '--port')}"
    assert after(capture, "--rest-url") == f"http://127.0.0.1:{after(exchange, '--rest-port')}"
    assert after(capture, "--feed") == "coinbase_exchange"


def test_a_second_tape_is_another_path_and_its_trade_ids_go_on(home: Home, started: Started) -> None:
    pipeline.start_capture(home, Settings(seed=1))
    with Writer(home) as writer:
        source = writer.source("capture", "the first")
        known = {"venue": "embedded", "product": "BTC-USD", "price": 9 * 10**12, "exch_ts_ns": time.time_ns()}
        writer.append(source, [Tick(**known, trade_id=41), Trade(**known, trade_id=41, size=10**8)])
    used = []
    for seed in (1, 0, 0):
        started.calls.clear()
        started.server.close()
        started.server = socket.socket()
        pipeline.start_capture(home, Settings(seed=seed))
        (_, exchange), _ = started.calls
        assert after(exchange, "--last-trade-id") == "41"
        used.append(after(exchange, "--seed"))
    assert used == ["2", "0", "3"]


def test_an_exchange_that_dies_leaves_nothing_running(home: Home, started: Started) -> None:
    started.state = "died"
    with pytest.raises(TremorError, match="did not start: no such option"):
        pipeline.start_capture(home, Settings())
    assert [name for name, _ in started.calls] == ["exchange"]
    assert started.stopped[-1] == "exchange"


def test_a_real_feed_starts_no_exchange(home: Home, started: Started) -> None:
    pipeline.start_capture(home, Settings(feed="coinbase_advanced", product="ETH-USD"))
    assert started.calls == [("capture", ["capture", "--product", "ETH-USD", "--feed", "coinbase_advanced"])]


def test_a_second_capture_is_refused_with_the_pid(home: Home) -> None:
    with jobs.hold(home, "capture") as me:
        me.beat(message="receiving")
        with pytest.raises(Busy, match="already runs in this home") as refused:
            pipeline.start_capture(home, Settings())
        assert refused.value.pid is not None
        with pytest.raises(Busy, match="Stop it, then import"):
            pipeline.start_import(home, __file__)


def test_stopping_ends_the_capture_before_its_exchange(home: Home, started: Started) -> None:
    pipeline.stop_capture(home)
    assert started.stopped == ["capture", "exchange"]


@pytest.mark.parametrize("name", ["../../evil.csv", "a/b\\c.parquet", ".hidden", "ticks 2026.csv"])
def test_an_upload_stays_in_its_folder(home: Home, name: str) -> None:
    path = pipeline.keep_upload(home, name, b"x")
    assert path.parent == home.data / "uploads"
    assert path.read_bytes() == b"x"
    assert not path.name.startswith(".")


def test_an_upload_without_a_name_and_a_missing_file_are_refused(home: Home) -> None:
    with pytest.raises(BadInput, match="no letter or digit"):
        pipeline.keep_upload(home, "../..", b"x")
    with pytest.raises(BadInput, match="There is no file"):
        pipeline.start_import(home, str(Path("/no/such.csv")))
