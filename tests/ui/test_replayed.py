"""What the time machine's loaders give: every stretch as the store has it, from where its alarm begins."""

from __future__ import annotations

import numpy as np
import pytest

from core.config import Home, Settings, save_settings
from core.features.bars import SECOND_NS
from core.ingestion.store import Market, Reader
from core.live.replay import Replay, raised, replay
from core.training.registry import Meta
from tests.live.conftest import crown
from tests.live.market import fill, ticks
from ui import charts, loaders
from ui.moment import moment

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
