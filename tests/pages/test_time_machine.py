"""The time machine in its states: nothing to replay, standing, playing, warming up, opened by a link."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home, load_settings
from core.features import dataset
from core.features.bars import SECOND_NS
from core.ingestion.store import Reader
from core.live import forecasts
from core.live.replay import Piece, pieces, stamp
from core.training import registry
from tests.pages.conftest import ROOT, START_S, Clock, Visit
from tests.pages.filled import fill
from tests.pages.test_markets import cell
from tests.pages.test_states import words


@pytest.fixture(scope="module")
def stretches(stored: Home) -> list[Piece]:
    meta = registry.champion(stored)
    assert meta is not None
    return pieces(dataset.bars(Reader(stored), "embedded", "BTC-USD"), meta)


def ran(what: Any) -> AppTest:
    """The page after a run of itself, or of a widget that was just used."""
    app: AppTest = what.run()
    assert not app.exception
    return app


def link_of(app: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def pressed(app: AppTest, key: str) -> AppTest:
    return ran(app.button(key=key).click())


def at_s(app: AppTest) -> int:
    """Where the page stands, in seconds since the fixture's start."""
    found = re.search(r"<b[^>]*>(\d\d):(\d\d):(\d\d)</b>", cell(app, "Replayed, UTC"))
    assert found is not None
    hours, minutes, seconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds - START_S % 86_400


def test_it_opens_standing_before_the_newest_spike_and_says_the_bar_in_words(
    machine: Visit, stored: Home, stretches: list[Piece]
) -> None:
    app = machine(stored)
    said = words(app)
    assert 'data-box="bad"' not in said
    assert "paused" in cell(app, "Replayed, UTC") and app.button(key="play").label == "Play"
    newest = next(p for p in stretches[::-1] if p.episodes)
    place = at_s(app)
    assert newest.first_ns <= (START_S + place) * SECOND_NS <= newest.last_ns
    assert cell(app, "Spikes so far").count('<b class="">0</b>') == 1
    assert re.search(r"UTC: mid [\d,]+\.\d\d USD, volatility .* against τ .* bps, (P\(spike|feature missing: )", said)
    pressed(app, "spike_on")
    assert at_s(app) > place and "at or above τ" in cell(app, "Volatility then")
    assert "1" in cell(app, "Spikes so far")


@pytest.mark.parametrize(
    ("key", "end", "said"),
    [
        ("alert_on", -1, "No alert further on in this stretch."),
        ("alert_back", 0, "No alert before this in this stretch."),
        ("spike_on", -1, "No spike further on in this market."),
        ("spike_back", 0, "No spike before this in this market."),
    ],
)
def test_a_jump_that_finds_nothing_says_so_each_time_it_is_pressed(
    machine: Visit, stored: Home, stretches: list[Piece], key: str, end: int, said: str
) -> None:
    piece = stretches[end]
    app = machine(stored, at=stamp(piece.last_ns if end else piece.first_ns))
    place = at_s(app)
    assert said not in words(app), "nothing is told ahead"
    for _ in range(2):
        pressed(app, key)
        assert at_s(app) == place and words(app).count(said) == 1
    assert said not in words(pressed(app, "back_1" if end else "on_1"))


def test_steps_and_the_ends_of_a_stretch(machine: Visit, stored: Home, stretches: list[Piece]) -> None:
    app = machine(stored, at=stamp(stretches[0].first_ns + 300 * SECOND_NS))
    place = at_s(app)
    assert at_s(pressed(app, "on_1")) == place + 1
    assert at_s(pressed(app, "on_10")) == place + 11
    assert at_s(pressed(app, "back_10")) == place + 1
    assert at_s(pressed(app, "back_1")) == place
    first = machine(stored, at=stamp(stretches[0].first_ns))
    assert at_s(pressed(first, "back_10")) == at_s(first) == stretches[0].first_ns // SECOND_NS - START_S


def test_no_shortcut_is_a_key_that_presses_the_button_with_the_focus(machine: Visit, stored: Home) -> None:
    keys = {button.key: button.proto.shortcut for button in machine(stored).button if button.proto.shortcut}
    assert keys["play"].lower() == "k" and len(set(keys.values())) == len(keys) == 9
    assert not {"space", "enter"} & {key.lower() for key in keys.values()}


