"""The parts of a capture that need no socket: delays, trade ids, rates, subscriptions."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SubscriptionRefused
from core.ingestion.capture.backoff import LONGEST_S, SHORTEST_S, Backoff
from core.ingestion.capture.counters import Rate
from core.ingestion.capture.desk import ANSWER_S, Desk
from core.ingestion.store.ids import Ids
from core.ingestion.ticks import Refused, Subscribed


@given(st.integers(0, 2**32))
def test_delays_double_under_a_cap_with_full_jitter(seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    for attempt in range(1, 2000):
        delay = backoff.next_s()
        assert SHORTEST_S <= delay <= min(LONGEST_S, SHORTEST_S * 2 ** min(attempt, 10))
    assert backoff.attempt == 1999
    backoff.reset()
    assert backoff.next_s() <= 2 * SHORTEST_S


def test_jitter_is_full() -> None:
    backoff = Backoff(random.Random(0))
    delays = sorted(backoff.next_s() for _ in range(2000))[20:]
    assert delays[200] < 5
    assert delays[1000] == pytest.approx(15, abs=2)
    assert delays[-200] > 25


@given(st.lists(st.one_of(st.integers(0, 60), st.tuples(st.integers(0, 60), st.integers(0, 20))), max_size=40))
def test_ids_are_the_set_of_what_was_added(added: list[int | tuple[int, int]]) -> None:
    ids, held = Ids(), set()
    for one in added:
        first, last = (one, one) if isinstance(one, int) else (one[0], one[0] + one[1])
        ids.add(first, last)
        held |= set(range(first, last + 1))
    ordered = sorted(held)
    jumps = [(a, b) for a, b in pairwise(ordered) if b > a + 1]
    assert ids.gaps() == jumps
    assert (ids.lowest, ids.highest) == ((ordered[0], ordered[-1]) if ordered else (None, None))
    for before, after in ((-1, 61), (10, 11), (7, 30)):
        assert ids.missing(before, after) == len(set(range(before + 1, after)) - held)
    for low, high in pairwise(ordered):
        assert ids.gaps(low, high) == ([(low, high)] if high > low + 1 else [])


def test_rates_cover_the_last_ten_seconds() -> None:
    rate = Rate()
    assert rate.per_s(0) == 0
    for second in range(100, 120):
        rate.add(second + 0.5, 3)
    assert rate.per_s(120) == pytest.approx(3, abs=0.35)
    assert rate.per_s(200) == 0
    fresh = Rate()
    fresh.add(10.0, 4)
    assert fresh.per_s(12.0) == 2


def granted(*products: str) -> Subscribed:
    return Subscribed(channels={"ticker": products, "matches": products})


def test_what_the_answer_leaves_out_is_refused_after_its_time() -> None:
    desk = Desk(["A", "B"], ("ticker", "matches"))
    desk.asked(0)
    desk.answered(granted("A"))
    assert desk.unconfirmed() == ["B ticker", "B matches"]
    assert not desk.overdue(ANSWER_S - 1)
    assert desk.wanted == ["A", "B"]
    assert not desk.overdue(ANSWER_S + 1)
    assert (desk.wanted, list(desk.refused)) == (["A"], ["B"])


def test_answers_a_channel_at_a_time_add_up() -> None:
    desk = Desk(["A"], ("ticker", "market_trades"))
    desk.asked(0)
    desk.answered(Subscribed(channels={"market_trades": ("A",)}))
    assert desk.unconfirmed() == ["A ticker"]
    desk.answered(Subscribed(channels={"ticker": ("A",), "market_trades": ("A",), "heartbeats": ("heartbeats",)}))
    assert desk.unconfirmed() == []
    assert not desk.overdue(100)


def test_a_refusal_that_names_nothing_refuses_everything_unless_something_flows() -> None:
    desk = Desk(["A", "B"], ("ticker",))
    desk.asked(0)
    desk.answered(granted("A", "B"))
    desk.refuse(Refused(message="level3 is not a valid channel"))
    assert desk.wanted == ["A", "B"]
    desk.asked(1)
    with pytest.raises(SubscriptionRefused, match="A: no; B: no"):
        desk.refuse(Refused(message="no"))


def test_a_refusal_of_something_never_asked_changes_nothing() -> None:
    desk = Desk(["A", "A"], ("ticker",))
    desk.asked(0)
    desk.refuse(Refused(message="no", product="Z"))
    assert desk.wanted == ["A"]
    assert not desk.overdue(2)


def test_without_channels_to_compare_no_answer_is_missed() -> None:
    desk = Desk(["A"], ())
    desk.asked(0)
    desk.answered(Subscribed(channels={}))
    assert not desk.overdue(100)
    assert desk.wanted == ["A"]
