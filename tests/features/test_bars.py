import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.features.bars import SECOND_NS, Bars, Sampler
from core.ingestion.ticks import Tape
from tests.features.tapes import START_S, beat, quote, random_tape, same, tape, trade


def sampled(t: Tape) -> Bars:
    return Sampler().push(t)


def ends(bars: Bars) -> list[int]:
    return [int(e // SECOND_NS) - START_S for e in bars.bar_end_ns]


def test_a_bar_closes_when_an_event_passes_its_end_by_half_a_second() -> None:
    first = [quote(0.1, 100), quote(0.9, 101)]
    assert ends(sampled(tape([*first, quote(1.4, 102)]))) == []
    closed = sampled(tape([*first, quote(1.5, 102)]))
    assert ends(closed) == [1]
    assert closed.of("open")[0] == 100 and closed.of("close")[0] == 101 and closed.of("n_ticks")[0] == 2


def test_a_tick_within_the_lateness_enters_its_bar_and_a_later_one_enters_none() -> None:
    sampler = Sampler()
    bars = sampler.push(
        tape([quote(0.1, 100), quote(1.3, 102), quote(0.8, 101), quote(1.6, 103), quote(0.9, 99), quote(2.6, 104)])
    )
    assert ends(bars) == [1, 2]
    assert bars.of("close").tolist() == [101, 103]
    assert bars.of("n_ticks").tolist() == [2, 2]
    assert sampler.late == 1


def test_a_second_without_ticks_is_a_bar_with_the_last_mid() -> None:
    bars = sampled(tape([quote(0.5, 100), quote(4.6, 101)]))
    assert ends(bars) == [1, 2, 3, 4]
    assert bars.of("close").tolist() == [100, 100, 100, 100]
    assert bars.of("n_ticks").tolist() == [1, 0, 0, 0]
    assert np.isnan(bars.of("r")[0]) and bars.of("r")[1:].tolist() == [0, 0, 0]


def test_a_silence_of_more_than_ten_seconds_ends_the_session() -> None:
    bars = sampled(tape([quote(0.5, 100), quote(10.5, 101), quote(20.6, 102), quote(22.6, 103)]))
    assert ends(bars) == [*range(1, 12), 21, 22]
    assert bars.session.tolist() == [0] * 11 + [1, 1]
    assert np.isnan(bars.of("r")[11])


def test_heartbeats_vouch_for_a_silence() -> None:
    events = [quote(0.5, 100), *[beat(s + 0.5) for s in range(1, 30)], quote(30.5, 101), quote(32.6, 101)]
    bars = sampled(tape(events))
    assert set(bars.session.tolist()) == {0}
    assert ends(bars) == list(range(1, 33))


def test_another_source_is_another_session() -> None:
    bars = sampled(tape([quote(0.5, 100), quote(1.7, 101, source=2), quote(3.6, 101, source=2)]))
    assert bars.session.tolist() == [0, 1, 1]


def test_a_source_that_reaches_back_is_late_until_it_passes_the_end_of_the_one_before() -> None:
    sampler = Sampler()
    bars = sampler.push(
        tape([quote(5.5, 100), quote(3.1, 90, source=2), quote(7.2, 91, source=2), quote(9.6, 91, source=2)])
    )
    assert sampler.late == 1
    assert ends(bars) == [6, 8, 9]
    assert bars.of("close").tolist() == [100, 91, 91]


@pytest.mark.parametrize(("bid", "ask"), [(101, 100), (0, 100), (-1, 100), (0, 0)])
def test_crossed_zero_and_negative_quotes_move_nothing(bid: float, ask: float) -> None:
    bad = {"t": 0.6, "price": 100, "bid": bid, "ask": ask}
    bars = sampled(tape([quote(0.5, 100), bad, quote(1.6, 100)]))
    assert bars.of("n_ticks")[0] == 2 and bars.of("n_quotes")[0] == 1 and bars.of("n_r")[0] == 0
    assert bars.of("high")[0] == bars.of("low")[0] == 100


def test_without_quotes_the_price_is_the_mid() -> None:
    bars = sampled(tape([{"t": 0.5, "price": 100}, {"t": 0.7, "price": 102}, {"t": 1.6, "price": 101}]))
    assert bars.of("close")[0] == 102 and bars.of("n_quotes")[0] == 0


def test_returns_of_ticks_and_of_seconds() -> None:
    bars = sampled(tape([quote(0.2, 100), quote(0.4, 110), quote(1.2, 121), quote(1.3, 121), quote(2.6, 121)]))
    assert bars.of("n_r").tolist() == [1, 2]
    assert bars.of("sum_r") == pytest.approx([np.log(1.1), np.log(1.1)], rel=1e-14)
    assert bars.of("sum_r2") == pytest.approx([np.log(1.1) ** 2] * 2, rel=1e-14)
    assert bars.of("r")[1] == pytest.approx(np.log(1.1), rel=1e-14)


def test_trades_give_signed_volume_by_the_taker() -> None:
    bars = sampled(
        tape([quote(0.1, 100), trade(0.2, 100, 2, 1), trade(0.3, 100, 0.5, -1), trade(0.4, 100, 1, 0), beat(1.6)])
    )
    assert bars.of("volume")[0] == 3.5 and bars.of("signed_volume")[0] == 1.5 and bars.of("n_trades")[0] == 3


def test_spread_and_imbalance() -> None:
    bars = sampled(tape([quote(0.1, 100, 0.02, bid_size=3, ask_size=1), quote(0.2, 100, 0.04), beat(1.6)]))
    assert bars.of("sum_spread_bps")[0] == pytest.approx(2 + 4) and bars.of("n_quotes")[0] == 2
    assert bars.of("sum_imbalance")[0] == 0.5 and bars.of("n_sizes")[0] == 1


@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_chunking_gives_the_same_bars_to_the_bit(seed: int, cuts: list[int]) -> None:
    whole_tape = random_tape(seed)
    whole = sampled(whole_tape)
    sampler = Sampler()
    at = [0, *sorted(cuts), len(whole_tape)]
    parts = Bars.joined([sampler.push(whole_tape[a:b]) for a, b in itertools.pairwise(at)])
    assert same(whole.bar_end_ns, parts.bar_end_ns) and same(whole.session, parts.session)
    assert same(whole.values, parts.values)


@given(seed=st.integers(0, 10_000), cut=st.integers(0, 400))
def test_bars_of_the_first_part_are_the_first_bars_of_the_whole(seed: int, cut: int) -> None:
    t = random_tape(seed)
    first, whole = sampled(t[:cut]), sampled(t)
    assert same(first.values, whole.values[: len(first)]) and same(first.session, whole.session[: len(first)])


@given(seed=st.integers(0, 10_000))
def test_bars_are_seconds_in_order_and_every_tick_is_in_one_or_late(seed: int) -> None:
    t = random_tape(seed, trades=False, beats=False)
    sampler = Sampler()
    after = [beat(t_s, source=99) for t_s in (10_000, 10_020)]  # another session, so that all bars of the tape close
    bars = Bars.joined([sampler.push(t), sampler.push(tape(after))])
    steps = np.diff(bars.bar_end_ns)
    assert (steps > 0).all()
    assert (steps[np.diff(bars.session) == 0] == SECOND_NS).all()
    assert int(bars.of("n_ticks").sum()) + sampler.late == len(t)
    assert (bars.of("low") <= bars.of("close")).all()
    assert (bars.of("close") <= bars.of("high")).all()