def test_it_plays_by_the_clock_survives_reruns_and_stands_at_the_end(
    machine: Visit, stored: Home, stretches: list[Piece], clock: Clock
) -> None:
    app = machine(stored, at=stamp(stretches[0].first_ns + 100 * SECOND_NS), speed="30")
    place = at_s(app)
    pressed(app, "play")
    assert app.button(key="play").label == "Pause" and "playing at 30x" in cell(app, "Replayed, UTC")
    for seconds in (1, 2, 5):
        clock.now_s = 1_000 + seconds
        ran(app)
        ran(app)
        assert at_s(app) == place + 30 * seconds
    assert 'role="status"' not in words(app), "a strip that changes every second is not read out"
    line = (ROOT / "ui/time_line/time_line.html").read_text(encoding="utf-8")
    assert not re.search(r"<output|aria-live|role=", line), "nor is the time beside the slider, which says its own"
    pressed(app, "play")
    clock.now_s += 500
    assert at_s(ran(app)) == place + 150 and "paused" in cell(app, "Replayed, UTC")
    pressed(app, "play")
    clock.now_s += 500
    ran(app)
    assert (at_s(app) + START_S) * SECOND_NS == stretches[0].last_ns
    assert app.button(key="play").label == "Play"
    assert at_s(pressed(app, "play")) == stretches[0].first_ns // SECOND_NS - START_S, "from the beginning again"


def test_a_change_of_speed_goes_on_from_where_it_is(
    machine: Visit, stored: Home, stretches: list[Piece], clock: Clock
) -> None:
    app = machine(stored, at=stamp(stretches[0].first_ns), speed="10")
    place = at_s(app)
    pressed(app, "play")
    clock.now_s += 3
    assert at_s(ran(app.segmented_control(key="speed").set_value(60))) == place + 30
    clock.now_s += 2
    assert at_s(ran(app)) == place + 150


def test_warming_up_is_said_instead_of_a_number(machine: Visit, stored: Home, stretches: list[Piece]) -> None:
    second = next(p for p in stretches if p.first_ns > (START_S + 1230) * SECOND_NS)
    app = machine(stored, at=stamp(second.first_ns + 41 * SECOND_NS))
    for name in ("P(spike)", "Volatility then"):
        assert "warming up: 41 of 60 bars" in cell(app, name)
    assert "warming up: 41 of 60 bars" in words(app).split('data-cell="Alerts')[1], "in the sentence too"


def test_a_link_opens_the_same_view_and_leaves_the_settings_alone(
    machine: Visit, stored: Home, stretches: list[Piece]
) -> None:
    first = machine(stored, at=stamp(stretches[0].first_ns + 400 * SECOND_NS), speed="60")
    before = load_settings(stored)
    ran(first.slider(key="ghost").set_value(0.123))
    link = link_of(first)
    assert set(link) == {"market", "model", "at", "speed", "theta"} and link["market"] == "embedded:BTC-USD"
    second = machine(stored, **link)
    assert at_s(second) == at_s(first) and second.segmented_control(key="speed").value == 60
    assert 'data-cell="Ghost, θ 0.12"' in words(second)
    assert load_settings(stored) == before, "a ghost changes nothing but what is drawn"


def test_a_link_that_cannot_be_read_is_one_sentence_and_the_page_stands(machine: Visit, stored: Home) -> None:
    app = machine(stored, at="soon")
    assert words(app).count('data-box="bad"') == 1 and "a time such as" in words(app)
    assert at_s(app) >= 0


def test_ghost_alerts_are_counted_beside_those_in_use_as_far_as_was_known(machine: Visit, stored: Home) -> None:
    app = machine(stored)
    assert "move the ghost θ" in cell(app, "Ghost alerts")
    ran(app.slider(key="ghost").set_value(0.05))
    assert "caught" in cell(app, "Ghost, θ 0.05")
    assert '<td class="t">ghost</td>' in words(app) and '<td class="t">in use</td>' in words(app)


def test_the_live_run_is_held_against_the_replay(machine: Visit, stored: Home, stretches: list[Piece]) -> None:
    said = words(machine(stored, at=stamp(stretches[-1].last_ns)))
    held = sum(1 for ns in forecasts.table(stored)["bar_end_ns"].to_pylist() if ns >= stretches[-1].first_ns)
    assert held and f"All <b>{held}</b> live forecasts" in said and "equal to the bit" in said
    assert "python -m core replay --from" in said
    assert "No monitor watched this stretch" in words(machine(stored, at=stamp(stretches[0].first_ns)))


def test_a_moment_that_live_did_not_trust_reads_as_it_did_live(machine: Visit, stored: Home) -> None:
    row = next(row for row in forecasts.table(stored).to_pylist()[::-1] if row["doubt"])
    said = cell(machine(stored, at=stamp(row["bar_end_ns"])), "P(spike)")
    _, missing, what = row["doubt"].rpartition("feature missing: ")
    assert what in said and (">feature missing</b>" if missing else "not trusted: ") in said
    assert (f">{row['p']:.2f}</b>" in said) == (not missing)


def test_without_a_model_of_the_market_it_says_to_train(machine: Visit, home: Home) -> None:
    fill(home, 60, time.time_ns() - 60 * SECOND_NS)
    app = machine(home)
    assert "No model of BTC-USD yet" in words(app) and app.button(key="empty_step").label == "Open training"


def test_it_replays_beside_a_running_capture(machine: Visit, stored: Home) -> None:
    with jobs.hold(stored, "capture") as me:
        me.beat(message="receiving", every_s=0)
        assert 'data-box="bad"' not in words(machine(stored))
