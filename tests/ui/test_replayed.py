"""What the time machine's loaders give: every stretch as the store has it, from where its alarm begins."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from core import jobs
from core.config import Home, Settings, save_settings
from core.features.bars import SECOND_NS
from core.ingestion.store import Market, Reader, Writer
from core.live.replay import Replay, raised, replay
from core.training.registry import Meta
from tests.live.conftest import crown
from tests.live.market import fill, ticks
from ui import charts, loaders
from ui.moment import moment

GOES_ON = ticks(2000)
HOURS = 5000
"""Seconds of one session from 23:17:20 on: stretches of 2,560 and 2,440 s."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Meta]:
    home = Home(tmp_path_factory.mktemp("long") / "home")
    fill(home, ticks(HOURS))
    return home, crown(home, "zscore", 0.8)


@pytest.fixture
def shown(long: tuple[Home, Meta], monkeypatch: pytest.MonkeyPatch) -> tuple[Home, Meta]:
    monkeypatch.setenv("TREMOR_HOME", str(long[0].root))
    return long


def market(home: Home) -> Market:
    return Reader(home).markets()[0]


@pytest.mark.parametrize("cooldown_s", [None, 300, 1800, 3600, 86_400])
def test_the_alarm_begins_a_cooldown_before_the_stretch_as_far_as_its_session_goes(
    shown: tuple[Home, Meta], cooldown_s: int | None
) -> None:
    home, meta = shown
    save_settings(home, Settings(cooldown_s=cooldown_s))
    first, second = loaders.stretches(market(home), meta)
    assert first.session_ns == second.session_ns == first.first_ns < second.first_ns - 1800 * SECOND_NS
    begins = loaders.replayed(market(home), meta, second).bars.bar_end_ns[0]
    assert begins == max(second.first_ns - max(900, cooldown_s or 0) * SECOND_NS, first.first_ns)


def test_alerts_under_a_long_cooldown_are_those_of_the_whole_session(shown: tuple[Home, Meta]) -> None:
    home, meta = shown
    save_settings(home, Settings(cooldown_s=3300))
    first, second = loaders.stretches(market(home), meta)
    part = loaders.replayed(market(home), meta, second)
    whole = replay(home, from_ns=first.first_ns, to_ns=second.last_ns)

    def alerts(of: Replay) -> list[int]:
        ends = of.bars.bar_end_ns[raised(of, theta, cooldown_s=3300).at]
        return [int(ns) for ns in ends if ns >= second.first_ns]

    theta = float(np.nanquantile(whole.p, 0.9))
    short = replay(home, from_ns=second.first_ns - 900 * SECOND_NS, to_ns=second.last_ns)
    assert alerts(part) == alerts(whole) != alerts(short)


def test_the_picture_is_the_same_however_early_the_alarm_begins(shown: tuple[Home, Meta]) -> None:
    home, meta = shown
    drawn = []
    for cooldown_s in (0, 3600):
        save_settings(home, Settings(cooldown_s=cooldown_s))
        piece = loaders.stretches(market(home), meta)[1]
        made = loaders.replayed(market(home), meta, piece)
        m = moment(made, piece.first_ns + 300 * SECOND_NS, piece.first_ns, alerts=raised(made, 1.0))
        drawn.append(charts.replayed("dark", m, theta=0.5, ghost=None, horizon_s=60).to_json())
    assert drawn[0] == drawn[1]


@contextmanager
def captured(home: Home) -> Iterator[None]:
    with jobs.hold(home, "capture") as me:
        me.beat(message="receiving", every_s=0, feed="coinbase", venue="coinbase", products=["BTC-USD"])
        yield


@pytest.fixture
def growing(long: tuple[Home, Meta], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, Meta]:
    """A copy of the model in a home of its own, of 1,300 s that go on."""
    home = Home(tmp_path / "growing")
    shutil.copytree(long[0].root / "models", home.root / "models")
    monkeypatch.setenv("TREMOR_HOME", str(home.root))
    fill(home, GOES_ON[:2600])
    return home, long[1]


def seconds(home: Home, meta: Meta) -> int:
    return sum(piece.bars for piece in loaders.stretches(market(home), meta))


def test_after_a_stop_every_second_can_be_replayed_and_before_it_the_list_grows_by_ten_minutes(
    growing: tuple[Home, Meta],
) -> None:
    home, meta = growing
    with Writer(home) as writer, captured(home):
        source = writer.source("capture", "coinbase")
        writer.append(source, GOES_ON[2600:2700])
        assert seconds(home, meta) == 1349
        writer.append(source, GOES_ON[2700:3000])
        assert seconds(home, meta) == 1349, "the whole history is read for it: not at each second"
        writer.append(source, GOES_ON[3000:3700])
        assert seconds(home, meta) == 1849
        writer.append(source, GOES_ON[3700:3800])
    assert seconds(home, meta) == 1899


def test_seconds_that_are_imported_stand_in_the_list(growing: tuple[Home, Meta]) -> None:
    home, meta = growing
    assert seconds(home, meta) == 1299
    fill(home, GOES_ON[2600:2700], "more")
    assert seconds(home, meta) == 1349


@pytest.mark.parametrize("beside", ["nothing", "a capture"])
def test_an_import_of_what_was_missing_changes_the_list_and_the_replay_of_old_seconds(
    growing: tuple[Home, Meta], beside: str
) -> None:
    home, meta = growing
    fill(home, GOES_ON[2700:], "after a silence")
    with captured(home) if beside == "a capture" else nullcontext():
        first, second = loaders.stretches(market(home), meta)
        assert (first.bars, second.bars) == (1300, 649)
        early = structs.replace(first, last_ns=first.first_ns + 1100 * SECOND_NS)
        before = loaders.replayed(market(home), meta, early)
        assert loaders.replayed(market(home), meta, early) is before
        fill(home, GOES_ON[2600:2700], "what was missing")
        assert [piece.bars for piece in loaders.stretches(market(home), meta)] == [1300, 50, 649]
        assert len(loaders.replayed(market(home), meta, early).bars) > len(before.bars)
