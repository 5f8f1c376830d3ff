"""A replay's position comes from an anchor and a clock: it cannot drift, and a link holds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.features.bars import SECOND_NS
from ui.playback import SPEEDS, Playback

START = 1_700_003_840 * SECOND_NS
LAST = START + 3600 * SECOND_NS
SECONDS = st.integers(0, 3600).map(lambda s: START + s * SECOND_NS)


@given(at=SECONDS, speed=st.sampled_from(SPEEDS), looks=st.lists(st.integers(0, 10**9), max_size=30))
def test_looking_at_it_any_number_of_times_moves_nothing(at: int, speed: int, looks: list[int]) -> None:
    playing, clock = Playback(at_ns=at, speed=speed).played(5), 5
    for wait in looks:
        clock += wait
        assert playing.position(clock, LAST) == min(at + (clock - 5) * speed // SECOND_NS * SECOND_NS, LAST)


@given(at=SECONDS, speeds=st.lists(st.sampled_from(SPEEDS), min_size=1, max_size=6))
def test_a_change_of_speed_and_a_pause_go_on_from_where_it_stands(at: int, speeds: list[int]) -> None:
    here, clock, gone = Playback(at_ns=at).played(0), 0, 0
    for speed in speeds:
        here = here.at_speed(speed, clock, LAST)
        clock += 7 * SECOND_NS
        gone += 7 * speed
        assert here.position(clock, LAST) == min(at + gone * SECOND_NS, LAST)
        here = here.paused(clock, LAST)
        clock += 1000 * SECOND_NS  # standing
        assert not here.playing and here.position(clock, LAST) == min(at + gone * SECOND_NS, LAST)
        here = here.played(clock)


@given(at=SECONDS, speed=st.sampled_from(SPEEDS), theta=st.none() | st.integers(1, 999).map(lambda k: k / 1000))
def test_a_link_is_the_place_it_was_made_at_and_stands(at: int, speed: int, theta: float | None) -> None:
    made = Playback("coinbase:BTC-USD", "har-1", at, speed, theta, since_ns=3)
    opened = Playback.of_link(made.link())
    assert opened == Playback("coinbase:BTC-USD", "har-1", at, speed, theta)
    assert not opened.playing and opened.play == "" != made.play


@pytest.mark.parametrize("given_", [{"at": "soon"}, {"speed": "fast"}, {"theta": "x"}, {"speed": "nan"}, {"speed": ""}])
def test_a_link_that_cannot_be_read_says_what_it_must_be(given_: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="a time such as"):
        Playback.of_link(given_)


def test_a_link_by_hand_is_brought_to_what_there_is() -> None:
    made = Playback.of_link({"speed": "7", "theta": "5", "at": "2023-11-14T23:17:20"})
    assert (made.speed, made.theta, made.at_ns) == (5, 0.999, START)
    assert Playback.of_link({"more": "x"}) == Playback()
